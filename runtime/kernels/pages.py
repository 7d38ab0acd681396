"""Frames (physical pages) and which of them are exclusive.

What is known of a frame is kept in its slot. Private pages far apart may share one: they are one page to everything below, and their entries are flagged
together.

The bitmap is what a TLB fill looks at: while a frame's bit is 0, every write tag for it carries TLB_EXCL. The frame's *epoch* is what a reservation looks
at: odd means that the bit is 0 and that no store is in flight that does not know it. So a second load-link that finds the bit cleared, but the first one
still waiting for its grace period, waits too.

                    bit   epoch
    dirty            1    even     stores are free, no reservation is valid
    settling         0    even     the asker of the change waits for a grace period
    exclusive        0    odd      stores and store-conditionals follow the protocol
    retiring         0    even     the asker waits until no store-conditional that saw the odd epoch is in flight

Every change is made by the asker (``rendezvous``), so there is one at a time and a fork sees none half done.

The bit against a TLB fill on another thread: the settler clears the bit, fences, then looks at the entries; the filler writes its entry, fences, then looks
at the bit again. Either the settler sees the entry or the filler sees the bit.
"""

from __future__ import annotations

from dbt.abi.exclusive import AGE_LIMIT, AGE_SAMPLE, MOST_DOUBLINGS, PRIVATE_SLOTS, SHARED_FRAME_BIT, SHARED_FRAMES, SLOT_BITS
from dbt.abi.memory import PAGE_BITS, PAGE_SIZE, TLB_ENTRIES, TLB_ENTRY_BITS, TLB_EXCL, TLB_MMIO
from runtime.kernels.build import kernel
from runtime.kernels.mem import a_and64, a_ld64, a_or64, a_st64, fence, ld32, ld64, ldp, lshr, p2i, st64
from runtime.kernels.offsets import (
    CPU_PROC,
    CPU_SLOW_STORES,
    PAGE_AGE,
    PAGE_EPOCH,
    PAGE_LINKED,
    PROC_BITMAP,
    PROC_FRAMES,
    PROC_PAGE_RECORDS,
    PROC_RETIRED,
    PROC_SETTLED,
    PROC_VCPU_COUNT,
    PROC_VCPUS,
    TLB,
    TLB_WRITE,
)
from runtime.kernels.rendezvous import begin_asking, end_asking, grace_period
from runtime.kernels.tlb import EMPTY, flag_entry, page_of
from runtime.process_block import PAGE_RECORD_BYTES


# Frames -----------------------------------------------------------------------------------------------------------------
@kernel(inline=True)
def frame_of(proc, page):
    """Frame of a guest page (page number)."""
    shared = ld32(ldp(proc, PROC_FRAMES), page << 2)
    return page if shared == 0 else SHARED_FRAMES - 1 + shared


@kernel(inline=True)
def _slot(frame):
    return (frame & (PRIVATE_SLOTS - 1)) | (frame >> (SHARED_FRAME_BIT - SLOT_BITS) & PRIVATE_SLOTS)


@kernel(inline=True)
def physical(proc, address):
    """Physical address of a guest address."""
    return frame_of(proc, lshr(address, PAGE_BITS)) << PAGE_BITS | (address & (PAGE_SIZE - 1))


@kernel(inline=True)
def page_record(frame):
    """Offset of what the protocol knows of *frame*."""
    return PROC_PAGE_RECORDS + _slot(frame) * PAGE_RECORD_BYTES


# The bitmap -------------------------------------------------------------------------------------------------------------
@kernel(inline=True)
def _bitmap_word(slot):
    return PROC_BITMAP + (slot >> 6 << 3)


@kernel(inline=True)
def is_exclusive(proc, frame):
    slot = _slot(frame)
    return lshr(a_ld64(proc, _bitmap_word(slot)), slot & 63) & 1 == 0


@kernel
def set_exclusive(proc, frame):
    slot = _slot(frame)
    a_and64(proc, _bitmap_word(slot), ~(1 << (slot & 63)))


