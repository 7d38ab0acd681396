"""No consumer of the opcode table in ``dbt.ir`` misses a row."""

from __future__ import annotations

import pytest

from dbt.ir.attributes import ATTRIBUTES, lanes
from dbt.ir.builder import Builder, _name
from dbt.ir.fold import EVALUATORS
from dbt.ir.optable import OPS, Op, instances
from dbt.ir.passes.fold import RULES
from dbt.ir.text import parse_unit, print_unit
from dbt.ir.types import I32, TYPES, VOID
from dbt.ir.unit import Inst, Unit
from dbt.ir.verify import verify
from dbt.ir.x87 import names
from tests.reference_eval import uncovered

EFFECTS = set("rwfgpexbt")
OPEN = {"A": "i32", "S": "i32", "F": "f32", "X": "v64"}
SLOTS = {name: (16 * at, TYPES[name]) for at, name in enumerate(TYPES) if name != "void"}
WORDS = {"then": "b0", "orelse": "b0", "kind": "undefined", "order": "acquire", "hint": "jump"}


def operand(op: Op, pattern: str, of: str) -> str:
    """A type that fits *pattern*."""
    if pattern == "T":
        return of
    if pattern not in OPEN:
        return pattern
    bits = TYPES[of].bits if of else 0
    if op.name in ("zext", "sext"):
        return "i1" if op.name == "zext" else "i8"
    if op.name == "trunc":
        return "i64"
    if op.name == "bitcast":
        return next(name for name in op.types if TYPES[name].bits == bits)
    return OPEN[pattern]


def attribute(op: Op, name: str, of: str) -> object:
    if name == "slot":
        return of
    if name == "perm":
        return tuple(range(TYPES[of].bits // 8))
    if name == "lane":
        return lanes(op)[0]
    if name == "what":
        return names(op.name)[0]
    if name in WORDS:
        return WORDS[name]
    return dict(op.defaults).get(name, {"width": 32, "index": 0}.get(name, 1))


def sample(op: Op, of: str) -> Unit:
    """A unit around one legal use of the row."""
    unit = Unit("arm", "sample")
    insts = unit.block("b0").insts
    args = []
    for pattern in op.args:
        insts.append(Inst(OPS["const"], TYPES[operand(op, pattern, of)], (), (0,)))
        args.append(insts[-1])
    insts.append(Inst(op, TYPES[of] if of else VOID, tuple(args), tuple([attribute(op, name, of) for name in op.attrs])))
    if not op.terminator:
        zero = Inst(OPS["const"], I32, (), (0,))
        insts.extend([zero, Inst(OPS["goto"], VOID, (zero, zero), ("jump",))])
    return unit


@pytest.mark.parametrize("name", OPS)
def test_row(name: str) -> None:
    """Builder, printer, parser and verifier know every instance of the row."""
    op = OPS[name]
    assert callable(getattr(Builder, _name(op)))
    for of in instances(op):
        unit = sample(op, of)
        text = print_unit(unit)
        assert print_unit(parse_unit(text)) == text
        assert verify(unit, SLOTS) == [], text


def test_columns() -> None:
    for op in OPS.values():
        assert set(op.effects) <= EFFECTS, op.name
        assert all(t in TYPES for t in op.types), op.name
        assert op.result in ("T", *TYPES), op.name
        assert all(p == "T" or p in OPEN or p in TYPES for p in op.args), op.name
        assert set(dict(op.defaults)) <= set(op.attrs), op.name
        assert bool(op.types) == ("T" in (op.result, *op.args)), op.name
        assert op.doc.endswith("."), op.name


def test_the_reference_engine_has_every_row() -> None:
    """But those that are held against processors (``tests/frontend/x86``)."""
    assert {name for name in uncovered() if not name.startswith("x87_")} == {"pcmpstr"}


def test_every_attribute_has_a_rule() -> None:
    assert {name for op in OPS.values() for name in op.attrs} == set(ATTRIBUTES)


def test_every_scalar_semantics_folds() -> None:
    """The folder runs each scalar row that has a ``sem``, in every instance."""
    for op in OPS.values():
        if op.kind != "scalar" or op.sem is None:
            continue
        assert op.name in EVALUATORS and op.name in RULES
        for of in instances(op):
            bits = TYPES[of].bits if of else 0
            types = [TYPES[operand(op, pattern, of)] for pattern in op.args]
            value = EVALUATORS[op.name](bits, types[0].bits, *[1] * len(types), *[attribute(op, name, of) for name in op.attrs])
            result = TYPES[of if op.result == "T" else op.result]
            assert 0 <= value < 1 << result.bits, op.name
