"""System calls, processor identification and the time-stamp counter (SDM vol. 1, 5.1.13 and 5.20)."""

from __future__ import annotations

from dbt.frontend.x86 import flags
from dbt.frontend.x86.context import AX, BX, CX, DX, Context
from dbt.frontend.x86.cpuid import LEAVES, NO_LEAF, Leaf
from dbt.ir.types import I32, I64

_R11 = 11


def syscall(c: Context) -> None:
    """RCX and R11 get the return address and RFLAGS."""
    c.put_word(CX, c.next_address())
    c.put_word(_R11, c.b.zext(I64, flags.eflags_word(c)))
    c.b.syscall(c.next_address(), c.mode)
    c.ends = True


def cpuid(c: Context) -> None:
    """The leaves of the one processor model, chosen by EAX and for some by ECX."""
    b = c.b
    leaf, subleaf = c.get_register(AX, 32), c.get_register(CX, 32)
    end = b.new_label()
    for (wanted, wanted_sub), values in LEAVES.items():
        holds = b.eq(leaf, wanted)
        if wanted_sub is not None:
            holds = b.and_(holds, b.eq(subleaf, wanted_sub))
        other = c.branch_if(holds)
        _put_leaf(c, values)
        b.br(then=end)
        b.start(other)
    _put_leaf(c, NO_LEAF)
    b.br(then=end)
    b.start(end)


def _put_leaf(c: Context, values: Leaf) -> None:
    for n, value in zip((AX, BX, CX, DX), values, strict=True):
        c.put_register(n, c.b.i32(value), 32)


def rdtsc(c: Context) -> None:
    b = c.b
    cycles = b.cycles()
    c.put_register(AX, b.trunc(I32, cycles), 32)
    c.put_register(DX, b.trunc(I32, b.shr(cycles, 32)), 32)


def rdtscp(c: Context) -> None:
    """The processor number in ECX is 0."""
    rdtsc(c)
    c.put_register(CX, c.b.i32(0), 32)
