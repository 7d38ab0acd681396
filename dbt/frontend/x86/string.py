"""String instructions (SDM vol. 1, 5.1.8).

A repeated one does a single step and jumps to itself: the registers tell how far it is, so faults are precise, requests are seen between steps, and tier 1 sees
a loop. rCX, rSI and rDI have the address size. *size* is 8 for the byte forms; the others have the operand size.
"""

from __future__ import annotations

from collections.abc import Callable

from dbt.frontend.x86 import flags
from dbt.frontend.x86.context import AX, CX, DI, SI, Context
from dbt.frontend.x86.operands import Memory
from dbt.ir.unit import Inst

_ES = 0  # the destination's segment, which no prefix changes
_REPE = 0xF3  # REPNE is 0xF2


def _repeated(c: Context, step: Callable[[], None], compares: bool = False) -> None:
    """Emit *step* once, or under REP as long as rCX is not 0 (and for REPE and REPNE of an instruction that *compares*, ZF is as wanted)."""
    if not c.prefix:
        step()
        return
    b, size = c.b, c.address_size
    count = c.get_register(CX, size)
    done = c.branch_if(b.ne(count, 0))
    step()
    left = c.narrow(b.sub(count, 1), size)
    c.put_register(CX, left, size)
    again = b.ne(left, 0)
    if compares:
        again = b.and_(again, flags.zero(c) if c.prefix == _REPE else b.not_(flags.zero(c)))
    ended = c.branch_if(again)
    c.repeat()
    b.start(ended)
    b.br(then=done)
    b.start(done)
    c.branch_next()


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

    _repeated(c, step)


def stos(c: Context, size: int = 0) -> None:
    c.size = size or c.size

    def step() -> None:
        c.store(_destination(c), c.get_register(AX, c.size), c.size)
        _advance(c, DI)

    _repeated(c, step)


def lods(c: Context, size: int = 0) -> None:
    c.size = size or c.size

    def step() -> None:
        c.put_register(AX, c.load(_source(c), c.size), c.size)
        _advance(c, SI)

    _repeated(c, step)


def cmps(c: Context, size: int = 0) -> None:
    c.size = size or c.size

    def step() -> None:
        b = c.load(_destination(c), c.size)  # the first to fault where both do, on AMD's processors
        a = c.load(_source(c), c.size)
        flags.set_sub(c, a, b, c.narrow(c.b.sub(a, b), c.size), c.size)
        _advance(c, SI, DI)

    _repeated(c, step, compares=True)


def scas(c: Context, size: int = 0) -> None:
    c.size = size or c.size

    def step() -> None:
        a, b = c.get_register(AX, c.size), c.load(_destination(c), c.size)
        flags.set_sub(c, a, b, c.narrow(c.b.sub(a, b), c.size), c.size)
        _advance(c, DI)

    _repeated(c, step, compares=True)
