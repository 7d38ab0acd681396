"""Running the Linux test programs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.paths import cache_dir
from tests.patience import SECONDS
from tests.process_group import run_group

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "DBT_CACHE_DIR": cache_dir()}  # of dbt, and so of guests
Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(params=["0", "auto"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a guest program of this directory in a process of its own; each test runs with the interpreter alone and with the compiler."""

    def start(*words: str, options: tuple[str, ...] = (), **keywords: Any) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "dbt", "run", "--tier", request.param, *options, *words]
        return run_group(command, env=ENVIRONMENT, **{"cwd": HERE, "timeout": SECONDS, **keywords})

    return start
