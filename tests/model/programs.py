"""Guest programs of the model: tuples of instructions."""

from __future__ import annotations

from typing import Any, NamedTuple


class Reg(NamedTuple):
    """The value of a register plus a number."""

    register: int
    plus: int = 0


class Op(NamedTuple):
    """One instruction; ``to`` is the register for the result, ``seen`` has the result among what the program has seen."""

    kind: str
    address: int = 0
    size: int = 4
    value: Any = 0
    to: int | None = None
    seen: bool = False
    expected: Any = 0
    align: int = 0  # that an atomic operation asks for; 0: its size


def link(address: int, size: int = 4, to: int = 0, seen: bool = False) -> Op:
    return Op("link", address, size, to=to, seen=seen)


def stcond(address: int, value: Any, size: int = 4, to: int = 1) -> Op:
    return Op("stcond", address, size, value, to, seen=True)


def increment(address: int, size: int = 4, by: int = 1) -> tuple[Op, ...]:
    """Load-link, add, store-conditional; once."""
    return link(address, size), stcond(address, Reg(0, by), size)


def store(address: int, value: Any, size: int = 4) -> Op:
    return Op("store", address, size, value)


def load(address: int, size: int = 4, to: int = 2) -> Op:
    return Op("load", address, size, to=to, seen=True)


def rmw(kind: str, address: int, value: Any, size: int = 4, align: int = 0) -> Op:
    return Op(kind, address, size, value, seen=True, align=align)


def cas(address: int, expected: Any, value: Any, size: int = 4) -> Op:
    return Op("cas", address, size, value, expected=expected, seen=True)


def until(address: int, value: int, size: int = 4) -> tuple[Op, ...]:
    """Wait, with polls, for another vCPU's store."""
    return Op("load", address, size, to=7), POLL, Op("branch", -2, value=value, to=7)


def host_write(address: int, value: int, size: int = 4) -> Op:
    """A system call, or the host by itself, writes guest memory."""
    return Op("host_write", address, size, value)


def flags(page_address: int, value: int) -> Op:
    """The host changes a page's flags."""
    return Op("flags", page_address, value=value)


def build(address: int) -> Op:
    """Translate the instruction at *address*."""
    return Op("build", address)


def section(address: int, value: int) -> Op:
    """Add to a word, by ordinary accesses, in an exclusive section."""
    return Op("section", address, value=value)


def add(address: int, value: int) -> tuple[Op, ...]:
    """Load and store without a poll between."""
    return Op("load", address, to=3), store(address, Reg(3, value))


POLL = Op("poll")  # the end of a block
GRACE = Op("grace")  # wait for a grace period
FENCE = Op("fence")  # as DMB
CLREX = Op("clrex")
SYSCALL = Op("syscall")  # one that does nothing


def program(*parts: Op | tuple[Op, ...]) -> tuple[Op, ...]:
    """Instructions and runs of instructions in one tuple."""
    ops: list[Op] = []
    for part in parts:
        if isinstance(part, Op):
            ops.append(part)
        else:
            ops.extend(part)
    return tuple(ops)
