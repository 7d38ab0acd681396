"""Data transfer (SDM vol. 1, 5.1.1)."""

from __future__ import annotations

from dataclasses import replace

from dbt.frontend.x86 import flags
from dbt.frontend.x86.atomics import compare_and_swap, exchange, update
from dbt.frontend.x86.context import AX, BP, BX, CX, DI, DX, SI, SP, Context
from dbt.frontend.x86.operands import Memory, Operand, Register, SegmentRegister
from dbt.ir.types import I16, I32, I64, I128, V128
from dbt.ir.unit import Inst

_ALL = (AX, CX, DX, BX, SP, BP, SI, DI)


def mov(c: Context, dst: Operand, src: Operand) -> None:
    c.write(dst, c.read(src, dst.size))


def movzx(c: Context, dst: Register, src: Operand) -> None:
    value = c.read(src)
    c.write(dst, c.extend(value, I64) if dst.size == 64 else value)


def movsx(c: Context, dst: Register, src: Operand) -> None:
    """MOVSX, MOVSXD, and (in the accumulator) CBW, CWDE, CDQE."""
    c.write(dst, _sign_extended(c, c.read(src), src.size, dst.size))


def _sign_extended(c: Context, value: Inst, size: int, to: int) -> Inst:
    if to == size:
        return value
    wide = c.extend(value, I64 if to == 64 else I32, size)
    return c.narrow(wide, to)


