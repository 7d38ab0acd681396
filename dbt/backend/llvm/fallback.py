"""Rows without an inline form: run by the helper ``op`` on a tier-0 record in the module's read-only data.

The operands are copied to the temporary cells of the vCPU block, the result comes from there. All of it is a function of the module, one a record.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dbt.backend.llvm.convention import COLD_CONVENTION, HELPER_CONVENTION
from dbt.backend.llvm.text import CPU, llvm_type
from dbt.backend.tier0.rare import rare_record
from dbt.ir.types import VOID, Type
from dbt.ir.unit import Inst

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region

CELLS_AN_OPERAND = 2  # room for 128 bits


def lower(r: Region, inst: Inst) -> None:
    r.define(inst, call(r, inst, [r.operand(arg) for arg in inst.args], cold=False))


def call(r: Region, inst: Inst, operands: Sequence[str], cold: bool = False) -> str:
    """Run *inst* on *operands* in the helper; gives the result's operand ("" if it has none). A *cold* call saves the vector registers of the hot path
    itself."""
    first = r.layout.layout["temps"].cell
    cells = [first + CELLS_AN_OPERAND * k for k in range(len(operands))]
    result_cell = first + CELLS_AN_OPERAND * len(operands)
    record = rare_record(inst, result_cell, tuple(cells))
    number = r.records.setdefault((record, cold), len(r.records))
    types = [llvm_type(arg.type) for arg in inst.args]
    convention = COLD_CONVENTION if cold else HELPER_CONVENTION
    result = llvm_type(inst.type) if inst.type is not VOID else "void"

    def write() -> None:
        t = r.text
        for k, (arg, cell) in enumerate(zip(inst.args, cells, strict=True)):
            _store_cell(r, cell, arg.type, f"%a{k}")
        words = ", ".join(f"i32 {word}" for (word,) in struct.iter_unpack("<I", record))
        r.constants.append(f"@record_{number} = private unnamed_addr constant [{len(record) // 4} x i32] [{words}], align 16")
        r.call_helper("op", t.value(f"ptrtoint ptr @record_{number} to i64"))
        t.do(f"ret {result} {_load_cell(r, result_cell, inst.type)}" if inst.type is not VOID else "ret void")

    r.outline(f"op_{number}", convention, result, ", ".join(f"{type} %a{k}" for k, type in enumerate(types)), write)
    arguments = "".join(f", {type} {operand}" for type, operand in zip(types, operands, strict=True))
    written = f"call {convention} {result} @op_{number}(ptr %cpu{arguments})"
    if inst.type is not VOID:
        return r.text.value(written)
    r.text.do(written)
    return ""


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
