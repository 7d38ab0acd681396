"""A hash table and its area in the process block, kept in a file as they are: loading is one private mapping, whatever its size.

The header page is checked when the file is loaded, each entry of the area when it is used (``runtime.kernels.templates.sound``), so a file that a
killed process or a full disk left behind, or anybody changed, costs time and does no harm. Files are replaced in one step, never written in place.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import zlib
from _blake2 import blake2b

from dbt.abi.memory import PAGE_SIZE
from runtime.own_files import forget_others, open_apart, replacing, write_all
from runtime.process_block import ProcessBlock, proc
from runtime.sources import facts, source_files

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Callable

_MAGIC = b"dbt-area"
_HEADER = struct.Struct("<8s16sQQI")  # magic, fingerprint, end of the area, entries, CRC of the fields before
_PROT_READ, _PROT_WRITE, _MAP_PRIVATE, _MAP_FIXED = 1, 2, 2, 0x10
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)


def fingerprint(sources: tuple[str, ...]) -> bytes:
    """Names, sizes and times of the Python files *sources*, or of those in the folders *sources*, relative to the program's root."""
    return blake2b(facts(source_files(sources)), digest_size=16).digest()


class AreaFile:
    """The part of *block* from field *first* to the end of the area, whose used end and number of entries are the fields *end* and *count*.

    The file is *stem*, fingerprint and *suffix* in *directory*."""

    def __init__(self, block: ProcessBlock, fields: tuple[str, str, str, str], directory: str, stem: str, suffix: str, print_: bytes) -> None:
        first, area, self._end, self._count = fields
        self._block = block
        self._first = proc.offset(first)
        self._area = proc.offset(area)
        self._limit = self._area + proc[area].size * proc[area].count
        self._directory, self._stem, self._print = directory, stem, print_
        self.path = os.path.join(directory, f"{stem}-{print_.hex()}{suffix}")
        self.loaded = 0  # entries that came from the file
        self._loaded_from: tuple[int, int] | None = None  # inode and time of that file

    def _read_header(self, descriptor: int) -> tuple[int, int] | None:
        """(end of the area, entries) of a sound file."""
        head = os.pread(descriptor, _HEADER.size, 0)
        if len(head) < _HEADER.size:
            return None
        magic, print_, end, count, check = _HEADER.unpack(head)
        sound = magic == _MAGIC and print_ == self._print and check == zlib.crc32(head[:-4])
        if not sound or not self._area <= end <= self._limit or os.fstat(descriptor).st_size != PAGE_SIZE + end - self._first:
            return None
        return end, count

    def load(self) -> bool:
        """Map the file, if there is a sound one."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            header = self._read_header(descriptor)
            if header is None:
                return False
            end, count = header
            at = self._block.address + self._first
            if _libc.mmap(at, end - self._first, _PROT_READ | _PROT_WRITE, _MAP_PRIVATE | _MAP_FIXED, descriptor, PAGE_SIZE) != at:
                return False
            stat = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        self._block.put(self._end, end)
        self._block.put(self._count, count)
        self.loaded = count
        self._loaded_from = (stat.st_ino, stat.st_mtime_ns)
        return True

    def save(self, merge: Callable[[bytes], None] | None = None) -> None:
        """Replace the file, if there are new entries. *merge* gets the area of a file that another process has written since ours was loaded; without it
        such a file stays. A cache that can't be written is left alone."""
        if self._block.get(self._count) <= self.loaded:
            return
        with contextlib.suppress(OSError):
            self._save(merge)

    def _save(self, merge: Callable[[bytes], None] | None) -> None:
        import fcntl

        os.makedirs(self._directory, exist_ok=True)
        with open_apart(os.path.join(self._directory, "lock"), os.O_RDWR | os.O_CREAT) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            others = self._written_by_others()
            if others is not None:
                if merge is None:
                    return
                merge(others)
            self._write()
            forget_others(self.path, self._stem + "-")

    def _write(self) -> None:
        end, count = self._block.get(self._end), self._block.get(self._count)
        head = _HEADER.pack(_MAGIC, self._print, end, count, 0)[:-4]
        page = (head + struct.pack("<I", zlib.crc32(head))).ljust(PAGE_SIZE, b"\0")
        with replacing(self.path) as file:
            for part in (page, (ctypes.c_char * (end - self._first)).from_address(self._block.address + self._first)):
                write_all(file, memoryview(part))
        stat = os.stat(self.path)
        self.loaded = count
        self._loaded_from = (stat.st_ino, stat.st_mtime_ns)

    def _written_by_others(self) -> bytes | None:
        """The area of the file, if it is sound and not the one that was loaded."""
        try:
            with open_apart(self.path, os.O_RDONLY) as descriptor:
                stat = os.fstat(descriptor)
                header = self._read_header(descriptor)
                if header is None or (stat.st_ino, stat.st_mtime_ns) == self._loaded_from:
                    return None
                return os.pread(descriptor, header[0] - self._area, PAGE_SIZE + self._area - self._first)
        except OSError:
            return None
