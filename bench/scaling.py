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
from bench.caches import Cache, make_once
from bench.guests import build
from bench.slices import GUEST
from bench.tables import source, table
from runtime.linux.errors import UsageError

STEADY_INSTRUCTIONS = 400_000_000  # executed by each point of a series about compiled code
OPERATIONS = 20_000_000  # by all threads of a point together
FEWEST_POINTS = 3  # of a series that is told
QUADRATIC = 1.5  # growth above this is told as a finding
FLAT = 0.2  # costs that grow by less than this share from the smallest size to the largest do not grow: it may be noise


@dataclass(frozen=True)
class Point:
    """One run: wall and processor seconds, processor seconds of the compile servers, peak memory in bytes, and the counters that ``--stats`` gave."""

    seconds: float
    cpu_seconds: float
    compile_seconds: float
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
    return lambda size, directory: [str(build.program(GUEST)), kernel, str(size), "1", "0", "0", str(OPERATIONS)]


_SIZES_COLD = (8000, 16000, 32000, 64000, 128000)
_SIZES_HOT = (32, 64, 128, 256, 512)
_SIZES_REGION = (64, 128, 256, 512, 1024, 2048, 4096)
_SIZES_THREADS = (1, 2, 4, 8, 16, 32, 64, 128)
SERIES = (
    Series("cold code", "functions", "every function called once: lifting and building blocks", _SIZES_COLD,
           _program(lambda n: growth.functions(n, 1)), counters=("insns_lifted", "blocks")),
    Series("known code", "functions", "the same with lifted instructions in the cache", _SIZES_COLD,
           _program(lambda n: growth.functions(n, 1)), cold=False, counters=("insns_lifted", "blocks")),
    Series("hot code", "functions", f"functions called in turn, {STEADY_INSTRUCTIONS:,} instructions in all: many small regions", _SIZES_HOT,
           _program(lambda n: growth.functions(n, STEADY_INSTRUCTIONS // (n * growth.FUNCTION_INSTRUCTIONS))), counters=("regions_compiled", "region_insns")),
    Series("region", "instructions", f"one loop of this size, {STEADY_INSTRUCTIONS:,} instructions executed in all", _SIZES_REGION,
           _program(lambda n: growth.loop(n, STEADY_INSTRUCTIONS // n)), counters=("regions_compiled", "region_insns", "region_bytes")),
    Series("threads, private data", "threads", f"{OPERATIONS:,} operations shared out", _SIZES_THREADS, _threads("private"), cold=False,
           counters=("rendezvous", "rendezvous_us_median")),
    Series("threads, one word", "threads", f"{OPERATIONS:,} operations shared out", _SIZES_THREADS, _threads("range"), cold=False,
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
        servers = cache.settle()
        compiling = servers.cpu_seconds if servers and series.cold else 0.0  # a server with nothing to make takes noise
        return Point(sample.seconds, sample.cpu_seconds, compiling, sample.rss, json.loads(stats.read_text()))


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
        make_once(build.ARM)
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
        compile_ = [statistics.median(point.compile_seconds for point in found) for found in points]
        return {
            "series": series.name, "unit": series.unit, "what": series.what, "sizes": sizes, "seconds": wall, "cpu_seconds": cpu,
            "rss": [max(point.rss for point in found) for found in points], "growth": exponent(sizes, cpu),
            "compile_seconds": compile_, "compile_growth": exponent(sizes, compile_),
            "counters": {name: [found[-1].counters.get(name) for found in points] for name in series.counters},
        }  # fmt: skip


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """Exponent of size by which *costs* above that of the smallest size grow, from the upper half of the sizes; 0 if they grow by less than FLAT."""
    half = len(sizes) // 2
    low, high = costs[half] - costs[0], costs[-1] - costs[0]
    if high <= FLAT * costs[0] or low <= 0:
        return 0.0
    return math.log(high / low) / math.log((sizes[-1] - sizes[0]) / (sizes[half] - sizes[0]))


def text(report: dict[str, Any]) -> str:
    """A Markdown table a series."""
    parts = []
    for row in report["rows"]:
        compiled = any(row["compile_seconds"])
        costs = {"processor time": row["growth"], **({"the compile server's": row["compile_growth"]} if compiled else {})}
        grows = "; ".join(f"{what} {_grows(power)}" for what, power in costs.items())
        heads = [row["unit"], "wall", "processor", "for each more", *(["compile server", "for each more"] if compiled else []), "memory", *row["counters"]]
        lines = []
        for i, size in enumerate(row["sizes"]):
            cells = [f"{size:,}", f"{row['seconds'][i]:.2f} s", *_cost(row["sizes"], row["cpu_seconds"], i)]
            cells += _cost(row["sizes"], row["compile_seconds"], i) if compiled else []
            cells += [f"{row['rss'][i] / 1e6:.0f} MB", *("" if values[i] is None else f"{values[i]:,}" for values in row["counters"].values())]
            lines.append(cells)
        parts.append(f"**{row['series']}**: {row['what']}. Growth: {grows}.\n\n{table(heads, lines)}")
    return "\n".join([*parts, f"{source(report)}\n"])


def _grows(power: float) -> str:
    if not power:
        return f"by less than {FLAT:.0%}"
    return f"by size to the power of {power:.2f}" + (" (**more than proportional**)" if power > QUADRATIC else "")


def _cost(sizes: Sequence[int], seconds: Sequence[float], i: int) -> list[str]:
    """Seconds of a size, and microseconds for one more of what it counts."""
    each = f"{(seconds[i] - seconds[0]) / (sizes[i] - sizes[0]) * 1e6:.1f} us" if i else ""
    return [f"{seconds[i]:.2f} s", each]
