"""Syscalls of the guest: the table's rows are resolved to handlers when they are first called, so that rare groups cost no import."""

from __future__ import annotations

import errno
from _operator import itemgetter
from collections.abc import Callable, Iterable
from importlib import import_module

from runtime.linux.hostnr import NR

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.process import Process
    from runtime.linux.threads import Thread

Handler = Callable[..., "int | None"]  # (thread, arguments as unsigned numbers) -> result or -errno; None: the registers are set already
Arguments = Callable[[memoryview], "Iterable[int]"]  # picks a call's arguments out of the registers
Entry = tuple[Handler, Arguments, bool]  # handler, its arguments, restarted after a handler with SA_RESTART

ENOSYS = -errno.ENOSYS


def pass_through(name: str) -> Handler:
    """A handler that gives its arguments to the host's syscall *name*: for syscalls with plain numbers only."""
    nr = NR[name]

    def handler(t: Thread, *args: int) -> int:
        return t.call(nr, *args)

    return handler


def picker(registers: tuple[int, ...], kinds: str) -> Arguments:
    """Takes the arguments that *kinds* names, without the holes, from *registers*."""
    wanted = [registers[i] for i, kind in enumerate(kinds) if kind != "_"]
    first = wanted[0] if wanted else 0
    if wanted == list(range(first, first + len(wanted))):
        return itemgetter(slice(first, first + len(wanted)))
    return itemgetter(*wanted)


class Resolver:
    """``handlers``: number -> entry, filled by ``resolve``."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.handlers: dict[int, Entry] = {}
        self.wrap: Callable[[int, str, str, Handler], Handler] | None = None  # tracing

    def resolve(self, number: int) -> Entry:
        """The entry of a syscall number that is called for the first time. Unknown ones give ENOSYS and are counted."""
        registers = self.process.abi.arguments
        row = self.process.abi.rows().get(number)
        restartable = False
        if row is None or row[1] == "-":
            handler = self._unknown(number)
            name, kinds = (row[0], "") if row else (f"syscall_{number:#x}", "xxxxxx")
        else:
            name, target, kinds, restartable = row
            group, _, function = target.partition(".")
            if target.startswith("~"):
                from runtime.linux.syscalls.direct import direct

                handler = direct(name, target[1:], kinds)
            elif not group:
                handler = pass_through(function or name)
            else:
                handler = getattr(import_module(f"runtime.linux.syscalls.{group}"), function or name)
        if self.wrap is not None:
            handler = self.wrap(number, name, kinds, handler)
        entry = (handler, picker(registers, kinds), restartable)
        self.handlers[number] = entry
        return entry

    def _unknown(self, number: int) -> Handler:
        counts = self.process.unknown

        def unknown(t: Thread, *args: int) -> int:
            counts[number] = counts.get(number, 0) + 1
            return ENOSYS

        return unknown
