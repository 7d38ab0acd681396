"""Rows without an inline form: run by the helper ``op`` on a tier-0 record in the module's read-only data.

The operands are copied to the temporary cells of the vCPU block, the result comes from there.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dbt.backend.llvm.text import CPU, llvm_type
from dbt.backend.records import rare_record
from dbt.ir.types import VOID, Type
from dbt.ir.unit import Inst

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region

CELLS_AN_OPERAND = 2  # room for 128 bits


def lower(r: Region, inst: Inst) -> None:
    r.define(inst, call(r, inst, [r.operand(arg) for arg in inst.args]))


def call(r: Region, inst: Inst, operands: Sequence[str]) -> str:
    """Run *inst* on *operands* in the helper; gives the result's operand ("" if it has none)."""
    t = r.text
    first = r.layout.layout["temps"].cell
    cells = [first + CELLS_AN_OPERAND * k for k in range(len(operands))]
    result_cell = first + CELLS_AN_OPERAND * len(operands)
    for arg, operand, cell in zip(inst.args, operands, cells, strict=True):
        _store_cell(r, cell, arg.type, operand)
    name = f"@record_{len(r.constants)}"
    record = rare_record(inst, result_cell, tuple(cells))
    words = ", ".join(f"i32 {word}" for (word,) in struct.iter_unpack("<I", record))
    r.constants.append(f"{name} = private unnamed_addr constant [{len(record) // 4} x i32] [{words}], align 16")
    r.call_helper("op", t.value(f"ptrtoint ptr {name} to i64"))
    return _load_cell(r, result_cell, inst.type) if inst.type is not VOID else ""


def _store_cell(r: Region, cell: int, type: Type, operand: str) -> None:
    """Put a value into a cell, zero-extended to 64 bits."""
    t = r.text
    kind = llvm_type(type)
    if type.bits < 64:
        operand = t.value(f"zext i{type.bits} {t.cast(operand, kind, f'i{type.bits}')} to i64")
        kind = "i64"
    t.do(f"store {kind} {operand}, ptr {t.at('%cpu', 8 * cell)}, align 8{CPU}")


def _load_cell(r: Region, cell: int, type: Type) -> str:
    pointer = r.text.at("%cpu", 8 * cell)
    return r.read(pointer, type, CPU)
