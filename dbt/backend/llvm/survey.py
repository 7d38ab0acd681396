"""How each vector and floating-point row of the opcode table is compiled: found out by lowering every form of it, for docs/vectors.md (``python -m
dbt.backend.llvm.survey > docs/vectors.md``) and for the test that no row falls back to the helper ``op`` unseen.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from itertools import product
from typing import NamedTuple

from dbt.abi.archs import LAYOUTS
from dbt.backend.llvm.features import BASE, Features
from dbt.backend.llvm.region import ALL, Entry, Region
from dbt.ir.attributes import lanes
from dbt.ir.builder import Builder
from dbt.ir.optable import OPS, Op, instances
from dbt.ir.types import I32, TYPES, Type
from dbt.ir.unit import Inst, Unit

KINDS = ("fp", "vector", "bits", "lane", "widen", "narrow")

# Forms that nothing is written for: (row, attribute, its values), or (row, "", ()) for all of a row; and why the helper is good enough.
HELPER_ONLY: dict[tuple[str, str, tuple[int, ...]], str] = {
    ("fcvt", "std", (1,)): "no instruction converts between precisions in the standard environment",
    ("itof", "round", (1, 2, 3, 4)): "no instruction names such a rounding",
    ("vitof", "round", (1, 2, 3, 4)): "no instruction names such a rounding",
    ("vfrecps", "lane", (64,)): "Advanced SIMD has single precision alone",
    ("vfrsqrts", "lane", (64,)): "Advanced SIMD has single precision alone",
    ("vfrecps", "std", (0,)): "Advanced SIMD computes in the standard environment",
    ("vfrsqrts", "std", (0,)): "Advanced SIMD computes in the standard environment",
    ("fflags", "", ()): "only what reads or writes MXCSR asks for the flags",
}


class How(StrEnum):
    """What compiled code has for a form."""

    INLINE = "inline"
    GUARDED = "inline, the helper where it does not hold"
    HELPER = "helper"


class Form(NamedTuple):
    """A row with all that its lowering may depend on: the type it is used at, its operands' types, its attributes."""

    op: Op
    of: Type
    kinds: tuple[Type, ...]
    attrs: tuple[object, ...]

    def attr(self, name: str) -> object:
        return self.attrs[self.op.attrs.index(name)]

    def emit(self, b: Builder, operands: list[Inst]) -> Inst:
        return b.emit(self.op, self.of, tuple(operands), self.attrs)


def rows() -> list[Op]:
    return [op for op in OPS.values() if op.kind in KINDS]


_CHOICES: dict[str, tuple[object, ...]] = {
    **dict.fromkeys(("signed", "std", "signal", "exact", "implicit"), (0, 1)), "fbits": (0, 5), "round": (-1, 0, 1, 2, 3, 4), "count": (1, 2, 3, 4),
}  # fmt: skip
_OPERANDS = {"F": ("f32", "f64"), "S": ("i32", "i64"), "X": ("v64", "v128")}
_TEXT_IMMEDIATES = tuple(range(0x40))


