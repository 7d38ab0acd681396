"""An x86-64 encoder for the few forms that this backend needs (Intel SDM, volume 2, chapter 2)."""

from __future__ import annotations

RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 = range(16)

# One-byte opcodes "register, register or memory", by operation, of 16, 32 or 64 bits; one less is the form of 8 bits.
ADD, OR, ADC, AND, SUB, XOR, CMP, MOV, TEST, XCHG = 0x03, 0x0B, 0x13, 0x23, 0x2B, 0x33, 0x3B, 0x8B, 0x85, 0x87
MOV_TO_MEMORY = 0x89
LEA = 0x8D
# Two-byte opcodes, second byte.
IMUL, MOVZX_8, MOVZX_16, MOVSX_8, MOVSX_16, BSF, BSR = 0xAF, 0xB6, 0xB7, 0xBE, 0xBF, 0xBC, 0xBD
# Operations of the groups with an immediate (0x81), of shifts (0xC1 and 0xD3), and of one operand (0xF7), in ModRM.
GROUP = {ADD: 0, OR: 1, ADC: 2, AND: 4, SUB: 5, XOR: 6, CMP: 7}
ROL, ROR, SHL, SHR, SAR = 0, 1, 4, 5, 7
NOT, NEG, MUL_WIDE, IMUL_WIDE = 2, 3, 4, 5
# Conditions.
OVERFLOW, B, AE, E, NE, BE, A, L, GE, LE = 0, 2, 3, 4, 5, 6, 7, 12, 13, 14


class Memory:
    """A memory operand: base and index registers (index -1: none) and a displacement in bytes."""

    __slots__ = ("base", "index", "displacement")

    def __init__(self, base: int, displacement: int = 0, index: int = -1) -> None:
        self.base, self.index, self.displacement = base, index, displacement


class Data:
    """A memory operand in the data that goes with the code, at an offset in bytes."""

    __slots__ = ("offset",)

    def __init__(self, offset: int) -> None:
        self.offset = offset


Place = int | Memory | Data  # a register, or memory


DISPLACEMENT_ONLY = (-1, -1, 0)  # as a base: RIP and a displacement, which the caller writes
_MOST_ENCODED = 1 << 13
_encoded: dict[tuple[bytes, int, int | tuple[int, int, int], int, bytes, bytes], bytes] = {}  # what ``_encode`` gave: the same arguments come again


def _encode(opcode: bytes, register: int, where: int | tuple[int, int, int], bits: int, immediate: bytes, prefix: bytes) -> bytes:
    """One instruction; *where* is a register, or base, index and displacement."""
    if bits == 16:
        prefix += b"\x66"
    rex = (8 if bits == 64 else 0) | register >> 3 << 2
    field = (register & 7) << 3
    if isinstance(where, int):
        rex |= where >> 3
        tail = bytes((0xC0 | field | (where & 7),))
    elif where == DISPLACEMENT_ONLY:
        tail = bytes((field | 5,))
    else:
        base, index, displacement = where
        rex |= base >> 3
        short = -128 <= displacement < 128
        mode = (0x40 if short else 0x80) | field
        if index >= 0:
            rex |= index >> 3 << 1
            tail = bytes((mode | 4, (index & 7) << 3 | (base & 7)))
        elif base & 7 == RSP:
            tail = bytes((mode | 4, 0x24))
        else:
            tail = bytes((mode | (base & 7),))
        tail += displacement.to_bytes(1 if short else 4, "little", signed=True)
    return prefix + (bytes((0x40 | rex,)) if rex or bits == 8 else b"") + opcode + tail + immediate


