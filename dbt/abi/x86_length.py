"""What follows the opcode of an x86 instruction: the one source for the frontend's decoder and for the block builder (``runtime.kernels.x86_length``).

The maps are drawn as in the SDM's appendix A (vol. 2D): sixteen opcodes a line, a letter each::

    .  nothing           M  ModRM                b B  8-bit immediate, after ModRM if a capital
    P  prefix            X  escape               z Z  immediate of 16 or 32 bits (operand size), likewise
    w  imm16             e  imm16 and imm8       j    relative displacement: as z, but always 32 bits in 64-bit code
    v  immediate of the full operand size        o    address of the address size           p    far pointer
    T  ModRM, and imm8 if its reg is 0 or 1      U    the same with z
"""

from __future__ import annotations

ONE_BYTE = (
    "MMMMbz.. MMMMbz.X"
    "MMMMbz.. MMMMbz.."
    "MMMMbzP. MMMMbzP."
    "MMMMbzP. MMMMbzP."
    "........ ........"
    "........ ........"
    "..MMPPPP zZbB...."
    "bbbbbbbb bbbbbbbb"
    "BZBBMMMM MMMMMMMM"
    "........ ..p....."
    "oooo.... bz......"
    "bbbbbbbb vvvvvvvv"
    "BBw.MMBZ e.w..b.."
    "MMMMbb.. MMMMMMMM"
    "bbbbbbbb jjpb...."
    "P.PP..TU ......MM"
).replace(" ", "")
TWO_BYTE = (
    "MMMM.... .....M.B"
    "MMMMMMMM MMMMMMMM"
    "MMMM.... MMMMMMMM"
    "........ X.X....."
    "MMMMMMMM MMMMMMMM"
    "MMMMMMMM MMMMMMMM"
    "MMMMMMMM MMMMMMMM"
    "BBBBMMM. MMMMMMMM"
    "jjjjjjjj jjjjjjjj"
    "MMMMMMMM MMMMMMMM"
    "...MBM.. ...MBMMM"
    "MMMMMMMM MMBMMMMM"
    "MMBMBBBM ........"
    "MMMMMMMM MMMMMMMM"
    "MMMMMMMM MMMMMMMM"
    "MMMMMMMM MMMMMMMM"
).replace(" ", "")
THREE_BYTE_38 = "M" * 256
THREE_BYTE_3A = "B" * 256
assert len(ONE_BYTE) == len(TWO_BYTE) == 256

MODRM = "MBZTU"
IMM8 = "bBe"
IMM_Z = "zZ"
MAX_LENGTH = 15  # a longer instruction raises #GP
REX_FIRST, REX_LAST = 0x40, 0x4F  # prefixes in 64-bit code
PREFIXES = tuple(opcode for opcode, letter in enumerate(ONE_BYTE) if letter == "P")
OPERAND_SIZE, ADDRESS_SIZE, LOCK, REPNE, REP = 0x66, 0x67, 0xF0, 0xF2, 0xF3
SEGMENT_PREFIXES = {0x26: 0, 0x2E: 1, 0x36: 2, 0x3E: 3, 0x64: 4, 0x65: 5}  # -> number as in dbt.abi.x86.SEGMENTS


def opcodes(grid: str, letters: str) -> tuple[int, int, int, int]:
    """The opcodes of *grid* that have one of *letters*, as four bit masks of 64."""
    bits = sum(1 << opcode for opcode, letter in enumerate(grid) if letter in letters)
    return (bits & (1 << 64) - 1, bits >> 64 & (1 << 64) - 1, bits >> 128 & (1 << 64) - 1, bits >> 192)