def _choices(op: Op, name: str, of: Type, lane: int, bits: int) -> tuple[object, ...]:
    """Values worth a try for an attribute; *bits* are those of the vector that has the lanes."""
    if name == "lane":
        return (lane,)
    if name == "imm":
        return _TEXT_IMMEDIATES if op.name == "pcmpstr" else (0, 1, lane - 1, lane) if op.name not in ("vrshr", "vrsar") else (1, lane - 1, lane)
    if name == "index":
        return (0, bits // lane - 1)
    if name == "width":
        return tuple(width for width in (16, 32, 64) if width <= of.bits)
    if name == "perm":
        return (tuple((7 * i + 3) % (of.bits // 4) for i in range(of.bits // 8)),)
    return _CHOICES[name]


def forms(op: Op) -> Iterator[Form]:
    """All of them, but for immediates: there the ends of their range."""
    for suffix in instances(op):
        of = TYPES[suffix or "void"]
        pattern = next((p for p in op.args if p in _OPERANDS), "")
        for source in _OPERANDS.get(pattern, ("",)):
            if op.name == "fcvt" and source == suffix:
                continue
            kinds = tuple([of if p == "T" else TYPES[source if p in _OPERANDS else p] for p in op.args])
            bits = kinds[0].bits if pattern == "X" else of.bits or 64
            for lane in [width for width in lanes(op) if width <= bits] or [0]:
                if op.name in ("vget", "vset", "vdup") and lane > min(of.bits if op.name == "vget" else kinds[-1].bits, 64):
                    continue
                for attrs in product(*[_choices(op, name, of, lane, bits) for name in op.attrs]):
                    yield Form(op, of, kinds, attrs)


def slot(index: int, type: Type) -> str:
    """The slot of ARM that the survey and the tests keep operand *index* in."""
    return f"q{index}" if type.bits == 128 else f"d{2 * index}" if type.bits == 64 else f"s{4 * index}"


def unit_of(form: Form) -> Unit:
    """Operands from vector registers, the result to q8, d16 or (32 bits) s32."""
    unit = Unit("arm")
    b = Builder(unit, LAYOUTS["arm"].slot_types)
    b.mark(pc=0x8000, length=4, mode=0)
    result = form.emit(b, [b.get(kind, slot=slot(index, kind)) for index, kind in enumerate(form.kinds)])
    if result.type is I32 or result.type.name == "f32":
        result = b.zext(TYPES["i64"], result if result.type is I32 else b.bitcast(I32, result))
    b.put(result, slot="q8" if result.type.bits == 128 else "d16")
    b.goto(b.i32(0x9000), b.i32(0))
    return unit


@cache
def how(form: Form, features: Features = ALL) -> How:
    unit = unit_of(form)
    region = Region(unit, [Entry(next(iter(unit.blocks)), 0x8000, 0)], LAYOUTS["arm"], linear=True, features=features)
    region.lower()
    calls = [cold for _, cold in region.records]
    return How.HELPER if False in calls else How.GUARDED if calls else How.INLINE


def excused(form: Form) -> bool:
    """A row of :data:`HELPER_ONLY` has it."""
    return any(name == form.op.name and (not attr or form.attr(attr) in values) for name, attr, values in HELPER_ONLY)


_PAGE = """\
# Vectors and floating point in compiled code

Generated by `python -m dbt.backend.llvm.survey > docs/vectors.md`, which lowers every form of every row (types, lane widths, attributes) and looks whether it
calls the helper `op`, the interpreter's code for one operation; a test compares the page. *Inline, the helper where it does not hold*: the host's
instructions give the result where they are known to give the guest's bits and flags, which a compare or two of the operands and the result tells; special
numbers, flags that change and unusual environments go to the helper ([architecture.md](architecture.md), `dbt/backend/llvm/floats.py`).

| row | compiled code | on a host with no more than SSE2 |
|---|---|---|
"""
_EXCUSES = """
## Forms that are always the helper's

| row | where | because |
|---|---|---|
"""


def _summary(op: Op, features: Features) -> str:
    found = [how(form, features) for form in forms(op) if not excused(form)]
    return ", or ".join(kind.value for kind in How if kind in found)


def document() -> str:
    """The whole page."""
    lines = []
    for op in rows():
        here, base = _summary(op, ALL), _summary(op, BASE)
        lines.append(f"| `{op.name}` | {here} | {base if base != here else ''} |")
    excuses = []
    for (name, attr, values), why in HELPER_ONLY.items():
        where = " ".join([f"`{attr}`", *map(str, values)]) if attr else "everywhere"
        excuses.append(f"| `{name}` | {where} | {why} |")
    return _PAGE + "\n".join(lines) + "\n" + _EXCUSES + "\n".join(excuses) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
