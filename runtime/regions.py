"""Which guest blocks make a region: grown from a hot block along its direct control flow, hottest successors first.

Two sources of control flow, one interface: :class:`Profile` reads what tier 0 has executed, with counts; :class:`Static` lifts blocks to see where they go.
"""

from __future__ import annotations

import ctypes
import heapq
import struct
from collections.abc import Callable
from typing import NamedTuple, Protocol

from dbt.abi.records import CODES, RECORD_BYTES, is_rare
from dbt.frontend.base import Frontend
from dbt.ir.optable import OPS
from dbt.pipeline import Fetch, Start, lift_block
from runtime.process_block import BLOCK_BYTES, ProcessBlock, block, proc

MAX_INSNS = 320
NEARBY = 1 << 20  # bytes between the first block and any other
SWITCH = 1 << 12  # bytes between an indirect jump and a target in the same function
COLD = 256  # a block executed this many times less than the first is left out


class Flow(NamedTuple):
    """Where one guest block goes: its direct targets; ``after`` is the block behind it, which a call or a system call comes back to; ``went`` is where an
    indirect jump at its end went last, if that is worth following."""

    insns: int
    targets: tuple[Start, ...]
    after: Start | None
    went: Start | None = None


class Source(Protocol):
    """What the planner asks. ``flow`` gives None for a block it knows nothing of; ``weight`` tells how often a block was executed; ``most_blocks`` bounds a
    region."""

    most_blocks: int

    def flow(self, start: Start) -> Flow | None: ...

    def weight(self, start: Start) -> int: ...


class Plan(NamedTuple):
    """Blocks of a region, those among them that are entered from outside, and where indirect jumps at the end of blocks probably go."""

    entries: list[Start]
    blocks: list[Start]
    guesses: dict[Start, Start]


def plan(source: Source, start: Start) -> Plan:
    """Grow a region from *start*, which is its first entry."""
    least = max(1, source.weight(start) // COLD)
    entries = [start]
    blocks: list[Start] = []
    wanted = [(-source.weight(start), start)]
    seen = {start}
    guesses: dict[Start, Start] = {}
    insns = 0
    while wanted and len(blocks) < source.most_blocks and insns < MAX_INSNS:
        at = heapq.heappop(wanted)[1]
        flow = source.flow(at)
        if flow is None:
            continue
        blocks.append(at)
        insns += flow.insns
        if flow.after is not None and flow.after not in flow.targets and flow.after not in entries and source.weight(flow.after) >= least:
            entries.append(flow.after)
        if flow.went is not None:
            guesses[at] = flow.went
        for target in (*flow.targets, flow.went, flow.after):
            if target is None or target in seen or abs(target[0] - start[0]) > NEARBY:
                continue
            weight = source.weight(target)
            if weight >= least:
                seen.add(target)
                heapq.heappush(wanted, (-weight, target))
    chosen = set(blocks)
    return Plan([entry for entry in entries if entry in chosen or entry == start], blocks or [start], guesses)


# What tier 0 saw --------------------------------------------------------------------------------------------------------
_RECORD = struct.Struct("<HHQI")
_GOTO = CODES["goto"]
_RARE = {CODES[name] for name in OPS if is_rare(name)}
_CONST, _SYSCALL = CODES["const.i64"], CODES["syscall"]
_TAG_PC = (1 << 48) - 1
_MOST_RECORDS = 1024


class Profile:
    """Reads the blocks that tier 0 has built. ``find`` is ``Engine.find_block``."""

    most_blocks = 48

    def __init__(self, process: ProcessBlock, find: Callable[[int, int], int]) -> None:
        self.process = process
        self.find = find

    def weight(self, start: Start) -> int:
        at = self.find(*start)
        return self.process.block_field(at, "count") if at else 0

    def flow(self, start: Start) -> Flow | None:
        at = self.find(*start)
        if not at:
            return None
        header = ctypes.string_at(self.process.address + at, BLOCK_BYTES)
        records, length, insns = (int.from_bytes(header[block.offset(n) :][:8], "little") for n in ("records", "length", "insns"))
        targets, comes_back = self._exits(records, start[0], start[0] + length) if records else ((), False)
        went = int.from_bytes(header[block.offset("went") :][:8], "little")
        place = (went & _TAG_PC, went >> 48)
        follow = went and (comes_back or abs(place[0] - start[0]) < SWITCH)  # a call, or a jump inside the function: not a return to who happened to call
        return Flow(insns, targets, (start[0] + length, start[1]) if comes_back else None, place if follow else None)

    def _exits(self, first: int, low: int, high: int) -> tuple[tuple[Start, ...], bool]:
        """Direct targets of the records from offset *first*, which belong to guest addresses *low* to *high*; and whether control comes back behind
        them: a system call, or an instruction that computes that address (with the Thumb bit, perhaps) as a call does for its link register."""
        size = min(_MOST_RECORDS * RECORD_BYTES, self.process.get("record_end") - first)
        data = ctypes.string_at(self.process.address + first, size)
        tags_at = proc.offset("record_tags") + (first - proc.offset("records")) // 2
        tags = ctypes.string_at(self.process.address + tags_at, size // 2)
        targets: list[Start] = []
        comes_back = payload = False
        for (code, dst, value, _), (tag,) in zip(_RECORD.iter_unpack(data), struct.iter_unpack("<Q", tags), strict=True):
            if not low <= tag & _TAG_PC <= high:
                break
            if payload:
                payload = False
            elif code in _RARE:
                payload = True
            elif code == _GOTO:
                if (value, dst) not in targets:
                    targets.append((value, dst))
                if tag & _TAG_PC == high:
                    break
            elif code == _SYSCALL or (code == _CONST and value & ~1 == high):
                comes_back = True
        return tuple(targets), comes_back


# What the code says -----------------------------------------------------------------------------------------------------
class Static:
    """Lifts blocks to see where they go: for compiling before anything was executed. Regions stay small, as most of what can be reached never runs."""

    most_blocks = 8

    def __init__(self, frontend: Frontend, fetch: Fetch) -> None:
        self.frontend = frontend
        self.fetch = fetch

    def weight(self, start: Start) -> int:
        return 1

    def flow(self, start: Start) -> Flow | None:
        pc, mode = start
        if len(self.fetch(pc, self.frontend.min_length)) < self.frontend.min_length:
            return None
        targets: list[Start] = []
        after = None
        at, end, insns = pc, pc, 0
        for inst in lift_block(self.frontend, self.fetch, pc, mode).insts():
            name = inst.op.name
            if name == "mark":
                at, length = int(inst.attrs[0]), int(inst.attrs[1])  # type: ignore[call-overload]
                end, insns = at + length, insns + 1
            elif name == "goto" and all(arg.op.name in ("const", "pcadd") for arg in inst.args):
                address, new_mode = inst.args
                offset = at if address.op.name == "pcadd" else 0
                targets.append(((offset + int(address.attrs[0])) % (1 << address.type.bits), int(new_mode.attrs[0])))  # type: ignore[call-overload]
                if inst.attrs[0] == "call":
                    after = (end, mode)
            elif name == "syscall" or (name == "goto_ind" and inst.attrs[0] == "call"):
                after = (end, mode)
        return Flow(insns, tuple(dict.fromkeys(targets)), after)
