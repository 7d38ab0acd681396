"""Explores every interleaving of the shared accesses of two or three vCPUs.

A state is the contents of the shared words, the node of each vCPU's automaton (``threads``), its store buffer, and what the contract's monitor remembers. All
states reachable from the first one are visited once each, so loops end, and afterwards every state must be able to reach the end of all programs: that finds
deadlocks, lost wake-ups and loops that nothing can leave.

With ``tso`` plain stores go through a store buffer, as on x86: a FIFO that later loads of the same vCPU read from and pass, and that is empty at each atomic
operation and fence. Without it, accesses happen in program order (sequential consistency).

With *preemptions* only those interleavings are visited in which a vCPU that could go on is interrupted by another one at most so many times; that a vCPU sleeps
or has ended is no interruption (Musuvathi and Qadeer, PLDI 2007: most mistakes need two). That is for three vCPUs, whose interleavings are too many. It
assumes nothing, so what it finds is real; what it does not find may need one more. Nothing is said then of being stuck.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from tests.model.threads import Access, Automaton, ModelError, Node, Thread, World

_NOBODY = -1
_CHECK_SHARING = 64  # states between looks at newly found shared words
_found_shared: dict[Any, set[int]] = {}  # what earlier explorations of the same scenario found: a good guess, and too much does no harm


class Violation(AssertionError):
    """The programs can break the contract; the message has the interleaving."""


class Monitor(Protocol):
    """Follows the order of effect. Its memory is a hashable value; a method gives the next one, or raises ``Broken``."""

    start: Any

    def access(self, memory: Any, thread: int, phase: tuple[Any, ...], access: Access, before: int, after: int, writes: bool) -> Any: ...

    def event(self, memory: Any, thread: int, event: tuple[Any, ...]) -> Any: ...


class Broken(Exception):
    """What a monitor raises."""


class Outcome(NamedTuple):
    """One way in which all programs ended."""

    words: Mapping[int, int]  # shared words
    seen: tuple[tuple[Any, ...], ...]  # by vCPU


class Explored(NamedTuple):
    """What an exploration found."""

    states: int
    steps: int  # transitions taken
    nodes: int  # local states of all vCPUs
    shared: int  # shared words
    outcomes: frozenset[tuple[tuple[Any, ...], ...]]  # what the vCPUs saw, over all interleavings

    def __str__(self) -> str:
        return f"{self.states} states, {self.steps} steps, {self.nodes} local states, {self.shared} shared words, {len(self.outcomes)} outcomes"


class _Restart(Exception):
    pass


class Explorer:
    """*programs* are run by vCPU 0, 1...; *check* is asked about each outcome, and raises AssertionError if it is wrong."""

    def __init__(self, world: World, programs: Iterable[Callable[[Thread], None]], monitor: Monitor, *, check: Callable[[Outcome], None] = lambda outcome: None,
                 limit: int = 2_000_000, preemptions: int | None = None, name: Any = None) -> None:
        self._world, self._programs = world, list(programs)
        self._guest, self._name, self._tso = world.memory.is_guest, world.memory.name, world.tso
        self._monitor, self._check, self._limit, self._preemptions = monitor, check, limit, preemptions
        world.sharing.shared |= _found_shared.get(name, set())
        self._remember = _found_shared.setdefault(name, set()) if name is not None else set()

    def run(self) -> Explored:
        """Visit all states; Violation."""
        while True:
            try:
                return self._explore()
            except _Restart:
                self._world.sharing.shared |= self._world.sharing.found
                self._remember |= self._world.sharing.shared

    # One pass with a fixed set of shared words -------------------------------------------------------------------------------
    def _explore(self) -> Explored:
        self._automata = [Automaton(self._world, i, program) for i, program in enumerate(self._programs)]
        self._slots: dict[int, int] = {}
        self._words: list[int] = []
        self._first: list[int] = []
        self._steps = 0
        self._parents, self._labels = array("q", [-1]), array("q", [0])
        self._edges_from, self._edges_to = array("q"), array("q")
        self._known: dict[Any, int] = {}
        outcomes: set[tuple[tuple[Any, ...], ...]] = set()
        ends: list[int] = []
        threads, monitor = self._settle(tuple((0, (), False) for _ in self._automata), self._monitor.start, range(len(self._automata)), -1)
        start = ((), threads, monitor, _NOBODY, self._preemptions)
        self._known[start] = 0
        todo = [start]
        while todo:
            state = todo.pop()
            at = self._known[state]
            if at % _CHECK_SHARING == 0 and self._world.sharing.found - self._world.sharing.shared:
                raise _Restart
            moved = False
            for label, following in self._allowed(state, at):
                moved = True
                self._steps += 1
                known = self._known.get(following)
                if known is None:
                    known = self._known[following] = len(self._known)
                    if known >= self._limit:
                        raise ModelError(f"more than {self._limit} states")
                    self._parents.append(at)
                    self._labels.append(label)
                    todo.append(following)
                self._edges_from.append(at)
                self._edges_to.append(known)
            if not moved:
                nodes = [automaton.nodes[number] for automaton, (number, _, _) in zip(self._automata, state[1], strict=True)]
                if all(node.access.kind == "end" for node in nodes):
                    ends.append(at)
                    outcome = Outcome({word: self._load(state[0], slot) for word, slot in self._slots.items()}, tuple(node.seen for node in nodes))
                    outcomes.add(outcome.seen)
                    if not self._world.sharing.found - self._world.sharing.shared:
                        try:
                            self._check(outcome)
                        except AssertionError as e:
                            self._violated(at, f"wrong outcome {outcome.seen}: {e}")
        if self._world.sharing.found - self._world.sharing.shared:
            raise _Restart
        if self._preemptions is None:
            self._check_progress(ends)
        return Explored(len(self._known), self._steps, sum(len(automaton.nodes) for automaton in self._automata), len(self._slots), frozenset(outcomes))

    def _check_progress(self, ends: list[int]) -> None:
        """Every state can reach an end."""
        count = len(self._known)
        before: list[list[int]] = [[] for _ in range(count)]
        for source, target in zip(self._edges_from, self._edges_to, strict=True):
            before[target].append(source)
        reaches = bytearray(count)
        todo = list(ends)
        for at in ends:
            reaches[at] = 1
        while todo:
            for source in before[todo.pop()]:
                if not reaches[source]:
                    reaches[source] = 1
                    todo.append(source)
        stuck = reaches.find(0)
        if stuck >= 0:
            self._violated(stuck, "from here the programs cannot all end")

    # Memory: a tuple by slot; slots are given out as words turn up, so a short tuple means initial contents --------------------------------
    def _slot(self, word: int) -> int:
        slot = self._slots.get(word)
        if slot is None:
            slot = self._slots[word] = len(self._words)
            self._words.append(word)
            self._first.append(self._world.memory.initial(word))
        return slot

    def _load(self, memory: tuple[int, ...], slot: int) -> int:
        return memory[slot] if slot < len(memory) else self._first[slot]

    def _stored(self, memory: tuple[int, ...], slot: int, value: int) -> tuple[int, ...]:
        if self._load(memory, slot) == value:
            return memory
        if slot >= len(memory):
            memory += tuple(self._first[len(memory) : slot + 1])
        return (*memory[:slot], value, *memory[slot + 1 :])

    # Steps -------------------------------------------------------------------------------------------------------------------
    def _allowed(self, state: Any, at: int) -> Iterable[tuple[int, Any]]:
        """The next states; a state ends with who moved last and how many preemptions are left (None: no matter)."""
        *now, last, left = state
        if left is None:
            return [(label, (*following, last, left)) for label, following in self._successors(now, at)]
        steps = list(self._successors(now, at))
        interrupts = any(label >> 1 == last for label, _ in steps)  # whoever else moves
        return [
            (label, (*following, label >> 1, left - (interrupts and label >> 1 != last)))
            for label, following in steps
            if left or not interrupts or label >> 1 == last
        ]  # fmt: skip

    def _successors(self, state: Any, at: int) -> Iterable[tuple[int, Any]]:
        memory, threads, monitor = state
        for i, (number, buffer, asleep) in enumerate(threads):
            if buffer:
                access, phase = buffer[0]
                after, told = self._effect(memory, monitor, i, phase, access, at)
                yield (i << 1 | 1), (after, (*threads[:i], (number, buffer[1:], asleep), *threads[i + 1 :]), told)
            node = self._automata[i].nodes[number]
            if not asleep:
                yield from self._step(state, i, node, buffer, at)

    def _step(self, state: Any, i: int, node: Node, buffer: tuple[Any, ...], at: int) -> Iterable[tuple[int, Any]]:
        """What vCPU *i* may do next in its program."""
        memory, threads, monitor = state
        access = node.access
        kind = access.kind
        label = i << 1
        woken: tuple[int, ...] = (i,)
        if kind == "end":
            return
        if kind == "error":
            self._violated(at, access.event[0])
        if kind == "load":
            forwarded = self._forwarded(buffer, access)
            if forwarded is _MUST_DRAIN:
                return
            whole = self._load(memory, self._slot(access.word))
            result = whole >> access.shift & access.mask if forwarded is None else forwarded
            if self._guest(access.word):
                monitor = self._tell(monitor, i, node.phase, access, result, result, False, at)
        elif kind == "step":
            result = 0
        elif kind == "store":
            result = 0
            memory, monitor = self._effect(memory, monitor, i, node.phase, access, at)
        elif buffer:
            return  # atomic operations and fences wait for the store buffer
        elif kind in ("rmw", "cas"):
            slot = self._slot(access.word)
            result, after, writes = access.exchanged(self._load(memory, slot))
            if self._guest(access.word):
                monitor = self._tell(monitor, i, node.phase, access, result, after >> access.shift & access.mask, writes, at)
            memory = self._stored(memory, slot, after)
        elif kind == "fence":
            result = 0
        elif kind == "wait":
            if self._load(memory, self._slot(access.word)) >> access.shift & access.mask == access.operand & access.mask:
                yield label, (memory, (*threads[:i], (node.number, buffer, True), *threads[i + 1 :]), monitor)
                return
            result = 0
        elif kind == "wake":
            sleeping = [j for j, (number, _, asleep) in enumerate(threads) if asleep and self._automata[j].nodes[number].access.word == access.word]
            woken = (i, *sleeping[: access.operand])
            result = len(woken) - 1
        else:
            raise ModelError(f"no such step: {kind}")
        moved = list(threads)
        for j in woken:
            number, kept, _ = threads[j]
            moved[j] = (self._automata[j].step(self._automata[j].nodes[number], result if j == i else 0).number, kept, False)
        settled, monitor = self._settle(tuple(moved), monitor, woken, at)
        yield label, (memory, settled, monitor)

    def _settle(self, threads: Any, monitor: Any, moved: Iterable[int], at: int) -> Any:
        """Do what follows a step at once because nobody else can tell when it happens: events, and stores into the own buffer."""
        for i in moved:
            number, buffer, _ = threads[i]
            automaton = self._automata[i]
            node = automaton.nodes[number]
            while node.access.kind == "event" or (self._tso and node.access.kind == "store"):
                if node.access.kind == "event":
                    try:
                        monitor = self._monitor.event(monitor, i, node.access.event)
                    except Broken as e:
                        self._violated(at, f"vCPU {i}: {e}")
                else:
                    buffer = (*buffer, (node.access, node.phase))
                node = automaton.step(node, 0)
            threads = (*threads[:i], (node.number, buffer, False), *threads[i + 1 :])
        return threads, monitor

    def _effect(self, memory: Any, monitor: Any, i: int, phase: tuple[Any, ...], access: Access, at: int) -> tuple[Any, Any]:
        """A store reaches memory."""
        slot = self._slot(access.word)
        whole = self._load(memory, slot)
        after = access.stored(whole)
        if self._guest(access.word):
            monitor = self._tell(monitor, i, phase, access, whole >> access.shift & access.mask, after >> access.shift & access.mask, True, at)
        return self._stored(memory, slot, after), monitor

    def _forwarded(self, buffer: tuple[Any, ...], access: Access) -> Any:
        """The value that the store buffer has for a load; None if it has nothing of it, _MUST_DRAIN if it has only a part."""
        wanted = access.mask << access.shift
        for store, _ in reversed(buffer):
            held = store.mask << store.shift
            if store.word == access.word and held & wanted:
                if held & wanted != wanted:
                    return _MUST_DRAIN
                return (store.operand & store.mask) << store.shift >> access.shift & access.mask
        return None

    # Findings ----------------------------------------------------------------------------------------------------------------
    def _tell(self, monitor: Any, i: int, phase: tuple[Any, ...], access: Access, before: int, after: int, writes: bool, at: int) -> Any:
        try:
            return self._monitor.access(monitor, i, phase, access, before, after, writes)
        except Broken as e:
            self._violated(at, f"vCPU {i}: {e}", i)

    def _violated(self, at: int, why: str, last: int | None = None) -> None:
        """Raise Violation with the interleaving that leads to state *at*."""
        if self._world.sharing.found - self._world.sharing.shared:
            raise _Restart
        path: list[int] = []
        while at > 0:
            path.append(at)
            at = self._parents[at]
        states = list(self._known)
        lines: list[str] = []
        for step in reversed(path):
            before, label = states[self._parents[step]], self._labels[step]
            lines.append(self._describe(before, label >> 1, bool(label & 1)))
        if last is not None:
            lines.append(self._describe(states[path[0] if path else 0], last, False))
        raise Violation("\n".join([why, *lines]))

    def _describe(self, state: Any, i: int, drains: bool) -> str:
        number, buffer, _ = state[1][i]
        node = self._automata[i].nodes[number]
        access = buffer[0][0] if drains else node.access
        where = f"{self._name(access.word)}" + (f" bits {access.shift}+{access.mask.bit_length()}" if access.mask.bit_length() < 64 else "")
        value = self._load(state[0], self._slot(access.word)) >> access.shift & access.mask if access.mask else 0
        what = {"store": f" = {access.operand & access.mask:#x}", "rmw": f" operand {access.operand & access.mask:#x}",
                "cas": f" {access.operand & access.mask:#x} -> {access.new & access.mask:#x}"}.get(access.kind, "")  # fmt: skip
        phase = " ".join(map(str, buffer[0][1] if drains else node.phase))
        return f"  vCPU {i} [{phase}] {access.kind} {where}{what} (was {value:#x}){' leaves the store buffer' if drains else ''}"


_MUST_DRAIN = object()
