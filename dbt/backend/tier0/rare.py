"""Records of rare rows, which have a payload: tier 0's encoder writes them, and compiled code calls for them."""

from __future__ import annotations

from struct import Struct
from typing import cast

from dbt.abi.records import CODES, PAYLOAD_D, PAYLOAD_N, PAYLOAD_S
from dbt.backend.tier0.format import RECORD
from dbt.ir.unit import Inst
from dbt.ir.x87 import NUMBERS, OPERATIONS

_PAYLOAD = Struct("<8h")


def rare_record(inst: Inst, dst: int, cells: tuple[int, ...]) -> bytes:
    """Record and payload of a rare row: *cells* are the first cells of its operands, *dst* that of the result."""
    op = inst.op
    a, b, c, d = (*cells, 0, 0, 0, 0)[:4]
    if op.name == "vshuf":
        indexes = cast(tuple[int, ...], inst.attrs[0])
        return RECORD.pack(CODES[op.name], dst, a, b, inst.of.bits) + bytes(indexes).ljust(16, b"\0")
    payload = _x87_payload(inst) if op.kind == "x87" else [int(value) for value in inst.attrs]  # type: ignore[call-overload]
    payload += [0] * (8 - len(payload))
    if len(op.args) == 4:
        payload[PAYLOAD_D] = d
    payload[PAYLOAD_N] = inst.of.bits if op.types else inst.type.bits
    for arg, pattern in zip(inst.args, op.args, strict=True):
        if pattern in ("S", "F", "X"):
            payload[PAYLOAD_S] = arg.type.bits
    return RECORD.pack(CODES[op.name], dst, a, b, c) + _PAYLOAD.pack(*payload)


def _x87_payload(inst: Inst) -> list[int]:
    """The attributes, an operation as its number; and what the kernels must know of the operation."""
    what = str(inst.attrs[0])
    if what not in OPERATIONS:
        return [int(value) for value in inst.attrs]  # type: ignore[call-overload]
    operation = OPERATIONS[what]
    i = int(inst.attrs[1]) if len(inst.attrs) > 1 else 0  # type: ignore[call-overload]
    return [NUMBERS[what], i, operation.shape, operation.pops, operation.codes]
