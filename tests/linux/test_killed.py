"""Runs that are killed at any moment leave no cache that makes a later run wrong.

DBT_KILLS: how many are killed of each architecture's (default 2, the second with an empty cache).
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runtime import image
from runtime.paths import cache_dir
from tests.linux.conftest import HERE, ROOT

KILLS = int(os.environ.get("DBT_KILLS", "2"))
PROGRAMS = {"arm": HERE, "i386": HERE / "i386", "x86_64": HERE / "x86_64"}  # folders of memory.elf


@pytest.mark.parametrize("arch", PROGRAMS)
def test_killed_runs_leave_a_sound_cache(arch: str, tmp_path: Path) -> None:
    image.load()
    shutil.copytree(Path(cache_dir()) / "kernels", tmp_path / "kernels", ignore=shutil.ignore_patterns("*.shapes"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DBT_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "dbt", "run", "--tier", "auto", "./memory.elf"]
    seed = time.time_ns()
    expected = (HERE / "memory.txt").read_bytes()

    def whole_run() -> float:
        start = time.monotonic()
        done = subprocess.run(command, cwd=PROGRAMS[arch], env=environment, capture_output=True)
        assert (done.stdout, done.stderr, done.returncode) == (expected, b"", 0), f"seed {seed}"
        return time.monotonic() - start

    moments = random.Random(seed)
    takes = whole_run()
    for number in range(KILLS):
        if number % 2:  # the killed run has something to save
            for file in (*tmp_path.glob("templates/*"), *tmp_path.glob("regions/*"), *tmp_path.glob("kernels/*.shapes")):
                file.unlink()
        running = subprocess.Popen(command, cwd=PROGRAMS[arch], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(0, takes))
        running.kill()
        running.wait()
        whole_run()
