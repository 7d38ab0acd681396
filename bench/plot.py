"""Reports as SVG: one panel a case, one bar or line a subject."""

from __future__ import annotations

import math
import os
from typing import Any

from bench.tables import WHOLE_PROGRAMS
from runtime.linux.errors import UsageError

COLUMNS = 3  # panels side by side
PANEL = (4.2, 3.0)  # inches
RATIO_TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
SPEED_UNIT = 1e6


def check(path: str) -> None:
    """UsageError if no plot can be drawn to *path*."""
    formats = _pyplot().gcf().canvas.get_supported_filetypes()
    if os.path.splitext(path)[1].lstrip(".") not in formats:
        raise UsageError(f"bench: --plot {path}: no such format: choose a suffix from {', '.join(formats)}")
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise UsageError(f"bench: --plot {path}: no such directory: make it first")


def _pyplot() -> Any:
    """matplotlib's, drawing to files."""
    try:
        import matplotlib
    except ModuleNotFoundError:
        raise UsageError("bench: --plot: matplotlib: not installed: pip install matplotlib") from None
    matplotlib.use("agg")
    matplotlib.rcParams["svg.hashsalt"] = "dbt"  # the same report gives the same file
    from matplotlib import pyplot

    return pyplot


def draw(report: dict[str, Any], path: str) -> None:
    """Write the plot of *report* (of any benchmark) to *path*; its suffix says the format."""
    pyplot = _pyplot()
    figure = _FIGURES[report["benchmark"]](report, pyplot)
    try:
        figure.savefig(path, bbox_inches="tight", metadata={"Date": None} if path.endswith(".svg") else None)
    except (OSError, ValueError) as e:
        raise UsageError(f"bench: --plot {path}: {e}") from None
    pyplot.close(figure)


def _panels(pyplot: Any, count: int) -> tuple[Any, list[Any]]:
    """A figure with *count* panels."""
    columns = min(COLUMNS, count)
    rows = math.ceil(count / columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(PANEL[0] * columns, PANEL[1] * rows), squeeze=False, layout="constrained")
    flat = [axis for row in axes for axis in row]
    for unused in flat[count:]:
        unused.set_visible(False)
    return figure, flat[:count]


def _llsc(report: dict[str, Any], pyplot: Any) -> Any:
    """Operations a second over the number of vCPUs, a panel a kernel."""
    cases = list(dict.fromkeys(row["case"] for row in report["rows"]))
    subjects = list(dict.fromkeys(row["subject"] for row in report["rows"]))
    figure, panels = _panels(pyplot, len(cases))
    for case, panel in zip(cases, panels, strict=True):
        for number, subject in enumerate(subjects):
            rows = [row for row in report["rows"] if (row["case"], row["subject"]) == (case, subject)]
            style = {"linestyle": "--", "color": "black"} if subject.startswith("qemu-") else {"color": f"C{number}"}
            panel.plot([row["vcpus"] for row in rows], [row["ops_per_second"] / SPEED_UNIT for row in rows], marker="o", label=subject, **style)
            damaged = [row for row in rows if row["wrong"]]
            panel.plot([row["vcpus"] for row in damaged], [row["ops_per_second"] / SPEED_UNIT for row in damaged], "x", color="red", markersize=11, zorder=3)
        panel.set_title(case)
        panel.set_xlabel("vCPUs")
        panel.set_ylabel("million operations/s")
        panel.set_yscale("log")
        panel.set_xscale("log", base=2)
        ticks = sorted({row["vcpus"] for row in report["rows"]})
        panel.set_xticks(ticks, [str(tick) for tick in ticks])
        panel.grid(True, which="both", alpha=0.2)
    handles, labels = panels[0].get_legend_handles_labels()
    if any(row["wrong"] for row in report["rows"]):
        handles.append(pyplot.Line2D([], [], color="red", marker="x", linestyle=""))
        labels.append("wrong data")
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    return figure


def _run(report: dict[str, Any], pyplot: Any) -> Any:
    """Ratios to each peer, warm and cold, a panel a suite: bars that go up are ours to win."""
    suites = list(dict.fromkeys(row["suite"] for row in report["rows"]))
    figure, axes = pyplot.subplots(len(suites), 1, figsize=(11, 3.4 * len(suites)), squeeze=False, layout="constrained")
    for suite, (panel,) in zip(suites, axes, strict=True):
        rows = [row for row in report["rows"] if row["suite"] == suite]
        kinds = ("ratios", "cold_ratios") if suite in WHOLE_PROGRAMS else ("ratios",)
        series = [(peer, kind) for kind in kinds for peer in dict.fromkeys(peer for row in rows for peer in row[kind])]
        width = 0.8 / max(1, len(series))
        for number, (peer, kind) in enumerate(series):
            places = [at + number * width for at, row in enumerate(rows) if peer in row[kind]]
            heights = [row[kind][peer] - 1 for row in rows if peer in row[kind]]
            panel.bar(places, heights, width, bottom=1, label=f"{peer} / dbt" + (" cold" if kind == "cold_ratios" else ""))
        panel.axhline(1, color="black", linewidth=0.8)
        panel.set_yscale("log")
        low, high = panel.get_ylim()
        ticks = [tick for tick in RATIO_TICKS if low <= tick <= high]
        panel.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        panel.yaxis.set_minor_locator(pyplot.NullLocator())
        panel.set_xticks([at + width * (len(series) - 1) / 2 for at in range(len(rows))], [row["name"] for row in rows], rotation=45, ha="right", fontsize=8)
        panel.set_title(f"{suite}: time of the other / time of dbt")
        panel.grid(True, axis="y", alpha=0.3)
        panel.legend(frameon=False)
    return figure


def _scaling(report: dict[str, Any], pyplot: Any) -> Any:
    """Processor time over size, a panel a series."""
    figure, panels = _panels(pyplot, len(report["rows"]))
    for row, panel in zip(report["rows"], panels, strict=True):
        panel.plot(row["sizes"], row["cpu_seconds"], marker="o", label="processor")
        panel.plot(row["sizes"], row["seconds"], marker="o", linestyle="--", label="wall")
        if any(row["compile_seconds"]):
            panel.plot(row["sizes"], row["compile_seconds"], marker="o", linestyle=":", label="compile server")
        panel.legend(frameon=False)
        panel.set_xscale("log", base=2)
        panel.set_yscale("log")
        panel.set_xlabel(row["unit"])
        panel.set_ylabel("seconds")
        panel.set_title(f"{row['series']}: size^{row['growth']:.2f}")
        panel.set_xticks(row["sizes"], [f"{size:,}" for size in row["sizes"]], rotation=45, ha="right")
        panel.grid(True, which="both", alpha=0.2)
    return figure


_FIGURES = {"llsc": _llsc, "run": _run, "scaling": _scaling}
