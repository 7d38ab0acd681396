"""The suites ``kernels``, small programs that are all hot code, and ``system``, such that do nothing but call the system. They time themselves, so that their
start does not count.

Each does its work twice. What counts is the second time, which is the speed of translated code; the first time of a run with an empty cache is the cold one.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench import host, rounds
from bench.benchmark import COLD, DBT, NATIVE, QEMU, UNICORN, Benchmark, Timing
from bench.caches import Cache
from bench.guests import build
from runtime.linux.errors import UsageError

INTEGER, CALLS, FLOATS, SYSTEM = "integer", "calls and indirect jumps", "VFP and Advanced SIMD", "system calls"
UNICORN_SHARE = 10  # Unicorn does this fraction of the loops: it is that slow


@dataclass(frozen=True)
class Kernel:
    """``loops`` take 0.5 to 1 s under qemu-arm on the machine of docs/performance.md."""

    name: str
    group: str
    loops: int


KERNELS = (
    Kernel("crc32", INTEGER, 1000),
    Kernel("crc32_bits", INTEGER, 980),
    Kernel("sieve", INTEGER, 120),
    Kernel("matmul_int", INTEGER, 180),
    Kernel("sha256", INTEGER, 3000),
    Kernel("sha512", INTEGER, 1200),
    Kernel("aes", INTEGER, 720),
    Kernel("lz", INTEGER, 320),
    Kernel("bigmul", INTEGER, 620),
    Kernel("strings", INTEGER, 300),
    Kernel("quicksort", INTEGER, 69),
    Kernel("linked_list", INTEGER, 150),
    Kernel("hash_table", INTEGER, 320),
    Kernel("fib", CALLS, 240),
    Kernel("qsort_call", CALLS, 89),
    Kernel("switch_vm", CALLS, 810),
    Kernel("queens", CALLS, 9100),
    Kernel("setjmp", CALLS, 3200),
    Kernel("matmul", FLOATS, 47),
    Kernel("matmul_float", FLOATS, 30),
    Kernel("nbody", FLOATS, 750),
    Kernel("mandelbrot", FLOATS, 58),
    Kernel("fft", FLOATS, 410),
    Kernel("dot", FLOATS, 540),
)


SYSTEM_KERNELS = (
    Kernel("getppid", SYSTEM, 300),
    Kernel("write", SYSTEM, 200),
    Kernel("clock_gettime", SYSTEM, 500),
    Kernel("futex_turns", SYSTEM, 200),
    Kernel("thread_join", SYSTEM, 200),
)
SUITES = {"kernels": KERNELS, "system": SYSTEM_KERNELS}


def benchmarks(suite: str, against: Collection[str], scale: float, arch: str) -> list[Benchmark]:
    """A row a kernel of *suite* that there is for *arch*. *scale* multiplies the loops."""
    if UNICORN in against and importlib.util.find_spec("unicorn") is None:
        raise UsageError("bench run: --against unicorn: not installed: pip install unicorn")
    if NATIVE in against and build.native_compiler() is None:
        raise UsageError("bench run: --against native: no C compiler for this host: pip install ziglang, or install cc")
    return [
        Benchmark(suite, kernel.group, kernel.name, _subjects(kernel, max(1, round(kernel.loops * scale)), against, arch), once=(COLD,))
        for kernel in SUITES[suite]
        if build.program(kernel.name, arch).exists()
    ]


def _subjects(kernel: Kernel, loops: int, against: Collection[str], arch: str) -> dict[str, Callable[[], Timing]]:
    program = str(build.program(kernel.name, arch))
    cache: list[Cache] = []

    def ours() -> tuple[Timing, Timing]:
        first, second, rss = _timed(host.ours(program), loops, cache[0].environment())
        servers = cache[0].settle()
        memory = servers.rss if servers else None
        return Timing(first, rss, memory), Timing(second, rss, memory)

    def cold() -> Timing:
        cache[:] = [Cache()]
        return ours()[0]

    def warm() -> Timing:
        if not cache:  # a report that is resumed has the cold figure
            cold()
        return ours()[1]

    def other(*command: str, share: int = 1) -> Timing:
        _, second, rss = _timed(list(command), max(1, loops // share), host.environment())
        return Timing(second * loops / max(1, loops // share), rss)

    subjects: dict[str, Callable[[], Timing]] = {COLD: cold, DBT: warm}
    if QEMU in against:
        subjects[QEMU] = lambda: other(host.qemu(arch), program)
    if UNICORN in against:
        subjects[UNICORN] = lambda: other(sys.executable, "-m", "bench.unicorn_guest", program, share=UNICORN_SHARE)
    if NATIVE in against:
        subjects[NATIVE] = lambda: other(str(_native(kernel.name)))
    return subjects


def _timed(command: list[str], loops: int, environment: dict[str, str]) -> tuple[float, float, int]:
    """What the kernel says of itself, in seconds: the first time and the second; and the peak of its memory."""
    sample = rounds.run([*command, str(loops), "timed"], environment)
    fields = dict(word.split("=") for word in sample.output.decode().splitlines()[-1].split())
    first, second = (max(1, int(fields[name])) / 1e6 for name in ("first_us", "second_us"))
    return first, second, sample.rss


@cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    """Where this process's native kernels are."""
    return tempfile.TemporaryDirectory(prefix="dbt-bench-")


@cache
def _native(name: str) -> Path:
    target = Path(_directory().name) / name
    build.build_native(name, target)
    return target
