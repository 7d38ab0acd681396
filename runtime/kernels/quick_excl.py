"""Scheme ``excl``, the quick way: load-links, store-conditionals, stores and atomic operations in a page that is exclusive already, with nothing in their way.

What the helpers do there, without a look at page flags, frames or code. One compare of the vCPU's own write tag says it all: a tag that is the page's
address and TLB_EXCL, no other flag, belongs to a page that may be written (and read: no memory map has it otherwise), is its own frame (exclusive pages of
shared mappings have TLB_MMIO too) and has no translated code. No fence is needed for the code: who marks a page flags the tags, as for any store on the fast
path.

These kernels call none that waits. Wherever something is not as it should be they have changed nothing and give AGAIN: the whole helper then looks at all of
it from the beginning. Their steps on shared words are those of ``scheme_excl``, in its order, so they mix with it on other vCPUs.
"""

from __future__ import annotations

from dbt.abi.exclusive import AGE_SAMPLE, LOCKED, Failure, Scheme
from dbt.abi.helpers import AGAIN
from dbt.abi.memory import PAGE_BITS, PAGE_MASK, TLB_EXCL
from runtime.kernels.build import kernel
from runtime.kernels.granules import granule_of, unlock_granule
from runtime.kernels.mem import a_cas64, a_ld64, a_st64, ld64, ldp, lshr, st64
from runtime.kernels.offsets import (
    CPU_EXCL_ADDR,
    CPU_EXCL_CAUSE,
    CPU_EXCL_EPOCH,
    CPU_EXCL_GRANULE,
    CPU_EXCL_SIZE,
    CPU_EXCL_VALUE,
    CPU_EXCL_VERSION,
    CPU_GUEST_BASE,
    CPU_PROC,
    CPU_SLOW_STORES,
    PAGE_EPOCH,
    PAGE_LINKED,
    PROC_SCHEME,
    TLB_WRITE,
)
from runtime.kernels.pages import page_record
from runtime.kernels.raw import compare_and_swap, raw_load, raw_store, read_modify_write
from runtime.kernels.reservation import NOBODY, note, writer_of
from runtime.kernels.scheme_excl import follow
from runtime.kernels.tlb import entry_of

_EXCL, _NONE = int(Scheme.EXCL), int(Failure.NONE)


@kernel(inline=True)
def _is_plain_exclusive(cpu, address, size):
    """True if the write tag of *address*, a multiple of *size*, has TLB_EXCL and no other flag, under this scheme."""
    wanted = (address & (PAGE_MASK | (size - 1))) | TLB_EXCL
    return a_ld64(cpu, entry_of(lshr(address, PAGE_BITS)) + TLB_WRITE) == wanted and ld64(ldp(cpu, CPU_PROC), PROC_SCHEME) == _EXCL


@kernel(inline=True)
def quick_link(cpu, address, size):
    """``scheme_excl.link``: the value, or AGAIN."""
    if not _is_plain_exclusive(cpu, address, size):
        return AGAIN
    proc = ldp(cpu, CPU_PROC)
    record = page_record(lshr(address, PAGE_BITS))
    epoch = a_ld64(proc, record + PAGE_EPOCH)
    if epoch & 1 == 0 or a_ld64(proc, record + PAGE_LINKED) == 0:
        return AGAIN
    granule = granule_of(address)
    version = a_ld64(proc, granule)
    if version & LOCKED:
        return AGAIN
    value = raw_load(ldp(cpu, CPU_GUEST_BASE), address, size)
    st64(cpu, CPU_EXCL_EPOCH, epoch)
    st64(cpu, CPU_EXCL_GRANULE, granule)
    st64(cpu, CPU_EXCL_VERSION, version)
    st64(cpu, CPU_EXCL_VALUE, value)
    note(cpu, address, size)
    return value


