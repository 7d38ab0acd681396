"""The one x86 processor that guests see, of level x86-64-v2: what CPUID tells, AT_HWCAP and /proc/cpuinfo. Feature names are Linux's."""

from __future__ import annotations

VENDOR = b"GenuineIntel"  # programs choose their code by it
BRAND = "dbt-translator x86-64-v2 virtual CPU"
SIGNATURE = 0x106A5  # family 6, model 1Ah, stepping 5: the first generation of the level

# CPUID leaf 1 by register: name -> bit.
FEATURES: dict[str, dict[str, int]] = {
    "edx": {"fpu": 0, "tsc": 4, "msr": 5, "pae": 6, "cx8": 8, "cmov": 15, "clflush": 19, "mmx": 23, "fxsr": 24, "sse": 25, "sse2": 26},
    "ecx": {"pni": 0, "ssse3": 9, "cx16": 13, "sse4_1": 19, "sse4_2": 20, "popcnt": 23},
}


def feature_bits(register: str) -> int:
    """Value of EDX or ECX after leaf 1."""
    return sum(1 << bit for bit in FEATURES[register].values())
