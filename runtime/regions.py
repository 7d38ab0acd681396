"""Which guest blocks make a region: grown from a hot block along its direct control flow, hottest successors first.

A :class:`Source` says where blocks go. The one here reads what tier 0 has executed, with counts; ``runtime.static_flow`` has the one that lifts blocks to see.
"""

from __future__ import annotations

import ctypes
import heapq
import struct

from dbt.abi.memory import PAGE_BITS
from runtime.process_block import BLOCK_BYTES, COMES_BACK, MOST_EXITS, block, proc

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runtime.engine import Engine

    Start = tuple[int, int]  # (pc, mode) of a guest block

MAX_INSNS = 128  # guest instructions after which a region takes in only what is nearly as hot as its first block...
MOST_INSNS = 1024  # ...and after which it takes in nothing (blocks that overlap are counted twice)
NEARLY = 4  # as hot: executed no less often than the first block by this factor
NEARBY = 1 << 20  # bytes between the first block and any other
SWITCH = 1 << 12  # bytes between an indirect jump and a target in the same function
COPIES = 64  # guest instructions after which a region ends where another one is entered: a short one takes in what is around it all the same
MOST_TARGETS = 8  # of indirect jumps inside that become entries
MOST_CASES = 16  # places where one indirect jump is thought to go
MOST_NEAR = 256  # blocks that are looked at to find these
COLD = 256  # a block executed this many times less than the first is left out


class Flow:
    """Where one guest block of ``insns`` instructions goes: its direct targets; ``after`` is the block behind it, which a call or a system call comes back
    to; ``went`` is where an indirect jump at its end went last, if that is worth following."""

    __slots__ = ("insns", "targets", "after", "went")

    def __init__(self, insns: int, targets: tuple[Start, ...], after: Start | None, went: Start | None = None) -> None:
        self.insns, self.targets, self.after, self.went = insns, targets, after, went


class Source:
    """What the planner asks."""

    most_blocks = 0  # of one region

    def flow(self, start: Start) -> Flow | None:
        """Where the block at *start* goes; None if nothing is known of it."""
        raise NotImplementedError

    def weight(self, start: Start) -> int:
        """How often the block at *start* was executed."""
        raise NotImplementedError

    def entered(self, start: Start) -> bool:
        """True if another region is entered at *start*, or will be: this one can leave to it there."""
        return False

    def cases(self, start: Start, flow: Flow) -> tuple[Start, ...]:
        """Where the indirect jump at the end of the block at *start* may go, besides ``went``."""
        return ()


class Plan:
    """Blocks of a region, those among them that are entered from outside, and where indirect jumps at the end of blocks probably go."""

    __slots__ = ("entries", "blocks", "guesses")

    def __init__(self, entries: list[Start], blocks: list[Start], guesses: dict[Start, tuple[Start, ...]]) -> None:
        self.entries, self.blocks, self.guesses = entries, blocks, guesses


