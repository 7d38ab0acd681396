"""Vector and floating-point rows: what is written inline gives the bits and the flags of the kernel behind the helper ``op``."""

from __future__ import annotations

import random
import struct
import zlib

import pytest

from dbt.abi.arm import cpu as LAYOUT
from dbt.abi.cpu import FP_MODE_FLUSH_IN, FP_MODE_FLUSH_OUT
from dbt.backend.llvm import floats, saturating
from dbt.backend.llvm.region import EFFECTS
from dbt.backend.llvm.vectors import VECTORS
from dbt.ir.builder import Builder
from dbt.ir.optable import OPS, Op
from dbt.ir.types import TYPES, VOID, Type
from dbt.ir.unit import Inst, Unit
from runtime import image
from tests.backend.machine import Machine

LANES = (8, 16, 32)
INPUTS = 40
SPECIAL_64 = [0, 1 << 63, 0x3FF0000000000000, 0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000001, 0x7FF0000000000001, 1, 0x000FFFFFFFFFFFFF,
              0x0010000000000000, 0x7FEFFFFFFFFFFFFF, 0x4008000000000000, 0x41E0000000000000]
SPECIAL_32 = [0, 1 << 31, 0x3F800000, 0x7F800000, 0xFF800000, 0x7FC00001, 0x7F800001, 1, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0x40400000, 0x4F000000]


@pytest.fixture(scope="module")
def machine() -> Machine:
    return Machine(op=image.load().address("helper_op"))


