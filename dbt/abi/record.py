"""Sizes of tier-0 records. Their format and codes are in ``dbt.abi.records``, which needs the opcode table: a warm start does without."""

from __future__ import annotations

RECORD_BYTES = 16
