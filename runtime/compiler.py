"""Tier 1 of an engine: takes hot blocks, has regions compiled (or finds them on disk), places them and lets the vCPUs enter.

In tier ``auto`` one daemon thread does it while the vCPUs go on interpreting; in tier ``1`` the vCPU's own thread does it, at every block's first execution.
A region that can't be compiled is counted and left to tier 0: nothing here ends a guest.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from dbt.backend.llvm.convention import VALID_SYMBOL, entry_symbol
from runtime import objects
from runtime.arena import Arena, ArenaFull, Placed, read_word, write_word
from runtime.codecache import Cached, CodeCache

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from typing import Any

    from dbt.ir.unit import Unit
    from dbt.pipeline import Fetch, Start
    from runtime.engine import Engine
    from runtime.regions import Source

HOT = 2000  # executions in tier 0 that make a block hot: worth a look whether there is native code for it, in memory or on disk
WORTHWHILE = 20_000  # executions that make it worth a compilation, which costs as much as a million interpreted instructions or more
_IDLE_SECONDS = 0.002  # how long the compile thread sleeps between two looks at an empty queue, at first...
_LONGEST_IDLE = 0.02  # ...and at most
_MOST_TRIES = 3  # compilations of one block: its code may change
_FIRST_DELAY, _LONGEST_DELAY = 0.01, 1.0  # seconds until a hot block is looked at again, doubled each time
_PIECE = 4096  # most guest bytes one watch covers
_TAG_PC = (1 << 48) - 1
_FORK_PATIENCE = 0.01  # seconds a fork waits for the compiler
_LEVELS = {"auto": 2, "1": 0}  # LLVM codegen level: tier 1 compiles code that may run once
_SWITCH_SECONDS = 0.0002  # a vCPU that comes back for a system call gets the interpreter lock from the compile thread this soon (Python's default is 5 ms)


class _Recorder:
    """A fetch that remembers what it gave, so that a region is checked against the very bytes it was made from."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._seen: dict[int, int] = {}

    def __call__(self, pc: int, length: int) -> bytes:
        data = self._fetch(pc, length)
        for i, byte in enumerate(data):
            self._seen.setdefault(pc + i, byte)
        return data

    def content(self, start: int, length: int) -> bytes:
        """The bytes of a range as first fetched; KeyError if part of it never was."""
        return bytes([self._seen[address] for address in range(start, start + length)])


def _stores(unit: Unit) -> int:
    """Number of store-conditionals."""
    return sum(1 for inst in unit.insts() if inst.op.name == "stcond")


class _Waiting:
    """A hot block that needs nothing yet: it is looked at again at ``when`` (monotonic seconds), and dealt with after ``least`` executions. ``delay`` is
    how long it has waited for that look."""

    __slots__ = ("when", "delay", "start", "least")

    def __init__(self, when: float, delay: float, start: Start, least: int) -> None:
        self.when, self.delay, self.start, self.least = when, delay, start, least


class _Closed(Exception):
    """The engine's memory is gone: the compile thread ends."""


