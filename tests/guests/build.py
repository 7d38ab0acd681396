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
    "-O2",
    "-g0",
    "-static",
    "-nostdlib",
    "-ffreestanding",
    "-fno-stack-protector",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-Wl,--build-id=none",
]
PLAIN = ("-fno-unroll-loops", "-fno-vectorize", "-fno-slp-vectorize")  # loops that can be read in a dump


CORES = {"armv7": ("cortex_a15", "neon-vfpv4"), "armv8": ("cortex_a53", "neon-fp-armv8")}  # architecture: core, and its floating point for gcc


def compiler(isa: str = "a32", architecture: str = "armv7") -> list[str]:
    """The command of a C compiler for 32-bit ARM Linux that makes *isa* (a32 or t32) of an architecture of CORES; SystemExit if there is none."""
    core, floats = CORES[architecture]
    if importlib.util.find_spec("ziglang"):
        target = f"{'thumb' if isa == 't32' else 'arm'}-linux-musleabihf"
        return [sys.executable, "-m", "ziglang", "cc", "-target", target, f"-mcpu={core}", *PLAIN, "-Wno-unused-command-line-argument"]
    if shutil.which("arm-linux-gnueabihf-gcc"):
        mode = "-mthumb" if isa == "t32" else "-marm"
        return ["arm-linux-gnueabihf-gcc", f"-mcpu={core.replace('_', '-')}", f"-mfpu={floats}", "-fno-tree-vectorize", mode]
    raise SystemExit("build.py: no ARM compiler: pip install ziglang, or install gcc-arm-linux-gnueabihf")


def main() -> None:
    command = compiler()
    for source in sorted((HERE / "src").iterdir()):
        if source.suffix not in (".c", ".s"):
            continue
        target = HERE / f"{source.stem}.elf"
        subprocess.run([*command, *FLAGS, "-o", str(target), str(source)], check=True)
        print(f"{target.relative_to(HERE.parents[1])}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