class Assembler:
    """Code under construction. ``references``: where four bytes are the distance to the data (place, addend)."""

    def __init__(self) -> None:
        self.code = bytearray()
        self.labels: dict[str, int] = {}
        self.references: list[tuple[int, int]] = []
        self._jumps: list[tuple[int, str]] = []

    @property
    def jumps(self) -> int:
        """Number of jumps to labels."""
        return len(self._jumps)

    def label(self, name: str) -> None:
        """The next instruction is called *name*."""
        self.labels[name] = len(self.code)

    def settle(self) -> None:
        """Resolve the jumps to labels that are known."""
        waiting = []
        for at, name in self._jumps:
            to = self.labels.get(name)
            if to is None:
                waiting.append((at, name))
            else:
                self.code[at : at + 4] = (to - at - 4).to_bytes(4, "little", signed=True)
        self._jumps = waiting

    def finish(self) -> bytes:
        """The code, with all jumps to labels resolved."""
        self.settle()
        assert not self._jumps, "jumps to labels that are nowhere"
        return bytes(self.code)

    def emit(self, opcode: bytes, register: int, place: Place, bits: int = 32, immediate: bytes = b"", prefix: bytes = b"") -> None:
        """One instruction with a ModRM byte; *bits* is the operand size, 8 for byte registers."""
        if isinstance(place, Data):
            self.code += _encode(opcode, register, DISPLACEMENT_ONLY, bits, b"", prefix)
            self.references.append((len(self.code), place.offset - 4 - len(immediate)))
            self.code += bytes(4) + immediate
            return
        where = place if isinstance(place, int) else (place.base, place.index, place.displacement)
        key = (opcode, register, where, bits, immediate, prefix)
        code = _encoded.get(key)
        if code is None:
            if len(_encoded) >= _MOST_ENCODED:
                _encoded.clear()
            code = _encoded[key] = _encode(opcode, register, where, bits, immediate, prefix)
        self.code += code

    def op(self, opcode: int, register: int, place: Place, bits: int = 32) -> None:
        """``opcode register, place`` of *bits*."""
        self.emit(bytes((opcode - 1 if bits == 8 else opcode,)), register, place, bits)

    def op2(self, opcode: int, register: int, place: Place, bits: int = 32) -> None:
        """As ``op``, for two-byte opcodes. A source of 8 bits is a byte register: say so with *bits* 8 for a result of 32."""
        self.emit(bytes((0x0F, opcode)), register, place, bits)

    def op_immediate(self, opcode: int, place: Place, value: int, bits: int = 32) -> None:
        """``opcode place, value``; the value is a signed number of 32 bits."""
        operation = GROUP[opcode]
        if -128 <= value < 128:
            self.emit(b"\x80" if bits == 8 else b"\x83", operation, place, bits, value.to_bytes(1, "little", signed=True))
        else:
            self.emit(b"\x81", operation, place, bits, value.to_bytes(4, "little", signed=True))

    def move_immediate(self, register: int, value: int) -> None:
        """The 64 bits *value* (not negative) into *register*; flags stay."""
        if value < 1 << 32:
            self.code += (b"\x41" if register >= R8 else b"") + bytes((0xB8 | (register & 7),)) + value.to_bytes(4, "little")
        else:
            self.code += (b"\x49" if register >= R8 else b"\x48") + bytes((0xB8 | (register & 7),)) + value.to_bytes(8, "little")

    def store_immediate(self, place: Place, value: int) -> None:
        """The 64-bit memory at *place* becomes *value*, a signed number of 32 bits."""
        self.emit(b"\xc7", 0, place, 64, value.to_bytes(4, "little", signed=True))

    def shift(self, operation: int, register: int, count: int, bits: int) -> None:
        """Shift or rotate by a constant."""
        self.emit(b"\xc0" if bits == 8 else b"\xc1", operation, register, bits, bytes((count,)))

    def shift_by_cl(self, operation: int, register: int, bits: int) -> None:
        self.emit(b"\xd2" if bits == 8 else b"\xd3", operation, register, bits)

    def one(self, operation: int, register: int, bits: int) -> None:
        """NOT, NEG, MUL_WIDE or IMUL_WIDE."""
        self.emit(b"\xf6" if bits == 8 else b"\xf7", operation, register, bits)

    def move(self, register: int, place: Place, bits: int = 32) -> None:
        """``mov register, place``; of 32 bits, the upper half becomes 0."""
        self.op(MOV, register, place, bits)

    def store(self, place: Place, register: int, bits: int = 64) -> None:
        """``mov place, register``."""
        self.emit(b"\x88" if bits == 8 else bytes((MOV_TO_MEMORY,)), register, place, bits)

    def set_if(self, condition: int, register: int) -> None:
        """*register* becomes 1 if *condition* holds, else 0."""
        self.emit(bytes((0x0F, 0x90 | condition)), 0, register, 8)
        self.op2(MOVZX_8, register, register, 8)

    def move_if(self, condition: int, register: int, place: Place, bits: int) -> None:
        self.op2(0x40 | condition, register, place, bits)

    def jump(self, label: str) -> None:
        self.code.append(0xE9)
        self._to(label)

    def jump_if(self, condition: int, label: str) -> None:
        self.code += bytes((0x0F, 0x80 | condition))
        self._to(label)

    def jump_to(self, place: Place) -> None:
        """Indirect jump."""
        self.emit(b"\xff", 4, place)

    def call(self, place: Place) -> None:
        """Indirect call."""
        self.emit(b"\xff", 2, place)

    def call_label(self, name: str) -> None:
        self.code.append(0xE8)
        self._to(name)

    def ret(self) -> None:
        self.code.append(0xC3)

    def _to(self, label: str) -> None:
        self._jumps.append((len(self.code), label))
        self.code += bytes(4)
