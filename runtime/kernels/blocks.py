"""The block builder: guest bytes to tier-0 blocks without Python.

It fetches instructions up to one that ends the block, a page
boundary or BLOCK_INSNS, picks for each template the version without flag writes where every flag it writes is overwritten before anything can see
it, and copies the records, patching those that depend on the address.

From the moment a page is marked, stores to it take the slow path, which tells of them; but a store whose look at the TLB came before the mark may land
after the bytes were fetched, and nobody would hear of it. So where other vCPUs may store, the first block of a page is built in an exclusive section, when
nothing is under way. Code that cannot be written, which is most, costs nothing. Where compiled stores do not look at the TLB at all, Python first has new
ones made that do (``Engine.watch_stores``).
"""

from __future__ import annotations

from dbt.abi.archs import INSN_RULE_ARM, INSN_RULE_X86_64
from dbt.abi.exits import FAULT_EXEC, FAULT_UNMAPPED, Exit
from dbt.abi.memory import PAGE_BITS, PAGE_CODE, PAGE_EXEC, PAGE_MASK, PAGE_SIZE, PAGE_VALID, PAGE_WRITE
from dbt.abi.records import CODES, RECORD_BYTES
from dbt.abi.x86_length import MAX_LENGTH
from runtime.kernels.build import export, kernel
from runtime.kernels.codepages import TAG_PC, attach, block_bucket, lock, mark_code, unlock
from runtime.kernels.kept import adopt
from runtime.kernels.mem import a_ld64, fence, g_ld8, ld8, ld16, ld32, ld64, ldp, lshr, st16, st32, st64
from runtime.kernels.offsets import (
    BLOCK_CODE,
    BLOCK_HASH_NEXT,
    BLOCK_HOT_AT,
    BLOCK_INSNS_COUNT,
    BLOCK_LENGTH,
    BLOCK_RECORDS,
    BLOCK_TAG,
    CPU_EXIT_ARG,
    CPU_EXIT_DETAIL,
    CPU_EXIT_REASON,
    CPU_GUEST_BASE,
    CPU_PROC,
    PROC_ADDRESS_MASK,
    PROC_BLOCK_END,
    PROC_BLOCKS,
    PROC_BUILD_PLAIN,
    PROC_BUILD_TAGS,
    PROC_BUILD_TEMPLATES,
    PROC_FREE_STORES,
    PROC_HOT_THRESHOLD,
    PROC_INSN_RULE,
    PROC_PAGE_FLAGS,
    PROC_PARALLEL,
    PROC_RECORD_END,
    PROC_RECORD_TAGS,
    PROC_RECORDS,
    TEMPLATE_COUNT,
    TEMPLATE_ENDS,
    TEMPLATE_KILLS,
    TEMPLATE_LEAVES,
    TEMPLATE_LENGTH,
    TEMPLATE_NEXT_MODE,
    TEMPLATE_PLAIN_COUNT,
    TEMPLATE_READS,
    TEMPLATE_RECORDS,
    TEMPLATE_WRITES,
)
from runtime.kernels.probe import note_fault, page_flags
from runtime.kernels.record_codes import GOTO, is_rare_code
from runtime.kernels.rendezvous import begin_asking, end_asking, hold_others, release_others
from runtime.kernels.shapes import shape_template
from runtime.kernels.templates import find_template
from runtime.kernels.x86_length import x86_length
from runtime.process_block import BLOCK_BYTES, BLOCK_INSNS, BLOCKS, RECORDS

_LIFT = int(Exit.LIFT)
_FETCH_FAULT = int(Exit.FETCH_FAULT)
_ARENA_FULL = int(Exit.ARENA_FULL)
_WATCH_STORES = int(Exit.WATCH_STORES)
_NOT_ALONE = -1
_FETCHABLE = PAGE_VALID | PAGE_EXEC
_BLOCKS_LIMIT = PROC_BLOCKS + BLOCKS * BLOCK_BYTES
_RECORDS_LIMIT = PROC_RECORDS + RECORDS * RECORD_BYTES
_ALL_FLAGS = -1
_NO_PLAIN = 0xFFFF_FFFF
_CONST = CODES["const.i64"]
_PCADD_32 = CODES["pcadd.i32"]
_PCADD_64 = CODES["pcadd.i64"]
assert _PCADD_64 == _PCADD_32 + 1, "tested as a range"


