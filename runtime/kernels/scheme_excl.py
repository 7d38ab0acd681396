"""Scheme ``excl``: exclusive pages, a version for each granule.

While the process has one vCPU, a reservation in a private page is address and size: nobody else writes there but the host, whose writes are counted.

A store-conditional takes the granule's lock by comparing and swapping the very version that the load-link noted, so it succeeds only if no write under the
protocol came between. Stores outside of the protocol come only while the epoch is even. The data are compared and swapped too: a system call's write, or
another process's in a shared page, may come at any time.
"""

from __future__ import annotations

from dbt.abi.exclusive import (
    BEATEN_AGAIN,
    GRANULE,
    GRANULE_WRITER,
    HOST_WRITER,
    LEAST_WAIT,
    LOCKED,
    MOST_WAIT,
    NEXT_VERSION,
    SHARED_FRAMES,
    WRITER_INDEX_SHIFT,
    Failure,
)
from dbt.abi.memory import PAGE_BITS
from runtime.kernels.build import kernel
from runtime.kernels.granules import granule_of, lock_granule, unlock_granule
from runtime.kernels.host import back_off
from runtime.kernels.mem import a_add64, a_cas64, a_ld64, a_st64, ld64, ldp, lshr, pause, prefetch_write, st64
from runtime.kernels.offsets import (
    CPU_EXCL_ADDR,
    CPU_EXCL_EPOCH,
    CPU_EXCL_FAILED,
    CPU_EXCL_GRANULE,
    CPU_EXCL_SIZE,
    CPU_EXCL_VALUE,
    CPU_EXCL_VERSION,
    CPU_EXCL_WAIT,
    CPU_GUEST_BASE,
    CPU_LINKS,
    CPU_PROC,
    CPU_REQUEST,
    PAGE_EPOCH,
    PROC_HOST_WRITES,
    PROC_PARALLEL,
)
from runtime.kernels.pages import page_record, physical, settle, still_linked
from runtime.kernels.probe import probe_exclusive
from runtime.kernels.raw import compare_and_swap, raw_load, raw_store
from runtime.kernels.reservation import failed, note, take, writer_of

_STORE, _HOST, _RETIRED, _THREADS = int(Failure.STORE), int(Failure.HOST), int(Failure.RETIRED), int(Failure.THREADS)
_ALONE = 0  # the epoch of a reservation made while the process has one vCPU: no page that is exclusive has it
_BY_HOST = HOST_WRITER << WRITER_INDEX_SHIFT


@kernel
def link(cpu, address, size):
    proc = ldp(cpu, CPU_PROC)
    turn = 0
    while probe_exclusive(cpu, address, size, False):
        where = physical(proc, address)
        frame = lshr(where, PAGE_BITS)
        if a_ld64(proc, PROC_PARALLEL) == 0 and frame < SHARED_FRAMES:
            st64(cpu, CPU_EXCL_EPOCH, _ALONE)
            st64(cpu, CPU_EXCL_VERSION, a_ld64(proc, PROC_HOST_WRITES))
            note(cpu, where, size)
            return raw_load(ldp(cpu, CPU_GUEST_BASE), address, size)
        record = page_record(frame)
        epoch = a_ld64(proc, record + PAGE_EPOCH)
        if epoch & 1 == 0:
            settle(cpu, frame)
            continue
        granule = granule_of(where)
        version = a_ld64(proc, granule)
        if version & LOCKED:
            turn = back_off(turn)
            continue
        value = raw_load(ldp(cpu, CPU_GUEST_BASE), address, size)
        st64(cpu, CPU_EXCL_EPOCH, epoch)
        st64(cpu, CPU_EXCL_GRANULE, granule)
        st64(cpu, CPU_EXCL_VERSION, version)
        st64(cpu, CPU_EXCL_VALUE, value)
        note(cpu, where, size)
        still_linked(proc, record)
        return value
    return 0


@kernel
def _store_alone(cpu, proc, address, value, size):
    """The store-conditional of a reservation that was made while the process had one vCPU."""
    if a_ld64(proc, PROC_PARALLEL) != 0:
        failed(cpu, _THREADS, 0)
        return 1
    if a_ld64(proc, PROC_HOST_WRITES) != ld64(cpu, CPU_EXCL_VERSION):
        failed(cpu, _HOST, 0)
        return 1
    raw_store(ldp(cpu, CPU_GUEST_BASE), address, value, size)
    return 0


