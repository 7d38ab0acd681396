"""Which blocks were made from which guest pages, and what happens when those bytes change.

A block is in the list of each page its bytes touch (one or two). The first block on a page sets PAGE_CODE there and TLB_NOTDIRTY in every vCPU's TLB entry,
so that stores take the slow path. Blocks die in place: `code` and `native` become 0, the hash forgets them, and whoever still holds a
link or a jump-cache entry sees that and looks again.

PAGE_CODE against a TLB fill on another thread: the setter writes the flag, fences, then looks at the entry; the filler writes the entry, fences, then looks at
the flag again. Either the setter sees the entry or the filler sees the flag.
"""

from __future__ import annotations

from dbt.abi.memory import PAGE_BITS, PAGE_CODE, TLB_NOTDIRTY
from runtime.kernels.build import export, kernel
from runtime.kernels.guard import host_wrote, mapped_anew
from runtime.kernels.mem import a_and8, a_ld64, a_or8, a_st64, a_xchg64, fence, i2p, ld8, ld32, ld64, ldp, p2i, pause, st8, st32, st64
from runtime.kernels.offsets import (
    BLOCK_CODE,
    BLOCK_DEAD,
    BLOCK_HASH_NEXT,
    BLOCK_LENGTH,
    BLOCK_NATIVE,
    BLOCK_PAGE_NEXT,
    BLOCK_PAGE_NEXT2,
    BLOCK_QUICK,
    BLOCK_TAG,
    BLOCK_VALID_WORD,
    PROC_BLOCK_END,
    PROC_BLOCK_HASH,
    PROC_BLOCKS,
    PROC_INVALIDATED,
    PROC_LOCK,
    PROC_PAGE_FLAGS,
    PROC_PAGE_HEADS,
    PROC_VCPU_COUNT,
    PROC_VCPUS,
    WORDS_VALID,
)
from runtime.kernels.tlb import flag_entry, flush_pages
from runtime.process_block import BLOCK_BUCKETS, BLOCK_BYTES, BLOCKS, PAGE_BUCKETS

TAG_PC = (1 << 48) - 1
_BLOCKS_LIMIT = PROC_BLOCKS + BLOCKS * BLOCK_BYTES


@kernel
def lock(proc):
    """Take the process block's lock."""
    while a_xchg64(proc, PROC_LOCK, 1) != 0:
        while a_ld64(proc, PROC_LOCK) != 0:
            pause()


@kernel
def unlock(proc):
    """Give the process block's lock back."""
    a_st64(proc, PROC_LOCK, 0)


@kernel
def block_bucket(tag):
    """Offset of the hash bucket for a jump tag."""
    mixed = tag ^ (tag >> 16) ^ (tag >> 41)
    return PROC_BLOCK_HASH + (((mixed >> 1) & (BLOCK_BUCKETS - 1)) << 2)


@kernel
def _page_head(page):
    return PROC_PAGE_HEADS + ((page & (PAGE_BUCKETS - 1)) << 2)


@kernel
def _next_field(proc, block, page):
    """Which of its two list links *block* uses in the list of *page*, which it shares with pages far away."""
    first = (ld64(proc, block + BLOCK_TAG) & TAG_PC) >> PAGE_BITS
    return BLOCK_PAGE_NEXT if (first ^ page) & (PAGE_BUCKETS - 1) == 0 else BLOCK_PAGE_NEXT2


@kernel
def mark_code(proc, page):
    """Make stores to *page* slow on every vCPU. Lock held."""
    flags = ldp(proc, PROC_PAGE_FLAGS)
    if ld8(flags, page) & PAGE_CODE:
        return
    a_or8(flags, page, PAGE_CODE)
    fence()
    for i in range(ld64(proc, PROC_VCPU_COUNT)):
        cpu = ldp(proc, PROC_VCPUS + 8 * i)
        if p2i(cpu) != 0:
            flag_entry(cpu, page, TLB_NOTDIRTY)


@kernel
def attach(proc, block):
    """Put *block* in the list of each page it touches. Lock held."""
    pc = ld64(proc, block + BLOCK_TAG) & TAG_PC
    first = pc >> PAGE_BITS
    last = (pc + ld64(proc, block + BLOCK_LENGTH) - 1) >> PAGE_BITS
    head = _page_head(first)
    st64(proc, block + BLOCK_PAGE_NEXT, ld32(proc, head))
    st32(proc, head, block)
    if last != first:
        head = _page_head(last)
        st64(proc, block + BLOCK_PAGE_NEXT2, ld32(proc, head))
        st32(proc, head, block)


