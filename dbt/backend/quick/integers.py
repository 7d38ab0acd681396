"""Scalar operations: their operands are whole cells, zero-extended, and so are their results."""

from __future__ import annotations

from collections.abc import Callable

from dbt.backend.quick import assembler as x86
from dbt.backend.quick.assembler import R10, RAX, RBX, RCX, RDX, Place
from dbt.backend.quick.emitter import NOTHING, Emitter, Record

Row = Callable[[Emitter, Record], None]
_MOVSXD = b"\x63"


def _width(bits: int) -> int:
    """Operand size that computes *bits*."""
    return 64 if bits == 64 else 32


def wrap(e: Emitter, register: int, bits: int) -> None:
    """Keep the low *bits* (below 32)."""
    if bits == 1:
        e.asm.op_immediate(x86.AND, register, 1)
    elif bits == 8:
        e.asm.op2(x86.MOVZX_8, register, register, 8)
    elif bits == 16:
        e.asm.op2(x86.MOVZX_16, register, register)


def _sign_extend(e: Emitter, register: int, place: Place, bits: int, to: int) -> None:
    """A value of 8 to 64 bits at *place* into *register*, of *to* bits (32 or 64)."""
    if bits == 8:
        e.asm.op2(x86.MOVSX_8, register, place, to if to == 64 else 8)
    elif bits == 16:
        e.asm.op2(x86.MOVSX_16, register, place, to)
    elif bits == 32 and to == 64:
        e.asm.emit(_MOVSXD, register, place, 64)
    elif place != register:
        e.asm.move(register, place, to)


def _number(r: Record) -> int:
    """The immediate operand, as the sign-extended 32 bits of an instruction of ``_width``."""
    return r.b if r.bits >= 32 else r.b & ((1 << r.bits) - 1)


def _pair(e: Emitter, r: Record, target: int = RAX) -> Place:
    """Cell a into *target*; gives where cell b is."""
    y: Place = NOTHING
    if not r.immediate:
        y = e.cell(r.b)
        if y == RAX and target == RAX and r.a != r.b:
            e.asm.move(RBX, RAX, 64)
            y = RBX
    x = e.cell(r.a)
    if x != target:
        e.asm.move(target, x, _width(r.bits))
    if target == RAX:
        e.held = NOTHING
    return y


def _both(e: Emitter, r: Record) -> None:
    """Cell a into RAX, cell b into RBX."""
    if r.immediate:
        e.asm.move_immediate(RBX, r.b & ((1 << r.bits) - 1))
    else:
        e.read(RBX, r.b)
    e.read(RAX, r.a)
    e.held = NOTHING


def _arithmetic(opcode: int, wraps: bool) -> Row:
    def write(e: Emitter, r: Record) -> None:
        target = e.pinned.get(r.d, RAX)
        if not r.immediate and target == e.pinned.get(r.b) and r.a != r.d:
            target = RAX
        y = _pair(e, r, target)
        if r.immediate:
            e.asm.op_immediate(opcode, target, _number(r), _width(r.bits))
        else:
            e.asm.op(opcode, target, y, _width(r.bits))
        if wraps:
            wrap(e, target, r.bits)
        e.result(r.d, target)

    return write


def _multiply(e: Emitter, r: Record) -> None:
    y = _pair(e, r)
    if r.immediate:
        e.asm.emit(b"\x69", RAX, RAX, _width(r.bits), _number(r).to_bytes(4, "little", signed=True))
    else:
        e.asm.op2(x86.IMUL, RAX, y, _width(r.bits))
    wrap(e, RAX, r.bits)
    e.result(r.d)


def _multiply_high(signed: bool) -> Row:
    def write(e: Emitter, r: Record) -> None:
        _both(e, r)
        if r.bits == 64:
            e.asm.move(R10, RDX, 64)
            e.asm.one(x86.IMUL_WIDE if signed else x86.MUL_WIDE, RBX, 64)
            e.asm.move(RAX, RDX, 64)
            e.asm.move(RDX, R10, 64)
        else:
            if signed:
                for register in (RAX, RBX):
                    _sign_extend(e, register, register, r.bits, 64)
            e.asm.op2(x86.IMUL, RAX, RBX, 64)
            e.asm.shift(x86.SHR, RAX, r.bits, 64)
            e.asm.move(RAX, RAX)
            wrap(e, RAX, r.bits)
        e.result(r.d)

    return write


