"""Guest addresses as base and distance."""

from __future__ import annotations

from dbt.ir.types import Type
from dbt.ir.unit import Inst


def split(address: Inst) -> tuple[Inst, int]:
    """(base, distance) of an address: constants added or subtracted are taken off."""
    distance = 0
    while address.op.name in ("add", "sub") and address.args[1].op.name == "const":
        value, bits = int(address.args[1].attrs[0]), address.type.bits  # type: ignore[call-overload]
        signed = value - (1 << bits) if value >> bits - 1 else value
        distance += signed if address.op.name == "add" else -signed
        address = address.args[0]
    return address, distance


def bytes_of(type: Type) -> int:
    return type.bits // 8
