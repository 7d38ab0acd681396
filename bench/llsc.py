"""``dbt bench llsc``: load-link/store-conditional under load, each scheme beside qemu-arm on the same guest program.

The guest (``bench/guests/src/llsc.c``) counts operations for a fixed time after a warm-up, on 1 to 8 threads, and checks at the end that no update is lost.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench import host, rounds
from dbt.abi.exclusive import DEFAULT_SCHEME, SCHEMES
from runtime.linux.errors import UsageError

GUEST = host.REPOSITORY / "bench" / "guests" / "llsc.elf"
WARM_MS, MEASURE_MS = 500, 200
COMPILE_MS = 2500  # warm-up of the run that fills the code cache
DAMAGED = 1  # the guest's exit status when its data is wrong
RANGE_WORDS = (1, 2, 128, 1024)
QEMU = "qemu-arm"
SLOWEST = "flush"
KERNELS = {  # name: the guest's kernel and the numbers of words that it is measured with
    "counter": ("range", RANGE_WORDS[:1]),
    "range": ("range", RANGE_WORDS[1:]),
    "twolock": ("twolock", (1,)),
    "ticket": ("ticket", (1,)),
    "stack": ("stack", (1,)),
    "private": ("private", (1,)),
    "neighbours": ("neighbours", (1,)),
    "plain": ("plain", (1,)),
    "fresh": ("fresh", (1,)),
}
OWN_DATA = ("private", "neighbours", "plain")  # kernels whose threads share no cache line: they should scale
STATISTICS = {  # column of the report: counter of ``dbt run --stats``, which is of the whole run
    "flushes": "tlb_flushes",
    "rendezvous": "rendezvous",
    "sections": "exclusive_sections",
    "median_wait_us": "rendezvous_us_median",
    "waiting_us": "rendezvous_us_total",
}


@dataclass(frozen=True)
class Case:
    """A kernel of the guest with its number of words and of threads."""

    kernel: str
    words: int
    vcpus: int

    @property
    def name(self) -> str:
        return f"{self.kernel}-{self.words}" if self.kernel == "range" else self.kernel


@dataclass(frozen=True)
class Subject:
    """What runs the guest: qemu-arm, or dbt with a scheme and with or without the atomic idioms."""

    scheme: str
    idiom: bool = True

    @property
    def name(self) -> str:
        return self.scheme if self.idiom or self.scheme == QEMU else f"{self.scheme} no-idiom"

    def command(self, stats: str) -> list[str]:
        if self.scheme == QEMU:
            return [host.qemu()]
        return host.ours(f"--stats={stats}", "--atomics", self.scheme, *(() if self.idiom else ("--no-idiom",)))


@dataclass(frozen=True)
class Result:
    """One run: operations a second, stcond that failed per operation, what was wrong with the data, counters of the run. ``failed``: what ended the run early,
    and then the rest is nought."""

    ops_per_second: float = 0.0
    failure_rate: float = 0.0
    wrong: int = 0
    counters: dict[str, float | None] = field(default_factory=dict)
    failed: str | None = None


def subjects(wanted: Sequence[str], idiom: bool | None, against: Sequence[str]) -> list[Subject]:
    """Schemes *wanted* (``all``: every one). *idiom* None: with idioms, and the default scheme also without."""
    for name in wanted:
        if name != "all" and name not in SCHEMES:
            raise UsageError(f"bench llsc: --scheme {name}: no such scheme: choose from {', '.join(SCHEMES)}, or all")
    names = tuple(SCHEMES) if "all" in wanted else tuple(dict.fromkeys(wanted))
    found = [Subject(name, idiom is not False) for name in names]
    if idiom is None and DEFAULT_SCHEME in names:
        found.insert(found.index(Subject(DEFAULT_SCHEME)) + 1, Subject(DEFAULT_SCHEME, False))
    return found + [Subject(QEMU) for name in against if name == "qemu"]


def cases(kernels: Sequence[str], vcpus: Sequence[int]) -> list[Case]:
    for name in kernels:
        if name not in KERNELS:
            raise UsageError(f"bench llsc: --kernel {name}: no such kernel: choose from {', '.join(KERNELS)}")
    return [Case(KERNELS[name][0], words, count) for name in kernels or KERNELS for words in KERNELS[name][1] for count in vcpus]


def run(case: Case, subject: Subject, warm_ms: int = WARM_MS) -> Result:
    """One run of the guest."""
    with tempfile.TemporaryDirectory(prefix="dbt-bench-") as directory:
        stats = Path(directory) / "stats.json"
        command = [*subject.command(str(stats)), str(GUEST), case.kernel, str(case.vcpus), str(case.words), str(warm_ms), str(MEASURE_MS)]
        try:
            sample = rounds.run(command, host.environment(), statuses=(0, DAMAGED))
        except UsageError as e:  # the other rows are worth having
            return Result(failed=str(e))
        counters = json.loads(stats.read_text()) if stats.exists() else {}
    fields = parse(sample.output.decode())
    operations = max(1, fields["ops"])
    return Result(
        operations * 1e6 / fields["us"], fields["failures"] / operations, fields["wrong"], {name: counters.get(key) for name, key in STATISTICS.items()}
    )


def parse(line: str) -> dict[str, int]:
    """The numbers of the guest's one line."""
    return {name: int(value) for name, _, value in (word.partition("=") for word in line.split()) if value.isdigit()}