@kernel
def _kill(proc, block):
    """Invalidate one block. Lock held."""
    st64(proc, block + BLOCK_DEAD, 1)
    a_st64(proc, block + BLOCK_CODE, 0)
    a_st64(proc, block + BLOCK_NATIVE, 0)
    word = ld64(proc, block + BLOCK_VALID_WORD)
    if word != 0:
        a_st64(i2p(word), 0, 0)
    words = ld64(proc, block + BLOCK_QUICK)
    if words != 0:
        a_st64(i2p(words), WORDS_VALID, 0)
    st64(proc, PROC_INVALIDATED, ld64(proc, PROC_INVALIDATED) + 1)
    bucket = block_bucket(ld64(proc, block + BLOCK_TAG))
    at = ld32(proc, bucket)
    if at == block:
        st32(proc, bucket, ld64(proc, block + BLOCK_HASH_NEXT))
        return
    while at != 0:
        following = ld64(proc, at + BLOCK_HASH_NEXT)
        if following == block:
            st64(proc, at + BLOCK_HASH_NEXT, ld64(proc, block + BLOCK_HASH_NEXT))
            return
        at = following


@kernel
def _sweep(proc, page, address, size):
    """Kill the blocks of *page* that overlap the range; drop the dead from its list. Lock held."""
    head = _page_head(page)
    before = 0
    at = ld32(proc, head)
    while at != 0:
        field = _next_field(proc, at, page)
        following = ld64(proc, at + field)
        pc = ld64(proc, at + BLOCK_TAG) & TAG_PC
        if ld64(proc, at + BLOCK_DEAD) == 0 and pc < address + size and address < pc + ld64(proc, at + BLOCK_LENGTH):
            _kill(proc, at)
        if ld64(proc, at + BLOCK_DEAD) != 0:
            if before == 0:
                st32(proc, head, following)
            else:
                st64(proc, before + _next_field(proc, before, page), following)
        else:
            before = at
        at = following
    if before == 0:
        a_and8(ldp(proc, PROC_PAGE_FLAGS), page, ~PAGE_CODE)


@kernel
def invalidate_locked(proc, address, size):
    """Forget the code made from *size* bytes at *address*. Lock held."""
    flags = ldp(proc, PROC_PAGE_FLAGS)
    page = address >> PAGE_BITS
    last = (address + size - 1) >> PAGE_BITS
    while page <= last:
        if ld8(flags, page) & PAGE_CODE:
            _sweep(proc, page, address, size)
        page += 1


@export("invalidate", "void(p,i64,i64)")
def invalidate(proc, address, size):
    """Forget the code made from *size* bytes (at least 1) at *address*, inside the address space."""
    lock(proc)
    invalidate_locked(proc, address, size)
    unlock(proc)


@export("wrote", "void(p,i64,i64)")
def wrote(proc, address, size):
    """What must follow a write to guest memory that did not go through a vCPU's store: reservations fall, code made from those bytes is forgotten. Called by
    RUNNING vCPUs or with the GIL held, so that a fork sees it done or not begun."""
    flags = ldp(proc, PROC_PAGE_FLAGS)
    fence()
    host_wrote(proc, address, size)
    page = address >> PAGE_BITS
    last = (address + size - 1) >> PAGE_BITS
    while page <= last:
        if ld8(flags, page) & PAGE_CODE:
            invalidate(proc, address, size)
            return
        page += 1


@export("watch_code", "i64(p,i64,i64,i64)")
def watch_code(proc, address, size, valid_word):
    """Have the u64 at host address *valid_word* cleared when any of *size* bytes (at most one page's worth) at *address* changes. Gives the watch, or 0 if the
    block table is full. The caller checks its bytes afterwards: a change before this call goes unseen."""
    lock(proc)
    at = ld64(proc, PROC_BLOCK_END)
    if at + BLOCK_BYTES > _BLOCKS_LIMIT:
        unlock(proc)
        return 0
    st64(proc, PROC_BLOCK_END, at + BLOCK_BYTES)
    st64(proc, at + BLOCK_TAG, address)
    st64(proc, at + BLOCK_LENGTH, size)
    st64(proc, at + BLOCK_VALID_WORD, valid_word)
    mark_code(proc, address >> PAGE_BITS)
    mark_code(proc, (address + size - 1) >> PAGE_BITS)
    attach(proc, at)
    unlock(proc)
    return at


@export("set_page_flags", "void(p,i64,i64,i64)")
def set_page_flags(proc, page, count, flags):
    """Set the PAGE_* flags of *count* pages; code made from them is forgotten on every vCPU, reservations in them are void."""
    mapped_anew(proc, page, count)
    lock(proc)
    invalidate_locked(proc, page << PAGE_BITS, count << PAGE_BITS)
    table = ldp(proc, PROC_PAGE_FLAGS)
    for n in range(count):
        st8(table, page + n, flags)
    flush_pages(proc, page, count)
    unlock(proc)
