"""Guest addresses as the lowering sees them."""

from __future__ import annotations

from dbt.backend.llvm.scalars import constant_of
from dbt.ir.types import Type
from dbt.ir.unit import Inst


def split(address: Inst) -> tuple[Inst, int]:
    """(base, distance) of an address: a constant added or subtracted is taken off."""
    if address.op.name in ("add", "sub"):
        value = constant_of(address.args[1])
        if value is not None:
            signed = value - (1 << address.type.bits) if value >> address.type.bits - 1 else value
            base, distance = split(address.args[0])
            return base, distance + (signed if address.op.name == "add" else -signed)
    return address, 0


def bytes_of(type: Type) -> int:
    return type.bits // 8
