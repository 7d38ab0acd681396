"""Builds the benchmarks' guest programs beside their sources: ``make guests``. And the same kernels for the host, as a yardstick.

The ELF files are checked in, so that measuring needs no compiler. Most are T32, as Debian armhf is; those of ``A32`` are not.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.guests.build import FLAGS, compiler

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "src"
SHARED = HERE.parents[1] / "tests" / "guests" / "src"  # guest.h
A32 = ("llsc", "crc32_bits", "sha256", "nbody", "queens")
# r7 is the system call's number, and the frame pointer of T32; programs of one file use some of what their header offers.
COMMON = (*FLAGS, "-fomit-frame-pointer", "-fno-math-errno", "-Wall", "-Wno-unused-function", f"-I{SHARED}")


def native_compiler() -> list[str] | None:
    """The command of a C compiler for this host, or None."""
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc", "-mcpu=native", "-fno-vectorize", "-fno-slp-vectorize", "-fno-unroll-loops"]
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return [name, "-march=native", "-fno-tree-vectorize"]
    return None


def build_native(name: str, target: Path) -> bool:
    """Build kernel *name* for the host as *target*, with the flags of the guest program; False if there is no compiler."""
    command = native_compiler()
    if command is None:
        return False
    source = next(path for path in (SOURCES / f"{name}.c", SHARED / f"{name}.c") if path.exists())
    subprocess.run([*command, *COMMON, "-o", str(target), str(source)], check=True)
    return True


def main() -> None:
    for source in sorted(SOURCES.glob("*.c")):
        target = HERE / f"{source.stem}.elf"
        subprocess.run([*compiler("a32" if source.stem in A32 else "t32"), *COMMON, "-s", "-o", str(target), str(source)], check=True)
        print(f"{target.relative_to(HERE.parents[1])}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
