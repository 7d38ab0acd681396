"""State of an x86 vCPU, one layout for i386 and one for x86-64 (user level, 32-bit and 64-bit code).

The architecture decides between 32-bit and 64-bit code. The guest mode says what instructions have to look for besides what they do: it is 0 but for a thread
that has set TF or AC, has unmasked an SSE exception or (32-bit code) holds a segment that is not flat (``MODE_*``), so that nobody else pays. rIP is no slot:
lifted code uses ``pcadd`` and exits carry addresses. The status flags are kept raw, so that an instruction that sets them costs little and one that reads them
works them out:

========  ==================================================================================================
CF SF OF  ``cf``, ``sf``, ``of``: 0 or 1
ZF        ``zf == 0`` (the result, zero-extended)
PF        the low byte of ``pf`` has an even number of ones (the result again)
AF        bit 4 of ``af ^ pf`` (so ``af`` is the exclusive or of the operands, ``pf`` the result)
========  ==================================================================================================

DF is ``df``; the other bits of EFLAGS that user code can change are in ``eflags``. The x87 registers are numbered physically: ``fpr0`` is R0 whatever
TOP is, its significand ``m`` and its sign and exponent ``e``; MM0 to MM7 are the significands.
"""

from __future__ import annotations

from collections.abc import Mapping

from dbt.abi.cpu import (
    FP_DIVZERO,
    FP_INEXACT,
    FP_INPUT_DENORMAL,
    FP_INVALID,
    FP_MODE_DENORMALS,
    FP_MODE_FLUSH_IN,
    FP_MODE_FLUSH_OUT,
    FP_MODE_NAN_X86,
    FP_MODE_TINY_AFTER,
    FP_OVERFLOW,
    FP_UNDERFLOW,
    CpuLayout,
    header,
)
from dbt.ir.types import F32, F64, I1, I16, I32, I64, V64, V128, Type

REGISTERS_32 = ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi")
REGISTERS_64 = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{i}" for i in range(8, 16)))
SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs")
DATA_SEGMENTS = ("es", "ss", "ds", "fs", "gs")
FLAG_SLOTS = ("cf", "pf", "af", "zf", "sf", "of")

# EFLAGS (SDM vol. 1, 3.4.3).
CF, PF, AF, ZF, SF, TF, IF, DF, OF = 1, 1 << 2, 1 << 4, 1 << 6, 1 << 7, 1 << 8, 1 << 9, 1 << 10, 1 << 11
NT, AC, ID = 1 << 14, 1 << 18, 1 << 21
EFLAGS_FIXED = 1 << 1 | IF  # what user code always reads as 1
EFLAGS_OTHER = TF | NT | AC | ID  # kept in the slot ``eflags``

# Guest modes: #DB after each instruction, #AC for misaligned accesses, #XM for SSE exceptions that are not masked, #GP by a segment's rights and limit.
MODE_TRAP, MODE_ALIGNED, MODE_UNMASKED, MODE_SEGMENTED = 1, 2, 4, 8
MODE_FLAGS = ((TF, MODE_TRAP), (AC, MODE_ALIGNED))  # those that EFLAGS decides

# Selectors that Linux gives to user code: the flat segments, and the first of the three descriptors that set_thread_area fills. Bits 0 to 2 are RPL and TI.
USER_CS_32, USER_DS, USER_CS_64 = 0x23, 0x2B, 0x33
CPU_SELECTOR = 0x7B  # its limit is the processor's number: 0
TLS_ENTRY, TLS_ENTRIES = 12, 3
TLS_SELECTORS = tuple((TLS_ENTRY + i) << 3 | 3 for i in range(TLS_ENTRIES))
CANONICAL_BITS = 48  # of a 64-bit address: the others must be copies of the last one of these
RPL, LOCAL = 3, 4  # bits 0 and 1 of a selector, and the one that says that its descriptor is in the LDT
# Access rights, as LAR gives them (bits 8 to 23 of a descriptor's second word).
RIGHT_READ_OR_WRITE, RIGHT_DOWN, RIGHT_CODE, RIGHT_PRESENT, RIGHT_BIG = 1 << 9, 1 << 10, 1 << 11, 1 << 15, 1 << 22
# A null FS or GS of 32-bit code: the base takes small offsets, and what is added with "or" takes all others to where Linux has no user memory.
NULL_BASE, NULL_PAGE = 0xE0000000, 0xFFFFF000
# What LAR and LSL tell of the descriptors that are always there: access rights (bits 8 to 23 of the descriptor's second word) and limit.
DESCRIPTORS = {
    USER_CS_32: (0xCFFB00, 0xFFFFFFFF), USER_DS: (0xCFF300, 0xFFFFFFFF), USER_CS_64: (0xAFFB00, 0xFFFFFFFF), CPU_SELECTOR: (0x40F500, 0),
}  # fmt: skip
DEBUG_BREAKPOINT, DEBUG_STEP = 1, 2  # details of a "debug" exception: INT1, or the instruction after TF was set (Linux's TRAP_BRKPT, TRAP_TRACE)
ERROR_CODE = 1 << 16  # the detail of a "protection" exception whose error code is in the slot ``error_code``

