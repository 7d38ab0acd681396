"""What the translator is to reach on two cores, beside what the reports say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.benchmark import COLD, DBT, NATIVE, QEMU, UNICORN
from bench.kernels import CALLS, FLOATS, INTEGER
from bench.programs import LONG
from bench.reports import Report
from bench.tables import table

Figure = Callable[[Report], float | None]


@dataclass(frozen=True)
class Target:
    """``must`` and ``aim`` are bounds on the ``figure`` of the report named ``report``: seconds or factors of slowness from above, else ratios from below."""

    what: str
    report: str
    figure: Figure
    must: float
    aim: float
    unit: str = ""
    most: bool = False

    def reached(self, value: float, bound: float) -> bool:
        return value <= bound if self.most else value >= bound


def _mean(group: str, peer: str, kind: str = "ratios") -> Figure:
    def figure(report: Report) -> float | None:
        return next((mean[kind].get(peer) for mean in report["means"] if mean["group"] == group), None)

    return figure


def _slower_than(group: str, peer: str) -> Figure:
    mean = _mean(group, peer)

    def figure(report: Report) -> float | None:
        ratio = mean(report)
        return None if ratio is None else 1 / ratio

    return figure


def _seconds(name: str, subject: str) -> Figure:
    return lambda report: next((row["seconds"].get(subject) for row in report["rows"] if row["name"] == name), None)


_STARTS = (  # benchmark, what it is called in the table; must and aim of a warm start and of a cold one
    ("busybox echo", "busybox echo", (0.15, 0.06), (0.8, 0.3)),
    ("python3.11 print(1)", "`python3.11 -c 'print(1)'`", (0.8, 0.4), (5, 1.5)),
    ("sqlite3 script", "sqlite3's script", (0.8, 0.3), (3, 1)),
)
TARGETS = (
    Target("integer kernels against qemu-arm", "kernels-arm", _mean(INTEGER, QEMU), 1.8, 3),
    Target("calls and indirect jumps against qemu-arm", "kernels-arm", _mean(CALLS, QEMU), 1.3, 3),
    Target("VFP and Advanced SIMD against qemu-arm", "kernels-arm", _mean(FLOATS, QEMU), 3, 6),
    Target("integer kernels: slower than native by", "kernels-arm", _slower_than(INTEGER, NATIVE), 3, 1.7, most=True),
    *(Target(f"{group} against Unicorn", "unicorn", _mean(group, UNICORN), 5, 10) for group in (INTEGER, CALLS, FLOATS)),
    Target("long programs against qemu-arm, warm", "programs", _mean(LONG, QEMU), 1.2, 2),
    *(Target(f"{what}, {which}{guest}", report, _seconds(name, subject), must, aim, " s", True)
      for report, guest in (("startup", ""), ("startup-i386", ", i386"), ("startup-x86_64", ", x86-64"))
      for name, what, warm, cold in _STARTS for which, subject, (must, aim) in (("warm", DBT, warm), ("cold", COLD, cold))),
)  # fmt: skip


def text(reports: Mapping[str, Report]) -> str:
    """A table of all targets with what was measured."""
    rows = []
    for target in TARGETS:
        value = target.figure(reports[target.report]) if target.report in reports else None
        if value is None:
            verdict = "not measured"
        else:
            verdict = "aim reached" if target.reached(value, target.aim) else "must reached" if target.reached(value, target.must) else "**missed**"
        figure = "" if value is None else f"{value:.2f}{target.unit}"
        rows.append([target.what, f"{target.must:g}{target.unit}", f"{target.aim:g}{target.unit}", figure, verdict])
    return table(("target", "must", "aim", "measured", ""), rows)
