"""Where a block goes: read from its records, for the planner of regions."""

from __future__ import annotations

from dbt.abi.records import CODES, RECORD_BYTES
from runtime.kernels.build import export
from runtime.kernels.codepages import TAG_PC
from runtime.kernels.mem import ld16, ld64, st64
from runtime.kernels.offsets import BLOCK_LENGTH, BLOCK_RECORDS, BLOCK_TAG, PROC_RECORD_END, PROC_RECORD_TAGS, PROC_RECORDS
from runtime.kernels.record_codes import GOTO, is_rare_code
from runtime.process_block import COMES_BACK, MOST_EXITS

_SYSCALL, _CONST = CODES["syscall"], CODES["const.i64"]


@export("block_exits", "i64(p,i64,p)")
def block_exits(proc, block, exits):
    """Write the jump tags of a block's direct targets to the u64 array *exits*, each once; gives their number, plus COMES_BACK if control comes back behind
    the block: it makes a system call, or computes that address (with the Thumb bit, perhaps) as a call does for its link register."""
    low = ld64(proc, block + BLOCK_TAG) & TAG_PC
    high = low + ld64(proc, block + BLOCK_LENGTH)
    record = ld64(proc, block + BLOCK_RECORDS)
    limit = ld64(proc, PROC_RECORD_END)
    found = 0
    comes_back = 0
    payload = False
    while record < limit:
        pc = ld64(proc, PROC_RECORD_TAGS + ((record - PROC_RECORDS) >> 1)) & TAG_PC
        if pc < low or pc > high:
            break
        code = ld16(proc, record)
        if payload:
            payload = False
        elif is_rare_code(code):
            payload = True
        elif code == GOTO:
            tag = ld64(proc, record + 4) | ld16(proc, record + 2) << 48
            known = False
            for i in range(found):
                if ld64(exits, 8 * i) == tag:
                    known = True
            if not known and found < MOST_EXITS:
                st64(exits, 8 * found, tag)
                found += 1
            if pc == high:
                break
        elif code == _SYSCALL or (code == _CONST and ld64(proc, record + 4) & ~1 == high):
            comes_back = COMES_BACK
        record += RECORD_BYTES
    return found + comes_back
