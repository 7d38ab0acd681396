"""String instructions (SDM vol. 1, 5.1.8).

A repeated one does a single step and jumps to itself: the registers tell how far it is, so faults are precise, and requests are seen between steps. Before the
step an operation of the IR does as many as it can at once, which may be none: upwards, with addresses of the full size, and not while each step has
something to check or to stop for (a guest mode). rCX, rSI and rDI have the address size. *size* is 8 for the byte forms; the others have the operand size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from dbt.frontend.x86 import flags
from dbt.frontend.x86.context import AX, CX, DI, SI, Context
from dbt.frontend.x86.operands import Memory
from dbt.ir.unit import Inst

_ES = 0  # the destination's segment, which no prefix changes
_REPE = 0xF3  # REPNE is 0xF2


class Many(NamedTuple):
    """Several steps at once: ``emit`` gives how many of the rCX wanted were done, and ``registers`` go up with them."""

    emit: Callable[[Inst], Inst]
    registers: tuple[int, ...]


class Compared(NamedTuple):
    """What a step has compared: whether it was ``equal`` (an i1), and ``set_flags``."""

    equal: Inst
    set_flags: Callable[[], None]


def _repeated(c: Context, step: Callable[[], Compared | None], many: Many | None = None) -> None:
    """Emit *step* once, or under REP as long as rCX is not 0 (and for REPE and REPNE of an instruction that compares, the outcome is as wanted). Only the last
    comparison sets the flags: if the instruction faults before, they are those that it began with (SDM vol. 2B, REP)."""
    if not c.prefix:
        if compared := step():
            compared.set_flags()
        return
    b, size = c.b, c.address_size
    count = c.get_register(CX, size)
    done = c.branch_if(b.ne(count, 0))
    one = many and _at_once(c, many, count)
    if one:
        b.start(one)
    compared = step()
    left = c.narrow(b.sub(count, 1), size)
    c.put_register(CX, left, size)
    again = b.ne(left, 0)
    if compared:
        again = b.and_(again, compared.equal if c.prefix == _REPE else b.not_(compared.equal))
    ended = c.branch_if(again)
    c.repeat()
    b.start(ended)
    if compared:
        compared.set_flags()
    b.br(then=done)
    b.start(done)
    c.branch_next()


def _at_once(c: Context, many: Many, count: Inst) -> str | None:
    """Emit several steps at once, where that is possible, and the jump to this instruction behind them; gives the label of a single step."""
    b = c.b
    if c.mode or c.address_size != c.word.bits:
        return None
    one = c.branch_if(b.not_(b.getreg("df")))
    steps = many.emit(count)
    b.brif(b.eq(steps, 0), then=one, orelse=(several := b.new_label()))
    b.start(several)
    distance = b.shl(steps, (c.size // 8).bit_length() - 1)
    for n in many.registers:
        c.put_word(n, b.add(c.get_word(n), distance))
    c.put_word(CX, b.sub(count, steps))
    c.repeat()
    return one


def _source(c: Context) -> Inst:
    return c.address(Memory(c.size, c.segment, SI, None, 0, 0, c.address_size))


def _destination(c: Context) -> Inst:
    return c.address(Memory(c.size, _ES, DI, None, 0, 0, c.address_size))


def _advance(c: Context, *registers: int) -> None:
    """Step rSI or rDI up, or down if DF is set."""
    b, size, step = c.b, c.address_size, c.size // 8
    by = b.select(b.getreg("df"), c.const(-step, max(size, 32)), c.const(step, max(size, 32)))
    for n in registers:
        c.put_register(n, c.narrow(b.add(c.get_register(n, size), by), size), size)


def movs(c: Context, size: int = 0) -> None:
    c.size = size or c.size

    def step() -> None:
        c.store(_destination(c), c.load(_source(c), c.size), c.size)
        _advance(c, SI, DI)

    def many(count: Inst) -> Inst:
        return c.b.string_move(_source(c), _destination(c), count, lane=c.size)

    _repeated(c, step, Many(many, (SI, DI)))


def stos(c: Context, size: int = 0) -> None:
    c.size = size or c.size

    def step() -> None:
        c.store(_destination(c), c.get_register(AX, c.size), c.size)
        _advance(c, DI)

    def many(count: Inst) -> Inst:
        return c.b.string_fill(_destination(c), c.get_word(AX), count, lane=c.size)

    _repeated(c, step, Many(many, (DI,)))


def lods(c: Context, size: int = 0) -> None:
    c.size = size or c.size

    def step() -> None:
        c.put_register(AX, c.load(_source(c), c.size), c.size)
        _advance(c, SI)

    _repeated(c, step)


def cmps(c: Context, size: int = 0) -> None:
    c.size = size or c.size

    def step() -> Compared:
        right = c.load(_destination(c), c.size)  # the first to fault where both do, on AMD's processors
        return _compared(c, c.load(_source(c), c.size), right, SI, DI)

    def many(count: Inst) -> Inst:
        return c.b.string_compare(_source(c), _destination(c), count, lane=c.size, equal=c.prefix == _REPE)

    _repeated(c, step, Many(many, (SI, DI)))


def scas(c: Context, size: int = 0) -> None:
    c.size = size or c.size

    def step() -> Compared:
        return _compared(c, c.get_register(AX, c.size), c.load(_destination(c), c.size), DI)

    def many(count: Inst) -> Inst:
        return c.b.string_scan(_destination(c), c.get_word(AX), count, lane=c.size, equal=c.prefix == _REPE)

    _repeated(c, step, Many(many, (DI,)))


def _compared(c: Context, left: Inst, right: Inst, *registers: int) -> Compared:
    _advance(c, *registers)
    return Compared(c.b.eq(left, right), lambda: flags.set_sub(c, left, right, c.narrow(c.b.sub(left, right), c.size), c.size))
