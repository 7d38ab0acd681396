"""The report of ``dbt bench llsc`` as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.guests.build import ARM
from bench.llsc import ONE, QEMU
from bench.slices import ALL


def text(report: dict[str, Any]) -> str:
    """The report as Markdown: all that was measured, then ratios."""
    return _everything(report) + "\n" + ratios(report)


def ratios(report: dict[str, Any]) -> str:
    """Ratios of paired slices with their intervals."""
    scaling = [row for row in report["ratios"] if row["reference"] == ONE]
    others = [row for row in report["ratios"] if row["reference"] != ONE]
    return "\n".join([*[_ratios(rows) for rows in (others, scaling) if rows], _how(report), ""])


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heads, ["---"] * len(heads), *rows)) + "\n"


def _ratios(rows: Sequence[dict[str, Any]]) -> str:
    """A line for each case and state of the machine, a column for each comparison: median (interval)."""
    columns = list(dict.fromkeys((row["subject"], row["reference"]) for row in rows))
    lines: dict[tuple[str, int, str], dict[tuple[str, str], str]] = {}
    for row in rows:
        line = lines.setdefault((row["case"], row["vcpus"], row["state"]), {})
        line[row["subject"], row["reference"]] = f"{row['median']:.2f} ({row['low']:.2f} to {row['high']:.2f}; {row['pairs']})"
    cells = [[case, str(vcpus), state, *[line.get(column, "") for column in columns]] for (case, vcpus, state), line in lines.items()]
    return _table(("kernel", "vCPUs", "processors", *[" / ".join(column) for column in columns]), cells)


def _everything(report: dict[str, Any]) -> str:
    peer = QEMU + str(report.get("arch", ARM))
    heads = ("kernel", "vCPUs", "scheme", "Mops/s", f"to {peer}", "failed stcond", "flushes", "rendezvous", "sections", "median wait", "waiting", "data")
    to_qemu = {
        (row["case"], row["vcpus"], row["subject"]): f"{row['median']:.2f}"
        for row in report["ratios"]
        if row["state"] == ALL and row["reference"].startswith(QEMU)
    }
    lines = []
    for row in report["rows"]:
        ratio = to_qemu.get((row["case"], row["vcpus"], row["subject"]), "")
        counts = ["" if row[name] is None else f"{row[name]:.0f}" for name in ("flushes", "rendezvous", "sections")]
        waits = [_scaled(row["median_wait_us"], 1, "us"), _scaled(row["waiting_us"], 1e3, "ms")]
        cells = [row["case"], str(row["vcpus"]), row["subject"], f"{row['ops_per_second'] / 1e6:.2f}", ratio, f"{row['failure_rate']:.2%}", *counts, *waits]
        lines.append([*cells, _data(row)])
    return _table(heads, lines)


def _data(row: dict[str, Any]) -> str:
    if row["failed"]:
        return "**run failed**"
    if row["wrong"]:
        return f"**{row['wrong']} wrong**"
    return "interrupted" if row.get("interrupted") else "right"


def _scaled(value: float | None, unit: float, name: str) -> str:
    return "" if value is None else f"{value / unit:.1f} {name}"


def _how(report: dict[str, Any]) -> str:
    handovers = " and ".join(f"{value:.0f} ns ({name})" for name, value in report["handover_ns"].items())
    reference = f"; {report['host']['qemu']}" if "qemu" in report["host"] else ""
    return (
        f"Processes of each: {report['runs']}, measured in {report['slices']} interleaved slices of {report['measure_ms']} ms. "
        "Speeds are medians of all slices; ratios are medians of those of paired slices, with 95 % bootstrap intervals and the number of pairs. "
        f"A word goes from one processor to the other in {handovers}{reference}."
    )
