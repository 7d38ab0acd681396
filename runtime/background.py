"""Tier ``auto``: a thread looks after hot blocks while the vCPUs go on, and the compile server makes the regions.

The thread sleeps until a vCPU puts a block in the hot queue, and exists only then. A block is put there after ``HOT`` executions, when it is worth a look on
disk, and once more when it has been executed often enough to be worth a compilation (its ``hot_at`` says when). So nobody polls; only while an answer is
awaited the thread looks at both, the queue and the connection.

The thread has a table of descriptors of its own (``runtime.own_files``), takes no signals, and holds ``lock`` for short steps only: a fork waits for one of
them at most. A forked child starts its own when a block gets hot there.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the module signal costs a warm start its import of enum
import sys
import threading
import time
from _thread import start_new_thread
from collections.abc import Iterator
from contextlib import contextmanager

from dbt.backend.llvm.convention import entry_symbol
from runtime.arena import ArenaFull
from runtime.compiler import MOST_TRIES, Tier1
from runtime.compileserver.channel import Closed, Message
from runtime.compileserver.client import Client, Unavailable
from runtime.compileserver.requests import ERROR, LOST, Failure, Made, Request, unpack_answer
from runtime.covered import Covered, Live
from runtime.kept import Kept
from runtime.own_files import own_table
from runtime.quick import Quick, supported
from runtime.reprofile import Reprofile, Revision

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from dbt.pipeline import Start
    from runtime.arena import Placed
    from runtime.engine import Engine

# Executions in tier 0 that make a block hot: worth a look whether there is native code for it, in memory or on disk, else quick code. To make that takes
# 0.3 ms with the interpreter's lock, which a guest that has to lift waits for; an execution of quick code saves 60 ns.
HOT = 2_000
WORTHWHILE = 4_000  # executions that make it worth a compilation, in a process of its own and for the next run too
MOST_ASKED = 16  # requests of one process that are under way: the next one is planned when more is known
_AWAKE = 0.003  # seconds that the thread stays awake for more blocks: a vCPU that wakes it loses some microseconds
_GLANCE = 0.002  # seconds between two looks at the queue while an answer is awaited
_IDLE = 20.0  # seconds without a hot block until the server is let go
_PATIENCE = 120.0  # seconds for an answer: more than the server takes for a region that ends badly
_SWITCH_SECONDS = 0.0002  # a vCPU that comes back for a system call gets the interpreter lock from the thread this soon (Python's default is 5 ms)
_EVERY_SIGNAL = _signal.valid_signals()


class _Asked:
    """A request under way, perhaps for a region that replaces others."""

    __slots__ = ("request", "revision", "when")

    def __init__(self, request: Request, revision: Revision | None) -> None:
        self.request = request
        self.revision = revision
        self.when = time.monotonic()


class _Stopped(Exception):
    """The engine's memory is gone: the thread ends."""


