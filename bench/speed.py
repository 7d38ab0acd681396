"""Speed of the translator against qemu-arm, as ratios of times taken in the same run.

Runs are interleaved (ours, theirs, ours, ...) so that a noisy machine disturbs both alike; the table has medians. Kernels are measured as the difference
between a long and a short loop, so that start-up does not count; start-up has rows of its own.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from runtime.linux.errors import UsageError

REPOSITORY = Path(__file__).resolve().parents[1]
GUESTS = REPOSITORY / "tests" / "guests"
KERNELS = {"crc32": 2000, "sieve": 400, "fib": 300, "matmul": 100, "quicksort": 250}  # loops: about a second under qemu-arm
TIMEOUT = 300  # seconds for one run


@dataclass(frozen=True)
class Sample:
    """One run: wall time in seconds and peak resident memory in bytes."""

    seconds: float
    rss: int


@dataclass(frozen=True)
class Row:
    """Medians of one benchmark. ``ratio`` is qemu-arm's time divided by ours: above 1 we are faster."""

    name: str
    seconds: float
    qemu_seconds: float
    ratio: float
    rss: int


def run(command: list[str], environment: dict[str, str]) -> tuple[Sample, bytes]:
    """Run *command*; UsageError if it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    assert process.stdout is not None and process.stderr is not None
    output = process.stdout.read()
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise UsageError(f"bench: {' '.join(command[-3:])}: exit status {process.returncode}: {errors.decode(errors='replace').strip()[-200:]}")
    return Sample(seconds, usage.ru_maxrss * 1024), output


def ours(*words: str, tier: str = "auto") -> list[str]:
    return [sys.executable, "-m", "dbt", "run", "--tier", tier, *words]


def qemu() -> str:
    found = shutil.which("qemu-arm") or shutil.which("qemu-arm-static")
    if found is None:
        raise UsageError("bench: qemu-arm: not found: install qemu-user")
    return found


@dataclass(frozen=True)
class Benchmark:
    """``ours`` and ``theirs`` take one sample each; ``prepare`` runs before each of ours."""

    name: str
    ours: Callable[[], Sample]
    theirs: Callable[[], Sample]


def _kernel(name: str, loops: int, environment: dict[str, str], tier: str) -> Benchmark:
    program = str(GUESTS / f"{name}.elf")

    def difference(command: list[str]) -> Sample:
        short, _ = run([*command, program, "1"], environment)
        long, _ = run([*command, program, str(loops + 1)], environment)
        return Sample(max(long.seconds - short.seconds, 1e-6), long.rss)

    label = name if tier == "auto" else f"{name} (tier {tier})"
    return Benchmark(label, lambda: difference(ours(tier=tier)), lambda: difference([qemu()]))


def _startup(name: str, program: str, words: Sequence[str], sysroot: str, environment: dict[str, str], cold: bool) -> Benchmark:
    path = os.path.join(sysroot, program)

    def sample() -> Sample:
        if not cold:
            return run(ours("-L", sysroot, path, *words), environment)[0]
        with tempfile.TemporaryDirectory(prefix="dbt-bench-") as cache:
            # The kernels are built once a host, not once a program: a cold start has them.
            _keep_kernels(cache, environment)
            return run(ours("-L", sysroot, path, *words), {**environment, "DBT_CACHE_DIR": cache})[0]

    return Benchmark(f"{name} {'cold' if cold else 'warm'}", sample, lambda: run([qemu(), "-L", sysroot, path, *words], environment)[0])


def _keep_kernels(cache: str, environment: dict[str, str]) -> None:
    """Copy the kernel image into the empty directory *cache*."""
    from runtime.paths import cache_dir

    for directory in Path(cache_dir()).glob("kernels*"):
        if directory.is_dir():
            shutil.copytree(directory, Path(cache) / directory.name)
        else:
            shutil.copy(directory, cache)


def benchmarks(sysroot: str | None) -> dict[str, list[Benchmark]]:
    """All benchmarks by the name one asks for."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    table = {name: [_kernel(name, loops, environment, "auto")] for name, loops in KERNELS.items()}
    table["tier0"] = [_kernel(name, max(1, loops // 10), environment, "0") for name, loops in KERNELS.items()]
    if sysroot:
        table["startup"] = [
            _startup("busybox echo", "bin/busybox", ["echo", "hello"], sysroot, environment, cold)
            for cold in (True, False)
        ] + [
            _startup("python3.11 print(1)", "usr/bin/python3.11", ["-S", "-E", "-c", "print(1)"], sysroot, environment, cold)
            for cold in (True, False)
        ]  # fmt: skip
    return table


def measure(names: Sequence[str], runs: int, sysroot: str | None) -> dict[str, object]:
    """Measure the benchmarks *names* (default: all), each *runs* times; shows progress on standard error."""
    from rich.console import Console
    from rich.progress import Progress

    table = benchmarks(sysroot)
    for name in names:
        if name not in table:
            hint = "needs --sysroot" if name == "startup" else f"choose from {', '.join(table)}"
            raise UsageError(f"bench: {name}: no such benchmark: {hint}")
    wanted = [benchmark for name in names or table for benchmark in table[name]]
    qemu()
    rows = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("measuring", total=len(wanted) * runs)
        for benchmark in wanted:
            mine, theirs = [], []
            for _ in range(runs):
                progress.update(task, description=benchmark.name)
                mine.append(benchmark.ours())
                theirs.append(benchmark.theirs())
                progress.advance(task)
            seconds = statistics.median(sample.seconds for sample in mine)
            qemu_seconds = statistics.median(sample.seconds for sample in theirs)
            rows.append(Row(benchmark.name, seconds, qemu_seconds, qemu_seconds / seconds, max(sample.rss for sample in mine)))
    kernels = [row.ratio for row in rows if row.name in KERNELS]
    mean = math.exp(statistics.fmean(map(math.log, kernels))) if kernels else None
    return {"runs": runs, "qemu": _version(), "rows": [asdict(row) for row in rows], "geometric_mean": mean}


def _version() -> str:
    return subprocess.run([qemu(), "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def text(table: dict[str, object]) -> str:
    """The table as Markdown, as docs/performance.md has it."""
    rows = [Row(**row) for row in table["rows"]]  # type: ignore[attr-defined]
    lines = ["| benchmark | dbt | qemu-arm | qemu-arm / dbt | peak memory |", "|---|---|---|---|---|"]
    lines += [f"| {r.name} | {r.seconds:.3f} s | {r.qemu_seconds:.3f} s | {r.ratio:.2f} | {r.rss / 1e6:.0f} MB |" for r in rows]
    if table["geometric_mean"] is not None:
        lines.append(f"| geometric mean of the kernels | | | {table['geometric_mean']:.2f} | |")
    return "\n".join([*lines, "", f"Medians of {table['runs']} interleaved runs; {table['qemu']}.", ""])


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1:], 3, os.environ.get("DBT_SYSROOT")), indent=1))
