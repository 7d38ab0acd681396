"""The bundled guest programs give the same in every tier setting as on qemu-arm, whose output is written down here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import SECONDS

REPOSITORY = Path(__file__).resolve().parents[2]
LOOPS = "20"
EXPECTED = {
    "demo": "A dynamic binary translator turns the code of one machine into the code of another while it runs.\nCRC-32 of that text 20 times over: 98d58304\n",
    "crc32": "crc32 73f66fc3\n",
    "sieve": "sieve f5fde340\n",
    "fib": "fib 71f57456\n",
    "matmul": "matmul 11533a6b\n",
    "quicksort": "quicksort 991c9ce0\n",
    "stages": "",
}


@pytest.mark.parametrize("tier", ["0", "1", "auto"])
@pytest.mark.parametrize("name", EXPECTED)
def test_output(name: str, tier: str, guests: Path) -> None:
    command = [sys.executable, "-m", "dbt", "run", "--tier", tier, str(guests / f"{name}.elf"), LOOPS]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stdout) == (0, EXPECTED[name]), done.stderr