@kernel
def _give_way(cpu, proc, granule, address):
    """Another vCPU was faster. Tried again at once, the two would take the cache lines from each other at every access; so this one leaves them to the other
    for a while, and then takes both for writing, so that the load-link that follows and its store-conditional find them there."""
    links = ld64(cpu, CPU_LINKS)
    wait = LEAST_WAIT
    if links - ld64(cpu, CPU_EXCL_FAILED) <= BEATEN_AGAIN:
        wait = min(2 * ld64(cpu, CPU_EXCL_WAIT), MOST_WAIT)
    st64(cpu, CPU_EXCL_FAILED, links)
    st64(cpu, CPU_EXCL_WAIT, wait)
    for _ in range(wait):
        if a_ld64(cpu, CPU_REQUEST) != 0:
            break
        pause()
    prefetch_write(proc, granule)
    prefetch_write(ldp(cpu, CPU_GUEST_BASE), address)


@kernel
def store_conditional(cpu, address, value, size):
    proc = ldp(cpu, CPU_PROC)
    where = physical(proc, address)
    if not take(cpu, where, size):
        return 1
    epoch = ld64(cpu, CPU_EXCL_EPOCH)
    if epoch == _ALONE:
        return _store_alone(cpu, proc, address, value, size)
    if a_ld64(proc, page_record(lshr(where, PAGE_BITS)) + PAGE_EPOCH) != epoch:
        failed(cpu, _RETIRED, 0)
        return 1
    granule = ld64(cpu, CPU_EXCL_GRANULE)
    version = ld64(cpu, CPU_EXCL_VERSION)
    if a_cas64(proc, granule, version, version | LOCKED) != version:
        writer = a_ld64(proc, granule + GRANULE_WRITER)
        failed(cpu, _HOST if writer == _BY_HOST else _STORE, writer)
        _give_way(cpu, proc, granule, address)
        return 1
    expected = ld64(cpu, CPU_EXCL_VALUE)
    if compare_and_swap(ldp(cpu, CPU_GUEST_BASE), address, expected, value, size) != expected:
        a_st64(proc, granule, version)
        failed(cpu, _HOST, 0)
        return 1
    unlock_granule(proc, granule, writer_of(cpu))
    return 0


@kernel
def _lock_two(proc, first, second):
    """Both records of an atomic operation that crosses granules, in the order that everybody keeps."""
    lock_granule(proc, min(first, second))
    if first != second:
        lock_granule(proc, max(first, second))


@kernel(inline=True)
def begin_write(proc, address, last):
    """Before this vCPU writes the bytes from guest address *address* to *last*, in one granule or (an atomic operation) two."""
    granule = granule_of(physical(proc, address))
    if (address ^ last) & ~(GRANULE - 1) == 0:
        lock_granule(proc, granule)
    else:
        _lock_two(proc, granule, granule_of(physical(proc, last)))


@kernel(inline=True)
def follow(cpu, proc, granule, where, address):
    """The own reservation, if it is still valid, outlives the own write. The granule is locked."""
    version = a_ld64(proc, granule) & ~LOCKED
    if ld64(cpu, CPU_EXCL_GRANULE) != granule or ld64(cpu, CPU_EXCL_VERSION) != version or ld64(cpu, CPU_EXCL_EPOCH) == _ALONE:
        return
    st64(cpu, CPU_EXCL_VERSION, version + NEXT_VERSION)
    linked = a_ld64(cpu, CPU_EXCL_ADDR)
    if (linked ^ where) & ~(GRANULE - 1) == 0:
        at = (address & ~(GRANULE - 1)) | (linked & (GRANULE - 1))
        st64(cpu, CPU_EXCL_VALUE, raw_load(ldp(cpu, CPU_GUEST_BASE), at, ld64(cpu, CPU_EXCL_SIZE)))


@kernel
def _end_second(cpu, proc, granule, last):
    where = physical(proc, last)
    if granule_of(where) != granule:
        follow(cpu, proc, granule_of(where), where, last)
        unlock_granule(proc, granule_of(where), writer_of(cpu))


@kernel(inline=True)
def end_write(cpu, proc, address, last):
    """After the write."""
    where = physical(proc, address)
    granule = granule_of(where)
    follow(cpu, proc, granule, where, address)
    if (address ^ last) & ~(GRANULE - 1) != 0:
        _end_second(cpu, proc, granule, last)
    unlock_granule(proc, granule, writer_of(cpu))


@kernel
def host_wrote(proc, where, last):
    """The host has written the bytes from physical address *where* to *last*, in one exclusive page."""
    at = where & ~(GRANULE - 1)
    while at <= last:
        granule = granule_of(at)
        lock_granule(proc, granule)
        unlock_granule(proc, granule, _BY_HOST)
        at += GRANULE


@kernel
def host_write_begins(proc):
    """Once a write by the host, whatever the page."""
    if a_ld64(proc, PROC_PARALLEL) == 0:
        a_add64(proc, PROC_HOST_WRITES, 1)
