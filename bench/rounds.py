"""Interleaved measurements: every subject is measured once before any is measured again, so that a noisy machine disturbs all alike."""

from __future__ import annotations

import os
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from runtime.linux.errors import UsageError

TIMEOUT = 300  # seconds for one run
LAUNCH = Path(__file__).resolve().with_name("launch.py")
Key = TypeVar("Key", bound=Hashable)
Got = TypeVar("Got")


@dataclass(frozen=True)
class Sample:
    """One run of a command: wall and processor time in seconds, peak resident memory in bytes (of the largest process in it), standard output."""

    seconds: float
    cpu_seconds: float
    rss: int
    output: bytes


def run(command: list[str], environment: Mapping[str, str], *, stdin: bytes = b"", cwd: str | None = None, statuses: tuple[int, ...] = (0,)) -> Sample:
    """Run *command* and measure it. UsageError if it ends with none of *statuses*, or not within TIMEOUT."""
    # Files, not pipes: nothing here has to keep up with the program.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as result:
        given.write(stdin)
        given.seek(0)
        launcher = [sys.executable, "-ISB", str(LAUNCH), str(result.fileno())]
        process = subprocess.Popen(
            [*launcher, *command], stdin=given, stdout=out, stderr=err, env=dict(environment), cwd=cwd, start_new_session=True, pass_fds=(result.fileno(),)
        )
        try:
            ended = _wait(process, TIMEOUT)
        except BaseException:
            _kill(process)
            raise
        if not ended:
            _kill(process)
        for file in (out, err, result):
            file.seek(0)
        measured = result.read().split()
        status = os.waitstatus_to_exitcode(int(measured[3])) if measured else process.returncode
        if not ended or not measured or status not in statuses:
            why = f"exit status {status}" if ended else f"no end within {TIMEOUT} s"
            raise UsageError(f"bench: {' '.join(command[-6:])}: {why}: {err.read().decode(errors='replace').strip()[-200:]}")
        return Sample(float(measured[0]), float(measured[1]), int(measured[2]), out.read())


def _wait(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether *process* ends within *seconds*."""
    pidfd = os.pidfd_open(process.pid)
    try:
        ended = bool(select.select([pidfd], [], [], seconds)[0])
    finally:
        os.close(pidfd)
    if ended:
        process.wait()
    return ended


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End *process* and what it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def measure(
    subjects: Mapping[Key, Callable[[], Got]],
    runs: int,
    label: Callable[[Key], str] = str,
    *,
    once: Collection[Key] = (),
    found: dict[Key, list[Got]] | None = None,
    after: Callable[[], None] = lambda: None,
) -> dict[Key, list[Got]]:
    """Take *runs* samples of each of *subjects* in turn, a single one of those *once*; shows progress on standard error.

    Fills *found* and gives it; samples that are in it are not taken again. Calls *after* each sample, so that an end at any moment loses one at most.
    """
    found = {} if found is None else found
    for key in subjects:
        found.setdefault(key, [])
    plan = [key for turn in range(runs) for key in subjects if turn >= len(found[key]) and (turn == 0 or key not in once)]
    took: dict[Key, list[float]] = {}
    with progress(len(plan)) as step:
        for number, key in enumerate(plan):
            step(label(key), _left(plan[number:], took))
            start = time.monotonic()
            found[key].append(subjects[key]())
            took.setdefault(key, []).append(time.monotonic() - start)
            after()
    return found


def _left(plan: list[Key], took: Mapping[Key, list[float]]) -> float | None:
    """Seconds that the measurements of *plan* should take, from those *took* already: the same ones, else the mean of all. None before the first."""
    if not took:
        return None
    known = {key: statistics.fmean(times) for key, times in took.items()}
    usual = statistics.fmean(known.values())
    return sum(known.get(key, usual) for key in plan)


def duration(seconds: float | None) -> str:
    """*seconds* for people."""
    if seconds is None:
        return "unknown"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class Step(Protocol):
    """Says what is measured next, and the seconds left if more is known of them than how long the steps before took."""

    def __call__(self, text: str, left: float | None = None) -> None: ...


@contextmanager
def progress(total: int) -> Iterator[Step]:
    """Progress on standard error, a bar on a terminal, else a line a measurement: call the result before each of the *total* measurements."""
    done, start = 0, time.monotonic()

    def estimate(left: float | None) -> str:
        return duration((time.monotonic() - start) / done * (total - done) if left is None and done else left)

    if not sys.stderr.isatty():

        def line(text: str, left: float | None = None) -> None:
            nonlocal done
            print(f"{done + 1} of {total}: {text}; time left: {estimate(left)}", file=sys.stderr, flush=True)
            done += 1

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TextColumn("time left: {task.fields[left]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("measuring", total=total, left=duration(None))

        def step(text: str, left: float | None = None) -> None:
            nonlocal done
            bar.update(task, description=text, completed=done, left=estimate(left))
            done += 1

        yield step
