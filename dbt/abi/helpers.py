"""Helpers that tier-1 code calls, through the table that ``cpu.helpers`` points to.

Each row: name -> (result, arguments, what it does). Types: ``p`` the vCPU, ``l`` i64, ``v`` nothing. All are called with LLVM's ``preserve_mostcc``, so that
a cold call costs the hot path no spills: the shells in the kernel image are compiled with it. After a helper marked *may fault* the caller checks
``cpu.exit_reason`` and leaves if it is not 0.
"""

from __future__ import annotations

HELPERS: dict[str, tuple[str, str, str]] = {
    "ld_slow": ("l", "pll", "Load: address, bytes (1, 2, 4, 8) | align << 8. May fault."),
    "st_slow": ("v", "plll", "Store: address, value, bytes | align << 8. May fault."),
    "ld_slow_128": ("v", "plll", "Load 16 bytes: address, align, first of two cells for the result. May fault."),
    "st_slow_128": ("v", "plll", "Store 16 bytes: address, align, first of two cells with the value. May fault."),
    "ldlink": ("l", "pll", "Load-link: address, bytes. May fault."),
    "stcond": ("l", "plll", "Store-conditional: address, value, bytes; 0 stored, 1 failed. May fault."),
    "clrex": ("v", "p", "Give up the reservation."),
    "rmw": ("l", "plll", "Atomic read-modify-write and full fence: address, operand, bytes | align << 8 | RMW_KINDS index << 16 (| ATOMIC_REPLAY). May fault."),
    "cas": ("l", "pllll", "Atomic compare-and-swap and full fence: address, expected, new, bytes | align << 8 (| ATOMIC_REPLAY). May fault."),
    "cas_128": ("v", "plll", "As cas for 16 bytes: address, first of two cells of expected | new << 16 | result << 32, 16 | align << 8 (| ATOMIC_REPLAY)."
                             " May fault."),
    "op": ("v", "pl", "Run one rare record (with its payload) on state cells: the host address of the record."),
    "jump_miss": ("l", "pll", "Indirect jump whose jump-cache entry misses: address, mode; gives a native entry or 0."),
}

AGAIN = -0x5EC0_0D17_C0DE_CA11  # result of a helper's quick way that has done nothing (a value that is this by chance goes the long way, and is right)
ATOMIC_REPLAY = 1 << 24  # leave with Exit.REPLAY in place of a fault
RMW_KINDS = ("add", "and", "or", "xor", "xchg", "umin", "umax", "smin", "smax")


def helper_offset(name: str) -> int:
    """Byte offset of a helper's pointer in the table."""
    return 8 * list(HELPERS).index(name)
