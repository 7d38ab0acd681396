"""The template store: lifts single instructions into templates, and keeps them on disk for all programs.

The file holds the template hash and area as they are in the process block, so loading is one private mapping, whatever its size. It is named by a
fingerprint of the sources that decide its content; each template carries a checksum that the block builder verifies on use.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import zlib
from _blake2 import blake2b
from typing import Any

from dbt.abi.memory import PAGE_SIZE
from dbt.abi.records import RECORD_BYTES
from dbt.backend.records import Encoded
from runtime.paths import cache_dir
from runtime.process_block import TEMPLATE_BYTES, ProcessBlock, proc, template

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_SOURCES = (
    "dbt/ir", "dbt/ir/passes", "dbt/abi", "dbt/frontend", "dbt/frontend/{arch}", "dbt/backend/records.py", "runtime/process_block.py", "runtime/templates.py",
)  # fmt: skip
_MAGIC = b"dbt-tmpl"
_HEADER = struct.Struct("<8s16sQQI")  # magic, fingerprint, end of the area, templates, CRC of the fields before
# The fields of runtime.process_block.template; check, next and size come later.
_TEMPLATE = struct.Struct(f"<24x16s9Ii{template.size - 80}x")
assert list(template.fields)[3:] == ["insn", "mode", "length", "next_mode", "ends", "leaves", "reads", "writes", "kills", "count", "plain_count"]
_HASH_AT = proc.offset("template_hash")
_AREA_AT = proc.offset("templates_area")
_KEEP = 4  # files of other versions that stay
_PROT_READ, _PROT_WRITE, _MAP_PRIVATE, _MAP_FIXED = 1, 2, 2, 0x10
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
assert _HASH_AT + proc["template_hash"].size * proc["template_hash"].count == _AREA_AT, "hash and area are mapped as one piece"


def fingerprint(arch: str) -> bytes:
    """Names, sizes and times of the sources that decide what a template looks like."""
    digest = blake2b(digest_size=16)
    for source in _SOURCES:
        path = os.path.join(_ROOT, source.format(arch=arch))
        try:
            found = sorted(os.scandir(path), key=lambda e: e.name) if os.path.isdir(path) else []
            facts = [(e.name, e.stat()) for e in found if e.name.endswith(".py")] if found else [(source, os.stat(path))]
        except OSError:
            continue
        for name, stat in facts:
            digest.update(f"{source}/{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.digest()


def pack(encoded: Encoded, mode: int, data: bytes, next_mode: int, ends: bool) -> bytes:
    """A template as it stands in the area (check, next and size are filled in there). *data* are the bytes of the instruction."""
    plain = encoded.plain
    records = encoded.records
    plain_count = -1 if plain is None else len(plain) // RECORD_BYTES
    head = _TEMPLATE.pack(
        data, mode, len(data), next_mode, ends, encoded.leaves, encoded.reads, encoded.writes, encoded.kills, len(records) // RECORD_BYTES, plain_count
    )
    return head + records + (plain or b"")


class TemplateStore:
    """Templates of one arch in the process block, and their file."""

    def __init__(self, arch: str, block: ProcessBlock, image: Any, persistent: bool = True) -> None:
        self.arch = arch
        self.block = block
        p, n = ctypes.c_void_p, ctypes.c_int64
        self._add = image.function("add_template", n, p, p, n)
        self._merge = image.function("merge_templates", n, p, p, n)
        self._reset = image.function("reset_templates", None, p)
        self._fingerprint = fingerprint(arch) if persistent else b""
        self._loaded = 0  # templates that came from the file
        self._loaded_from: tuple[int, int] | None = None  # inode and time of that file
        if persistent:
            self._load()

    def add(self, encoded: Encoded, mode: int, data: bytes, next_mode: int, ends: bool) -> None:
        """Remember the template of the instruction *data* in guest mode *mode*. A full area is emptied first."""
        made = pack(encoded, mode, data, next_mode, ends)
        if not self._add(self.block.address, made, len(made)):
            self._reset(self.block.address)
            self._loaded = 0
            self._add(self.block.address, made, len(made))

    @property
    def count(self) -> int:
        return self.block.get("templates")

    # The file ---------------------------------------------------------------------------------------------------------
    @property
    def directory(self) -> str:
        return os.path.join(cache_dir(), "templates")

    @property
    def path(self) -> str:
        return os.path.join(self.directory, f"{self.arch}-{self._fingerprint.hex()}.templates")

    def _read_header(self, descriptor: int) -> tuple[int, int] | None:
        """(end of the area, templates) of a sound file."""
        head = os.pread(descriptor, _HEADER.size, 0)
        if len(head) < _HEADER.size:
            return None
        magic, print_, end, count, check = _HEADER.unpack(head)
        sound = magic == _MAGIC and print_ == self._fingerprint and check == zlib.crc32(head[:-4])
        if not sound or not _AREA_AT <= end <= _AREA_AT + TEMPLATE_BYTES or os.fstat(descriptor).st_size != PAGE_SIZE + end - _HASH_AT:
            return None
        return end, count

    def _load(self) -> None:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return
        try:
            header = self._read_header(descriptor)
            if header is None:
                return
            end, count = header
            at = self.block.address + _HASH_AT
            made = _libc.mmap(at, end - _HASH_AT, _PROT_READ | _PROT_WRITE, _MAP_PRIVATE | _MAP_FIXED, descriptor, PAGE_SIZE)
            if made != at:
                return
            stat = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        self.block.put("template_end", end)
        self.block.put("templates", count)
        self._loaded = count
        self._loaded_from = (stat.st_ino, stat.st_mtime_ns)

    def save(self) -> None:
        """Write the file if there are new templates, together with those that other processes saved meanwhile. A cache that can't be written is left alone."""
        if not self._fingerprint or self.count <= self._loaded:
            return
        with contextlib.suppress(OSError):
            self._save()

    def _save(self) -> None:
        import fcntl

        os.makedirs(self.directory, exist_ok=True)
        lock = os.open(os.path.join(self.directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._merge_file()
            end = self.block.get("template_end")
            head = _HEADER.pack(_MAGIC, self._fingerprint, end, self.count, 0)[:-4]
            temporary = f"{self.path}.{os.getpid()}.tmp"
            try:
                with open(temporary, "wb", buffering=0) as file:
                    file.write((head + struct.pack("<I", zlib.crc32(head))).ljust(PAGE_SIZE, b"\0"))
                    area = memoryview((ctypes.c_char * (end - _HASH_AT)).from_address(self.block.address + _HASH_AT)).cast("B")
                    while area:
                        area = area[file.write(area) :]
                os.replace(temporary, self.path)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
                raise
            self._loaded = self.count
            self._forget_old()
        finally:
            os.close(lock)

    def _merge_file(self) -> None:
        """Add what another process has put in the file since it was loaded."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return
        try:
            stat = os.fstat(descriptor)
            header = self._read_header(descriptor)
            if header is None or (stat.st_ino, stat.st_mtime_ns) == self._loaded_from:
                return
            area = os.pread(descriptor, header[0] - _AREA_AT, PAGE_SIZE + _AREA_AT - _HASH_AT)
        finally:
            os.close(descriptor)
        self._merge(self.block.address, area, len(area))

    def _forget_old(self) -> None:
        own = os.path.basename(self.path)
        others = [e for e in os.scandir(self.directory) if e.name.startswith(self.arch + "-") and e.name.endswith(".templates") and e.name != own]
        for entry in sorted(others, key=lambda e: e.stat().st_mtime)[:-_KEEP]:
            os.unlink(entry.path)
