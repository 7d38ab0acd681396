"""Read-modify-write of a destination operand: plainly, or atomically with LOCK (SDM vol. 3A, 9.1.2).

Atomic operations are those of the IR, or with ``llsc`` loops of load-link and store-conditional between two full fences, because LOCK is a full fence. A pair
covers aligned operands of up to 8 bytes: for others there is a second path with the IR's atomic operation, and CMPXCHG16B has no pair.
"""

from __future__ import annotations

from collections.abc import Callable

from dbt.frontend.x86.context import Context, memory_type
from dbt.frontend.x86.operands import Memory, Operand
from dbt.ir.unit import Inst

Compute = Callable[[Inst], Inst]
Finish = Callable[[Inst], None]


def update(c: Context, dst: Operand, compute: Compute, set_flags: Callable[[Inst, Inst], None], atomic: tuple[str, Inst] | None = None) -> None:
    """``dst = compute(dst)``, then *set_flags* with the old and the new value. *atomic*: the IR row that does the same in memory at one go, and its operand (in
    the working type); without one, a locked instruction compares and swaps until it succeeds."""
    if not isinstance(dst, Memory):
        old = c.read(dst)
        new = compute(old)
        set_flags(old, new)  # before the register is written: the old value is still in its slot
        c.write(dst, new)
        return
    address, size = c.address(dst), dst.size
    if not c.locked:
        old = c.load(address, size)
        new = compute(old)
        c.store(address, new, size)
        set_flags(old, new)
        return

    def direct() -> None:
        if atomic is not None:
            old = c.loaded(_row(c, *atomic, address, size))
        else:
            old = _compare_and_swap(c, address, size, compute)
        set_flags(old, compute(old))

    _each_way(c, address, size, direct, compute, lambda old: set_flags(old, compute(old)))


def exchange(c: Context, row: str, address: Inst, operand: Inst, size: int, finish: Finish) -> None:
    """The atomic row *row* on memory; *finish* gets the old value, in the working type."""
    change = {"rmw_xchg": lambda old: operand, "rmw_or": lambda old: c.b.or_(old, operand), "rmw_and": lambda old: c.b.and_(old, operand),
              "rmw_xor": lambda old: c.b.xor(old, operand)}[row]  # fmt: skip
    _each_way(c, address, size, lambda: finish(c.loaded(_row(c, row, operand, address, size))), change, finish)


def compare_and_swap(c: Context, address: Inst, expected: Inst, new: Inst, size: int, finish: Finish) -> None:
    """Store *new* if memory holds *expected*; *finish* gets the old value. All in the working type. Memory gets a write cycle whatever the outcome."""
    b = c.b

    def direct() -> None:
        finish(c.loaded(b.cas(address, c.stored(expected, size), c.stored(new, size))))

    _each_way(c, address, size, direct, lambda old: b.select(b.eq(old, expected), new, old), finish)


def _row(c: Context, row: str, operand: Inst, address: Inst, size: int) -> Inst:
    made: Inst = getattr(c.b, row)(address, c.stored(operand, size))
    return made


def _each_way(c: Context, address: Inst, size: int, direct: Callable[[], None], change: Compute, finish: Finish) -> None:
    """*direct* emits the whole instruction with an operation of the IR. With ``llsc`` that is for misaligned operands alone: others are changed by a pair."""
    b = c.b
    if not c.llsc:
        direct()
        return
    if size == 8:
        finish(_pair(c, address, size, change))
        return
    odd, end = c.branch_if(b.eq(b.and_(address, size // 8 - 1), 0)), b.new_label()
    finish(_pair(c, address, size, change))
    b.br(then=end)
    b.start(odd)
    direct()
    b.br(then=end)
    b.start(end)


def _pair(c: Context, address: Inst, size: int, change: Compute) -> Inst:
    """Link, change and store until the store succeeds; gives the old value."""
    b = c.b
    again, done = b.new_label(), b.new_label()
    b.fence(order="seq_cst")
    b.br(then=again)
    b.start(again)
    old = c.loaded(b.ldlink(memory_type(size), address))
    b.brif(b.stcond(address, c.stored(change(old), size)), then=again, orelse=done)
    b.start(done)
    b.fence(order="seq_cst")
    return old


def _compare_and_swap(c: Context, address: Inst, size: int, compute: Compute) -> Inst:
    """For a change that no row makes: load, and swap if memory still holds that, until it does; gives the old value."""
    b = c.b
    again, done = b.new_label(), b.new_label()
    b.br(then=again)
    b.start(again)
    seen = b.ld(memory_type(size), address)
    old = c.loaded(seen)
    b.brif(b.eq(b.cas(address, seen, c.stored(compute(old), size)), seen), then=done, orelse=again)
    b.start(done)
    return old
