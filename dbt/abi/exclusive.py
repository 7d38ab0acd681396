"""Exclusive accesses: schemes, states of a vCPU, and why a store-conditional failed. The protocol is told in docs/exclusives.md."""

from __future__ import annotations

from dbt.abi.memory import PAGE_BITS
from dbt.abi.row import Row


class Scheme(Row):
    """How the contract of exclusive accesses is kept: the word ``scheme`` of the process block, chosen by ``--atomics``."""

    EXCL = 0, "Exclusive pages with a version for each granule: right and fast (default)."
    FLUSH = 1, "Exclusive pages with one lock; each load-link of a dirty page stops the others and flushes their TLBs."
    CAS = 2, "Compare-and-swap against the value read: fast, but blind to a store of the same value (ABA)."
    HST = 3, "Every store leaves its vCPU's number in a hash table; a store-conditional stops the others and looks there."


SCHEMES = {row.name.lower(): row for row in Scheme}
DEFAULT_SCHEME = "excl"


class State(Row):
    """What a vCPU's thread is doing: the word ``state`` of its block."""

    OUTSIDE = 0, "In Python or a system call, or ended: it executes no guest instruction before it has entered `run` again."
    RUNNING = 1, "In native code: between two polls it may be inside a store whose check is already done."
    WAITING = 2, "In native code, stopped between two guest instructions by an exclusive section."
    ASKING = 3, "Inside a helper, waiting for others: it has no store in flight, looks again at everything when it goes on, and goes on in translated code."


class Failure(Row):
    """Why a store-conditional failed."""

    NONE = 0, "no load-link since the last store-conditional"
    CLREX = 1, "CLREX"
    EXCEPTION = 2, "an exception, a system call or a signal came between"
    FAULT = 3, "an access faulted between"
    ADDRESS = 4, "another address than the load-link's"
    SIZE = 5, "another size than the load-link's"
    STORE = 6, "another vCPU stored into the granule"
    HOST = 7, "a system call or a debugger wrote into the granule"
    RETIRED = 8, "the page was given back to ordinary stores"
    THREADS = 9, "the second vCPU of the process started between"


NO_RESERVATION = (1 << 64) - 1  # the value of `excl_addr` while there is none

# Physical addresses (user mode): a private page is its own frame (frame number = page number), a page of a shared mapping has one of the frames above all
# pages. What is known of frames is kept in slots. Shared frames have a slot each; private pages whose numbers agree in their low bits share one, and are
# flagged, settled and retired together.
SLOT_BITS = 20
PRIVATE_SLOTS = SHARED_FRAME_COUNT = 1 << SLOT_BITS
FRAME_SLOTS = PRIVATE_SLOTS + SHARED_FRAME_COUNT
SHARED_FRAME_BIT = 35
SHARED_FRAMES = 1 << SHARED_FRAME_BIT  # the first of them

# Granules: what a reservation covers, 8 bytes (the smallest exclusives reservation granule of ARM DDI 0406C, A3.4.3).
GRANULE_BITS = 3
GRANULE = 1 << GRANULE_BITS
GRANULES = 1 << 20  # records; granules whose numbers agree modulo this share one
GRANULE_RECORD_BITS = 4  # word (version, or tag under hst), then the last writer
GRANULE_WRITER = 8
LOCKED = 1  # bit 0 of a granule word; the rest is the version
NEXT_VERSION = 2
assert PAGE_BITS > GRANULE_BITS

# A writer: its pc, with its number above. The host's writes have a number of their own.
WRITER_INDEX_SHIFT = 48
HOST_WRITER = (1 << 15) - 1

# An exclusive page goes back to ordinary stores when AGE_LIMIT looks in a row have seen no load-link; twice as many each time it comes back.
AGE_SAMPLE = 64  # stores under the protocol by one vCPU between two looks
AGE_LIMIT = 16
MOST_DOUBLINGS = 10

# A vCPU whose store-conditional was beaten gives way for a while (pauses of the host), twice as long if it was beaten BEATEN_AGAIN load-links ago or less.
LEAST_WAIT = 4
MOST_WAIT = 128
BEATEN_AGAIN = 64

# Where store-conditionals failed: one table a vCPU of {pc, cause, writer, count}.
FAILURE_ENTRIES = 64
FAILURE_ENTRY_BITS = 5
