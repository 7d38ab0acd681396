"""The process block: what all vCPUs of a process share in native code.

One lazily committed anonymous mapping. Everything inside is named by its byte offset in the block (below 2 GiB), so kernels reach it from one base
pointer and records can hold links as 32-bit numbers; offset 0 is the header and so serves as "none". All parts only grow until
:meth:`ProcessBlock.reset_code` (with every vCPU stopped), so a thread may go on reading a block that was just invalidated.
"""

from __future__ import annotations

import ctypes
import mmap

from dbt.abi.exclusive import FRAME_SLOTS, GRANULE_RECORD_BITS, GRANULES
from dbt.abi.layout import Layout
from dbt.abi.memory import PAGE_BITS, PAGE_SIZE
from dbt.abi.record import RECORD_BYTES
from dbt.abi.syscalls import ARGUMENTS, NUMBERS

RECORDS = 1 << 22
BLOCKS = 1 << 18
BLOCK_BUCKETS = 1 << 16
PAGE_BUCKETS = 1 << 20
TEMPLATE_BUCKETS = 1 << 16
TEMPLATE_BYTES = 1 << 26
HOT_SLOTS = 1 << 12
NEVER_HOT = (1 << 63) - 1  # executions
MAX_VCPUS = 1 << 10
SHAPE_BUCKETS = 1 << 12
SHAPE_BYTES = 1 << 24
FORMS = 512
FORM_PIECES = 4  # pieces of a field of a form
FORM_FIELD_COUNT = 7
HOLE_BYTES = 16  # a hole of a shape: offset in the template, bytes << 32, field << 40; then the factor
BLOCK_INSNS = 64  # most guest instructions in one block
MOST_EXITS = 2 * BLOCK_INSNS  # direct targets of a block that are told...
COMES_BACK = 1 << 32  # ...and what is added to their number if control comes back behind it

# A translated block. The 64-bit tag is dbt.abi.memory.jump_tag(pc, mode).
block = Layout("block")
for _name in (
    "tag",
    "length",  # guest bytes
    "insns",  # guest instructions
    "records",  # offset of the first record; 0 for a watch (a range of guest code that a region was made from)
    "code",  # where tier 0 enters: `records` while the block is valid and has no native entry, else 0
    "count",  # executions in tier 0
    "hot_at",  # executions that put it in the hot queue; NEVER_HOT while it is there
    "native",  # host address of the tier-1 entry, or 0
    "valid_word",  # host address of the u64 that tells whether the region behind `native` (or of a watch) is valid, or 0
    "dead",  # 1 once invalidated
    "hash_next",  # next block in the bucket
    "page_next",  # next block in the list of the first page...
    "page_next2",  # ...and of the second page it touches
    "went",  # tag of where its last indirect jump went, or 0: what compiled code tries first
    "quick",  # host address of the words of its quick code (dbt.abi.quick), or 0
):
    block.add(_name, 8)
BLOCK_BYTES = 128
assert block.size <= BLOCK_BYTES

# A template: the records of one guest instruction, independent of its address. `check` covers all bytes behind it.
template = Layout("template").add("check", 8).add("next", 8).add("size", 8).add("insn", 8, 2)
for _name in (
    "mode",
    "length",
    "next_mode",
    "ends",
    "leaves",  # 1 if it may fault or leave the block: every flag must be exact before it
    "reads",  # flag slots it reads (a bit each, in FLAG_SLOTS order)
    "writes",  # flag slots it may write
    "kills",  # flag slots it writes on every path
    "count",  # records of the full version
    "plain_count",  # records of the version that writes no flags, following the full one; -1: there is none
):
    template.add(_name, 4)
