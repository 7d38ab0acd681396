"""The host kernel: raw syscalls, its memory, and the native stubs."""

from __future__ import annotations

import ctypes
import os

from runtime.linux.errors import UsageError
from runtime.linux.hostnr import NR
from runtime.linux.hoststub import BLOCK_BYTES, CALL, CLEAR_BITS, HANDLER, RESTORER, stub_code

MAX_THREADS = 4096
PAGE = 4096

_PROT_NONE, _PROT_READ, _PROT_WRITE, _PROT_EXEC = 0, 1, 2, 4
_MAP_PRIVATE, _MAP_ANONYMOUS, _MAP_NORESERVE = 2, 0x20, 0x4000


class Host:
    """One a process. ``nr`` holds the host's syscall numbers; ``call`` and ``quick`` return the kernel's result, -errno on error."""

    def __init__(self) -> None:
        machine = os.uname().machine
        if os.sysconf("SC_PAGESIZE") != PAGE:
            raise UsageError(f"this host has pages of {os.sysconf('SC_PAGESIZE')} bytes: Linux user mode needs {PAGE}")
        try:
            self.nr = NR
            libc = ctypes.CDLL(None)
            libc.mmap.restype = ctypes.c_void_p
            libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
            libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
            area = libc.mmap(None, PAGE + (1 + MAX_THREADS) * BLOCK_BYTES, _PROT_READ | _PROT_WRITE, _MAP_PRIVATE | _MAP_ANONYMOUS | _MAP_NORESERVE, -1, 0)
            if area in (None, ctypes.c_void_p(-1).value):
                raise UsageError("the host has no memory left for the signal blocks")
            self.directory = area + PAGE
            code = stub_code(machine, self.directory)
        except KeyError:
            raise UsageError(f"Linux user mode does not support the host {machine}") from None
        ctypes.memmove(area, code, len(code))
        libc.mprotect(area, PAGE, _PROT_READ | _PROT_EXEC)
        self.first_block = self.directory + BLOCK_BYTES
        self.words = (ctypes.c_uint64 * 2).from_address(self.directory)
        self.words[0] = self.words[1] = self.first_block
        self._quiet = ctypes.c_uint64(0)  # a request word that never asks for anything
        self._quiet_at = ctypes.addressof(self._quiet)
        long = ctypes.c_long
        self.handler = area + HANDLER
        self.restorer = area + RESTORER
        self.call_at = area + CALL
        self.call = ctypes.CFUNCTYPE(long, long, long, long, long, long, long, long, long)(area + CALL)
        self._clear = ctypes.CFUNCTYPE(None, long, long)(area + CLEAR_BITS)
        self.libc = libc

    def quick(self, nr: int, a: int = 0, b: int = 0, c: int = 0, d: int = 0, e: int = 0, f: int = 0) -> int:
        """A host syscall that signals need not interrupt."""
        return self.call(nr, a, b, c, d, e, f, self._quiet_at)  # type: ignore[no-any-return]

    def forget_blocks(self) -> None:
        """All signal blocks are free: a fork's child or a new program image has one thread."""
        self.words[1] = self.words[0]

    def clear_bits(self, word: int, bits: int) -> None:
        """Atomically clear *bits* of the 32-bit word at host address *word*."""
        self._clear(word, bits)

