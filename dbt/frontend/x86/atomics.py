"""Read-modify-write of a destination operand: plainly, or atomically with LOCK (SDM vol. 3A, 9.1.2)."""

from __future__ import annotations

from collections.abc import Callable

from dbt.frontend.x86.context import Context, memory_type
from dbt.frontend.x86.operands import Memory, Operand
from dbt.ir.unit import Inst

Compute = Callable[[Inst], Inst]


def update(c: Context, dst: Operand, compute: Compute, set_flags: Callable[[Inst, Inst], None], atomic: tuple[str, Inst] | None = None) -> None:
    """``dst = compute(dst)``, then *set_flags* with the old and the new value. *atomic*: the IR row that does the same in memory at one go, and its operand (in
    the working type); without one, a locked instruction compares and swaps until it succeeds."""
    if not isinstance(dst, Memory):
        old = c.read(dst)
        new = compute(old)
        set_flags(old, new)  # before the register is written: the old value is still in its slot
        c.write(dst, new)
        return
    address = c.address(dst)
    if not c.locked:
        old = c.load(address, dst.size)
        new = compute(old)
        c.store(address, new, dst.size)
    elif atomic is not None:
        row, operand = atomic
        old = exchange(c, row, address, operand, dst.size)
        new = compute(old)
    else:
        old, new = _compare_and_swap(c, address, dst.size, compute)
    set_flags(old, new)


def exchange(c: Context, row: str, address: Inst, operand: Inst, size: int) -> Inst:
    """The atomic row *row* on memory; gives the old value."""
    return c.loaded(getattr(c.b, row)(address, c.stored(operand, size)))


def _compare_and_swap(c: Context, address: Inst, size: int, compute: Compute) -> tuple[Inst, Inst]:
    b = c.b
    again, done = b.new_label(), b.new_label()
    b.br(then=again)
    b.start(again)
    seen = b.ld(memory_type(size), address)
    old = c.loaded(seen)
    new = compute(old)
    b.brif(b.eq(b.cas(address, seen, c.stored(new, size)), seen), then=done, orelse=again)
    b.start(done)
    return old, new
