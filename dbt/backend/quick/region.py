"""Blocks of tier 0 as one piece of host code.

Each block can be entered from outside. At its start it looks at its *gate* (0, or the host address to go on at: better code for the block), at the word
that tells whether the guest's bytes are the same still, at ``cpu.request``, and counts its executions as tier 0 does; the one that makes it hot is left to
tier 0, which puts it in the queue. These words, and where the block of tier 0 is, stand in the data (``dbt.abi.quick``): the code itself depends on the
block's records and tags alone, and so does what another process makes of them.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import NamedTuple

from dbt.abi.exits import Exit
from dbt.abi.records import CODE_MASK, NAMES, PAYLOAD_D, RECORD_BYTES
from dbt.backend.llvm.convention import VALID
from dbt.backend.quick import accesses, assembler, exclusives, exits, integers, moves
from dbt.backend.quick.assembler import RAX, RBX, Memory
from dbt.backend.quick.emitter import NOTHING, Emitter, Record
from dbt.ir.optable import OPS
from dbt.ir.types import TYPES

_WORDS = struct.Struct("<HHiii")
_PAYLOAD = struct.Struct("<8h")
_TAG = struct.Struct("<Q")
_TAG_PC = (1 << 48) - 1
_MOST_COPIES = 1 << 13
_TOGETHER = 64  # blocks whose code off the main path follows them; what waits to be written takes ten times the room of the code
_TERMINATORS = frozenset(("goto", "goto_ind", *exits.ROWS))
_ROWS = {**integers.ROWS, **moves.ROWS, **accesses.ROWS, **exclusives.ROWS}


class Fields(NamedTuple):
    """Where a block of tier 0 has what it counts: byte offsets."""

    executions: int
    hot_at: int
    went: int


class Block(NamedTuple):
    """A block of tier 0: its jump tag, its records (and more), the tag of each one's guest instruction, as u64."""

    tag: int
    records: bytes
    tags: bytes


class Made(NamedTuple):
    """Code and data of a region: the ``entries`` of ``blocks``, as offsets in the code, and their ``words``, as offsets in the data. ``chosen``: which of the
    blocks asked for they are. ``references`` and ``faults`` are those of ``Emitter``, by offset."""

    code: bytes
    data: bytes
    references: list[tuple[int, int]]
    faults: list[tuple[int, int]]
    entries: list[int]
    words: list[int]
    chosen: list[int]


@cache
def _kind(code: int) -> tuple[str, int, bool, bool]:
    """(name, bits, whether word 2 is a number, whether a payload follows) of a record code."""
    name, _, suffix = NAMES[code].partition(".")
    suffix, immediate, _ = suffix.partition(":")
    rare = name in OPS and OPS[name].kind != "scalar"
    return name, TYPES[suffix].bits if suffix else 0, bool(immediate), rare


def _supported(name: str, bits: int, rare: bool) -> bool:
    if rare or name in _TERMINATORS or name in ("br", "brif"):
        return True
    return name in _ROWS and bits in _ROWS[name][1] or name in accesses.ROWS_128 and bits == 128


def supported(code: int) -> bool:
    """True if records of this code become host code."""
    name, bits, _, rare = _kind(code)
    return _supported(name, bits, rare)


@cache
def _copies(arch: str) -> dict[tuple[bytes, int], tuple[bytes, int]]:
    """Code made of records of *arch* so far: record and the cell held before -> code, and the cell held behind it."""
    return {}


def _label(number: int) -> str:
    return f"block{number}"


