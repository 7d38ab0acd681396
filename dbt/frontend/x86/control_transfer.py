"""Control transfer (SDM vol. 1, 5.1.7), ENTER and LEAVE (5.1.10)."""

from __future__ import annotations

from dbt.abi.x86 import DEBUG_BREAKPOINT
from dbt.frontend.x86 import flags
from dbt.frontend.x86.context import BP, CX, SP, Context
from dbt.frontend.x86.operands import Immediate, Memory, Operand, Register, Relative
from dbt.ir.unit import Inst

INT_LINUX = 0x80  # Linux's system call in 32-bit code
INT_BREAKPOINT, INT_OVERFLOW = 3, 4


def jmp(c: Context, target: Relative) -> None:
    c.branch(target)


def jmp_indirect(c: Context, target: Operand) -> None:
    c.jump(c.check_target(c.read(target)))


def jcc(c: Context, target: Relative, cc: int) -> None:
    _jump_if(c, flags.condition(c, cc), target)


def _jump_if(c: Context, holds: Inst, target: Relative) -> None:
    skipped = c.branch_if(holds)
    c.branch(target)
    c.b.start(skipped)
    c.branch_next()


def jcxz(c: Context, target: Relative) -> None:
    """JCXZ, JECXZ, JRCXZ: the register has the address size."""
    _jump_if(c, c.b.eq(c.get_register(CX, c.address_size), 0), target)


def loop(c: Context, target: Relative) -> None:
    _jump_if(c, _counted_down(c), target)


def loope(c: Context, target: Relative) -> None:
    _jump_if(c, c.b.and_(_counted_down(c), flags.zero(c)), target)


def loopne(c: Context, target: Relative) -> None:
    _jump_if(c, c.b.and_(_counted_down(c), c.b.not_(flags.zero(c))), target)


def _counted_down(c: Context) -> Inst:
    """Decrement rCX (of the address size); whether it is not 0 now."""
    size = c.address_size
    count = c.narrow(c.b.sub(c.get_register(CX, size), 1), size)
    c.put_register(CX, count, size)
    return c.b.ne(count, 0)


def call(c: Context, target: Relative) -> None:
    c.push(c.next_address(), c.size)
    c.branch(target, "call")


def call_indirect(c: Context, target: Operand) -> None:
    address = c.check_target(c.read(target))
    c.push(c.next_address(), c.size)
    c.jump(address, "call")


def ret(c: Context, release: Immediate | None = None) -> None:
    value, top = c.pop(c.size)
    address = c.check_target(value)
    c.put_word(SP, c.b.add(top, release.value & 0xFFFF) if release is not None else top)
    c.jump(address, "ret")


# Software interrupts: traps, so pc is behind them -------------------------------------------------------------------------
def int3(c: Context) -> None:
    c.raise_exception("breakpoint", trap=True)


def int1(c: Context) -> None:
    c.raise_exception("debug", imm=DEBUG_BREAKPOINT, trap=True)


def int_(c: Context, vector: Immediate) -> None:
    """INT n: user code may only use #BP, #OF and, in 32-bit code, Linux's gate: 64-bit code finds a kernel without 32-bit system calls."""
    number = vector.value & 0xFF
    if number == INT_LINUX and not c.long:
        c.b.syscall(c.next_address(), c.mode, imm=INT_LINUX)
        c.ends = True
    elif number in (INT_BREAKPOINT, INT_OVERFLOW):
        c.raise_exception("breakpoint" if number == INT_BREAKPOINT else "overflow", trap=True)
    else:
        c.raise_exception("protection", imm=number << 3 | 2)  # error code: the gate in the IDT


def into(c: Context) -> None:
    skipped = c.branch_if(c.b.getreg("of"))
    c.raise_exception("overflow", trap=True)
    c.ends = False
    c.b.start(skipped)


def bound(c: Context, index: Register, bounds: Memory) -> None:
    b, size, address = c.b, index.size, c.address(bounds)
    lower, upper = (flags.top(c, c.load(b.add(address, offset), size), size) for offset in (0, size // 8))
    value = flags.top(c, c.read(index), size)
    c.raise_if(b.or_(b.slt(value, lower), b.slt(upper, value)), "bound")


# Stack frames ---------------------------------------------------------------------------------------------------------------
def enter(c: Context, allocate: Immediate, nesting: Immediate) -> None:
    """The frame pointers of enclosing levels are copied one by one, each after the one before was stored."""
    b, size, level = c.b, c.size, nesting.value & 31
    step = size // 8
    top, frame = c.get_word(SP), c.get_word(BP)
    c.store(b.sub(top, step), c.narrow(frame, size), size)
    new_frame = b.sub(top, step)
    for i in range(1, level):
        c.store(b.sub(new_frame, i * step), c.load(b.sub(frame, i * step), size), size)
    if level:
        c.store(b.sub(new_frame, level * step), c.narrow(new_frame, size), size)
    bottom = b.sub(new_frame, level * step + (allocate.value & 0xFFFF))
    c.store(bottom, c.load(bottom, 8), 8)  # the instruction faults where a write to the new top of the stack would
    c.put_word(SP, bottom)
    c.put_register(BP, c.narrow(new_frame, size), size)


def leave(c: Context) -> None:
    frame = c.get_word(BP)
    value = c.load(frame, c.size)
    c.put_word(SP, c.b.add(frame, c.size // 8))
    c.put_register(BP, value, c.size)
