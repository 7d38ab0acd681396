"""The suite ``kernels``: small programs that are all hot code, timed by themselves, so that their start does not count.

Each does its work twice. The second time is the speed of translated code; what the first takes longer is the price of translation.
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
from bench.benchmark import DBT, NATIVE, QEMU, UNICORN, Benchmark, Timing, once
from bench.guests import build
from runtime.linux.errors import UsageError

INTEGER, CALLS, FLOATS = "integer", "calls and indirect jumps", "VFP and Advanced SIMD"
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


def benchmarks(against: Collection[str], scale: float, arch: str) -> list[Benchmark]:
    """A row a kernel, of guest programs for *arch*. *scale* multiplies the loops."""
    if UNICORN in against and arch != build.ARM:
        raise UsageError(f"bench run: --against unicorn: not for --arch {arch}: only for {build.ARM}")
    if UNICORN in against and importlib.util.find_spec("unicorn") is None:
        raise UsageError("bench run: --against unicorn: not installed: pip install unicorn")
    if NATIVE in against and build.native_compiler() is None:
        raise UsageError("bench run: --against native: no C compiler for this host: pip install ziglang, or install cc")
    return [
        Benchmark("kernels", kernel.group, kernel.name, "warm", _subjects(kernel, max(1, round(kernel.loops * scale)), against, arch)) for kernel in KERNELS
    ]


def _subjects(kernel: Kernel, loops: int, against: Collection[str], arch: str) -> dict[str, Callable[[], Timing]]:
    program = str(build.program(kernel.name, arch))
    mine = host.ours(program)
    fill = once(lambda: _timed(mine, loops))

    def ours() -> Timing:
        fill()
        return _timed(mine, loops)

    def unicorn() -> Timing:
        share = max(1, loops // UNICORN_SHARE)
        timing = _timed([sys.executable, "-m", "bench.unicorn_guest", program], share)
        return Timing(timing.seconds * loops / share, timing.rss)

    subjects: dict[str, Callable[[], Timing]] = {DBT: ours}
    if QEMU in against:
        subjects[QEMU] = lambda: _timed([host.qemu(arch), program], loops)
    if UNICORN in against:
        subjects[UNICORN] = unicorn
    if NATIVE in against:
        subjects[NATIVE] = lambda: _timed([str(_native(kernel.name))], loops)
    return subjects


def _timed(command: list[str], loops: int) -> Timing:
    """What the kernel says of itself."""
    sample = rounds.run([*command, str(loops), "timed"], host.environment())
    fields = dict(word.split("=") for word in sample.output.decode().splitlines()[-1].split())
    first, second = (max(1, int(fields[name])) / 1e6 for name in ("first_us", "second_us"))
    return Timing(second, sample.rss, first - second)


@cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    """Where this process's native kernels are."""
    return tempfile.TemporaryDirectory(prefix="dbt-bench-")


@cache
def _native(name: str) -> Path:
    target = Path(_directory().name) / name
    build.build_native(name, target)
    return target
