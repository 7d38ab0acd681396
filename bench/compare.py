"""``dbt bench compare``: what became faster or slower from one report to another, of whatever commits, machines and runs.

Speeds are ratios to qemu-user where both reports have them, which hold on a busier or another machine too; else plain times, of the same host only. A
row counts as slower if it lost more than the threshold and, where both reports have several samples, none of the new ones is as fast as any of the old.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.benchmark import COLD, DBT, QEMU
from bench.reports import Report
from bench.tables import WHOLE_PROGRAMS, table
from runtime.linux.errors import UsageError

SLOWER, FASTER = "slower", "faster"


@dataclass(frozen=True)
class Speed:
    """How fast something is: more is better. ``relative``: as a ratio to qemu-user. ``samples``: plain speeds of single runs."""

    value: float
    relative: bool
    samples: tuple[float, ...] = ()


def _run(report: Report) -> Iterator[tuple[str, str, Speed]]:
    for row in report["rows"]:
        for subject, ratios in ((DBT, row["ratios"]), (COLD, row["cold_ratios"])):
            seconds = row["seconds"].get(subject)
            # The first time of a kernel is too short to be told from noise.
            if seconds is None or (subject == COLD and row["suite"] not in WHOLE_PROGRAMS):
                continue
            samples = tuple(1 / sample["seconds"] for sample in row["samples"][subject])
            condition = "cold" if subject == COLD else "warm"
            yield f"{row['group']}, {condition}", f"{row['name']} {condition}", Speed(ratios.get(QEMU, 1 / seconds), QEMU in ratios, samples)


def _llsc(report: Report) -> Iterator[tuple[str, str, Speed]]:
    ratios = [row for row in report["ratios"] if row["reference"].startswith("qemu-")]
    for row in ratios:
        speed = Speed(row["median"], True, (row["low"], row["high"]))  # the ends of its interval
        yield f"{row['subject']}, {row['state']}", f"{row['case']} x{row['vcpus']} {row['subject']}, {row['state']}", speed
    for row in report["rows"]:
        if not ratios and row["ops_per_second"]:
            yield row["subject"], f"{row['case']} x{row['vcpus']} {row['subject']}", Speed(row["ops_per_second"], False, tuple(row["samples"]))


def _scaling(report: Report) -> Iterator[tuple[str, str, Speed]]:
    for row in report["rows"]:
        for size, seconds in zip(row["sizes"], row["cpu_seconds"], strict=True):
            if seconds:
                yield row["series"], f"{row['series']} {size}", Speed(1 / seconds, False)


_SPEEDS: dict[str, Callable[[Report], Iterator[tuple[str, str, Speed]]]] = {"run": _run, "llsc": _llsc, "scaling": _scaling}


def compare(before: Report, after: Report, threshold: float) -> Report:
    """The comparison. *threshold*: the share of speed that a row, or the geometric mean of a group, may lose. UsageError if there is nothing to compare."""
    if (before["benchmark"], before.get("arch")) != (after["benchmark"], after.get("arch")):
        raise UsageError("bench compare: the reports are of different benchmarks or architectures")
    older = {name: speed for _, name, speed in _SPEEDS[before["benchmark"]](before)}
    comparable = before["host"] == after["host"] and before.get("scale") == after.get("scale")
    rows: list[dict[str, Any]] = []
    for group, name, new in _SPEEDS[after["benchmark"]](after):
        old = older.get(name)
        if old is not None and old.relative == new.relative and (comparable or new.relative):
            change = new.value / old.value
            rows.append({"group": group, "name": name, "change": change, "relative": new.relative, "verdict": _verdict(change, old, new, threshold)})
    if not rows:
        raise UsageError("bench compare: the reports have no row in common that can be compared: measure both --against qemu, or on one machine")
    groups: dict[str, list[float]] = {}
    for row in rows:
        groups.setdefault(row["group"], []).append(row["change"])
    means: list[dict[str, Any]] = []
    for group, changes in groups.items():
        means.append({"group": group, "count": len(changes), "change": math.exp(statistics.fmean(map(math.log, changes)))})
    for mean in means:
        mean["verdict"] = _named(mean["change"], threshold)
    slower = sum(each["verdict"] == SLOWER for each in (*rows, *means))
    commits = {"before": before["commit"], "after": after["commit"]}
    return {"benchmark": "compare", **commits, "threshold": threshold, "slower": slower, "rows": rows, "means": means}


def _named(change: float, threshold: float) -> str | None:
    if change < 1 - threshold:
        return SLOWER
    return FASTER if change > 1 / (1 - threshold) else None


def _verdict(change: float, old: Speed, new: Speed, threshold: float) -> str | None:
    overlap = min(len(old.samples), len(new.samples)) > 1 and max(min(old.samples), min(new.samples)) <= min(max(old.samples), max(new.samples))
    return None if overlap else _named(change, threshold)


def text(report: Report) -> str:
    """The comparison as a Markdown table, and what it comes to."""
    lines = [[row["name"], f"{row['change']:.2f}", row["verdict"] or ""] for row in report["rows"]]
    lines += [[f"**{mean['group']}**, geometric mean of {mean['count']}", f"**{mean['change']:.2f}**", mean["verdict"] or ""] for mean in report["means"]]
    lost = f"slower by more than {report['threshold']:.0%}"
    summary = f"{report['slower']} {lost}" if report["slower"] else f"Nothing is {lost}"
    return table((f"from {report['before']} to {report['after']}", "speed, times", ""), lines) + f"\n{summary}.\n"
