"""State of one vCPU, as one block of memory.

The header is common to all guests; the guest's slots follow (``dbt.abi.arm``), then tier 0's temporary cells, then the
jump cache and the TLB. Everything is counted in 64-bit *cells* so that tier 0 can name a guest register and a temporary alike.
"""

from __future__ import annotations

from dbt.abi.exclusive import FAILURE_ENTRIES, FAILURE_ENTRY_BITS
from dbt.abi.layout import Layout
from dbt.abi.memory import JUMP_ENTRIES, JUMP_ENTRY_BITS, SPACE_BITS_32, SPACE_BITS_64, TLB_ENTRIES, TLB_ENTRY_BITS
from dbt.ir.types import I32, Type

TEMP_CELLS = 448  # temporaries of one guest instruction in tier 0, and the operands of helper ops in tier 1
STATE_BYTES = 2048  # header and guest slots; what follows has the same offset for every guest, so that kernels serve them all
FP_MODE_RMODE = 3  # bits 0-1: 0 nearest, 1 up, 2 down, 3 zero
FP_MODE_FLUSH_OUT = 4
FP_MODE_FLUSH_IN = 8
FP_MODE_DEFAULT_NAN = 16
FP_MODE_NAN_X86 = 32  # x86 SSE NaN rules instead of ARM's
FP_MODE_TINY_AFTER = 64  # tininess detected after rounding (x86) instead of before (ARM)
FP_MODE_ALT_HALF = 128  # ARM alternative half precision
FP_MODE_DENORMALS = 256  # denormal operands raise an exception that is not masked (x86): compiled code looks at each operation
FP_MODE_ARM_STANDARD = FP_MODE_FLUSH_OUT | FP_MODE_FLUSH_IN | FP_MODE_DEFAULT_NAN  # the "standard FPSCR value" of Advanced SIMD
# fp_flags, cumulative, numbered as in ARM's FPSCR
FP_INVALID, FP_DIVZERO, FP_OVERFLOW, FP_UNDERFLOW, FP_INEXACT, FP_INPUT_DENORMAL, FP_SATURATED = 1, 2, 4, 8, 16, 128, 1 << 27


def header() -> Layout:
    """The common header: what fast paths touch comes first."""
    h = Layout("cpu")
    for name in (
        "request",  # REQUEST_* bits, set by anyone (atomically), polled at region entries and back-edges
        "pc",  # where to resume; the faulting instruction after a fault
        "mode",  # guest mode at pc (opaque to the engines)
        "guest_base",  # host address of guest address 0
        "page_flags",  # host address of the page-flag bytes
        "space_end",  # the first guest address that is not in the guest's space
        "exit_reason",
        "exit_arg",
        "exit_detail",
        "fault_addr",
        "fault_info",
        "chain_from",  # address of the native chain slot that the last exit wants patched, or 0
        "proc",  # host address of the process-wide block (runtime)
        "helpers",  # host address of the helper table (dbt.abi.helpers order)
        "fp_mode",
        "fp_flags",
        "excl_addr",  # reservation: physical address, or NO_RESERVATION
        "excl_size",
        "excl_value",  # what the load-link read; follows the vCPU's own stores
        "excl_granule",  # offset of the granule's record in the process block
        "excl_version",  # the granule's version
        "excl_epoch",  # the page's epoch; 0: noted while the process had one vCPU
        "excl_cause",  # without a reservation: why (row of Failure)
        "excl_failed",  # `links` at the last store-conditional that another vCPU beat
        "excl_wait",  # how long this vCPU gave way then (pauses)
        "state",  # row of State
        "passed",  # the last grace period this vCPU has passed a poll of
        "links",  # statistics: load-links
        "native_calls",  # statistics: system calls made in native code
        "slow_stores",  # stores that took part in the protocol
        "granules",  # host address of the granule records (scheme hst tags them inline)
        "hst_tag",  # what this vCPU's stores tag them with; its load-links tag with the next number
        "budget",  # guest instructions left, counted only when the low bit of count_mode is set
        "count_mode",
        "index",  # vCPU number
        "native_entry",  # which entry of a multi-entry region is wanted
        "scratch",
    ):
        h.add(name, 8)
    return h


class CpuLayout:
    """Layout of a whole vCPU: header, guest slots, temporaries, jump cache, TLB.

    ``slots`` gives every slot that IR may name: name -> (byte offset, type). Header fields that IR may touch (``fp_flags``...) are
    slots too.
    """

    def __init__(self, arch: str, layout: Layout, slots: dict[str, tuple[int, Type]], pinned: tuple[str, ...], address_type: Type,
                 flags: tuple[str, ...] = (), initial: dict[str, int] | None = None) -> None:
        self.arch = arch
        self.address_type = address_type  # I32 or I64
        self.space_bits = SPACE_BITS_32 if address_type is I32 else SPACE_BITS_64  # of the address space it asks for
        self.layout = layout
        self.slots = slots
        self.slot_types = {name: type for name, (_, type) in slots.items()}
        self.pinned = pinned  # slots that tier-1 regions pass in host registers, hottest first, at most 10
        self.initial = initial or {}  # slots that do not start as 0
        self.flags = flags  # condition flags: slots that are written far more often than read
        assert layout.size <= STATE_BYTES, "the guest's slots have outgrown their area"
        layout.size = STATE_BYTES
        layout.add("temps", 8, TEMP_CELLS)
        layout.add("jump_cache", 1 << JUMP_ENTRY_BITS, JUMP_ENTRIES, align=64)
        layout.add("tlb", 1 << TLB_ENTRY_BITS, TLB_ENTRIES, align=64)
        layout.add("failures", 1 << FAILURE_ENTRY_BITS, FAILURE_ENTRIES, align=64)
        assert len(pinned) <= 10, "eleven integer arguments with the state pointer: one more ends the process inside LLVM"

    @property
    def size(self) -> int:
        return self.layout.size

    def offset(self, name: str) -> int:
        """Byte offset of a header field, area or slot; KeyError if there is none."""
        if name in self.slots:
            return self.slots[name][0]
        return self.layout.offset(name)
