"""Where the model keeps things: process block, vCPU blocks, page flags, guest memory. A word nobody has written holds what the runtime starts with.

Guest pages are numbered; ``A`` and ``B`` are words on page 1 in different granules, ``C`` is on page 2. The model's TLB has two entries, so pages 1 and 3
share one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.model.sources import Sources

PROC = 0x10_0000_0000
VCPU, VCPU_STRIDE = 0x20_0000_0000, 0x100_0000
GUEST, GUEST_END = 0x40_0000_0000, 0x41_0000_0000
FLAGS = 0x50_0000_0000
FRAMES = 0x60_0000_0000
ONES = (1 << 64) - 1

PAGE = 0x1000
A, B, C, D = PAGE, PAGE + 64, 2 * PAGE, 3 * PAGE
ALIAS = 5 * PAGE  # may be mapped to the same memory as page 1: see ``MemoryMap``

# Only people read these; their values would tell states apart that behave alike.
_STATISTICS_PROC = ("rendezvous_count", "rendezvous_ticks", "sections", "waits", "invalidated", "settled", "retired", "flushes", "linked")
_STATISTICS_CPU = ("links", "slow_stores", "failures", "excl_cause")
_ALL_ONES_CPU = ("tlb", "excl_addr")


class MemoryMap:
    """Addresses, first contents and names for *vcpus* vCPUs. *frames* gives the frame of a guest page that is not its own; *same* says which guest page is the
    same memory as another. *all_exclusive*: scheme ``hst`` begins so."""

    def __init__(self, kernels: Sources, vcpus: int, *, guest: Mapping[int, int], header: Mapping[str, int], flags: Mapping[int, int],
                 frames: Mapping[int, int], same: Mapping[int, int], all_exclusive: bool) -> None:
        self._proc: Any = kernels["runtime.process_block"].proc
        self._cpu: Any = kernels["dbt.abi.archs"].LAYOUTS["arm"]
        self._same = same
        self._first: dict[int, int] = {}
        memory = kernels["dbt.abi.memory"]
        put = self._first.__setitem__
        usual_header = {"vcpu_count": vcpus, "parallel": 1, "address_mask": 0xFFFF_FFFF, "page_limit": 1 << 20, "guest_base": GUEST, "page_flags": FLAGS,
                        "frames": FRAMES}
        for name, value in {**usual_header, **header}.items():
            put(PROC + self._proc.offset(name), value)
        for i in range(vcpus):
            put(PROC + self._proc.offset("vcpus") + 8 * i, self.vcpu(i))
        for i in range(vcpus + 1):
            for name, value in {"guest_base": GUEST, "page_flags": FLAGS, "proc": PROC, "index": i, "hst_tag": (i + 1) << 1}.items():
                put(self.vcpu(i) + self._cpu.offset(name), value)
        template: Any = kernels["runtime.process_block"].template
        at = PROC + self._proc.offset("templates_area")
        self._put32(at + template.offset("length"), 4)
        self._put32(at + template.offset("ends"), 1)
        for name in ("record_end", "block_end"):
            put(PROC + self._proc.offset(name), self._proc.offset(name.replace("_end", "s")))
        usual = memory.PAGE_VALID | memory.PAGE_READ | memory.PAGE_WRITE | memory.PAGE_EXEC
        put(FLAGS, int.from_bytes(bytes(flags.get(page, usual) for page in range(8)), "little"))
        for page, frame in frames.items():
            self._put32(FRAMES + 4 * page, 1 + frame - kernels["dbt.abi.exclusive"].SHARED_FRAMES)
        for address, value in guest.items():
            self._put32(GUEST + address, value)
        self._is_ignored: dict[int, bool] = {}
        self._ignored = [self._area(PROC, self._proc, name) for name in _STATISTICS_PROC if name in self._proc.fields]
        fields = self._cpu.layout.fields
        self._ignored += [self._area(self.vcpu(i), self._cpu.layout, name) for i in range(vcpus + 1) for name in _STATISTICS_CPU if name in fields]
        self._ones = [self._area(self.vcpu(i), self._cpu.layout, name) for i in range(vcpus + 1) for name in _ALL_ONES_CPU]
        self._granules = self._area(PROC, self._proc, "granules")
        self._writer = kernels["dbt.abi.exclusive"].GRANULE_WRITER, self._proc.fields["granules"].size
        if not all_exclusive:
            self._ones.append(self._area(PROC, self._proc, "bitmap"))

    def _put32(self, address: int, value: int) -> None:
        word, shift = address & ~7, 8 * (address & 7)
        self._first[word] = self._first.get(word, 0) | (value & 0xFFFF_FFFF) << shift

    @staticmethod
    def _area(base: int, layout: Any, name: str) -> range:
        field = layout.fields[name]
        return range(base + field.offset, base + field.offset + field.size * field.count)

    @staticmethod
    def vcpu(index: int) -> int:
        """Address of a vCPU's block."""
        return VCPU + VCPU_STRIDE * index

    @staticmethod
    def is_guest(word: int) -> bool:
        return GUEST <= word < GUEST_END

    def initial(self, word: int) -> int:
        """First contents."""
        found = self._first.get(word)
        if found is None:
            found = ONES if any(word in area for area in self._ones) else 0
        return found

    def is_ignored(self, word: int) -> bool:
        """Statistics: writes to them are dropped."""
        known = self._is_ignored.get(word)
        if known is None:
            at, size = self._writer
            is_writer = word in self._granules and (word - self._granules.start) % size == at
            known = self._is_ignored[word] = is_writer or any(word in area for area in self._ignored)
        return known

    def canonical(self, word: int) -> int:
        """The same memory under another guest address is one word."""
        if self._same and self.is_guest(word):
            page = (word - GUEST) // PAGE
            return word + (self._same.get(page, page) - page) * PAGE
        return word

    def name(self, word: int) -> str:
        """What people call a word."""
        if self.is_guest(word):
            return f"guest {word - GUEST:#x}"
        if word >= FRAMES:
            return f"frames {word - FRAMES:#x}"
        if word >= FLAGS:
            return f"page flags {word - FLAGS:#x}"
        index, offset = divmod(word - VCPU, VCPU_STRIDE)
        base, layout, prefix = (self.vcpu(index), self._cpu.layout, f"vcpu{index}") if word >= VCPU else (PROC, self._proc, "proc")
        for name, field in layout.fields.items():
            if word in self._area(base, layout, name):
                inside = word - base - field.offset
                return f"{prefix}.{name}" + (f"[{inside // field.size}]+{inside % field.size}" if field.count > 1 else "")
        return f"{prefix}+{offset:#x}"
