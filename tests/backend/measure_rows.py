"""Times single rows of the opcode table in compiled code, inline and by the helper ``op``: ``python -m tests.backend.measure_rows [NAME...]``.

The row stands in a loop, of which the time without it is taken off: so an operation that fits into the loop's own latency costs nothing.
Operands are plain numbers, so that inline forms hold. Prints a Markdown table in nanoseconds a row: the best of several runs.
"""

from __future__ import annotations

import struct
import sys
from time import perf_counter
from unittest.mock import patch

from dbt.abi.cpu import FP_INEXACT
from dbt.backend.llvm import region as backend
from dbt.backend.llvm.survey import Form, How, forms, how, slot
from dbt.ir.builder import Builder
from dbt.ir.optable import OPS
from dbt.ir.types import I32, V64, V128
from dbt.ir.unit import Unit
from runtime.arena import Placed
from tests.backend.machine import LAYOUT
from tests.backend.test_rare import Rare

TURNS, REPEATS = 10_000, 40
_LEAST = 0.5  # ns: what is below it is noise
# What the attributes should be; the first form that has them is taken, of the widest type.
WANTED: dict[str, dict[str, object]] = {
    "vtbl": {"count": 4}, "vpmull": {}, "vurshlv": {"lane": 16}, "vsqshlv": {"lane": 32}, "vsqrshlv": {"lane": 16}, "vsqshlu": {"lane": 16, "imm": 1},
    "ftoi": {"signed": 0, "width": 32, "round": 3, "fbits": 0}, "itof": {"signed": 0, "fbits": 5, "round": 0}, "vftoi": {"lane": 32, "signed": 0, "round": 3},
    "frint": {"round": 2, "exact": 0, "std": 0}, "vfrint": {"lane": 32, "round": 2, "exact": 0, "std": 0}, "vfcvt_h2f": {}, "vfcvt_f2h": {},
    "vfrecpe": {"lane": 32}, "vfrsqrte": {"lane": 32}, "vfrecps": {"lane": 32, "std": 1}, "vfrsqrts": {"lane": 32, "std": 1}, "vurecpe": {"lane": 32},
    "pcmpstr": {"imm": 0, "implicit": 1}, "vsigns": {"lane": 8},
}  # fmt: skip


def _loop(form: Form, count: int) -> Unit:
    """A loop that computes *form* *count* times (0 or 1) a turn and exchanges two sets of operands, so that nothing of it can be hoisted; results are
    mixed, so that nothing can be left out."""
    unit = Unit("arm")
    b = Builder(unit, LAYOUT.slot_types)
    b.mark(pc=0x8000, length=4, mode=0)
    b.br(then="turn")
    b.start("turn")
    b.mark(pc=0x8000, length=4, mode=0)
    operands = [b.get(kind, slot=slot(index, kind)) for index, kind in enumerate(form.kinds)]
    for _ in range(count):
        result = form.emit(b, operands)
        if result.type is I32:
            b.put(b.xor(result, b.getreg("r1")), slot="r1")
        else:
            total, type = ("q15", V128) if result.type is V128 else ("d30", V64)
            b.put(b.vxor(b.get(type, slot=total), result if result.type is type else b.bitcast(type, result)), slot=total)
    first, second = b.get(V128, slot="q0"), b.get(V128, slot="q7")
    b.put(second, slot="q0")
    b.put(first, slot="q7")
    left = b.sub(b.getreg("r0"), 1)
    b.put(left, slot="r0")
    b.brif(b.eq(left, 0), then="end", orelse="turn")
    b.start("end")
    b.goto(b.i32(0x9000), b.i32(0))
    return unit


def _nanoseconds(machine: Rare, placed: Placed) -> float:
    """A turn of the loop."""
    best = float("inf")
    for _ in range(REPEATS):
        machine.put("r0", TURNS)
        since = perf_counter()
        machine.run(placed)
        best = min(best, perf_counter() - since)
    return best / TURNS * 1e9


def measure(machine: Rare, form: Form) -> float:
    """Nanoseconds that *form* takes, as it is lowered now."""
    for k, scale in enumerate((1, 2, 3, 4, 5, 6, 7, 8)):
        numbers = struct.pack("<8e", *[1.5 * scale, 2.25] * 4) if form.op.name == "vfcvt_h2f" else struct.pack("<4f", 1.5 * scale, 2.25, 3.0, 0.75)
        machine.put(f"q{k}", int.from_bytes(numbers, "little"))
    machine.put("fp_mode", 0)
    machine.put("fp_flags", FP_INEXACT)
    empty, full = (_nanoseconds(machine, machine.load(_loop(form, count))) for count in (0, 1))
    return full - empty


def main(names: list[str]) -> None:
    machine = Rare()
    print("| row | helper | inline |\n|---|---:|---:|")
    for name in names or WANTED:
        wanted = WANTED.get(name, {})
        form = next(form for form in reversed(list(forms(OPS[name]))) if all(form.attr(key) == value for key, value in wanted.items()))
        assert how(form) is not How.HELPER, f"{name} {form.attrs} is the helper's"
        inline = measure(machine, form)
        with patch.dict(backend.EFFECTS), patch.dict(backend.PURE):
            backend.EFFECTS.pop(name, None)
            backend.PURE.pop(name, None)
            backend.pure_rows.cache_clear()
            helper = measure(machine, form)
        backend.pure_rows.cache_clear()
        row = " ".join([f"`{name}`", *(f"{key}={value}" for key, value in wanted.items())])
        print(f"| {row} | {helper:.0f} | {f'{inline:.1f}' if inline >= _LEAST else f'under {_LEAST}'} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
