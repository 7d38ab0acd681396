"""The automata of all vCPUs as tables of small numbers, for compiled code that knows nothing of programs or values.

A shared word is a *slot*, each value seen in it a number of its own (0: what it holds at first), a node a number that is the vCPU's modulo the number of
vCPUs. A state is a row of such numbers:

    values of the slots | for each vCPU: node, length of the store buffer (and ASLEEP), store buffer: nodes of stores, oldest first | monitor's memory

What the step of a node does with a value of its slot is a *record*: the node that follows, the value afterwards, stores that enter the buffer, what the
monitor is told. ``Builder`` makes records when compiled code finds that it needs one: the program's automaton (``threads``) runs only then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from tests.model.threads import Access, Automaton, ModelError, Node, World

KINDS = ("end", "error", "load", "store", "rmw", "cas", "fence", "step", "wait", "wake")
WITH_WORD = ("load", "store", "rmw", "cas", "wait")  # whose step depends on the word's value
END, ERROR, LOAD, STORE, RMW, CAS, FENCE, STEP, WAIT, WAKE = range(len(KINDS))

SLOTS = 62  # with what the vCPUs sleep for; sets of slots and of values are non-negative 64-bit numbers
MONITOR = SLOTS  # stands for what the monitor compares between vCPUs
VALUES = 62  # of one slot

# Columns of a row.
BUFFER = 20  # stores that may wait
VCPU, VCPU_WIDTH = SLOTS, 2 + BUFFER  # the first vCPU, and how many each has:
NODE, LENGTH, STORES = 0, 1, 2
ASLEEP = 64  # beside the length of the store buffer

# What compiled code returns, beside numbers from 0: what it needs of its caller, who calls it again.
NEEDS_RECORD, NEEDS_FROM_BUFFER, NEEDS_MORE, NEEDS_TOLD, NEEDS_ROOM, ENDED, FAILED = range(-7, 0)

# ``Tables.nodes``: a header, then for each node what it does, and its records by value (for WAKE by the number of those woken, else 0).
VCPUS, WORDS, BUFFERED, HEADER = range(4)  # numbers of vCPUs and slots; whether there are store buffers
KIND, SLOT, SPAN, SLEEPS, ASIDE, RECORDS = range(6)  # SPAN: bits of the word (WAKE: how many at most); SLEEPS: slot that stands for sleeping; ASIDE: see below
NODE_WORDS = RECORDS + VALUES

# ``Tables.heap``: records; lists of stores; and the records by store in the buffer, or for being woken, chained from ASIDE.
FOLLOWING, VALUE, TOLD, MEETS, PUSHED, COUNT, RECORD_WORDS = range(7)  # MEETS: of MONITOR, 1 reads, 2 writes; PUSHED: where the COUNT stores stand
ASIDE_NEXT, ASIDE_STORE, ASIDE_RECORD, ASIDE_WORDS = range(4)
NONE = 0  # no record, as yet
UNKNOWN = -1  # a node or value that no step has needed as yet
UNCHANGED = -2  # in place of a value
SLEEPING, MUST_DRAIN = -2, -3  # in place of a node: the vCPU sleeps; the load waits for the store buffer
WOKEN = -1  # in place of a store


class Tables(NamedTuple):
    """See above. ``monitors``: the monitor's next memory, by memory and by what it is told; UNKNOWN."""

    nodes: Any
    heap: Any
    monitors: Any


class Monitor(Protocol):
    """Follows the order of effect. Its memory is a hashable value; a method gives the next one, or raises ``Broken``. What two vCPUs do to it may not depend on
    the order, unless they touch the same word or ``compares`` says so of an event."""

    start: Any

    def access(self, memory: Any, thread: int, phase: tuple[Any, ...], access: Access, before: int, after: int, writes: bool) -> Any: ...

    def event(self, memory: Any, thread: int, event: tuple[Any, ...]) -> Any: ...


class Broken(Exception):
    """What a monitor raises."""


class Told(NamedTuple):
    """What a step tells the monitor."""

    thread: int
    phase: tuple[Any, ...] = ()
    access: Access | None = None  # to guest memory
    before: int = 0
    after: int = 0
    writes: bool = False
    events: tuple[tuple[Any, ...], ...] = ()

    def tell(self, monitor: Monitor, memory: Any) -> Any:
        if self.access is not None:
            memory = monitor.access(memory, self.thread, self.phase, self.access, self.before, self.after, self.writes)
        for event in self.events:
            memory = monitor.event(memory, self.thread, event)
        return memory


class _Draft(NamedTuple):
    """A record at *at*, in words that people use. *result* None: the step leads to no other node."""

    at: int
    thread: int
    node: Node
    result: int | None
    tell: Told
    written: int | None = None


