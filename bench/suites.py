"""``dbt bench run``: kernels, programs and start-up beside other emulators and the host itself; medians, ratios, and geometric means by group."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Sequence
from typing import Any

from bench import host, kernels, programs, rounds
from bench.benchmark import DBT, NATIVE, QEMU, UNICORN, Benchmark, Timing
from runtime.linux.errors import UsageError

SUITES = ("kernels", "programs", "startup")
TITLES = {QEMU: "qemu-{arch}", UNICORN: "Unicorn", NATIVE: "native"}


def benchmarks(suites: Sequence[str], names: Collection[str], sysroot: str | None, against: Collection[str], scale: float, arch: str) -> list[Benchmark]:
    """The rows of *suites* (none: all that can run), those *names* alone if any are given."""
    for suite in suites:
        if suite not in SUITES:
            raise UsageError(f"bench run: --suite {suite}: no such suite: choose from {', '.join(SUITES)}")
        if suite != "kernels" and sysroot is None:
            raise UsageError(f"bench run: --suite {suite}: needs the programs: give --sysroot DIR")
    found: list[Benchmark] = []
    for suite in suites or SUITES:
        if suite == "kernels":
            found += kernels.benchmarks(against, scale, arch)
        elif sysroot is not None:
            found += programs.benchmarks(suite, sysroot, against, scale, arch)
    known = {benchmark.name for benchmark in found}
    for name in names:
        if name not in known:
            raise UsageError(f"bench run: {name}: no such benchmark: choose from {', '.join(sorted(known))}")
    return [benchmark for benchmark in found if not names or benchmark.name in names]


def measure(chosen: Sequence[Benchmark], runs: int, scale: float, arch: str) -> dict[str, Any]:
    """The report of *runs* interleaved runs."""
    subjects: dict[tuple[int, str], Callable[[], Timing]] = {
        (number, peer): sample for number, benchmark in enumerate(chosen) for peer, sample in benchmark.subjects.items()
    }
    samples = rounds.measure(subjects, runs, lambda key: f"{chosen[key[0]].label} {key[1]}")
    rows = [_row(benchmark, {peer: samples[number, peer] for peer in benchmark.subjects}) for number, benchmark in enumerate(chosen)]
    peers = {peer for benchmark in chosen for peer in benchmark.subjects}
    versions = {"qemu": host.qemu_version(arch)} if QEMU in peers else {}
    return {
        "benchmark": "run", "host": host.describe() | versions, "commit": host.commit(), "arch": arch, "runs": runs, "scale": scale, "rows": rows,
        "means": means(rows),
    }  # fmt: skip


def _row(benchmark: Benchmark, samples: dict[str, list[Timing]]) -> dict[str, Any]:
    seconds = {peer: statistics.median(timing.seconds for timing in found) for peer, found in samples.items()}
    return {
        "suite": benchmark.suite, "group": benchmark.group, "name": benchmark.name, "condition": benchmark.condition, "seconds": seconds,
        "samples": {peer: [timing.seconds for timing in found] for peer, found in samples.items()},
        # The peer's time divided by ours: above 1 we are faster.
        "ratios": {peer: time / seconds[DBT] for peer, time in seconds.items() if peer != DBT},
        "rss": {peer: max(timing.rss or 0 for timing in found) for peer, found in samples.items()},
        "warm_up": {peer: statistics.median(timing.warm_up or 0.0 for timing in found) for peer, found in samples.items()},
    }  # fmt: skip


def means(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Geometric means of the ratios, a row a group and condition."""
    groups = list(dict.fromkeys((row["suite"], row["group"], row["condition"]) for row in rows))
    found = []
    for suite, group, condition in groups:
        inside = [row for row in rows if (row["suite"], row["group"], row["condition"]) == (suite, group, condition)]
        peers = dict.fromkeys(peer for row in inside for peer in row["ratios"])
        ratios = {peer: _geometric([row["ratios"][peer] for row in inside if peer in row["ratios"]]) for peer in peers}
        found.append({"suite": suite, "group": group, "condition": condition, "count": len(inside), "ratios": ratios})
    return found


def _geometric(ratios: Sequence[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, ratios)))


def changes(report: dict[str, Any], before: dict[str, Any]) -> None:
    """Add to each row of *report* the factor by which it became faster than in the report *before*; says nothing where the host differs."""
    if before.get("benchmark") != "run":
        raise UsageError("bench run: --baseline: not a report of dbt bench run")
    if before["arch"] != report["arch"]:
        raise UsageError(f"bench run: --baseline: measured guests for {before['arch']}, not for {report['arch']}")
    older = {(row["suite"], row["name"], row["condition"]): row for row in before["rows"]}
    for row in report["rows"]:
        old = older.get((row["suite"], row["name"], row["condition"]))
        if old is None:
            continue
        if QEMU in row["ratios"] and QEMU in old["ratios"]:  # ratios to the same peer hold on another host and on a busier one
            row["change"] = row["ratios"][QEMU] / old["ratios"][QEMU]
        elif report["host"] == before["host"] and report["scale"] == before["scale"]:
            row["change"] = old["seconds"][DBT] / row["seconds"][DBT]


def text(report: dict[str, Any]) -> str:
    """The report as Markdown tables, one a suite."""
    parts = []
    for suite in SUITES:
        rows = [row for row in report["rows"] if row["suite"] == suite]
        if rows:
            parts.append(_table(rows, [mean for mean in report["means"] if mean["suite"] == suite], report["arch"]))
    reference = f"; {report['host']['qemu']}" if "qemu" in report["host"] else ""
    parts.append(f"Medians of {report['runs']} interleaved runs{reference}. A ratio is the other's time divided by dbt's: above 1 dbt is faster.\n")
    return "\n".join(parts)


def _table(rows: Sequence[dict[str, Any]], groups: Sequence[dict[str, Any]], arch: str) -> str:
    peers = [peer for peer in TITLES if any(peer in row["ratios"] for row in rows)]
    conditions = len({row["condition"] for row in rows}) > 1
    changed, warm_up = any("change" in row for row in rows), any(any(row["warm_up"].values()) for row in rows)
    titles = [TITLES[peer].format(arch=arch) for peer in peers]
    heads = ["benchmark", "dbt", *titles, *(f"{title} / dbt" for title in titles), "peak memory"]
    heads += [*(["warm-up"] if warm_up else []), *(["change"] if changed else [])]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    for row in rows:
        cells = [f"{row['name']} {row['condition']}" if conditions else row["name"]]
        cells += [f"{row['seconds'][peer]:.3f} s" if peer in row["seconds"] else "" for peer in (DBT, *peers)]
        cells += [f"{row['ratios'][peer]:.2f}" if peer in row["ratios"] else "" for peer in peers]
        cells += [f"{row['rss'][DBT] / 1e6:.0f} MB", *([f"{row['warm_up'][DBT]:.2f} s"] if warm_up else [])]
        cells += [f"{row['change']:.2f}x" if "change" in row else ""] if changed else []
        lines.append("| " + " | ".join(cells) + " |")
    for mean in groups:
        title = f"**{mean['group']}**, {mean['condition']}, geometric mean of {mean['count']}"
        cells = [title, "", *("" for _ in peers), *(f"**{mean['ratios'][peer]:.2f}**" if peer in mean["ratios"] else "" for peer in peers)]
        lines.append("| " + " | ".join(cells + [""] * (len(heads) - len(cells))) + " |")
    return "\n".join(lines) + "\n"
