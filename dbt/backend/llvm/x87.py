"""The x87 rows: run by the helper ``op``; one that finds an unmasked exception pending leaves at its instruction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dbt.backend.llvm import fallback
from dbt.backend.llvm.memory import FaultExit
from dbt.ir.types import VOID
from dbt.ir.unit import Inst

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region


def _lower(r: Region, inst: Inst) -> None:
    result = fallback.call(r, inst, [r.operand(arg) for arg in inst.args])
    fault = FaultExit(r)
    fault.check(r.pc, r.mode)
    fault.finish()
    if inst.type is not VOID:
        r.define(inst, result)


ROWS: dict[str, Callable[[Region, Inst], None]] = dict.fromkeys(
    ("x87_load", "x87_memory", "x87_stack", "x87_move_if", "x87_store", "x87_commit"), _lower)
