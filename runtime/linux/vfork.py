"""vfork, and what posix_spawn makes of it: the parent sees what the child wrote before it ran another program or ended.

The child is a fork, so that it can take over its host process when it runs another guest program. What it shares with its parent is made up for: the first
write to a page is caught (the page loses PAGE_WRITE in the child) and the page is kept as it was. When the child leaves, the bytes that differ go to the
parent, which is suspended until then and puts them into its own memory. So other threads of the parent lose nothing that they wrote meanwhile to the same
pages.

Mappings that the child makes or gives up stay its own.
"""

from __future__ import annotations

import contextlib
import os
from struct import Struct

from dbt.abi.memory import PAGE_SIZE
from dbt.abi.syscalls import Native
from runtime.linux import nativecalls
from runtime.linux.mm import PROT_WRITE
from runtime.memory import GuestFault, GuestMemory

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.process import Process

_RUN = Struct("<QI")  # address and length of the bytes that follow
_CHUNK = 64  # bytes compared at once


class ChildWrites:
    """The child's side. *report* is the descriptor of the pipe to the parent, which goes on when all copies of it are closed."""

    def __init__(self, process: Process, report: int) -> None:
        self.memory: GuestMemory = process.memory
        self.space = process.space
        self._report = report
        self._before: dict[int, bytes] = {}  # page -> its bytes when the parent last heard of it
        self._written: list[tuple[int, int]] = []  # (address, length) of what the host's kernel wrote
        self._closed_pages: set[int] = set()
        process.engine.watch_stores(again=False)  # the host's pages stay as they are; soon another program runs here
        with self.space.lock:
            for area in self.space.areas:
                if area.prot & PROT_WRITE and not area.shared and area.file_end > area.start:
                    self._closed_pages.update(range(area.start, area.file_end, PAGE_SIZE))
                    self.memory.set_flags(area.start, area.file_end - area.start, self.space.page_flags(area.prot & ~PROT_WRITE))
        nativecalls.leave_to_python(process, Native.READ)
        self.memory.write = self._write  # type: ignore[method-assign]
        self.memory.wrote = self._wrote  # type: ignore[method-assign]

    def open(self, addr: int) -> bool:
        """Before a write to the page of *addr*; False if it was open already, or is none of those."""
        page = addr & -PAGE_SIZE
        if page not in self._closed_pages:
            return False
        self._closed_pages.discard(page)
        with self.space.lock:
            area = self.space.find(page)
            if area is None or not area.prot & PROT_WRITE:
                return False
            self._before[page] = self.memory.read(page, PAGE_SIZE)
            self.memory.set_flags(page, PAGE_SIZE, self.space.page_flags(area.prot))
        return True

    def _write(self, address: int, data: bytes | bytearray | memoryview) -> None:
        for page in range(address & -PAGE_SIZE, address + len(data), PAGE_SIZE):
            self.open(page)
        GuestMemory.write(self.memory, address, data)

    def _wrote(self, address: int, length: int) -> None:
        self._written.append((address, length))
        GuestMemory.wrote(self.memory, address, length)

    def tell_parent(self) -> None:
        """Send what was written since the last time."""
        if self._report < 0:
            return
        message = b""
        for address, length in self._written:
            with contextlib.suppress(GuestFault):
                message += _RUN.pack(address, length) + self.memory.read(address, length)
        self._written.clear()
        for page, before in self._before.items():
            with contextlib.suppress(GuestFault):
                now = self.memory.read(page, PAGE_SIZE)
                message += b"".join([_RUN.pack(page + at, end - at) + now[at:end] for at, end in differences(before, now)])
                self._before[page] = now
        with contextlib.suppress(OSError):
            while message:
                message = message[os.write(self._report, message) :]

    def detach(self) -> None:
        """In a child of this child: the parent is none of its business."""
        os.close(self._report)
        self._report = -1


def differences(before: bytes, now: bytes) -> list[tuple[int, int]]:
    """(start, end) of each run of bytes that differ."""
    runs: list[tuple[int, int]] = []
    for chunk in range(0, len(now), _CHUNK):
        if before[chunk : chunk + _CHUNK] == now[chunk : chunk + _CHUNK]:
            continue
        for at in range(chunk, min(chunk + _CHUNK, len(now))):
            if before[at] != now[at]:
                if runs and runs[-1][1] == at:
                    runs[-1] = (runs[-1][0], at + 1)
                else:
                    runs.append((at, at + 1))
    return runs


def wait_for_child(memory: GuestMemory, report: int) -> None:
    """The parent's side: until the child has left, then write what it wrote. Of a child that was killed at the wrong moment the last bytes are lost."""
    message = b""
    while part := os.read(report, 1 << 16):
        message += part
    at = 0
    while at + _RUN.size <= len(message):
        address, length = _RUN.unpack_from(message, at)
        at += _RUN.size
        with contextlib.suppress(GuestFault):
            memory.write(address, message[at : at + length])
        at += length
