"""``dbt bench``: options and output of the benchmarks, whose work is in ``bench``. They need a source checkout."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from dbt.cli.output import examples
from runtime.linux.errors import UsageError

_AGAINST_LLSC = ("qemu",)
_AGAINST_RUN = ("qemu", "unicorn", "native")
_SYSROOTS = {"arm": "DBT_SYSROOT", "i386": "DBT_SYSROOT_I386", "x86_64": "DBT_SYSROOT_AMD64"}  # by architecture: the variable that names its programs


class _Words(click.ParamType):  # type: ignore[type-arg]
    """Words with commas between them."""

    name = "WORD,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        return value if isinstance(value, tuple) else tuple(word for word in value.split(",") if word)


class _Counts(_Words):
    """Positive numbers with commas between them."""

    name = "N,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        words = super().convert(value, param, ctx)
        if not words or not all(str(word).isdigit() and int(word) > 0 for word in words):
            self.fail(f"{value}: not a list of positive numbers such as 1,2,4", param, ctx)
        return tuple(int(word) for word in words)


_runs = click.option("--runs", type=click.IntRange(1, 100), default=3, show_default=True, help="Runs of each; the table has the medians.")
_json = click.option("--json", "json_file", metavar="FILE", help="Write the whole report to FILE as JSON (- for standard output, in place of the table).")
_plot = click.option("--plot", "plot_file", metavar="FILE.svg", help="Draw the report (needs matplotlib).")


@click.group(epilog=examples("dbt bench run --suite kernels --against qemu\ndbt bench llsc --kernel counter,range --against qemu --plot llsc.svg"))
def bench() -> None:
    """Measure the translator beside other emulators, in interleaved runs. Needs a source checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "bench" / "llsc.py").exists():
        raise UsageError("bench: the guest programs are not installed: run it from a source checkout")
    sys.path.insert(0, str(root))


@bench.command(epilog=examples("dbt bench llsc --scheme all --vcpus 1,2,4 --against qemu\ndbt bench llsc --kernel stack --scheme cas --runs 1\n"
                                "dbt bench llsc --arch x86_64 --scheme excl --kernel counter,stack --against qemu"))
@click.option("--scheme", "schemes", type=_Words(), default="all", show_default=True, help="Schemes of dbt run --atomics, or all.")
@click.option("--arch", type=click.Choice(("arm", "i386", "x86_64")), default="arm", show_default=True, help="The guest's architecture.")
@click.option("--vcpus", type=_Counts(), default="1,2,4,8", show_default=True, help="Numbers of guest threads.")
@click.option("--kernel", "kernels", type=_Words(), default=(),
              help="counter, range, range-1024, twolock, ticket, stack, private, neighbours, plain, stores, fresh [all].")
@click.option("--idiom/--no-idiom", default=None, help="With or without atomic idioms (default: with; the default scheme both ways).")
@click.option("--against", type=_Words(), default=(), metavar="qemu", help="Run the same guest under QEMU's user mode too.")
@click.option("--runs", type=click.IntRange(1, 100), default=1, show_default=True, help="Processes of each.")
@click.option("--slices", type=click.IntRange(1, 1000), default=20, show_default=True, help="Slices of time, of all in turn, that a process is measured in.")
@_json
@_plot
def llsc(schemes: Sequence[str], arch: str, vcpus: Sequence[int], kernels: Sequence[str], idiom: bool | None, against: Sequence[str], runs: int,
         slices: int, json_file: str | None, plot_file: str | None) -> None:  # fmt: skip
    """Load-link/store-conditional under load: operations a second, failures, flushes and waiting of each scheme.

    After Ctrl-C the table has what was measured."""
    from bench import llsc as benchmark
    from bench.llsc_text import text

    _known("llsc", against, _AGAINST_LLSC)
    _check_files(json_file, plot_file)
    session = benchmark.Session(benchmark.cases(kernels, vcpus), benchmark.subjects(schemes, idiom, against, arch), runs, slices, arch)
    try:
        session.measure()
    finally:  # also what Ctrl-C leaves
        report = session.report()
        if report["rows"]:
            _write(report, text(report), json_file, plot_file)


_RUN_EXAMPLES = """
dbt bench run --suite kernels --against qemu,native
dbt bench run --suite kernels --arch x86_64
dbt bench run --suite startup --sysroot SYSROOT --against qemu
dbt bench run sha512 fft --against qemu --runs 5 --json new.json
dbt bench run --suite programs --sysroot SYSROOT --json programs.json --resume
"""


