"""The reservation of a vCPU, and the table of why its store-conditionals failed.

All of it belongs to the vCPU's own thread, except that scheme ``flush`` lets others take a reservation away under its lock.
"""

from __future__ import annotations

from dbt.abi.exclusive import FAILURE_ENTRIES, FAILURE_ENTRY_BITS, NO_RESERVATION, WRITER_INDEX_SHIFT, Failure
from runtime.kernels.build import kernel
from runtime.kernels.mem import a_ld64, a_st64, ld64, lshr, st64
from runtime.kernels.offsets import CPU_EXCL_ADDR, CPU_EXCL_CAUSE, CPU_EXCL_SIZE, CPU_EXCL_VERSION, CPU_INDEX, CPU_LINKS, CPU_PC, FAILURES

NOBODY = NO_RESERVATION - (1 << 64)
_PC, _CAUSE, _WRITER, _COUNT = 0, 8, 16, 24
_LAST = FAILURE_ENTRIES - 1  # takes what finds no place of its own
_PROBES = 8
_ADDRESS, _SIZE, _NONE, _STORE = int(Failure.ADDRESS), int(Failure.SIZE), int(Failure.NONE), int(Failure.STORE)


@kernel(inline=True)
def note(cpu, physical, size):
    """Take a reservation, in place of an older one; schemes add what they compare."""
    st64(cpu, CPU_LINKS, ld64(cpu, CPU_LINKS) + 1)
    st64(cpu, CPU_EXCL_SIZE, size)
    a_st64(cpu, CPU_EXCL_ADDR, physical)


@kernel
def drop(cpu, cause):
    """Give up the reservation, if there is one, because of *cause* (row of Failure)."""
    if a_ld64(cpu, CPU_EXCL_ADDR) != NOBODY:
        a_st64(cpu, CPU_EXCL_ADDR, NOBODY)
        st64(cpu, CPU_EXCL_CAUSE, cause)


@kernel(inline=True)
def take(cpu, physical, size):
    """What a store-conditional does first: the reservation is gone. True if it was of this address and size; else the failure is counted."""
    held = a_ld64(cpu, CPU_EXCL_ADDR)
    cause, writer = ld64(cpu, CPU_EXCL_CAUSE), 0
    a_st64(cpu, CPU_EXCL_ADDR, NOBODY)
    st64(cpu, CPU_EXCL_CAUSE, _NONE)
    if held == physical and ld64(cpu, CPU_EXCL_SIZE) == size:
        return True
    if held != NOBODY:
        cause = _SIZE if held == physical else _ADDRESS
    elif cause == _STORE:
        writer = ld64(cpu, CPU_EXCL_VERSION)  # left there by whoever took the reservation away
    failed(cpu, cause, writer)
    return False


@kernel
def failed(cpu, cause, writer):
    """Count a store-conditional at cpu.pc that failed; *writer* (see ``writer_of``) broke the link, 0 if nobody did."""
    pc = ld64(cpu, CPU_PC)
    index = (lshr(pc, 1) ^ lshr(writer, 1) ^ lshr(writer, WRITER_INDEX_SHIFT) ^ cause) & _LAST
    for _ in range(_PROBES):
        entry = FAILURES + (index << FAILURE_ENTRY_BITS)
        count = ld64(cpu, entry + _COUNT)
        if count == 0 and index != _LAST:
            st64(cpu, entry + _PC, pc)
            st64(cpu, entry + _CAUSE, cause)
            st64(cpu, entry + _WRITER, writer)
        if index != _LAST and ld64(cpu, entry + _PC) == pc and ld64(cpu, entry + _CAUSE) == cause and ld64(cpu, entry + _WRITER) == writer:
            st64(cpu, entry + _COUNT, count + 1)
            return
        index = (index + 1) & _LAST
    entry = FAILURES + (_LAST << FAILURE_ENTRY_BITS)
    st64(cpu, entry + _COUNT, ld64(cpu, entry + _COUNT) + 1)


@kernel(inline=True)
def writer_of(cpu):
    """Who writes now: the vCPU's number and its pc."""
    return ld64(cpu, CPU_PC) | ld64(cpu, CPU_INDEX) << WRITER_INDEX_SHIFT
