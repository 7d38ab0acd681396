"""The forms of x86 instructions (``dbt.frontend.form``): register numbers, displacements and immediates are free.

What decides how long an instruction is, or what it means, is special: no index, no base, a SIB byte; AH to BH; rSP where the stack is used; a displacement or
immediate of 0. Rows with operands that no field names (CL, rDX:rAX) have no form, since a free register could be one of these. Signs are fields of
their own, so that the operands of the lifted code stay affine in the fields.
"""

from __future__ import annotations

from dbt.abi.x86_length import MODRM
from dbt.frontend.form import Form, FormField
from dbt.frontend.x86.context import SP
from dbt.frontend.x86.decode import MAPS, Encoding
from dbt.frontend.x86.tables import Row

_GENERAL, _VECTOR = 1, 2  # groups
_ZERO = 1
_SIB = 1 << 4 | 1 << 12  # rm: a SIB byte follows
_NO_BASE = 1 << 5 | 1 << 13  # with mod 0
_NO_INDEX = 1 << 4
_HIGH_BYTES = 0xF0
_FIXED_OPERANDS = frozenset({"AL", "rAX", "1"})  # named by the opcode alone, in rows that leave nothing to be confused with them

# Module -> rows with a form, and whether their immediates are free.
_ROWS: dict[str, tuple[frozenset[str], bool]] = {
    "binary_arithmetic": (frozenset({"add", "adc", "sbb", "sub", "cmp", "inc", "dec", "neg", "imul_truncating"}), True),
    "logical": (frozenset({"and_", "or_", "xor", "test", "not_"}), True),
    "data_transfer": (frozenset({"mov", "movzx", "movsx", "cmovcc", "setcc", "bswap", "xchg", "xadd", "push", "pop"}), True),
    "control_transfer": (frozenset({"jcc", "jmp", "call", "jmp_indirect", "call_indirect"}), True),
    "miscellaneous": (frozenset({"lea"}), False),
    "shift_rotate": (frozenset({"rol", "ror", "rcl", "rcr", "shl", "shr", "sar", "shld", "shrd"}), False),
    "bit_byte": (frozenset({"bt", "bsf", "bsr", "popcnt"}), False),
    "x87": (frozenset({"load", "memory", "store", "stack", "compare_to_eflags", "fcmov"}), False),
}
_STACK_ROWS = frozenset({"push", "pop", "call_indirect"})
_VECTOR_MODULES = ("simd_integer", "simd_shuffle", "simd_move", "simd_float", "simd_convert")
_VECTOR_EXCEPTIONS = frozenset({"blendv", "maskmov", "pblendvb", "emms", "ldmxcsr", "stmxcsr"})


def form(row: Row, e: Encoding, data: bytes, long: bool) -> Form | None:
    """The form of instruction *data*, which decodes to *e* and *row*; None if all of its bits matter."""
    codes = row.operand_codes
    free_immediate = False
    if row.module in _ROWS:
        names, free_immediate = _ROWS[row.module]
        if row.name not in names:
            return None
    elif not row.module.startswith(_VECTOR_MODULES) or any(name in row.name for name in _VECTOR_EXCEPTIONS):
        return None
    if e.address_size != (64 if long else 32):
        return None
    made = _Fields(row, e, data)
    for code in codes:
        if not made.operand(code, free_immediate):
            return None
    return Form(len(data), tuple(made.fields)) if made.fields else None