@bench.command(epilog=examples(_RUN_EXAMPLES))
@click.argument("names", nargs=-1)
@click.option("--suite", "suites", type=_Words(), default=(), help="kernels, system, programs, startup (default: all that can run).")
@click.option("--arch", type=click.Choice(tuple(_SYSROOTS)), default="arm", show_default=True, help="The guests' architecture.")
@click.option("--against", type=_Words(), default="qemu", show_default=True, help="Whom else: qemu, unicorn, native (this host's compiler), none.")
@click.option("--sysroot", metavar="DIR", help=f"Debian sysroot of the programs [{', '.join(f'${name}' for name in _SYSROOTS.values())}].")
@click.option("--scale", type=click.FloatRange(0.001, 100), default=1.0, show_default=True, help="Multiplies the work of kernels and programs.")
@click.option("--resume", is_flag=True, help="Go on with the report in the file of --json, which an interrupted run left.")
@_runs
@_json
@_plot
def run(names: Sequence[str], suites: Sequence[str], arch: str, against: Sequence[str], sysroot: str | None, scale: float, resume: bool, runs: int,
        json_file: str | None, plot_file: str | None) -> None:  # fmt: skip
    """Speed of kernels, of whole programs, and of their start, cold and warm. NAMES are beginnings of benchmarks' names (default: all).

    The file of --json is whole after every measurement. After Ctrl-C the table has what was measured."""
    from bench import reports, tables
    from bench import suites as benchmark

    sysroot = sysroot or os.environ.get(_SYSROOTS[arch])
    peers = [name for name in against if name != "none"]
    _known("run", peers, _AGAINST_RUN)
    _check_files(json_file, plot_file)
    path = json_file if json_file != "-" else None
    if resume and path is None:
        raise UsageError("bench run: --resume: give the report's file with --json FILE")
    session = benchmark.Session(benchmark.benchmarks(suites, names, sysroot, peers, scale, arch), runs, scale, arch)
    if resume and path is not None and Path(path).exists():
        session.resume(reports.read(path))
    try:
        session.measure(lambda: reports.write(session.report(), path) if path else None)
    finally:  # also what Ctrl-C, or a program that fails, leaves
        report = session.report()
        if report["rows"]:
            _write(report, tables.text(report), json_file, plot_file)


@bench.command(epilog=examples("dbt bench scaling\ndbt bench scaling cold region --plot scaling.svg"))
@click.argument("names", nargs=-1)
@_runs
@_json
@_plot
def scaling(names: Sequence[str], runs: int, json_file: str | None, plot_file: str | None) -> None:
    """How costs grow with program size, region size and number of threads. NAMES are beginnings of series' names (default: all)."""
    from bench import scaling as benchmark

    session = benchmark.Session(benchmark.select(names), runs)
    _check_files(json_file, plot_file)
    try:
        session.measure()
    finally:
        report = session.report()
        if report["rows"]:
            _write(report, benchmark.text(report), json_file, plot_file)


@bench.command(epilog=examples("dbt bench compare old.json new.json\ndbt bench compare old.json new.json --threshold 5 --json -"))
@click.argument("before", metavar="OLD.json")
@click.argument("after", metavar="NEW.json")
@click.option("--threshold", type=click.FloatRange(0, 100, max_open=True), default=10.0, show_default=True, metavar="PERCENT", help="Speed that may be lost.")
@_json
def compare(before: str, after: str, threshold: float, json_file: str | None) -> None:
    """What became faster or slower between two reports of the same benchmark (--json of run, llsc or scaling). Exit status 1 if something lost more than
    the threshold: a row beyond its noise, or the geometric mean of a group."""
    from bench import compare as comparison
    from bench import reports

    report = comparison.compare(reports.read(before), reports.read(after), threshold / 100)
    _write(report, comparison.text(report), json_file, None)
    if report["slower"]:
        raise click.exceptions.Exit(1)


@bench.command(epilog=examples("dbt bench docs\ndbt bench docs --measure kernels-arm startup"))
@click.argument("names", nargs=-1)
@click.option("--measure", is_flag=True, help="Take the reports NAMES anew (default: all), which takes about 20 minutes; an interrupted one goes on.")
def docs(names: Sequence[str], measure: bool) -> None:
    """Renew the tables in docs/performance.md from the reports in docs/measured. Programs need $DBT_SYSROOT."""
    from bench import documents

    for name in documents.select(names) if measure else ():
        click.echo(f"{name}: dbt bench {documents.COMMANDS[name]}", err=True)
        bench.main(documents.words(name), prog_name="dbt bench", standalone_mode=False)
    click.echo("docs/performance.md: " + ("renewed" if documents.rewrite() else "as it was"))


def _known(command: str, against: Sequence[str], choices: Sequence[str]) -> None:
    for name in against:
        if name not in choices:
            raise UsageError(f"bench {command}: --against {name}: unknown: choose from {', '.join(choices)}")


def _check_files(json_file: str | None, plot_file: str | None) -> None:
    """Before anything is measured: UsageError if the report or its plot could not be written afterwards."""
    from bench import reports

    if json_file not in (None, "-"):
        reports.check(json_file)
    if plot_file is not None:
        from bench import plot

        plot.check(plot_file)


def _write(report: dict[str, Any], text: str, json_file: str | None, plot_file: str | None) -> None:
    """The table on standard output, the report and its plot in files."""
    from bench import reports

    click.echo(reports.dump(report) if json_file == "-" else text, nl=False)
    if json_file not in (None, "-"):
        reports.write(report, json_file)
    if plot_file is not None:
        from bench import plot

        plot.draw(report, plot_file)
