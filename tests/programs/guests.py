"""The Debian architectures whose programs are run, and where their sysroots are."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from runtime.linux.elf import HEAD_BYTES, guest_of
from tests.programs.cases import BUSYBOX


@dataclass(frozen=True)
class Guest:
    """``arch`` is dbt's name; ``variable`` names the environment variable with the sysroot's directory; ``machine`` is what uname says in a guest."""

    debian: str
    arch: str
    variable: str
    machine: str
    qemu: str

    def emulator(self) -> str | None:
        return shutil.which(self.qemu) or shutil.which(f"{self.qemu}-static")

    def missing(self) -> str:
        """Why its programs cannot run here, or an empty string."""
        sysroot = os.environ.get(self.variable)
        if not sysroot:
            return f"{self.variable} is not set: unpack one with tests/programs/fetch_sysroot.sh"
        if not Path(sysroot, BUSYBOX).exists():
            return f"{self.variable}={sysroot}: no Debian programs there"
        if self.emulator() is None:
            return f"{self.qemu} is not installed (package qemu-user)"
        return ""


GUESTS = (
    Guest("armhf", "arm", "DBT_SYSROOT", "armv7l", "qemu-arm"),
    Guest("i386", "i386", "DBT_SYSROOT_I386", "i686", "qemu-i386"),
    Guest("amd64", "x86_64", "DBT_SYSROOT_AMD64", "x86_64", "qemu-x86_64"),
)


def guest_of_sysroot(sysroot: Path) -> Guest:
    """Whose programs are in *sysroot*. ValueError if it has none."""
    with open(sysroot / BUSYBOX, "rb") as file:
        arch = guest_of(file.read(HEAD_BYTES))
    for guest in GUESTS:
        if guest.arch == arch:
            return guest
    raise ValueError(f"{sysroot}: {BUSYBOX} is no program for {', '.join(guest.debian for guest in GUESTS)}")
