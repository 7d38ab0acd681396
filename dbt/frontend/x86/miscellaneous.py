"""Miscellaneous instructions (SDM vol. 1, 5.1.13), fences and non-temporal stores (5.6.4), and what user code may not do."""

from __future__ import annotations

from dbt.frontend.x86.context import AX, BX, Context
from dbt.frontend.x86.operands import Memory, Operand, Register


def lea(c: Context, dst: Register, src: Memory) -> None:
    c.write(dst, c.narrow(c.effective_address(src), dst.size))


def nop(c: Context, *_: Operand) -> None:
    """NOP in all its forms, ENDBR, and hints such as PREFETCH of addresses that are not worth working out."""


def prefetch(c: Context, src: Memory) -> None:
    c.b.prefetch(c.address(src))


def ud(c: Context, *_: Operand) -> None:
    c.undefined()


def xlat(c: Context) -> None:
    table = Memory(8, c.segment, BX, None, 0, 0, c.address_size)
    c.put_register(AX, c.load(c.address(table, c.extend(c.get_register(AX, 8), c.word)), 8), 8)


def clflush(c: Context, src: Memory) -> None:
    """It changes nothing that a program can see, but faults as a load of a byte."""
    c.load(c.address(src), 8)


def movnti(c: Context, dst: Memory, src: Register) -> None:
    c.write(dst, c.read(src))


def lfence(c: Context) -> None:
    c.b.fence(order="acquire")


def mfence(c: Context) -> None:
    c.b.fence(order="seq_cst")


def sfence(c: Context) -> None:
    c.b.fence(order="release")


def privileged(c: Context, *_: Operand) -> None:
    """#GP at CPL 3 with IOPL 0."""
    c.raise_exception("protection")
