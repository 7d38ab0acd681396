"""Flag control (SDM vol. 1, 5.1.11)."""

from __future__ import annotations

from dbt.frontend.x86 import flags
from dbt.frontend.x86.context import AX, SP, Context
from dbt.frontend.x86.operands import Register
from dbt.ir.types import I1

_AH = Register(AX, 8, True)


def stc(c: Context) -> None:
    c.b.put(1, slot="cf")


def clc(c: Context) -> None:
    c.b.put(0, slot="cf")


def cmc(c: Context) -> None:
    c.b.put(c.b.not_(c.b.getreg("cf")), slot="cf")


def cld(c: Context) -> None:
    c.b.put(c.b.const(I1, 0), slot="df")


def std(c: Context) -> None:
    c.b.put(c.b.const(I1, 1), slot="df")


def lahf(c: Context) -> None:
    c.write(_AH, flags.status_word(c))


def sahf(c: Context) -> None:
    flags.set_status_word(c, c.read(_AH))


def salc(c: Context) -> None:
    """AL is all ones if CF is set, else 0 (not in the SDM's text, but in all processors)."""
    c.write(Register(AX, 8), c.b.select(c.b.getreg("cf"), c.b.i32(0xFF), c.b.i32(0)))


def pushf(c: Context) -> None:
    word = flags.eflags_word(c)
    c.push(c.b.zext(c.word, word) if c.size == 64 else word, c.size)


def popf(c: Context) -> None:
    value, top = c.pop(c.size)
    flags.set_eflags_word(c, c.narrow(value, 32) if c.size == 64 else value, c.size)
    c.put_word(SP, top)
    c.next_in_new_mode()
