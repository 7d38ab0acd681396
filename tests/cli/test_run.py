"""``dbt run``: what belongs to the guest, and what goes on although something of ours fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runtime import image
from runtime.paths import cache_dir
from tests.patience import SECONDS

REPOSITORY = Path(__file__).resolve().parents[2]


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "dbt", "run", *words]


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), cwd=REPOSITORY, env={**os.environ, **environment}, capture_output=True, text=True, timeout=SECONDS)


@pytest.fixture
def fib(guests: Path) -> str:
    return str(guests / "fib.elf")


def test_stats_file(fib: str, tmp_path: Path) -> None:
    where = tmp_path / "stats.json"
    done = run(f"--stats={where}", fib, "3")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(where.read_text())
    assert found["syscalls"] >= 2 and found["blocks"] > 0 and found["unknown_syscalls"] == {}


def test_stats_on_standard_error(fib: str) -> None:
    done = run("--stats", fib)
    assert done.stdout.startswith("fib ")
    assert all(line.startswith("dbt: ") for line in done.stderr.splitlines())
    assert "blocks" in done.stderr


def test_full_disk_for_stats_keeps_the_guests_status(fib: str) -> None:
    done = run("--stats=/dev/full", fib)
    assert (done.returncode, done.stderr) == (0, "dbt: --stats=/dev/full: No space left on device: nothing written\n")


# The builder gives what it has built before: half a minute less.
_QUICK_BUILDER = """
import sys
from runtime import image, objects
from runtime.kernels import build
built = objects.load(open(sys.argv.pop(1), "rb").read())
build.build = lambda: b""
image._settled = lambda obj: built
from dbt.cli import main
sys.exit(main())
"""


def test_no_cache_directory(fib: str) -> None:
    """The runtime's kernels are built for this one run."""
    image.load()
    kernels = os.path.join(cache_dir(), "kernels", f"{image.key()}.image")
    done = subprocess.run([sys.executable, "-c", _QUICK_BUILDER, kernels, "run", fib], cwd=REPOSITORY, env={**os.environ, "DBT_CACHE_DIR": "/proc/nowhere"},
                          capture_output=True, text=True, timeout=SECONDS)  # fmt: skip
    assert (done.returncode, done.stdout) == (0, run(fib).stdout)
    said = [line for line in done.stderr.splitlines() if not line.startswith("building runtime kernels")]
    assert len(said) == 1 and said[0].startswith("dbt: "), done.stderr


def test_cache_is_no_guests_business(fib: str, tmp_path: Path) -> None:
    """A relative name of the cache directory is one of where the command was given: the guest may change its directory."""
    environment = {**os.environ, "DBT_CACHE_DIR": "own", "XDG_CACHE_HOME": "", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", "import os; from runtime.paths import cache_dir; print(cache_dir())"],
                          cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout == f"{tmp_path}/own\n"
    environment |= {"DBT_CACHE_DIR": "", "HOME": ""}
    code = "import os, pwd; os.path.expanduser = lambda path: path; from runtime.paths import cache_dir; print(cache_dir())"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "/.cache/dbt-translator\n"


def test_no_cache_option_runs_the_same(fib: str) -> None:
    assert run("--no-cache", fib, "2").stdout == run(fib, "2").stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_fatal_signals_are_the_guests(number: signal.Signals, guests: Path) -> None:
    process = subprocess.Popen(command(str(guests / "demo.elf"), "4000000000"), cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()  # the guest runs
    process.send_signal(number)
    _, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, err) == (-number, b"")