def run_both(machine: Machine, op: Op, of: Type, kinds: list[Type], attrs: tuple[object, ...], inputs: list[list[int]], modes: list[tuple[int, int]],
             monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower one row inline and by the helper; results and status flags must agree on all inputs."""
    def unit() -> Unit:
        made = Unit("arm")
        b = Builder(made, LAYOUT.slot_types)
        b.mark(pc=0x8000, length=4, mode=0)
        args = tuple(operand(b, k, kind) for k, kind in enumerate(kinds))
        store(b, b.emit(op, of if op.types else VOID, args, attrs))
        b.goto(b.i32(0x9000), b.i32(0))
        return made

    inline = machine.load(unit())
    with monkeypatch.context() as patched:
        patched.delitem(EFFECTS, op.name, raising=False)
        patched.setattr("dbt.backend.llvm.region.PURE", {k: v for k, v in _pure().items() if k != op.name})
        helper = machine.load(unit())
    for numbers in inputs:
        for mode, flags in modes:
            found = []
            for region in (inline, helper):
                for k, number in enumerate(numbers):
                    machine.put(f"q{k}", number)
                machine.put("q8", 0)
                machine.put("fp_mode", mode)
                machine.put("fp_flags", flags)
                machine.run(region)
                found.append((machine.get("q8"), machine.get("fp_flags")))
            assert found[0] == found[1], f"{op.name} {attrs} of {[hex(n) for n in numbers]} in mode {mode}: inline {found[0]}, helper {found[1]}"


def _pure() -> dict[str, object]:
    from dbt.backend.llvm.region import PURE

    return PURE


def operand(b: Builder, index: int, type: Type) -> Inst:
    slot = f"q{index}" if type.bits == 128 else f"d{2 * index}" if type.bits == 64 else f"s{4 * index}"
    return b.get(type, slot=slot)


def store(b: Builder, value: Inst) -> None:
    slot = {128: "q8", 64: "d16"}.get(value.type.bits)
    if slot is None:
        value, slot = b.zext(TYPES["i64"], value if value.type.name == "i32" else b.bitcast(TYPES["i32"], value)), "d16"
    b.put(value, slot=slot)


def _attribute(op: Op, lane: int, bits: int) -> list[tuple[object, ...]]:
    """Attribute rows worth a try for a vector row."""
    if op.name == "vshuf":
        return [(tuple((7 * i + 3) % (bits // 4) for i in range(bits // 8)),)]
    rows: list[tuple[object, ...]] = [()]
    for name in op.attrs:
        choice = {"lane": [lane], "imm": [0, 1, lane - 1, lane], "index": [0, 64 // lane - 1]}[name]
        if op.name in ("vrshr", "vrsar") and name == "imm":
            choice = choice[1:]
        rows = [row + (value,) for row in rows for value in choice]
    return rows


ROWS = [name for name in sorted({**VECTORS, **saturating.ROWS}) if OPS[name].kind != "scalar"]
VECTOR_ROWS = [(name, lane) for name in ROWS for lane in (LANES if "lane" in OPS[name].attrs else (8,)) if not (lane == 8 and "mulh" in name)]


@pytest.mark.parametrize(("name", "lane"), VECTOR_ROWS, ids=[f"{name}-{lane}" for name, lane in VECTOR_ROWS])
def test_vector_row(machine: Machine, name: str, lane: int, monkeypatch: pytest.MonkeyPatch) -> None:
    op = OPS[name]
    of = TYPES["v128"] if "v128" in op.types else TYPES["i32"] if op.types else VOID
    kinds = [of if p == "T" else TYPES["v128"] if p == "X" else TYPES["i32"] if p == "S" else TYPES[p] for p in op.args]
    generator = random.Random(zlib.crc32(name.encode()))
    inputs = [[generator.choice([generator.getrandbits(128), 0, (1 << 128) - 1, int("80" * 16, 16), int("7f" * 16, 16)]) for _ in kinds] for _ in range(8)]
    for attrs in _attribute(op, lane, of.bits or 64):
        run_both(machine, op, of, kinds, attrs, inputs, [(0, 0)], monkeypatch)


def number(generator: random.Random, bits: int) -> int:
    special = SPECIAL_64 if bits == 64 else SPECIAL_32
    pick = generator.randrange(4)
    if pick == 0:
        return generator.choice(special)
    if pick == 1:
        return generator.getrandbits(bits)
    value = generator.uniform(-100, 100) if pick == 2 else float(generator.randrange(-50, 50))
    return int.from_bytes(struct.pack("<d" if bits == 64 else "<f", value), "little")


def vector(generator: random.Random, kind: Type, lane: int, integers: bool) -> int:
    """Lanes of numbers, often all of one kind: an inline form is left when any lane is odd."""
    if generator.randrange(2):
        lanes = [number(generator, lane) for _ in range(kind.bits // lane)]
    else:
        plain = [generator.randrange(-30, 30) * (1.0 if generator.randrange(2) else 0.1) for _ in range(kind.bits // lane)]
        lanes = [int.from_bytes(struct.pack("<d" if lane == 64 else "<f", value), "little") for value in plain]
    if integers:
        lanes = [generator.choice([generator.getrandbits(lane), generator.randrange(1000), (1 << 24) + generator.randrange(3) - 1]) for _ in lanes]
    return sum(value << lane * k for k, value in enumerate(lanes))


FLOAT_ROWS = [(name, of) for name in sorted(floats.ROWS) for of in OPS[name].types]
MODES = [(0, 0), (0, 16), (1, 16), (3, 0), (FP_MODE_FLUSH_IN | FP_MODE_FLUSH_OUT, 16)]


@pytest.mark.parametrize(("name", "of"), FLOAT_ROWS, ids=[f"{name}-{of}" for name, of in FLOAT_ROWS])
def test_float_row(machine: Machine, name: str, of: str, monkeypatch: pytest.MonkeyPatch) -> None:
    op, type = OPS[name], TYPES[of]
    generator = random.Random(zlib.crc32(f"{name}.{of}".encode()))
    sources = {"F": ["f32", "f64"], "S": ["i32", "i64"]}.get(op.args[0], [of])
    special = {"signed": 1, "width": 32, "round": 3 if name == "ftoi" else -1}
    lanes = [lane for lane in (32, 64) if lane <= type.bits] if "lane" in op.attrs else [type.bits]
    for source in sources:
        if name == "fcvt" and source == of:
            continue
        kinds = [TYPES[source] if p in "FS" else type for p in op.args]
        for lane in lanes:
            for std in (0, 1):
                chosen = {**special, "lane": lane, "std": std}
                attrs = tuple(chosen[a] if a in chosen else dict(op.defaults).get(a, 0) for a in op.attrs)
                if "lane" in op.attrs:
                    inputs = [[vector(generator, kind, lane, name == "vitof") for kind in kinds] for _ in range(INPUTS)]
                else:
                    inputs = [[number(generator, kind.bits) for kind in kinds] for _ in range(INPUTS)]
                run_both(machine, op, type, kinds, attrs, inputs, MODES, monkeypatch)
