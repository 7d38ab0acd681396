"""Compiled regions on disk, shared by all processes and programs.

One file a kind of code and translator version (its name has the version's fingerprint): records appended under a file lock, each with its own checksum. A
record is used only if the guest bytes it was made from are those in memory now, so neither an old file nor another program's region can do harm; whatever
does not read well is skipped.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import zlib
from _blake2 import blake2b

from runtime import image
from runtime.own_files import forget_others, open_apart, replacing, write_all
from runtime.paths import cache_dir
from runtime.sources import facts, source_files

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dbt.pipeline import Fetch, Start

MAX_BYTES = 128 << 20  # a file that grows beyond this loses its older half
_SUFFIX = ".regions"
_SOURCES = ("dbt/ir", "dbt/ir/passes", "dbt/abi", "dbt/backend", "dbt/backend/llvm", "dbt/backend/tier0", "dbt/frontend", "dbt/frontend/arm",
            "dbt/frontend/x86", "dbt")  # fmt: skip
_MAGIC = b"dbt-rgn1"
_RECORD = struct.Struct("<8sIIQI")  # magic, bytes of the body, CRC-32 of the body, pc and mode of the first entry
_COUNTS = struct.Struct("<HH")  # entries, ranges
_ENTRY = struct.Struct("<QI")
_RANGE = struct.Struct("<QI")
_DIGEST = 16


class Cached:
    """A region as it is kept: entries in symbol order, the guest ranges it was made from, the linked object as ``objects.dump`` wrote it."""

    __slots__ = ("entries", "ranges", "blob")

    def __init__(self, entries: list[Start], ranges: list[tuple[int, int]], blob: bytes) -> None:
        self.entries = entries
        self.ranges = ranges
        self.blob = blob

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cached) and (self.entries, self.ranges, self.blob) == (other.entries, other.ranges, other.blob)

    __hash__ = None  # type: ignore[assignment]


def digest(contents: Sequence[bytes]) -> bytes:
    """Checksum of the guest bytes of a region's ranges."""
    return blake2b(b"".join(contents), digest_size=_DIGEST).digest()


_sources: list[bytes] = []  # what the translator's sources were when this process first asked: those that it has loaded do not change


def fingerprint(kind: str) -> str:
    """Hexadecimal name of everything that decides what code a region becomes: the kernels' key (compilers, host CPU) and the translator's sources."""
    if not _sources:
        _sources.append(facts(source_files(_SOURCES)))
    return blake2b(f"{kind} {image.loaded_key()}\n".encode() + _sources[0], digest_size=_DIGEST).hexdigest()


def _pack(cached: Cached, check: bytes) -> bytes:
    body = _COUNTS.pack(len(cached.entries), len(cached.ranges))
    body += b"".join([_ENTRY.pack(*entry) for entry in cached.entries] + [_RANGE.pack(*r) for r in cached.ranges]) + check + cached.blob
    pc, mode = cached.entries[0]
    return _RECORD.pack(_MAGIC, len(body), zlib.crc32(body), pc, mode) + body


def _unpack(body: bytes) -> tuple[Cached, bytes]:
    """Inverse of the body of :func:`_pack`; struct.error if it is too short."""
    entries, ranges = _COUNTS.unpack_from(body)
    at = _COUNTS.size
    entry_list = [_ENTRY.unpack_from(body, at + i * _ENTRY.size) for i in range(entries)]
    at += entries * _ENTRY.size
    range_list = [_RANGE.unpack_from(body, at + i * _RANGE.size) for i in range(ranges)]
    at += ranges * _RANGE.size
    return Cached(entry_list, range_list, body[at + _DIGEST :]), body[at : at + _DIGEST]


class CodeCache:
    """The cache of one *kind* of code: arch and options of the translator. Errors of the file system turn it off silently: it saves time and nothing else."""

    def __init__(self, kind: str, directory: str | None = None) -> None:
        self.directory = directory or os.path.join(cache_dir(), "regions")
        self._stem = kind.replace(" ", "-") + "."
        self.path = os.path.join(self.directory, self._stem + fingerprint(kind) + _SUFFIX)
        self._index: dict[Start, list[int]] = {}
        self._scanned = 0
        self._inode = 0
        self._usable = False
        with contextlib.suppress(OSError):
            os.makedirs(self.directory, exist_ok=True)
            self._usable = True

    def _open(self) -> contextlib.AbstractContextManager[int]:
        return open_apart(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND)

    def _scan(self, file: int) -> None:
        """Index what was appended since the last look. Stops at the first thing that is no record: what follows is lost, not trusted."""
        status = os.fstat(file)
        size = status.st_size
        if status.st_ino != self._inode:  # the first look, or another process has replaced the file
            self._index, self._scanned, self._inode = {}, 0, status.st_ino
        while self._scanned + _RECORD.size <= size:
            magic, length, _, pc, mode = _RECORD.unpack(os.pread(file, _RECORD.size, self._scanned))
            if magic != _MAGIC or self._scanned + _RECORD.size + length > size:
                return
            self._index.setdefault((pc, mode), []).append(self._scanned)
            self._scanned += _RECORD.size + length

    def find(self, start: Start, fetch: Fetch) -> Cached | None:
        """A region entered first at *start* whose guest bytes are in memory now."""
        if not self._usable:
            return None
        try:
            with self._open() as file:
                self._scan(file)
                for offset in reversed(self._index.get(start, ())):
                    found = self._read(file, offset)
                    if found is not None and digest([fetch(*r) for r in found[0].ranges]) == found[1]:
                        return found[0]
        except (OSError, struct.error):
            self._usable = False
        return None

    def _read(self, file: int, offset: int) -> tuple[Cached, bytes] | None:
        _, length, check, _, _ = _RECORD.unpack(os.pread(file, _RECORD.size, offset))
        body = os.pread(file, length, offset + _RECORD.size)
        return _unpack(body) if zlib.crc32(body) == check else None

    def add(self, cached: Cached, contents: Sequence[bytes]) -> None:
        """Keep a region made from the guest bytes *contents* (one item a range)."""
        if not self._usable:
            return
        record = _pack(cached, digest(contents))
        try:
            with self._open() as file:
                with _locked(file):
                    size = self._cut_damage(file, os.fstat(file).st_size)
                    try:
                        write_all(file, record)
                    except OSError:
                        os.ftruncate(file, size)
                        raise
                if size == 0:  # the first of a new version
                    forget_others(self.path, self._stem)
                if size + len(record) > MAX_BYTES:
                    self._shrink(file)
        except (OSError, struct.error):
            self._usable = False  # a full disk, most likely: go on without

    def _cut_damage(self, file: int, size: int) -> int:
        """Drop a half-written record at the end, so that what is appended can be found; gives the size after that. Lock held."""
        self._scan(file)
        if self._scanned < size:
            os.ftruncate(file, self._scanned)
        return self._scanned

    def _shrink(self, file: int) -> None:
        """Replace the file by one with its newer half."""
        offsets = sorted(offset for found in self._index.values() for offset in found)
        keep_from = next((offset for offset in offsets if offset >= self._scanned // 2), self._scanned)
        with replacing(self.path) as out:
            at = keep_from
            while part := os.pread(file, 1 << 20, at):
                write_all(out, part)
                at += len(part)


@contextlib.contextmanager
def _locked(file: int) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
