"""Visits the states of the product of all vCPUs' automata, compiled: all of them, or those that ``reduction`` leaves.

Of a visited state two hashes of 64 bits are kept, no more. Two states are taken for one if both agree; for n states that happens by chance with a
probability below n^2 / 2^129: with a thousand million states less than 10^-20. States that are still to be explored are on a stack, whole.

Where one step only is to be explored, ``reduced`` goes on to the next state at once and visits only those where that ends: from the others the same can be
reached.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tests.model import reduction
from tests.model.steps import BLOCKED, compiled, drain, mixed, step, take_drain, take_step
from tests.model.tables import ENDED, NEEDS_ROOM, VCPU, VCPU_WIDTH, VCPUS, Tables

DONE = 0
_NONE = -1  # in ``ways``: which step comes next is not known yet
_SPARE = 16  # more than the steps of one state
FAR = 256  # a loop of forced steps is noticed by visiting a state after so many
# In ``counters``: states, height of the stack, edges, states at most, length of the trail; which of a state's ways is being gone, and how many steps of it
# are taken; all steps taken.
COUNT, TOP, EDGES, MOST, TRAIL, LABEL, AHEAD, TAKEN = range(8)
# In ``states``: two hashes; the state it was found from; the steps from there, in ``trail``, and its edges: the first << 16 | how many.
FIRST, SECOND, ORIGIN, STEPS, BEGIN, STATE_WORDS = range(6)


class Visited(NamedTuple):
    """``places``: states by hash, plus 1. A row of ``stack`` ends with the state's number. Of the steps from one state: ``records``, the ``rows`` they lead to,
    and ``ways`` of ``lengths``: each step and those that follow because no other is to be explored."""

    states: Any
    edges: Any
    trail: Any
    places: Any
    stack: Any
    counters: Any
    records: Any
    rows: Any
    ways: Any
    lengths: Any


def width(vcpus: int) -> int:
    """Columns of a state."""
    return VCPU + vcpus * VCPU_WIDTH + 1


def begun(start: Any, vcpus: int, most: int) -> Visited:
    """Nothing visited yet but the state to begin with."""
    made = Visited(np.zeros(1024 * STATE_WORDS, np.int64), np.zeros(4096, np.int32), np.zeros(8192, np.int8), np.zeros(4096, np.int32),
                   np.zeros((256, width(vcpus) + 1), np.int64), np.array([0, 1, 0, most, 0, 0, 0, 0], np.int64), np.zeros(2 * vcpus, np.int64),
                   np.zeros((2 * vcpus, width(vcpus)), np.int64), np.zeros((2 * vcpus, FAR), np.int64), np.zeros(2 * vcpus, np.int64))  # fmt: skip
    made.stack[0, :-1] = start
    _add(made, made.stack[0, :-1], 0)
    return made


def _more(array: Any, used: int, spare: int = _SPARE) -> Any:
    if used + spare <= len(array):
        return array
    new = np.zeros((2 * len(array), *array.shape[1:]), array.dtype)
    new[: len(array)] = array
    return new


def grown(old: Visited) -> Visited:
    """With more room."""
    count, top, edges, trail = (int(old.counters[i]) for i in (COUNT, TOP, EDGES, TRAIL))
    new = old._replace(states=_more(old.states, (count + _SPARE) * STATE_WORDS), edges=_more(old.edges, edges), stack=_more(old.stack, top),
                       trail=_more(old.trail, trail, _SPARE * FAR))  # fmt: skip
    if 3 * count > 2 * len(new.places):
        new = new._replace(places=np.zeros(2 * len(new.places), np.int32))
        _place_all(new)
    return new


@compiled
def _has_room(visited: Visited) -> bool:
    counters = visited.counters
    if (counters[COUNT] + _SPARE) * STATE_WORDS + _SPARE > len(visited.states) or counters[EDGES] + _SPARE > len(visited.edges):
        return False
    if counters[TRAIL] + _SPARE * FAR > len(visited.trail):
        return False
    return counters[TOP] + _SPARE <= len(visited.stack) and 3 * counters[COUNT] <= 2 * len(visited.places) and counters[COUNT] < counters[MOST]


@compiled
def _find(visited: Visited, first: int, second: int) -> int:
    """Where in ``places`` the state with these hashes is, or belongs."""
    mask = len(visited.places) - 1
    place = first & mask
    while visited.places[place] != 0:
        at = (visited.places[place] - 1) * STATE_WORDS
        if visited.states[at + FIRST] == first and visited.states[at + SECOND] == second:
            break
        place = (place + 1) & mask
    return place


@compiled
def _place_all(visited: Visited) -> None:
    for state in range(visited.counters[COUNT]):
        visited.places[_find(visited, visited.states[state * STATE_WORDS + FIRST], visited.states[state * STATE_WORDS + SECOND])] = state + 1


@compiled
def _add(visited: Visited, row: Any, origin: int) -> int:
    """Number of a state that may be new; then it is the highest. A column that is 0 adds nothing to the hashes: words that nobody has met yet hold value 0."""
    first = second = 0
    for column in range(len(row)):
        if row[column]:
            one = mixed(column << 32 | row[column])
            first ^= one
            second ^= mixed(one)
    place = _find(visited, first, second)
    if visited.places[place] != 0:
        return np.int64(visited.places[place]) - 1
    state = visited.counters[COUNT]
    visited.counters[COUNT] = state + 1
    visited.places[place] = state + 1
    at = state * STATE_WORDS
    visited.states[at + FIRST], visited.states[at + SECOND], visited.states[at + ORIGIN] = first, second, origin
    return state


@compiled
def choose(tables: Tables, work: Any, visited: Visited, row: Any, reduced: int, asked: Any) -> int:
    """The steps to be explored from *row*, a bit for each; or what is needed."""
    labels, records = 2 * tables.nodes[VCPUS], visited.records
    possible = 0
    for label in range(labels):
        record = drain(tables, row, label >> 1, asked) if label & 1 else step(tables, row, label >> 1, asked)
        records[label] = record
        if record >= 0:
            possible |= 1 << label
        elif record != BLOCKED:
            return record
    if not reduced or possible & (possible - 1) == 0:
        return possible
    chosen = reduction.stubborn(tables, work, row, records, asked)
    return chosen if chosen < 0 else chosen & possible


@compiled
def take(tables: Tables, row: Any, label: int, asked: Any) -> int:
    """Change *row* by a step: 0, or what is needed."""
    if label & 1:
        return take_drain(tables, row, label >> 1, drain(tables, row, label >> 1, asked), asked)
    return take_step(tables, row, label >> 1, step(tables, row, label >> 1, asked), asked)


@compiled
def _run_on(tables: Tables, work: Any, visited: Visited, row: Any, asked: Any) -> int:
    """Go on from *row* for as long as there is one step to be explored: 0, or what is needed."""
    counters = visited.counters
    while counters[AHEAD] < FAR:
        visited.ways[counters[LABEL], counters[AHEAD]] = _NONE
        chosen = choose(tables, work, visited, row, 1, asked)
        if chosen <= 0 or chosen & (chosen - 1):
            return min(chosen, 0)
        label = 0
        while chosen >> label != 1:
            label += 1
        visited.ways[counters[LABEL], counters[AHEAD]] = label
        answer = take(tables, row, label, asked)
        if answer < 0:
            return answer
        counters[AHEAD] += 1
    return 0


@compiled
def _expand(tables: Tables, work: Any, visited: Visited, row: Any, chosen: int, reduced: int, asked: Any) -> int:
    """Make the rows that the steps in *chosen* lead to: 0, or what is needed."""
    for label in range(2 * tables.nodes[VCPUS]):
        if chosen >> label & 1:
            following = visited.rows[label]
            for column in range(len(following)):
                following[column] = row[column]
            visited.counters[LABEL], visited.counters[AHEAD] = label, 0
            visited.ways[label, 0] = label
            answer = take(tables, following, label, asked)
            if answer == 0:
                visited.counters[AHEAD] = 1
                if reduced:
                    answer = _run_on(tables, work, visited, following, asked)
            if answer < 0:
                return answer
            visited.lengths[label] = visited.counters[AHEAD]
    return 0


@compiled
def explore(tables: Tables, work: Any, visited: Visited, reduced: int, asked: Any) -> int:
    """Visit what is on the stack and all that follows: DONE, or what is needed. ENDED: no step is possible in the state above the top of the stack."""
    counters = visited.counters
    while counters[TOP]:
        if not _has_room(visited):
            return NEEDS_ROOM
        top = counters[TOP] - 1
        row = visited.stack[top]
        state = row[len(row) - 1]
        row = row[: len(row) - 1]
        counters[LABEL], counters[AHEAD], visited.ways[0, 0] = 0, 0, _NONE
        chosen = choose(tables, work, visited, row, reduced, asked)
        if chosen < 0:
            return chosen
        answer = _expand(tables, work, visited, row, chosen, reduced, asked)
        if answer < 0:
            return answer
        counters[TOP] = top
        begin = counters[EDGES]
        for label in range(2 * tables.nodes[VCPUS]):
            if chosen >> label & 1:
                before = counters[COUNT]
                following = _add(visited, visited.rows[label], state)
                visited.edges[counters[EDGES]] = following
                counters[EDGES] += 1
                steps = visited.lengths[label]
                counters[TAKEN] += steps
                if following == before:
                    visited.states[following * STATE_WORDS + STEPS] = counters[TRAIL] << 16 | steps
                    for n in range(steps):
                        visited.trail[counters[TRAIL] + n] = visited.ways[label, n]
                    counters[TRAIL] += steps
                    above = visited.stack[counters[TOP]]
                    for column in range(len(row)):
                        above[column] = visited.rows[label, column]
                    above[len(row)] = following
                    counters[TOP] += 1
        visited.states[state * STATE_WORDS + BEGIN] = begin << 16 | (counters[EDGES] - begin)
        if chosen == 0:
            return ENDED
    return DONE


@compiled
def find_stuck(visited: Visited, reaches: Any) -> int:
    """A state from which none of those marked in *reaches* can be reached, or -1."""
    count = visited.counters[COUNT]
    changed = 1
    while changed:
        changed = 0
        for n in range(2 * count):
            state = n - count if n >= count else count - 1 - n
            if not reaches[state]:
                begin = visited.states[state * STATE_WORDS + BEGIN]
                for at in range(begin >> 16, (begin >> 16) + (begin & 0xFFFF)):
                    if reaches[visited.edges[at]]:
                        reaches[state] = changed = 1
                        break
    for state in range(count):
        if not reaches[state]:
            return state
    return -1
