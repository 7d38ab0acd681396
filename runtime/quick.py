"""Quick code: hot blocks of tier 0 as host code made at once from their records (``dbt.backend.quick``), until LLVM's comes.

It is of this process alone; ``runtime.kept`` has what earlier ones left.
"""

from __future__ import annotations

import ctypes
import os
import struct

from dbt.abi.quick import quick_words
from dbt.abi.record import RECORD_BYTES
from dbt.backend.llvm.convention import entry_symbol
from runtime.arena import ArenaFull, read_word
from runtime.compiler import Tier1
from runtime.objects import CODE, DATA, LinkedObject
from runtime.process_block import BLOCK_BYTES, block, proc

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from dbt.backend.quick.region import Block
    from dbt.pipeline import Start
    from runtime.arena import Arena
    from runtime.engine import Engine
    from runtime.regions import Profile

MOST_BLOCKS = 32  # of one piece of code
SELDOM = 8  # times less often executed than the first block: left out
FIELDS = (block.offset("count"), block.offset("hot_at"), block.offset("went"))  # ``dbt.backend.quick.region.Fields``
_MOST_RECORDS = 1 << 12  # of one block
_HEADER = struct.Struct(f"<{BLOCK_BYTES // 8}Q")
_PAIR = struct.Struct("<II")
_WORDS_SYMBOL = "words{}"
_TAG_PC = (1 << 48) - 1
_TAG, _RECORDS, _COUNT, _NATIVE, _DEAD = (block.offset(name) // 8 for name in ("tag", "records", "count", "native", "dead"))


def supported() -> bool:
    """True if this host's code can be made."""
    return os.uname().machine == "x86_64"


class Quick:
    """Makes quick code for an engine, and has what is better entered in its place."""

    def __init__(self, engine: Engine, arena: Arena) -> None:
        self.engine = engine
        self.arena = arena
        self.counts = dict.fromkeys(("quick_regions", "quick_blocks", "quick_bytes"), 0)
        self._replaced: set[int] = set()  # blocks whose gates are open: offsets in the process block
        self._entries: dict[Start, tuple[int, int]] = {}  # host addresses of the quick code of blocks, and of its words
        self._profile: Profile | None = None
        image, p, n = engine.image, ctypes.c_void_p, ctypes.c_int64
        self._set = image.function("set_quick", n, p, n, n, p)
        self._open_gate = image.function("open_gate", None, p, n, n)

    def forget(self) -> None:
        """All blocks have been forgotten."""
        self._replaced.clear()
        self._entries.clear()

    def has(self, pc: int, mode: int) -> bool:
        """True if the block at (pc, mode) has quick code, and nothing better."""
        at = self.engine.find_block(pc, mode)
        words = self.engine.block.block_field(at, "quick") if at else 0
        return bool(words) and not read_word(words + quick_words.offset("gate"))

    def replace(self, start: Start, entry: int) -> None:
        """The block at *start* has native code at host address *entry* now."""
        at = self.engine.find_block(*start)
        if at:
            self._open_gate(self.engine.block.address, at, entry)
            self._replaced.add(at)

    def entry(self, start: Start) -> int:
        """Host address of the quick code of the block at *start*, or 0."""
        return self._entries.get(start, (0, 0))[0]

    def step_back(self, start: Start) -> None:
        """What is better for the block at *start* is not to be entered any more. Kept quick code is then entered by what leads there, not by the dispatcher."""
        at = self.engine.find_block(*start)
        if at:
            self._open_gate(self.engine.block.address, at, 0)
            entry, words = self._entries.get(start, (0, 0))
            if entry and self.engine.block.block_field(at, "quick") == words:
                self.engine.set_native(at, entry, words + quick_words.offset("valid"))

    def start_over(self) -> None:
        """What was better is not to be entered any more."""
        for at in self._replaced:
            self._open_gate(self.engine.block.address, at, 0)
        self._replaced.clear()

    def make(self, start: Start) -> bool:
        """Make code for the block at *start* and blocks that it leads to; ArenaFull if there is no room."""
        engine = self.engine
        at = engine.find_block(*start)
        if not at or self._header(at)[_NATIVE]:
            return False
        from dbt.backend.quick import region

        found = self._grow(start)
        if not found:
            return False
        made = region.make(engine.arch, engine.unchecked_loads, region.Fields(*FIELDS), [self._block(at) for at in found])
        if made is None:
            return False
        relocations = [(CODE, 4, DATA, place, addend) for place, addend in made.references]
        faults = b"".join([_PAIR.pack(*pair) for pair in made.faults])
        symbols = {entry_symbol(number): (CODE, entry) for number, entry in enumerate(made.entries)}
        symbols.update({_WORDS_SYMBOL.format(number): (DATA, words) for number, words in enumerate(made.words)})
        placed = self.arena.place(LinkedObject(made.code, made.data, 0, 16, symbols, [], relocations, faults=faults), (0, len(made.data)))
        for number, which in enumerate(made.chosen):
            entry, words = placed.address(entry_symbol(number)), placed.address(_WORDS_SYMBOL.format(number))
            header = self._header(found[which])
            self._entries[header[_TAG] & _TAG_PC, header[_TAG] >> 48] = entry, words
            self._set(engine.block.address, found[which], entry, words)
        self.counts["quick_regions"] += 1
        self.counts["quick_blocks"] += len(made.chosen)
        self.counts["quick_bytes"] += len(made.code)
        return True

    def _grow(self, start: Start) -> list[int]:
        """Offsets of blocks without native code that control reaches from *start*, the first."""
        if self._profile is None:
            from runtime.regions import Profile

            self._profile = Profile(self.engine)
        least = self._profile.weight(start) // SELDOM
        found: list[int] = []
        seen = {start}
        waiting = [start]
        while waiting and len(found) < MOST_BLOCKS:
            place = waiting.pop(0)
            at = self.engine.find_block(*place)
            if not at:
                continue
            header = self._header(at)
            if header[_NATIVE] or header[_DEAD] or header[_COUNT] < least:
                continue
            found.append(at)
            flow = self._profile.flow(place)
            for target in (*flow.targets, flow.went, flow.after) if flow is not None else ():
                if target is not None and target not in seen:
                    seen.add(target)
                    waiting.append(target)
        return found

    def _header(self, at: int) -> tuple[int, ...]:
        return _HEADER.unpack(ctypes.string_at(self.engine.block.address + at, BLOCK_BYTES))

    def _block(self, at: int) -> Block:
        from dbt.backend.quick.region import Block

        process = self.engine.block
        header = self._header(at)
        first = header[_RECORDS]
        size = min(process.get("record_end") - first, _MOST_RECORDS * RECORD_BYTES)
        tags = proc.offset("record_tags") + (first - proc.offset("records") >> 1)
        return Block(header[_TAG], ctypes.string_at(process.address + first, size), ctypes.string_at(process.address + tags, size // 2))


class QuickOnly(Tier1):
    """Tier ``quick``: quick code for every block before its first execution, and nothing better, to hold it against the other engines."""

    level = 0
    hot = 1

    def __init__(self, engine: Engine, persistent: bool = False) -> None:
        super().__init__(engine, persistent)
        self.quick = Quick(engine, self.arena)

    def notice(self) -> None:
        for start in self.take_hot():
            with self.lock:
                try:
                    self.quick.make(start)
                except ArenaFull:
                    self.no_room()

    def before_fork(self) -> None:
        self.lock.acquire()

    def after_fork(self, child: bool) -> None:
        self.lock.release()

    def forget(self) -> None:
        super().forget()
        self.quick.forget()

    def stats(self) -> dict[str, object]:
        return {**super().stats(), **self.quick.counts}
