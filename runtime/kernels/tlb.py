"""TLB entries: where they are, and how they are emptied. Any vCPU's entry may be emptied or flagged by any thread; only the owner fills it."""

from __future__ import annotations

from dbt.abi.exclusive import PRIVATE_SLOTS
from dbt.abi.memory import PAGE_BITS, PAGE_MASK, TLB_EMPTY_TAG, TLB_ENTRIES, TLB_ENTRY_BITS
from runtime.kernels.build import export, kernel
from runtime.kernels.mem import a_ld64, a_or64, a_st64, fence, ld64, ldp, p2i
from runtime.kernels.offsets import PROC_VCPU_COUNT, PROC_VCPUS, TLB, TLB_CODE, TLB_READ, TLB_WRITE

EMPTY = TLB_EMPTY_TAG - (1 << 64)


@kernel(inline=True)
def entry_of(page):
    """Offset of the entry that may hold *page* (a page number)."""
    return TLB + ((page & (TLB_ENTRIES - 1)) << TLB_ENTRY_BITS)


@kernel
def page_of(tag):
    """Page number of a tag that is not empty."""
    return (tag & PAGE_MASK) >> PAGE_BITS


@kernel
def flag_entry(cpu, page, flag):
    """Set *flag* in the write tag for *page*, or another page of its slot, if the vCPU has one."""
    entry = entry_of(page) + TLB_WRITE
    tag = a_ld64(cpu, entry)
    if tag != EMPTY and (page_of(tag) ^ page) & (PRIVATE_SLOTS - 1) == 0:
        a_or64(cpu, entry, flag)


@kernel
def _flush_entry(cpu, entry):
    a_st64(cpu, entry + TLB_READ, EMPTY)
    a_st64(cpu, entry + TLB_WRITE, EMPTY)
    a_st64(cpu, entry + TLB_CODE, EMPTY)


@export("flush_tlb", "void(p)")
def flush_tlb(cpu):
    """Empty the TLB of one vCPU."""
    for i in range(TLB_ENTRIES):
        _flush_entry(cpu, TLB + (i << TLB_ENTRY_BITS))


@kernel
def flush_pages(proc, page, count):
    """Empty the entries of *count* pages on every vCPU; after the page flags have changed. Code lock held."""
    fence()
    for i in range(ld64(proc, PROC_VCPU_COUNT)):
        cpu = ldp(proc, PROC_VCPUS + 8 * i)
        if p2i(cpu) == 0:
            continue
        if count >= TLB_ENTRIES:
            flush_tlb(cpu)
        else:
            for n in range(count):
                _flush_entry(cpu, entry_of(page + n))
