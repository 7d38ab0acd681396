"""Builds the guest programs beside their sources: ``make guests``.

Uses the ``ziglang`` package, which cross-compiles without root, else Debian's arm-linux-gnueabihf-gcc. The ELF files are checked in, so that
running the tests needs no compiler; they may differ from one compiler version to the next, and then the dumps need a bless.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FLAGS = [  # fmt: skip
    "-O2", "-g0", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector",
    "-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-Wl,--build-id=none",
]
PLAIN = ("-fno-unroll-loops", "-fno-vectorize", "-fno-slp-vectorize")  # loops that can be read in a dump
ARM = ("demo",)  # in A32; the others are T32, as Debian armhf is


def compiler() -> list[str]:
    """The command of a C compiler for 32-bit ARM Linux; SystemExit if there is none."""
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc", "-target", "arm-linux-musleabihf", "-mcpu=cortex_a15", *PLAIN, "-Wno-unused-command-line-argument"]
    if shutil.which("arm-linux-gnueabihf-gcc"):
        return ["arm-linux-gnueabihf-gcc", "-mcpu=cortex-a15", "-mfpu=neon-vfpv4", "-fno-tree-vectorize"]
    raise SystemExit("build.py: no ARM compiler: pip install ziglang, or install gcc-arm-linux-gnueabihf")


def main() -> None:
    command = compiler()
    for source in sorted((HERE / "src").iterdir()):
        if source.suffix not in (".c", ".s"):
            continue
        target = HERE / f"{source.stem}.elf"
        mode = [] if source.suffix == ".s" else ["-marm" if source.stem in ARM else "-mthumb"]
        subprocess.run([*command, *FLAGS, *mode, "-o", str(target), str(source)], check=True)
        print(f"{target.relative_to(HERE.parents[1])}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
