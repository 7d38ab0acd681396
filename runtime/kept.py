"""Quick code that outlives its process: a program's next start enters it the first time a block is built, and makes nothing.

At its end a process leaves the blocks that it executed more than now and then to the compile server, if there are enough of them that have no kept code
(``leave``). The server makes quick code of them and of those left before, all in one piece with jumps from one to the other
(``runtime.compileserver.keeper``), in a file of the program's own. The next process maps that file, and the block builder gives each block its code
(``runtime.kernels.kept``). So a file that is old or another program's does no harm, and one that is damaged is not used.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the module signal costs a warm start its import of enum
import contextlib
import ctypes
import mmap
import os
import struct
import time
import zlib
from _blake2 import blake2b

from runtime import codecache
from runtime.faults import FaultTable
from runtime.own_files import open_apart, replacing, write_all
from runtime.paths import cache_dir
from runtime.process_block import KEPT_ENTRY_BYTES, bucket_of, kept_entry
from runtime.sources import facts, source_files

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Collection

    from dbt.pipeline import Start
    from runtime.engine import Engine

LEAST = 32  # executions of a block that is left
ENOUGH = 12 << 10  # bytes of blocks without kept code (some forty) that are worth a new file...
SHARE = 16  # ...if they are this part of those that are kept, at least
REGIONS = 4  # regions entered that the file does not know, which are worth one too
HOT_SOON = 1000  # executions of a kept block until the region that it has on disk is entered
SUFFIX = ".kept"
LEFT_SUFFIX = ".left"
_SOURCES = ("dbt/backend/quick", "runtime/compileserver/keeper.py", "runtime/kept.py")
_MAGIC = b"dbt-kept"
# Magic, CRC-32 of what follows it up to the end of the data, then sizes in bytes: the table, the faults behind it, the code, the data, and the blocks that it
# all was made of.
# Table, code and data begin at pages.
_HEADER = struct.Struct("<8sI5Q")
_BODY = 12  # where what the CRC is of begins
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
PATIENCE = 60  # seconds that a request is taken to be under way
FIRST = 1 << 62  # weight of the request: the file serves a next run that may come at once
_TAG, _HOT_AT = struct.Struct("<Q"), struct.Struct("<I")
_FAILED = ctypes.c_void_p(-1).value


def version(kind: str) -> str:
    """Hexadecimal name of everything that decides what quick code a block becomes."""
    return blake2b(codecache.fingerprint(kind).encode() + facts(source_files(_SOURCES)), digest_size=16).hexdigest()


def directory() -> str:
    return os.path.join(cache_dir(), "quick")


def _pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE


class Parts:
    """Where a file has what: offsets in bytes."""

    __slots__ = ("table", "faults", "code", "data", "left", "end")

    def __init__(self, table: int, faults: int, code: int, data: int, left: int) -> None:
        self.table = mmap.PAGESIZE
        self.faults = self.table + table
        self.code = _pages(self.faults + faults)
        self.data = self.code + _pages(code)
        self.left = self.data + _pages(data)
        self.end = self.left + left


def write(path: str, table: bytes, faults: bytes, code: bytes, data: bytes, left: bytes) -> None:
    """Write a file; OSError if there is no room."""
    sizes = (len(table), len(faults), len(code), len(data), len(left))
    parts = Parts(*sizes)
    head = _HEADER.pack(_MAGIC, 0, *sizes)[_BODY:].ljust(mmap.PAGESIZE - _BODY, b"\0")
    body = b"".join([head, (table + faults).ljust(parts.code - parts.table, b"\0"), code.ljust(parts.data - parts.code, b"\xcc"),
                     data.ljust(parts.left - parts.data, b"\0")])  # fmt: skip
    with replacing(path) as file:
        write_all(file, _MAGIC + zlib.crc32(body).to_bytes(4, "little") + body + left)


def _sizes(head: bytes, size: int) -> tuple[int, int, int, int, int] | None:
    """What the header *head* of a file of *size* bytes says, if it can be true."""
    if len(head) < _HEADER.size or head[:8] != _MAGIC:
        return None
    _, _, table, faults, code, data, left = _HEADER.unpack(head)
    return (table, faults, code, data, left) if Parts(table, faults, code, data, left).end == size else None


def parts_before(path: str) -> tuple[bytes, bytes]:
    """The table of file *path* and what it was made of; nothing if there is none."""
    try:
        with open_apart(path, os.O_RDONLY) as file:
            size = os.fstat(file).st_size
            sizes = _sizes(os.pread(file, _HEADER.size, 0), size)
            if sizes is not None:
                parts = Parts(*sizes)
                return os.pread(file, parts.faults - parts.table, parts.table), os.pread(file, size - parts.left, parts.left)
    except OSError:
        pass
    return b"", b""


class Kept:
    """The file of program *name* (any bytes that tell it from others), mapped if there is a sound one."""

    def __init__(self, engine: Engine, name: bytes, kind: str) -> None:
        self._engine = engine
        self.version = version(kind)
        self.kind = kind
        self.path = os.path.join(directory(), f"{blake2b(name, digest_size=8).hexdigest()}-{self.version}{SUFFIX}")
        self._inode = 0  # of the file, if there was one
        self._at = self._size = 0  # of the mapping
        self._table = self._mask = 0  # its hash table
        self._data = 0  # bytes of data
        self._made_of = 0  # bytes of the blocks that the file was made of
        self._faults: FaultTable | None = None
        self._leave = engine.image.function("leave_blocks", ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64)
        self._map()

    def _map(self) -> None:
        try:
            with open_apart(self.path, os.O_RDONLY) as file:
                status = os.fstat(file)
                self._inode = status.st_ino
                sizes = _sizes(os.pread(file, _HEADER.size, 0), status.st_size)
                if sizes is None:
                    return
                parts = Parts(*sizes)
                at = _libc.mmap(None, parts.left, mmap.PROT_READ, mmap.MAP_PRIVATE, file, 0)
        except OSError:
            return
        if at == _FAILED:
            return
        view = memoryview((ctypes.c_char * parts.left).from_address(at)).cast("B")
        sound = zlib.crc32(view[_BODY:]) == int.from_bytes(view[8:_BODY], "little")
        if not sound or not self._protect(at, parts):
            _libc.munmap(at, parts.left)
            return
        block = self._engine.block
        if sizes[1]:
            self._faults = FaultTable(at + parts.code, parts.data - parts.code)
            self._faults.add(0, bytes(view[parts.faults : parts.faults + sizes[1]]))
        self._at, self._size = at, parts.left
        self._data, self._made_of = sizes[3:]
        block.put("kept_code", at + parts.code)
        block.put("kept_data", at + parts.data)
        self._table, self._mask = at + parts.table, sizes[0] // KEPT_ENTRY_BYTES - 1
        block.put("kept_mask", self._mask)
        block.put("kept", self._table)

    @staticmethod
    def _protect(at: int, parts: Parts) -> bool:
        """False if the system does not let this file be executed."""
        code, data = ctypes.c_void_p(at + parts.code), ctypes.c_void_p(at + parts.data)
        return not _libc.mprotect(code, ctypes.c_size_t(parts.data - parts.code), mmap.PROT_READ | mmap.PROT_EXEC) and not _libc.mprotect(
            data, ctypes.c_size_t(parts.left - parts.data), mmap.PROT_READ | mmap.PROT_WRITE
        )

    # The end ----------------------------------------------------------------------------------------------------------
    def _knows(self, start: Start) -> bool:
        """True if the file has code for the block at *start*, and that its region is on disk."""
        table, mask = self._table, self._mask
        tag = start[0] | start[1] << 48
        for number in range(bucket_of(tag, mask), bucket_of(tag, mask) + mask + 1):
            entry = ctypes.string_at(table + (number & mask) * KEPT_ENTRY_BYTES, KEPT_ENTRY_BYTES)
            if not any(entry):
                return False
            if _TAG.unpack_from(entry, kept_entry.offset("tag"))[0] == tag and _HOT_AT.unpack_from(entry, kept_entry.offset("hot_at"))[0] == HOT_SOON:
                return True
        return False

    def leave(self, regions: Collection[Start], made: bool) -> None:
        """Have the compile server make a new file, if that is worth while. *regions*: where regions that are on disk were entered first; *made*: this process
        had to make quick code, and import what that takes. Whatever goes wrong costs the next start some time."""
        address = self._engine.block.address
        need = self._leave(address, LEAST, self._data, None, 0)
        new = [start for start in regions if not self._at or not self._knows(start)]
        worth = need * SHARE >= self._made_of and (need >= ENOUGH or need > 0 and made)
        left = self.path + LEFT_SUFFIX
        if not worth and len(new) < REGIONS or self._being_made(left):
            return
        buffer = ctypes.create_string_buffer(need)
        self._leave(address, LEAST, self._data, buffer, need)
        with contextlib.suppress(OSError):
            os.makedirs(directory(), exist_ok=True)
            with replacing(left) as file:
                write_all(file, memoryview(buffer))
            self._ask(left, list(regions))

    def _being_made(self, left: str) -> bool:
        """True if another process has had a new file made, or asked for it a moment ago: a shell's children end in dozens."""
        with contextlib.suppress(OSError):
            if time.time() - os.stat(left).st_mtime < PATIENCE:
                return True
        try:
            return os.stat(self.path).st_ino != self._inode
        except OSError:
            return False

    def _ask(self, left: str, regions: list[Start]) -> None:
        from runtime.compileserver.channel import Closed, Message
        from runtime.compileserver.client import Client, Unavailable
        from runtime.compileserver.requests import KeepRequest

        engine = self._engine
        request = KeepRequest(self.kind, self.version, engine.arch, engine.unchecked_loads, self.path, left, regions)
        blocked = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
        client = Client()
        try:
            client.send(Message(0, FIRST, request.pack()))
        except (Closed, Unavailable):
            os.unlink(left)
        finally:
            client.close()
            _signal.pthread_sigmask(_signal.SIG_SETMASK, blocked)

    def close(self) -> None:
        """Give the memory back, after the engine's: until then blocks that die say so in it."""
        if self._faults is not None:
            self._faults.clear()
        if self._at:
            _libc.munmap(self._at, self._size)
            self._at = 0
