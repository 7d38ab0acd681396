"""The guests: arch name -> vCPU layout."""

from __future__ import annotations

from dbt.abi import arm, x86
from dbt.abi.cpu import CpuLayout

LAYOUTS: dict[str, CpuLayout] = {"arm": arm.cpu, "i386": x86.i386, "x86_64": x86.x86_64}
X86_ATOMICS = ("host", "llsc")  # what x86's atomic operations become: the IR's, or pairs of load-link and store-conditional
LLSC = "-llsc"  # added to the name of an arch for the latter
FRONTENDS = {"arm": "arm", "i386": "x86", "x86_64": "x86"}  # arch name -> package below dbt.frontend

# How the block builder tells an instruction's length without lifting it (runtime.kernels.blocks): arch name -> rule.
INSN_RULE_ARM = 0  # 4 bytes; in Thumb mode 2 unless the top five bits of the first halfword are 0b11101 or above
INSN_RULE_I386 = 1  # 1 to 15 bytes, read off prefixes, opcode and ModRM (runtime.kernels.x86_length)
INSN_RULE_X86_64 = 2
INSN_RULES: dict[str, int] = {"arm": INSN_RULE_ARM, "i386": INSN_RULE_I386, "x86_64": INSN_RULE_X86_64}
