"""Runs a program whose children must not outlive it in a test."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Any


def run_group(command: Sequence[str], *, timeout: float, input: bytes = b"", **options: Any) -> subprocess.CompletedProcess[bytes]:
    """As ``subprocess.run`` with captured output, in a session of its own: when *timeout* seconds have passed (subprocess.TimeoutExpired) or the test is
    stopped, the program and all that it has started are killed, as far as they stayed in its process group."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **options) as process:
        try:
            stdout, stderr = process.communicate(input, timeout=timeout)
        except BaseException as stopped:
            os.killpg(process.pid, signal.SIGKILL)
            output = process.communicate()
            if isinstance(stopped, subprocess.TimeoutExpired):
                stopped.stdout, stopped.stderr = output
            raise
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)
