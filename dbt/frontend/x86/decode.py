"""x86 decoding: prefixes, opcode, ModRM, SIB, displacement and immediate (SDM vol. 2A, chapter 2)."""

from __future__ import annotations

from dbt.abi.x86_length import (
    ADDRESS_SIZE,
    IMM8,
    IMM_Z,
    LOCK,
    MAX_LENGTH,
    MODRM,
    ONE_BYTE,
    OPERAND_SIZE,
    PREFIXES,
    REP,
    REPNE,
    REX_FIRST,
    REX_LAST,
    SEGMENT_PREFIXES,
    THREE_BYTE_3A,
    THREE_BYTE_38,
    TWO_BYTE,
)

MAPS = {"": ONE_BYTE, "0F": TWO_BYTE, "0F38": THREE_BYTE_38, "0F3A": THREE_BYTE_3A}
_ESCAPES = {("", 0x0F): "0F", ("0F", 0x38): "0F38", ("0F", 0x3A): "0F3A"}
_PREFIXES = frozenset(PREFIXES)
RIP = 16  # base "register" of RIP-relative addressing
# 16-bit addressing (SDM vol. 2A, table 2-1): rm -> base, index.
_BASE_16 = ((3, 6), (3, 7), (5, 6), (5, 7), (6, None), (7, None), (5, None), (3, None))


class Encoding:
    """The parts of one instruction.

    ``prefix`` is the last of F2 and F3 (0 if none), ``segment`` an override as in ``dbt.abi.x86.SEGMENTS`` or None, ``address_size`` in bits. ``reg`` and
    ``rm`` include their REX bits; ``base`` and ``index`` are register numbers, None, or ``RIP``; ``opcode_reg`` is the register in the opcode's low bits.
    ``immediates`` are sign-extended. ``length`` may exceed the bytes that were given; then nothing else is meaningful."""

    __slots__ = (
        "map", "opcode", "operand_16", "wide", "address_size", "segment", "prefix", "lock", "rex", "mod", "reg", "rm", "base", "index", "scale",
        "displacement", "immediates", "length", "opcode_reg",
    )  # fmt: skip

    def __init__(self, data: bytes, long: bool) -> None:
        """Take *data* apart as 64-bit code if *long*, else as 32-bit code."""
        self.operand_16 = self.lock = False
        self.prefix = self.rex = 0
        self.segment: int | None = None
        self.address_size = 64 if long else 32
        self.mod = 3
        self.reg = self.rm = 0
        self.base: int | None = None
        self.index: int | None = None
        self.scale = self.displacement = 0
        self.immediates: tuple[int, ...] = ()
        self.map = ""
        self.opcode = -1
        try:
            self.length = self._parse(data, long)
        except IndexError:
            self.length = len(data) + 1

    def _parse(self, data: bytes, long: bool) -> int:
        at = 0
        byte = data[0]
        while True:
            if byte in _PREFIXES:
                self.rex = 0  # a REX prefix counts only right before the opcode
                if byte == OPERAND_SIZE:
                    self.operand_16 = True
                elif byte == ADDRESS_SIZE:
                    self.address_size = 32 if long else 16
                elif byte == LOCK:
                    self.lock = True
                elif byte in (REP, REPNE):
                    self.prefix = byte
                elif not long or byte >= 0x60:  # in 64-bit code only FS and GS overrides mean anything
                    self.segment = SEGMENT_PREFIXES[byte]
            elif long and REX_FIRST <= byte <= REX_LAST:
                self.rex = byte
            else:
                break
            at += 1
            if at == MAX_LENGTH:
                return MAX_LENGTH + 1
            byte = data[at]
        at += 1
        while (self.map, byte) in _ESCAPES:
            self.map = _ESCAPES[self.map, byte]
            byte = data[at]
            at += 1
        self.opcode = byte
        self.wide = self.rex >> 3 & 1
        self.opcode_reg = byte & 7 | self.rex << 3 & 8
        letter = MAPS[self.map][byte]
        if letter in MODRM:
            at = self._modrm(data, at, long)
        return self._immediate(data, at, letter, long)

    def _modrm(self, data: bytes, at: int, long: bool) -> int:
        modrm = data[at]
        at += 1
        self.mod = mod = modrm >> 6
        self.reg = modrm >> 3 & 7 | self.rex << 1 & 8
        rm = modrm & 7
        self.rm = rm | self.rex << 3 & 8
        if mod == 3:
            return at
        size = (0, 1, 4)[mod]
        if self.address_size == 16:
            self.base, self.index = _BASE_16[rm]
            size = (0, 1, 2)[mod]
            if mod == 0 and rm == 6:
                self.base, size = None, 2
        elif rm == 4:
            sib = data[at]
            at += 1
            self.scale = sib >> 6
            index = sib >> 3 & 7 | self.rex << 2 & 8
            self.index = index if index != 4 else None
            self.base = sib & 7 | self.rex << 3 & 8
            if sib & 7 == 5 and mod == 0:
                self.base, size = None, 4
        elif rm == 5 and mod == 0:
            self.base, size = (RIP if long else None), 4
        else:
            self.base = self.rm
        if size:
            self.displacement = _signed(data, at, size)
        return at + size

    def _immediate(self, data: bytes, at: int, letter: str, long: bool) -> int:
        z = 2 if self.operand_16 and not self.wide else 4
        if letter in "TU":
            letter = ("b" if letter == "T" else "z") if self.reg & 7 < 2 else "."
        sizes: tuple[int, ...]
        if letter in ".M":
            return at
        if letter in IMM_Z:
            sizes = (z,)
        elif letter == "j":
            sizes = (4 if long else z,)
        elif letter == "v":
            sizes = (8 if self.wide else z,)
        elif letter == "o":
            sizes = (self.address_size // 8,)
        elif letter == "p":
            sizes = (z, 2)
        elif letter == "w":
            sizes = (2,)
        elif letter == "e":
            sizes = (2, 1)
        else:
            assert letter in IMM8
            sizes = (1,)
        values = []
        for size in sizes:
            values.append(_signed(data, at, size))
            at += size
        self.immediates = tuple(values)
        return at


def _signed(data: bytes, at: int, size: int) -> int:
    if at + size > len(data):
        raise IndexError
    return int.from_bytes(data[at : at + size], "little", signed=True)