@kernel
def insn_length(cpu, rule, mode, base, address):
    """Bytes of the instruction at *address*. Nothing is read from a following page that can't be fetched from; a length that reaches into it is one of
    several possible."""
    if rule == INSN_RULE_ARM:
        if mode & 1:
            high = g_ld8(base, address + 1)
            return 4 if high >= 0b11101 << 3 else 2
        return 4
    limit = (address & PAGE_MASK) + PAGE_SIZE
    if limit - address < MAX_LENGTH and page_flags(cpu, limit) & _FETCHABLE == _FETCHABLE:
        limit += PAGE_SIZE
    return x86_length(base, address, limit, rule == INSN_RULE_X86_64)


@kernel
def _fetch(base, address, length):
    """Up to 8 instruction bytes as a little-endian number."""
    value = 0
    for i in range(min(length, 8)):
        value |= g_ld8(base, address + i) << (8 * i)
    return value


@kernel
def _template(proc, mode, base, pc, length):
    """Offset of the template for the *length* instruction bytes at *pc*, found or made from a shape; 0 if it must be lifted. Only under the lock."""
    low = _fetch(base, pc, length)
    high = _fetch(base, pc + 8, length - 8)
    found = find_template(proc, mode, low, high)
    return found if found != 0 else shape_template(proc, mode, low, high, length)


@export("has_template", "i64(p,i64,i64)")
def has_template(cpu, pc, mode):
    """1 if the instruction at *pc*, on a readable page, has its template (or gets one from its shape) or goes on to the next page."""
    proc = ldp(cpu, CPU_PROC)
    base = ldp(cpu, CPU_GUEST_BASE)
    length = insn_length(cpu, ld64(proc, PROC_INSN_RULE), mode, base, pc)
    if (pc & (PAGE_SIZE - 1)) + length > PAGE_SIZE:
        return 1
    lock(proc)
    found = _template(proc, mode, base, pc, length)
    unlock(proc)
    return 1 if found != 0 else 0


@kernel
def find_block(proc, tag):
    """Offset of the valid block for a jump tag, or 0. Needs no lock: blocks are published after they are complete."""
    at = ld32(proc, block_bucket(tag))
    while at != 0:
        if ld64(proc, at + BLOCK_TAG) == tag:
            return at
        at = ld64(proc, at + BLOCK_HASH_NEXT)
    return 0


@kernel
def fetch_fault(cpu, address, flags):
    """Leave with FETCH_FAULT: *flags* are those of the page of *address*."""
    note_fault(cpu, address, FAULT_EXEC | (0 if flags & PAGE_VALID else FAULT_UNMAPPED))
    st64(cpu, CPU_EXIT_REASON, _FETCH_FAULT)


@kernel
def _mark(proc, page, alone):
    """Mark *page* as code before its bytes are fetched. Gives 0, and marks nothing, if another vCPU's store there may be under way, or if compiled stores would
    not see the mark; *alone*: in a section."""
    watched = a_ld64(proc, PROC_PARALLEL) == 0 and ld64(proc, PROC_FREE_STORES) == 0
    if alone == 0 and not watched and ld8(ldp(proc, PROC_PAGE_FLAGS), page) & (PAGE_WRITE | PAGE_CODE) == PAGE_WRITE:
        return 0
    mark_code(proc, page)
    return 1


