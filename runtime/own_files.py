"""Files of the translator's own, in a process whose descriptors belong to the guest.

The guest may close any descriptor, and expects the lowest free number when it opens a file. So ours are open for moments only, and above the numbers
that programs use.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

LOWEST = 500  # below the usual limit of 1024 descriptors, above what programs use


@contextlib.contextmanager
def open_apart(path: str, flags: int, mode: int = 0o666) -> Iterator[int]:
    """A close-on-exec descriptor of *path* that is out of the guest's way, closed at the end of the block. OSError as from ``os.open``."""
    low = os.open(path, flags | os.O_CLOEXEC, mode)
    try:
        high = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, LOWEST)
    finally:
        os.close(low)
    try:
        yield high
    finally:
        os.close(high)
