"""Guest memory: TLB fill and the slow paths of loads and stores.

A slow path is taken on a TLB miss, on a flag in the tag, and for every address that is not a multiple of the access size. After a fault ``cpu.exit_reason`` is
MEMORY_FAULT and nothing was stored. Guest memory is one host range here: host address = guest base + guest address.

The order in a store's slow path: permissions, then the bytes (under the guard of the scheme if the page is exclusive), then code made from them is
invalidated, then what may wait, then the TLB is filled from what holds by then. So TLB_EXCL and TLB_NOTDIRTY are both honoured, in whatever combination.
"""

from __future__ import annotations

from dbt.abi.exclusive import SHARED_FRAMES
from dbt.abi.helpers import AGAIN
from dbt.abi.memory import PAGE_BITS, PAGE_CODE, PAGE_MASK, PAGE_SIZE, TLB_EXCL, TLB_MMIO, TLB_NOTDIRTY
from runtime.kernels.build import helper, kernel
from runtime.kernels.codepages import invalidate
from runtime.kernels.guard import after_store, store_in_page
from runtime.kernels.mem import a_ld64, a_st64, fence, g_ld8, ld64, ldp, lshr, st64, stp
from runtime.kernels.offsets import CPU_GUEST_BASE, CPU_PROC, PROC_ADDRESS_MASK, TLB_ADDEND, TLB_CODE, TLB_READ, TLB_WRITE
from runtime.kernels.pages import frame_of, is_exclusive
from runtime.kernels.probe import READABLE, WRITABLE, last_byte, page_flags, probe
from runtime.kernels.quick_excl import quick_plain_store
from runtime.kernels.raw import raw_load
from runtime.kernels.tlb import EMPTY, entry_of


@kernel(inline=True)
def _read_tag(cpu, page):
    return page if page_flags(cpu, page) & READABLE == READABLE else EMPTY


@kernel(inline=True)
def _write_tag(cpu, page):
    """What a store to the page at address *page* must compare with now."""
    flags = page_flags(cpu, page)
    if flags & WRITABLE != WRITABLE:
        return EMPTY
    proc = ldp(cpu, CPU_PROC)
    frame = frame_of(proc, lshr(page, PAGE_BITS))
    tag = page | (TLB_NOTDIRTY if flags & PAGE_CODE else 0)
    if is_exclusive(proc, frame):
        tag |= TLB_EXCL
        if frame >= SHARED_FRAMES:
            tag |= TLB_MMIO
    return tag


@kernel
def fill(cpu, address):
    """Load the TLB entry of the page of *address*, if it is not what it should be. What the tags depend on may change meanwhile: whoever changes it looks at
    the entry afterwards, we look at it again after the entry is written (``codepages`` and ``pages`` tell the races)."""
    page = address & PAGE_MASK
    entry = entry_of(lshr(address, PAGE_BITS))
    read, write = _read_tag(cpu, page), _write_tag(cpu, page)
    while a_ld64(cpu, entry + TLB_WRITE) != write or a_ld64(cpu, entry + TLB_READ) != read:
        stp(cpu, entry + TLB_ADDEND, ldp(cpu, CPU_GUEST_BASE))
        a_st64(cpu, entry + TLB_READ, read)
        a_st64(cpu, entry + TLB_WRITE, write)
        a_st64(cpu, entry + TLB_CODE, EMPTY)
        fence()
        read, write = _read_tag(cpu, page), _write_tag(cpu, page)


@kernel
def load_checked(cpu, address, size):
    """Load after the checks; byte by byte across pages."""
    base = ldp(cpu, CPU_GUEST_BASE)
    if (address & (PAGE_SIZE - 1)) + size <= PAGE_SIZE:
        return raw_load(base, address, size)
    mask = ld64(ldp(cpu, CPU_PROC), PROC_ADDRESS_MASK)
    value = 0
    for i in range(size):
        value |= g_ld8(base, (address + i) & mask) << (8 * i)
    return value


@kernel
def store_checked(cpu, address, value, size):
    """Store after the checks; in two parts across pages."""
    first = min(size, PAGE_SIZE - (address & (PAGE_SIZE - 1)))
    store_in_page(cpu, address, value, first)
    if first < size:
        store_in_page(cpu, last_byte(cpu, address, size) & PAGE_MASK, lshr(value, 8 * first), size - first)


@kernel(inline=True)
def stored(cpu, address, size):
    """What must follow a store of this vCPU, which took the slow path: code made from these bytes is forgotten. The fence: who marks the page reads the bytes
    afterwards, so either it sees them or we see the mark."""
    fence()
    if (page_flags(cpu, address) | page_flags(cpu, last_byte(cpu, address, size))) & PAGE_CODE:
        invalidate(ldp(cpu, CPU_PROC), address, size)


@helper("ld_slow")
def ld_slow(cpu, address, spec):
    size = spec & 255
    if not probe(cpu, address, size, spec >> 8, False):
        return 0
    fill(cpu, address)
    return load_checked(cpu, address, size)


@helper("st_slow", quick=quick_plain_store)
def st_slow(cpu, address, value, spec):
    size = spec & 255
    if quick_plain_store(cpu, address, value, spec) != AGAIN:
        return
    if probe(cpu, address, size, spec >> 8, True):
        store_checked(cpu, address, value, size)
        stored(cpu, address, size)
        after_store(cpu, address)
        fill(cpu, address)


@helper("ld_slow_128")
def ld_slow_128(cpu, address, align, cell):
    if probe(cpu, address, 16, align, False):
        mask = ld64(ldp(cpu, CPU_PROC), PROC_ADDRESS_MASK)
        fill(cpu, address)
        low = load_checked(cpu, address, 8)
        st64(cpu, (cell + 1) << 3, load_checked(cpu, (address + 8) & mask, 8))
        st64(cpu, cell << 3, low)


@helper("st_slow_128")
def st_slow_128(cpu, address, align, cell):
    if probe(cpu, address, 16, align, True):
        mask = ld64(ldp(cpu, CPU_PROC), PROC_ADDRESS_MASK)
        store_checked(cpu, address, ld64(cpu, cell << 3), 8)
        store_checked(cpu, (address + 8) & mask, ld64(cpu, (cell + 1) << 3), 8)
        stored(cpu, address, 16)
        after_store(cpu, address)
        fill(cpu, address)
