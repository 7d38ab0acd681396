"""The guests: arch name -> vCPU layout."""

from __future__ import annotations

from dbt.abi import arm
from dbt.abi.cpu import CpuLayout

LAYOUTS: dict[str, CpuLayout] = {"arm": arm.cpu}

# How the block builder tells an instruction's length without lifting it (runtime.kernels.blocks): arch name -> rule.
INSN_RULE_ARM = 0  # 4 bytes; in Thumb mode 2 unless the top five bits of the first halfword are 0b11101 or above
INSN_RULES: dict[str, int] = {"arm": INSN_RULE_ARM}
