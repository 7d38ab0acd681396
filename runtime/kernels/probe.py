"""May this access be made? The page flags decide; an access that may not be made leaves with MEMORY_FAULT."""

from __future__ import annotations

from dbt.abi.exits import FAULT_ALIGN, FAULT_EXCLUSIVE, FAULT_NONCANONICAL, FAULT_UNMAPPED, FAULT_WRITE, Exit
from dbt.abi.memory import PAGE_BITS, PAGE_MASK, PAGE_READ, PAGE_VALID, PAGE_WRITE
from runtime.kernels.build import kernel
from runtime.kernels.mem import ld8, ld64, ldp, lshr, st64, unlikely
from runtime.kernels.offsets import CPU_EXIT_REASON, CPU_FAULT_ADDR, CPU_FAULT_INFO, CPU_PAGE_FLAGS, CPU_PROC, PROC_ADDRESS_MASK, PROC_PAGE_LIMIT

_MEMORY_FAULT = int(Exit.MEMORY_FAULT)
READABLE = PAGE_VALID | PAGE_READ
WRITABLE = PAGE_VALID | PAGE_WRITE


@kernel
def note_fault(cpu, address, info):
    """What is told of a fault."""
    st64(cpu, CPU_FAULT_ADDR, address)
    st64(cpu, CPU_FAULT_INFO, info if (address << 16) >> 16 == address else info | FAULT_NONCANONICAL)


@kernel
def raise_fault(cpu, address, info):
    """Leave with MEMORY_FAULT; the caller makes pc and mode exact."""
    note_fault(cpu, address, info)
    st64(cpu, CPU_EXIT_REASON, _MEMORY_FAULT)


@kernel(inline=True)
def page_flags(cpu, address):
    """PAGE_* flags of the page of *address*; none beyond the address space."""
    if unlikely(lshr(address, PAGE_BITS) >= ld64(ldp(cpu, CPU_PROC), PROC_PAGE_LIMIT)):
        return 0
    return ld8(ldp(cpu, CPU_PAGE_FLAGS), lshr(address, PAGE_BITS))


@kernel(inline=True)
def _permitted(cpu, address, write):
    """True if the page of *address* may be accessed; else the fault is raised."""
    need = WRITABLE if write else READABLE
    flags = page_flags(cpu, address)
    if flags & need == need:
        return True
    raise_fault(cpu, address, (FAULT_WRITE if write else 0) | (0 if flags & PAGE_VALID else FAULT_UNMAPPED))
    return False


@kernel(inline=True)
def last_byte(cpu, address, size):
    """Address of the last of *size* bytes."""
    return (address + size - 1) & ld64(ldp(cpu, CPU_PROC), PROC_ADDRESS_MASK)


@kernel(inline=True)
def probe(cpu, address, size, align, write):
    """True if *size* bytes at *address* may be accessed under alignment rule *align*; else the fault is raised."""
    if align > 1 and address & (align - 1):
        raise_fault(cpu, address, FAULT_ALIGN | (FAULT_WRITE if write else 0))
        return False
    if not _permitted(cpu, address, write):
        return False
    last = last_byte(cpu, address, size)
    return (last ^ address) & PAGE_MASK == 0 or _permitted(cpu, last & PAGE_MASK, write)


@kernel(inline=True)
def probe_exclusive(cpu, address, size, write):
    """As ``probe`` with natural alignment; a fault says that an exclusive access caused it."""
    if probe(cpu, address, size, size, write):
        return True
    st64(cpu, CPU_FAULT_INFO, ld64(cpu, CPU_FAULT_INFO) | FAULT_EXCLUSIVE)
    return False
