"""Quick code and blocks: which block has which, and the code that an earlier process has left (``runtime.kept``).

What is kept is found by the block's jump tag and a checksum of all that the code was made of: the records, with the place of each one's guest instruction.
So a block that is built gets its code at once, and other guest bytes at the same place do not.
"""

from __future__ import annotations

from dbt.backend.llvm.convention import VALID
from runtime.kernels.build import export, kernel
from runtime.kernels.codepages import lock, unlock
from runtime.kernels.mem import a_st64, addp, ld16, ld32, ld64, ldp, lshr, p2i, st64
from runtime.kernels.offsets import (
    BLOCK_CODE,
    BLOCK_COUNT,
    BLOCK_DEAD,
    BLOCK_HOT_AT,
    BLOCK_LENGTH,
    BLOCK_NATIVE,
    BLOCK_QUICK,
    BLOCK_RECORDS,
    BLOCK_TAG,
    BLOCK_VALID_WORD,
    KEPT_CHECK,
    KEPT_CODE,
    KEPT_HOT_AT,
    KEPT_TAG,
    KEPT_WORDS,
    LEFT_BYTES,
    LEFT_CHECK,
    LEFT_COUNT,
    LEFT_SIZE,
    LEFT_TAG,
    PROC_ADOPTED,
    PROC_BLOCK_END,
    PROC_BLOCKS,
    PROC_KEPT,
    PROC_KEPT_CODE,
    PROC_KEPT_DATA,
    PROC_KEPT_MASK,
    PROC_RECORD_END,
    PROC_RECORD_TAGS,
    PROC_RECORDS,
    WORDS_BLOCK,
    WORDS_GATE,
    WORDS_RECORDS,
    WORDS_VALID,
)
from runtime.kernels.record_codes import GOTO, is_rare_code
from runtime.process_block import BLOCK_BYTES, KEPT_ENTRY_BYTES, NEVER_HOT, RECORD_BYTES, bucket_of

_MIX = 0x2545F4914F6CDD1D
_LINK = 0xFFFF_FFFF  # what remains of a goto's second half without the link to its block


@kernel
def _tags(record):
    """Offset of the tag of the record at offset *record*."""
    return PROC_RECORD_TAGS + ((record - PROC_RECORDS) >> 1)


@kernel
def _mixed(sum, word):
    sum = (sum ^ word) * _MIX
    return sum ^ lshr(sum, 29)


@kernel
def _unlinked(proc, record, payload):
    """The upper half of the record at offset *record*, or of the *payload* of a rare one, without what links a jump."""
    high = ld64(proc, record + 8)
    if not payload and ld16(proc, record) == GOTO:
        high &= _LINK
    return high


@kernel
def _check(proc, block, end):
    """Checksum of a block whose records end at offset *end*, whether its jumps are linked or not."""
    sum = _mixed(ld64(proc, block + BLOCK_TAG), ld64(proc, block + BLOCK_LENGTH))
    record = ld64(proc, block + BLOCK_RECORDS)
    payload = False
    while record < end:
        sum = _mixed(_mixed(_mixed(sum, ld64(proc, record)), _unlinked(proc, record, payload)), ld64(proc, _tags(record)))
        payload = not payload and is_rare_code(ld16(proc, record))
        record += RECORD_BYTES
    return sum


@kernel
def _give(proc, block, entry, words):
    """Let *block* be run by the quick code at host address *entry*, whose words are *words*. Lock held."""
    st64(words, WORDS_GATE, 0)
    st64(words, WORDS_BLOCK, p2i(addp(proc, block)))
    st64(words, WORDS_RECORDS, p2i(addp(proc, ld64(proc, block + BLOCK_RECORDS))))
    a_st64(words, WORDS_VALID, VALID)
    st64(proc, block + BLOCK_QUICK, p2i(words))
    st64(proc, block + BLOCK_VALID_WORD, p2i(words) + WORDS_VALID)
    a_st64(proc, block + BLOCK_NATIVE, entry)
    a_st64(proc, block + BLOCK_CODE, 0)


