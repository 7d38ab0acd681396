"""``--watchdog``: a program that hangs is described."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

from tests.linux.conftest import ENVIRONMENT, HERE

WAITING = re.compile(rb"  \d+: pc 0x[0-9a-f]+ sp 0x[0-9a-f]+ (\w+)\([^)]*\), request 0x0, host sleeping \w+\n")


def test_waiting_threads_are_described() -> None:
    """The program waits for ever: it is ended when the watchdog, which speaks again and again, has seen all three threads wait."""
    command = [sys.executable, "-m", "dbt", "run", "--watchdog", "0.3", "./waits.elf"]
    said = b""
    with subprocess.Popen(command, cwd=HERE, env=ENVIRONMENT, stderr=subprocess.PIPE, start_new_session=True) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                said = line if b"still runs; its threads:" in line else said + line
                if len(WAITING.findall(said)) == 3:
                    break
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert sorted(WAITING.findall(said)) == [b"futex", b"futex", b"read"], said