def _parse(block: Block) -> list[tuple[int, Record, bool]]:
    """(pc and mode as a tag, record, whether it is rare) up to the block's end."""
    found = []
    at = furthest = 0
    while True:
        word, d, a, b, c = _WORDS.unpack_from(block.records, at)
        name, bits, immediate, rare = _kind(word & CODE_MASK)
        (tag,) = _TAG.unpack_from(block.tags, at // 2)
        found.append((tag, Record(name, bits, immediate, d, a, b, c, at), rare))
        if name == "br":
            furthest = max(furthest, at + a * RECORD_BYTES)
        elif name == "brif":
            furthest = max(furthest, at + b * RECORD_BYTES, at + c * RECORD_BYTES)
        if (name == "br" or name in _TERMINATORS) and at >= furthest:
            return found
        at += 2 * RECORD_BYTES if rare else RECORD_BYTES


class _Writer:
    def __init__(self, arch: str, unchecked: bool, fields: Fields) -> None:
        self.e = Emitter(arch, unchecked)
        self.fields = fields
        self.inside: dict[int, str] = {}
        self.copies = _copies(arch)

    def write(self, blocks: list[Block]) -> Made | None:
        """None if there is no block that this backend can do something for."""
        e, asm = self.e, self.e.asm
        chosen = [number for number, block in enumerate(blocks) if self._reach(_parse(block))]
        if not chosen:
            return None
        for number in chosen:
            self.inside.setdefault(blocks[number].tag, _label(number))
        e.write_shared()
        entries, words = [], []
        for count, number in enumerate(chosen, 1):
            block = blocks[number]
            e.pc, e.mode, e.held = block.tag & _TAG_PC, block.tag >> 48, NOTHING
            e.block_words()
            entries.append(len(asm.code))
            words.append(e.words)
            self._enter()
            asm.label(_label(number))
            self._begin()
            self._body(number, block, _parse(block))
            if count % _TOGETHER == 0:
                e.write_cold()
        e.write_cold()
        code = asm.finish()
        faults = sorted((at, asm.labels[label]) for at, label in e.faults)
        return Made(code, bytes(e.data), asm.references, faults, entries, words, chosen)

    @staticmethod
    def _reach(records: list[tuple[int, Record, bool]]) -> bool:
        """True if the block's first instruction can be done here."""
        return all(_supported(r.name, r.bits, rare) for tag, r, rare in records if tag == records[0][0])

    def _enter(self) -> None:
        """From outside: pinned registers of 32 bits come with anything above them."""
        e, asm = self.e, self.e.asm
        for name, register in zip(e.layout.pinned, e.pinned.values(), strict=True):
            if e.layout.slots[name][1].bits == 32:
                asm.move(register, register)

    def _begin(self) -> None:
        e, asm, fields = self.e, self.e.asm, self.fields
        better, replay, away = e.new_label(), e.new_label(), e.leaving()
        asm.move(RAX, e.block_word("gate"), 64)  # once: it may be closed while we look
        asm.op(assembler.TEST, RAX, RAX, 64)
        asm.jump_if(assembler.NE, better)
        asm.op_immediate(assembler.CMP, e.block_word("valid"), VALID, 64)
        asm.jump_if(assembler.NE, away)
        asm.op_immediate(assembler.CMP, e.field("request"), 0, 64)
        asm.jump_if(assembler.NE, away)
        asm.move(RAX, e.block_word("block"), 64)
        asm.move(RBX, Memory(RAX, fields.executions), 64)
        asm.op_immediate(assembler.ADD, RBX, 1, 64)
        asm.store(Memory(RAX, fields.executions), RBX)
        asm.op(assembler.CMP, RBX, Memory(RAX, fields.hot_at), 64)
        asm.jump_if(assembler.GE, replay)
        e.held = NOTHING

        def write() -> None:
            asm.label(better)
            asm.jump_to(RAX)
            asm.label(replay)
            e.leave(int(Exit.REPLAY))

        e.later(write)

    def _body(self, number: int, block: Block, records: list[tuple[int, Record, bool]]) -> None:
        e, asm = self.e, self.e.asm
        targets = set()
        for _, r, _ in records:
            if r.name == "br":
                targets.add(r.at + r.a * RECORD_BYTES)
            elif r.name == "brif":
                targets.update((r.at + r.b * RECORD_BYTES, r.at + r.c * RECORD_BYTES))
        impossible = {tag for tag, r, rare in records if not _supported(r.name, r.bits, rare)}
        for tag, r, rare in records:
            e.pc, e.mode = tag & _TAG_PC, tag >> 48
            if r.at in targets:
                asm.label(f"{number}_{r.at}")
                e.held = NOTHING
            if tag in impossible:
                e.leave(int(Exit.REPLAY))
                return
            if rare:
                self._rare(block, r)
            elif r.name == "br":
                asm.jump(f"{number}_{r.at + r.a * RECORD_BYTES}")
            elif r.name == "brif":
                asm.op_immediate(assembler.CMP, e.cell(r.a), 0)
                asm.jump_if(assembler.NE, f"{number}_{r.at + r.b * RECORD_BYTES}")
                if r.c != 1:
                    asm.jump(f"{number}_{r.at + r.c * RECORD_BYTES}")
            elif r.name == "goto":
                self._goto(r.a & 0xFFFFFFFF | (r.b & 0xFFFFFFFF) << 32, r.d)
            elif r.name == "goto_ind":
                exits.indirect(e, r, self.fields.went)
            elif r.name in exits.ROWS:
                exits.ROWS[r.name](e, r)
            elif r.bits == 128:
                accesses.ROWS_128[r.name](e, r)
            else:
                self._row(block.records[r.at : r.at + RECORD_BYTES], r)

    def _row(self, record: bytes, r: Record) -> None:
        """A record that the rows know. The same ones come again and again: what is code alone is copied."""
        e = self.e
        code = e.asm.code
        key = (record, e.held)
        found = self.copies.get(key)
        if found is not None:
            code += found[0]
            e.held = found[1]
            return
        before, parts = len(code), e.parts()
        _ROWS[r.name][0](e, r)
        if e.parts() == parts:
            if len(self.copies) >= _MOST_COPIES:
                self.copies.clear()
            self.copies[key] = bytes(code[before:]), e.held

    def _goto(self, pc: int, mode: int) -> None:
        label = self.inside.get(pc | mode << 48)
        if label is not None:
            self.e.asm.jump(label)
        else:
            exits.chained(self.e, pc, mode)

    def _rare(self, block: Block, r: Record) -> None:
        """A rare record: as tier 0 runs it, on cells."""
        e, asm = self.e, self.e.asm
        payload = _PAYLOAD.unpack_from(block.records, r.at + RECORD_BYTES)
        used = {cell + half for cell in (r.d, r.a, r.b, r.c, payload[PAYLOAD_D]) for half in range(2)} & e.pinned.keys()
        for cell in used:
            e.save(cell)

        def record(register: int) -> None:
            asm.move(register, e.block_word("records"), 64)
            asm.op_immediate(assembler.ADD, register, r.at, 64)

        e.helper("op", [record])
        for cell in used:
            e.restore(cell)
        if OPS[r.name].kind == "x87":
            e.leave_if_faulted()


def make(arch: str, unchecked: bool, fields: Fields, blocks: list[Block]) -> Made | None:
    """Host code for *blocks*, those of them that this backend can do something for; None if there is none."""
    return _Writer(arch, unchecked, fields).write(blocks)
