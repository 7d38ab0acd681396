"""What an access without a check costs in hot code: comparisons with the end of the space, and extensions of what was loaded."""

from __future__ import annotations

from dbt.abi.arm import cpu as ARM
from dbt.abi.cpu import CpuLayout
from dbt.abi.memory import SPACE_GUARD_64
from dbt.abi.x86 import x86_64 as X86_64
from dbt.backend.llvm import object as backend
from dbt.backend.llvm.bounds import NEAR, Bounds
from dbt.backend.llvm.region import Entry, lower
from dbt.ir.builder import Builder
from dbt.ir.types import I8, I32, I64
from dbt.ir.unit import Unit

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


def bounds(*distances: int) -> tuple[Bounds, Builder]:
    unit, b = start(X86_64)
    base = b.getreg("rsp")
    for distance in distances:
        b.ld(I32, b.add(base, distance))
    return Bounds(unit.blocks["b0"]), b


def test_accesses_near_to_each_other_ask_once() -> None:
    unit, b = start(X86_64)
    stack = b.getreg("rsp")
    for at, slot in ((24, "rax"), (8, "rcx"), (16, "rdx")):
        b.putreg(slot, b.ld(I64, b.add(stack, at)))
        b.st(b.add(stack, at + 32), b.const(I64, at))
    text = text_of(unit, b, X86_64)
    assert text.count("icmp ult i64") == 1


def test_the_one_that_is_asked_about_is_the_lowest() -> None:
    found, b = bounds(24, 8)
    base = b.unit.blocks["b0"].insts[1]
    assert found.asks(base, 24) == 8
    assert found.asks(base, 8) is None
    assert found.asks(base, 4096) is None


def test_accesses_far_from_each_other_ask_for_themselves() -> None:
    found, b = bounds(0, NEAR + 1)
    base = b.unit.blocks["b0"].insts[1]
    assert found.asks(base, NEAR + 1) == NEAR + 1, "the base alone may be no address"
    assert found.asks(base, 0) == 0
    assert found.asks(base, SPACE_GUARD_64) == SPACE_GUARD_64, "beyond what is guarded"


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
