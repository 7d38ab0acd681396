"""The guests: arch name -> vCPU layout."""

from __future__ import annotations

from dbt.abi import arm
from dbt.abi.cpu import CpuLayout

LAYOUTS: dict[str, CpuLayout] = {"arm": arm.cpu}