@kernel
def set_dirty(proc, frame):
    slot = _slot(frame)
    a_or64(proc, _bitmap_word(slot), 1 << (slot & 63))


# Changes ----------------------------------------------------------------------------------------------------------------
@kernel
def flag_entries(proc, frame):
    """Set TLB_EXCL in every vCPU's write tags for *frame*. By the asker, or with nobody running."""
    for i in range(ld64(proc, PROC_VCPU_COUNT)):
        cpu = ldp(proc, PROC_VCPUS + 8 * i)
        if p2i(cpu) == 0:
            continue
        if frame < SHARED_FRAMES:
            flag_entry(cpu, frame, TLB_EXCL)
            continue
        for n in range(TLB_ENTRIES):  # any page may be an alias
            tag = a_ld64(cpu, TLB + (n << TLB_ENTRY_BITS) + TLB_WRITE)
            if tag != EMPTY and frame_of(proc, page_of(tag)) == frame:
                flag_entry(cpu, page_of(tag), TLB_EXCL | TLB_MMIO)


@kernel
def settle(cpu, frame):
    """Make *frame* exclusive, or wait until whoever does has done it. Mappings may change meanwhile: the caller looks at everything again."""
    proc = ldp(cpu, CPU_PROC)
    state = begin_asking(cpu)
    record = page_record(frame)
    epoch = a_ld64(proc, record + PAGE_EPOCH)
    if epoch & 1 == 0:
        set_exclusive(proc, frame)
        fence()
        flag_entries(proc, frame)
        grace_period(proc)
        st64(proc, record + PAGE_AGE, 0)
        a_st64(proc, record + PAGE_EPOCH, epoch + 1)
        st64(proc, PROC_SETTLED, ld64(proc, PROC_SETTLED) + 1)
    end_asking(cpu, state)


@kernel
def _retire(cpu, frame, epoch):
    """Give *frame* back to ordinary stores if its epoch is still *epoch*. Entries lose TLB_EXCL as they are refilled."""
    proc = ldp(cpu, CPU_PROC)
    state = begin_asking(cpu)
    record = page_record(frame)
    if a_ld64(proc, record + PAGE_EPOCH) == epoch:
        a_st64(proc, record + PAGE_EPOCH, epoch + 1)
        grace_period(proc)
        set_dirty(proc, frame)
        st64(proc, PROC_RETIRED, ld64(proc, PROC_RETIRED) + 1)
    end_asking(cpu, state)


@kernel
def forget(proc, frame):
    """Make an exclusive frame dirty because its page is mapped anew. In an exclusive section."""
    record = page_record(frame)
    epoch = a_ld64(proc, record + PAGE_EPOCH)
    a_st64(proc, record + PAGE_EPOCH, epoch + (epoch & 1))
    set_dirty(proc, frame)


@kernel
def age(cpu, proc, frame):
    """After a store under the protocol: every AGE_SAMPLE-th of a vCPU looks whether anybody still links in the page. May wait."""
    count = ld64(cpu, CPU_SLOW_STORES) + 1
    st64(cpu, CPU_SLOW_STORES, count)
    if count & (AGE_SAMPLE - 1):
        return
    record = page_record(frame)
    if a_ld64(proc, record + PAGE_LINKED) != 0:
        a_st64(proc, record + PAGE_LINKED, 0)
        a_st64(proc, record + PAGE_AGE, 0)
        return
    looks = a_ld64(proc, record + PAGE_AGE) + 1
    a_st64(proc, record + PAGE_AGE, looks)
    epoch = a_ld64(proc, record + PAGE_EPOCH)
    if epoch & 1 and looks >= AGE_LIMIT << min(epoch >> 1, MOST_DOUBLINGS):
        _retire(cpu, frame, epoch)


@kernel(inline=True)
def still_linked(proc, record):
    """A load-link in an exclusive page: it is not to retire yet."""
    if a_ld64(proc, record + PAGE_LINKED) == 0:
        a_st64(proc, record + PAGE_LINKED, 1)
