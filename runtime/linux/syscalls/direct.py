"""Calls of a 64-bit guest whose structures are the host's own: only addresses are translated.

A row's handler ``~PLACES`` says which arguments are addresses: ``N<SIZE`` for memory that the call reads, ``N>SIZE`` for memory that it writes, SIZE in bytes
or ``#M`` for the value of argument M. An argument of kind s is a path. NULL stays NULL.
"""

from __future__ import annotations

import re

from runtime.linux.hostnr import NR
from runtime.linux.syscalls.common import buffer, host_path, wrote

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.linux.threads import Thread

_PLACE = re.compile(r"(\d)([<>])(#?)(\d+)")


def direct(name: str, places: str, kinds: str) -> Callable[..., int]:
    """The handler of the host's call *name* with the given places and argument kinds."""
    nr = NR[name]
    paths = [i for i, kind in enumerate(kinds) if kind == "s"]
    found = [(int(argument), way == ">", bool(by_value), int(size)) for argument, way, by_value, size in _PLACE.findall(places)]

    def handler(t: Thread, *args: int) -> int:
        values = list(args)
        for i in paths:
            values[i] = host_path(t, args[i])
        for argument, _, by_value, size in found:
            if args[argument]:
                values[argument] = buffer(t, args[argument], args[size] if by_value else size)
        got = t.call(nr, *values)
        for argument, written, by_value, size in found:
            if written and got >= 0:
                wrote(t, args[argument], got if by_value else size)
        return got

    return handler