@kernel
def _collect(cpu, proc, tag, alone):
    """Look up the templates of a block into the work area. Gives their number, 0 with the exit reason set, or ``_NOT_ALONE``: see ``_mark``."""
    base = ldp(cpu, CPU_GUEST_BASE)
    rule = ld64(proc, PROC_INSN_RULE)
    mask = ld64(proc, PROC_ADDRESS_MASK)
    pc = tag & TAG_PC
    mode = lshr(tag, 48)
    flags = page_flags(cpu, pc)
    if flags & _FETCHABLE != _FETCHABLE:
        fetch_fault(cpu, pc, flags)
        return 0
    start = pc
    if _mark(proc, pc >> PAGE_BITS, alone) == 0:
        return _NOT_ALONE
    for n in range(BLOCK_INSNS):
        if (pc ^ start) & PAGE_MASK:
            return n
        length = insn_length(cpu, rule, mode, base, pc)
        if (pc & (PAGE_SIZE - 1)) + length > PAGE_SIZE:
            if n != 0:
                return n  # so that a fault on the second page comes with this pc
            second = (pc + length - 1) & mask & PAGE_MASK
            flags = page_flags(cpu, second)
            if flags & _FETCHABLE != _FETCHABLE:
                fetch_fault(cpu, second, flags)
                return 0
            if _mark(proc, second >> PAGE_BITS, alone) == 0:
                return _NOT_ALONE
        found = _template(proc, mode, base, pc, length)
        if found == 0:
            st64(cpu, CPU_EXIT_ARG, pc)
            st64(cpu, CPU_EXIT_DETAIL, mode)
            st64(cpu, CPU_EXIT_REASON, _LIFT)
            return 0
        st64(proc, PROC_BUILD_TEMPLATES + 8 * n, found)
        st64(proc, PROC_BUILD_TAGS + 8 * n, pc | mode << 48)
        pc = (pc + ld32(proc, found + TEMPLATE_LENGTH)) & mask
        mode = ld32(proc, found + TEMPLATE_NEXT_MODE)
        st64(proc, PROC_BUILD_TAGS + 8 * (n + 1), pc | mode << 48)
        if ld32(proc, found + TEMPLATE_ENDS):
            return n + 1
    return BLOCK_INSNS


@kernel
def _choose_versions(proc, count):
    """Backward over the flags: 1 in the work area for each instruction whose flag writes nobody sees."""
    live = _ALL_FLAGS
    for n in range(count - 1, -1, -1):
        at = ld64(proc, PROC_BUILD_TEMPLATES + 8 * n)
        writes = ld32(proc, at + TEMPLATE_WRITES)
        plain = ld32(proc, at + TEMPLATE_PLAIN_COUNT) != _NO_PLAIN and writes & live == 0
        st64(proc, PROC_BUILD_PLAIN + 8 * n, 1 if plain else 0)
        live = (live & ~ld32(proc, at + TEMPLATE_KILLS)) | ld32(proc, at + TEMPLATE_READS)
        if ld32(proc, at + TEMPLATE_LEAVES):
            live = _ALL_FLAGS


@kernel
def _copy(proc, source, count, to, tag):
    """Copy *count* records to offset *to*, made for the instruction at *tag*. Gives the end."""
    pc = tag & TAG_PC
    mask = ld64(proc, PROC_ADDRESS_MASK)
    tags = PROC_RECORD_TAGS + ((to - PROC_RECORDS) >> 1)
    end = source + count * RECORD_BYTES
    payload = False
    while source < end:
        st64(proc, to, ld64(proc, source))
        st64(proc, to + 8, ld64(proc, source + 8))
        st64(proc, tags, tag)
        code = ld16(proc, to)
        if payload:
            payload = False
        elif is_rare_code(code):
            payload = True
        elif _PCADD_32 <= code <= _PCADD_64:
            sum = pc + ld64(proc, source + 4)
            st16(proc, to, _CONST)
            st64(proc, to + 4, sum & 0xFFFF_FFFF if code == _PCADD_32 else sum)
        elif code == GOTO:
            st64(proc, to + 4, (pc + ld64(proc, source + 4)) & mask)
            st32(proc, to + 12, 0)
        source += RECORD_BYTES
        to += RECORD_BYTES
        tags += 8
    return to


