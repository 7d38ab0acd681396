"""Logical instructions (SDM vol. 1, 5.1.4)."""

from __future__ import annotations

from dbt.frontend.x86 import flags
from dbt.frontend.x86.atomics import update
from dbt.frontend.x86.context import Context
from dbt.frontend.x86.operands import Operand


def and_(c: Context, dst: Operand, src: Operand) -> None:
    _logic(c, dst, src, "and")


def or_(c: Context, dst: Operand, src: Operand) -> None:
    _logic(c, dst, src, "or")


def xor(c: Context, dst: Operand, src: Operand) -> None:
    if dst == src:  # the idiom for 0, without its false dependency
        zero = c.const(0, dst.size)
        c.write(dst, zero)
        flags.set_logic(c, zero, dst.size)
    else:
        _logic(c, dst, src, "xor")


def _logic(c: Context, dst: Operand, src: Operand, name: str) -> None:
    operation = {"and": c.b.and_, "or": c.b.or_, "xor": c.b.xor}[name]
    value = c.read(src, dst.size)
    update(c, dst, lambda a: operation(a, value), lambda a, r: flags.set_logic(c, r, dst.size), (f"rmw_{name}", value))


def test(c: Context, dst: Operand, src: Operand) -> None:
    flags.set_logic(c, c.b.and_(c.read(dst), c.read(src, dst.size)), dst.size)


def not_(c: Context, dst: Operand) -> None:
    ones = c.const(-1, dst.size)
    update(c, dst, lambda a: c.b.xor(a, ones), lambda a, r: None, ("rmw_xor", ones))
