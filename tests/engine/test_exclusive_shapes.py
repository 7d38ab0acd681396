"""The atomic builtins of a compiler, as machine code: what each becomes in tier 1, and that it does the same in both tiers, with and without that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from dbt.abi.exits import Exit
from dbt.abi.memory import PAGE_SIZE
from dbt.frontend.base import frontend_for
from dbt.pipeline import lift_region, optimise
from runtime.regions import plan
from runtime.static_flow import Static
from tests.engine.harness import Harness

PLACE, EXPECTED, STACK = 0x90000, 0x90100, 0x91800  # the atomic variable; what a compare-and-swap expects is in memory; both on one page
BASE = 0x10000
ROOM = 128  # bytes a shape: each has an address of its own, as tier 1 gives up a block whose code changes often
REGISTERS = tuple(f"r{n}" for n in range(13))


class Shape(NamedTuple):
    isa: str
    name: str
    bits: int
    form: str
    code: bytes

    @property
    def mode(self) -> int:
        return int(self.isa == "t32")


def read() -> list[Shape]:
    lines = (Path(__file__).parent / "exclusive_shapes.txt").read_text().splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    return [Shape(isa, name, int(bits), form, bytes.fromhex(code)) for isa, name, bits, form, code in rows]


SHAPES = read()


class _Whole(Static):
    most_blocks = 20


def form(shape: Shape) -> str:
    """What the passes make of the pair in *shape*, in the words of the file."""

    def fetch(pc: int, length: int) -> bytes:
        return shape.code[pc - BASE :][:length] if pc >= BASE else b""

    frontend = frontend_for("arm")
    planned = plan(_Whole(frontend, fetch), (BASE, shape.mode))
    unit = optimise(lift_region(frontend, fetch, planned.entries, planned.blocks).unit)
    found = [inst for inst in unit.insts() if inst.op.name.startswith(("rmw_", "cas", "stcond"))]
    assert len(found) == 1, [inst.op.name for inst in found]
    name = found[0].op.name
    assert any(inst.op.name == "ldlink" for inst in unit.insts()) == (name == "stcond")
    if name == "stcond":
        return "kept"
    return name if found[0].attr("replay") else "ld+" + name


def test_forms() -> None:
    wrong = {f"{shape.isa} {shape.name}_{shape.bits}": (shape.form, form(shape)) for shape in SHAPES if form(shape) != shape.form}
    assert not wrong, "(expected, found)"


@pytest.fixture(scope="module")
def harnesses() -> Iterator[list[Harness]]:
    """Tier 0 first, then tier 1 without and with the idiom."""
    made = [Harness(tier="0"), Harness(tier="1", idiom=False), Harness(tier="1")]
    yield made
    for harness in made:
        harness.close()


def outcomes(harness: Harness, shape: Shape, rng: Random) -> list[object]:
    """Registers and memory after each of a few calls with edge and random values, some of which a compare-and-swap expects."""
    found: list[object] = []
    mask = (1 << shape.bits) - 1
    size = shape.bits // 8
    for _ in range(5):
        old, operand, other = (rng.choice((0, 1, mask, mask >> 1, rng.getrandbits(shape.bits))) for _ in range(3))
        expected = rng.choice((old, other))
        memory = {PLACE: old.to_bytes(size, "little") + bytes(8), EXPECTED: expected.to_bytes(8, "little"), STACK: operand.to_bytes(8, "little")}
        regs = dict.fromkeys(REGISTERS, 0x55555555) | {"r0": PLACE, "r13": STACK, "r14": Harness.end}
        if shape.name in ("cas", "casw"):
            regs |= {"r1": EXPECTED, "r2": operand & 0xFFFFFFFF, "r3": operand >> 32}
        elif shape.bits == 64:
            regs |= {"r2": expected & 0xFFFFFFFF, "r3": expected >> 32}
        else:
            regs |= {"r1": expected, "r2": operand}
        if shape.name == "max" and shape.bits < 64:
            regs["r1"] = operand
        exit, vcpu = harness.run(shape.code.ljust(ROOM * (1 + SHAPES.index(shape)), b"\0"), shape.mode, regs, memory)
        assert (exit, vcpu.pc) == (Exit.FETCH_FAULT, Harness.end), shape
        found.append({name: vcpu.get(name) for name in (*REGISTERS, "r13", "nf", "zf", "cf", "vf")})
        found.append(harness.memory.read(PLACE & -PAGE_SIZE, 2 * PAGE_SIZE))
    return found


@pytest.mark.parametrize("shape", SHAPES[::5], ids=lambda shape: f"{shape.isa}-{shape.name}-{shape.bits}")
def test_all_engines_agree(harnesses: list[Harness], shape: Shape) -> None:
    """On a fifth of the shapes, in which each operation comes up."""
    expected, *others = (outcomes(harness, shape, Random(str(shape))) for harness in harnesses)
    for got in others:
        assert got == expected


def test_the_idiom_is_counted_and_can_be_left_out(harnesses: list[Harness]) -> None:
    _, plain, fused = harnesses
    for harness in (plain, fused):
        for shape in (SHAPES[0], next(shape for shape in SHAPES if shape.form == "kept")):
            outcomes(harness, shape, Random(0))
    assert plain.engine.stats()["idioms"] == 0
    assert fused.engine.stats()["idioms"] >= 1
    assert plain.engine.stats()["exclusives"] > fused.engine.stats()["exclusives"] >= 1
