"""Every row of the opcode table has a lowering, and every scalar row gives what its reference semantics say."""

from __future__ import annotations

import random
import zlib

import pytest

from dbt.abi.arm import cpu as LAYOUT
from dbt.backend.llvm import atomics, exits, floats
from dbt.backend.llvm.region import PURE
from dbt.ir import sem
from dbt.ir.builder import Builder
from dbt.ir.optable import OPS, Op, instances
from dbt.ir.types import I1, TYPES, Type
from dbt.ir.unit import Inst, Unit
from tests.backend.machine import Machine

BUILT_IN = {"const", "pcadd", "get", "put", "mark", "ld", "st", "br", "brif"}
CASES = [
    (op, type) for op in OPS.values() if op.kind == "scalar" and op.sem is not None and not op.effects for type in instances(op) if op.name != "select"
]
INPUTS = 24


def test_every_row_is_lowered() -> None:
    known = BUILT_IN | set(PURE) | set(atomics.ROWS) | set(floats.ROWS) | set(exits.ROWS)
    missing = [op.name for op in OPS.values() if op.name not in known and op.kind == "scalar"]
    assert not missing, "rows of kind scalar have no record for the helper op: they need an inline form"
    assert not (set(PURE) & set(floats.ROWS))
    assert all(OPS[name].pure or name in ("const", "pcadd") for name in PURE), "only pure rows may be written where their value is first needed"


@pytest.fixture(scope="module")
def machine() -> Machine:
    return Machine()


def operand_types(op: Op, type: str) -> list[str]:
    """Types of the operands of one instance; S is a wider integer for ``trunc``, a narrower one else."""
    other = "i64" if op.name == "trunc" else "i1" if type == "i8" else "i8"
    return [{"T": type, "S": other}.get(pattern, pattern) for pattern in op.args]


def values(kind: str, generator: random.Random) -> int:
    bits = TYPES[kind].bits
    top = (1 << bits) - 1
    return generator.choice([0, 1, top, top >> 1, (top >> 1) + 1, bits & top, (bits - 1) & top, generator.getrandbits(bits), generator.getrandbits(bits)])


def read(b: Builder, index: int, type: Type) -> Inst:
    """Operand *index* out of the vector area, whatever its type."""
    return b.get(type, slot=f"d{index}") if type.bits == 64 else _narrow(b, b.get(TYPES["i64"], slot=f"d{index}"), type)


def _narrow(b: Builder, wide: Inst, type: Type) -> Inst:
    if type.name == "f32":
        return b.bitcast(type, b.trunc(TYPES["i32"], wide))
    return b.trunc(type, wide)


def write(b: Builder, value: Inst) -> None:
    kind = value.type
    if kind.name == "f32":
        value, kind = b.bitcast(TYPES["i32"], value), TYPES["i32"]
    b.put(b.zext(TYPES["i64"], value) if kind.bits < 64 else value, slot="d8")


@pytest.mark.parametrize(("op", "type"), CASES, ids=[f"{op.name}.{type}" for op, type in CASES])
def test_scalar(machine: Machine, op: Op, type: str) -> None:
    kinds = operand_types(op, type)
    generator = random.Random(zlib.crc32(f"{op.name}.{type}".encode()))
    unit = Unit("arm")
    b = Builder(unit, LAYOUT.slot_types)
    b.mark(pc=0x8000, length=4, mode=0)
    args = [read(b, k, TYPES[kind]) for k, kind in enumerate(kinds)]
    attrs = tuple(dict(op.defaults).get(name, 0) for name in op.attrs)
    write(b, b.emit(op, TYPES[type] if op.types else I1, tuple(args), attrs))
    b.goto(b.i32(0x9000), b.i32(0))
    region = machine.load(unit)
    for _ in range(INPUTS):
        numbers = [values(kind, generator) for kind in kinds]
        for k, number in enumerate(numbers):
            machine.put(f"d{k}", number)
        machine.run(region)
        words = dict(zip("abc", numbers, strict=False)) | {"n": TYPES[type].bits if type else 0, "s": TYPES[kinds[0]].bits}
        expected = eval(op.sem, vars(sem) | words)  # noqa: S307 - the table's own expressions
        assert machine.get("d8") == expected, f"{op.name}.{type} of {[hex(n) for n in numbers]}"


@pytest.mark.parametrize("name", ["eq", "ne"])
def test_sign_and_overflow_flags_become_one_compare(machine: Machine, name: str) -> None:
    """ARM's GE and LT are written N == V and N != V: the lowering recognises the subtraction behind them."""
    unit = Unit("arm")
    b = Builder(unit, LAYOUT.slot_types)
    b.mark(pc=0x8000, length=4, mode=0)
    x, y = b.getreg("r0"), b.getreg("r1")
    flags = b.slt(b.sub(x, y), 0), b.adco(x, b.not_(y), b.const(I1, 1))
    b.put(getattr(b, name)(*flags), slot="qf")
    b.goto(b.i32(0x9000), b.i32(0))
    region = machine.load(unit)
    for a in (0, 1, 5, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        for c in (0, 1, 5, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
            machine.put("r0", a)
            machine.put("r1", c)
            machine.run(region)
            assert machine.get("qf") == int((sem.sx(a, 32) < sem.sx(c, 32)) == (name == "ne"))
