"""The map of a guest's address space: which pages have which protection and backing. It knows of no host and no page flags: ``mm`` keeps those in step."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from dbt.abi.memory import PAGE_SIZE

LOWEST = 0x10000  # vm.mmap_min_addr


def page_up(n: int) -> int:
    return n + PAGE_SIZE - 1 & -PAGE_SIZE


class Area:
    """Pages ``start`` up to ``end`` with the same protection and backing (Linux: a VMA). ``name`` and ``file_offset`` are for /proc/self/maps; ``file_size``
    is the size of a regular file when it was last looked at, else None."""

    __slots__ = ("start", "end", "prot", "shared", "name", "file_offset", "device", "inode", "file_size")

    def __init__(
        self,
        start: int,
        end: int,
        prot: int,
        shared: bool,
        name: bytes = b"",
        file_offset: int = 0,
        device: int = 0,
        inode: int = 0,
        file_size: int | None = None,
    ) -> None:
        self.start, self.end, self.prot, self.shared = start, end, prot, shared
        self.name, self.file_offset, self.device, self.inode, self.file_size = name, file_offset, device, inode, file_size

    def part(self, start: int, end: int) -> Area:
        """The same backing for a range inside this area."""
        offset = self.file_offset + start - self.start if self.inode else 0
        return Area(start, end, self.prot, self.shared, self.name, offset, self.device, self.inode, self.file_size)

    @property
    def file_end(self) -> int:
        """The pages from here on lie beyond the file's end: an access to them is a SIGBUS."""
        if self.file_size is None:
            return self.end
        return min(self.end, max(self.start, self.start + page_up(self.file_size) - self.file_offset))

    def joins(self, after: Area) -> bool:
        """True if *after* continues this area, so that both can be one."""
        return (
            self.end == after.start
            and self.prot == after.prot
            and self.shared == after.shared
            and self.name == after.name
            and self.inode == after.inode
            and self.file_size == after.file_size
            and (not self.inode or self.file_offset + self.end - self.start == after.file_offset)
        )


class AreaMap:
    """Areas that do not overlap, sorted; neighbours that are alike are one. User addresses end at ``limit``; new areas are placed below ``top``."""

    def __init__(self, limit: int) -> None:
        self.limit = self.top = limit
        self.starts: list[int] = []  # start of each area, sorted
        self.areas: list[Area] = []

    def find(self, addr: int) -> Area | None:
        """The area that holds *addr*."""
        i = bisect_right(self.starts, addr) - 1
        return self.areas[i] if i >= 0 and addr < self.areas[i].end else None

    def overlapping(self, start: int, end: int) -> Iterator[Area]:
        i = max(bisect_right(self.starts, start) - 1, 0)
        while i < len(self.areas) and self.areas[i].start < end:
            if self.areas[i].end > start:
                yield self.areas[i]
            i += 1

    def covered(self, start: int, end: int) -> bool:
        """True if every page of the range is mapped."""
        at = start
        for area in self.overlapping(start, end):
            if area.start > at:
                return False
            at = area.end
        return at >= end

    def gap(self, length: int, hint: int = 0, top: int = 0) -> int:
        """A free place for *length* bytes: at *hint* if that is free, else the highest below *top* (``self.top`` if 0); 0 if there is none."""
        if hint >= LOWEST and hint + length <= self.limit and next(self.overlapping(hint, hint + length), None) is None:
            return hint
        end = top = top or self.top
        for area in reversed(self.areas):
            if area.start >= top:
                continue
            if end - min(area.end, end) >= length:
                break
            end = min(end, area.start)
        start = end - length
        return start if start >= LOWEST else 0

    def cut(self, start: int, end: int) -> list[Area]:
        """Take the range out of the map; what was there comes back in pieces."""
        i = max(bisect_right(self.starts, start) - 1, 0)
        while i < len(self.areas) and self.areas[i].end <= start:
            i += 1
        j, taken, kept = i, [], []
        while j < len(self.areas) and self.areas[j].start < end:
            area = self.areas[j]
            taken.append(area.part(max(area.start, start), min(area.end, end)))
            if area.start < start:
                kept.append(area.part(area.start, start))
            if area.end > end:
                kept.append(area.part(end, area.end))
            j += 1
        self.areas[i:j] = kept
        self.starts[i:j] = [a.start for a in kept]
        return taken

    def insert(self, area: Area) -> None:
        """Put an area where the map is free, joined with its neighbours if they are alike."""
        i = bisect_right(self.starts, area.start)
        if i < len(self.areas) and area.joins(self.areas[i]):
            area.end = self.areas[i].end
            del self.areas[i], self.starts[i]
        if i > 0 and self.areas[i - 1].joins(area):
            self.areas[i - 1].end = area.end
            return
        self.areas.insert(i, area)
        self.starts.insert(i, area.start)
