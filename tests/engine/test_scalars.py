"""Every scalar row of the opcode table, run by tier 0 and compared with the reference semantics."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from dbt.abi.archs import LAYOUTS
from dbt.abi.records import is_rare
from dbt.backend.tier0.encode import encode
from dbt.frontend.base import Lifted
from dbt.ir import sem
from dbt.ir.builder import Builder
from dbt.ir.optable import OPS, Op
from dbt.ir.types import I1, I8, I16, I32, I64, TYPES, Type
from dbt.ir.unit import Inst, Unit
from runtime.templates import pack
from tests.engine.harness import Harness

SEED = 20240
EDGES = (0, 1, 2, 7, 31, 32, 33, 63, 64, 0x7F, 0x80, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 63, (1 << 63) - 1, (1 << 64) - 1)
ROWS = [(op, name) for op in OPS.values() if op.sem is not None and not is_rare(op.name) for name in op.types if TYPES[name].bits <= 64]


@pytest.fixture(scope="module")
def harness() -> Iterator[Harness]:
    made = Harness()
    yield made
    made.close()


class Snippet:
    """IR that stands for one 4-byte guest instruction; operands come from d0, d1... and the result goes to d31."""

    counter = 0

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.unit = Unit("arm", "insn")
        self.b = Builder(self.unit, LAYOUTS["arm"].slot_types)

    def operand(self, number: int, type: Type) -> Inst:
        return narrow(self.b, self.b.get(I64, slot=f"d{number}"), type)

    def result(self, value: Inst) -> None:
        wide = value if value.type.bits == 64 else self.b.zext(I64, value) if value.type in (I1, I8, I16, I32) else self.b.zext(I64, self.b.bitcast(I32, value))
        self.b.put(wide if wide.type is I64 else self.b.bitcast(I64, wide), slot="d31")

    def run(self, operands: list[int]) -> int:
        b = self.b
        b.goto(b.pcadd(I32, value=4), 0, hint="next")
        Snippet.counter += 1
        code = Snippet.counter.to_bytes(4, "little")
        lifted = Lifted(4, 0)
        self.harness.engine.templates.add(pack(encode(self.unit, lifted.length, lifted.next_mode, lifted.ends), 0, code, 0, False))
        _, vcpu = self.harness.run(code, 0, {f"d{i}": value for i, value in enumerate(operands)})
        assert vcpu.pc == self.harness.end
        return vcpu.get("d31")


def narrow(b: Builder, value: Inst, type: Type) -> Inst:
    """*value* (i64) cut to *type*."""
    if type.bits == 64:
        return value if type is I64 else b.bitcast(type, value)
    if type in (I1, I8, I16, I32):
        return b.trunc(type, value)
    return b.bitcast(type, b.trunc(I32, value))


def expected(op: Op, type: Type, values: list[int], source: Type) -> int:
    names = {**vars(sem), **dict(zip(("a", "b", "c"), values, strict=False)), "n": type.bits, "s": source.bits}
    return int(eval(op.sem or "", names)) & ((1 << 64) - 1)


def operand_types(op: Op, type: Type, rng: random.Random) -> list[Type]:
    narrower = [t for t in (I1, I8, I16, I32) if t.bits < type.bits]
    wider = [t for t in (I8, I16, I32, I64) if t.bits > type.bits]
    choices = {"T": [type], "S": wider if op.name == "trunc" else narrower}
    return [rng.choice(choices[a]) if a in choices else TYPES[a] for a in op.args]


@pytest.mark.parametrize(("op", "name"), ROWS, ids=[f"{op.name}.{name}" for op, name in ROWS])
def test_row(harness: Harness, op: Op, name: str) -> None:
    rng = random.Random(f"{SEED} {op.name} {name}")
    type = TYPES[name]
    for _ in range(12):
        types = operand_types(op, type, rng)
        values = [rng.choice((rng.choice(EDGES), rng.getrandbits(64))) & ((1 << t.bits) - 1) for t in types]
        snippet = Snippet(harness)
        if len(types) == 2 and rng.random() < 0.5:
            args = [snippet.operand(0, types[0]), snippet.b.const(types[1], values[1])]  # the immediate form, where there is one
        else:
            args = [snippet.operand(i, t) for i, t in enumerate(types)]
        snippet.result(snippet.b.emit(op, type, tuple(args), ()))
        want = expected(op, TYPES[op.result] if op.result != "T" else type, values, types[0]) if op.name in ("zext", "sext", "trunc") else expected(
            op, type, values, types[0])
        assert snippet.run(values) == want, f"{op.name}.{name} of {[hex(v) for v in values]} ({[str(t) for t in types]})"


def test_bits_travel_through_free_casts(harness: Harness) -> None:
    snippet = Snippet(harness)
    b = snippet.b
    pair = b.vpair(b.get(I64, slot="d1"), b.get(I64, slot="d0"))
    b.put(pair, slot="q0")
    snippet.result(b.vhalf(pair, index=1))
    assert snippet.run([1, 2]) == 1
    assert harness.vcpu.get("q0") == 2 | 1 << 64


def test_a_register_read_before_it_is_overwritten_keeps_its_value(harness: Harness) -> None:
    snippet = Snippet(harness)
    b = snippet.b
    old, other = b.getreg("r0"), b.getreg("r1")
    b.putreg("r0", other)
    b.putreg("r1", old)
    snippet.result(b.add(old, b.shl(other, 8)))
    harness.vcpu.put("r0", 1)
    harness.vcpu.put("r1", 2)
    assert snippet.run([]) == 0x201
    assert (harness.vcpu.get("r0"), harness.vcpu.get("r1")) == (2, 1)


def test_halves_of_a_double_register(harness: Harness) -> None:
    snippet = Snippet(harness)
    b = snippet.b
    low, high = b.getreg("s0"), b.getreg("s1")
    b.putreg("s1", low)
    b.putreg("s0", high)
    snippet.result(b.getreg("d0"))
    assert snippet.run([0x1111_1111_2222_2222]) == 0x2222_2222_1111_1111
