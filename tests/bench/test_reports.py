"""Reports of the benchmarks: ratios, means, tables, comparison with an earlier report, plots."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import llsc, plot, rounds, suites
from bench.benchmark import DBT, QEMU, Benchmark, Timing, once
from dbt.cli import main
from runtime.linux.errors import UsageError


def benchmark(name: str, ours: list[float], theirs: list[float]) -> Benchmark:
    """A row whose measurements are given beforehand."""
    mine, other = iter(ours), iter(theirs)
    return Benchmark("kernels", "integer", name, "warm", {DBT: lambda: Timing(next(mine), 2_000_000), QEMU: lambda: Timing(next(other))})


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr("bench.host.qemu_version", lambda arch: f"qemu-{arch} version 0")
    rows = [benchmark("one", [1.0, 9.0, 2.0], [4.0, 8.0, 1.0]), benchmark("two", [1.0, 1.0, 1.0], [8.0, 8.0, 8.0])]
    return suites.measure(rows, 3, 1.0, "arm")


def test_medians_and_means(report: dict[str, Any]) -> None:
    one, two = report["rows"]
    assert one["seconds"] == {DBT: 2.0, QEMU: 4.0}
    assert (one["ratios"][QEMU], two["ratios"][QEMU]) == (2.0, 8.0)
    assert report["means"][0]["ratios"][QEMU] == pytest.approx(4.0)


def test_measurements_are_interleaved() -> None:
    order: list[str] = []
    subjects = {name: (lambda name=name: order.append(name)) for name in "ab"}
    rounds.measure(subjects, 2)
    assert order == ["a", "b", "a", "b"]


def test_table(report: dict[str, Any]) -> None:
    lines = suites.text(report).splitlines()
    assert lines[0] == "| benchmark | dbt | qemu-arm | qemu-arm / dbt | peak memory |"
    assert lines[2] == "| one | 2.000 s | 4.000 s | 2.00 | 2 MB |"
    assert "**4.00**" in lines[4]


def test_change_is_told_by_ratios(report: dict[str, Any]) -> None:
    before = json.loads(json.dumps(report))
    before["host"]["cpu"] = "another"
    before["rows"][0]["ratios"][QEMU] = 1.0
    suites.changes(report, before)
    assert [row["change"] for row in report["rows"]] == [2.0, 1.0]
    assert "2.00x" in suites.text(report)


def test_report_says_nothing_that_a_commit_changes_about_the_host(report: dict[str, Any]) -> None:
    assert report["commit"] not in report["host"].values()
    assert {"cpu", "processors", "machine", "python", "dbt", "qemu"} <= set(report["host"])


def test_once() -> None:
    calls: list[int] = []
    first = once(lambda: calls.append(1))
    first()
    first()
    assert calls == [1]


def llsc_report() -> dict[str, Any]:
    row = {
        "case": "stack", "kernel": "stack", "words": 1, "vcpus": 2, "subject": "cas", "scheme": "cas", "idiom": True, "ops_per_second": 2e6, "samples": [2e6],
        "ratio_to_qemu": 0.5, "failure_rate": 0.25, "wrong": 3, "flushes": None, "rendezvous": 7, "sections": 1,
        "median_wait_us": 12.34, "failed": None, "waiting_us": 1500.0,
    }  # fmt: skip
    return {"benchmark": "llsc", "host": {}, "commit": None, "runs": 1, "measure_ms": 400, "rows": [row]}


def test_llsc_table_tells_damage() -> None:
    assert "| stack | 2 | cas | 2.00 | 0.50 | 25.00% |  | 7 | 1 | 12.3 us | 1.5 ms | **3 wrong** |" in llsc.text(llsc_report())


def test_llsc_says_what_the_figures_mean() -> None:
    """Ratios to qemu-arm and to the slowest scheme, and how threads with data of their own scale; a run that failed has none."""
    report = llsc_report()
    speeds = {"excl": (4e6, 8e6), "flush": (1e6, 0.0), "qemu-arm": (2e6, 2e6)}
    like = {**report["rows"][0], "case": "private", "kernel": "private", "wrong": 0}
    report["rows"] = [{**like, "vcpus": n, "subject": name, "scheme": name, "ops_per_second": both[n - 1]} for n in (1, 2) for name, both in speeds.items()]
    text = llsc.text(report)
    assert "| kernel | vCPUs | excl / qemu-arm | flush / qemu-arm | excl / flush |" in text
    assert "| private | 1 | 2.00 | 0.50 | 4.00 |" in text and "| private | 2 | 4.00 |  |  |" in text
    assert "| private | excl | 2.00 |" in text and "| private | flush |  |" in text


def test_llsc_goes_on_after_a_run_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise UsageError("bench: exit status -6")

    monkeypatch.setattr("bench.rounds.run", fails)
    report = llsc.measure(llsc.cases(["stack"], [2]), llsc.subjects(["cas"], True, []), 2)
    assert report["rows"][0]["failed"] == "bench: exit status -6"
    assert "**run failed**" in llsc.text(report)


def test_llsc_reads_the_guests_line() -> None:
    assert llsc.parse("kernel=range threads=4 words=128 ops=5 us=6 failures=7 wrong=0\n") == {
        "threads": 4, "words": 128, "ops": 5, "us": 6, "failures": 7, "wrong": 0,
    }  # fmt: skip


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="matplotlib is not installed")
def test_plots(report: dict[str, Any], tmp_path: Path) -> None:
    for number, each in enumerate((report, llsc_report())):
        plot.draw(each, str(tmp_path / f"{number}.svg"))
        assert "<svg" in (tmp_path / f"{number}.svg").read_text()[:1000]


def test_plot_without_matplotlib_says_what_to_do(report: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match="pip install matplotlib"):
        plot.draw(report, "x.svg")


def test_a_program_that_fails_ends_the_benchmark() -> None:
    with pytest.raises(UsageError, match="exit status 3: oops"):
        rounds.run(["sh", "-c", "echo oops >&2; exit 3"], {"PATH": "/bin:/usr/bin"})


def test_a_program_that_hangs_ends_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "TIMEOUT", 0.2)
    with pytest.raises(UsageError, match="no end within"):
        rounds.run(["sleep", "1000"], {"PATH": "/bin:/usr/bin"})


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("run nothing --suite kernels", "no such benchmark"),
        ("run --suite nothing", "no such suite"),
        ("run --against bochs", "--against bochs: unknown"),
        ("run --baseline missing.json", "No such file"),
        ("llsc --scheme nothing", "no such scheme"),
        ("llsc --kernel nothing", "no such kernel"),
        ("llsc --vcpus 1,x", "not a list of positive numbers"),
    ],
)
def test_bad_words(command: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *command.split()]) == 2
    err = capsys.readouterr().err
    assert complaint in err and err.count("\n") == 1
