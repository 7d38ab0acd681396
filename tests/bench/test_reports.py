"""Reports of the benchmarks: ratios, means, tables, comparison with an earlier report, plots."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import compare, host, llsc, llsc_text, paired, plot, reports, rounds, slices, suites, tables
from bench.benchmark import COLD, DBT, QEMU, Benchmark, Timing
from dbt.cli import INTERRUPTED, main
from runtime.linux.errors import UsageError


def benchmark(name: str, ours: list[float], theirs: list[float]) -> Benchmark:
    """A row whose measurements are given beforehand."""
    mine, other = iter(ours), iter(theirs)
    subjects = {COLD: lambda: Timing(16.0, 1_000_000, 90_000_000), DBT: lambda: Timing(next(mine), 2_000_000), QEMU: lambda: Timing(next(other))}
    return Benchmark("kernels", "integer", name, subjects, once=(COLD,))


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr("bench.host.qemu_version", lambda arch: f"qemu-{arch} version 0")
    return measured(benchmark("one", [1.0, 9.0, 2.0], [4.0, 8.0, 1.0]), benchmark("two", [1.0, 1.0, 1.0], [8.0, 8.0, 8.0]))


def measured(*rows: Benchmark) -> dict[str, Any]:
    session = suites.Session(rows, 3, 1.0, "arm")
    session.measure()
    return session.report()


def test_medians_and_means(report: dict[str, Any]) -> None:
    one, two = report["rows"]
    assert one["seconds"] == {COLD: 16.0, DBT: 2.0, QEMU: 4.0}
    assert (one["ratios"], two["ratios"], one["cold_ratios"]) == ({QEMU: 2.0}, {QEMU: 8.0}, {QEMU: 0.25})
    assert report["means"][0]["ratios"][QEMU] == pytest.approx(4.0)
    assert report["missing"] == 0


def test_measurements_are_interleaved() -> None:
    order: list[str] = []
    subjects = {name: (lambda name=name: order.append(name)) for name in "ab"}
    rounds.measure(subjects, 2)
    assert order == ["a", "b", "a", "b"]


def test_table(report: dict[str, Any]) -> None:
    lines = tables.text(report).splitlines()
    assert lines[0] == "| kernels | dbt cold | dbt | qemu-arm | qemu-arm / dbt | memory | server |"
    assert lines[2] == "| one | 16.000 s | 2.000 s | 4.000 s | 2.00 | 2 MB | 90 MB |"
    assert "**4.00**" in lines[4]


def test_interrupted_session_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the third measurement: what was measured is in the file, and is not measured again."""
    monkeypatch.setattr("bench.host.qemu_version", lambda arch: f"qemu-{arch} version 0")
    path, taken = str(tmp_path / "report.json"), []

    def take(subject: str, seconds: float, ends: bool) -> Timing:
        if ends and len(taken) == 2:
            raise KeyboardInterrupt
        taken.append(subject)
        return Timing(seconds)

    def session(ends: bool) -> suites.Session:
        subjects = {name: (lambda name=name, at=at: take(name, at, ends)) for at, name in enumerate((COLD, DBT, QEMU), start=1)}
        return suites.Session([Benchmark("kernels", "integer", "one", subjects, once=(COLD,))], 2, 1.0, "arm")

    first = session(ends=True)
    with pytest.raises(KeyboardInterrupt):
        first.measure(lambda: reports.write(first.report(), path))
    partial = reports.read(path)
    assert taken == [COLD, DBT] and partial["missing"] == 3 and partial["means"] == [] and partial["rows"][0]["seconds"] == {COLD: 1, DBT: 2}
    assert "Incomplete: 3 measurements" in tables.text(partial)
    second = session(ends=False)
    second.resume(partial)
    second.measure()
    assert taken == [COLD, DBT, QEMU, DBT, QEMU] and second.report()["missing"] == 0


@pytest.mark.parametrize(("setting", "value"), [("scale", 2.0), ("commit", "another"), ("arch", "i386")])
def test_resume_refuses_what_was_measured_otherwise(setting: str, value: object, report: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"of another {setting}"):
        suites.Session([], 3, 1.0, "arm").resume(report | {setting: value})