@kernel(inline=True)
def quick_store(cpu, address, value, size):
    """``scheme_excl.store_conditional``: 0, or AGAIN. Failures are counted on the long way."""
    if not _is_plain_exclusive(cpu, address, size) or a_ld64(cpu, CPU_EXCL_ADDR) != address or ld64(cpu, CPU_EXCL_SIZE) != size:
        return AGAIN
    proc = ldp(cpu, CPU_PROC)
    epoch = ld64(cpu, CPU_EXCL_EPOCH)
    if epoch & 1 == 0 or a_ld64(proc, page_record(lshr(address, PAGE_BITS)) + PAGE_EPOCH) != epoch:
        return AGAIN
    granule, version = ld64(cpu, CPU_EXCL_GRANULE), ld64(cpu, CPU_EXCL_VERSION)
    if a_ld64(proc, granule) != version or a_cas64(proc, granule, version, version | LOCKED) != version:
        return AGAIN
    expected = ld64(cpu, CPU_EXCL_VALUE)
    if compare_and_swap(ldp(cpu, CPU_GUEST_BASE), address, expected, value, size) != expected:
        a_st64(proc, granule, version)
        return AGAIN
    a_st64(cpu, CPU_EXCL_ADDR, NOBODY)
    st64(cpu, CPU_EXCL_CAUSE, _NONE)
    unlock_granule(proc, granule, writer_of(cpu))
    return 0


@kernel(inline=True)
def _lock_at_once(proc, granule):
    """Take the granule's lock: its word before, or LOCKED if it was not free."""
    word = a_ld64(proc, granule)
    return word if word & LOCKED == 0 and a_cas64(proc, granule, word, word | LOCKED) == word else LOCKED


@kernel(inline=True)
def quick_plain_store(cpu, address, value, spec):
    """``st_slow`` for an aligned store: 0, or AGAIN. Every AGE_SAMPLE-th goes the long way, which looks whether the page is still used so."""
    size = spec & 255
    count = ld64(cpu, CPU_SLOW_STORES) + 1
    if count & (AGE_SAMPLE - 1) == 0 or not _is_plain_exclusive(cpu, address, size):
        return AGAIN
    proc, granule = ldp(cpu, CPU_PROC), granule_of(address)
    if _lock_at_once(proc, granule) & LOCKED:
        return AGAIN
    raw_store(ldp(cpu, CPU_GUEST_BASE), address, value, size)
    follow(cpu, proc, granule, address, address)
    unlock_granule(proc, granule, writer_of(cpu))
    st64(cpu, CPU_SLOW_STORES, count)
    return 0


@kernel(inline=True)
def quick_rmw(cpu, address, operand, spec):
    """``rmw`` of at most 32 bits: the old value, which is never AGAIN, or AGAIN."""
    size = spec & 255
    count = ld64(cpu, CPU_SLOW_STORES) + 1
    if size == 8 or count & (AGE_SAMPLE - 1) == 0 or not _is_plain_exclusive(cpu, address, size):
        return AGAIN
    proc, granule = ldp(cpu, CPU_PROC), granule_of(address)
    if _lock_at_once(proc, granule) & LOCKED:
        return AGAIN
    old = read_modify_write(ldp(cpu, CPU_GUEST_BASE), address, operand, (spec >> 16) & 255, size)
    follow(cpu, proc, granule, address, address)
    unlock_granule(proc, granule, writer_of(cpu))
    st64(cpu, CPU_SLOW_STORES, count)
    return old


@kernel(inline=True)
def quick_cas(cpu, address, expected, new, spec):
    """``cas`` of at most 32 bits: the old value, which is never AGAIN, or AGAIN."""
    size = spec & 255
    count = ld64(cpu, CPU_SLOW_STORES) + 1
    if size == 8 or count & (AGE_SAMPLE - 1) == 0 or not _is_plain_exclusive(cpu, address, size):
        return AGAIN
    proc, granule = ldp(cpu, CPU_PROC), granule_of(address)
    word = _lock_at_once(proc, granule)
    if word & LOCKED:
        return AGAIN
    old = compare_and_swap(ldp(cpu, CPU_GUEST_BASE), address, expected, new, size)
    if old == expected:
        follow(cpu, proc, granule, address, address)
        unlock_granule(proc, granule, writer_of(cpu))
    else:
        a_st64(proc, granule, word)
    st64(cpu, CPU_SLOW_STORES, count)
    return old
