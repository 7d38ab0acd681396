"""A guest program to run, and the names it goes by."""

from __future__ import annotations

import os

from runtime.linux.errors import UsageError
from runtime.linux.sysroot import Sysroot


class Program:
    """``path`` is where the file is on the host. The guest sees ``execfn`` (what execve was called with) and ``exe`` (/proc/self/exe)."""

    __slots__ = ("path", "argv", "envp", "execfn", "exe")

    def __init__(self, path: str, argv: list[bytes], envp: list[bytes], execfn: bytes, exe: bytes) -> None:
        self.path, self.argv, self.envp, self.execfn, self.exe = path, argv, envp, execfn, exe


def first_program(path: str, argv: list[bytes], envp: list[bytes], sysroot: str | None) -> Program:
    """The program that the user named by the host path *path*. UsageError if *sysroot* is no directory."""
    if sysroot is not None and not os.path.isdir(sysroot):
        raise UsageError(f"{sysroot}: the sysroot (-L) is not a directory")
    name = os.fsencode(path)
    return Program(path, argv, envp, name, Sysroot(sysroot).guest_path(os.path.abspath(name)))
