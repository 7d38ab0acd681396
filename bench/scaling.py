"""``dbt bench scaling``: how costs grow with the size of a program, of a region, and with the number of threads.

Each series doubles one size and keeps all else; its *growth* is the exponent of size that fits its upper half: 1 is proportional, 2 quadratic.
"""

from __future__ import annotations

import json
import math
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench import growth, host, rounds
from bench.caches import Cache
from bench.slices import GUEST as THREADS_GUEST
from runtime.linux.errors import UsageError

STEADY_INSTRUCTIONS = 40_000_000  # executed by each point of a series about compiled code
OPERATIONS = 2_000_000  # by all threads of a point together
FEWEST_POINTS = 3  # of a series that is told
QUADRATIC = 1.5  # growth above this is told as a finding


@dataclass(frozen=True)
class Point:
    """One run: wall and processor seconds, peak memory in bytes, and the counters that ``--stats`` gave."""

    seconds: float
    cpu_seconds: float
    rss: int
    counters: dict[str, Any]


@dataclass(frozen=True)
class Series:
    """``prepare`` writes the guest of a size into a directory and gives the words after ``dbt run``. ``cold``: each run has an empty cache. ``unit`` is
    what a size counts, ``counters`` are shown beside the times."""

    name: str
    unit: str
    what: str
    sizes: tuple[int, ...]
    prepare: Callable[[int, Path], list[str]]
    cold: bool = True
    counters: tuple[str, ...] = ()


def _program(code: Callable[[int], list[int]]) -> Callable[[int, Path], list[str]]:
    def prepare(size: int, directory: Path) -> list[str]:
        growth.write(code(size), directory / "guest.elf")
        return [str(directory / "guest.elf")]

    return prepare


def _threads(kernel: str) -> Callable[[int, Path], list[str]]:
    return lambda size, directory: [str(THREADS_GUEST), kernel, str(size), "1", "0", "0", str(OPERATIONS)]


