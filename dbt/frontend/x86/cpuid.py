"""What CPUID tells (SDM vol. 2A, CPUID): one fixed model of level x86-64-v2, whatever the host is.

``LEAVES`` maps (leaf, subleaf or None where it does not matter) to EAX, EBX, ECX, EDX.
"""

from __future__ import annotations

from dbt.abi.x86_features import BRAND, SIGNATURE, VENDOR, feature_bits

Leaf = tuple[int, int, int, int]

_CLFLUSH_LINES = 8 << 8  # in 8 bytes

# Leaf 8000_0001h.
_SYSCALL, _NX, _RDTSCP, _LM = (1 << n for n in (11, 20, 27, 29))
_LAHF_64 = 1
_ADDRESS_BITS = 48 << 8 | 40  # virtual, physical


def _words(text: bytes) -> tuple[int, ...]:
    return tuple([int.from_bytes(text[i : i + 4], "little") for i in range(0, len(text), 4)])


def _cache(kind: int, level: int, ways: int, sets: int) -> Leaf:
    """Leaf 4: a set-associative cache (1 data, 2 instructions, 3 both) with lines of 64 bytes."""
    return (kind | level << 5 | 1 << 8, 63 | (ways - 1) << 22, sets - 1, 0)


def _brand(part: int) -> Leaf:
    a, b, c, d = _words(BRAND.encode().ljust(48, b"\0")[16 * part : 16 * part + 16])
    return a, b, c, d


_b, _d, _c = _words(VENDOR)
LEAVES: dict[tuple[int, int | None], Leaf] = {
    (0, None): (0xB, _b, _c, _d),
    (1, None): (SIGNATURE, _CLFLUSH_LINES | 1 << 16, feature_bits("ecx"), feature_bits("edx")),
    (2, None): (0x00FF_FF01, 0, 0, 0),  # descriptor FFh: the caches are in leaf 4
    (4, 0): _cache(1, 1, 8, 64),
    (4, 1): _cache(2, 1, 8, 64),
    (4, 2): _cache(3, 2, 8, 512),
    (4, 3): _cache(3, 3, 16, 8192),
    (0x8000_0000, None): (0x8000_0008, 0, 0, 0),
    (0x8000_0001, None): (0, 0, _LAHF_64, _SYSCALL | _NX | _RDTSCP | _LM),
    (0x8000_0002, None): _brand(0),
    (0x8000_0003, None): _brand(1),
    (0x8000_0004, None): _brand(2),
    (0x8000_0006, None): (0, 0, 256 << 16 | 8 << 12 | 64, 0),
    (0x8000_0008, None): (_ADDRESS_BITS, 0, 0, 0),
}
NO_LEAF: Leaf = (0, 0, 0, 0)