def plan(source: Source, start: Start) -> Plan:
    """Grow a region from *start*, which is its first entry."""
    least = max(1, source.weight(start) // COLD)
    entries = [start]
    blocks: list[Start] = []
    wanted = [(-source.weight(start), start)]
    seen = {start}
    guesses: dict[Start, tuple[Start, ...]] = {}
    inside: list[Start] = []  # where indirect jumps went: from elsewhere they go there too
    insns = 0
    while wanted and len(blocks) < source.most_blocks and insns < MOST_INSNS:
        weight, at = heapq.heappop(wanted)
        if insns >= MAX_INSNS and -weight * NEARLY < source.weight(start):
            break
        flow = source.flow(at)
        if flow is None:
            continue
        blocks.append(at)
        insns += flow.insns
        if flow.after is not None and flow.after not in flow.targets and flow.after not in entries and source.weight(flow.after) >= least:
            entries.append(flow.after)
        others = source.cases(at, flow)
        if flow.went is not None:
            guesses[at] = (flow.went, *others)
            inside.append(flow.went)
        for target in (*flow.targets, flow.went, flow.after, *others):
            if target is None or target in seen or abs(target[0] - start[0]) > NEARBY or (insns >= COPIES and source.entered(target)):
                continue
            weight = source.weight(target)
            if weight >= least:
                seen.add(target)
                heapq.heappush(wanted, (-weight, target))
    chosen = set(blocks)
    entries += [place for place in dict.fromkeys(inside) if place not in entries][:MOST_TARGETS]
    return Plan([entry for entry in entries if entry in chosen or entry == start], blocks or [start], guesses)


# What tier 0 saw --------------------------------------------------------------------------------------------------------
_TAG_PC = (1 << 48) - 1
_HEADER = struct.Struct(f"<{BLOCK_BYTES // 8}Q")
_LENGTH, _INSNS, _WENT = (block.offset(name) // 8 for name in ("length", "insns", "went"))
_COUNT = block.offset("count")


class Profile(Source):
    """Reads the blocks that tier 0 has built."""

    most_blocks = 48

    def __init__(self, engine: Engine, entered: Callable[[Start], bool] | None = None) -> None:
        self._entered = entered
        self._process = engine.block
        self._find = engine.find_block
        self._exits = engine.image.function("block_exits", ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
        self._targets = (ctypes.c_uint64 * MOST_EXITS)()
        self._cases: dict[int, tuple[list[Start], set[Start]]] = {}

    def weight(self, start: Start) -> int:
        at = self._find(*start)
        return self._process.block_field(at, "count") if at else 0

    def entered(self, start: Start) -> bool:
        return self._entered is not None and self._entered(start)

    def flow(self, start: Start) -> Flow | None:
        at = self._find(*start)
        if not at:
            return None
        return self._flow(at, start)

    def cases(self, start: Start, flow: Flow) -> tuple[Start, ...]:
        if flow.went is None or flow.after is not None:
            return ()
        cases, returned_to = self._cases_near(start)
        if flow.went in returned_to:
            return ()
        return tuple([place for place in cases if place != flow.went and abs(place[0] - start[0]) < SWITCH][: MOST_CASES - 1])

    def _flow(self, at: int, start: Start) -> Flow:
        """Where the block at offset *at*, which is that at *start*, goes."""
        header = _HEADER.unpack(ctypes.string_at(self._process.address + at, BLOCK_BYTES))
        found = self._exits(self._process.address, at, ctypes.addressof(self._targets))
        comes_back, count = bool(found & COMES_BACK), found & (COMES_BACK - 1)
        went = header[_WENT]
        place, after = (went & _TAG_PC, went >> 48), (start[0] + header[_LENGTH], start[1])
        near = abs(place[0] - start[0]) < SWITCH
        if went and near and not self._find(*after):
            comes_back = False  # a jump through a table that stands behind it (TBB), rather than a call
        follow = went and (comes_back or near)  # a call, or a jump inside the function: not a return to who happened to call
        targets = tuple([(tag & _TAG_PC, tag >> 48) for tag in self._targets[:count]])
        return Flow(header[_INSNS], targets, after if comes_back else None, place if follow else None)

    def _cases_near(self, start: Start) -> tuple[list[Start], set[Start]]:
        """Blocks around *start* that indirect jumps may lead to, the most executed first: those where one went last, and those that nothing known leads to
        directly; and the places behind calls, which returns lead to."""
        page = start[0] >> PAGE_BITS
        if page not in self._cases:
            found: list[Start] = []
            reached: set[Start] = set()
            behind: set[Start] = set()
            went: set[Start] = set()
            for at in self._process.blocks_near(page, SWITCH >> PAGE_BITS, MOST_NEAR):
                tag = self._process.block_field(at, "tag")
                place = (tag & _TAG_PC, tag >> 48)
                found.append(place)
                flow = self._flow(at, place)
                reached.update(flow.targets)
                if flow.after is not None:
                    behind.add(flow.after)
                elif flow.went is not None:
                    went.add(flow.went)
            cases = {place for place in found if place in went or place not in reached} - behind
            self._cases[page] = sorted(cases, key=self.weight, reverse=True), behind
        return self._cases[page]


class Recent(Profile):
    """What was executed since the bytes *before* of the blocks were taken."""

    most_blocks = 96  # what is made again was left too often for being too small, perhaps

    def __init__(self, engine: Engine, entered: Callable[[Start], bool], before: bytes) -> None:
        super().__init__(engine, entered)
        self._before = before
        self._first = proc.offset("blocks")
        self._kept: set[Start] = set()
        self._least = 0

    def keep(self, root: Start, blocks: Iterable[Start]) -> None:
        """Let *blocks*, though they were not executed, come last in the region that grows from *root*, if there is room."""
        self._kept.update(blocks)
        self._least = max(1, self.weight(root) // COLD)

    def weight(self, start: Start) -> int:
        at = self._find(*start)
        if not at:
            return 0
        count = at - self._first + _COUNT
        before = int.from_bytes(self._before[count : count + 8], "little")
        recent = self._process.block_field(at, "count") - before
        return max(recent, self._least) if start in self._kept else recent
