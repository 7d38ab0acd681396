"""The program's own source files: caches of what is made by them are of another version when one changes."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_started = time.time()
Source = tuple[str, os.stat_result]  # path relative to ROOT


def source_files(places: Iterable[str]) -> list[Source]:
    """The Python files among *places*, and those in the folders among them (not below), in order."""
    found = []
    for place in places:
        path = os.path.join(ROOT, place)
        if place.endswith(".py"):
            found.append((place, os.stat(path)))
        else:
            with os.scandir(path) as entries:
                found += sorted([(f"{place}/{entry.name}", entry.stat()) for entry in entries if entry.name.endswith(".py")])
    return found


def only_ours(files: list[Source]) -> str:
    """Empty, or words that no other process has if one of *files* was changed since this one started: what runs here may be the file as it was before. A time
    in the future is a clock that is wrong."""
    now = time.time()
    changed = any(_started < stat.st_mtime <= now for _, stat in files)
    return f"process {os.getpid()} of {_started}" if changed else ""


def facts(files: list[Source]) -> bytes:
    """What tells this version from others: names, sizes and times."""
    return "\n".join([f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in files] + [only_ours(files)]).encode()
