"""Explores every interleaving of the shared accesses of two or three vCPUs.

A state is the contents of the shared words, the node of each vCPU's automaton (``threads``), its store buffer, and what the contract's monitor remembers. All
states reachable from the first one are visited once each, so loops end, and afterwards every state must be able to reach the end of all programs: that finds
deadlocks, lost wake-ups and loops that nothing can leave. ``reduced``: of steps that are independent only one order is taken, with the same findings
(``reduction``).

With ``tso`` plain stores go through a store buffer, as on x86: a FIFO that later loads of the same vCPU read from and pass, and that is empty at each atomic
operation and fence. Without it, accesses happen in program order (sequential consistency).

``product`` visits, compiled, and asks here for what it does not know of the programs and the monitor yet. The exploration begins again when a word counted as
private turns out to be shared, and (``reduced``) until it has needed nothing new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn

import numpy as np

from tests.model import product, reduction
from tests.model.tables import (
    ENDED,
    LENGTH,
    NEEDS_FROM_BUFFER,
    NEEDS_MORE,
    NEEDS_RECORD,
    NEEDS_ROOM,
    NEEDS_TOLD,
    NODE,
    STORES,
    VCPU,
    VCPU_WIDTH,
    Broken,
    Builder,
    Monitor,
    Told,
)
from tests.model.threads import Automaton, ModelError, Node, Thread, World

_found_shared: dict[Any, set[int]] = {}  # what earlier explorations of the same scenario found: a good guess, and too much does no harm


class Violation(AssertionError):
    """The programs can break the contract; the message has the interleaving."""


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
    ends: frozenset[tuple[Any, ...]]  # with the contents of the shared words

    def __str__(self) -> str:
        return f"{self.states} states, {self.steps} steps, {self.nodes} local states, {self.shared} shared words, {len(self.outcomes)} outcomes"


class _Restart(Exception):
    """A word is shared that counted as private."""


class _Again(Exception):
    """Something of the programs was new, so what was left out was perhaps too much."""


class Explorer:
    """*programs* are run by vCPU 0, 1...; *check* is asked about each outcome, and raises AssertionError if it is wrong."""

    def __init__(self, world: World, programs: Iterable[Callable[[Thread], None]], monitor: Monitor, *, check: Callable[[Outcome], None] = lambda outcome: None,
                 limit: int = 2_000_000, reduced: bool = True, name: Any = None) -> None:
        self._world, self._programs = world, list(programs)
        self._monitor, self._check, self._limit, self._reduced = monitor, check, limit, reduced
        world.sharing.shared |= _found_shared.get(name, set())
        self._remember = _found_shared.setdefault(name, set()) if name is not None else set()

    def run(self) -> Explored:
        """Visit all states; Violation."""
        while True:
            try:
                self._begin()
                while True:
                    with suppress(_Again):
                        return self._pass()
            except _Restart:
                self._world.sharing.shared |= self._world.sharing.found
                self._remember |= self._world.sharing.shared

    def _begin(self) -> None:
        """Nothing is known of the programs and the monitor."""
        self._automata = [Automaton(self._world, i, program) for i, program in enumerate(self._programs)]
        self._build = Builder(self._world, self._automata, self._monitor)
        self._asked = np.zeros(2, np.int64)
        self._start = np.zeros(product.width(len(self._automata)), np.int64)
        memory = self._monitor.start
        for i, automaton in enumerate(self._automata):
            node, pushes, events = self._build.settled(i, automaton.nodes[0])
            memory = Told(i, events=events).tell(self._monitor, memory)
            at = VCPU + i * VCPU_WIDTH
            self._start[at + NODE], self._start[at + LENGTH] = node, len(pushes)
            self._start[at + STORES : at + STORES + len(pushes)] = pushes
        self._start[-1] = self._build.memory(memory)
        self._look_for_shared()

    def _look_for_shared(self) -> None:
        if self._world.sharing.found - self._world.sharing.shared:
            raise _Restart

    # One visit of all states ---------------------------------------------------------------------------------------------------------
    def _pass(self) -> Explored:
        """Visit all states once; ``_Again``."""
        self._known = self._build.grown
        outcomes = self._visit(self._start, self._reduced)
        if self._reduced and self._build.grown != self._known:
            raise _Again
        self._check_progress()
        return Explored(self._states(), int(self._visited.counters[product.TAKEN]), sum(len(automaton.nodes) for automaton in self._automata),
                        sum(word is not None for word in self._build.words), frozenset(seen for seen, _ in outcomes), frozenset(outcomes))  # fmt: skip

    def _visit(self, start: Any, reduced: bool) -> dict[Any, Any]:
        """Visit what can be reached from *start*; gives the ends."""
        self._from, self._visited = start, product.begun(start, len(self._automata), self._limit)
        self._ends: list[int] = []
        outcomes: dict[Any, Any] = {}
        self._work = reduction.scratch(self._build.tables)
        need = product.explore(self._build.tables, self._work, self._visited, reduced, self._asked)
        while need != product.DONE:
            if need == NEEDS_ROOM:
                if self._states() >= self._limit:
                    raise ModelError(f"more than {self._limit} states")
                self._visited = product.grown(self._visited)
            elif need == ENDED:
                self._end(outcomes)
            else:
                before = len(self._build.tables.nodes)
                self._learn(need)
                if len(self._build.tables.nodes) != before:
                    self._work = reduction.scratch(self._build.tables)
                if self._reduced and not reduced and self._build.grown != self._known:
                    raise _Again
            need = product.explore(self._build.tables, self._work, self._visited, reduced, self._asked)
        return outcomes

    def _states(self) -> int:
        return int(self._visited.counters[product.COUNT])

    def _learn(self, need: int) -> None:
        """Find out what compiled code has asked for."""
        first, second = map(int, self._asked)
        if need == NEEDS_RECORD:
            self._build.by_value(first, second)
        elif need == NEEDS_FROM_BUFFER:
            self._build.from_buffer(first, second)
        elif need == NEEDS_MORE:
            self._build.need(first)
            self._look_for_shared()
        elif need == NEEDS_TOLD:
            try:
                self._build.remember(first, second)
            except Broken as e:
                told = self._build.told[second]
                self._violated(f"vCPU {told.thread} [{' '.join(map(str, told.phase))}]: {e}")
        else:
            vcpu, node = self._build.node(first)
            if node.access.kind != "error":
                raise ModelError(f"the store buffer of vCPU {vcpu} is full")
            self._violated(node.access.event[0])

    def _end(self, outcomes: dict[Any, Any]) -> None:
        """No step is possible in the state above the top of the stack."""
        *row, state = self._visited.stack[self._visited.counters[product.TOP]].tolist()
        nodes = [self._build.node(row[VCPU + i * VCPU_WIDTH + NODE])[1] for i in range(len(self._automata))]
        if any(node.access.kind != "end" for node in nodes):
            return  # `_check_progress` will find it
        self._ends.append(state)
        words = {word: self._build.values[slot][row[slot]] for slot, word in enumerate(self._build.words) if word is not None}
        outcome = Outcome(words, tuple(node.seen for node in nodes))
        end = (outcome.seen, frozenset((word, value) for word, value in words.items() if value != self._world.memory.initial(word)))
        if end in outcomes:
            return
        outcomes[end] = None
        try:
            self._check(outcome)
        except AssertionError as e:
            self._violated(f"wrong outcome {outcome.seen}: {e}", state=state)
        self._look_for_shared()  # the check is one more reader

    def _check_progress(self) -> None:
        """Every state can reach an end."""
        reaches = np.zeros(self._states(), np.int64)
        reaches[self._ends] = 1
        stuck = product.find_stuck(self._visited, reaches)
        if stuck >= 0:
            visited = self._visited
            if self._reduced:
                self._look_beyond(stuck)
            self._visited, self._from = visited, self._start
            self._violated("from here the programs cannot all end", state=stuck)

    def _look_beyond(self, stuck: int) -> None:
        """Perhaps a program goes on there by a step that nothing has needed as yet, because all that seemed possible was to wait for it: ``_Again``."""
        self._visit(self._path(stuck, []), False)
        if self._ends:
            raise ModelError("the reduction has lost a way to an end")

    # Findings ----------------------------------------------------------------------------------------------------------------
    def _violated(self, why: str, state: int | None = None) -> NoReturn:
        """Raise Violation with the interleaving that leads to a state, or to where the exploration is just now."""
        self._look_for_shared()
        lines = [why]
        if state is None:
            row = self._path(int(self._visited.stack[self._visited.counters[product.TOP] - 1, -1]), lines)
            label, count = (int(self._visited.counters[n]) for n in (product.LABEL, product.AHEAD))
            self._replay(row, [step for step in self._visited.ways[label, : count + 1].tolist() if step >= 0], lines)
        else:
            self._path(state, lines)
        raise Violation("\n".join(lines))

    def _path(self, state: int, lines: list[str]) -> Any:
        """The row of a state; *lines* get the steps that lead to it."""
        ways: list[list[int]] = []
        while state > 0:
            at = state * product.STATE_WORDS
            begin, count = divmod(int(self._visited.states[at + product.STEPS]), 1 << 16)
            ways.append(self._visited.trail[begin : begin + count].tolist())
            state = int(self._visited.states[at + product.ORIGIN])
        row = self._from.copy()
        for way in reversed(ways):
            self._replay(row, way, lines)
        return row

    def _replay(self, row: Any, way: list[int], lines: list[str]) -> None:
        """Change *row* by steps; *lines* get them."""
        for label in way:
            vcpu, drains = divmod(label, 2)
            at = VCPU + vcpu * VCPU_WIDTH
            lines.append(self._describe(row, self._build.node(int(row[at + (STORES if drains else NODE)])), "leaves the store buffer" if drains else ""))
            product.take(self._build.tables, row, label, self._asked)

    def _describe(self, row: Any, of: tuple[int, Node], how: str) -> str:
        vcpu, node = of
        access = node.access
        where, value = "", 0
        if access.word:
            where = f"{self._world.memory.name(access.word)}" + (f" bits {access.shift}+{access.mask.bit_length()}" if access.mask.bit_length() < 64 else "")
            slot = self._build.words.index(access.word)
            value = self._build.values[slot][row[slot]] >> access.shift & access.mask
        what = {"store": f" = {access.operand & access.mask:#x}", "rmw": f" operand {access.operand & access.mask:#x}",
                "cas": f" {access.operand & access.mask:#x} -> {access.new & access.mask:#x}"}.get(access.kind, "")  # fmt: skip
        return f"  vCPU {vcpu} [{' '.join(map(str, node.phase))}] {access.kind} {where}{what} (was {value:#x}) {how}"
