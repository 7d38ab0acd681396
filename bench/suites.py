"""``dbt bench run``: kernels, programs and start-up beside other emulators and the host itself; medians, ratios, and geometric means by group."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import Any

from bench import caches, host, kernels, programs, rounds
from bench.benchmark import COLD, DBT, QEMU, Benchmark, Timing
from runtime.linux.errors import UsageError

SUITES = (*kernels.SUITES, "programs", "startup")
Samples = dict[tuple[int, str], list[Timing]]  # by number of the benchmark and by subject
SETTINGS = ("benchmark", "arch", "scale", "commit", "host")  # of a report: what must be equal to go on with it


def benchmarks(suites: Sequence[str], names: Collection[str], sysroot: str | None, against: Collection[str], scale: float, arch: str) -> list[Benchmark]:
    """The rows of *suites* (none: all that can run), those alone whose names begin with one of *names* if any are given."""
    for suite in suites:
        if suite not in SUITES:
            raise UsageError(f"bench run: --suite {suite}: no such suite: choose from {', '.join(SUITES)}")
        if suite not in kernels.SUITES and sysroot is None:
            raise UsageError(f"bench run: --suite {suite}: needs the programs: give --sysroot DIR")
    found: list[Benchmark] = []
    for suite in suites or SUITES:
        if suite in kernels.SUITES:
            found += kernels.benchmarks(suite, against, scale, arch)
        elif sysroot is not None:
            found += programs.benchmarks(suite, sysroot, against, scale, arch)
    for name in names:
        if not any(benchmark.name.startswith(name) for benchmark in found):
            raise UsageError(f"bench run: {name}: no such benchmark: choose from {', '.join(benchmark.name for benchmark in found)}")
    return [benchmark for benchmark in found if not names or benchmark.name.startswith(tuple(names))]


class Session:
    """The measurements of one ``dbt bench run``, which may end early and go on later."""

    def __init__(self, chosen: Sequence[Benchmark], runs: int, scale: float, arch: str) -> None:
        self.chosen, self.runs, self.arch = chosen, runs, arch
        self.samples: Samples = {(number, subject): [] for number, benchmark in enumerate(chosen) for subject in benchmark.subjects}
        peers = {peer for benchmark in chosen for peer in benchmark.subjects}
        versions = {"qemu": host.qemu_version(arch)} if QEMU in peers else {}
        self._head = {"benchmark": "run", "host": host.describe() | versions, "commit": host.commit(), "arch": arch, "scale": scale}

    def resume(self, earlier: dict[str, Any]) -> None:
        """Take over the measurements of the report *earlier*. UsageError if they were taken elsewhere or of something else."""
        for name in SETTINGS:
            if earlier.get(name) != self._head[name]:
                raise UsageError(f"bench run: --resume: the report is of another {name} ({earlier.get(name)}): move it away, or measure with its options")
        rows = {(row["suite"], row["name"]): row["samples"] for row in earlier["rows"]}
        for (number, subject), samples in self.samples.items():
            benchmark = self.chosen[number]
            samples += [Timing(**sample) for sample in rows.get((benchmark.suite, benchmark.name), {}).get(subject, [])]

    def measure(self, after: Callable[[], None] = lambda: None) -> None:
        """Take what is missing; calls *after* each measurement."""
        subjects = {(number, subject): self.chosen[number].subjects[subject] for number, subject in self.samples}
        once = [(number, subject) for number, subject in subjects if subject in self.chosen[number].once]
        caches.make_once(self.arch)
        rounds.measure(subjects, self.runs, lambda key: f"{self.chosen[key[0]].name} {key[1]}", once=once, found=self.samples, after=after)

    def report(self) -> dict[str, Any]:
        """What is known now. ``missing``: measurements that were not taken."""
        rows, missing = [], 0
        for number, benchmark in enumerate(self.chosen):
            taken = {subject: self.samples[number, subject] for subject in benchmark.subjects}
            missing += sum(max(0, (1 if subject in benchmark.once else self.runs) - len(samples)) for subject, samples in taken.items())
            if any(taken.values()):
                rows.append(_row(benchmark, {subject: samples for subject, samples in taken.items() if samples}))
        return self._head | {"runs": self.runs, "missing": missing, "rows": rows, "means": means(rows)}


def _row(benchmark: Benchmark, samples: dict[str, list[Timing]]) -> dict[str, Any]:
    seconds = {subject: statistics.median(timing.seconds for timing in found) for subject, found in samples.items()}
    return {
        "suite": benchmark.suite, "group": benchmark.group, "name": benchmark.name, "seconds": seconds,
        "ratios": _ratios(seconds, DBT), "cold_ratios": _ratios(seconds, COLD),
        "rss": {subject: max(timing.rss or 0 for timing in found) for subject, found in samples.items()},
        "server_rss": max((timing.server_rss or 0 for found in samples.values() for timing in found), default=0),
        "samples": {subject: [asdict(timing) for timing in found] for subject, found in samples.items()},
    }  # fmt: skip


def _ratios(seconds: dict[str, float], mine: str) -> dict[str, float]:
    """The peers' times divided by that of *mine*: above 1 we are faster."""
    return {peer: time / seconds[mine] for peer, time in seconds.items() if peer not in (COLD, DBT) and mine in seconds}


def means(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Geometric means of the ratios, warm and cold, a row a group; of the rows that have any."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if row["ratios"]:
            groups.setdefault((row["suite"], row["group"]), []).append(row)
    return [
        {"suite": suite, "group": group, "count": len(inside), **{kind: _means([row[kind] for row in inside]) for kind in ("ratios", "cold_ratios")}}
        for (suite, group), inside in groups.items()
    ]


def _means(ratios: Sequence[dict[str, float]]) -> dict[str, float]:
    peers = dict.fromkeys(peer for each in ratios for peer in each)
    return {peer: math.exp(statistics.fmean(math.log(each[peer]) for each in ratios if peer in each)) for peer in peers}
