"""Running the Linux test programs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(params=["0", "auto"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a guest program of this directory in a process of its own; each test runs with the interpreter alone and with the compiler."""

    def start(*words: str, options: tuple[str, ...] = (), **keywords: object) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "dbt", "run", "--tier", request.param, *options, *words]
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(Path.home())}
        return subprocess.run(command, cwd=HERE, env=environment, capture_output=True, timeout=120, check=False, **keywords)  # type: ignore[call-overload,no-any-return]

    return start
