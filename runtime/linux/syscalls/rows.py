"""Tables of system calls, as text: a line a call, ``NUMBER NAME HANDLER KINDS [R]``.

Handler: ``group.function`` (``group.`` for a function of the syscall's name), ``.`` for the host's own syscall of that name (``.name`` for another),
``-`` for ENOSYS on purpose, ``~`` for the host's own with guest addresses (``runtime.linux.syscalls.direct``). Kinds, one letter an argument (also what tracing
prints): f descriptor, i signed, u unsigned, o octal, x flags or pointer, s path, ``_`` the hole before an aligned 64-bit pair. R: goes on after a
handler with SA_RESTART (signal(7)).
"""

from __future__ import annotations

Row = tuple[str, str, str, bool]  # name, handler, kinds, restartable


def parse(text: str) -> dict[int, Row]:
    """The rows by number."""
    rows = {}
    for line in text.split("\n"):
        if line:
            number, name, target, kinds, *restart = line.split(" ")
            rows[int(number, 0)] = (name, target, "" if kinds == "-" else kinds, bool(restart))
    return rows
