"""Files of the translator's own, in a process whose descriptors belong to the guest.

The guest may close any descriptor, and expects the lowest free number when it opens a file. So ours are open for moments only, and above the numbers
that programs use. What stays open needs a thread with a table of descriptors of its own (``own_table``). Nor does the guest hear of files of ours
that are too large for its limit of file sizes.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the module signal costs a warm start its import of enum
import contextlib
import ctypes
import fcntl
import os
from _thread import _local
from collections.abc import Iterator

OTHERS_KEPT = 4  # files of other versions that stay in a cache
LOWEST = 500  # below the usual limit of 1024 descriptors, above what programs use
_open: set[int] = set()  # what is open now in the table that most threads share
_thread = _local()  # has `own_table` in a thread that does not share it
_CLOSE_RANGE, _UNSHARE = 436, 2  # close_range and CLOSE_RANGE_UNSHARE, the same on all hosts

_TOO_LARGE = {_signal.SIGXFSZ}


@contextlib.contextmanager
def _without_size_signal() -> Iterator[None]:
    """In the block a write beyond the limit of file sizes (``ulimit -f``, which may be the guest's doing) is an OSError and nothing else: the SIGXFSZ that
    comes with it would end the guest."""
    blocked = _signal.pthread_sigmask(_signal.SIG_BLOCK, _TOO_LARGE)
    guests = _TOO_LARGE & _signal.sigpending()  # one that the guest has coming, if it blocks them, stays
    try:
        yield
    finally:
        if not guests:
            _signal.sigtimedwait(_TOO_LARGE, 0)
        if _signal.SIGXFSZ not in blocked:
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
    shared = not hasattr(_thread, "own_table")
    if shared:
        _open.add(high)
    try:
        with _without_size_signal():
            yield high
    finally:
        if shared:
            _open.discard(high)
        os.close(high)


@contextlib.contextmanager
def replacing(path: str) -> Iterator[int]:
    """A descriptor to write what file *path* is to hold. It takes the place of the old file, in one piece, at the end of the block; if it can't be written
    (OSError), the old file stays and nothing else does."""
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open_apart(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as file:
            yield file
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def forget_others(path: str, prefix: str = "") -> None:
    """Delete all but the newest files of other versions: those beside *path* whose names have its suffix and begin with *prefix*. What can't be deleted, or
    is being deleted by another process, stays for now."""
    directory, own = os.path.split(path)
    suffix = os.path.splitext(own)[1]
    with contextlib.suppress(OSError):
        with os.scandir(directory) as entries:
            others = [(e.stat().st_mtime, e.path) for e in entries if e.name.startswith(prefix) and e.name.endswith(suffix) and e.name != own]
        for _, old in sorted(others)[:-OTHERS_KEPT]:
            os.unlink(old)


def forget_oldest(directory: str, suffix: str, most: int) -> None:
    """Delete all but the newest files in *directory* whose names have this suffix and which have *most* bytes together."""
    with contextlib.suppress(OSError):
        with os.scandir(directory) as entries:
            found = [(e.stat().st_mtime, e.stat().st_size, e.path) for e in entries if e.name.endswith(suffix)]
        total = 0
        for _, size, path in sorted(found, reverse=True):
            total += size
            if total > most:
                os.unlink(path)


def own_table(keep_stderr: bool = False) -> None:
    """Give the calling thread a table of descriptors of its own, with nothing in it but /dev/null (and standard error, to say something). The guest can
    neither see, nor close, nor take for its own what is open there, and children that it forks do not inherit it. OSError if the system can't."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_CLOSE_RANGE, 3, ctypes.c_uint(~0), _UNSHARE):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    _thread.own_table = True
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in range(2 if keep_stderr else 3):
        os.dup2(nothing, fd)


def close_inherited() -> None:
    """In the child of a fork: close what other threads of the parent had open. A lock on such a file would last as long as the child."""
    while _open:
        os.close(_open.pop())
