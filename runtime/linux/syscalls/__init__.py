"""Syscalls of the guest: the table's rows are resolved to handlers when they are first called, so that rare groups cost no import."""

from __future__ import annotations

import errno
from collections.abc import Callable
from importlib import import_module

from runtime.linux.hostnr import NR

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.process import Process
    from runtime.linux.threads import Thread

Handler = Callable[..., "int | None"]  # (thread, arguments as unsigned 32-bit numbers) -> result or -errno; None: the registers are set already
Entry = tuple[Handler, int, bool]  # handler, number of arguments, restarted after a handler with SA_RESTART

ENOSYS = -errno.ENOSYS


def pass_through(name: str) -> Handler:
    """A handler that gives its arguments to the host's syscall *name*: for syscalls with plain 32-bit numbers only."""
    nr = NR[name]

    def handler(t: Thread, *args: int) -> int:
        return t.call(nr, *args)

    return handler


class Resolver:
    """``handlers``: number -> entry, filled by ``resolve``."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.handlers: dict[int, Entry] = {}
        self.wrap: Callable[[int, str, str, Handler], Handler] | None = None  # tracing

    def resolve(self, number: int) -> Entry:
        """The entry of a syscall number that is called for the first time. Unknown ones give ENOSYS and are counted."""
        from runtime.linux.syscalls.table import ROWS

        row = ROWS.get(number)
        if row is None or row[1] == "-":
            entry: Entry = (self._unknown(number), 0, False)
            name, kinds = (row[0], "") if row else (f"syscall_{number:#x}", "xxxxxx")
        else:
            name, target, kinds, restartable = row
            group, _, function = target.partition(".")
            if not group:
                handler = pass_through(function or name)
            else:
                handler = getattr(import_module(f"runtime.linux.syscalls.{group}"), function or name)
            entry = (handler, len(kinds), restartable)
        if self.wrap is not None:
            entry = (self.wrap(number, name, kinds, entry[0]), max(len(kinds), entry[1]), entry[2])
        self.handlers[number] = entry
        return entry

    def _unknown(self, number: int) -> Handler:
        counts = self.process.unknown

        def unknown(t: Thread, *args: int) -> int:
            counts[number] = counts.get(number, 0) + 1
            return ENOSYS

        return unknown
