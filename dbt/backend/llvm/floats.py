"""Floating point inline."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dbt.ir.unit import Inst

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region

ROWS: dict[str, Callable[[Region, Inst], None]] = {}
