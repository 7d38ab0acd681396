"""Names that users choose by, and the engine knows."""

from __future__ import annotations

TIERS = ("0", "quick", "1", "auto")  # interpret; quick code of everything; LLVM's of everything; each as code gets hotter
MEMORIES = ("host", "tlb")  # what compiled loads rely on: the host's page protection, or the software TLB