class Tier1:
    """Made by the engine for tiers ``1`` and ``auto``; see the module's text. ``compile_hot`` is for the synchronous tier."""

    def __init__(self, engine: Engine, persistent: bool = True) -> None:
        self.engine = engine
        self.arena = Arena()
        options = (engine.unchecked_loads, engine.idiom, engine.tagged_stores)
        self.cache = CodeCache(" ".join([engine.arch, engine.tier, *[str(int(option)) for option in options]])) if persistent else None
        self.natives: dict[Start, tuple[int, int]] = {}  # compiled entries: host addresses of the code and of its valid word
        self.counts = dict.fromkeys(("regions_compiled", "regions_from_cache", "regions_failed", "regions_dropped", "region_insns", "idioms", "exclusives"), 0)
        self._tried: dict[Start, int] = {}
        self._covered: dict[Start, int] = {}  # blocks inside a region, entries or not: the region's valid word
        self._waiting: list[_Waiting] = []
        self._lock = threading.Lock()  # held while a block is dealt with
        self._memory = threading.Lock()  # held while the engine's or the guest's memory is used: `stop` does not wait for LLVM
        self._closed = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._held = False
        self.may_compile = True
        self.on_region: Callable[[int, int, str], None] | None = None  # told of each region entered: pc, guest bytes, where it came from
        self.synchronous = engine.tier == "1"
        self.level = _LEVELS[engine.tier]
        engine.block.put("hot_threshold", 1 if self.synchronous else HOT)
        engine.block.put("hot_stop", int(self.synchronous))
        if not self.synchronous:
            sys.setswitchinterval(_SWITCH_SECONDS)
            self._start()

    # The thread -------------------------------------------------------------------------------------------------------
    def _start(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="tier1", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        idle = _IDLE_SECONDS
        try:
            while not self._stop.wait(idle):
                busy = self.compile_hot()
                idle = _IDLE_SECONDS if busy else min(idle * 1.5, _LONGEST_IDLE)
        except _Closed:
            pass

    @contextmanager
    def _using_memory(self) -> Iterator[None]:
        with self._memory:
            if self._closed:
                raise _Closed
            yield

    def stop(self) -> None:
        """End the thread: it touches nothing of the engine after this, though a compilation may take its time to end."""
        self._stop.set()
        with self._memory:
            self._closed = True

    def before_fork(self) -> None:
        """Hold compilation off while the process is copied. A compilation under way is given a moment, not waited for: if it goes on, the child must not use
        LLVM, whose locks and data may be in any state there. Memory is never held for long, so for that lock it waits."""
        self._held = self._lock.acquire(timeout=_FORK_PATIENCE)
        self._memory.acquire()

    def after_fork(self, child: bool) -> None:
        """Go on after a fork. A child has lost the thread and starts its own; see ``before_fork`` for when it only installs what is on disk."""
        self._memory.release()
        if self._held:
            self._lock.release()
        elif child:
            self._lock = threading.Lock()
            self.may_compile = False
        if child and not self.synchronous:
            self._start()

    # Work -------------------------------------------------------------------------------------------------------------
    def compile_hot(self) -> bool:
        """Deal with every block in the hot queue; gives whether there was any."""
        with self._using_memory():
            starts = [(tag & _TAG_PC, tag >> 48) for tag in (self.engine.block.block_field(at, "tag") for at in self.engine.block.take_hot())]
            starts += self._still_interpreted()
        for start in starts:
            with self._lock:
                if self._stop.is_set() and not self.synchronous:
                    break
                self._make(start)
        return bool(starts)

    def _still_interpreted(self) -> list[Start]:
        """Hot blocks that tier 0 has gone on executing: for want of native code, or in a loop without an entry to the region around it."""
        now = time.monotonic()
        due = [item for item in self._waiting if item.when <= now]
        if not due:
            return []
        self._waiting = [item for item in self._waiting if item.when > now]
        found = []
        for item in due:
            count = self._executed(item.start)
            if count >= item.least:
                self._covered.pop(item.start, None)
                found.append(item.start)
            elif count:  # else its code has changed
                delay = min(2 * item.delay, _LONGEST_DELAY)
                self._waiting.append(_Waiting(now + delay, delay, item.start, item.least))
        return found

    def _look_again(self, start: Start, least: int) -> None:
        self._waiting.append(_Waiting(time.monotonic() + _FIRST_DELAY, _FIRST_DELAY, start, least))

    def _executed(self, start: Start) -> int:
        block = self.engine.find_block(*start)
        return self.engine.block.block_field(block, "count") if block else 0

    def _make(self, start: Start) -> None:
        """Have native code for the block at *start*, one way or another."""
        try:
            with self._using_memory():
                if self._served(start) or self._from_cache(start) or not self.may_compile:
                    return
                if not self.synchronous and self._executed(start) < WORTHWHILE:
                    self._look_again(start, WORTHWHILE)
                    return
                self._tried[start] = self._tried.get(start, 0) + 1
            self._compile(start)
        except ArenaFull:
            self.counts["regions_dropped"] += 1
            self.engine.block.put("hot_threshold", (1 << 63) - 1)  # until the engine's next reset
        except _Closed:
            raise
        except Exception as error:  # a bug of ours must cost speed, not the guest
            self.counts["regions_failed"] += 1
            if os.environ.get("DBT_DEBUG"):
                sys.stderr.write(f"dbt: region at {start[0]:#x}: {type(error).__name__}: {error}\n")

    def _served(self, start: Start) -> bool:
        """True if nothing is to be compiled for *start*: there is native code for it, a region around it, or it has failed before."""
        if self._install(start) or self._tried.get(start, 0) >= _MOST_TRIES:
            return True
        inside = self._covered.get(start)
        if inside and read_word(inside):
            self._look_again(start, self._executed(start) + HOT)
            return True
        return False

    def _install(self, start: Start) -> bool:
        """Let tier 0's block at *start* run the native code that exists for it."""
        found = self.natives.get(start)
        if found is None:
            return False
        entry, valid = found
        if not read_word(valid):
            del self.natives[start]
            return False
        block = self.engine.find_block(*start)
        if block:
            self.engine.set_native(block, entry, valid)
        return True

    def _from_cache(self, start: Start) -> bool:
        if self.cache is None:
            return False
        cached = self.cache.find(start, self.engine.fetch)
        if cached is None:
            return False
        try:
            linked = objects.load(cached.blob)
        except objects.ObjectError:
            return False
        contents = [self.engine.fetch(*r) for r in cached.ranges]
        if self._enter(linked, cached.entries, cached.ranges, contents, "from the cache"):
            self.counts["regions_from_cache"] += 1
        return True

    def _source(self, fetch: Fetch) -> Source:
        from runtime.regions import Profile, Static

        if self.synchronous:
            return Static(self.engine.frontend, fetch)
        return Profile(self.engine.block, self.engine.find_block)

    def _compile(self, start: Start) -> None:
        from dbt.backend.llvm import object as backend
        from dbt.backend.llvm.region import Entry, lower
        from dbt.ir.passes import STANDARD, WITHOUT_IDIOM
        from dbt.pipeline import lift_region, optimise
        from runtime.regions import plan

        fetch = _Recorder(self.engine.fetch)
        with self._using_memory():
            entries, blocks, guesses = plan(self._source(fetch), start)
            region = lift_region(self.engine.frontend, fetch, entries, blocks, guesses=guesses)
        contents = [fetch.content(*r) for r in region.ranges]
        exclusives = _stores(region.unit)
        optimise(region.unit, STANDARD if self.engine.idiom else WITHOUT_IDIOM)
        kept = _stores(region.unit)
        self.counts["idioms"] += exclusives - kept
        self.counts["exclusives"] += kept
        starts = list(region.entries)
        places = [Entry(label, pc, mode) for (pc, mode), label in region.entries.items()]
        text = lower(region.unit, places, self.engine.layout, linear=True, fma=backend.has_fma(), unchecked=self.engine.unchecked_loads,
                     tagged=self.engine.tagged_stores)
        linked = objects.link(backend.compile_object(text, self.level))
        self.counts["regions_compiled"] += 1
        self.counts["region_insns"] += sum(1 for inst in region.unit.insts() if inst.op.name == "mark")
        with self._using_memory():
            if not self._enter(linked, starts, region.ranges, contents, "compiled"):
                return
        if not self.synchronous:
            self._covered.update(dict.fromkeys(blocks, self.natives[start][1]))
        if self.cache is not None:
            self.cache.add(Cached(starts, region.ranges, objects.dump(linked)), contents)

    def _enter(self, linked: objects.LinkedObject, entries: list[Start], ranges: list[tuple[int, int]], contents: list[bytes], source: str) -> bool:
        """Place a region and open its entries, unless its guest bytes have changed meanwhile."""
        placed = self.arena.place(linked)
        valid = placed.address(VALID_SYMBOL)
        if not self._watched(ranges, valid) or [self.engine.fetch(*r) for r in ranges] != contents:
            write_word(valid, 0)
            self.counts["regions_dropped"] += 1
            return False
        self._open(placed, entries, valid)
        if self.on_region is not None:
            self.on_region(entries[0][0], sum(length for _, length in ranges), source)
        return True

    def _watched(self, ranges: list[tuple[int, int]], valid: int) -> bool:
        """Have the valid word cleared when any guest byte of the region changes; False if the block table is full."""
        pieces = [(at, min(_PIECE, start + length - at)) for start, length in ranges for at in range(start, start + length, _PIECE)]
        return all(self.engine.watch_code(at, size, valid) for at, size in pieces)

    def _open(self, placed: Placed, entries: list[Start], valid: int) -> None:
        for number, start in enumerate(entries):
            self.natives[start] = (placed.address(entry_symbol(number)), valid)
            self._install(start)

    # Upkeep -----------------------------------------------------------------------------------------------------------
    def pausing(self) -> AbstractContextManager[Any]:
        """While this context lasts, no block is being dealt with. To be entered before an exclusive section."""
        return self._lock

    def forget(self) -> None:
        """Drop all native code. Only while no vCPU runs, and ``pausing``."""
        self.arena.reset()
        self.natives.clear()
        self._tried.clear()
        self._covered.clear()
        self._waiting.clear()
        self.engine.block.put("hot_threshold", 1 if self.synchronous else HOT)

    def stats(self) -> dict[str, object]:
        return {**self.counts, "region_bytes": self.arena.used}
