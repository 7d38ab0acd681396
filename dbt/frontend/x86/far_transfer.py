"""Far jumps, calls and returns, and IRET (SDM vol. 1, 5.1.7). User code can only go to the code segment that it is in: Linux has no call gates, and the
segment of the other code size, which a processor would change to, raises #GP here."""

from __future__ import annotations

from dbt.abi.x86 import NT, RPL, USER_CS_32, USER_CS_64, USER_DS
from dbt.frontend.x86 import flags
from dbt.frontend.x86.context import SP, Context
from dbt.frontend.x86.operands import FarPointer, Immediate, Memory
from dbt.frontend.x86.segment import far_pointer, raise_unless
from dbt.ir.types import I32
from dbt.ir.unit import Inst


def _code_selector(c: Context) -> int:
    return USER_CS_64 if c.long else USER_CS_32


def _enter_segment(c: Context, selector: Inst) -> None:
    """A jump or call may name the segment with any privilege level."""
    raise_unless(c, c.b.eq(c.b.and_(selector, ~RPL & 0xFFFF), _code_selector(c) & ~RPL), selector)


def _far_jump(c: Context, offset: Inst, selector: Inst) -> None:
    _enter_segment(c, selector)
    c.jump(c.check_target(offset))


def _far_call(c: Context, offset: Inst, selector: Inst) -> None:
    """CS is pushed as wide as the return address."""
    b, step = c.b, c.size // 8
    _enter_segment(c, selector)
    address = c.check_target(offset)
    top = c.get_word(SP)
    c.store(b.sub(top, step), c.const(_code_selector(c), c.size), c.size)
    c.store(b.sub(top, 2 * step), c.narrow(c.next_address(), c.size), c.size)
    c.put_word(SP, b.sub(top, 2 * step))
    c.jump(address)


def jmp_far(c: Context, target: FarPointer) -> None:
    _far_jump(c, c.const(target.offset, c.size), c.b.i32(target.selector))


def jmp_far_indirect(c: Context, target: Memory) -> None:
    _far_jump(c, *far_pointer(c, target))


def call_far(c: Context, target: FarPointer) -> None:
    _far_call(c, c.const(target.offset, c.size), c.b.i32(target.selector))


def call_far_indirect(c: Context, target: Memory) -> None:
    _far_call(c, *far_pointer(c, target))


def _popped(c: Context, count: int) -> tuple[list[Inst], Inst]:
    """*count* values of the operand size from the stack, and rSP behind them."""
    b, step, top = c.b, c.size // 8, c.get_word(SP)
    return [c.load(b.add(top, i * step), c.size) for i in range(count)], b.add(top, count * step)


def _return_segment(c: Context, selector: Inst) -> Inst:
    """Check the code segment that a return goes to: privilege level 3, or #GP. *selector* is as wide as the operand size."""
    b = c.b
    selector = b.and_(selector if selector.type is I32 else b.trunc(I32, selector), 0xFFFF)
    raise_unless(c, b.eq(selector, _code_selector(c)), selector)
    return selector


def ret_far(c: Context, release: Immediate | None = None) -> None:
    (offset, selector), top = _popped(c, 2)
    _return_segment(c, selector)
    address = c.check_target(offset)
    c.put_word(SP, c.b.add(top, release.value & 0xFFFF) if release is not None else top)
    c.jump(address)


def iret(c: Context) -> None:
    """To the same privilege level; 64-bit code pops rSP and SS too. With NT it would return to another task, which Linux has not: #GP."""
    b = c.b
    c.raise_if(b.ne(b.and_(b.getreg("eflags"), NT), 0), "protection")
    values, top = _popped(c, 5 if c.long else 3)
    _return_segment(c, values[1])
    if c.long:
        stack_segment = b.and_(c.narrow(values[4], 16), 0xFFFF)
        raise_unless(c, b.eq(stack_segment, USER_DS), stack_segment)
        top = c.extend(values[3], c.word)
    address = c.check_target(values[0])
    flags.set_eflags_word(c, c.narrow(values[2], 32) if c.size == 64 else values[2], c.size)
    c.put_word(SP, top)
    c.jump_in_new_mode(address)
