"""Denormal operands of x86's arithmetic, detected by the host's own processor.

No result tells that an operand was denormal, and looking at every operand costs hot loops more than the arithmetic does. But an x86 host computes with the
guest's own instructions, and its MXCSR has the same sticky flag. So compiled code of x86 guests keeps its arithmetic such that nothing else sets that flag:
guest operations are LLVM's constrained intrinsics, which are neither moved nor folded, and what is worked out beside them compares integers.
``collect_denormals`` takes the flag over into ``fp_flags``: whoever reads these in compiled code asks for it (row ``fflags``), and the shell that compiled code
runs in does behind it, so that tier 0 and everything outside of kernels find ``fp_flags`` complete. The host's flag is clear when compiled code is entered.

A guest that reads denormals as zeros (DAZ) has no such flag. On other hosts none of this exists and compiled code looks at every operand.
"""

from __future__ import annotations

import platform

from dbt.abi.cpu import FP_INPUT_DENORMAL, FP_MODE_FLUSH_IN, FP_MODE_NAN_X86, header

PRESENT = platform.machine() == "x86_64"
DECLARATIONS = "declare i1 @take_denormals()\ndeclare void @collect_denormals(ptr)\n"
_MXCSR_DE = 1 << 1
_TAKE = f"""
  %word = alloca i32
  call void @llvm.x86.sse.stmxcsr(ptr %word)
  %old = load i32, ptr %word
  %flag = and i32 %old, {_MXCSR_DE}
  %found = icmp ne i32 %flag, 0
  br i1 %found, label %clear, label %done
clear:
  %new = xor i32 %old, {_MXCSR_DE}
  store i32 %new, ptr %word
  call void @llvm.x86.sse.ldmxcsr(ptr %word)
  br label %done
done:
  ret i1 %found
"""


def text() -> str:
    """LLVM text of ``i1 take_denormals()``, which clears the host's flag, and ``void collect_denormals(ptr cpu)``."""
    mode, flags = (header().offset(name) for name in ("fp_mode", "fp_flags"))
    return f"""
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)
define i1 @take_denormals() nounwind {{{_TAKE if PRESENT else " ret i1 false "}}}
define void @collect_denormals(ptr %cpu) nounwind {{
  %found = call i1 @take_denormals()
  br i1 %found, label %look, label %done
look:
  %mode_at = getelementptr i8, ptr %cpu, i64 {mode}
  %mode = load i64, ptr %mode_at
  %kind = and i64 %mode, {FP_MODE_NAN_X86 | FP_MODE_FLUSH_IN}
  %counts = icmp eq i64 %kind, {FP_MODE_NAN_X86}
  br i1 %counts, label %add, label %done
add:
  %flags_at = getelementptr i8, ptr %cpu, i64 {flags}
  %flags = load i64, ptr %flags_at
  %more = or i64 %flags, {FP_INPUT_DENORMAL}
  store i64 %more, ptr %flags_at
  br label %done
done:
  ret void
}}
"""
