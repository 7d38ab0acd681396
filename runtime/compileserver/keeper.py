"""Makes the files of quick code that programs begin with (``runtime.kept``), of the blocks that processes left. Runs in the compile server's worker."""

from __future__ import annotations

import os
import struct
from collections.abc import Set
from typing import NamedTuple

from dbt.abi.record import RECORD_BYTES
from dbt.backend.quick import region
from runtime import background, kept
from runtime.compileserver.requests import KeepRequest
from runtime.own_files import forget_oldest, forget_others
from runtime.process_block import KEPT_ENTRY_BYTES, bucket_of, kept_entry, left_block
from runtime.quick import FIELDS

MOST_BLOCKS = 1 << 13  # of one file: the hottest
WORTHWHILE = 4 * background.WORTHWHILE  # executions, which take a while with quick code, until a block asks for a region
MOST_BYTES = 256 << 20  # of all files: the newest
MOST_LEFT_BYTES = 16 << 20
_HEAD = struct.Struct(f"<{left_block.size // 8}Q")
_ENTRY = struct.Struct("<QQIII4x")
assert _ENTRY.size == KEPT_ENTRY_BYTES and list(kept_entry.fields) == ["tag", "check", "code", "words", "hot_at"]
assert list(left_block.fields) == ["tag", "check", "count", "size"]
_PAIR = struct.Struct("<II")


class Left(NamedTuple):
    """A block that a process left: ``left_block``, with the records and the tags of their guest instructions."""

    tag: int
    check: int
    executions: int
    records: bytes
    tags: bytes


def unpack(data: bytes) -> list[Left]:
    """The blocks in *data*, up to its end or what is no block."""
    found = []
    at = 0
    while at + _HEAD.size <= len(data):
        tag, check, count, size = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        end = at + size + size // 2
        if not size or size % RECORD_BYTES or end > len(data):
            break
        found.append(Left(tag, check, count, data[at : at + size], data[at + size : end]))
        at = end
    return found


def pack(blocks: list[Left]) -> bytes:
    """Inverse of ``unpack``."""
    return b"".join([_HEAD.pack(b.tag, b.check, b.executions, len(b.records)) + b.records + b.tags for b in blocks])


def _hot_at(tag: int, regions: Set[int]) -> int:
    return kept.HOT_SOON if tag in regions else WORTHWHILE


def _table(blocks: list[Left], made: region.Made, regions: Set[int]) -> bytes:
    """The hash table of those of *blocks* that code was made for, at most half full. *regions*: tags of blocks where regions on disk are entered."""
    size = 1 << (2 * len(made.chosen) - 1).bit_length()
    table = bytearray(size * KEPT_ENTRY_BYTES)
    for which, entry, words in zip(made.chosen, made.entries, made.words, strict=True):
        block = blocks[which]
        number = bucket_of(block.tag, size - 1)
        while any(table[number * KEPT_ENTRY_BYTES : (number + 1) * KEPT_ENTRY_BYTES]):
            number = (number + 1) % size
        _ENTRY.pack_into(table, number * KEPT_ENTRY_BYTES, block.tag, block.check, entry, words, _hot_at(block.tag, regions))
    return bytes(table)


def _linked(made: region.Made, distance: int) -> bytes:
    """The code of *made*, whose data begins *distance* bytes behind its start."""
    code = bytearray(made.code)
    for place, addend in made.references:
        code[place : place + 4] = (distance + addend - place).to_bytes(4, "little", signed=True)
    return bytes(code)


def make(arch: str, unchecked: bool, path: str, blocks: list[Left], regions: Set[int]) -> None:
    """Write file *path* with code for *blocks*."""
    made = region.make(arch, unchecked, region.Fields(*FIELDS), [region.Block(b.tag, b.records, b.tags) for b in blocks])
    if made is None:
        return
    faults = b"".join([_PAIR.pack(*pair) for pair in made.faults])
    table, left = _table(blocks, made, regions), pack(blocks)
    parts = kept.Parts(len(table), len(faults), len(made.code), len(made.data), len(left))
    kept.write(path, table, faults, _linked(made, parts.data - parts.code), made.data, left)
    forget_others(path, os.path.basename(path).partition("-")[0])
    forget_oldest(os.path.dirname(path), kept.SUFFIX, MOST_BYTES)
    forget_oldest(os.path.dirname(path), kept.LEFT_SUFFIX, MOST_LEFT_BYTES)  # by processes whose server died


def keep(request: KeepRequest) -> None:
    """Do what *request* asks for."""
    with open(request.left, "rb") as file:
        new = unpack(file.read())
    regions = {pc | mode << 48 for pc, mode in request.regions}
    table, before = kept.parts_before(request.path)
    regions.update([tag for tag, _, _, _, hot_at in _ENTRY.iter_unpack(table) if hot_at == kept.HOT_SOON])
    known = {(block.tag, block.check): block for block in (*unpack(before), *new)}
    hottest = sorted(known.values(), key=lambda block: -block.executions)[:MOST_BLOCKS]
    make(request.arch, request.unchecked, request.path, hottest, regions)
    os.unlink(request.left)  # what is there shows others that they need not ask