SERIES = (
    Series("cold code", "functions", "every function called once: lifting and building blocks", (500, 1000, 2000, 4000, 8000),
           _program(lambda n: growth.functions(n, 1)), counters=("insns_lifted", "blocks")),
    Series("known code", "functions", "the same with lifted instructions in the cache", (500, 1000, 2000, 4000, 8000),
           _program(lambda n: growth.functions(n, 1)), cold=False, counters=("insns_lifted", "blocks")),
    Series("hot code", "functions", "every function called 2,000 times: many small regions", (125, 250, 500, 1000, 2000),
           _program(lambda n: growth.functions(n, 2000)), counters=("regions_compiled", "region_insns")),
    Series("region", "instructions", f"one loop of this size, {STEADY_INSTRUCTIONS:,} instructions executed in all", (64, 256, 1024, 4096, 16384),
           _program(lambda n: growth.loop(n, STEADY_INSTRUCTIONS // n)), counters=("regions_compiled", "region_insns", "region_bytes")),
    Series("threads, private data", "threads", f"{OPERATIONS:,} operations shared out", (1, 2, 4, 8, 16, 32, 64, 128), _threads("private"), cold=False,
           counters=("rendezvous", "rendezvous_us_median")),
    Series("threads, one word", "threads", f"{OPERATIONS:,} operations shared out", (1, 2, 4, 8, 16, 32, 64, 128), _threads("range"), cold=False,
           counters=("rendezvous", "rendezvous_us_median")),
)  # fmt: skip


def select(names: Sequence[str]) -> list[Series]:
    """The series that *names* ask for by the beginning of their names; all for none."""
    for name in names:
        if not any(series.name.startswith(name) for series in SERIES):
            raise UsageError(f"bench scaling: {name}: no such series: choose from {', '.join(series.name for series in SERIES)}")
    return [series for series in SERIES if not names or any(series.name.startswith(name) for name in names)]


def run(series: Series, size: int) -> Point:
    """One run of *series* at *size*."""
    with tempfile.TemporaryDirectory(prefix="dbt-bench-") as name:
        directory = Path(name)
        words = series.prepare(size, directory)
        stats = directory / "stats.json"
        command = host.ours(f"--stats={stats}", *words)
        cache = Cache() if series.cold else _filled(host.ours(*words))
        sample = rounds.run(command, cache.environment())
        cache.end_servers()
        return Point(sample.seconds, sample.cpu_seconds, sample.rss, json.loads(stats.read_text()))


def _filled(command: list[str]) -> Cache:
    """A cache that knows what *command* runs."""
    cache = Cache()
    rounds.run(command, cache.environment())
    cache.settle()
    return cache


class Session:
    """The measurements of one ``dbt bench scaling``, which may end early."""

    def __init__(self, chosen: Sequence[Series], runs: int) -> None:
        self.chosen, self.runs = chosen, runs
        self.samples: dict[tuple[str, int], list[Point]] = {}

    def measure(self, after: Callable[[], None] = lambda: None) -> None:
        """Take all samples; calls *after* each."""
        subjects = {(series.name, size): partial(run, series, size) for series in self.chosen for size in series.sizes}
        rounds.measure(subjects, self.runs, lambda key: f"{key[0]} {key[1]}", found=self.samples, after=after)

    def report(self) -> dict[str, Any]:
        """Medians of what was measured."""
        rows = [row for series in self.chosen if (row := self._row(series))]
        return {"benchmark": "scaling", "host": host.describe(), "commit": host.commit(), "runs": self.runs, "rows": rows}

    def _row(self, series: Series) -> dict[str, Any] | None:
        sizes = [size for size in series.sizes if self.samples.get((series.name, size))]
        if len(sizes) < FEWEST_POINTS:
            return None
        points = [self.samples[series.name, size] for size in sizes]
        wall = [statistics.median(point.seconds for point in found) for found in points]
        cpu = [statistics.median(point.cpu_seconds for point in found) for found in points]
        return {
            "series": series.name, "unit": series.unit, "what": series.what, "sizes": sizes, "seconds": wall, "cpu_seconds": cpu,
            "rss": [max(point.rss for point in found) for found in points], "growth": exponent(sizes, cpu),
            "counters": {name: [found[-1].counters.get(name) for found in points] for name in series.counters},
        }  # fmt: skip


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """Exponent of size by which *costs* above that of the smallest size grow, from the upper half of the sizes; 0 if they do not grow."""
    half = len(sizes) // 2
    low, high = costs[half] - costs[0], costs[-1] - costs[0]
    if high <= 0 or low <= 0:
        return 0.0
    return math.log(high / low) / math.log((sizes[-1] - sizes[0]) / (sizes[half] - sizes[0]))


def text(report: dict[str, Any]) -> str:
    """A Markdown table a series."""
    parts = []
    for row in report["rows"]:
        lines = [f"**{row['series']}**: {row['what']}. Growth of processor time: size to the power of {row['growth']:.2f}", ""]
        lines[0] += " (more than proportional)." if row["growth"] > QUADRATIC else "."
        heads = [row["unit"], "wall", "processor", f"a {row['unit'].removesuffix('s')}", "memory", *row["counters"]]
        lines += ["| " + " | ".join(heads) + " |", "|" + "---:|" * len(heads)]
        for i, size in enumerate(row["sizes"]):
            per_unit = (row["cpu_seconds"][i] - row["cpu_seconds"][0]) / (size - row["sizes"][0]) * 1e6 if i else None
            cells = [f"{size:,}", f"{row['seconds'][i]:.2f} s", f"{row['cpu_seconds'][i]:.2f} s", "" if per_unit is None else f"{per_unit:.0f} us"]
            cells += [f"{row['rss'][i] / 1e6:.0f} MB", *("" if values[i] is None else f"{values[i]:,}" for values in row["counters"].values())]
            lines.append("| " + " | ".join(cells) + " |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join([*parts, f"Medians of {report['runs']} interleaved runs.\n"])
