"""``dbt bench scaling``: the programs it makes, and how it tells growth."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import growth, scaling
from runtime.linux.errors import UsageError
from tests.patience import SECONDS

REPOSITORY = Path(__file__).resolve().parents[2]


def run(code: list[int], directory: Path) -> dict[str, int]:
    growth.write(code, directory / "guest.elf")
    stats = directory / "stats.json"
    command = [sys.executable, "-m", "dbt", "run", "--tier", "0", f"--stats={stats}", str(directory / "guest.elf")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(stats.read_text())
    return found


def test_every_function_is_called_each_round(tmp_path: Path) -> None:
    body, around, start, end = 7, 1, 3, 5  # instructions of a function, of its call, before the rounds, after them (a round's end has two)
    found = run(growth.functions(10, 3), tmp_path)
    assert found["insns_interpreted"] == start + 3 * (10 * (body + around) + 2) + end - 2


def test_loop_has_its_size(tmp_path: Path) -> None:
    few, many = (run(growth.loop(size, 100), tmp_path)["insns_interpreted"] for size in (64, 128))
    assert 1.7 < many / few < 2.1  # of four instructions one is sometimes skipped


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_exponent(power: float) -> None:
    sizes = [100, 200, 400, 800, 1600]
    assert scaling.exponent(sizes, [5 + (size - 100) ** power for size in sizes]) == pytest.approx(power)


def test_no_growth() -> None:
    assert scaling.exponent([1, 2, 4], [3.0, 3.1, 3.5]) == 0


def test_series_by_beginning_of_name() -> None:
    assert [series.name for series in scaling.select(["thr"])] == ["threads, private data", "threads, one word"]
    with pytest.raises(UsageError, match="no such series"):
        scaling.select(["nothing"])


def test_table() -> None:
    row = {
        "series": "s", "unit": "functions", "what": "w", "sizes": [1, 2], "seconds": [1.0, 2.0], "cpu_seconds": [1.0, 3.0], "rss": [1e6, 2e6],
        "compile_seconds": [0.0, 0.0], "growth": 2.0, "compile_growth": 0.0, "counters": {"blocks": [1000, None]},
    }  # fmt: skip
    report = {"rows": [row], "runs": 1, "commit": "c", "host": {"cpu": "p"}}
    text = scaling.text(report)
    assert "processor time by size to the power of 2.00 (**more than proportional**)." in text
    assert "| 2 | 2.00 s | 3.00 s | 2000000.0 us | 2 MB |  |" in text
    row |= {"compile_seconds": [1.0, 1.1]}
    text = scaling.text(report)
    assert "the compile server's by less than 20%" in text
    assert "| 2 | 2.00 s | 3.00 s | 2000000.0 us | 1.10 s | 100000.0 us | 2 MB |  |" in text
