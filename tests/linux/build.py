"""Builds the Linux test programs beside their sources: ``python -m tests.linux.build``. Static programs on musl, by the ``ziglang`` package (no root)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FLAGS = ("-Os", "-g0", "-s", "-static", "-fno-stack-protector", "-Wl,--build-id=none", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables")
# Undefined behaviour is what these programs are about: no sanitizer, no optimisation on the ground of it.
QUIET = ("-fno-sanitize=all", "-fno-delete-null-pointer-checks", "-Wno-infinite-recursion", "-fno-optimize-sibling-calls")
ARM_MODE = ("memory",)  # the others are Thumb, as Debian armhf is
X86 = {"i386": ("x86-linux-musl", "-mcpu=pentium4"), "x86_64": ("x86_64-linux-musl", "-mcpu=x86_64")}  # in a folder of that name: target, processor
X86_PROGRAMS = ("faults", "lockfree", "memory", "process", "signals", "snippet", "storm", "threads")
X86_ONLY = ("snippet",)


def compile_program(source: Path, target: Path, machine: tuple[str, ...]) -> None:
    """One static program by the compiler's *machine* options."""
    target.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "ziglang", "cc", *machine, *FLAGS, *QUIET, "-o", str(target), str(source)]
    subprocess.run(command, check=True)
    print(f"{target.relative_to(HERE)}: {target.stat().st_size} bytes")


def main() -> None:
    for source in sorted((HERE / "src").glob("*.c")):
        mode = "-marm" if source.stem in ARM_MODE else "-mthumb"
        if source.stem not in X86_ONLY:
            compile_program(source, HERE / f"{source.stem}.elf", ("-target", "arm-linux-musleabihf", "-mcpu=cortex_a15", mode))
        for arch, (target, processor) in X86.items():
            if source.stem in X86_PROGRAMS:
                compile_program(source, HERE / arch / f"{source.stem}.elf", ("-target", target, processor))


if __name__ == "__main__":
    main()