@kernel
def _emit(proc, tag, count):
    """Make the block from the templates in the work area and publish it. Gives its offset, or 0 if there is no room."""
    need = RECORD_BYTES
    for n in range(count):
        need += ld32(proc, ld64(proc, PROC_BUILD_TEMPLATES + 8 * n) + TEMPLATE_COUNT) * RECORD_BYTES
    first = ld64(proc, PROC_RECORD_END)
    made = ld64(proc, PROC_BLOCK_END)
    if first + need > _RECORDS_LIMIT or made + BLOCK_BYTES > _BLOCKS_LIMIT:
        return 0
    to = first
    at = 0
    for n in range(count):
        at = ld64(proc, PROC_BUILD_TEMPLATES + 8 * n)
        records = at + TEMPLATE_RECORDS
        size = ld32(proc, at + TEMPLATE_COUNT)
        if ld64(proc, PROC_BUILD_PLAIN + 8 * n):
            records += size * RECORD_BYTES
            size = ld32(proc, at + TEMPLATE_PLAIN_COUNT)
        to = _copy(proc, records, size, to, ld64(proc, PROC_BUILD_TAGS + 8 * n))
    end_tag = ld64(proc, PROC_BUILD_TAGS + 8 * count)
    if ld32(proc, at + TEMPLATE_ENDS) == 0:
        st64(proc, to, GOTO | lshr(end_tag, 48) << 16)
        st64(proc, to + 4, end_tag & TAG_PC)
        st32(proc, to + 12, 0)
        st64(proc, PROC_RECORD_TAGS + ((to - PROC_RECORDS) >> 1), end_tag)
        to += RECORD_BYTES
    last = ld64(proc, PROC_BUILD_TAGS + 8 * (count - 1)) & TAG_PC
    st64(proc, made + BLOCK_TAG, tag)
    st64(proc, made + BLOCK_LENGTH, last + ld32(proc, at + TEMPLATE_LENGTH) - (tag & TAG_PC))
    st64(proc, made + BLOCK_INSNS_COUNT, count)
    st64(proc, made + BLOCK_RECORDS, first)
    st64(proc, made + BLOCK_CODE, first)
    st64(proc, made + BLOCK_HOT_AT, ld64(proc, PROC_HOT_THRESHOLD))
    bucket = block_bucket(tag)
    st64(proc, made + BLOCK_HASH_NEXT, ld32(proc, bucket))
    st64(proc, PROC_RECORD_END, to)
    st64(proc, PROC_BLOCK_END, made + BLOCK_BYTES)
    attach(proc, made)
    adopt(proc, made, to)
    fence()
    st32(proc, bucket, made)
    return made


@kernel
def _build(cpu, proc, tag, alone):
    """As ``build_block``; ``_NOT_ALONE`` if it must be done in an exclusive section."""
    lock(proc)
    made = find_block(proc, tag)
    if made == 0:
        made = _collect(cpu, proc, tag, alone)
        if made > 0:
            _choose_versions(proc, made)
            made = _emit(proc, tag, made)
            if made == 0:
                st64(cpu, CPU_EXIT_REASON, _ARENA_FULL)
    unlock(proc)
    return made


@kernel
def build_block(cpu, tag):
    """Offset of the block for a jump tag, built if need be; 0 with cpu.exit_reason LIFT (exit_arg and exit_detail: pc and mode of the
    instruction), FETCH_FAULT, WATCH_STORES or ARENA_FULL. May wait for other vCPUs."""
    proc = ldp(cpu, CPU_PROC)
    made = _build(cpu, proc, tag, 0)
    if made == _NOT_ALONE and ld64(proc, PROC_FREE_STORES) != 0:
        st64(cpu, CPU_EXIT_REASON, _WATCH_STORES)
        return 0
    if made == _NOT_ALONE:
        state = begin_asking(cpu)
        hold_others(proc)
        made = _build(cpu, proc, tag, 1)
        release_others(proc)
        end_asking(cpu, state)
    return made
