"""Scheme ``flush``: the exclusive bitmap of the first design. The load-link of a dirty page stops all other vCPUs and empties their TLBs; one lock covers every
exclusive access and every store to an exclusive page; a store-conditional that succeeds makes the page dirty again.

Reservations are taken away by others, under the lock. Those in a page that becomes dirty are taken away too: stores there go unseen from then on.
"""

from __future__ import annotations

from dbt.abi.exclusive import GRANULE, HOST_WRITER, WRITER_INDEX_SHIFT, Failure
from dbt.abi.memory import PAGE_BITS, PAGE_MASK, PAGE_SIZE
from runtime.kernels.build import kernel
from runtime.kernels.host import back_off
from runtime.kernels.mem import a_ld64, a_st64, a_xchg64, ld64, ldp, lshr, p2i, st64
from runtime.kernels.offsets import (
    CPU_EXCL_ADDR,
    CPU_EXCL_CAUSE,
    CPU_EXCL_VERSION,
    CPU_GUEST_BASE,
    CPU_PROC,
    PROC_FLUSH_LOCK,
    PROC_FLUSHES,
    PROC_VCPU_COUNT,
    PROC_VCPUS,
)
from runtime.kernels.pages import flag_entries, is_exclusive, physical, set_dirty, set_exclusive
from runtime.kernels.probe import probe_exclusive
from runtime.kernels.raw import raw_load, raw_store
from runtime.kernels.rendezvous import begin_asking, end_asking, hold_others, release_others
from runtime.kernels.reservation import NOBODY, note, take, writer_of
from runtime.kernels.tlb import flush_tlb

_STORE, _HOST, _RETIRED = int(Failure.STORE), int(Failure.HOST), int(Failure.RETIRED)
_BY_HOST = HOST_WRITER << WRITER_INDEX_SHIFT


@kernel
def lock_flush(proc):
    """Take the one lock. Its holder waits for nothing."""
    turn = 0
    while a_xchg64(proc, PROC_FLUSH_LOCK, 1) != 0:
        while a_ld64(proc, PROC_FLUSH_LOCK) != 0:
            turn = back_off(turn)


@kernel
def unlock_flush(proc):
    a_st64(proc, PROC_FLUSH_LOCK, 0)


@kernel
def take_away(proc, mine, low, high, cause, writer):
    """End the reservations from physical address *low* up to *high*, except that of the vCPU at host address *mine*. Lock held."""
    for i in range(ld64(proc, PROC_VCPU_COUNT)):
        cpu = ldp(proc, PROC_VCPUS + 8 * i)
        if p2i(cpu) != 0 and p2i(cpu) != mine:
            held = a_ld64(cpu, CPU_EXCL_ADDR)
            if held != NOBODY and low <= held < high:
                st64(cpu, CPU_EXCL_CAUSE, cause)
                st64(cpu, CPU_EXCL_VERSION, writer)
                a_st64(cpu, CPU_EXCL_ADDR, NOBODY)


@kernel
def _stop_and_flush(cpu, proc, frame):
    """Make a dirty frame exclusive: with all others stopped, so that no store to it is in flight, and their TLBs empty."""
    state = begin_asking(cpu)
    hold_others(proc)
    if not is_exclusive(proc, frame):
        set_exclusive(proc, frame)
        for i in range(ld64(proc, PROC_VCPU_COUNT)):
            other = ldp(proc, PROC_VCPUS + 8 * i)
            if p2i(other) != 0 and p2i(other) != p2i(cpu):
                flush_tlb(other)
                st64(proc, PROC_FLUSHES, ld64(proc, PROC_FLUSHES) + 1)
        flag_entries(proc, frame)
    release_others(proc)
    end_asking(cpu, state)


@kernel
def link(cpu, address, size):
    proc = ldp(cpu, CPU_PROC)
    while probe_exclusive(cpu, address, size, False):
        where = physical(proc, address)
        frame = lshr(where, PAGE_BITS)
        lock_flush(proc)
        if is_exclusive(proc, frame):
            value = raw_load(ldp(cpu, CPU_GUEST_BASE), address, size)
            note(cpu, where, size)
            unlock_flush(proc)
            return value
        unlock_flush(proc)
        _stop_and_flush(cpu, proc, frame)
    return 0


@kernel
def _break_granule(cpu, proc, where):
    granule = where & ~(GRANULE - 1)
    take_away(proc, p2i(cpu), granule, granule + GRANULE, _STORE, writer_of(cpu))


@kernel
def store_conditional(cpu, address, value, size):
    proc = ldp(cpu, CPU_PROC)
    where = physical(proc, address)
    lock_flush(proc)
    held = take(cpu, where, size)
    if held:
        raw_store(ldp(cpu, CPU_GUEST_BASE), address, value, size)
        writer = writer_of(cpu)
        page = where & PAGE_MASK
        _break_granule(cpu, proc, where)
        take_away(proc, p2i(cpu), page, page + PAGE_SIZE, _RETIRED, writer)
        set_dirty(proc, lshr(where, PAGE_BITS))
    unlock_flush(proc)
    return 0 if held else 1


@kernel
def begin_write(cpu, proc, where, last):
    lock_flush(proc)
    _break_granule(cpu, proc, where)
    _break_granule(cpu, proc, last)


@kernel
def host_wrote(proc, where, last):
    lock_flush(proc)
    take_away(proc, 0, where & ~(GRANULE - 1), last + 1, _HOST, _BY_HOST)
    unlock_flush(proc)


@kernel
def forget(proc, frame):
    """The page is mapped anew. In an exclusive section."""
    lock_flush(proc)
    take_away(proc, 0, frame << PAGE_BITS, (frame + 1) << PAGE_BITS, _RETIRED, 0)
    set_dirty(proc, frame)
    unlock_flush(proc)
