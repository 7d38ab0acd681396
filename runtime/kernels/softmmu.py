"""Guest memory: TLB fill and the slow paths of loads and stores.

A slow path is taken on a TLB miss, on a flag in the tag, and for every address that is not a multiple of the access size. After a fault ``cpu.exit_reason`` is
MEMORY_FAULT and nothing was stored. Guest memory is one host range here: host address = guest base + guest address.
"""

from __future__ import annotations

from dbt.abi.exits import FAULT_ALIGN, FAULT_UNMAPPED, FAULT_WRITE, Exit
from dbt.abi.memory import (
    PAGE_BITS,
    PAGE_CODE,
    PAGE_MASK,
    PAGE_READ,
    PAGE_SIZE,
    PAGE_VALID,
    PAGE_WRITE,
    TLB_EMPTY_TAG,
    TLB_ENTRIES,
    TLB_ENTRY_BITS,
    TLB_NOTDIRTY,
)
from runtime.kernels.build import helper, kernel
from runtime.kernels.codepages import invalidate
from runtime.kernels.mem import (
    a_st64,
    fence,
    g_ld8,
    g_ld16,
    g_ld32,
    g_ld64,
    g_st8,
    g_st16,
    g_st32,
    g_st64,
    ld8,
    ld64,
    ldp,
    lshr,
    st64,
    stp,
    unlikely,
)
from runtime.kernels.offsets import (
    CPU_EXIT_REASON,
    CPU_FAULT_ADDR,
    CPU_FAULT_INFO,
    CPU_GUEST_BASE,
    CPU_PAGE_FLAGS,
    CPU_PROC,
    PROC_ADDRESS_MASK,
    PROC_PAGE_LIMIT,
    TLB,
    TLB_ADDEND,
    TLB_CODE,
    TLB_READ,
    TLB_WRITE,
)

_EMPTY = TLB_EMPTY_TAG - (1 << 64)
_MEMORY_FAULT = int(Exit.MEMORY_FAULT)
_READABLE = PAGE_VALID | PAGE_READ
_WRITABLE = PAGE_VALID | PAGE_WRITE


@kernel
def raise_fault(cpu, address, info):
    """Leave with MEMORY_FAULT; the caller makes pc and mode exact."""
    st64(cpu, CPU_FAULT_ADDR, address)
    st64(cpu, CPU_FAULT_INFO, info)
    st64(cpu, CPU_EXIT_REASON, _MEMORY_FAULT)


@kernel
def page_flags(cpu, address):
    """PAGE_* flags of the page of *address*; none beyond the address space."""
    if unlikely(lshr(address, PAGE_BITS) >= ld64(ldp(cpu, CPU_PROC), PROC_PAGE_LIMIT)):
        return 0
    return ld8(ldp(cpu, CPU_PAGE_FLAGS), lshr(address, PAGE_BITS))


@kernel
def _permitted(cpu, address, write):
    """True if the page of *address* may be accessed; else the fault is raised."""
    need = _WRITABLE if write else _READABLE
    flags = page_flags(cpu, address)
    if flags & need == need:
        return True
    raise_fault(cpu, address, (FAULT_WRITE if write else 0) | (0 if flags & PAGE_VALID else FAULT_UNMAPPED))
    return False


@kernel
def probe(cpu, address, size, align, write):
    """True if *size* bytes at *address* may be accessed under alignment rule *align*; else the fault is raised."""
    if align > 1 and address & (align - 1):
        raise_fault(cpu, address, FAULT_ALIGN | (FAULT_WRITE if write else 0))
        return False
    if not _permitted(cpu, address, write):
        return False
    last = (address + size - 1) & ld64(ldp(cpu, CPU_PROC), PROC_ADDRESS_MASK)
    return (last ^ address) & PAGE_MASK == 0 or _permitted(cpu, last & PAGE_MASK, write)


@kernel
def fill(cpu, address):
    """Load the TLB entry of the page of *address* (see codepages for the race with PAGE_CODE)."""
    page = address & PAGE_MASK
    entry = TLB + ((lshr(address, PAGE_BITS) & (TLB_ENTRIES - 1)) << TLB_ENTRY_BITS)
    flags = page_flags(cpu, address)
    while True:
        write = _EMPTY
        if flags & _WRITABLE == _WRITABLE:
            write = page | (TLB_NOTDIRTY if flags & PAGE_CODE else 0)
        stp(cpu, entry + TLB_ADDEND, ldp(cpu, CPU_GUEST_BASE))
        a_st64(cpu, entry + TLB_READ, page if flags & _READABLE == _READABLE else _EMPTY)
        a_st64(cpu, entry + TLB_WRITE, write)
        a_st64(cpu, entry + TLB_CODE, _EMPTY)
        fence()
        now = page_flags(cpu, address)
        if now == flags:
            return
        flags = now


@kernel
def raw_load(base, address, size):
    if size == 1:
        return g_ld8(base, address)
    if size == 2:
        return g_ld16(base, address)
    if size == 4:
        return g_ld32(base, address)
    return g_ld64(base, address)


@kernel
def raw_store(base, address, value, size):
    if size == 1:
        g_st8(base, address, value)
    elif size == 2:
        g_st16(base, address, value)
    elif size == 4:
        g_st32(base, address, value)
    else:
        g_st64(base, address, value)


@kernel
def _load(cpu, address, size):
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
def _store(cpu, address, value, size):
    """Store after the checks; byte by byte across pages."""
    base = ldp(cpu, CPU_GUEST_BASE)
    if (address & (PAGE_SIZE - 1)) + size <= PAGE_SIZE:
        raw_store(base, address, value, size)
        return
    mask = ld64(ldp(cpu, CPU_PROC), PROC_ADDRESS_MASK)
    for i in range(size):
        g_st8(base, (address + i) & mask, value >> (8 * i))


@kernel
def stored(cpu, address, size):
    """What must follow a store of this vCPU, which took the slow path: code made from these bytes is forgotten."""
    last = (address + size - 1) & ld64(ldp(cpu, CPU_PROC), PROC_ADDRESS_MASK)
    if (page_flags(cpu, address) | page_flags(cpu, last)) & PAGE_CODE:
        invalidate(ldp(cpu, CPU_PROC), address, size)


@helper("ld_slow")
def ld_slow(cpu, address, spec):
    size = spec & 255
    if not probe(cpu, address, size, spec >> 8, False):
        return 0
    fill(cpu, address)
    return _load(cpu, address, size)


@helper("st_slow")
def st_slow(cpu, address, value, spec):
    size = spec & 255
    if probe(cpu, address, size, spec >> 8, True):
        _store(cpu, address, value, size)
        stored(cpu, address, size)
        fill(cpu, address)


@helper("ld_slow_128")
def ld_slow_128(cpu, address, align, cell):
    if probe(cpu, address, 16, align, False):
        mask = ld64(ldp(cpu, CPU_PROC), PROC_ADDRESS_MASK)
        fill(cpu, address)
        low = _load(cpu, address, 8)
        st64(cpu, (cell + 1) << 3, _load(cpu, (address + 8) & mask, 8))
        st64(cpu, cell << 3, low)


@helper("st_slow_128")
def st_slow_128(cpu, address, align, cell):
    if probe(cpu, address, 16, align, True):
        mask = ld64(ldp(cpu, CPU_PROC), PROC_ADDRESS_MASK)
        _store(cpu, address, ld64(cpu, cell << 3), 8)
        _store(cpu, (address + 8) & mask, ld64(cpu, (cell + 1) << 3), 8)
        stored(cpu, address, 16)
        fill(cpu, address)
