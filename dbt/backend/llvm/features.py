"""What the lowering may ask of the host beyond the base of its architecture.

LLVM turns an operation that the host lacks into a call of a C library function, which no region may have, or refuses it: a row whose feature is missing is left
to the helper ``op``.
"""

from __future__ import annotations

from typing import NamedTuple


class Features(NamedTuple):
    """The default is x86-64 as most machines have it."""

    fma: bool = True  # fused multiply-add
    rounding: bool = True  # to an integral value in every direction (x86: SSE4.1)
    byte_shuffle: bool = True  # x86 PSHUFB (SSSE3)
    text: bool = True  # x86 PCMPESTRM and PCMPISTRM (SSE4.2)
    denormal_flag: bool = True  # notes that an operand was denormal (dbt.backend.llvm.host_flags)


BASE = Features(False, False, False, False, False)
