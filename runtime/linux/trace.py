"""``--trace``: what the guest asks for and what the translator does for it, a line each on standard error.

The names are those of ``runtime.linux.options.TRACES``. Nothing here costs anything in a run without traces: each puts itself in the way of the one
function that it shows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from runtime.linux.strace import trace_syscalls

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.process import Process
    from runtime.linux.signals import Action, ThreadSignals


def say(text: str) -> None:
    """One line, in one write: threads do not mix theirs."""
    os.write(2, (text + "\n").encode(errors="backslashreplace"))


def _signals(process: Process) -> None:
    def entered(signals: ThreadSignals, signo: int, siginfo: bytes, action: Action, pc: int) -> None:
        from runtime.linux.signals import signal_name

        code = int.from_bytes(siginfo[8:12], "little", signed=True)
        say(f"[{signals.thread.tid}] signal {signal_name(signo)} code {code} at pc {pc:#x}: handler {action.handler:#x}")

    process.on_signal = entered


def _lifting(process: Process) -> None:
    process.engine.on_lift = lambda mode, data, records: say(f"lift {data.hex(' '):<12} mode {mode:#x}: {records} records")


def _compiling(process: Process) -> None:
    if process.engine.tier1 is not None:
        process.engine.tier1.on_region = lambda pc, size, source: say(f"compile {pc:#x}: {size} guest bytes, {source}")


_INSTALL: dict[str, Callable[[Process], None]] = {"syscall": trace_syscalls, "signal": _signals, "lift": _lifting, "compile": _compiling}


def start(process: Process, names: Iterable[str]) -> None:
    """Trace what *names* say from now on, in this program image."""
    for name in names:
        _INSTALL[name](process)
