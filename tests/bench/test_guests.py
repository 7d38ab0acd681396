"""The benchmarks' guest programs give here what they give on qemu-arm and, built for the host, natively."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.guests import build
from bench.kernels import SUITES
from bench.slices import parse
from tests.patience import SECONDS

REPOSITORY = Path(__file__).resolve().parents[2]
NO_KERNELS = {"llsc", "phases"}
LOOPS = "3"
CHECKSUMS = {
    "aes": "675efdf8",
    "bigmul": "cada7b9b",
    "clock_gettime": "bb8",
    "crc32_bits": "eac2f7ba",
    "dot": "a3caf243",
    "fft": "ff23d508",
    "futex_turns": "258",
    "getppid": "bb8",
    "hash_table": "c5921d",
    "linked_list": "b62e2e73",
    "lz": "a45ea1",
    "mandelbrot": "b26c5a96",
    "matmul_float": "199e17d",
    "matmul_int": "199e17d",
    "nbody": "2302cf42",
    "qsort_call": "c18ef4b4",
    "queens": "9aac",
    "setjmp": "d94aa464",
    "sha256": "6f561c1",
    "sha512": "71ff48fe",
    "strings": "628b3971",
    "switch_vm": "a8583e5c",
    "thread_join": "3",
    "write": "bb8",
}


SHARED_CHECKSUMS = {"crc32": "d43b5bfc", "fib": "2b6306f", "matmul": "382d1537", "quicksort": "e45c5457", "sieve": "31b30a0d"}


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "dbt", "run", *words], cwd=REPOSITORY, capture_output=True, text=True, timeout=SECONDS)


@pytest.mark.parametrize("name", CHECKSUMS)
def test_kernel(name: str) -> None:
    done = run(str(build.HERE / f"{name}.elf"), LOOPS)
    assert (done.returncode, done.stdout) == (0, f"{name} {CHECKSUMS[name]}\n"), done.stderr


@pytest.mark.parametrize("arch", build.X86)
def test_x86_kernels(arch: str) -> None:
    """The same results as the ARM ones': integers, and floating point by SSE2 in the same steps."""
    checksums = {name: sum_ for name, sum_ in (CHECKSUMS | SHARED_CHECKSUMS).items() if name not in build.NOT_X86}
    found = {name: run(str(build.program(name, arch)), LOOPS) for name in checksums}
    assert {name: (done.returncode, done.stdout) for name, done in found.items()} == {name: (0, f"{name} {sum_}\n") for name, sum_ in checksums.items()}


@pytest.mark.parametrize("kernel", ["branch", "vm", "calls"])
def test_phases_agree(kernel: str) -> None:
    found = {arch: run(str(build.program("phases", arch)), "2", kernel, "abba").stdout.splitlines()[-1] for arch in (build.ARM, *build.X86)}
    assert len(set(found.values())) == 1, found


def test_every_kernel_is_measured_and_has_its_program() -> None:
    own = {path.stem for path in build.HERE.glob("*.elf")} - NO_KERNELS
    assert own == set(CHECKSUMS) == {path.stem for path in build.SOURCES.glob("*.c")} - NO_KERNELS
    measured = [kernel.name for kernels in SUITES.values() for kernel in kernels]
    assert own <= set(measured) and len(set(measured)) == len(measured)
    for arch in (build.ARM, *build.X86):
        assert all(build.program(name, arch).exists() for name in measured if arch == build.ARM or name not in build.NOT_X86)


@pytest.mark.skipif(build.native_compiler() is None, reason="no C compiler for this host")
@pytest.mark.parametrize("name", ["sha512", "fft"])
def test_native_kernel_agrees(name: str, tmp_path: Path) -> None:
    assert build.build_native(name, tmp_path / name)
    done = subprocess.run([tmp_path / name, LOOPS], capture_output=True, text=True, timeout=SECONDS)
    assert done.stdout == f"{name} {CHECKSUMS[name]}\n"


LLSC_ARM = ("range", "twolock", "ticket", "private", "neighbours", "plain", "stores", "fresh", "handover")
LLSC_X86 = (("i386", "host", "range"), ("i386", "llsc", "stack"), ("x86_64", "host", "stack"), ("x86_64", "llsc", "fresh"))


@pytest.mark.parametrize(("arch", "atomics", "kernel"), [*[("arm", "host", kernel) for kernel in LLSC_ARM], *LLSC_X86])
def test_llsc_loses_nothing(arch: str, atomics: str, kernel: str) -> None:
    """Four threads, two thousand operations: the guest itself checks what is left. Those that pass a word on wait for each other all the time: two."""
    threads, operations = (2, 200) if kernel == "handover" else (4, 2000)
    done = run("--x86-atomics", atomics, str(build.program("llsc", arch)), kernel, str(threads), "2", "0", "0", str(operations))
    fields = parse(done.stdout)
    assert done.returncode == 0 and fields["wrong"] == 0 and fields["ops"] >= operations, done.stdout + done.stderr


def test_llsc_refuses_bad_words() -> None:
    done = run(str(build.HERE / "llsc.elf"), "range", "4", "3", "0", "0")
    assert done.returncode == 2 and done.stdout.startswith("usage: ")


@pytest.mark.parametrize("arch", [build.ARM, *build.X86])
def test_unicorn_runs_a_kernel(arch: str) -> None:
    pytest.importorskip("unicorn")
    command = [sys.executable, "-m", "bench.unicorn_guest", str(build.program("dot", arch)), LOOPS]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=SECONDS)
    assert done.stdout == f"dot {CHECKSUMS['dot']}\n", done.stderr


def test_kernel_times_itself() -> None:
    done = run(str(build.HERE / "dot.elf"), LOOPS, "timed")
    *checksums, times = done.stdout.splitlines()
    assert len(checksums) == 2 and set(parse(times)) == {"first_us", "second_us"}
