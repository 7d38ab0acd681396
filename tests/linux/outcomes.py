"""What programs of ``src`` do on every architecture."""

from __future__ import annotations

import re
import subprocess
from typing import NamedTuple

from tests.linux.conftest import HERE

STATUS = {"memory": 0, "process": 0, "signals": 0, "threads": 7}  # programs whose output is in a file, and how they end
NOTHING_LOST = "bytes 0 halves 0\nadded 0 wide 0 swapped 0 guarded 0 split 0 torn 0\nstack lost 0 twice 0 empty 0\n"  # lockfree
RACES = "ping-pong 500 1\npipe 1000 100500 ticks 1\ncalls 0 ticks 1\npipe 1000 100500 ticks 1\nthreads 9000 handled 1\n"  # storm: a lost wake-up hangs


def text(program: str, machine: str = "armv7l") -> str:
    """Standard output of *program*, where uname says *machine*."""
    return (HERE / f"{program}.txt").read_text().replace("armv7l", machine)


class Fault(NamedTuple):
    """What a handler is told of a fault of ``faults``: ``offset`` is si_addr's in its page (None: any), ``page`` that page's number (-1: not one of the
    program's two), ``at_pc`` whether si_addr is the pc."""

    signo: int
    code: int
    offset: int | None
    page: int = -1
    at_pc: bool = False

    def check(self, done: subprocess.CompletedProcess[bytes]) -> None:
        said = re.fullmatch(r"signal (\d+) code (-?\d+) addr (\w+) page (-?\d+) pc-addr (-?\d+)\n", done.stdout.decode())
        assert said, done
        assert (int(said[1]), int(said[2]), int(said[4]), int(said[5])) == (self.signo, self.code, self.page, 0 if self.at_pc else -1)
        assert self.offset is None or int(said[3], 0) == self.offset
        assert done.returncode == self.signo