class _Fields:
    """Collects the free fields. ``at`` is the byte that follows ModRM, SIB and displacement."""

    def __init__(self, row: Row, e: Encoding, data: bytes) -> None:
        self.row = row
        self.e = e
        self.fields: list[FormField] = []
        at = 0
        while bytes([data[at]]) != bytes([e.rex]) if e.rex else not data.startswith(bytes.fromhex(e.map) + bytes([e.opcode]), at):
            at += 1
        self.rex = at if e.rex else None
        if e.rex:
            at += 1
        self.opcode = at + len(e.map) // 2
        self.at = self.modrm = self.opcode + 1
        self.length = len(data)
        if MAPS[e.map][e.opcode] in MODRM:
            self._skip_modrm(data)

    def _skip_modrm(self, data: bytes) -> None:
        e = self.e
        self.at += 1
        self.has_sib = e.mod != 3 and e.rm & 7 == 4
        self.at += self.has_sib
        self.displacement = self.at
        self.displacement_size = (0, 1, 4, 0)[e.mod]
        if e.mod == 0 and (data[self.modrm + 1] & 7 == 5 if self.has_sib else e.rm & 7 == 5):
            self.displacement_size = 4
        self.at += self.displacement_size

    def operand(self, code: str, free_immediate: bool) -> bool:
        """Add the fields of an operand; False if the instruction can have no form because of it."""
        letter = code[0]
        if code in _FIXED_OPERANDS:
            return self.e.mod == 3
        if code.isupper() and code != "M":  # a register's name
            return False
        byte = code.endswith("b")
        if code == "St":
            self._number(8 * self.modrm, 3)
        elif letter == "G":
            return self._general(8 * self.modrm + 3, 2, byte, self.e.reg)
        elif letter in "ERM" and self.e.mod == 3:
            return self._general(8 * self.modrm, 0, byte, self.e.rm)
        elif letter == "Z":
            return self._general(8 * self.opcode, 0, byte, self.e.opcode_reg)
        elif letter == "V":
            self._register(8 * self.modrm + 3, 2, 0, _VECTOR)
        elif letter in "WU" and self.e.mod == 3:
            self._register(8 * self.modrm, 0, 0, _VECTOR)
        elif letter in "EMWU":
            self._memory()
        elif letter == "O":
            if self.length - self.at > 4:
                return False
            self._signed(self.at, self.length - self.at)
        elif letter in "IJ":
            if free_immediate and self.length - self.at <= 4:
                self._signed(self.at, self.length - self.at)
        else:
            return False
        return True

    def _general(self, bit: int, rex_bit: int, byte: bool, number: int) -> bool:
        special = 1 << SP if self.row.name in _STACK_ROWS else 0
        if byte and not self.e.rex:
            if number >= 4:
                return False
            special |= _HIGH_BYTES
        self._register(bit, rex_bit, special, _GENERAL)
        return True

    def _memory(self) -> None:
        special = 1 << SP if self.row.name in _STACK_ROWS else 0
        no_base = _NO_BASE if self.e.mod == 0 else 0
        if self.has_sib:
            sib = 8 * (self.modrm + 1)
            self._register(sib, 0, special | no_base, _GENERAL)
            self._register(sib + 3, 1, _NO_INDEX, _GENERAL)
        else:
            self._register(8 * self.modrm, 0, special | no_base | _SIB, _GENERAL)
        if self.displacement_size:
            self._signed(self.displacement, self.displacement_size)

    def _register(self, bit: int, rex_bit: int, special: int, group: int) -> None:
        pieces: tuple[tuple[int, int, int], ...] = ((bit, 7, 0),)
        if self.rex is not None:
            pieces += ((8 * self.rex + rex_bit, 1, 3),)
        self.fields.append(FormField(pieces, special, group))

    def _number(self, bit: int, width: int) -> None:
        self.fields.append(FormField(((bit, (1 << width) - 1, 0),)))

    def _signed(self, byte: int, size: int) -> None:
        """A number of *size* bytes, as its sign and the rest; no piece crosses the 64th bit."""
        first, width = 8 * byte, 8 * size - 1
        below = 64 - first
        if 0 < below < width:
            pieces: tuple[tuple[int, int, int], ...] = ((first, (1 << below) - 1, 0), (64, (1 << width - below) - 1, below))
        else:
            pieces = ((first, (1 << width) - 1, 0),)
        self.fields.append(FormField(pieces, _ZERO))
        self.fields.append(FormField(((first + width, 1, 0),)))
