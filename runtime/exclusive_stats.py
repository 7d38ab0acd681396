"""What exclusive accesses cost and why store-conditionals failed, for ``--stats``."""

from __future__ import annotations

import ctypes
import struct
import time
from collections import Counter

from dbt.abi.exclusive import FAILURE_ENTRIES, FAILURE_ENTRY_BITS, HOST_WRITER, WRITER_INDEX_SHIFT, Failure
from runtime.process_block import WAIT_BUCKETS, ProcessBlock, proc

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from typing import Any

    from runtime.vcpu import VCpu

_ENTRY = struct.Struct("<4Q")  # pc, cause, writer, count
assert _ENTRY.size == 1 << FAILURE_ENTRY_BITS
_SHOWN = 20  # most frequent failures
_CAUSES = {int(row): row for row in Failure}
_PC = (1 << WRITER_INDEX_SHIFT) - 1


class FailureRow:
    """Store-conditionals at *pc* that failed for one cause. Who broke the link, where that is known: vCPU *by_vcpu* (None: nobody, -1: the host) with a store
    at *by_pc* (0 if not known)."""

    __slots__ = ("pc", "cause", "by_vcpu", "by_pc", "count")

    def __init__(self, pc: int, cause: Failure, by_vcpu: int | None, by_pc: int, count: int) -> None:
        self.pc = pc
        self.cause = cause
        self.by_vcpu = by_vcpu
        self.by_pc = by_pc
        self.count = count

    def to_json(self) -> dict[str, Any]:
        return {"pc": f"{self.pc:#x}", "cause": self.cause.name.lower(), "by_vcpu": self.by_vcpu, "by_pc": f"{self.by_pc:#x}", "count": self.count}

    def __str__(self) -> str:
        who = "" if self.by_vcpu is None else " by the host" if self.by_vcpu < 0 else f" by vCPU {self.by_vcpu}"
        where = f" at {self.by_pc:#x}" if self.by_pc else ""
        return f"{self.count} at {self.pc:#x}: {self.cause.__doc__}{who}{where}"


def wait_of_bucket(bucket: int) -> float:
    """Ticks in the middle of bucket *bucket* of ``waits`` (the inverse of ``wait_bucket`` in ``runtime.kernels.rendezvous``)."""
    if bucket < 8:
        return float(bucket)
    exponent, quarter = divmod(bucket - 4, 4)
    return float((4 + quarter << exponent - 1) + (1 << exponent - 1) / 2)


class ExclusiveStats:
    """Counters of one engine. ``absorb`` keeps those of a vCPU that is about to go."""

    def __init__(self, block: ProcessBlock, image: Any) -> None:
        self._block = block
        self._ticks = image.function("read_ticks", ctypes.c_int64)
        self._start = (self._ticks(), time.monotonic_ns())
        self._failures: Counter[tuple[int, int, int]] = Counter()
        self._counts = dict.fromkeys(("links", "slow_stores"), 0)

    @staticmethod
    def _entries(vcpu: VCpu) -> Counter[tuple[int, int, int]]:
        table = ctypes.string_at(vcpu.address + vcpu.layout.offset("failures"), FAILURE_ENTRIES << FAILURE_ENTRY_BITS)
        return Counter({(pc, cause, writer): count for pc, cause, writer, count in _ENTRY.iter_unpack(table) if count})

    def absorb(self, vcpu: VCpu) -> None:
        self._failures += self._entries(vcpu)
        for name in self._counts:
            self._counts[name] += vcpu.get(name)

    def failures(self, vcpus: list[VCpu]) -> list[FailureRow]:
        """All failures so far, the most frequent first."""
        found = self._failures.copy()
        for vcpu in vcpus:
            found += self._entries(vcpu)
        rows = []
        for (pc, cause, writer), count in found.most_common():
            index = writer >> WRITER_INDEX_SHIFT
            by = None if not writer and cause != Failure.STORE else -1 if index == HOST_WRITER else index
            rows.append(FailureRow(pc, _CAUSES[cause], by, writer & _PC, count))
        return rows

    def _microseconds(self) -> float:
        """Length of a tick."""
        ticks = self._ticks() - self._start[0]
        return (time.monotonic_ns() - self._start[1]) / 1000 / ticks if ticks > 0 else 0.0

    def _median(self) -> float:
        """Median waiting time of a rendezvous in ticks, to an eighth; 0 if there was none."""
        at = proc.offset("waits")
        buckets = [self._block.read64(at + 8 * i) for i in range(WAIT_BUCKETS)]
        half, seen = sum(buckets) / 2, 0
        for bucket, count in enumerate(buckets):
            seen += count
            if count and seen >= half:
                return wait_of_bucket(bucket)
        return 0.0

    def collect(self, vcpus: list[VCpu]) -> dict[str, object]:
        """Counters by name."""
        block, tick = self._block, self._microseconds()
        rows = self.failures(vcpus)
        return {
            "exclusive_links": self._counts["links"] + sum(vcpu.get("links") for vcpu in vcpus),
            "exclusive_failures": sum(row.count for row in rows),
            "exclusive_failures_at": rows[:_SHOWN],
            "exclusive_slow_stores": self._counts["slow_stores"] + sum(vcpu.get("slow_stores") for vcpu in vcpus),
            "exclusive_pages_settled": block.get("settled"), "exclusive_pages_retired": block.get("retired"), "tlb_flushes": block.get("flushes"),
            "rendezvous": block.get("rendezvous_count"), "exclusive_sections": block.get("sections"),
            "rendezvous_us_total": round(block.get("rendezvous_ticks") * tick, 1), "rendezvous_us_median": round(self._median() * tick, 1),
        }  # fmt: skip