def changed(report: dict[str, Any], factor: float) -> dict[str, Any]:
    """*report* from another host, with all of dbt's times multiplied."""
    other: dict[str, Any] = json.loads(json.dumps(report))
    other["host"]["cpu"] = "another"
    for row in other["rows"]:
        row["ratios"][QEMU] /= factor
        for sample in row["samples"][DBT]:
            sample["seconds"] *= factor
    return other


def test_compare_by_ratios(report: dict[str, Any]) -> None:
    same, slower, faster = (compare.compare(report, changed(report, factor), 0.1) for factor in (1.0, 20.0, 0.05))
    assert [row["name"] for row in same["rows"]] == ["one warm", "two warm"]
    assert (same["slower"], [row["verdict"] for row in same["rows"]]) == (0, [None, None])
    assert (slower["slower"], [row["verdict"] for row in slower["rows"]]) == (3, ["slower", "slower"])
    assert (faster["slower"], faster["means"][0]["change"]) == (0, pytest.approx(20.0))
    assert "3 slower by more than 10%" in compare.text(slower) and "Nothing is slower" in compare.text(same)


def test_compare_lets_noise_pass(report: dict[str, Any]) -> None:
    """Half as fast in the median, but its samples are among those of before (1 to 9 s); the other's are not."""
    rows = compare.compare(report, changed(report, 2.0), 0.1)["rows"]
    assert [(round(row["change"], 2), row["verdict"]) for row in rows] == [(0.5, None), (0.5, "slower")]


def test_compare_needs_something_in_common(report: dict[str, Any]) -> None:
    plain = changed(report, 1.0)
    for row in plain["rows"]:
        row["ratios"].clear()
    with pytest.raises(UsageError, match="no row in common"):
        compare.compare(report, plain, 0.1)
    with pytest.raises(UsageError, match="different benchmarks or architectures"):
        compare.compare(report, report | {"arch": "i386"}, 0.1)


def test_compare_of_threads_and_of_growth() -> None:
    half = llsc_report()
    half["ratios"][0] |= {name: half["ratios"][0][name] / 2 for name in ("median", "low", "high")}
    assert [row["name"] for row in compare.compare(llsc_report(), half, 0.1)["rows"]] == ["stack x2 cas, all"]
    assert compare.compare(llsc_report(), half, 0.1)["slower"] == 2  # the row, and its group
    assert compare.compare(llsc_report(), llsc_report(), 0.1)["slower"] == 0
    growth = {"benchmark": "scaling", "host": {}, "commit": None, "rows": [{"series": "s", "sizes": [1, 2], "cpu_seconds": [1.0, 2.0]}]}
    found = compare.compare(growth, growth, 0.1)
    assert [row["name"] for row in found["rows"]] == ["s 1", "s 2"] and found["slower"] == 0