def _divide(signed: bool, remainder: bool) -> Row:
    """In 64 bits, where narrower quotients can't overflow."""

    def write(e: Emitter, r: Record) -> None:
        asm, done = e.asm, e.new_label()
        _both(e, r)
        if signed:
            for register in (RAX, RBX):
                _sign_extend(e, register, register, r.bits, 64)
        asm.move(R10, RDX, 64)
        asm.op(x86.TEST, RBX, RBX, 64)
        asm.move(RDX, RAX, 64)  # what is left of a division by 0
        zero = e.new_label()
        asm.jump_if(x86.E, zero)
        if signed:
            asm.code += b"\x48\x99"  # CQO
            asm.one(7, RBX, 64)
        else:
            asm.op(x86.XOR, RDX, RDX)
            asm.one(6, RBX, 64)
        asm.jump(done)
        asm.label(zero)
        asm.move_immediate(RAX, 0)
        asm.label(done)
        if remainder:
            asm.move(RAX, RDX, 64)
        asm.move(RDX, R10, 64)
        if r.bits < 64:
            asm.move(RAX, RAX)
            wrap(e, RAX, r.bits)
        e.result(r.d)

    return write


def _unary(operation: int) -> Row:
    def write(e: Emitter, r: Record) -> None:
        e.read(RAX, r.a)
        e.asm.one(operation, RAX, _width(r.bits))
        wrap(e, RAX, r.bits)
        e.result(r.d)

    return write


def _compare(condition: int, signed: bool = False) -> Row:
    def write(e: Emitter, r: Record) -> None:
        asm = e.asm
        if signed and r.bits < 32:
            _both(e, r)
            for register in (RAX, RBX):
                _sign_extend(e, register, register, r.bits, 32)
            asm.op(x86.CMP, RAX, RBX)
        elif r.immediate:
            asm.op_immediate(x86.CMP, e.cell(r.a), _number(r), _width(r.bits))
        else:
            x, y = e.cell(r.a), e.cell(r.b)
            if not isinstance(x, int):
                asm.move(RBX, x, 64)
                x = RBX
            asm.op(x86.CMP, x, y, _width(r.bits))
        asm.set_if(condition, RAX)
        e.result(r.d)

    return write


def _with_carry(condition: int, three: bool, opcode: int) -> Row:
    """A flag of a + b (+ c), or of a - b."""

    def write(e: Emitter, r: Record) -> None:
        e.read(RBX, r.b)
        e.read(R10, r.a)
        if three:
            e.asm.emit(b"\x0f\xba", 4, e.cell(r.c), 32, b"\0")  # BT: the carry flag becomes bit 0
        e.asm.op(opcode, R10, RBX, r.bits)
        e.asm.set_if(condition, RAX)
        e.result(r.d)

    return write


def _shift(operation: int) -> Row:
    def write(e: Emitter, r: Record) -> None:
        asm, bits = e.asm, r.bits
        if r.immediate:
            e.read(RAX, r.a)
            count = r.b & ((1 << bits) - 1) if bits < 64 else r.b
            if operation == x86.SAR:
                _sign_extend(e, RAX, RAX, bits, _width(bits))
                asm.shift(operation, RAX, count if 0 <= count < bits else bits - 1, _width(bits))
            elif 0 <= count < bits:
                asm.shift(operation, RAX, count, _width(bits))
            else:
                asm.op(x86.XOR, RAX, RAX)
        else:
            _both(e, r)
            if operation == x86.SAR:
                _sign_extend(e, RAX, RAX, bits, _width(bits))
                asm.move_immediate(R10, bits - 1)
                asm.op_immediate(x86.CMP, RBX, bits, 64)
                asm.move_if(x86.AE, RBX, R10, 64)
                _by_rbx(e, operation, _width(bits))
            else:
                _by_rbx(e, operation, _width(bits))
                asm.move_immediate(R10, 0)
                asm.op_immediate(x86.CMP, RBX, bits, 64)
                asm.move_if(x86.AE, RAX, R10, 64)
        wrap(e, RAX, bits)
        e.result(r.d)

    return write


def _by_rbx(e: Emitter, operation: int, bits: int) -> None:
    """Shift RAX by RBX."""
    e.asm.op(x86.XCHG, RCX, RBX, 64)
    e.asm.shift_by_cl(operation, RAX, bits)
    e.asm.op(x86.XCHG, RCX, RBX, 64)


def _rotate(e: Emitter, r: Record) -> None:
    if r.immediate:
        e.read(RAX, r.a)
        e.asm.shift(x86.ROR, RAX, r.b % r.bits, r.bits)
    else:
        _both(e, r)
        _by_rbx(e, x86.ROR, r.bits)
    e.result(r.d)


def _count_zeros(leading: bool) -> Row:
    def write(e: Emitter, r: Record) -> None:
        e.read(RBX, r.a)
        e.asm.move_immediate(R10, 2 * r.bits - 1 if leading else r.bits)
        e.asm.op2(x86.BSR if leading else x86.BSF, RAX, RBX, 64)
        e.asm.move_if(x86.E, RAX, R10, 64)
        if leading:
            e.asm.op_immediate(x86.XOR, RAX, r.bits - 1)
        e.result(r.d)

    return write