class Builder:
    """Makes the tables for *automata*. ``grown`` counts what no step had needed before."""

    def __init__(self, world: World, automata: Sequence[Automaton], monitor: Monitor) -> None:
        self._memory, self._tso, self._automata, self._monitor = world.memory, world.tso, automata, monitor
        self.grown = 0
        self.words: list[int | None] = []  # by slot; None: stands for sleepers
        self.values: list[list[int]] = []
        self.memories: list[Any] = []
        self.told: list[Told] = [Told(0)]
        self._slots: dict[Any, int] = {}
        self._numbers: dict[Any, int] = {}  # of values in slots, memories, stores, things told
        self._drafts: dict[int, _Draft] = {}
        self._waiting: dict[Any, list[_Draft]] = {}  # for an edge or a value that is unknown
        self._made = [0] * len(automata)
        self._top = 1
        self.tables = Tables(np.zeros(HEADER, np.int64), np.zeros(1024, np.int64), np.full((64, 64), UNKNOWN, np.int64))
        self.tables.nodes[:HEADER] = len(automata), 0, self._tso

    # Nodes --------------------------------------------------------------------------------------------------------------------
    def node(self, number: int) -> tuple[int, Node]:
        """The vCPU and the node that compiled code calls *number*."""
        count = len(self._automata)
        return number % count, self._automata[number % count].nodes[number // count]

    def _number(self, thread: int, node: Node) -> int:
        return node.number * len(self._automata) + thread

    def complete(self) -> None:
        """Enter the nodes that the automata have got."""
        size = HEADER + NODE_WORDS * len(self._automata) * max(len(automaton.nodes) for automaton in self._automata)
        if size > len(self.tables.nodes):
            self.tables = self.tables._replace(nodes=np.concatenate([self.tables.nodes, np.zeros(2 * size - len(self.tables.nodes), np.int64)]))
        for thread, automaton in enumerate(self._automata):
            for node in automaton.nodes[self._made[thread] :]:
                access = node.access
                if access.kind != "event":
                    at = HEADER + NODE_WORDS * self._number(thread, node)
                    slot = self._slot(access.word) if access.word else 0
                    span = min(access.operand, len(self._automata)) if access.kind == "wake" else access.mask << access.shift
                    sleeps = self._slot((access.word, "sleeping")) if access.kind in ("wait", "wake") else 0
                    self.tables.nodes[at : at + ASIDE] = KINDS.index(access.kind), slot, span - (span >> 63 << 64), sleeps
            self._made[thread] = len(automaton.nodes)
        self.tables.nodes[WORDS] = len(self.words)

    def _slot(self, word: Any) -> int:
        """The number of a word, or of those that sleep for one."""
        slot = self._slots.get(word)
        if slot is None:
            slot = self._slots[word] = len(self.words)
            if slot == SLOTS:
                raise ModelError(f"more than {SLOTS} shared words")
            self.words.append(word if isinstance(word, int) else None)
            self.values.append([])
            self._intern(slot, self._memory.initial(word) if isinstance(word, int) else 0)
        return slot

    def _intern(self, slot: int, value: int) -> None:
        if len(self.values[slot]) == VALUES:
            raise ModelError(f"{self._memory.name(self.words[slot] or 0)} has more than {VALUES} values")
        self._numbers[slot, value] = len(self.values[slot])
        self.values[slot].append(value)

    # Records ------------------------------------------------------------------------------------------------------------------
    def by_value(self, number: int, value: int) -> None:
        """Make the record for a node and a value of its slot."""
        thread, node = self.node(number)
        access = node.access
        whole = self.values[self._slots[access.word]][value] if access.kind in WITH_WORD else 0
        part = whole >> access.shift & access.mask
        result: int | None = 0
        following, written, after, writes = UNKNOWN, None, part, False
        if access.kind == "load":
            result = part
        elif access.kind == "store":
            written, writes = access.stored(whole), True
            after = written >> access.shift & access.mask
            if self._tso:
                result = None
        elif access.kind in ("rmw", "cas"):
            result, changed, writes = access.exchanged(whole)
            after = changed >> access.shift & access.mask
            written = changed if writes else None
        elif access.kind == "wake":
            result = value
        elif access.kind == "wait" and part == access.operand & access.mask:
            result, following = None, SLEEPING
        tell = Told(thread, node.phase, access, part, after, writes) if access.word and self._memory.is_guest(access.word) else Told(thread)
        record = self._enter(_Draft(self._allot(RECORD_WORDS), thread, node, result, tell, written), following)
        self.tables.nodes[HEADER + NODE_WORDS * number + RECORDS + value] = record

    def from_buffer(self, number: int, store: int) -> None:
        """Make the record for a load that finds *store* in the buffer, or for a vCPU that is WOKEN."""
        thread, node = self.node(number)
        access, tell = node.access, Told(thread)
        result: int | None = 0
        following = UNKNOWN
        if access.kind == "load":
            held = self.node(store)[1].access
            wanted = access.mask << access.shift
            if wanted & ~(held.mask << held.shift):
                result, following = None, MUST_DRAIN
            else:
                result = (held.operand & held.mask) << held.shift >> access.shift & access.mask
                if self._memory.is_guest(access.word):
                    tell = Told(thread, node.phase, access, result, result)
        record = self._enter(_Draft(self._allot(RECORD_WORDS), thread, node, result, tell), following)
        at = self._allot(ASIDE_WORDS)
        chain = HEADER + NODE_WORDS * number + ASIDE
        self.tables.heap[at : at + ASIDE_WORDS] = self.tables.nodes[chain], store, record
        self.tables.nodes[chain] = at

    def _allot(self, count: int) -> int:
        """Room in the heap."""
        at = self._top
        self._top += count
        if self._top > len(self.tables.heap):
            self.tables = self.tables._replace(heap=np.concatenate([self.tables.heap, np.zeros(self._top + len(self.tables.heap), np.int64)]))
        return at

    def _enter(self, draft: _Draft, following: int) -> int:
        self._drafts[draft.at] = draft
        self.tables.heap[draft.at : draft.at + RECORD_WORDS] = following, UNCHANGED, 0, 0, 0, 0
        if draft.written is not None:
            self._write(draft)
        if draft.result is None:
            self._tell(draft, draft.tell)
        elif self._is_known(draft.node, draft.result):
            self._follow(draft)
        else:
            self._waiting.setdefault((draft.thread, draft.node.number, draft.result), []).append(draft)
        return draft.at

    def _write(self, draft: _Draft) -> None:
        where = (self._slots[draft.node.access.word], draft.written)
        value = self.tables.heap[draft.at + VALUE] = self._numbers.get(where, UNKNOWN)
        if value == UNKNOWN:
            self._waiting.setdefault(where, []).append(draft)

    def _is_local(self, node: Node) -> bool:
        """True if nobody else can tell when the step of *node* happens."""
        return node.access.kind == "event" or (self._tso and node.access.kind == "store")

    def _is_known(self, node: Node, result: int) -> bool:
        following = node.edges.get(result)
        while following is not None and self._is_local(following):
            following = following.edges.get(0)
        return following is not None

    def need(self, at: int) -> None:
        """A step takes the record: whatever of it was unknown is found out."""
        draft = self._drafts[at]
        self.grown += 1
        if draft.written is not None and self.tables.heap[at + VALUE] == UNKNOWN:
            where = (self._slots[draft.node.access.word], draft.written)
            self._intern(*where)
            for other in self._waiting.pop(where):
                self._write(other)
        if draft.result is not None and self.tables.heap[at + FOLLOWING] == UNKNOWN:
            for other in self._waiting.pop((draft.thread, draft.node.number, draft.result)):
                self._follow(other)

    def _follow(self, draft: _Draft) -> None:
        assert draft.result is not None
        following, pushes, events = self.settled(draft.thread, self._automata[draft.thread].step(draft.node, draft.result))
        at = self._allot(len(pushes))
        self.tables.heap[at : at + len(pushes)] = pushes
        self.tables.heap[draft.at + FOLLOWING] = following
        self.tables.heap[draft.at + PUSHED], self.tables.heap[draft.at + COUNT] = at, len(pushes)
        self._tell(draft, draft.tell._replace(events=events))

    def settled(self, thread: int, node: Node) -> tuple[int, list[int], tuple[tuple[Any, ...], ...]]:
        """What follows a step at once: events, and stores into the own buffer. Gives the node behind them."""
        pushes, events = [], []
        while self._is_local(node):
            if node.access.kind == "event":
                events.append(node.access.event)
            else:  # one node for stores that are alike
                pushes.append(self._numbers.setdefault((thread, node.access, node.phase), self._number(thread, node)))
            node = self._automata[thread].step(node, 0)
        self.complete()
        return self._number(thread, node), pushes, tuple(events)

    # The monitor --------------------------------------------------------------------------------------------------------------
    def _tell(self, draft: _Draft, told: Told) -> None:
        if told == Told(draft.thread):
            return
        number = self._numbers.setdefault(told, len(self.told))
        if number == len(self.told):
            self.told.append(told)
            self._room_for_monitor()
        self.tables.heap[draft.at + TOLD] = number
        kinds = {event[0] for event in told.events}
        self.tables.heap[draft.at + MEETS] = 2 if kinds & {"host", "host done"} else 1 if kinds or told.phase[:1] in (("link",), ("stcond",)) else 0

    def memory(self, memory: Any) -> int:
        """The number of one of the monitor's memories."""
        number = self._numbers.setdefault(("memory", memory), len(self.memories))
        if number == len(self.memories):
            self.memories.append(memory)
            self._room_for_monitor()
        return number

    def remember(self, memory: int, told: int) -> None:
        """Tell the monitor; ``Broken``."""
        following = self.memory(self.told[told].tell(self._monitor, self.memories[memory]))
        self.tables.monitors[memory, told] = following

    def _room_for_monitor(self) -> None:
        old = self.tables.monitors
        if len(self.memories) > old.shape[0] or len(self.told) > old.shape[1]:
            new = np.full((max(2 * len(self.memories), old.shape[0]), max(2 * len(self.told), old.shape[1])), UNKNOWN, np.int64)
            new[: old.shape[0], : old.shape[1]] = old
            self.tables = self.tables._replace(monitors=new)
