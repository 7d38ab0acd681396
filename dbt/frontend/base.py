"""What a frontend is, and the translator loop that all frontends share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Protocol, runtime_checkable

from dbt.abi.archs import FRONTENDS, LAYOUTS, LLSC, X86_ATOMICS
from dbt.frontend.form import Form
from dbt.ir.builder import Builder
from dbt.ir.unit import Unit


@dataclass(frozen=True, slots=True)
class Lifted:
    """What lifting one instruction told: ``length`` in bytes, the guest mode of the next instruction in sequence, and whether the
    instruction ends the basic block (it then emitted its own exits on every path)."""

    length: int
    next_mode: int
    ends: bool = False
    undefined: bool = False


class Frontend(Protocol):
    """An architecture. ``lift`` is a pure function of its arguments: it appends IR for the instruction at the start of *data* (at least
    ``max_length`` bytes, or fewer at the end of readable memory) to the builder, reads no memory and knows no pc (``pcadd`` gives
    addresses relative to the instruction). Where control simply falls through, it leaves the builder in an open block."""

    arch: str
    max_length: int
    min_length: int

    def lift(self, b: Builder, mode: int, data: bytes) -> Lifted: ...

    def insn_length(self, mode: int, data: bytes) -> int: ...

    def mode_name(self, mode: int) -> str:
        """As in ``--isa``: ``a32``, ``t32``, ``i386``, ``x86-64``."""
        ...


@cache
def frontend_for(arch: str, x86_atomics: str = X86_ATOMICS[0]) -> Frontend:
    """The frontend of *arch* (a key of ``dbt.abi.archs.LAYOUTS``); ValueError if there is none. *x86_atomics* is a row of ``X86_ATOMICS`` and says nothing to
    other guests."""
    if arch not in LAYOUTS:
        raise ValueError(f"no guest is called {arch!r}; there are {', '.join(LAYOUTS)}")
    frontends: dict[str, Frontend] = import_module(f"dbt.frontend.{FRONTENDS[arch]}").FRONTENDS
    return frontends.get(arch + LLSC, frontends[arch]) if x86_atomics == "llsc" else frontends[arch]


@runtime_checkable
class HasForms(Protocol):
    """A frontend that can tell which bits of an instruction are plain operands."""

    def form(self, mode: int, data: bytes) -> Form | None:
        """The form of the instruction *data* (exactly its bytes); None if all its bits matter. Every instruction of the same shape must have the same form."""
        ...

    def popular(self) -> Iterator[tuple[int, bytes]]:
        """(mode, bytes) of one instruction of each shape that programs have most often."""
        ...


def lift_insn(frontend: Frontend, mode: int, data: bytes) -> tuple[Unit, Lifted]:
    """Lift one instruction as a unit of its own, independent of its address. If control can fall through, the last block ends in
    ``goto(pcadd(length), next_mode, hint="next")``."""
    unit = Unit(frontend.arch, "insn")
    b = Builder(unit, LAYOUTS[frontend.arch].slot_types)
    lifted = frontend.lift(b, mode, data)
    if not b.done:
        _leave(b, lifted, "next")
    return unit, lifted


def lift_block(frontend: Frontend, fetch: Callable[[int, int], bytes], pc: int, mode: int, limit: int = 64, page_mask: int = ~0xFFF) -> Unit:
    """Lift a basic block from *pc*: until an instruction ends it, *limit* instructions are lifted, or the next instruction starts on
    another page. *fetch(address, n)* gives up to n bytes (fewer where memory ends; none for an unmapped pc: the block then holds
    just an exit to pc). Every instruction starts with a ``mark``."""
    unit = Unit(frontend.arch, f"block_{pc:x}")
    b = Builder(unit, LAYOUTS[frontend.arch].slot_types)
    start = pc
    for count in range(limit):
        data = fetch(pc, frontend.max_length)
        if not data or len(data) < frontend.min_length or (count and pc & page_mask != start & page_mask):
            break
        length = frontend.insn_length(mode, data)
        b.mark(pc=pc, length=length, mode=mode)
        lifted = frontend.lift(b, mode, data)
        if lifted.ends:
            return unit
        pc += lifted.length
        mode = lifted.next_mode
        if count + 1 == limit:
            break
    b.mark(pc=pc, length=0, mode=mode)
    _leave(b, Lifted(0, mode), "jump")
    return unit


def _leave(b: Builder, lifted: Lifted, hint: str) -> None:
    address = LAYOUTS[b.unit.arch].address_type
    b.goto(b.pcadd(address, value=lifted.length), lifted.next_mode, hint=hint)
