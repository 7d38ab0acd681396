"""Caches of the benchmarks' own: what a guest program leaves to its next run, and the compile servers that work for it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench import host, rounds
from bench.guests import build
from runtime.compileserver.server import AFTERWARDS, SECONDS
from runtime.paths import cache_dir

SERVER = b"runtime.compileserver.server"  # in the command line of a compile server and of its workers
IDLE_SAMPLES, IDLE_STEP = 3, 0.05  # a server without work is asleep this often, seconds apart
_MADE_ONCE = ("kernels", "bytecode")  # folders of what is made once a machine


def make_once(arch: str) -> None:
    """Let the user's cache have what is made once a machine for guests of *arch*, so that no measurement makes it."""
    rounds.run([*host.ours(str(build.program("getppid", arch))), "1"], host.environment())


class Servers(NamedTuple):
    """What the compile servers and their workers took together: peak memory in bytes, processor seconds."""

    rss: int
    cpu_seconds: float

    def most(self, other: Servers) -> Servers:
        return Servers(max(self.rss, other.rss), max(self.cpu_seconds, other.cpu_seconds))


class Cache:
    """A cache directory that knows no program: it has what is made once a machine, the runtime's kernels, the popular shapes and the translator's modules."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="dbt-bench-", ignore_cleanup_errors=True)
        for kind in _MADE_ONCE:
            if (Path(cache_dir()) / kind).is_dir():
                shutil.copytree(Path(cache_dir()) / kind, Path(self._directory.name) / kind)

    def environment(self) -> dict[str, str]:
        return host.environment(DBT_CACHE_DIR=self._directory.name)

    def settle(self) -> Servers | None:
        """Wait until the compile servers have made what they were asked for, then end them; None if there are none."""
        end, asleep, known = time.monotonic() + AFTERWARDS + SECONDS, 0, None
        while (found := self._servers()) and asleep < IDLE_SAMPLES and time.monotonic() < end:
            known = _look(found) if known is None else known.most(_look(found))
            asleep = 0 if any(_state(server) in "RD" for server in found) else asleep + 1
            time.sleep(IDLE_STEP)
        self.end_servers()
        return known

    def end_servers(self) -> None:
        """At any moment: the cache stands it."""
        for server in self._servers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(server, signal.SIGKILL)

    def _servers(self) -> list[int]:
        """The compile servers that work for this cache, and their workers."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                command = path.read_bytes().split(b"\0")
                if os.fsencode(self._directory.name) in command and any(SERVER in word for word in command):
                    found.append(int(path.parent.name))
        return found


def _fields(process: int) -> list[str]:
    """Those of /proc/PID/stat from the state on, see proc(5); those of a process that ended without any time if it is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["Z", *"0" * 20]


def _state(process: int) -> str:
    return _fields(process)[0]


def _look(processes: list[int]) -> Servers:
    """Sums over *processes*."""
    memory, ticks = 0, 0
    for process in processes:
        ticks += sum(int(field) for field in _fields(process)[11:13])  # user and system time
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{process}/status").read_text().splitlines()
            memory += next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
    return Servers(memory, ticks / os.sysconf("SC_CLK_TCK"))