template.size = -(-template.size // RECORD_BYTES) * RECORD_BYTES

# What the exclusives protocol knows of a frame, or of all frames of a slot.
page_record = Layout("page_record")
for _name in (
    "epoch",  # odd while the page is exclusive and no unnoticed store can be in flight; every change of that raises it
    "linked",  # 1 if there was a load-link since the last look at it
    "age",  # looks without one
):
    page_record.add(_name, 8)
PAGE_RECORD_BYTES = 32

WAIT_BUCKETS = 256  # four to an octave of ticks

# A form: the free fields of instructions (dbt.frontend.form). A piece of a field is its mask << 32 | shift left << 8 | shift right.
form_field = Layout("form_field").add("special", 8).add("group", 8).add("pieces", 8, FORM_PIECES)
form = Layout("form").add("check", 8).add("length", 8).add("fixed", 8, 2).add("count", 8).add("fields", form_field.size, FORM_FIELD_COUNT)

# A shape: what instructions of one form and mode with the same fixed bits and pattern share. Its template follows (none if such instructions must be lifted
# one by one), then its holes.
shape = Layout("shape").add("check", 8).add("next", 8).add("size", 8).add("fixed", 8, 2).add("pattern", 8)
for _name in ("mode", "form", "template_bytes", "holes"):
    shape.add(_name, 4)
assert shape.size % RECORD_BYTES == 0
assert all(shape.offset(name) == template.offset(name) for name in ("check", "next", "size")), "checked by the same kernel"

# A block with quick code that an earlier process has left, in a hash table: see runtime.kernels.kept. All zero: none.
kept_entry = Layout("kept_entry").add("tag", 8).add("check", 8)
for _name in (
    "code",  # offset in the code that was kept
    "words",  # offset of its words (dbt.abi.quick) in the data
    "hot_at",  # executions that put the block in the hot queue
):
    kept_entry.add(_name, 4)
KEPT_ENTRY_BYTES = 32



def bucket_of(tag: int, mask: int) -> int:
    """Number of the first of mask + 1 kept entries to look at for a jump tag."""
    return (tag ^ tag >> 11 ^ tag >> 45) >> 1 & mask


# A block that is left to later processes: its records of `size` bytes follow, and their tags.
left_block = Layout("left_block").add("tag", 8).add("check", 8).add("count", 8).add("size", 8)

proc = Layout("proc")
for _name in (
    "lock",  # spin lock of block building, invalidation and page flags
    "guest_base",
    "page_flags",
    "address_mask",  # addresses wrap with this mask
    "frames",  # host address of the table of shared frames: a u32 for each guest page, 0 if it is private, else 1 + the frame's number
    "page_limit",  # guest pages: page_flags has a byte for each
    "insn_rule",  # how to tell an instruction's length: dbt.abi.archs.INSN_RULES
    "record_end",  # offset behind the last record in use
    "block_end",
    "template_end",
    "templates",
    "shape_end",
    "shapes",
    "shape_templates",  # statistics: templates made from shapes
    "hot_head",  # hot queue: next to read...
    "hot_tail",  # ...and next to write, counting up
    "hot_threshold",  # `hot_at` of a block that is built
    "hot_stop",  # 1: a block that is put in the hot queue ends run() with Exit.HOT
    "vcpu_count",  # high-water mark of `vcpus`
    "invalidated",  # statistics: blocks invalidated
    "linked",  # statistics: gotos linked
    "scheme",  # row of dbt.abi.exclusive.Scheme
    "parallel",  # 1 while the process has several vCPUs
    "free_stores",  # 1 while compiled stores look for nothing: no reservations but the one vCPU's, no translated code in pages that may be written
    "kept",  # host addresses of the table of quick code that was kept, or 0...
    "kept_code",  # ...and of its code...
    "kept_data",  # ...and data
    "kept_mask",  # entries of that table, less 1
    "adopted",  # statistics: blocks that got their code there
    "host_writes",  # writes by the host so far, while the process has one vCPU
):
    proc.add(_name, 8)
# Rendezvous: words that many threads write, apart from what everybody reads.
proc.add("rendezvous", 8, align=64)  # futex: who asks the others to pass a poll or to stop. 0 free, 1 taken, 2 taken and waited for
proc.add("held", 8)  # futex: the others are to stop. 0 no, 1 yes, 2 yes and some sleep
proc.add("epoch", 8)  # grace periods begun
proc.add("asker_sleeps", 8)  # 1: who has passed or stopped must raise `news` and wake it
proc.add("news", 8)  # futex
proc.add("rendezvous_count", 8)  # statistics: grace periods and exclusive sections...
proc.add("rendezvous_ticks", 8)  # ...and the time waited in them
proc.add("sections", 8)  # statistics: exclusive sections
proc.add("settled", 8)  # statistics: pages made exclusive
proc.add("retired", 8)  # statistics: pages given back to ordinary stores
proc.add("flushes", 8)  # statistics: TLBs flushed for a load-link (scheme flush)
proc.add("flush_lock", 8, align=64)  # scheme flush: the one lock
proc.add("waits", 8, WAIT_BUCKETS, align=64)  # statistics: rendezvous by waiting time (wait_bucket)
proc.add("build_templates", 8, BLOCK_INSNS + 1)  # work area of the block builder
proc.add("build_tags", 8, BLOCK_INSNS + 1)
proc.add("build_plain", 8, BLOCK_INSNS + 1)
proc.add("hot", 8, HOT_SLOTS)
proc.add("vcpus", 8, MAX_VCPUS)
proc.add("host_call", 8)  # host address of the stub that makes a system call (runtime.linux.hoststub)
proc.add("syscall_slots", 8, 2 + ARGUMENTS)  # offsets in a vCPU: the system call's number, its arguments, its result
proc.add("native_syscalls", 8, NUMBERS)  # by guest number: see dbt.abi.syscalls
proc.add("bitmap", 8, FRAME_SLOTS // 64, align=PAGE_SIZE)  # a bit a slot: 1 dirty, 0 exclusive
proc.add("page_records", PAGE_RECORD_BYTES, FRAME_SLOTS, align=PAGE_SIZE)
proc.add("granules", 1 << GRANULE_RECORD_BITS, GRANULES, align=PAGE_SIZE)
proc.add("block_hash", 4, BLOCK_BUCKETS, align=PAGE_SIZE)
proc.add("page_heads", 4, PAGE_BUCKETS, align=PAGE_SIZE)
proc.add("template_hash", 4, TEMPLATE_BUCKETS, align=PAGE_SIZE)
proc.add("templates_area", 1, TEMPLATE_BYTES, align=PAGE_SIZE)
proc.add("shape_hash", 4, SHAPE_BUCKETS, align=PAGE_SIZE)
proc.add("forms_used", 8)
proc.add("forms", form.size, FORMS)
proc.add("shapes_area", 1, SHAPE_BYTES, align=PAGE_SIZE)
proc.add("blocks", BLOCK_BYTES, BLOCKS, align=PAGE_SIZE)
proc.add("records", RECORD_BYTES, RECORDS, align=PAGE_SIZE)
proc.add("record_tags", 8, RECORDS, align=PAGE_SIZE)  # jump tag of the guest instruction each record belongs to
assert proc.size < 1 << 31, "offsets travel in signed 32-bit words of records"

_CODE_AREAS = ("block_hash", "page_heads", "blocks", "records", "record_tags")
_libc = ctypes.CDLL(None, use_errno=True)
_MADV_DONTNEED = 4


class ProcessBlock:
    """Owns the mapping; ``address`` is its host address."""

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, proc.size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0))
        self._first = ctypes.c_char.from_buffer(self._map)
        self.address = ctypes.addressof(self._first)
        self.put("template_end", proc.offset("templates_area"))
        self.set_bitmap(0xFF)
        self.put("shape_end", proc.offset("shapes_area"))
        self.reset_code()

    def get(self, name: str) -> int:
        return self.read64(proc.offset(name))

    def put(self, name: str, value: int) -> None:
        ctypes.c_uint64.from_address(self.address + proc.offset(name)).value = value & 0xFFFF_FFFF_FFFF_FFFF

    def read64(self, offset: int) -> int:
        return ctypes.c_uint64.from_address(self.address + offset).value

    def block_field(self, at: int, name: str) -> int:
        """Field *name* of the block at offset *at*."""
        return self.read64(at + block.offset(name))

    def put_block_field(self, at: int, name: str, value: int) -> None:
        """Set field *name* of the block at offset *at*."""
        ctypes.c_uint64.from_address(self.address + at + block.offset(name)).value = value

    def blocks_near(self, page: int, pages: int, most: int) -> list[int]:
        """Offsets of valid blocks that begin in guest page *page* or at most *pages* away from it, no more than *most*."""
        found: list[int] = []
        for here in range(max(0, page - pages), page + pages + 1):
            head = proc.offset("page_heads") + 4 * (here & (PAGE_BUCKETS - 1))
            at = self.read64(head & ~7) >> 8 * (head & 4) & 0xFFFF_FFFF
            while at and len(found) < most:
                first = (self.block_field(at, "tag") & (1 << 48) - 1) >> PAGE_BITS
                if first == here and self.block_field(at, "records") and not self.block_field(at, "dead"):
                    found.append(at)
                at = self.block_field(at, "page_next2" if (first ^ here) & (PAGE_BUCKETS - 1) else "page_next")
        return found

    def reset_code(self) -> None:
        """Forget all blocks and records (templates stay). Only while no vCPU runs."""
        for name in _CODE_AREAS:
            field = proc[name]
            _libc.madvise(ctypes.c_void_p(self.address + field.offset), ctypes.c_size_t(field.size * field.count), _MADV_DONTNEED)
        self.put("record_end", proc.offset("records"))
        self.put("block_end", proc.offset("blocks"))
        self.put("hot_head", 0)
        self.put("hot_tail", 0)

    def set_bitmap(self, byte: int) -> None:
        """Fill the exclusive bitmap: 0xFF, every page is dirty; 0, every page is exclusive. Before any vCPU runs."""
        ctypes.memset(self.address + proc.offset("bitmap"), byte, FRAME_SLOTS // 8)

    def has_hot(self) -> bool:
        """True if the hot queue is not empty."""
        return self.get("hot_head") != self.get("hot_tail")

    def take_hot(self) -> list[int]:
        """Offsets of the blocks that became hot since the last call. One caller at a time."""
        head, tail = self.get("hot_head"), self.get("hot_tail")
        head = max(head, tail - HOT_SLOTS)
        taken = [self.read64(proc.offset("hot") + 8 * (i % HOT_SLOTS)) for i in range(head, tail)]
        self.put("hot_head", tail)
        return [at for at in taken if at]

    def free(self) -> None:
        del self._first
        self._map.close()