# MXCSR (SDM vol. 1, 10.2.3) is kept in parts: the slot ``mxcsr`` holds its control bits, ``fp_flags`` its flags, and ``fp_mode`` follows the control bits.
FCW_INITIAL, MXCSR_INITIAL, MXCSR_ALL = 0x37F, 0x1F80, 0xFFFF
FP_MODE = FP_MODE_NAN_X86 | FP_MODE_TINY_AFTER
MXCSR_FLAGS = ((1, FP_INVALID), (2, FP_INPUT_DENORMAL), (4, FP_DIVZERO), (8, FP_OVERFLOW), (16, FP_UNDERFLOW), (32, FP_INEXACT))  # (bit, that of fp_flags)
MXCSR_MODE_BITS = ((1 << 6, FP_MODE_FLUSH_IN), (1 << 15, FP_MODE_FLUSH_OUT))  # DAZ and FZ
MXCSR_DM = 1 << 8  # masks the exception of denormal operands; FP_MODE_DENORMALS if it is 0
MXCSR_MASKS_SHIFT = 7  # from a flag to the bit that masks its exception
MXCSR_MASKS = 0x3F << MXCSR_MASKS_SHIFT
MXCSR_ROUNDING = (0, 2, 1, 3)  # MXCSR.RC -> FP_MODE_RMODE


# The area of the x87, at the same offset in both layouts, so that one image of kernels serves them: cells of control, status (TOP apart), TOP and the abridged
# tag word of FXSAVE (bit i for R[i]); the status that x87_commit writes; a control word for the host; the last stored number; the registers; and 108 bytes in
# the format of FSAVE.
X87_CELLS = ("fcw", "fsw", "ftop", "ftw", "fsw_next", "fcw_host")
FCW_MASKS, FCW_PRECISION, FCW_ROUNDING, FCW_FIXED = 0x3F, 0x300, 0xC00, 0x40  # exception masks (bit i for flag i of the status); bit 6 is always 1
FCW_ALL = FCW_MASKS | FCW_FIXED | FCW_PRECISION | FCW_ROUNDING | 0x1000  # with the infinity control of the 80287
FSW_FLAGS, FSW_STACK, FSW_SUMMARY, FSW_BUSY = 0x3F, 0x40, 0x80, 0x8000  # besides TOP and the condition codes (dbt.ir.x87)
FSW_TOP_SHIFT = 11
FSAVE_BYTES = 108