class Background(Tier1):
    """See the module's text."""

    level = 2
    hot = HOT
    enough = WORTHWHILE

    def __init__(self, engine: Engine, persistent: bool = True) -> None:
        super().__init__(engine, persistent)
        self.memory = threading.Lock()  # held while the engine's or the guest's memory is used, after `lock`
        self.client = Client()
        self.quick = Quick(engine, self.arena) if supported() else None
        self._kept: Kept | None = None
        self._running = False
        self._stopped = False
        self._news = threading.Event()
        self._ready: dict[Start, None] = {}  # blocks that are worth a compilation
        self._revisions: list[Revision] = []  # and regions that are to be made again
        self._revising: Revision | None = None  # the one whose region is being entered
        self.reprofile = Reprofile(self)
        self._asked: dict[int, _Asked] = {}
        self._slow: dict[Start, None] = {}  # blocks that nothing was found for: they get quick code
        self.covered = Covered()  # whose code the regions have
        self._passed: dict[Start, set[int]] = {}  # blocks that were left alone once, because a region has their code: valid words of these regions
        self._serial = 0
        self._unavailable = ""  # why nothing can be compiled
        sys.setswitchinterval(_SWITCH_SECONDS)

    # The thread -------------------------------------------------------------------------------------------------------
    def notice(self) -> None:
        with self.memory:
            self.engine.block.put("hot_stop", 0)
            starting = not self._running and not self._stopped
            self._running = True
        if starting:
            before = _signal.pthread_sigmask(_signal.SIG_BLOCK, _EVERY_SIGNAL)
            start_new_thread(self._work, ())
            _signal.pthread_sigmask(_signal.SIG_SETMASK, before)
        self._news.set()

    def _work(self) -> None:
        try:
            own_table(keep_stderr=self.on_region is not None)
        except OSError as error:
            self._unavailable = f"close_range: {error.strerror}"
        try:
            while True:
                self._deal_with_blocks()
                self._make_quick()
                self._ask()
                if self._asked:
                    self._hear(0 if self._slow else _GLANCE)
                elif not self._slow:
                    self._sleep()
        except _Stopped:
            pass
        except Exception as error:  # a bug of ours must cost speed, not the guest
            self.failed((0, 0), Failure(ERROR, f"{type(error).__name__}: {error}"))
        finally:
            self.client.close()  # by nobody else: in their table of descriptors the number is another's

    def _sleep(self) -> None:
        """Until there is a hot block. A vCPU is asked to say so only after a while without: its way out of native code costs time."""
        self._news.clear()
        if self._news.wait(_AWAKE) or self._has_hot():
            return
        with self._using_memory():
            self.engine.block.put("hot_stop", 1)
            if self.engine.block.has_hot():
                self.engine.block.put("hot_stop", 0)
                return
        if not self._news.wait(_IDLE if self.client.connected else None):
            self.client.close()
            self._news.wait()

    def _has_hot(self) -> bool:
        with self._using_memory():
            return self.engine.block.has_hot()

    @contextmanager
    def _using_memory(self) -> Iterator[None]:
        with self.memory:
            if self._stopped:
                raise _Stopped
            yield

    # Blocks -----------------------------------------------------------------------------------------------------------
    def _deal_with_blocks(self) -> None:
        with self.lock, self._using_memory():
            starts = self.take_hot()
        for start in starts:
            with self.lock, self._using_memory():
                try:
                    self._deal_with(start)
                except ArenaFull:
                    self.no_room()
                except Exception as error:  # a bug of ours must cost speed, not the guest
                    self.failed(start, Failure(ERROR, f"{type(error).__name__}: {error}"))

    def _deal_with(self, start: Start) -> None:
        """Find native code for a hot block, or remember that it wants some. A block that a region has the code of is probably not executed any more, once
        what leads to it is native: it has to come again."""
        if self.reprofile.ends_with(start):
            revision = self.reprofile.finish()
            if revision is not None:
                self._revisions.append(revision)
        if self.full or self.install(start) or self.tried.get(start, 0) >= MOST_TRIES:
            return
        if self.from_cache(start) or self._inside(start):
            return
        if self.quick is not None:
            self._slow[start] = None
        if self.executed(start) < WORTHWHILE:
            self.look_again(start, WORTHWHILE)
        elif not self._unavailable:
            self._ready[start] = None

    def _make_quick(self) -> None:
        """Quick code for one block and what it leads to, which takes longer than finding what there is: between two looks at the hot queue."""
        with self.lock, self._using_memory():
            if self.quick is None or not self._slow or self.full:
                self._slow.clear()
                return
            start = next(iter(self._slow))
            del self._slow[start]
            try:
                if start not in self.natives:
                    self.quick.make(start)
            except ArenaFull:
                self.no_room()
            except Exception as error:  # a bug of ours must cost speed, not the guest
                self.failed(start, Failure(ERROR, f"{type(error).__name__}: {error}"))

    def _inside(self, start: Start) -> bool:
        """True if a region has the block *start*, though perhaps no entry there: if tier 0 still executes it often after that, it gets one of its own."""
        regions = {region.valid for region in self.covered.at(start[0])}
        if regions <= self._passed.get(start, set()):
            return False
        self._passed[start] = regions
        self.look_again(start, self.executed(start) + HOT)
        return True

    def _open(self, placed: Placed, made: Made, valid: int) -> None:
        super()._open(placed, made, valid)
        places = {entry: placed.address(entry_symbol(number)) for number, entry in enumerate(made.entries)}
        self.covered.add(Live(places, made.ranges, valid, self._revising.number if self._revising is not None else 0))

    def install(self, start: Start) -> bool:
        if not super().install(start):
            return False
        if self.quick is not None:
            self.quick.replace(start, self.natives[start][0])
        return True

    def step_back(self, start: Start) -> None:
        """Let quick code, or tier 0, run the block at *start*."""
        if self.quick is not None:
            self.quick.step_back(start)

    def quick_ways(self, entries: list[Start]) -> dict[int, int]:
        """Host addresses of the quick code of *entries*, and those of what is better."""
        if self.quick is None:
            return {}
        return {self.quick.entry(start): self.natives[start][0] for start in entries if self.quick.entry(start) and start in self.natives}

    # Requests ---------------------------------------------------------------------------------------------------------
    def _ask(self) -> None:
        """Ask for the hottest blocks that nobody has asked for. Without a server, what is compiled already and what is on disk must do."""
        while len(self._asked) < MOST_ASKED:
            with self.lock, self._using_memory():
                if not self._ready and not self._revisions:
                    return
                message = self._next_request()
            if message is None:
                continue
            try:
                self.client.send(message)
            except (Closed, Unavailable) as error:
                with self.lock, self._using_memory():
                    if isinstance(error, Unavailable):
                        self._unavailable = str(error)
                        self._ready.clear()
                        self._revisions.clear()
                    self._lost()

    def _next_request(self) -> Message | None:
        from runtime.regions import Profile, plan

        if self._revisions:
            return self._revised(self._revisions.pop())
        start = max(self._ready, key=self.executed)
        del self._ready[start]
        if any(start in asked.request.blocks for asked in self._asked.values()):
            self.look_again(start, self.executed(start) + HOT)
            return None
        if self.install(start) or self._inside(start):
            return None
        revision = self.reprofile.consider(start)
        if isinstance(revision, Revision):
            self._revisions.append(revision)
        if revision is True or revision and start in revision.plan.blocks:
            return None
        self.tried[start] = self.tried.get(start, 0) + 1
        asked = {entry for asked in self._asked.values() for entry in asked.request.entries}
        request = self.request(plan(Profile(self.engine, lambda place: place in self.natives or place in asked), start))
        return self._message(request, None)

    def _revised(self, revision: Revision) -> Message:
        return self._message(self.request(revision.plan, again=True), revision)

    def _message(self, request: Request, revision: Revision | None) -> Message:
        self._serial += 1
        self._asked[self._serial] = _Asked(request, revision)
        return Message(self._serial, self.executed(request.entries[0]), request.pack())

    def _hear(self, seconds: float) -> None:
        """Take the answers that have come, waiting so long for the first."""
        try:
            messages = self.client.receive(seconds)
        except Closed:
            with self.lock, self._using_memory():
                self._lost()
            return
        for message in messages:
            with self.lock, self._using_memory():
                asked = self._asked.pop(message.number, None)
                if asked is not None:
                    self._settle(asked, message.body)
        if any(time.monotonic() - asked.when > _PATIENCE for asked in self._asked.values()):
            with self.lock, self._using_memory():
                self._lost()

    def _settle(self, asked: _Asked, body: bytes) -> None:
        request, revision = asked.request, asked.revision
        start = request.entries[0]
        before = self.natives.get(start)
        self._revising = revision
        try:
            answer = unpack_answer(body)
            if not self.full:
                self.settle(request, answer, str(revision or ""))
            if revision is not None and isinstance(answer, Made) and self.natives.get(start) != before:
                self.reprofile.replace(revision, answer.entries)
        except ArenaFull:
            self.no_room()
        except Exception as error:  # a bug of ours must cost speed, not the guest
            self.failed(start, Failure(ERROR, f"{type(error).__name__}: {error}"))
        finally:
            self._revising = None

    def _lost(self) -> None:
        """The server has gone, and what it was asked for with it: blocks that stay hot ask again."""
        self.client.close()
        for asked in self._asked.values():
            start = asked.request.entries[0]
            self.failed(start, Failure(LOST))
            self.look_again(start, self.executed(start) + HOT)
        self._asked.clear()

    # Upkeep -----------------------------------------------------------------------------------------------------------
    def begin(self, name: bytes) -> None:
        if self.quick is not None and self._persistent:
            self._kept = Kept(self.engine, name, self.kind)

    def keep(self) -> None:
        if self._kept is not None:
            entered = frozenset(self.entered)  # a copy in one step: the thread may be adding to it
            self._kept.leave(entered, self.quick is not None and self.quick.counts["quick_blocks"] > 0)

    def stop(self) -> None:
        with self.memory:
            self._stopped = True
        self._news.set()

    def free(self) -> None:
        if self._kept is not None:
            self._kept.close()

    def before_fork(self) -> None:
        """Hold the thread off while the process is copied: for one step of its work at most."""
        self.memory.acquire()

    def after_fork(self, child: bool) -> None:
        """A child has lost the thread, and what was asked for goes to its parent: its blocks come back when they have stayed hot."""
        if child:
            self.lock = threading.Lock()
            waiting = [*self._ready, *self._slow, *(asked.request.entries[0] for asked in self._asked.values())]
            self._ready.clear()
            self._slow.clear()
            self._revisions.clear()
            self._asked.clear()
            self.reprofile.resume()
            self._running = False
            self._news = threading.Event()
            self.client = self.client.of_child()
            for start in waiting:
                self.look_again(start, self.executed(start) + HOT)
            self.engine.block.put("hot_stop", 1)
        self.memory.release()

    def start_over(self, again: bool) -> None:
        if self.quick is not None:
            self.quick.start_over()
        for start in self._passed if again else ():
            self.look_again(start, self.executed(start) + HOT)
        self._passed.clear()
        self.covered.clear()
        self._forget_revisions()
        super().start_over(again)

    def forget(self) -> None:
        super().forget()
        self.engine.block.put("kept", 0)  # its words are those of blocks that are gone
        if self.quick is not None:
            self.quick.forget()
        self.covered.clear()
        self._passed.clear()
        self._ready.clear()
        self._slow.clear()
        self._forget_revisions()

    def _forget_revisions(self) -> None:
        """What they would replace is not entered any more, and its valid words may soon be something else."""
        self._revisions.clear()
        for asked in self._asked.values():
            asked.revision = None
        self.reprofile.forget()

    def stats(self) -> dict[str, object]:
        quick = {**self.quick.counts, "quick_adopted": self.engine.block.get("adopted")} if self.quick is not None else {}
        return {**super().stats(), **quick, **self.reprofile.counts, "compile_servers": self.client.starts}
