"""Granule records: a word (bit 0 a lock, above it a version; under scheme ``hst`` the number of who touched the granule last) and the last writer.

A lock is held for a few instructions by a thread that waits for nothing, so whoever finds it taken looks again.
"""

from __future__ import annotations

from dbt.abi.exclusive import GRANULE_BITS, GRANULE_RECORD_BITS, GRANULE_WRITER, GRANULES, LOCKED, NEXT_VERSION
from runtime.kernels.build import kernel
from runtime.kernels.host import back_off
from runtime.kernels.mem import a_cas64, a_ld64, a_st64, lshr
from runtime.kernels.offsets import PROC_GRANULES


@kernel(inline=True)
def granule_of(where):
    """Offset of the record for physical address *where*."""
    return PROC_GRANULES + ((lshr(where, GRANULE_BITS) & (GRANULES - 1)) << GRANULE_RECORD_BITS)


@kernel
def _wait_and_lock(proc, granule):
    turn = 0
    while True:
        word = a_ld64(proc, granule)
        if word & LOCKED == 0 and a_cas64(proc, granule, word, word | LOCKED) == word:
            return
        turn = back_off(turn)


@kernel(inline=True)
def lock_granule(proc, granule):
    word = a_ld64(proc, granule)
    if word & LOCKED or a_cas64(proc, granule, word, word | LOCKED) != word:
        _wait_and_lock(proc, granule)


@kernel(inline=True)
def unlock_granule(proc, granule, writer):
    """Release with the next version: something was written."""
    a_st64(proc, granule + GRANULE_WRITER, writer)
    a_st64(proc, granule, (a_ld64(proc, granule) & ~LOCKED) + NEXT_VERSION)
