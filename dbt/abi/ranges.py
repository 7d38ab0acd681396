"""Ranges of guest bytes: (address, length in bytes)."""

from __future__ import annotations


def merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same bytes as few ranges, in ascending order."""
    found: list[tuple[int, int]] = []
    for start, length in sorted(ranges):
        if found and start <= sum(found[-1]):
            first, size = found[-1]
            found[-1] = (first, max(size, start + length - first))
        else:
            found.append((start, length))
    return found
