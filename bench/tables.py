"""Reports of ``dbt bench run`` as Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.benchmark import COLD, DBT, NATIVE, QEMU, UNICORN

WHOLE_PROGRAMS = ("programs", "startup")  # suites whose cold runs tell something
TITLES = {COLD: "dbt cold", DBT: "dbt", QEMU: "qemu-{arch}", UNICORN: "Unicorn", NATIVE: "native"}


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns but the first are numbers."""
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(cells) + " |" for cells in rows)]) + "\n"


def text(report: dict[str, Any]) -> str:
    """The whole report: a table a suite, and how it was taken."""
    suites = dict.fromkeys(row["suite"] for row in report["rows"])
    return "\n".join([*(suite_table(report, suite) for suite in suites), source(report) + "\n"])


def suite_table(report: dict[str, Any], suite: str) -> str:
    """The rows of *suite*, then the geometric means of its groups."""
    rows = [row for row in report["rows"] if row["suite"] == suite]
    subjects = [subject for subject in TITLES if any(subject in row["seconds"] for row in rows)]
    peers = [subject for subject in subjects if subject not in (COLD, DBT)]
    titles = {subject: TITLES[subject].format(arch=report["arch"]) for subject in subjects}
    cold = [peer for peer in peers if suite in WHOLE_PROGRAMS and any(peer in row["cold_ratios"] for row in rows)]
    heads = [suite, *(titles.values()), *(f"{titles[peer]} / dbt" for peer in peers), *(f"{titles[peer]} / dbt cold" for peer in cold), "memory", "server"]
    lines = [
        [
            row["name"], *(_cell("{:.3f} s", row["seconds"].get(subject)) for subject in subjects),
            *(_cell("{:.2f}", row["ratios"].get(peer)) for peer in peers), *(_cell("{:.2f}", row["cold_ratios"].get(peer)) for peer in cold),
            _cell("{:.0f} MB", max(row["rss"].get(mine, 0) for mine in (COLD, DBT)) / 1e6 or None), _cell("{:.0f} MB", row["server_rss"] / 1e6 or None),
        ]
        for row in rows
    ]  # fmt: skip
    for mean in report["means"]:
        if mean["suite"] == suite:
            cells = [f"**{mean['group']}**, geometric mean of {mean['count']}", *("" for _ in subjects)]
            cells += [_cell("**{:.2f}**", mean[kind].get(peer)) for kind, shown in (("ratios", peers), ("cold_ratios", cold)) for peer in shown]
            lines.append([*cells, "", ""])
    return table(heads, lines)


def _cell(form: str, value: float | None) -> str:
    return "" if value is None else form.format(value)


def source(report: dict[str, Any]) -> str:
    """How the figures of a report were taken, in one line."""
    of = f"Medians of {report['runs']} interleaved runs" if report["runs"] > 1 else "One run of each"
    reference = f"; {report['host']['qemu']}" if "qemu" in report["host"] else ""
    ratios = " A ratio is the other's time divided by dbt's: above 1 dbt is faster." if "means" in report else ""
    missing = f" Incomplete: {report['missing']} measurements are missing." if report.get("missing") else ""
    return f"{of}, commit {report['commit']}, {report['host']['cpu']}{reference}.{ratios}{missing}"
