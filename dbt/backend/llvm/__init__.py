"""The LLVM backend: IR units to LLVM text (no import of llvmlite), LLVM text to objects (``object``, the only user of llvmlite)."""