def measure(chosen: Sequence[Case], by: Sequence[Subject], runs: int) -> dict[str, Any]:
    """The report: medians of *runs* interleaved runs of each case by each subject. One run of each kernel before them fills the code cache."""
    first = {(case.kernel, subject): partial(run, case, subject, COMPILE_MS) for case in chosen for subject in by if subject.scheme != QEMU}
    rounds.measure(first, 1, lambda key: f"{key[0]} {key[1].name}: the code cache")
    samples = rounds.measure(
        {(case, subject): partial(run, case, subject) for case in chosen for subject in by},
        runs,
        lambda key: f"{key[0].name} x{key[0].vcpus} {key[1].name}",
    )
    rows = []
    for (case, subject), found in samples.items():
        theirs = samples.get((case, Subject(QEMU)))
        speed = statistics.median(result.ops_per_second for result in found)
        rows.append({
            "case": case.name, **asdict(case), "subject": subject.name, **asdict(subject), "ops_per_second": speed,
            "samples": [result.ops_per_second for result in found],
            "ratio_to_qemu": _ratio(speed, theirs),
            "failed": next((result.failed for result in found if result.failed), None),
            "failure_rate": statistics.median(result.failure_rate for result in found), "wrong": max(result.wrong for result in found),
            **{name: _median([result.counters.get(name) for result in found]) for name in STATISTICS},
        })  # fmt: skip
    versions = {"qemu": host.qemu_version()} if any(subject.scheme == QEMU for subject in by) else {}
    return {"benchmark": "llsc", "host": host.describe() | versions, "commit": host.commit(), "runs": runs, "measure_ms": MEASURE_MS, "rows": rows}


def _ratio(speed: float, theirs: Sequence[Result] | None) -> float | None:
    other = statistics.median(result.ops_per_second for result in theirs) if theirs else 0.0
    return speed / other if other else None


def _median(values: Sequence[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return statistics.median(present) if present else None


def text(report: dict[str, Any]) -> str:
    """The report as Markdown: all that was measured, then what it says in ratios."""
    parts = [_everything(report), *filter(None, (_ratios(report["rows"]), _scaling(report["rows"])))]
    return "\n".join([*parts, f"Medians of {report['runs']} interleaved runs of {report['measure_ms']} ms{_reference(report)}.", ""])


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heads, ["---"] * len(heads), *rows)) + "\n"


def _speeds(rows: Sequence[dict[str, Any]]) -> dict[tuple[str, int], dict[str, float]]:
    """Operations a second by case and vCPUs, then by subject."""
    speeds: dict[tuple[str, int], dict[str, float]] = {}
    for row in rows:
        speeds.setdefault((row["case"], row["vcpus"]), {})[row["subject"]] = row["ops_per_second"]
    return speeds


def _ratios(rows: Sequence[dict[str, Any]]) -> str:
    """Each subject's speed as a multiple of qemu-arm's, and the default scheme's as one of the slowest design's."""
    subjects = dict.fromkeys(row["subject"] for row in rows)
    pairs = [(name, QEMU) for name in subjects if name != QEMU and QEMU in subjects]
    if {DEFAULT_SCHEME, SLOWEST} <= set(subjects):
        pairs.append((DEFAULT_SCHEME, SLOWEST))
    lines = [[case, str(vcpus), *[_quotient(speed.get(a), speed.get(b)) for a, b in pairs]] for (case, vcpus), speed in _speeds(rows).items()]
    return _table(("kernel", "vCPUs", *[f"{a} / {b}" for a, b in pairs]), lines) if pairs else ""


def _scaling(rows: Sequence[dict[str, Any]]) -> str:
    """What several threads with data of their own do, as a multiple of what one does."""
    speeds = _speeds([row for row in rows if row["kernel"] in OWN_DATA])
    counts = sorted({vcpus for _, vcpus in speeds} - {1})
    names = dict.fromkeys((case, name) for (case, _), speed in speeds.items() for name in speed)
    lines = [[*key, *[_quotient(speeds.get((key[0], n), {}).get(key[1]), speeds.get((key[0], 1), {}).get(key[1])) for n in counts]] for key in names]
    return _table(("kernel", "scheme", *[f"{n} / 1 vCPU" for n in counts]), lines) if counts and (min(vcpus for _, vcpus in speeds) == 1) else ""


def _quotient(speed: float | None, other: float | None) -> str:
    return f"{speed / other:.2f}" if speed and other else ""


def _everything(report: dict[str, Any]) -> str:
    heads = ("kernel", "vCPUs", "scheme", "Mops/s", "to qemu-arm", "failed stcond", "flushes", "rendezvous", "sections", "median wait", "waiting", "data")
    lines = []
    for row in report["rows"]:
        ratio = "" if row["ratio_to_qemu"] is None or row["scheme"] == QEMU else f"{row['ratio_to_qemu']:.2f}"
        counts = ["" if row[name] is None else f"{row[name]:.0f}" for name in ("flushes", "rendezvous", "sections")]
        waits = [_scaled(row["median_wait_us"], 1, "us"), _scaled(row["waiting_us"], 1e3, "ms")]
        cells = [row["case"], str(row["vcpus"]), row["subject"], f"{row['ops_per_second'] / 1e6:.2f}", ratio, f"{row['failure_rate']:.2%}", *counts, *waits]
        lines.append([*cells, _data(row)])
    return _table(heads, lines)


def _data(row: dict[str, Any]) -> str:
    if row["failed"]:
        return "**run failed**"
    return f"**{row['wrong']} wrong**" if row["wrong"] else "right"


def _scaled(value: float | None, unit: float, name: str) -> str:
    return "" if value is None else f"{value / unit:.1f} {name}"


def _reference(report: dict[str, Any]) -> str:
    return f"; {report['host']['qemu']}" if "qemu" in report["host"] else ""
