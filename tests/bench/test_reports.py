"""Reports of the benchmarks: ratios, means, tables, comparison with an earlier report, plots."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import host, llsc, llsc_text, paired, plot, rounds, slices, suites
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
        "states": ["far"], "failure_rate": 0.25, "wrong": 3, "flushes": None, "rendezvous": 7, "sections": 1,
        "median_wait_us": 12.34, "failed": None, "waiting_us": 1500.0,
    }  # fmt: skip
    ratio = {"case": "stack", "vcpus": 2, "subject": "cas", "reference": "qemu-arm", "state": "all", "median": 0.5, "low": 0.4, "high": 0.6, "pairs": 9}
    return {
        "benchmark": "llsc", "host": {}, "commit": None, "runs": 1, "slices": 9, "measure_ms": 50, "rows": [row], "ratios": [ratio],
        "handover_ns": {"far": 230.4},
    }  # fmt: skip


def test_llsc_table_tells_damage() -> None:
    assert "| stack | 2 | cas | 2.00 | 0.50 | 25.00% |  | 7 | 1 | 12.3 us | 1.5 ms | **3 wrong** |" in llsc_text.text(llsc_report())


def test_llsc_tells_ratios_and_their_intervals() -> None:
    text = llsc_text.text(llsc_report())
    assert "| kernel | vCPUs | processors | cas / qemu-arm |" in text and "| stack | 2 | all | 0.50 (0.40 to 0.60; 9) |" in text
    assert "230 ns (far)" in text


class Scripted:
    """Takes the place of a guest: twice as fast under dbt as under qemu-arm, both four times as fast on every other machine."""

    machine = 0
    dead: tuple[str, ...] = ()

    def __init__(self, emulator: list[str], kernel: str, vcpus: int, *_: object) -> None:
        self.speed = 2000 if "--atomics" in emulator else 1000
        self.dies = any(word in self.dead for word in emulator)
        self.probe, self.vcpus = kernel == "handover", vcpus

    def slice(self) -> slices.Slice:
        near = Scripted.machine // 30 % 2 == 0
        Scripted.machine += 1
        if self.dies:
            raise UsageError("bench: exit status -6")
        if self.probe:
            return slices.Slice(1000, 50 if near else 200, 0)
        return slices.Slice(self.speed * self.vcpus * (4 if near else 1), 1000, 0)

    def end(self) -> int:
        return 0

    def kill(self) -> None:
        pass


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> type[Scripted]:
    monkeypatch.setattr("bench.slices.Guest", Scripted)
    monkeypatch.setattr("bench.llsc.Guest", Scripted)
    monkeypatch.setattr("bench.host.qemu", lambda: "qemu-arm")
    monkeypatch.setattr("bench.host.qemu_version", lambda: "qemu-arm version 0")
    monkeypatch.setattr(Scripted, "machine", 0)
    return Scripted


def test_llsc_compares_slices_of_one_state(scripted: type[Scripted]) -> None:
    """A machine that changes while they run does not change their ratio."""
    report = llsc.measure(llsc.cases(["private"], [1, 2]), llsc.subjects(["excl"], True, ["qemu"]), 2, 40)
    ratios = {(row["vcpus"], row["subject"], row["reference"], row["state"]): (row["median"], row["low"], row["high"]) for row in report["ratios"]}
    for state in ("all", "near", "far"):
        assert ratios[2, "excl", "qemu-arm", state] == (2.0, 2.0, 2.0)
    assert {row["state"] for row in report["ratios"] if row["vcpus"] == 1} == {"all"}
    assert ratios[2, "excl", "1 vCPU", "far"][0] in (0.5, 2.0)  # a single thread has no state, so the machine may have changed between the two
    assert report["handover_ns"] == {"near": 50.0, "far": 200.0}


def test_llsc_goes_on_after_a_run_that_fails(scripted: type[Scripted], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripted, "dead", ("flush",))
    report = llsc.measure(llsc.cases(["stack"], [2]), llsc.subjects(["flush", "cas"], True, ["qemu"]), 1, 5)
    assert {row["subject"]: row["failed"] for row in report["rows"]} == {"flush": "bench: exit status -6", "cas": None, "qemu-arm": None}
    assert "**run failed**" in llsc_text.text(report)
    assert {row["subject"] for row in report["ratios"]} == {"cas"}


def test_a_guest_is_measured_in_slices() -> None:
    """And says what is wrong if it ends too early."""
    guest = slices.Guest(host.ours(), "range", 2, 4, 1, 1)
    try:
        assert all(guest.slice().microseconds >= 1000 for _ in range(3))
        assert guest.end() == 0
    finally:
        guest.kill()
    refused = slices.Guest(host.ours(), "nothing", 1, 1, 1, 1)
    with pytest.raises(UsageError, match="bench: nothing 1 1 1 1"):
        refused.end()


def test_states_of_the_machine() -> None:
    states = slices.States([50, 55, 60, 200, 210, 220, 90_000])
    assert (states.of(52, 58), states.of(205, 230), states.of(52, 210), states.of(52, 90_000)) == ("near", "far", None, None)
    assert states.names(1) == ("all",) and states.names(2) == ("all", "near", "far")
    one = slices.States([200, 210, 220])
    assert one.of(200, 300) == "far" and one.names(2) == ("all",)


def test_interval_of_a_ratio() -> None:
    """It holds what varies between runs, not only within them."""
    narrow, wide = paired.ratio([[2.0, 2.0, 2.1] * 5] * 4), paired.ratio([[1.0] * 15, [2.0] * 15, [2.0] * 15, [3.0] * 15])
    assert narrow and (narrow.median, narrow.pairs) == (2.0, 60) and 2.0 <= narrow.low <= narrow.high <= 2.1
    assert wide and wide.median == 2.0 and wide.low < 2.0 < wide.high
    assert paired.ratio([[], []]) is None


def test_llsc_reads_the_guests_line() -> None:
    assert slices.parse("kernel=range threads=4 words=128 ops=5 us=6 failures=7 wrong=0\n") == {
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