def _swap_bytes(e: Emitter, r: Record) -> None:
    e.read(RAX, r.a)
    if r.bits == 16:
        e.asm.shift(x86.ROL, RAX, 8, 16)
    else:
        e.asm.code += b"\x48\x0f\xc8" if r.bits == 64 else b"\x0f\xc8"
    e.result(r.d)


def _select(e: Emitter, r: Record) -> None:
    chosen, condition = e.cell(r.b), e.cell(r.a)
    if RAX in (chosen, condition):
        e.asm.move(R10, RAX, 64)
        chosen, condition = (R10 if place == RAX else place for place in (chosen, condition))
    e.read(RAX, r.c)
    e.asm.op_immediate(x86.CMP, condition, 0)
    e.asm.move_if(x86.NE, RAX, chosen, 64)
    e.result(r.d)


def _sign_extended(e: Emitter, r: Record) -> None:
    place = e.cell(r.a)
    if r.b == 1:
        e.read(RAX, r.a)
        e.asm.one(x86.NEG, RAX, _width(r.bits))
    else:
        _sign_extend(e, RAX, place, r.b, _width(r.bits))
    wrap(e, RAX, r.bits)
    e.result(r.d)


def _truncate(e: Emitter, r: Record) -> None:
    place = e.cell(r.a)
    if r.bits == 8:
        e.asm.op2(x86.MOVZX_8, RAX, place, 8)
    elif r.bits == 16:
        e.asm.op2(x86.MOVZX_16, RAX, place)
    else:
        e.asm.move(RAX, place)
        wrap(e, RAX, r.bits)
    e.result(r.d)


def _sign_bit(opcode_extension: int) -> Row:
    """BTR (6) or BTC (7) of the sign bit."""

    def write(e: Emitter, r: Record) -> None:
        e.read(RAX, r.a)
        e.asm.emit(b"\x0f\xba", opcode_extension, RAX, r.bits, bytes((r.bits - 1,)))
        e.result(r.d)

    return write


_ANY = (1, 8, 16, 32, 64)
_WIDE = (32, 64)
ROWS: dict[str, tuple[Row, tuple[int, ...]]] = {  # name -> row, types (bits) that it serves
    "add": (_arithmetic(x86.ADD, wraps=True), _ANY),
    "sub": (_arithmetic(x86.SUB, wraps=True), _ANY),
    "and": (_arithmetic(x86.AND, wraps=False), _ANY),
    "or": (_arithmetic(x86.OR, wraps=False), _ANY),
    "xor": (_arithmetic(x86.XOR, wraps=False), _ANY),
    "mul": (_multiply, _ANY),
    "umulh": (_multiply_high(signed=False), (8, 16, 32, 64)),
    "smulh": (_multiply_high(signed=True), (8, 16, 32, 64)),
    "udiv": (_divide(signed=False, remainder=False), (8, 16, 32, 64)),
    "urem": (_divide(signed=False, remainder=True), (8, 16, 32, 64)),
    "sdiv": (_divide(signed=True, remainder=False), (8, 16, 32)),
    "srem": (_divide(signed=True, remainder=True), (8, 16, 32)),
    "not": (_unary(x86.NOT), _ANY),
    "neg": (_unary(x86.NEG), _ANY),
    "shl": (_shift(x86.SHL), (8, 16, 32, 64)),
    "shr": (_shift(x86.SHR), (8, 16, 32, 64)),
    "sar": (_shift(x86.SAR), (8, 16, 32, 64)),
    "rotr": (_rotate, (8, 16, 32, 64)),
    "clz": (_count_zeros(leading=True), (8, 16, 32, 64)),
    "ctz": (_count_zeros(leading=False), (8, 16, 32, 64)),
    "bswap": (_swap_bytes, (16, 32, 64)),
    "carry": (_with_carry(x86.B, three=True, opcode=x86.ADC), (8, 16, 32, 64)),
    "adco": (_with_carry(x86.OVERFLOW, three=True, opcode=x86.ADC), (8, 16, 32, 64)),
    "addo": (_with_carry(x86.OVERFLOW, three=False, opcode=x86.ADD), (8, 16, 32, 64)),
    "subo": (_with_carry(x86.OVERFLOW, three=False, opcode=x86.SUB), (8, 16, 32, 64)),
    "eq": (_compare(x86.E), _ANY),
    "ne": (_compare(x86.NE), _ANY),
    "ult": (_compare(x86.B), _ANY),
    "ule": (_compare(x86.BE), _ANY),
    "slt": (_compare(x86.L, signed=True), (8, 16, 32, 64)),
    "sle": (_compare(x86.LE, signed=True), (8, 16, 32, 64)),
    "select": (_select, _ANY),
    "sext": (_sign_extended, (16, 32, 64)),
    "trunc": (_truncate, (1, 8, 16, 32)),
    "fneg": (_sign_bit(7), _WIDE),
    "fabs": (_sign_bit(6), _WIDE),
}
