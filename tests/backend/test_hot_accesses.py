"""What an access without a check costs in hot code: comparisons with the end of the space, and extensions of what was loaded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dbt.abi.arm import cpu as ARM
from dbt.abi.cpu import CpuLayout
from dbt.abi.memory import LEAST_SPACE_BITS
from dbt.abi.x86 import x86_64 as X86_64
from dbt.backend.llvm import object as backend
from dbt.backend.llvm.bounds import ABOVE, BELOW, Bounds, Guard
from dbt.backend.llvm.region import Entry, Region, lower
from dbt.ir.builder import Builder
from dbt.ir.types import I8, I32, I64
from dbt.ir.unit import Inst, Unit

PC = 0x8000


def start(layout: CpuLayout) -> tuple[Unit, Builder]:
    unit = Unit(layout.arch)
    b = Builder(unit, layout.slot_types)
    b.mark(pc=PC, length=4, mode=0)
    return unit, b


def text_of(unit: Unit, b: Builder, layout: CpuLayout) -> str:
    b.goto(b.i32(PC + 0x100) if layout is ARM else b.const(I64, PC + 0x100), b.i32(0))
    return lower(unit, [Entry("b0", PC, 0)], layout, linear=True, unchecked=True, free_stores=True)


def assembly(text: str) -> list[str]:
    """The instructions of the region's function, in the assembler's own spelling."""
    lines = [line.strip() for line in backend.compile_assembly(text).splitlines()]
    return lines[: lines.index(".Lfunc_end0:")]


def asked(unit: Unit, b: Builder, entries: tuple[str, ...] = ("b0",)) -> tuple[list[Inst], Bounds]:
    """The addresses of the accesses that ask."""
    b.goto(b.const(I64, PC + 0x100), b.i32(0))
    region = Region(unit, [Entry(label, PC, 0) for label in entries], X86_64, linear=True, unchecked=True, free_stores=True)
    return [inst.args[0] for inst in unit.insts() if inst in region.bounds.asks], region.bounds


def asked_at(*distances: int) -> list[int]:
    """Distances from one base that ask, of accesses at these."""
    unit, b = start(X86_64)
    base = b.getreg("rsp")
    places = {b.add(base, distance): distance for distance in distances}
    for place in places:
        b.ld(I32, place)
    return [places[place] for place in asked(unit, b)[0]]


def test_accesses_near_to_each_other_ask_once() -> None:
    unit, b = start(X86_64)
    stack = b.getreg("rsp")
    for at, slot in ((24, "rax"), (8, "rcx"), (16, "rdx")):
        b.putreg(slot, b.ld(I64, b.add(stack, at)))
        b.st(b.add(stack, at + 32), b.const(I64, at))
    text = text_of(unit, b, X86_64)
    assert text.count("icmp ult i64") == 1


def test_how_far_an_access_vouches_for_others() -> None:
    assert asked_at(0, 8, -8, BELOW - 9) == [0]
    assert asked_at(0, -BELOW) == [0, -BELOW]
    assert asked_at(0, ABOVE - 1) == [0]
    assert asked_at(0, ABOVE) == [0, ABOVE]
    assert asked_at(0, ABOVE, 8) == [0, ABOVE, 8], "what was there is forgotten: the last one counts"


def test_a_small_index_is_near() -> None:
    unit, b = start(X86_64)
    base = b.getreg("rsi")
    narrow, wide = (b.zext(I64, b.ld(width, b.const(I64, PC))) for width in (I8, I32))
    places = {"base": base, "narrow": b.add(base, b.shl(narrow, 3)), "narrow alone": b.add(b.shl(narrow, 2), 64), "wide": b.add(base, wide), "wide alone": wide,
              "wide and far": b.shl(wide, 2)}  # fmt: skip
    for place in places.values():
        b.ld(I32, place)
    found, _ = asked(unit, b)
    assert [name for name, place in places.items() if place in found] == ["base", "wide", "wide and far"]


def test_constants_ask_where_they_are_far_above_the_code_and_the_least_space() -> None:
    unit, b = start(X86_64)
    far = (1 << LEAST_SPACE_BITS) + ABOVE
    for address in (0, PC + ABOVE - 1, far - 1, far, (1 << 64) - 8):
        b.ld(I32, b.const(I64, address))
    b.mark(pc=far, length=4, mode=0)
    b.ld(I64, b.const(I64, far))
    assert [place.attrs[0] for place in asked(unit, b)[0]] == [far, (1 << 64) - 8]


def walk(step: Callable[[Builder, Inst], Inst], access: Callable[[Builder, Inst], Inst]) -> tuple[Unit, Builder]:
    """A loop that accesses memory at what *access* makes of rdi, which *step* changes in each round."""
    unit, b = start(X86_64)
    b.br(then="head")
    b.start("head")
    b.mark(pc=PC + 4, length=4, mode=0)
    pointer = b.getreg("rdi")
    b.putreg("rax", b.ld(I64, access(b, pointer)))
    b.putreg("rdi", step(b, pointer))
    b.brif(b.eq(b.getreg("rcx"), 0), then="head", orelse="behind")
    b.start("behind")
    return unit, b


@pytest.mark.parametrize("step", (0, 8, -8, 4096))
def test_a_pointer_that_runs_is_asked_about_before_the_loop(step: int) -> None:
    unit, b = walk(lambda b, p: b.add(p, step), lambda b, p: b.add(p, 16))
    found, bounds = asked(unit, b)
    assert not found
    assert bounds.guards("b0", "head") == (Guard((("rdi", 1),), 16),)
    assert bounds.guards("head", "head") == ()
    assert "guard0_head:" in lower(unit, [Entry("b0", PC, 0)], X86_64, linear=True, unchecked=True)


def test_an_index_that_runs_is_asked_about_before_the_loop() -> None:
    unit, b = walk(lambda b, p: b.add(p, 1), lambda b, p: b.add(b.getreg("rbx"), b.shl(p, 3)))
    found, bounds = asked(unit, b)
    assert not found and bounds.guards("b0", "head") == (Guard((("rbx", 1), ("rdi", 8)), 0),)


@pytest.mark.parametrize("step", (ABOVE, -BELOW))
def test_a_pointer_that_leaps_is_asked_about_each_time(step: int) -> None:
    found, bounds = asked(*walk(lambda b, p: b.add(p, step), lambda b, p: p))
    assert len(found) == 1 and bounds.guards("b0", "head") == ()


def test_a_pointer_that_is_loaded_is_asked_about_each_time() -> None:
    found, bounds = asked(*walk(lambda b, p: b.getreg("rax"), lambda b, p: p))
    assert len(found) == 1 and bounds.guards("b0", "head") == ()


def test_who_enters_at_the_head_of_a_loop_is_asked() -> None:
    found, bounds = asked(*walk(lambda b, p: b.add(p, 8), lambda b, p: p), entries=("b0", "head"))
    assert not found and bounds.guards(None, "head") == bounds.guards("b0", "head") == (Guard((("rdi", 1),), 0),)


def test_what_is_known_of_a_value_is_not_known_of_the_next_one() -> None:
    """The value that a block makes in each round is another one each time."""
    unit, b = walk(lambda b, p: b.add(p, 8), lambda b, p: p)
    loaded = unit.blocks["head"].insts[2]
    assert loaded.op.name == "ld"
    again = Inst(loaded.op, loaded.of, (loaded,), loaded.attrs)
    unit.blocks["head"].insts.insert(3, again)
    assert asked(unit, b)[0] == [loaded]


def test_what_one_way_does_not_know_is_asked() -> None:
    unit, b = start(X86_64)
    pointer = b.getreg("rdi")
    b.brif(b.eq(b.getreg("rcx"), 0), then="one", orelse="other")
    b.start("one")
    b.putreg("rax", b.ld(I64, pointer))
    b.br(then="join")
    b.start("other")
    b.putreg("rax", b.ld(I64, b.getreg("rsi")))
    b.br(then="join")
    b.start("join")
    b.putreg("rbx", b.ld(I64, b.add(pointer, 16)))
    assert len(asked(unit, b)[0]) == 3


def test_another_base_asks_again() -> None:
    unit, b = start(X86_64)
    for slot in ("rsp", "rsi"):
        b.putreg("rax", b.ld(I64, b.getreg(slot)))
    assert text_of(unit, b, X86_64).count("icmp ult i64") == 2


def test_what_a_load_extends_is_not_extended_again() -> None:
    unit, b = start(ARM)
    byte = b.zext(I32, b.ld(I8, b.getreg("r0")))
    b.putreg("r1", b.ld(I32, b.add(byte, b.getreg("r2"))))
    b.putreg("r3", b.zext(I32, b.ld(I8, b.getreg("r1"))))
    loads = [line for line in assembly(text_of(unit, b, ARM)) if line.startswith("movz")]
    assert len(loads) == 2, loads
    assert all("(" in line for line in loads), "only loads extend"
