"""Forks of the process that an engine is in, as a guest's thread makes them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from runtime.engine import Engine
from runtime.vcpu import VCpu
from tests.patience import SECONDS


def fork(engine: Engine, child: Callable[[], bool], own: VCpu | None = None) -> int:
    """Fork by the thread of vCPU *own*; gives the child's process number. The child ends with status 0 if *child* gives True in it. One that hangs ends
    itself."""
    engine.before_fork()
    pid = os.fork()
    engine.after_fork(pid == 0, own)
    if pid == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
        signal.alarm(SECONDS)
        try:
            os._exit(0 if child() else 1)
        finally:
            os._exit(2)
    return pid


def status_of_child(engine: Engine, child: Callable[[], bool], own: VCpu | None = None) -> int:
    """The status of such a child, when it has ended."""
    return os.waitpid(fork(engine, child, own), 0)[1]
