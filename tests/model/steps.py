"""One step of one vCPU in the product of the automata (``tables``), compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from tests.model.tables import (
    ASIDE,
    ASIDE_NEXT,
    ASIDE_RECORD,
    ASIDE_STORE,
    ASLEEP,
    BUFFER,
    COUNT,
    END,
    ERROR,
    FAILED,
    FENCE,
    FOLLOWING,
    HEADER,
    KIND,
    LENGTH,
    LOAD,
    MUST_DRAIN,
    NEEDS_FROM_BUFFER,
    NEEDS_MORE,
    NEEDS_RECORD,
    NEEDS_TOLD,
    NODE,
    NODE_WORDS,
    NONE,
    PUSHED,
    RECORDS,
    RMW,
    SLEEPING,
    SLOT,
    SPAN,
    STEP,
    STORES,
    TOLD,
    UNKNOWN,
    VALUE,
    VCPU,
    VCPU_WIDTH,
    VCPUS,
    WAKE,
    WOKEN,
    Tables,
)

compiled = njit(_nrt=False)  # nothing is allocated, so nothing need be counted. (numba's cache would not notice that a constant of ``tables`` has changed.)
BLOCKED = -100  # a step that is not possible now


@compiled
def mixed(number: int) -> int:
    """Scrambles 64 bits (the finalizer of splitmix64: Steele, Lea and Flood, OOPSLA 2014)."""
    x = np.uint64(number) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64(x ^ (x >> np.uint64(31)))


@compiled
def of(tables: Tables, node: int, field: int) -> int:
    """A field of a node."""
    return tables.nodes[HEADER + NODE_WORDS * node + field]


@compiled
def from_buffer(tables: Tables, node: int, store: int, asked: Any) -> int:
    """The record for *node* when the buffer has *store* for it, or for being WOKEN; or what is needed."""
    at = of(tables, node, ASIDE)
    while at != NONE:
        if tables.heap[at + ASIDE_STORE] == store:
            return tables.heap[at + ASIDE_RECORD]
        at = tables.heap[at + ASIDE_NEXT]
    asked[0], asked[1] = node, store
    return NEEDS_FROM_BUFFER


@compiled
def by_value(tables: Tables, node: int, value: int, asked: Any) -> int:
    """The record for *node* and a value of its slot, or what is needed."""
    record = of(tables, node, RECORDS + value)
    if record != NONE:
        return record
    asked[0], asked[1] = node, value
    return NEEDS_RECORD


@compiled
def sleeps_for(tables: Tables, row: Any, vcpu: int, slot: int) -> int:
    """1 if a vCPU sleeps for a slot."""
    at = VCPU + vcpu * VCPU_WIDTH
    return 1 if row[at + LENGTH] & ASLEEP and of(tables, row[at + NODE], SLOT) == slot else 0


@compiled
def _forwarding(tables: Tables, row: Any, at: int) -> int:
    """The newest store in a vCPU's buffer that its load shares bits with, or -1."""
    slot, span = of(tables, row[at + NODE], SLOT), of(tables, row[at + NODE], SPAN)
    for n in range(row[at + LENGTH] - 1, -1, -1):
        store = row[at + STORES + n]
        if of(tables, store, SLOT) == slot and of(tables, store, SPAN) & span:
            return store
    return -1


@compiled
def drain(tables: Tables, row: Any, vcpu: int, asked: Any) -> int:
    """The record of the oldest store in a vCPU's buffer; BLOCKED; or what is needed."""
    at = VCPU + vcpu * VCPU_WIDTH
    if row[at + LENGTH] & (ASLEEP - 1) == 0:
        return BLOCKED
    store = row[at + STORES]
    return by_value(tables, store, row[of(tables, store, SLOT)], asked)


