"""Imports and forks. A thread that imports a module holds the module's lock, and other threads may be importing at any time: the compile thread loads its
compiler when the first block is hot, system calls load their handlers when they are first made. A child of a fork in that moment has the locked lock but not
the thread, and hangs at its own import of that module, or of one that it was half-way through.

So a fork waits until nobody else imports, and keeps it so: whoever wants a module's lock must have the interpreter's import lock first.
"""

from __future__ import annotations

import _imp
import sys
from _thread import get_ident
from time import sleep

_PATIENCE = 0.001  # seconds between two looks


def _others_import() -> bool:
    """True if another thread holds the lock of a module. CPython keeps a weak reference to each lock that anybody uses."""
    locks = [reference() for reference in list(sys.modules["_frozen_importlib"]._module_locks.values())]
    return any(lock is not None and lock.owner not in (None, get_ident()) for lock in locks)


def hold() -> None:
    """Wait until no other thread imports anything; none begins before ``release``, in this process or in a child. The caller holds no lock that a module's
    top level may want."""
    _imp.acquire_lock()
    while _others_import():
        _imp.release_lock()
        sleep(_PATIENCE)
        _imp.acquire_lock()


def release() -> None:
    """The end of ``hold``: after a fork in the parent and in the child."""
    _imp.release_lock()
