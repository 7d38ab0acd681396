"""The template store: templates of single instructions in the process block, kept on disk for all programs.

The file is named by a fingerprint of the sources that decide its content; each template carries a checksum that the block builder verifies on use.
"""

from __future__ import annotations

import ctypes
import os
import struct

from dbt.abi.archs import FRONTENDS
from dbt.abi.record import RECORD_BYTES
from runtime.area_file import AreaFile, fingerprint
from runtime.paths import cache_dir
from runtime.process_block import ProcessBlock, template

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from typing import Any

    from dbt.backend.tier0.encode import Encoded

_SOURCES = (
    "dbt/ir", "dbt/ir/passes", "dbt/abi", "dbt/frontend", "dbt/backend/tier0", "runtime/process_block.py", "runtime/templates.py", "runtime/area_file.py",
    "runtime/shapes.py", "runtime/shape_learning.py",
)  # fmt: skip
# The fields of runtime.process_block.template; check, next and size come later.
_TEMPLATE = struct.Struct(f"<24x16s9Ii{template.size - 80}x")
assert list(template.fields)[3:] == ["insn", "mode", "length", "next_mode", "ends", "leaves", "reads", "writes", "kills", "count", "plain_count"]


def sources_fingerprint(arch: str) -> bytes:
    """Of everything that decides what a template looks like."""
    return fingerprint((*_SOURCES, f"dbt/frontend/{FRONTENDS[arch]}"))


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
    """Templates of one arch in the process block, and their file. *print_* is the ``sources_fingerprint``, or None to keep nothing."""

    def __init__(self, arch: str, block: ProcessBlock, image: Any, print_: bytes | None) -> None:
        self.block = block
        p, n = ctypes.c_void_p, ctypes.c_int64
        self._add = image.function("add_template", n, p, p, n)
        self._merge = image.function("merge_templates", n, p, p, n)
        self._reset = image.function("reset_templates", None, p)
        self._file: AreaFile | None = None
        if print_ is not None:
            fields = ("template_hash", "templates_area", "template_end", "templates")
            self._file = AreaFile(block, fields, os.path.join(cache_dir(), "templates"), arch, ".templates", print_)
            self._file.load()

    def add(self, packed: bytes) -> None:
        """Remember the template *packed* (:func:`pack`). A full area is emptied first."""
        if not self._add(self.block.address, packed, len(packed)):
            self._reset(self.block.address)
            if self._file is not None:
                self._file.loaded = 0
            self._add(self.block.address, packed, len(packed))

    @property
    def count(self) -> int:
        return self.block.get("templates")

    def save(self) -> None:
        """Write the file if there are new templates, together with those that other processes saved meanwhile."""
        if self._file is not None:
            self._file.save(lambda area: self._merge(self.block.address, area, len(area)))
