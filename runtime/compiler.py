"""Tier 1 of an engine: takes hot blocks, has regions made (or finds them on disk), places them and lets the vCPUs enter.

:class:`Synchronous` makes each region at once, on the vCPU's own thread, at a block's first execution (tier ``1``). ``runtime.background`` has the other way
(tier ``auto``). A region that can't be made is counted and left to tier 0: nothing here ends a guest.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from dbt.backend.llvm.convention import DROPPED, VALID, VALID_SYMBOL, entry_symbol
from runtime import objects
from runtime.arena import Arena, ArenaFull, Placed, read_word, write_word
from runtime.codecache import Cached, CodeCache, fingerprint
from runtime.compileserver.requests import CAUSES, ERROR, Failure, Made, Request, pages_of
from runtime.process_block import NEVER_HOT

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from typing import Any

    from dbt.pipeline import Start
    from runtime.engine import Engine
    from runtime.regions import Plan

MOST_TRIES = 3  # compilations of one block: its code may change
_FORK_PATIENCE = 0.01  # seconds
_TAG_PC = (1 << 48) - 1


def _making(made: Made) -> str:
    """What making a region took, for who traces it."""
    if not made.spent:
        return "from the cache of the compile server"
    stages = ", ".join([f"{stage} {seconds * 1000:.0f}" for stage, seconds in made.spent.items()])
    return f"compiled: {made.insns} instructions, {made.lines} lines of LLVM text; ms: {stages}"


class Tier1:
    """What both ways share. ``lock`` is held while a block or an answer is dealt with."""

    may_compile = True  # in this process
    level: int  # LLVM's
    hot: int  # executions in tier 0 that make a block hot

    def __init__(self, engine: Engine, persistent: bool) -> None:
        self.engine = engine
        self.arena = Arena()
        self._persistent = persistent
        self._choose_kind()
        self.natives: dict[Start, tuple[int, int]] = {}  # compiled entries: host addresses of the code and of its valid word
        self._valid_words: list[int] = []  # of all regions in the arena
        self.counts = dict.fromkeys(("regions_compiled", "regions_from_cache", "regions_failed", "regions_dropped", "region_insns", "idioms", "exclusives"), 0)
        self.causes = dict.fromkeys(CAUSES, 0)  # of failures
        self.tried: dict[Start, int] = {}
        self.entered: set[Start] = set()  # first entries of regions that were entered at some time
        self.full = False  # the arena is: nothing is placed until the engine's next reset
        self.lock = threading.Lock()
        self.on_region: Callable[[int, int, str], None] | None = None  # told of each region entered: pc, guest bytes, where it came from
        engine.block.put("hot_threshold", self.hot)
        engine.block.put("hot_stop", 1)

    def _choose_kind(self) -> None:
        """What tells this engine's regions from those of others, and where they are kept."""
        engine = self.engine
        options = (engine.unchecked_loads, engine.free_stores, engine.idiom, engine.tagged_stores)
        self.kind = " ".join([engine.code_name, engine.tier, *[str(int(option)) for option in options]])
        self.version = fingerprint(self.kind)
        self.cache = CodeCache(self.kind) if self._persistent else None

    def notice(self) -> None:
        """A vCPU has left native code because the hot queue has a block."""
        raise NotImplementedError

    # Hot blocks -------------------------------------------------------------------------------------------------------
    def take_hot(self) -> list[Start]:
        """Empty the hot queue."""
        block = self.engine.block
        return [(tag & _TAG_PC, tag >> 48) for tag in (block.block_field(at, "tag") for at in block.take_hot())]

    def executed(self, start: Start) -> int:
        """How often tier 0 has executed the block at *start*, as it is now."""
        at = self.engine.find_block(*start)
        return self.engine.block.block_field(at, "count") if at else 0

    def install(self, start: Start) -> bool:
        """Let tier 0's block at *start* run the native code that exists for it; False if there is none."""
        found = self.natives.get(start)
        if found is None:
            return False
        entry, valid = found
        state = read_word(valid)
        if state == DROPPED:
            del self.natives[start]
        if state != VALID:
            return False
        block = self.engine.find_block(*start)
        if block:
            self.engine.set_native(block, entry, valid)
        return True

    def from_cache(self, start: Start) -> bool:
        """Enter the region that the disk has for *start*; False if there is none."""
        cached = self.cache.find(start, self.engine.fetch) if self.cache is not None else None
        if cached is None:
            return False
        contents = [self.engine.fetch(*r) for r in cached.ranges]
        if self.enter(Made(cached.entries, cached.ranges, cached.blob), contents, "from the cache"):
            self.counts["regions_from_cache"] += 1
        return True

    def request(self, plan: Plan, again: bool = False) -> Request:
        """What is asked of the maker of a region, with the guest code as it is now; *again*: though there may be one on disk."""
        engine = self.engine
        pages = pages_of([*plan.entries, *plan.blocks], engine.fetch)
        return Request(self.kind, self.version, self.cache is not None, engine.arch, engine.unchecked_loads, engine.idiom, engine.tagged_stores, self.level,
                       plan.entries, plan.blocks, plan.guesses, pages, engine.x86_atomics, engine.free_stores, again)  # fmt: skip

    def settle(self, request: Request, answer: Made | Failure, why: str = "") -> bool:
        """Enter the region that was made, or count why there is none; gives whether it is there. ArenaFull if there is no room. *why*: for who traces it."""
        start = request.entries[0]
        if isinstance(answer, Failure):
            self.failed(start, answer)
            return False
        if request.free_stores != self.engine.free_stores:  # asked for before they were watched
            self.counts["regions_dropped"] += 1
            self.look_again(start, self.executed(start) + self.hot)
            return False
        if self.enter(answer, [request.fetch(*r) for r in answer.ranges], why + _making(answer)):
            self.counts["regions_compiled"] += 1
            self.counts["region_insns"] += answer.insns
            self.counts["idioms"] += answer.idioms
            self.counts["exclusives"] += answer.exclusives
        return start in self.natives

    def failed(self, start: Start, failure: Failure) -> None:
        self.counts["regions_failed"] += 1
        self.causes[failure.cause] += 1
        if os.environ.get("DBT_DEBUG"):
            sys.stderr.write(f"dbt: region at {start[0]:#x}: {failure.cause}: {failure.text}\n")

    # Entering ---------------------------------------------------------------------------------------------------------
    def enter(self, made: Made, contents: list[bytes], source: str) -> bool:
        """Place a region and open its entries, unless its guest bytes are not *contents* any more."""
        try:
            linked = objects.load(made.blob)
        except objects.ObjectError as error:
            self.failed(made.entries[0], Failure(ERROR, str(error)))
            return False
        placed = self.arena.place(linked, (len(linked.data), linked.data_size))  # chain slots are all that begins as 0
        valid = placed.address(VALID_SYMBOL)
        self._valid_words.append(valid)
        if not self.engine.watch_code(made.ranges, contents, valid):
            write_word(valid, DROPPED)
            self.counts["regions_dropped"] += 1
            return False
        self._open(placed, made, valid)
        self.entered.add(made.entries[0])
        if self.on_region is not None:
            self.on_region(made.entries[0][0], sum(length for _, length in made.ranges), source)
        return True

    def _open(self, placed: Placed, made: Made, valid: int) -> None:
        for number, start in enumerate(made.entries):
            self.natives[start] = (placed.address(entry_symbol(number)), valid)
            self.install(start)

    def no_room(self) -> None:
        """The arena is full."""
        self.counts["regions_dropped"] += 1
        self.full = True
        self.engine.block.put("hot_threshold", NEVER_HOT)

    # Upkeep -----------------------------------------------------------------------------------------------------------
    def begin(self, name: bytes) -> None:
        """The program *name* is about to run."""

    def keep(self) -> None:
        """It is about to end."""

    def stop(self) -> None:
        """Nothing of the engine is touched after this."""

    def free(self) -> None:
        """The engine's memory has been given back."""

    def before_fork(self) -> None:
        """The process is about to be copied."""
        raise NotImplementedError

    def after_fork(self, child: bool) -> None:
        """Go on after a fork."""
        raise NotImplementedError

    def pausing(self) -> AbstractContextManager[Any]:
        """While this context lasts, no block is being dealt with. To be entered before an exclusive section."""
        return self.lock

    def start_over(self, again: bool) -> None:
        """The engine's options have changed: no region made so far is entered again. *again*: their blocks ask for new ones when they have stayed hot. While
        ``pausing``, and no vCPU in native code."""
        self._choose_kind()
        starts = {*self.natives, *self.tried} if again else ()
        for valid in self._valid_words:
            write_word(valid, DROPPED)
        self._valid_words.clear()
        self.natives.clear()
        self.tried.clear()
        for start in starts:
            self.look_again(start, self.executed(start) + self.hot)

    def look_again(self, start: Start, executions: int) -> None:
        """Have the block at *start* come back once tier 0 has executed it so often."""
        block = self.engine.find_block(*start)
        if block:
            self.engine.block.put_block_field(block, "hot_at", executions)

    def forget(self) -> None:
        """Drop all native code. Only while no vCPU runs, and ``pausing``."""
        self.arena.reset()
        self._valid_words.clear()
        self.natives.clear()
        self.tried.clear()
        self.full = False
        self.engine.block.put("hot_threshold", self.hot)

    def stats(self) -> dict[str, object]:
        failures = {cause: count for cause, count in self.causes.items() if count}
        return {**self.counts, "region_failures": failures, "region_bytes": self.arena.used}


