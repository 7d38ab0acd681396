"""ARM's FPSCR and the slots that it is kept in: ``fpscr_nzcv``, ``fpscr_ctl`` and ``fp_flags`` hold its bits in place, ``fp_mode`` follows from the control
bits (ARM ARM B4.1.58). The other bits read as zero: exceptions are never trapped.
"""

from __future__ import annotations

from dbt.abi.cpu import (
    FP_DIVZERO,
    FP_INEXACT,
    FP_INPUT_DENORMAL,
    FP_INVALID,
    FP_MODE_ALT_HALF,
    FP_MODE_DEFAULT_NAN,
    FP_MODE_FLUSH_IN,
    FP_MODE_FLUSH_OUT,
    FP_MODE_RMODE,
    FP_OVERFLOW,
    FP_SATURATED,
    FP_UNDERFLOW,
)  # fmt: skip

NZCV = 0xF0000000
CTL = 0x07F70000  # AHP, DN, FZ, RMode, Stride, Len
CUMULATIVE = FP_INVALID | FP_DIVZERO | FP_OVERFLOW | FP_UNDERFLOW | FP_INEXACT | FP_INPUT_DENORMAL | FP_SATURATED  # QC is FP_SATURATED

# Where the control bits go: (mask in fp_mode, how far FPSCR is shifted right to get there). FZ flushes operands and results.
MODE_BITS = (
    (FP_MODE_RMODE, 22),
    (FP_MODE_FLUSH_OUT, 24 - (FP_MODE_FLUSH_OUT.bit_length() - 1)),
    (FP_MODE_FLUSH_IN, 24 - (FP_MODE_FLUSH_IN.bit_length() - 1)),
    (FP_MODE_DEFAULT_NAN, 25 - (FP_MODE_DEFAULT_NAN.bit_length() - 1)),
    (FP_MODE_ALT_HALF, 26 - (FP_MODE_ALT_HALF.bit_length() - 1)),
)


def parts(fpscr: int) -> dict[str, int]:
    """Slot -> value for all of *fpscr*."""
    mode = sum(fpscr >> shift & mask for mask, shift in MODE_BITS)
    return {"fpscr_nzcv": fpscr & NZCV, "fpscr_ctl": fpscr & CTL, "fp_flags": fpscr & CUMULATIVE, "fp_mode": mode}
