"""A thread stopped between the steps of an exclusive pair, under every scheme: ``src/midpair.c``."""

from __future__ import annotations

import signal

import pytest

from dbt.abi.exclusive import DEFAULT_SCHEME, SCHEMES
from tests.linux.conftest import Run

STEPS = range(4)
LEFT = 40  # plus the step: the exit status of a process that somebody ended there


def expected() -> list[str]:
    ends = {"handled": ("status", 0), "terminated": ("signal", signal.SIGTERM), "killed": ("signal", signal.SIGKILL)}
    lines = []
    for memory in ("private", "shared"):
        for step in STEPS:
            leaves = ("status", LEFT + step)
            for action, (how, number) in {**ends, "main leaves": leaves, "thread leaves": leaves}.items():
                lines.append(f"{memory} step {step} {action}: {how} {int(number)}")
    return lines


@pytest.mark.parametrize(("run", "scheme"), [*[("0", name) for name in SCHEMES], ("auto", DEFAULT_SCHEME)], indirect=["run"])
def test_a_thread_is_stopped_at_each_step(run: Run, scheme: str) -> None:
    """A handled signal loses no update and breaks the link; whoever ends the process, by exit_group, tgkill or a fatal signal, ends all
    of it, and leaves a shared word that its parent can go on with."""
    done = run("./midpair.elf", options=("--atomics", scheme))
    assert done.stdout.decode().splitlines() == expected(), done.stderr
