"""Reads the payload of rare records (``dbt.abi.records``)."""

from __future__ import annotations

from dbt.abi.record import RECORD_BYTES
from runtime.kernels import mem
from runtime.kernels.build import kernel
from runtime.kernels.sem import sx


@kernel(inline=True)
def attribute(record, i):
    """Element i of the payload of the record at *record*."""
    return sx(mem.ld16(record, RECORD_BYTES + 2 * i), 16)