@compiled
def step(tables: Tables, row: Any, vcpu: int, asked: Any) -> int:
    """The record of the next step of a vCPU's program; BLOCKED; or what is needed."""
    at = VCPU + vcpu * VCPU_WIDTH
    node, length = row[at + NODE], row[at + LENGTH]
    kind, slot = of(tables, node, KIND), of(tables, node, SLOT)
    value = row[slot]
    if length & ASLEEP or kind == END:
        return BLOCKED
    elif kind == ERROR:
        asked[0] = node
        return FAILED
    elif kind == LOAD:
        store = _forwarding(tables, row, at)
        if store >= 0:
            record = from_buffer(tables, node, store, asked)
            return BLOCKED if record >= 0 and tables.heap[record + FOLLOWING] == MUST_DRAIN else record
    elif length and kind >= RMW and kind != STEP:
        return BLOCKED  # atomic operations and fences wait for the store buffer
    elif kind == WAKE:
        value = 0
        for other in range(tables.nodes[VCPUS]):
            value += sleeps_for(tables, row, other, slot)
        value = min(value, of(tables, node, SPAN))
    elif kind in (FENCE, STEP):
        value = 0
    return by_value(tables, node, value, asked)


@compiled
def _tell(tables: Tables, row: Any, record: int, asked: Any) -> int:
    """Change what the monitor remembers: 0, or what is needed."""
    told = tables.heap[record + TOLD]
    if told == NONE:
        return 0
    memory = row[len(row) - 1]
    following = tables.monitors[memory, told]
    if following == UNKNOWN:
        asked[0], asked[1] = memory, told
        return NEEDS_TOLD
    row[len(row) - 1] = following
    return 0


@compiled
def take_drain(tables: Tables, row: Any, vcpu: int, record: int, asked: Any) -> int:
    """Change *row* by the oldest store in a buffer: 0, or what is needed (*row* is then of no use)."""
    at = VCPU + vcpu * VCPU_WIDTH
    value = tables.heap[record + VALUE]
    if value == UNKNOWN:
        asked[0] = record
        return NEEDS_MORE
    row[of(tables, row[at + STORES], SLOT)] = value
    row[at + LENGTH] -= 1
    for n in range(BUFFER - 1):
        row[at + STORES + n] = row[at + STORES + n + 1]
    row[at + STORES + BUFFER - 1] = 0
    return _tell(tables, row, record, asked)


@compiled
def _follow(tables: Tables, row: Any, vcpu: int, record: int, asked: Any) -> int:
    """Change *row* as a record of the vCPU's program says: 0, or what is needed."""
    at = VCPU + vcpu * VCPU_WIDTH
    following, value = tables.heap[record + FOLLOWING], tables.heap[record + VALUE]
    if value == UNKNOWN or following == UNKNOWN:
        asked[0] = record
        return NEEDS_MORE
    if value >= 0:
        row[of(tables, row[at + NODE], SLOT)] = value
    if following == SLEEPING:
        row[at + LENGTH] |= ASLEEP
        return 0
    length = row[at + LENGTH] & (ASLEEP - 1)
    for n in range(tables.heap[record + COUNT]):
        if length == BUFFER:
            asked[0] = row[at + NODE]
            return FAILED
        row[at + STORES + length] = tables.heap[tables.heap[record + PUSHED] + n]
        length += 1
    row[at + NODE] = following
    row[at + LENGTH] = length
    return _tell(tables, row, record, asked)


@compiled
def take_step(tables: Tables, row: Any, vcpu: int, record: int, asked: Any) -> int:
    """Change *row* by a step of the vCPU's program: 0, or what is needed (*row* is then of no use)."""
    node = row[VCPU + vcpu * VCPU_WIDTH + NODE]
    wakes = of(tables, node, SPAN) if of(tables, node, KIND) == WAKE else 0
    answer = _follow(tables, row, vcpu, record, asked)
    for other in range(tables.nodes[VCPUS]):
        if answer == 0 and wakes > 0 and sleeps_for(tables, row, other, of(tables, node, SLOT)):
            wakes -= 1
            answer = from_buffer(tables, row[VCPU + other * VCPU_WIDTH + NODE], WOKEN, asked)
            if answer >= 0:
                answer = _follow(tables, row, other, answer, asked)
    return answer
