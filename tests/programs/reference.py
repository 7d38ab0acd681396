"""Runs a Debian case under dbt or under the reference emulator and says how the two differ."""

from __future__ import annotations

import ctypes
import functools
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.host import qemu_options
from tests.process_group import run_group
from tests.programs.cases import MACHINE, Case, input_files
from tests.programs.guests import guest_of_sysroot

TIERS = ("0", "1", "auto")
REPOSITORY = Path(__file__).resolve().parents[2]
_PR_CAPBSET_DROP, _CAP_SYS_NICE = 24, 23  # linux/prctl.h, linux/capability.h
_libc = ctypes.CDLL(None)
QEMU_TIMEOUT = 240  # seconds


@dataclass(frozen=True)
class Outcome:
    """What a run gave. ``status`` is negative for a fatal signal, as in subprocess, and None when the time limit ended the run."""

    stdout: bytes
    status: int | None
    stderr: bytes
    seconds: float


def without_real_time() -> None:
    """In the new process: it may not ask for real-time priorities (CAP_SYS_NICE), which only root may anyway. The threads of stress-ng --mutex do that first
    of all, and starve the thread that makes them: when it goes on, all is done, and it says that it could not create any. So they do natively (6 of 32 runs
    with 500 operations, none without the capability) and under every emulator."""
    _libc.prctl(_PR_CAPBSET_DROP, _CAP_SYS_NICE, 0, 0, 0)


def environment() -> dict[str, str]:
    """What both emulators and their guests see: the caller's environment with everything that changes a program's output fixed."""
    kept = {name: os.environ[name] for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "DBT_CACHE_DIR") if name in os.environ}
    return {**kept, "PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def run(command: list[str], case: Case, extra: dict[str, str], timeout: float) -> Outcome:
    """Run *command* on the input of *case* (and keep what is compared of its output), with *extra* environment, for at most *timeout* seconds."""
    with tempfile.TemporaryDirectory(prefix="dbt-case-") as directory:
        input_files(Path(directory), case)
        start = time.perf_counter()
        status: int | None = None
        try:
            done = run_group(command, timeout=timeout, input=case.stdin, cwd=directory, env={**environment(), **extra}, preexec_fn=without_real_time)
            stdout, stderr, status = done.stdout, done.stderr, done.returncode
        except subprocess.TimeoutExpired as late:
            stdout, stderr = late.stdout or b"", late.stderr or b""
        return Outcome(case.compared(stdout), status, stderr, time.perf_counter() - start)


class NoReference(Exception):
    """The reference emulator's run says nothing about the case: the message has why."""


def meaningful(case: Case, outcome: Outcome) -> Outcome:
    """*outcome*, if it is one to compare with; else NoReference."""
    last = _last_line(outcome.stderr)
    if outcome.status is None or b"error while loading shared libraries" in outcome.stderr:
        raise NoReference(f"{case.name}: the reference emulator did not run it{last}")
    if case.sift and not outcome.stdout:
        raise NoReference(f"{case.name}: the reference emulator printed nothing of what is compared{last}")
    return outcome


@functools.cache
def reference(case: Case, sysroot: Path) -> Outcome:
    """The outcome that *case* must have: run under the sysroot's reference emulator once a session, or written in the case. NoReference if that is none."""
    guest = guest_of_sysroot(sysroot)
    if case.expect is not None:
        return Outcome(case.expect.replace(MACHINE, guest.machine.encode()), 0, b"", 0.0)
    qemu = guest.emulator()
    if qemu is None:
        raise FileNotFoundError(f"{guest.qemu}: not found: install qemu-user")
    return meaningful(case, run([qemu, *qemu_options(guest.arch, str(sysroot)), str(sysroot / case.program), *case.args], case, {}, QEMU_TIMEOUT))


def translated(case: Case, sysroot: Path, tier: str, timeout: float, options: tuple[str, ...] = ()) -> Outcome:
    """The outcome of *case* under ``dbt run --tier tier``."""
    words = [sys.executable, "-m", "dbt", "run", "-U", "PYTHONPATH", "-L", str(sysroot), "--tier", tier, *options]
    return run([*words, str(sysroot / case.program), *case.args], case, {"PYTHONPATH": str(REPOSITORY)}, timeout)


def difference(want: Outcome, got: Outcome) -> str:
    """One line that says how *got* differs from *want*, or an empty string."""
    if got.status is None:
        return f"time limit after {got.seconds:.0f} s"
    if got.status != want.status:
        return f"exit status {got.status}, not {want.status}{_last_line(got.stderr)}"
    if got.stdout != want.stdout:
        at = next((i for i, (a, b) in enumerate(zip(got.stdout, want.stdout, strict=False)) if a != b), min(len(got.stdout), len(want.stdout)))
        return f"output differs at byte {at}: {got.stdout[at : at + 24]!r}, not {want.stdout[at : at + 24]!r}{_last_line(got.stderr)}"
    return ""


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return f" ({lines[-1][:160]})" if lines else ""
