"""Threads in numbers and at the wrong moment: ``src/crowd.c``, ``src/futex.c`` and ``src/mapped.c``. The expected texts are Linux's; qemu-arm 7.2 gives
the same except where a comment says otherwise."""

from __future__ import annotations

import signal

import pytest

from tests.linux.conftest import HERE, Run

CROWDS = {
    "many": ("many 19900 19900\n", 0),  # 200 threads at once
    "leaves": ("leaves\n", 5),  # exit with threads blocked and busy everywhere
    "other-leaves": ("", 6),  # the same by a thread that is not the first
    "dies": ("", -signal.SIGTERM),
    "first-leaves": ("", 8),  # the first thread ends, another one ends the process later
    "forks": ("forks 12\n", 0),  # qemu-arm: its own assertions fail in every child
    # qemu-arm: vfork 0, because it copies the memory, and a spawn that fails seems to succeed
    "spawns": ("vfork 515 status 7 errors 0\nspawn missing 2 directory 13 action 2 good 0hello\nstatus 3 system 9\n", 0),
    "other-execs": ("hello\n", 3),  # execve by a thread that is not the first; qemu-arm runs no guest program
    "robust": ("robust 1 0\n", 0),  # qemu-arm: the lock is never given back
    "queues": ("queued 500 501 501\n", 0),  # queued signals are all delivered, in order
}


@pytest.mark.parametrize("what", CROWDS)
def test_crowd(run: Run, what: str) -> None:
    done = run("./crowd.elf", what)
    assert (done.stdout.decode(), done.returncode) == CROWDS[what], done.stderr


def test_futex(run: Run) -> None:
    done = run("./futex.elf")
    assert done.stdout.decode() == (HERE / "futex.txt").read_text()
    assert done.returncode == 0


def test_mapped_beyond_the_end(run: Run) -> None:
    """qemu-arm gives host addresses, and only what lies beyond the end when the mapping is made."""
    done = run("./mapped.elf")
    assert done.stdout.decode() == (HERE / "mapped.txt").read_text()
    assert done.returncode == 0