def cbw(c: Context) -> None:
    """CBW, CWDE, CDQE."""
    movsx(c, Register(AX, c.size), Register(AX, c.size // 2))


def cwd(c: Context) -> None:
    """CWD, CDQ, CQO: rDX is the sign of rAX."""
    value = c.get_register(AX, c.size)
    if c.size == 16:
        value = c.b.sext(I32, c.b.trunc(I16, value))
    c.put_register(DX, c.narrow(c.b.sar(value, value.type.bits - 1), c.size), c.size)


def cmovcc(c: Context, dst: Register, src: Operand, cc: int) -> None:
    """The source is read, and may fault, whatever the condition; a 32-bit destination is zero-extended even if it stays."""
    value, old = c.read(src), c.read(dst)
    c.write(dst, c.b.select(flags.condition(c, cc), value, old))


def setcc(c: Context, dst: Operand, cc: int) -> None:
    c.write(dst, c.flag_to(flags.condition(c, cc), 8))


def bswap(c: Context, dst: Register) -> None:
    """Of 16 bits it is undefined; processors and the oracle give 0."""
    c.write(dst, c.const(0, 16) if dst.size == 16 else c.b.bswap(c.read(dst)))


# Exchange: with memory always atomic ------------------------------------------------------------------------------------
def xchg(c: Context, dst: Operand, src: Register) -> None:
    """With memory it is atomic without LOCK, too."""
    value = c.read(src)
    if isinstance(dst, Memory):
        exchange(c, "rmw_xchg", c.address(dst), value, dst.size, lambda old: c.write(src, old))
    elif dst != src:
        old = c.read(dst)
        c.write(src, old)
        c.write(dst, value)


def nop_or_xchg(c: Context, dst: Register, src: Register) -> None:
    """90 to 97: XCHG with the accumulator. 90 is NOP, which leaves the upper half of RAX alone; with F3 it is PAUSE."""
    if dst.n == src.n == AX:
        if c.prefix == 0xF3:
            c.b.yield_(c.next_address(), c.mode)
            c.ends = True
        return
    xchg(c, dst, src)


def xadd(c: Context, dst: Operand, src: Register) -> None:
    addend, size = c.read(src), dst.size

    def finish(old: Inst, result: Inst) -> None:
        flags.set_add(c, old, addend, result, size)
        c.write(src, old)

    update(c, dst, lambda old: c.narrow(c.b.add(old, addend), size), finish, ("rmw_add", addend))


def cmpxchg(c: Context, dst: Operand, src: Register) -> None:
    """A register that the outcome leaves alone is not even zero-extended; memory gets a write cycle whatever the outcome."""
    b, size = c.b, dst.size
    new, expected = c.read(src), c.get_register(AX, size)

    def finish(old: Inst) -> None:
        equal = b.eq(old, expected)
        flags.set_sub(c, expected, old, c.narrow(b.sub(expected, old), size), size)
        different, end = c.branch_if(equal), b.new_label()
        if not isinstance(dst, Memory):
            c.write(dst, new)
        b.br(then=end)
        b.start(different)
        c.put_register(AX, old, size)
        b.br(then=end)
        b.start(end)

    if not isinstance(dst, Memory):
        finish(c.read(dst))
    elif c.locked:
        compare_and_swap(c, c.address(dst), expected, new, size, finish)
    else:
        old = c.load(c.address(dst), size)
        c.store(c.address(dst), b.select(b.eq(old, expected), new, old), size)
        finish(old)


def cmpxchg_pair(c: Context, dst: Memory) -> None:
    """CMPXCHG8B or, with REX.W, CMPXCHG16B."""
    if c.size == 64:
        cmpxchg16b(c, dst)
    else:
        cmpxchg8b(c, dst)


def cmpxchg16b(c: Context, dst: Memory) -> None:
    """RDX:RAX is expected, RCX:RBX is new; a misaligned operand raises #GP. Atomic without LOCK too, which does no harm."""
    b, address = c.b, c.address(dst)
    c.raise_if(b.ne(b.and_(address, 15), 0), "protection")
    expected, new = (b.bitcast(I128, b.vpair(c.get_word(low), c.get_word(high))) for low, high in ((AX, DX), (BX, CX)))
    old = b.bitcast(V128, b.cas(address, expected, new, align=16))
    low, high = b.vhalf(old, index=0), b.vhalf(old, index=1)
    equal = b.and_(b.eq(low, c.get_word(AX)), b.eq(high, c.get_word(DX)))
    flags.set_zero(c, equal)
    different, end = c.branch_if(equal), b.new_label()
    b.br(then=end)
    b.start(different)
    c.put_word(AX, low)
    c.put_word(DX, high)
    b.br(then=end)
    b.start(end)


def cmpxchg8b(c: Context, dst: Memory) -> None:
    """CMPXCHG8B: EDX:EAX is expected, ECX:EBX is new; only ZF changes."""
    b, address = c.b, c.address(dst)
    expected, new = _pair(c, DX, AX), _pair(c, CX, BX)

    def finish(old: Inst) -> None:
        equal = b.eq(old, expected)
        flags.set_zero(c, equal)
        different, end = c.branch_if(equal), b.new_label()
        b.br(then=end)
        b.start(different)
        c.put_register(AX, c.narrow(old, 32), 32)
        c.put_register(DX, c.narrow(b.shr(old, 32), 32), 32)
        b.br(then=end)
        b.start(end)

    if c.locked:
        compare_and_swap(c, address, expected, new, 64, finish)
        return
    old = b.ld(I64, address)
    b.st(address, b.select(b.eq(old, expected), new, old))
    finish(old)


def _pair(c: Context, high: int, low: int) -> Inst:
    return c.b.or_(c.b.shl(c.extend(c.get_register(high, 32), I64), 32), c.extend(c.get_register(low, 32), I64))


# Stack ------------------------------------------------------------------------------------------------------------------
def push(c: Context, src: Operand) -> None:
    if isinstance(src, SegmentRegister):
        c.push(c.extend(c.read(src), I64 if c.size == 64 else I32), c.size)
    else:
        c.push(c.read(src, c.size), c.size)


def pop(c: Context, dst: Operand) -> None:
    """An address that uses rSP sees it after the pop; POP rSP keeps what was popped."""
    value, top = c.pop(c.size)
    if isinstance(dst, Memory):
        if dst.base == SP:
            dst = replace(dst, displacement=dst.displacement + c.size // 8)
        c.write(dst, value)
        c.put_word(SP, top)
    else:
        c.put_word(SP, top)
        c.write(dst, value)


def pusha(c: Context) -> None:
    """PUSHA, PUSHAD: SP as it was before."""
    b, size, top = c.b, c.size, c.get_word(SP)
    for i, n in enumerate(_ALL, 1):
        c.store(b.sub(top, i * size // 8), c.get_register(n, size), size)
    c.put_word(SP, b.sub(top, len(_ALL) * size // 8))


def popa(c: Context) -> None:
    """POPA, POPAD: the saved SP is skipped."""
    b, size, top = c.b, c.size, c.get_word(SP)
    values = {n: c.load(b.add(top, i * size // 8), size) for i, n in enumerate(reversed(_ALL)) if n != SP}
    for n, value in values.items():
        c.put_register(n, value, size)
    c.put_word(SP, b.add(top, len(_ALL) * size // 8))
