"""Where a measurement was taken, and the other emulators to hold ours against."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from dbt import __version__
from runtime.linux.errors import UsageError

MEASURED = ("dbt", "runtime", "bench")  # folders
REPOSITORY = Path(__file__).resolve().parents[1]
_TRIPLETS = {"i386": "i386-linux-gnu", "x86_64": "x86_64-linux-gnu"}


def qemu(arch: str = "arm") -> str:
    """The command of QEMU's user mode for guests of *arch*."""
    found = shutil.which(f"qemu-{arch}") or shutil.which(f"qemu-{arch}-static")
    if found is None:
        raise UsageError(f"bench: qemu-{arch}: not found: install qemu-user, or leave --against qemu out")
    return found


def qemu_options(arch: str, sysroot: str) -> list[str]:
    """What names *sysroot* to QEMU. The loader of x86 guests asks for folders as the host has them: those of the sysroot are given by full names."""
    triplet = _TRIPLETS.get(arch)
    folders = ":".join(str(Path(sysroot, parent, triplet)) for parent in ("usr/lib", "lib")) if triplet else ""
    return ["-L", sysroot, *(["-E", f"LD_LIBRARY_PATH={folders}"] if folders else [])]


def qemu_version(arch: str = "arm") -> str:
    return subprocess.run([qemu(arch), "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def ours(*words: str) -> list[str]:
    """The command ``dbt run`` with *words*."""
    return [sys.executable, "-m", "dbt", "run", *words]


def environment(**changes: str) -> dict[str, str]:
    """This process's environment, with this checkout's packages first. Python keeps the modules that it compiles, as it does for users."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(REPOSITORY), **changes}


def describe() -> dict[str, object]:
    """The host and the versions of what runs there. Holds nothing that changes from one commit to the next, so that reports can be compared."""
    return {
        "cpu": _cpu_model(), "processors": os.cpu_count(), "machine": platform.machine(), "kernel": platform.release(),
        "python": platform.python_version(), "dbt": __version__, **{name: _package(name) for name in ("llvmlite", "numba", "unicorn")},
    }  # fmt: skip


def commit() -> str | None:
    """The commit of this checkout, with ``+`` if files of what is measured differ from it; None without git."""
    try:
        name = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True)
        same = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", *MEASURED], cwd=REPOSITORY, capture_output=True)
    except FileNotFoundError:
        return None
    return name.stdout.strip() + ("+" if same.returncode else "") if name.returncode == 0 else None


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())


def _package(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
