"""A disk without room for the caches: the guest runs on, and nothing half-written is trusted later. The limit of file sizes stands for the full disk, and
for a guest that lowers it for itself (``ulimit -f``)."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime import image
from runtime.paths import cache_dir
from tests.linux.conftest import ENVIRONMENT, ROOT
from tests.patience import SECONDS

CRC32 = ROOT / "tests" / "guests" / "crc32.elf"
LIMIT = 5000  # bytes: less than any of the files needs


def no_room() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, resource.RLIM_INFINITY))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache directory with the kernels and nothing else."""
    image.load()
    kernels = tmp_path / "kernels"
    kernels.mkdir()
    name = image.key() + ".image"
    (kernels / name).symlink_to(Path(cache_dir()) / "kernels" / name)
    return tmp_path


def run(cache: Path, tier: str, before: Callable[[], None] | None = None) -> tuple[bytes, dict[str, Any]]:
    """What the guest says, and the counters; the guest must end well. *before* runs in the new process first."""
    stats, output = os.pipe()
    environment = {**ENVIRONMENT, "DBT_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "dbt", "run", "--tier", tier, f"--stats=/proc/self/fd/{output}", str(CRC32)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, pass_fds=(output,), preexec_fn=before) as process:
        os.close(output)
        said, _ = process.communicate(timeout=SECONDS)
        with open(stats) as file:
            found = json.load(file)
    assert process.returncode == 0
    return said, found


@pytest.mark.parametrize(("tier", "made", "saved"), [("0", "insns_lifted", "templates"), ("1", "regions_compiled", "regions_from_cache")])
def test_full_disk(cache: Path, tier: str, made: str, saved: str) -> None:
    without, first = run(cache, tier, no_room)
    assert first[made] > 0
    left = [path for path in cache.rglob("*") if path.is_file() and not path.is_symlink() and path.stat().st_size]
    assert all(path.suffix == ".regions" for path in left), "one that is appended to may have what fitted in; others come in one piece"
    said, second = run(cache, tier)
    assert said == without
    assert second[made] > 0, "what was not written is made again"
    said, third = run(cache, tier)
    assert said == without
    assert third[made] == 0 and third[saved] > 0, "and kept now"
