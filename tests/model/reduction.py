"""Which steps of a state must be explored: partial-order reduction by stubborn sets.

**The method.** In each state not all steps that are possible are explored, but those in a *strong stubborn set* T (Valmari). It must fulfil, for all
sequences of steps t1...tn outside of T (D1) if t in T can be made after them, it can be made before them, with the same result; (D2) a step of T that is
possible stays so while they are made; and one step of T is possible if any is. A. Valmari, "Stop It, and Be Stubborn!", ACM Transactions on Embedded
Computing Systems 16(2), 2017, shows what that preserves: all states in which nothing is possible; and *if from every state of the reduced graph an end can
be reached*, which ``product.find_stuck`` checks anyway, then the same holds in the full graph, and no step is put off for ever (the "ignoring problem"):
take any full sequence t1...tn from a state of the reduced graph and follow that graph to an end. As long as no ti is in T, D2 and D1 move the sequence along
unchanged; when one is, D1 brings the first such to the front, where the reduced graph takes it. Nothing is possible at the end, so by then each ti has been
taken, after the same steps of its own vCPU, with the same results. So each local state, each edge of each automaton, each complaint of the monitor and each
outcome of the full graph is in the reduced one.

**Independence.** A vCPU's step is one access to one shared word (or to none), so steps of two vCPUs have the same effect in either order, and neither makes
the other impossible, if they touch different words, or one word without writing. Sleeping for a word and waking count as writes to something of its own
(`sleeps`). The monitor must agree: what it does at a write to a word concerns the links to that word (a granule is a word), and the vCPU's own link
otherwise; only a system call's begin looks at the others' links, and counts as a write to MONITOR, which all who take or drop a link read.

**Sets.** T is made of all next steps of some vCPUs F. The others may do whatever they find to do while F stands still: their *footprint* is the set of words
that they can read or write then. If no next step of F depends on the footprint, D1 and D2 hold: steps outside of T are steps of the others, all of which are
within the footprint, and nothing in it can make a step of F possible or impossible (a sleeper is woken by a write to `sleeps`).

**Store buffers.** The oldest store of a buffer takes effect (*drains*) as a step beside the vCPU's own, and where one of the two is free of conflicts it
makes a T alone.
- A drain to word w that the others' footprint has not: the vCPU's own steps are outside of T then, but without the drain it can only load and add to the
  buffer; a load of w finds the buffer's value before and the same in memory afterwards, because nobody else writes w.
- A load of w that nobody else may write: the buffer drains outside of T. What the load finds in the buffer it finds in memory after the drains. The
  footprint is that of the others in a memory into which these stores may come.

**The footprint** is computed with an abstraction: each word has a *set* of values, at first the present one, and each vCPU a set of nodes, at first its own.
A node's step is made for each value of its word, and adds nodes and values, until nothing is added. What has once been written stays among the values, so it
does not matter when a buffer drains. Frozen vCPUs write nothing; that makes the footprint precise: once a page has settled nobody settles it again, and
accesses to TLB entries, page records and states are independent. (Godefroid's persistent sets with a static analysis would know nothing of that.) Footprints
are remembered by a hash of 63 bits; one is taken for another with a probability below 2^-46 each time.

**Unknown steps.** Automata are found as the exploration goes on. The footprint knows those nodes, edges and values only that some exploration has needed: in
a system where a program stops at each unknown edge it is exact. When an exploration from beginning to end needs nothing new and all its states reach an end,
its system has no state with an unknown edge (all edges that can be taken are in the reduced graph: see above), so it is the real one. If something new was
needed it is done again; if a state reaches no end, ``explore`` looks at all that can follow there, unreduced, for a step that is new.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.model.steps import BLOCKED, by_value, compiled, from_buffer, mixed, of, sleeps_for
from tests.model.tables import (
    ASLEEP,
    BUFFERED,
    CAS,
    COUNT,
    END,
    ERROR,
    FENCE,
    FOLLOWING,
    HEADER,
    KIND,
    LENGTH,
    LOAD,
    MEETS,
    MONITOR,
    NODE,
    NODE_WORDS,
    PUSHED,
    SLEEPING,
    SLEEPS,
    SLOT,
    SLOTS,
    STEP,
    STORE,
    STORES,
    UNCHANGED,
    VALUE,
    VCPU,
    VCPU_WIDTH,
    VCPUS,
    WAIT,
    WAKE,
    WOKEN,
    WORDS,
    Tables,
)

_NOBODY = -1

# What a computation works with: the footprint, how many nodes are reached, slots whose values it has looked at, a set of values for each slot; for nodes and
# buffers met before, the slots that were looked at then; for those and the values of these slots, the footprint; for each node, the set of values for which its
# step has been made and whether the node is reached; the list of those reached.
_READ, _WRITTEN, _REACHED, _LOOKED, _VALUES = 0, 1, 2, 3, 4
_CACHED = 1 << 16
_LOOKS = _VALUES + SLOTS
_CACHE = _LOOKS + 2 * _CACHED
_OF_NODES = _CACHE + 3 * _CACHED


def scratch(tables: Tables) -> Any:
    """Room for what ``stubborn`` works with."""
    nodes = (len(tables.nodes) - HEADER) // NODE_WORDS
    return np.zeros(_OF_NODES + 3 * nodes, np.int64)


@compiled
def _reach(tables: Tables, work: Any, node: int) -> None:
    if not work[_OF_NODES + 2 * node + 1]:
        work[_OF_NODES + 2 * node + 1] = 1
        nodes = (len(tables.nodes) - HEADER) // NODE_WORDS
        work[_OF_NODES + 2 * nodes + work[_REACHED]] = node
        work[_REACHED] += 1


@compiled
def _follow(tables: Tables, work: Any, record: int) -> None:
    """Reach what a record leads to."""
    heap = tables.heap
    if heap[record + FOLLOWING] >= 0:
        _reach(tables, work, heap[record + FOLLOWING])
        for n in range(heap[record + COUNT]):
            _reach(tables, work, heap[heap[record + PUSHED] + n])
    work[_READ] |= (heap[record + MEETS] & 1) << MONITOR
    work[_WRITTEN] |= (heap[record + MEETS] >> 1) << MONITOR


@compiled
def _do_values(tables: Tables, work: Any, node: int, silent: int, asked: Any) -> int:
    """Make the step of *node* for values of its word for which it has not been made: 1, 0 if there are none, or what is needed. *silent*: what it
    writes counts as a value, but not as written."""
    slot, done = of(tables, node, SLOT), _OF_NODES + 2 * node
    drains = of(tables, node, KIND) == STORE and tables.nodes[BUFFERED]
    fresh = work[_VALUES + slot] & ~work[done]
    work[_LOOKED] |= 1 << slot
    rest, value = fresh, 0
    while rest:
        if rest & 1:
            record = by_value(tables, node, value, asked)
            if record < 0:
                return record
            written = tables.heap[record + VALUE]
            if written == UNCHANGED:
                work[_READ] |= 1 << slot
            else:
                work[_WRITTEN] |= (1 - silent) << slot
                if written >= 0:
                    work[_VALUES + slot] |= 1 << written
            if tables.heap[record + FOLLOWING] == SLEEPING:
                record = from_buffer(tables, node, WOKEN, asked)
                if record < 0:
                    return record
            if not drains:
                _follow(tables, work, record)
        rest >>= 1
        value += 1
    if fresh and of(tables, node, KIND) == WAIT:
        work[_WRITTEN] |= 1 << of(tables, node, SLEEPS)
    work[done] |= fresh
    return 1 if fresh else 0


@compiled
def _do_once(tables: Tables, work: Any, row: Any, frozen: int, node: int, asked: Any) -> int:
    """Make the step of a node that looks at no value: 1, or what is needed."""
    is_wake = of(tables, node, KIND) == WAKE
    vcpus = tables.nodes[VCPUS]
    for woken in range(vcpus if is_wake else 1):
        record = by_value(tables, node, woken, asked)
        if record < 0:
            return record
        _follow(tables, work, record)
    if is_wake:
        work[_WRITTEN] |= 1 << of(tables, node, SLEEPS)
        for vcpu in range(vcpus):
            if not frozen >> vcpu & 1 and sleeps_for(tables, row, vcpu, of(tables, node, SLOT)):
                record = from_buffer(tables, row[VCPU + vcpu * VCPU_WIDTH + NODE], WOKEN, asked)
                if record < 0:
                    return record
                _follow(tables, work, record)
    work[_OF_NODES + 2 * node] = 1
    return 1


@compiled
def _has_word(kind: int) -> bool:
    return LOAD <= kind <= CAS or kind == WAIT


@compiled
def _do_all(tables: Tables, work: Any, row: Any, frozen: int, drains: int, asked: Any) -> int:
    """Until nothing is added: 0, or what is needed."""
    nodes = (len(tables.nodes) - HEADER) // NODE_WORDS
    more = 1
    while more:
        more, at = 0, 0
        while at < work[_REACHED]:
            node = work[_OF_NODES + 2 * nodes + at]
            at += 1
            kind, done = of(tables, node, KIND), 0
            if _has_word(kind):
                done = _do_values(tables, work, node, 1 if node % tables.nodes[VCPUS] == drains else 0, asked)
            elif kind != END and kind != ERROR and not work[_OF_NODES + 2 * node]:
                done = _do_once(tables, work, row, frozen, node, asked)
            if done < 0:
                return done
            more |= done
    return 0


@compiled
def _key(tables: Tables, row: Any, frozen: int, drains: int) -> int:
    """A hash of all that a footprint depends on, but the values of words."""
    key = mixed(frozen << 8 | (drains + 1))
    for vcpu in range(tables.nodes[VCPUS]):
        at = VCPU + vcpu * VCPU_WIDTH
        if not frozen >> vcpu & 1:
            key = mixed(key ^ row[at + NODE])
        if not frozen >> vcpu & 1 or vcpu == drains:
            for n in range(LENGTH, STORES + (row[at + LENGTH] & (ASLEEP - 1))):
                key = mixed(key ^ row[at + n])
    return key | 1


@compiled
def _with_values(key: int, row: Any, slots: int) -> int:
    """A hash of *key*, *slots* and their values."""
    key, slot = mixed(key ^ slots), 0
    while slots >> slot:
        if slots >> slot & 1:
            key = mixed(key ^ row[slot])
        slot += 1
    return key | 1


@compiled
def _footprint(tables: Tables, work: Any, row: Any, frozen: int, drains: int, asked: Any) -> int:
    """Leaves in *work* what the vCPUs outside of the set *frozen* can read and write while those inside stand still, except that the buffer of *drains* (or
    nobody's) may drain. 0, or what is needed. It was computed before if the same slots, looked at for the same nodes and buffers, have the same values."""
    key = _key(tables, row, frozen, drains)
    looks = _LOOKS + 2 * (key >> 1 & (_CACHED - 1))
    if work[looks] == key:
        valued = _with_values(key, row, work[looks + 1])
        place = _CACHE + 3 * (valued >> 1 & (_CACHED - 1))
        if work[place] == valued:
            work[_READ], work[_WRITTEN] = work[place + 1], work[place + 2]
            return 0
    work[_LOOKED] = 0
    work[_READ] = work[_WRITTEN] = work[_REACHED] = 0
    for slot in range(tables.nodes[WORDS]):
        work[_VALUES + slot] = 1 << row[slot]
    for vcpu in range(tables.nodes[VCPUS]):
        at = VCPU + vcpu * VCPU_WIDTH
        moves = not frozen >> vcpu & 1
        if moves or vcpu == drains:
            for n in range(row[at + LENGTH] & (ASLEEP - 1)):
                _reach(tables, work, row[at + STORES + n])
        if moves and not row[at + LENGTH] & ASLEEP:
            _reach(tables, work, row[at + NODE])
    answer = _do_all(tables, work, row, frozen, drains, asked)
    nodes = (len(tables.nodes) - HEADER) // NODE_WORDS
    for n in range(work[_REACHED]):
        node = work[_OF_NODES + 2 * nodes + n]
        work[_OF_NODES + 2 * node] = work[_OF_NODES + 2 * node + 1] = 0
    if answer == 0:
        work[looks], work[looks + 1] = key, work[_LOOKED]
        valued = _with_values(key, row, work[_LOOKED])
        place = _CACHE + 3 * (valued >> 1 & (_CACHED - 1))
        work[place], work[place + 1], work[place + 2] = valued, work[_READ], work[_WRITTEN]
    return answer


@compiled
def _is_free(tables: Tables, work: Any, node: int, record: int) -> bool:
    """True if a step with this record is independent of the footprint."""
    kind, word, meets = of(tables, node, KIND), 1 << of(tables, node, SLOT), tables.heap[record + MEETS]
    read, written = (meets & 1) << MONITOR, (meets >> 1) << MONITOR
    if kind in (WAKE, WAIT):
        written |= 1 << of(tables, node, SLEEPS)
    if tables.heap[record + VALUE] != UNCHANGED:
        written |= word
    elif _has_word(kind):
        read |= word
    return written & (work[_READ] | work[_WRITTEN]) == 0 and read & work[_WRITTEN] == 0


@compiled
def _are_free(tables: Tables, work: Any, row: Any, frozen: int, records: Any) -> bool:
    """True if one of the next steps of the vCPUs in *frozen* is possible, and none depends on the footprint."""
    possible = False
    for vcpu in range(tables.nodes[VCPUS]):
        if frozen >> vcpu & 1:
            at = VCPU + vcpu * VCPU_WIDTH
            if row[at + LENGTH] & ASLEEP and (work[_READ] | work[_WRITTEN]) >> of(tables, row[at + NODE], SLEEPS) & 1:
                return False
            for drains in range(2):
                record = records[2 * vcpu + drains]
                if record != BLOCKED:  # at the end, asleep, or until the buffer has drained
                    possible = True
                    if not _is_free(tables, work, row[at + STORES] if drains else row[at + NODE], record):
                        return False
    return possible


@compiled
def stubborn(tables: Tables, work: Any, row: Any, records: Any, asked: Any) -> int:
    """A stubborn set of steps, as small as we find one: bit 2 * vCPU stands for the program's step, the next bit for the drain. Or what is needed."""
    vcpus, nobody = tables.nodes[VCPUS], np.int64(_NOBODY)  # not a constant, for which numba would compile ``_footprint`` anew
    for vcpu in range(vcpus):
        record = records[2 * vcpu]
        if record != BLOCKED and tables.heap[record + MEETS] == 0 and of(tables, row[VCPU + vcpu * VCPU_WIDTH + NODE], KIND) in (FENCE, STEP):
            return 1 << 2 * vcpu
    for vcpu in range(vcpus):
        at = VCPU + vcpu * VCPU_WIDTH
        for drains in range(2):
            if records[2 * vcpu + drains] != BLOCKED:
                answer = _footprint(tables, work, row, 1 << vcpu, nobody if drains or row[at + LENGTH] == 0 else vcpu, asked)
                if answer < 0:
                    return answer
                if _is_free(tables, work, row[at + STORES] if drains else row[at + NODE], records[2 * vcpu + drains]):
                    return 1 << 2 * vcpu + drains
    for frozen in range(1, (1 << vcpus) - 1):
        answer = _footprint(tables, work, row, frozen, nobody, asked)
        if answer < 0:
            return answer
        if _are_free(tables, work, row, frozen, records):
            chosen = 0
            for vcpu in range(vcpus):
                chosen |= (frozen >> vcpu & 1) * 3 << 2 * vcpu
            return chosen
    return (1 << 2 * vcpus) - 1
