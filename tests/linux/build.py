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


def main() -> None:
    for source in sorted((HERE / "src").glob("*.c")):
        target = HERE / f"{source.stem}.elf"
        mode = "-marm" if source.stem in ARM_MODE else "-mthumb"
        command = [sys.executable, "-m", "ziglang", "cc", "-target", "arm-linux-musleabihf", "-mcpu=cortex_a15", mode, *FLAGS, *QUIET]
        subprocess.run([*command, "-o", str(target), str(source)], check=True)
        print(f"{target.name}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
