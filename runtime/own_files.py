"""Files of the translator's own, in a process whose descriptors belong to the guest.

The guest may close any descriptor, and expects the lowest free number when it opens a file. So ours are open for moments only, and above the numbers
that programs use. Nor does the guest hear of it when they are too large for its limit of file sizes.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the module signal costs a warm start its import of enum
import contextlib
import fcntl
import os
from collections.abc import Iterator

LOWEST = 500  # below the usual limit of 1024 descriptors, above what programs use
_open: set[int] = set()  # what is open now

_TOO_LARGE = {_signal.SIGXFSZ}


@contextlib.contextmanager
def _without_size_signal() -> Iterator[None]:
    """In the block a write beyond the limit of file sizes (``ulimit -f``, which may be the guest's doing) is an OSError and nothing else: the SIGXFSZ that
    comes with it would end the guest."""
    blocked = _signal.pthread_sigmask(_signal.SIG_BLOCK, _TOO_LARGE)
    try:
        yield
    finally:
        if _signal.SIGXFSZ not in blocked:
            _signal.sigtimedwait(_TOO_LARGE, 0)
            _signal.pthread_sigmask(_signal.SIG_UNBLOCK, _TOO_LARGE)


def write_all(file: int, data: bytes | memoryview) -> None:
    """Write all of *data*; OSError if there is no room for it."""
    rest = memoryview(data).cast("B")
    while rest:
        rest = rest[os.write(file, rest) :]


@contextlib.contextmanager
def open_apart(path: str, flags: int, mode: int = 0o666) -> Iterator[int]:
    """A close-on-exec descriptor of *path* that is out of the guest's way, closed at the end of the block. OSError as from ``os.open``."""
    low = os.open(path, flags | os.O_CLOEXEC, mode)
    try:
        high = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, LOWEST)
    finally:
        os.close(low)
    _open.add(high)
    try:
        with _without_size_signal():
            yield high
    finally:
        _open.discard(high)
        os.close(high)


def close_inherited() -> None:
    """In the child of a fork: close what other threads of the parent had open. A lock on such a file would last as long as the child."""
    while _open:
        os.close(_open.pop())
