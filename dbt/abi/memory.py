"""softmmu layouts: TLB entries, page flags, jump cache."""

from __future__ import annotations

from dbt.abi.layout import Layout

PAGE_BITS = 12
PAGE_SIZE = 1 << PAGE_BITS
PAGE_MASK = ~(PAGE_SIZE - 1)

# Software TLB, direct-mapped by page number. A tag is the page address with flags in its low bits; the fast path compares the whole tag with the
# access's address masked to page and alignment bits, so any flag forces the slow path. Host address = guest address + addend.
TLB_BITS = 12
TLB_ENTRIES = 1 << TLB_BITS
TLB_ENTRY_BITS = 5
TLB_NOTDIRTY = 1 << 10  # translated code on the page: stores must invalidate it
TLB_MMIO = 1 << 9
TLB_EXCL = 1 << 8  # a reservation may exist on the page: stores must break it
TLB_EMPTY_TAG = (1 << 64) - 1

tlb_entry = Layout("tlb_entry").add("addr_read", 8).add("addr_write", 8).add("addr_code", 8).add("addend", 8)
assert tlb_entry.size == 1 << TLB_ENTRY_BITS, "entries are indexed by a shift"

# Address spaces (user mode): guest addresses 0 up to 2^bits, one range of the host. Linux puts programs and their mappings above 0x55..., so that an x86-64
# host has 64 TiB free below. A smaller space serves where that much is refused.
SPACE_BITS_32 = 32
SPACE_BITS_64 = 46
LEAST_SPACE_BITS = SPACE_BITS_32
# What lies behind a space faults, so that one check serves all accesses of a run. For 64-bit guests that is much, also below the space: an access near to one
# that was made, or to the pc, needs no check.
SPACE_GUARD_32 = PAGE_SIZE
SPACE_GUARD_64 = 1 << 32  # both together
SPACE_GUARD_BELOW = 1 << 20
SPACE_GUARD_BEHIND = SPACE_GUARD_64 - SPACE_GUARD_BELOW
NEAR_PC = 1 << 31

# One byte a guest page.
PAGE_READ = 1
PAGE_WRITE = 2
PAGE_EXEC = 4
PAGE_VALID = 8
PAGE_CODE = 16  # translated code exists for bytes of this page

# Jump cache: (pc, mode) -> tier-0 block and native entry, looked up by both engines.
JUMP_BITS = 11
JUMP_ENTRIES = 1 << JUMP_BITS
JUMP_ENTRY_BITS = 5
jump_entry = Layout("jump_entry").add("tag", 8).add("native", 8).add("block", 8).add("unused", 8)
assert jump_entry.size == 1 << JUMP_ENTRY_BITS, "entries are indexed by a shift"


def jump_tag(pc: int, mode: int) -> int:
    """Tag of (pc, mode): the mode in the top 16 bits. Index: ``(pc ^ pc >> JUMP_BITS) >> 1 & (JUMP_ENTRIES - 1)``."""
    return pc | mode << 48
