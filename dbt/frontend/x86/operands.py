"""Operands: what an instruction's semantics see of its encoding.

``OPERANDS`` has the operand codes of the opcode maps (SDM vol. 2D, A.2): an addressing letter (E: ModRM register or memory, G: ModRM reg, I: immediate,
J: relative offset, A: far address, M: memory only, R: register only, O: absolute address, S: segment register, Z: register in the opcode; V, W, U: the same
with XMM registers, P, Q, N with MMX registers; St: the x87 register in rm) and a type (b, w, d, q: 8 to 64 bits; v: operand size; z: operand size, 32 at most;
y: operand size, 32 at least; x: 128; p: offset and selector). Register names stand for themselves (``rAX`` has the operand size).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dbt.frontend.x86.decode import Encoding


@dataclass(frozen=True, slots=True)
class Register:
    """General register *n*; *high* is AH, CH, DH or BH (n is then 0 to 3)."""

    n: int
    size: int
    high: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory operand: segment (as in ``dbt.abi.x86.SEGMENTS``, None for a flat one), base and index registers (None, or ``decode.RIP`` as base), scale as a
    shift."""

    size: int
    segment: int | None
    base: int | None
    index: int | None
    scale: int
    displacement: int
    address_size: int


@dataclass(frozen=True, slots=True)
class Immediate:
    """*value* is sign-extended from the encoding."""

    value: int
    size: int


@dataclass(frozen=True, slots=True)
class Relative:
    """Offset of a jump's target from the next instruction."""

    offset: int


@dataclass(frozen=True, slots=True)
class FarPointer:
    """An address in the instruction: *offset* of the operand size, sign-extended, and a selector."""

    offset: int
    selector: int


@dataclass(frozen=True, slots=True)
class SegmentRegister:
    n: int
    size: int = 16


@dataclass(frozen=True, slots=True)
class Xmm:
    n: int
    size: int


@dataclass(frozen=True, slots=True)
class Mmx:
    n: int
    size: int = 64


@dataclass(frozen=True, slots=True)
class St:
    """x87 register ST(n)."""

    n: int


Operand = Register | Memory | Immediate | SegmentRegister | Xmm | Mmx
OperandCode = Callable[[Encoding, int], Operand | Relative | FarPointer | St | None]  # of an encoding and its operand size; None: undefined
OPERANDS: dict[str, OperandCode] = {}
_SIZES: dict[str, Callable[[int], int]] = {
    "b": lambda size: 8, "w": lambda size: 16, "d": lambda size: 32, "q": lambda size: 64, "v": lambda size: size, "z": lambda size: min(size, 32),
    "y": lambda size: max(size, 32), "x": lambda size: 128, "": lambda size: 0,
}  # fmt: skip
_FIXED = {"AL": (0, 8), "CL": (1, 8), "AX": (0, 16), "DX": (2, 16), "EAX": (0, 32)}


def operand_code(code: str) -> OperandCode:
    """The decoder of one operand."""
    return OPERANDS[code]


def general(e: Encoding, n: int, size: int) -> Register:
    """General register *n* of an encoding: without REX, byte registers 4 to 7 are AH to BH."""
    if size == 8 and not e.rex and 4 <= n < 8:
        return Register(n - 4, 8, True)
    return Register(n, size)


def memory(e: Encoding, size: int) -> Memory:
    return Memory(size, e.segment, e.base, e.index, e.scale, e.displacement, e.address_size)


def _modrm(e: Encoding, size: int) -> Operand | None:
    return general(e, e.rm, size) if e.mod == 3 else memory(e, size)


def _memory_only(e: Encoding, size: int) -> Operand | None:
    return memory(e, size) if e.mod != 3 else None


def _register_only(e: Encoding, size: int) -> Operand | None:
    return general(e, e.rm, size) if e.mod == 3 else None


def _offset(e: Encoding, size: int) -> Operand | None:
    return Memory(size, e.segment, None, None, 0, e.immediates[0], e.address_size)


def _segment(e: Encoding, size: int) -> Operand | None:
    return SegmentRegister(e.reg & 7) if e.reg & 7 < 6 else None


def _xmm_or_memory(e: Encoding, size: int) -> Operand | None:
    return Xmm(e.rm, size) if e.mod == 3 else memory(e, size)


def _mmx_or_memory(e: Encoding, size: int) -> Operand | None:
    return Mmx(e.rm & 7, size) if e.mod == 3 else memory(e, size)


_LETTERS: dict[str, tuple[OperandCode, str]] = {
    "E": (_modrm, "bwdqvyz"),
    "G": (lambda e, size: general(e, e.reg, size), "bwdqvyz"),
    "I": (lambda e, size: Immediate(e.immediates[0], size), "bwvz"),
    "J": (lambda e, size: Relative(e.immediates[0]), "bz"),
    "M": (_memory_only, "bwdqvyzx"),
    "R": (_register_only, "bwdqvy"),
    "O": (_offset, "bv"),
    "S": (_segment, "w"),
    "Z": (lambda e, size: general(e, e.opcode_reg, size), "bvy"),
    "V": (lambda e, size: Xmm(e.reg, size), "x"),
    "W": (_xmm_or_memory, "wdqx"),
    "U": (lambda e, size: Xmm(e.rm, size) if e.mod == 3 else None, "x"),
    "P": (lambda e, size: Mmx(e.reg & 7, size), "q"),
    "Q": (_mmx_or_memory, "dq"),
    "N": (lambda e, size: Mmx(e.rm & 7, size) if e.mod == 3 else None, "q"),
}


def _sized(function: OperandCode, size_of: Callable[[int], int]) -> OperandCode:
    return lambda e, size: function(e, size_of(size))


for _letter, (_function, _types) in _LETTERS.items():
    for _type in _types:
        OPERANDS[_letter + _type] = _sized(_function, _SIZES[_type])
OPERANDS["M"] = _sized(_memory_only, _SIZES[""])
for _type, _size in (("b", 8), ("w", 16)):  # Edb, Edw: a whole register of 32 bits, or a byte or word of memory
    OPERANDS["Ed" + _type] = (lambda memory_size: lambda e, size: Register(e.rm, 32) if e.mod == 3 else memory(e, memory_size))(_size)
OPERANDS["rAX"] = lambda e, size: Register(0, size)
OPERANDS["Ap"] = lambda e, size: FarPointer(e.immediates[0], e.immediates[1] & 0xFFFF)
OPERANDS["Mp"] = _sized(_memory_only, _SIZES["v"])  # the size is the offset's
OPERANDS["St"] = lambda e, size: St(e.rm & 7)
OPERANDS["1"] = lambda e, size: Immediate(1, 8)
OPERANDS["Ib2"] = lambda e, size: Immediate(e.immediates[1], 8)  # the second immediate of ENTER
for _n, _name in enumerate(("ES", "CS", "SS", "DS", "FS", "GS")):
    OPERANDS[_name] = (lambda n: lambda e, _: SegmentRegister(n))(_n)
for _name, (_n, _size) in _FIXED.items():
    OPERANDS[_name] = (lambda n, size: lambda e, _: Register(n, size))(_n, _size)