class Synchronous(Tier1):
    """Makes regions in this process and waits for them."""

    level = 0  # the code may run once
    hot = 1

    def __init__(self, engine: Engine, persistent: bool = True) -> None:
        super().__init__(engine, persistent)
        self._held = False

    def before_fork(self) -> None:
        """A compilation of another vCPU is given a moment, not waited for: if it goes on, the child must not use LLVM, whose locks and data may be in any state
        there."""
        self._held = self.lock.acquire(timeout=_FORK_PATIENCE)

    def after_fork(self, child: bool) -> None:
        if self._held:
            self.lock.release()
        elif child:
            self.lock = threading.Lock()
            self.may_compile = False

    def notice(self) -> None:
        for start in self.take_hot():
            with self.lock:
                if not self.full and not self.install(start) and self.tried.get(start, 0) < MOST_TRIES:
                    self._make(start)

    def _make(self, start: Start) -> None:
        from runtime.compileserver.maker import make
        from runtime.regions import plan
        from runtime.static_flow import Static

        try:
            if self.from_cache(start) or not self.may_compile:
                return
            self.tried[start] = self.tried.get(start, 0) + 1
            request = self.request(plan(Static(self.engine.frontend, self.engine.fetch), start))
            made = make(request)
            if self.settle(request, made) and self.cache is not None:
                self.cache.add(Cached(made.entries, made.ranges, made.blob), [request.fetch(*r) for r in made.ranges])
        except ArenaFull:
            self.no_room()
        except Exception as error:  # a bug of ours must cost speed, not the guest
            self.failed(start, Failure(ERROR, f"{type(error).__name__}: {error}"))