def test_compare_exit_status(report: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = str(tmp_path / "old.json"), str(tmp_path / "new.json")
    reports.write(report, old)
    reports.write(changed(report, 20.0), new)
    assert main(["bench", "compare", old, new, "--json", "-"]) == 1
    assert json.loads(capsys.readouterr().out)["slower"] == 3
    assert main(["bench", "compare", new, old]) == 0
    assert main(["bench", "compare", old, str(tmp_path / "missing.json")]) == 2


def test_report_file_has_a_line_a_row(report: dict[str, Any], tmp_path: Path) -> None:
    path = str(tmp_path / "report.json")
    reports.write(report, path)
    lines = Path(path).read_text().splitlines()
    assert reports.read(path) == report and sum(line.startswith('  {"suite": "kernels", "group": "integer", "name"') for line in lines) == 2


def test_report_can_go_to_a_device(report: dict[str, Any]) -> None:
    reports.write(report, "/dev/null")
    assert not Path("/dev/null").is_file()


def test_report_says_nothing_that_a_commit_changes_about_the_host(report: dict[str, Any]) -> None:
    assert report["commit"] not in report["host"].values()
    assert {"cpu", "processors", "machine", "python", "dbt", "qemu"} <= set(report["host"])


def test_time_left_is_told_from_the_same_measurements() -> None:
    assert rounds._left(["a", "b", "b", "c"], {"a": [1.0, 3.0], "b": [6.0]}) == 2 + 6 + 6 + 4
    assert rounds._left(["a"], {}) is None
    assert (rounds.duration(12.3), rounds.duration(600), rounds.duration(None)) == ("12 s", "10 min", "unknown")


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
    monkeypatch.setattr("bench.host.qemu", lambda arch: f"qemu-{arch}")
    monkeypatch.setattr("bench.host.qemu_version", lambda arch: f"qemu-{arch} version 0")
    monkeypatch.setattr(Scripted, "machine", 0)
    return Scripted


def llsc_measured(*what: Any) -> dict[str, Any]:
    session = llsc.Session(*what)
    session.measure()
    return session.report()


@pytest.mark.parametrize(
    ("at", "whole", "begun"), [(1, 0, 0), (100, 0, 4), (101, 0, 4), (215, 4, 0), (300, 4, 4)], ids=["cache", "guest", "probe", "warming up", "second"]
)
def test_llsc_keeps_what_was_measured_before_ctrl_c(at: int, whole: int, begun: int, scripted: type[Scripted], monkeypatch: pytest.MonkeyPatch,
                                                    tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    """In slice number *at*, after *whole* processes were measured to their end and *begun* were not."""
    take = scripted.slice

    def slice_until(self: Scripted) -> slices.Slice:
        if Scripted.machine == at:
            raise KeyboardInterrupt
        return take(self)

    monkeypatch.setattr(scripted, "slice", slice_until)
    path = tmp_path / "report.json"
    assert main(["bench", "llsc", "--kernel", "stack,ticket", "--scheme", "excl,cas", "--vcpus", "1,2", "--idiom", "--json", str(path)]) == INTERRUPTED
    shown = capsys.readouterr().out
    assert (shown.count("| right |"), shown.count("| interrupted |")) == (whole, begun)
    assert path.exists() == bool(whole + begun)
    assert not path.exists() or all(row["samples"] for row in reports.read(str(path))["rows"])


def test_llsc_compares_slices_of_one_state(scripted: type[Scripted]) -> None:
    """A machine that changes while they run does not change their ratio."""
    report = llsc_measured(llsc.cases(["private"], [1, 2]), llsc.subjects(["excl"], True, ["qemu"]), 2, 40)
    ratios = {(row["vcpus"], row["subject"], row["reference"], row["state"]): (row["median"], row["low"], row["high"]) for row in report["ratios"]}
    for state in ("all", "near", "far"):
        assert ratios[2, "excl", "qemu-arm", state] == (2.0, 2.0, 2.0)
        assert ratios[2, "excl", "1 vCPU", state] == (2.0, 2.0, 2.0)
    assert {row["state"] for row in report["ratios"] if row["vcpus"] == 1} == {"all"}
    assert report["handover_ns"] == {"near": 50.0, "far": 200.0}


def test_llsc_goes_on_after_a_run_that_fails(scripted: type[Scripted], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripted, "dead", ("flush",))
    report = llsc_measured(llsc.cases(["stack"], [2]), llsc.subjects(["flush", "cas"], True, ["qemu"]), 1, 5)
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


def test_measurements_are_compared_with_the_nearest_in_the_same_state() -> None:
    mine = [(0, "near", 8.0), (1, None, 5.0), (2, "far", 3.0), (3, "odd", 1.0)]
    theirs = [(0, "far", 2.0), (1, "near", 4.0), (2, "near", 1.0), (3, "far", 1.0)]
    assert paired.nearest(mine, theirs) == [("near", 2.0), ("far", 3.0)]


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


def test_peak_memory_is_the_programs_own() -> None:
    """Not that of this process, which is larger than sh."""
    ballast = bytearray(64 << 20)
    sample = rounds.run(["sh", "-c", "exit 0"], {"PATH": "/bin:/usr/bin"})
    assert 0 < sample.rss < len(ballast)


def test_a_program_that_does_not_exist() -> None:
    with pytest.raises(UsageError, match="exit status 127: /nowhere/x: No such file"):
        rounds.run(["/nowhere/x"], {})


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
        ("run --resume", "--json FILE"),
        ("compare missing.json missing.json", "No such file"),
        ("llsc --scheme nothing", "no such scheme"),
        ("llsc --kernel nothing", "no such kernel"),
        ("llsc --vcpus 1,x", "not a list of positive numbers"),
    ],
)
def test_bad_words(command: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *command.split()]) == 2
    err = capsys.readouterr().err
    assert complaint in err and err.count("\n") == 1
