"""Which guest code the regions in the arena were made of, entries or not."""

from __future__ import annotations

from runtime.arena import read_word

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Iterable

_PAGE_BITS = 12  # ranges are found by page: a region has a few


class Covered:
    """Ranges of guest addresses, each with the host address of its region's valid word."""

    def __init__(self) -> None:
        self._pages: dict[int, list[tuple[int, int, int]]] = {}

    def add(self, ranges: Iterable[tuple[int, int]], valid: int) -> None:
        """A region was made of *ranges* (address, length)."""
        for start, length in ranges:
            end = start + length
            for page in range(start >> _PAGE_BITS, (end - 1 >> _PAGE_BITS) + 1):
                self._pages.setdefault(page, []).append((start, end, valid))

    def has(self, pc: int) -> bool:
        """True if a region that is still valid has the code at *pc*."""
        return any(start <= pc < end and read_word(valid) for start, end, valid in self._pages.get(pc >> _PAGE_BITS, ()))

    def clear(self) -> None:
        self._pages.clear()