@export("set_quick", "i64(p,i64,i64,p)")
def set_quick(proc, block, entry, words):
    """Let *block* (its offset) be run by the quick code at host address *entry*. 0 if it is dead."""
    lock(proc)
    alive = 1 - ld64(proc, block + BLOCK_DEAD)
    if alive:
        _give(proc, block, entry, words)
    unlock(proc)
    return alive


@export("open_gate", "void(p,i64,i64)")
def open_gate(proc, block, gate):
    """Have the quick code of *block* go on at host address *gate*, if it has any; 0: have it run again."""
    lock(proc)
    words = ldp(proc, block + BLOCK_QUICK)
    if p2i(words) != 0:
        a_st64(words, WORDS_GATE, gate)
    unlock(proc)


_bucket_of = kernel(bucket_of)


@kernel
def adopt(proc, block, end):
    """Give a block that has just been built, with records up to offset *end*, the code that is kept for it. Lock held."""
    table = ldp(proc, PROC_KEPT)
    if p2i(table) == 0:
        return
    tag = ld64(proc, block + BLOCK_TAG)
    mask = ld64(proc, PROC_KEPT_MASK)
    number = _bucket_of(tag, mask)
    check = 0
    for _ in range(mask + 1):
        at = number * KEPT_ENTRY_BYTES
        if ld64(table, at + KEPT_CHECK) == 0:
            return
        if ld64(table, at + KEPT_TAG) == tag:
            if check == 0:
                check = _check(proc, block, end)
            if ld64(table, at + KEPT_CHECK) == check:
                if ld64(proc, block + BLOCK_HOT_AT) != NEVER_HOT:
                    st64(proc, block + BLOCK_HOT_AT, ld32(table, at + KEPT_HOT_AT))
                entry = ld64(proc, PROC_KEPT_CODE) + ld32(table, at + KEPT_CODE)
                _give(proc, block, entry, addp(ldp(proc, PROC_KEPT_DATA), ld32(table, at + KEPT_WORDS)))
                st64(proc, PROC_ADOPTED, ld64(proc, PROC_ADOPTED) + 1)
                return
        number = (number + 1) & mask


@kernel
def _is_kept(proc, block, size):
    """True if *block* has code of the *size* bytes of data that were kept."""
    return 0 <= ld64(proc, block + BLOCK_QUICK) - ld64(proc, PROC_KEPT_DATA) < size


@export("leave_blocks", "i64(p,i64,i64,p,i64)")
def leave_blocks(proc, least, data, out, room):
    """Write all live blocks that were executed at least *least* times and have no kept code (whose data has *data* bytes) to *out*, which has *room* bytes:
    their heads (``left_block``), records without links, and tags. Gives the bytes needed."""
    need = 0
    lock(proc)
    end = ld64(proc, PROC_RECORD_END)
    at = ld64(proc, PROC_BLOCK_END) - BLOCK_BYTES
    while at >= PROC_BLOCKS:
        first = ld64(proc, at + BLOCK_RECORDS)
        if first != 0:  # else a watch
            size = end - first
            if ld64(proc, at + BLOCK_DEAD) == 0 and ld64(proc, at + BLOCK_COUNT) >= least and not _is_kept(proc, at, data):
                here = need
                need += LEFT_BYTES + size + size // 2
                if need <= room:
                    st64(out, here + LEFT_TAG, ld64(proc, at + BLOCK_TAG))
                    st64(out, here + LEFT_CHECK, _check(proc, at, end))
                    st64(out, here + LEFT_COUNT, ld64(proc, at + BLOCK_COUNT))
                    st64(out, here + LEFT_SIZE, size)
                    here += LEFT_BYTES
                    payload = False
                    for i in range(0, size, RECORD_BYTES):
                        st64(out, here + i, ld64(proc, first + i))
                        st64(out, here + i + 8, _unlinked(proc, first + i, payload))
                        payload = not payload and is_rare_code(ld16(proc, first + i))
                        st64(out, here + size + i // 2, ld64(proc, _tags(first + i)))
            end = first
        at -= BLOCK_BYTES
    unlock(proc)
    return need
