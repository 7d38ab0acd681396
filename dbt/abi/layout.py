"""Declares memory layouts once; every consumer (ctypes, kernels, LLVM text) takes its offsets from here."""

from __future__ import annotations


class Field:
    """A named field: byte ``offset``, byte ``size`` of one element, and ``count`` elements."""

    __slots__ = ("name", "offset", "size", "count")

    def __init__(self, name: str, offset: int, size: int, count: int = 1) -> None:
        self.name = name
        self.offset = offset
        self.size = size
        self.count = count

    @property
    def cell(self) -> int:
        """Index of the 64-bit cell this field starts; ValueError if it does not start one."""
        if self.offset % 8:
            raise ValueError(f"{self.name} at byte {self.offset} does not start a cell")
        return self.offset // 8


class Layout:
    """Fields in order, naturally aligned. ``add`` returns the layout so that declarations read as a list."""

    def __init__(self, name: str, start: int = 0) -> None:
        self.name = name
        self.fields: dict[str, Field] = {}
        self.size = start

    def add(self, name: str, size: int, count: int = 1, align: int = 0) -> Layout:
        """Append *count* elements of *size* bytes, aligned to *align* (default: the size, 8 at most)."""
        align = align or min(size, 8)
        if name in self.fields:
            raise ValueError(f"{self.name}.{name} stands twice")
        offset = -(-self.size // align) * align
        self.fields[name] = Field(name, offset, size, count)
        self.size = offset + size * count
        return self

    def __getitem__(self, name: str) -> Field:
        return self.fields[name]

    def offset(self, name: str) -> int:
        return self.fields[name].offset
