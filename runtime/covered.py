"""Which guest code the regions in the arena were made of, entries or not."""

from __future__ import annotations

from dbt.abi.memory import PAGE_BITS
from dbt.backend.llvm.convention import DROPPED
from runtime.arena import read_word

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt.pipeline import Start


class Live:
    """A region that is entered: the host addresses of its entries and of its valid word, the ranges of guest bytes (address, length) it was made from, and how
    many revisions it, or what it replaced, took part in (``runtime.reprofile``)."""

    __slots__ = ("entries", "ranges", "valid", "revision")

    def __init__(self, entries: dict[Start, int], ranges: list[tuple[int, int]], valid: int, revision: int = 0) -> None:
        self.entries, self.ranges, self.valid, self.revision = entries, ranges, valid, revision

    def has(self, pc: int) -> bool:
        """True if it was made from the code at *pc*, and may be entered still."""
        return any(start <= pc < start + length for start, length in self.ranges) and read_word(self.valid) != DROPPED

    def pages(self) -> set[int]:
        """Guest pages that it was made from."""
        return {page for start, length in self.ranges for page in range(start >> PAGE_BITS, (start + length - 1 >> PAGE_BITS) + 1)}


class Covered:
    """The regions, found by page: each has a few."""

    def __init__(self) -> None:
        self._pages: dict[int, list[Live]] = {}

    def add(self, region: Live) -> None:
        for page in region.pages():
            self._pages.setdefault(page, []).append(region)

    def drop(self, region: Live) -> None:
        for page in region.pages():
            self._pages[page].remove(region)

    def at(self, pc: int) -> Iterator[Live]:
        """The regions that have the code at *pc*."""
        return (region for region in self._pages.get(pc >> PAGE_BITS, ()) if region.has(pc))

    def has(self, pc: int) -> bool:
        """True if there is one."""
        return any(True for _ in self.at(pc))

    def clear(self) -> None:
        self._pages.clear()
