"""Interleaved measurements: every subject is measured once before any is measured again, so that a noisy machine disturbs all alike."""

from __future__ import annotations

import itertools
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from resource import struct_rusage
from typing import TypeVar

from runtime.linux.errors import UsageError

TIMEOUT = 300  # seconds for one run
Key = TypeVar("Key", bound=Hashable)
Got = TypeVar("Got")


@dataclass(frozen=True)
class Sample:
    """One run of a command: wall and processor time in seconds, peak resident memory in bytes, standard output."""

    seconds: float
    cpu_seconds: float
    rss: int
    output: bytes


def run(command: list[str], environment: Mapping[str, str], *, stdin: bytes = b"", cwd: str | None = None, statuses: tuple[int, ...] = (0,)) -> Sample:
    """Run *command* and measure it. UsageError if it ends with none of *statuses*, or not within TIMEOUT."""
    # Files, not pipes: nothing here has to keep up with the program.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=given, stdout=out, stderr=err, env=dict(environment), cwd=cwd, start_new_session=True)
        try:
            usage = _wait(process, start + TIMEOUT)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        seconds = time.perf_counter() - start
        out.seek(0)
        err.seek(0)
        if process.returncode not in statuses:
            why = f"no end within {TIMEOUT} s" if usage is None else f"exit status {process.returncode}"
            raise UsageError(f"bench: {' '.join(command[-6:])}: {why}: {err.read().decode(errors='replace').strip()[-200:]}")
        assert usage is not None
        return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, out.read())


def _wait(process: subprocess.Popen[bytes], deadline: float) -> struct_rusage | None:
    """Wait for *process* until *deadline* (perf_counter); gives its resource usage, None if it had to be killed."""
    pidfd = os.pidfd_open(process.pid)
    try:
        ended = bool(select.select([pidfd], [], [], max(0.0, deadline - time.perf_counter()))[0])
    finally:
        os.close(pidfd)
    if not ended:
        os.killpg(process.pid, signal.SIGKILL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage if ended else None


def measure(subjects: Mapping[Key, Callable[[], Got]], runs: int, label: Callable[[Key], str] = str) -> dict[Key, list[Got]]:
    """Take *runs* samples of each of *subjects* in turn; shows progress on standard error."""
    found: dict[Key, list[Got]] = {key: [] for key in subjects}
    with progress(len(subjects) * runs) as step:
        for _ in range(runs):
            for key, sample in subjects.items():
                step(label(key))
                found[key].append(sample())
    return found


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """Progress on standard error, a bar on a terminal, else a line a measurement: call the result with what is measured next."""
    if not sys.stderr.isatty():
        numbers = itertools.count(1)
        yield lambda text: print(f"{next(numbers)} of {total}: {text}", file=sys.stderr, flush=True)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("measuring", total=total)
        started = False

        def step(text: str) -> None:
            nonlocal started
            bar.update(task, description=text, advance=1 if started else 0)
            started = True

        yield step