def _layout(arch: str, registers: tuple[str, ...], word: Type, vectors: int, pinned: tuple[str, ...]) -> CpuLayout:
    layout = header()
    slots: dict[str, tuple[int, Type]] = {}

    def cell(name: str, type: Type) -> None:
        layout.add(name, 8)
        slots[name] = (layout.offset(name), type)

    for name in X87_CELLS:
        layout.add(name, 8)
    for name in X87_CELLS[:4]:
        slots[name] = (layout.offset(name), I32)
    layout.add("fout", 8, 2, align=16)
    slots["fout_low"] = (layout.offset("fout"), I64)
    slots["fout_high"] = (layout.offset("fout") + 8, I16)
    layout.add("fpr", 8, 16, align=16)
    for i in range(8):
        at = layout.offset("fpr") + 16 * i
        slots[f"fpr{i}m"] = (at, I64)
        slots[f"mm{i}"] = (at, V64)
        slots[f"fpr{i}e"] = (at + 8, I16)
    layout.add("fsave", 8, (FSAVE_BYTES + 7) // 8)
    for name in registers:
        cell(name, word)
    for name, type in (("cf", I1), ("pf", word), ("af", word), ("zf", word), ("sf", I1), ("of", I1), ("df", I1), ("eflags", I32)):
        cell(name, type)
    for name in ("fs_base", "gs_base"):
        cell(name, word)
    for i in range(TLS_ENTRIES):
        cell(f"tls{i}_base", word)
    for name in SEGMENTS:
        cell(name, I16)
    for i in range(TLS_ENTRIES):
        cell(f"tls{i}_limit", I32)
        cell(f"tls{i}_access", I32)  # 0: not set
    for name in ("ldt_selector", "ldt_base", "ldt_limit", "ldt_access"):  # the descriptor of the LDT that was asked for last
        cell(name, I32)
    if word is I32:  # what the segment registers hold besides selectors; rights are 0 for a null selector
        for name in DATA_SEGMENTS:
            if name not in ("fs", "gs"):
                cell(f"{name}_base", word)
            cell(f"{name}_limit", I32)
            cell(f"{name}_access", I32)
        cell("fs_null", I32)  # NULL_PAGE or 0
        cell("gs_null", I32)
    cell("odd_segments", I32)  # a bit for each of them that is not flat
    cell("error_code", I32)
    cell("mxcsr", I32)
    layout.add("xmm", 8, 2 * vectors, align=16)
    for i in range(vectors):
        at = layout.offset("xmm") + 16 * i
        slots[f"xmm{i}"] = (at, V128)
        slots[f"xmm{i}d"] = (at, F64)  # the scalar double
        slots[f"xmm{i}h"] = (at + 8, F64)  # the high half
        slots[f"xmm{i}s"] = (at, F32)  # the scalar single
    for name in ("fp_mode", "fp_flags"):
        slots[name] = (layout.offset(name), I32)
    initial = {"fp_mode": FP_MODE, "mxcsr": MXCSR_INITIAL, "fcw": FCW_INITIAL}
    return CpuLayout(arch, layout, slots, pinned, address_type=word, flags=FLAG_SLOTS, initial=initial)


i386 = _layout("i386", REGISTERS_32, I32, 8, REGISTERS_32)
x86_64 = _layout("x86_64", REGISTERS_64, I64, 16, (*REGISTERS_64[:9], "r12"))
assert i386.layout.offset("fsave") == x86_64.layout.offset("fsave"), "one image of kernels serves both"


def eflags(slots: Mapping[str, int]) -> int:
    """EFLAGS from the values of the slots."""
    result = slots["pf"] & 0xFF
    value = EFLAGS_FIXED | slots["eflags"] & EFLAGS_OTHER | slots["cf"] * CF | slots["sf"] * SF | slots["of"] * OF | slots["df"] * DF
    return value | (result.bit_count() % 2 == 0) * PF | (slots["zf"] == 0) * ZF | (slots["af"] ^ result) & AF


def mxcsr(slots: Mapping[str, int]) -> int:
    """MXCSR from the values of the slots."""
    flags = sum(bit for bit, flag in MXCSR_FLAGS if slots["fp_flags"] & flag)
    return slots["mxcsr"] & MXCSR_ALL & ~sum(bit for bit, _ in MXCSR_FLAGS) | flags


def mxcsr_parts(value: int) -> dict[str, int]:
    """Slot -> value for all of MXCSR."""
    mode = FP_MODE | MXCSR_ROUNDING[value >> 13 & 3] | sum(mode for bit, mode in MXCSR_MODE_BITS if value & bit)
    mode |= 0 if value & MXCSR_DM else FP_MODE_DENORMALS
    return {"mxcsr": value, "fp_mode": mode, "fp_flags": sum(flag for bit, flag in MXCSR_FLAGS if value & bit)}


def guest_mode(eflags: int, mxcsr: int, odd_segments: int) -> int:
    """The guest mode of a thread with these registers."""
    mode = sum(mode for flag, mode in MODE_FLAGS if eflags & flag) | (MODE_UNMASKED if ~mxcsr & MXCSR_MASKS else 0)
    return mode | (MODE_SEGMENTED if odd_segments else 0)


def parts(value: int) -> dict[str, int]:
    """Slot -> value for all of EFLAGS."""
    odd = 0 if value & PF else 1
    return {
        "cf": value & 1, "pf": odd, "af": odd ^ value & AF, "zf": 0 if value & ZF else 1, "sf": int(value & SF != 0), "of": int(value & OF != 0),
        "df": int(value & DF != 0), "eflags": value & EFLAGS_OTHER,
    }  # fmt: skip
