"""Builds the benchmarks' guest programs beside their sources: ``make guests``. And the same kernels for the host, as a yardstick.

The ELF files are checked in, so that measuring needs no compiler. Most ARM ones are T32, as Debian armhf is; those of ``A32`` are not. The folders ``i386`` and
``x86_64`` have all kernels for these, also those that for ARM are beside their sources in ``tests/guests``.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.guests.build import FLAGS, PLAIN, compiler

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "src"
SHARED = HERE.parents[1] / "tests" / "guests" / "src"  # guest.h
A32 = ("llsc", "crc32_bits", "sha256", "nbody", "queens")
ARM = "arm"
X86 = {"i386": ("x86-linux-musl", "pentium4", "-mfpmath=sse"), "x86_64": ("x86_64-linux-musl", "x86_64")}  # target, processor, options of clang
NOT_X86 = ("demo",)  # no benchmark
# r7 is the system call's number, and the frame pointer of T32; programs of one file use some of what their header offers.
COMMON = (*FLAGS, "-fomit-frame-pointer", "-fno-math-errno", "-Wall", "-Wno-unused-function", f"-I{SHARED}")


def program(name: str, arch: str = ARM) -> Path:
    """Where kernel *name* for *arch* is."""
    if arch != ARM:
        return HERE / arch / f"{name}.elf"
    return (SHARED.parent if (SHARED / f"{name}.c").exists() else HERE) / f"{name}.elf"


def x86_compiler(arch: str) -> list[str]:
    """The command of a C compiler for Linux on *arch*, a key of X86. Needs the ``ziglang`` package."""
    target, processor, *options = X86[arch]
    return [sys.executable, "-m", "ziglang", "cc", "-target", target, f"-mcpu={processor}", *options, *PLAIN, "-fno-pic", "-no-pie"]


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


def compile_guest(command: list[str], source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    subprocess.run([*command, *COMMON, "-s", "-o", str(target), str(source)], check=True)
    print(f"{target.relative_to(HERE.parents[1])}: {target.stat().st_size} bytes")


def main() -> None:
    own = sorted(SOURCES.glob("*.c"))
    for source in own:
        compile_guest(compiler("a32" if source.stem in A32 else "t32"), source, program(source.stem))
    for source in (*own, *sorted(SHARED.glob("*.c"))):
        if source.stem not in NOT_X86:
            for arch in X86:
                compile_guest(x86_compiler(arch), source, program(source.stem, arch))


if __name__ == "__main__":
    main()
