"""``--watchdog SECONDS``: what every guest thread is doing, said on standard error every SECONDS.

For a program that hangs: guest pc, whether the thread is in translated code or in a system call (and in which), what the host's kernel says of it, and the
stacks of the Python parts. The timer is a thread of its own, so a guest that is stuck anywhere is still described.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import threading

from dbt.abi.exclusive import State
from dbt.abi.exits import REQUEST_PAUSE

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.process import Process
    from runtime.linux.threads import Thread

_STDERR = 2  # the descriptor itself: Python's file object may be closed
_STATES = {"R": "running", "S": "sleeping", "D": "waiting for a device", "T": "stopped", "Z": "ended"}


class Watchdog:
    """The timer of one process. ``start`` again in a forked child: it has lost the thread."""

    def __init__(self, process: Process, seconds: float) -> None:
        self.process, self.seconds = process, seconds
        self._stop = threading.Event()

    def start(self) -> None:
        """Call with all signals blocked: the thread that this makes takes none."""
        self._stop = threading.Event()
        threading.Thread(target=self._work, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Call before the process's memory is given back."""
        self._stop.set()

    def _work(self) -> None:
        stop = self._stop
        while not stop.wait(self.seconds):
            _say(self.process)


def _say(process: Process) -> None:
    lines = [f"dbt: {os.fsdecode(process.exe)}: process {os.getpid()} still runs; its threads:"]
    lines += [describe(thread) for thread in list(process.threads.values())]
    os.write(_STDERR, ("\n".join(lines) + "\n").encode(errors="replace"))
    faulthandler.dump_traceback(_STDERR)


def describe(thread: Thread) -> str:
    """One line: the thread's id, guest pc and registers, where it is, and the host's view of it."""
    vcpu = thread.vcpu
    abi = thread.abi
    rows, number = abi.rows(), thread.regs[abi.number]
    name = rows[number][0] if number in rows else f"syscall {number:#x}"
    arguments = ", ".join(f"{thread.regs[register]:#x}" for register in abi.arguments)
    where = f"{name}({arguments})" if vcpu.get("state") == State.OUTSIDE else "translated code"
    request = vcpu.get("request") & ~REQUEST_PAUSE  # which may be left over outside of native code
    return f"dbt:   {thread.tid}: pc {vcpu.pc:#x} sp {thread.regs[abi.sp]:#x} {where}, request {request:#x}, host {_host_state(thread.tid)}"


def _host_state(tid: int) -> str:
    """State, kernel function and system call as the host's kernel tells them."""
    with contextlib.suppress(OSError):
        with open(f"/proc/self/task/{tid}/stat") as file:
            state = file.read().rpartition(")")[2].split()[0]
        with open(f"/proc/self/task/{tid}/wchan") as file:
            function = file.read()
        return f"{_STATES.get(state, state)} {function.strip('0') or 'in user mode'}"
    return "gone"
