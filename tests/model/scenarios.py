"""The scenarios: what the model explores, by group."""

from __future__ import annotations

from dataclasses import replace

from dbt.abi.exclusive import SHARED_FRAMES
from dbt.abi.memory import PAGE_CODE, PAGE_EXEC, PAGE_READ, PAGE_VALID, PAGE_WRITE
from tests.model.memory_map import ALIAS, PAGE, A, B, C, D
from tests.model.programs import (
    CLREX,
    FENCE,
    GRACE,
    POLL,
    SYSCALL,
    Op,
    add,
    build,
    cas,
    flags,
    host_write,
    increment,
    link,
    load,
    program,
    rmw,
    section,
    stcond,
    store,
)
from tests.model.scenario import Ended, Scenario
from tests.model.sources import Mutation

STRICT = ("excl", "flush", "hst")
READ_ONLY = PAGE_VALID | PAGE_READ
SHARED = SHARED_FRAMES + 5
OLD_SOON = (  # an exclusive page goes back to ordinary stores at the second of them
    Mutation("dbt/abi/exclusive.py", "AGE_SAMPLE = 64 ", "AGE_SAMPLE = 1 "),
    Mutation("dbt/abi/exclusive.py", "AGE_LIMIT = 16\n", "AGE_LIMIT = 1\n"),
)


def wins(ended: Ended) -> int:
    """Store-conditionals that have stored; the programs see nothing else."""
    return sum(result == 0 for seen in ended.seen for result in seen)


def counted(ended: Ended) -> None:
    """No increment of A is lost, and somebody gets on."""
    assert ended.u32(A) == wins(ended), "increments are lost"
    assert wins(ended), "all store-conditionals failed"


def totals(value: int) -> Scenario:
    """A scenario whose sum at A is *value*; fill in the programs."""

    def check(ended: Ended) -> None:
        assert ended.u32(A) == value, f"the sum is {ended.u32(A)}, not {value}"

    return Scenario("", (), check=check)


def named(name: str, base: Scenario, *vcpus: tuple[Op, ...], hosts: tuple[tuple[Op, ...], ...] = ()) -> Scenario:
    return replace(base, name=name, vcpus=vcpus, hosts=hosts)


def quiet(ended: Ended) -> None:
    """What vCPU 0 read at B after its grace period was final."""
    assert ended.seen[0][-1] == ended.u32(B), f"B was {ended.seen[0][-1]}, then {ended.u32(B)}"


def _fetched(ended: Ended, address: int) -> list[int]:
    """The bytes that the blocks at *address* were made from, of those that are not dead."""
    seen = [found for by in ended.seen for found in by if isinstance(found, tuple)]
    return [fetched for _, fetched, index in seen if ended.block_field(index, "tag") == address and not ended.block_field(index, "dead")]


def fresh(ended: Ended) -> None:
    """Code made from A is of the bytes that are there now, or dead."""
    for fetched in _fetched(ended, A):
        assert fetched == ended.u32(A), f"code was made from {fetched:#x}, memory holds {ended.u32(A):#x}"


def fresh_across(ended: Ended) -> None:
    """As ``fresh``, of code that begins two bytes before C: its upper half is what was stored there."""
    for fetched in _fetched(ended, C - 2):
        assert fetched >> 16 == ended.u32(C) & 0xFFFF, f"code was made from {fetched:#x}, memory holds {ended.u32(C):#x}"


def whole(ended: Ended) -> None:
    """A doubleword is read before or after a store of it, never between."""
    assert ended.seen[0][0] in (0, 0x1_0000_0001), f"half of a store: {ended.seen[0][0]:#x}"


def exclusive_once(ended: Ended) -> None:
    """The page has become exclusive once, and stayed so."""
    counted(ended)
    assert ended.page_field(1, "epoch") == 1, "the page was given back and taken again"


def added(ended: Ended) -> None:
    """Of the increments and the two atomic additions, none is lost."""
    assert ended.u32(A) == 2 + (ended.seen[0] == (0,)), "additions are lost"


def no_increment_lost(ended: Ended) -> None:
    assert ended.u32(A) == wins(ended), "increments are lost"


def section_added(ended: Ended) -> None:
    """The section's addition and the plain store are there, and the increment if it says so."""
    assert (ended.u32(A), ended.u32(A + 4), ended.u32(B)) == (wins(ended), 7, 1), "a write is lost"


def not_torn(ended: Ended) -> None:
    """The store of 6 to the upper half came before the split addition or after it."""
    halves = ended.u32(C - 4) >> 16, ended.u32(C) & 0xFFFF
    assert halves in ((1, 6), (1, 7)), f"the halves are {halves}"


def both_added(ended: Ended) -> None:
    halves = ended.u32(C - 4) >> 16, ended.u32(C) & 0xFFFF
    assert halves == (2, 2), f"the halves are {halves}"


def added_across(ended: Ended) -> None:
    """The increment, if it succeeded, and the split addition's upper half are both in the word."""
    assert (ended.u32(C - 4) >> 16, ended.u32(C)) == (1, 1 + (ended.seen[1] == (0,))), f"{ended.u32(C)} after {ended.seen}"


_IF_FREE = (Op("load", A, to=4), Op("branch", 3, value=0, to=4))  # past the two instructions of ``add`` if A is not 0 any more

RENDEZVOUS = (
    named("section against stores", totals(4), program(section(A, 1), POLL, section(A, 1)), program(add(A, 1), POLL, add(A, 1))),
    named("section of the host", totals(4), program(add(A, 1), POLL, add(A, 1)), hosts=(program(section(A, 1), section(A, 1)),)),
    named("two askers", totals(2), section(A, 1), section(A, 1)),
    Scenario("grace period", (program(store(A, 1), GRACE, load(B)), program(_IF_FREE, add(B, 1), POLL, _IF_FREE, add(B, 1))), check=quiet),
)
RENDEZVOUS_OF_THREE = (
    named("two askers against stores", totals(3), program(section(A, 1)), program(section(A, 1)), program(add(A, 1))),
    named("two askers, one the host", totals(4), program(section(A, 1)), program(add(A, 1), POLL, add(A, 1)), hosts=(program(section(A, 1)),)),
)

# For every strict scheme.
CONTRACT = (
    Scenario("two counters", (increment(A), increment(A)), check=counted),
    Scenario("same value", (increment(A), program(store(B, 1), store(A, 0)))),
    Scenario("same value, one byte", (increment(A), program(store(B, 1, 1), store(A + 3, 0, 1)))),
    Scenario("ABA", (increment(A), program(store(B, 1), POLL, store(A, 5), store(A, 0)))),
    Scenario("store across pages", (increment(C), program(store(A, 1), store(C - 2, 0)))),
    Scenario("store of 16 bytes", (increment(A), program(store(B, 1), store(A - 8, 0, 16)))),
    Scenario("exchange", (increment(A), program(store(B, 1), rmw("xchg", A, 0)))),
    Scenario("compare and swap", (increment(A), program(store(B, 1), cas(A, 0, 0)))),
    Scenario("fetch and add", (increment(A), program(rmw("add", A, 1), rmw("add", A, 1))), check=added),
    Scenario("own store", (program(link(A), store(A, 9), stcond(A, 1)), program(store(B, 1), store(A, 0)))),
    Scenario("twice after one link", (program(link(A), stcond(A, 1), stcond(A, 2)), program(store(A, 0)))),
    Scenario("the last link counts", (program(link(A), link(B), stcond(A, 1)), program(store(B, 0)))),
    Scenario("another size", (program(link(A, 4), stcond(A, 1, 2)), program(store(A, 0)))),
    Scenario("CLREX", (program(link(A), CLREX, stcond(A, 1)), program(store(B, 0)))),
    Scenario("system call between", (program(link(A), SYSCALL, stcond(A, 1)), program(store(B, 0)))),
    Scenario("fault between", (program(link(A), load(C), stcond(A, 1)), program(store(B, 0))), flags={2: 0}),
    Scenario("an alias", (increment(A), program(store(ALIAS + 64, 1), store(ALIAS + A - PAGE, 0))), same={5: 1}, frames={1: SHARED, 5: SHARED}),
    Scenario("doubleword", (program(link(A, 8, seen=True), stcond(A, 0x2_0000_0002, 8)), program(store(A, 0x1_0000_0001, 8))), check=whole),
    Scenario("page becomes read-only", (program(link(A), stcond(A, 1)),), hosts=(program(flags(A, READ_ONLY)),)),
    Scenario("code and a link", (increment(B), program(build(A), store(B, 0), store(A, 1))), check=fresh,
             flags={1: READ_ONLY | PAGE_WRITE | PAGE_EXEC | PAGE_CODE}),
    Scenario("link again after a store", (program(increment(A), increment(A)), program(store(B, 1), POLL, store(A, 0)))),
)
_SPLIT = (C - 2, 0x1_0001)  # LOCK ADD of a doubleword across pages: 1 to each half
SPLIT = (
    Scenario("split addition and a store", (program(rmw("add", *_SPLIT, align=1)), program(store(C, 6, 2))), check=not_torn),
    Scenario("two split additions", (program(rmw("add", *_SPLIT, align=1)), program(rmw("add", *_SPLIT, align=1))), check=both_added),
    Scenario("split addition and a counter", (program(rmw("add", *_SPLIT, align=1)), increment(C)), check=added_across),
)
CONTRACT_LARGE = (
    Scenario("two counters twice", (program(increment(A), increment(A)), program(increment(A), POLL, increment(A))), check=counted),
)
CONTRACT_OF_THREE = (
    Scenario("counter and two stores", (increment(A), program(store(A, 0)), program(store(A + 4, 0)))),
    Scenario("ABA by two others", (increment(A), program(store(A, 5)), program(store(A, 0)))),
    Scenario("counter, section and store", (increment(A), program(section(B, 1)), program(store(A + 4, 7))), check=section_added),
    Scenario("two counters and a store", (increment(A), increment(A), program(store(A + 4, 0))), check=no_increment_lost),
    Scenario("three counters", (increment(A),) * 3, check=counted),
)


SOME = ("two counters", "same value", "ABA", "an alias", "own store", "page becomes read-only", "CLREX", "twice after one link")  # of CONTRACT

# For the schemes that notice writes by system calls at any moment: hst does not between its look at the tag and its store.
HOST_WRITES = (
    Scenario("the host writes", (increment(A),), hosts=(program(host_write(A, 0)),)),
    Scenario("a system call writes", (increment(A), program(host_write(A, 0)))),
)

# For scheme excl.
EXCL = (
    Scenario("given back and taken again, alone", (program(link(A), store(B, 1), store(B, 2), increment(A)),), check=counted, mutations=OLD_SOON),
)
EXCL_LARGE = (
    Scenario("stays exclusive", (program(increment(A), increment(A)), program(link(B))), check=exclusive_once),
    Scenario("given back", (program(link(A), POLL, stcond(A, 1)), program(store(B, 1), store(B, 2), POLL, store(B, 3), store(A, 0))), mutations=OLD_SOON),
    Scenario("given back and taken again", (program(link(A), POLL, increment(A)), program(store(B, 1), store(B, 2), store(A, 0))), mutations=OLD_SOON),
)


_TO_CODE = (store(B, 0), store(A, 1))  # the second has the TLB entry of the first
CODE = (
    Scenario("code and a store", (program(build(A)), program(store(A, 1))), check=fresh),
    Scenario("code and a store under way", (program(build(A)), program(_TO_CODE)), check=fresh),
    Scenario("code on two pages and a store under way", (program(build(C - 2)), program(store(D - 8, 0), store(C, 1))), check=fresh_across,
             flags={1: READ_ONLY | PAGE_EXEC}),
)
CODE_LARGE = (
    Scenario("code twice and two stores", (program(build(A), POLL, build(A)), program(_TO_CODE, POLL, store(A, 2))), check=fresh),
    Scenario("two builders and a store", (program(build(A)), program(build(A)), program(_TO_CODE)), check=fresh),
)
_WARM = (store(B, 0), store(C + 64, 0))  # the TLB has both pages, so that accesses are nothing but themselves
STORE_BUFFER = (
    Scenario("store buffering", (program(_WARM, store(A, 1), load(C)), program(_WARM, store(C, 1), load(A)))),
    Scenario("store buffering, fences", (program(_WARM, store(A, 1), FENCE, load(C)), program(_WARM, store(C, 1), FENCE, load(A)))),
)


def by_name(name: str) -> Scenario:
    """A scenario of any group."""
    for group in (RENDEZVOUS, RENDEZVOUS_OF_THREE, CODE, CODE_LARGE, CONTRACT, SPLIT, HOST_WRITES, EXCL, EXCL_LARGE, CONTRACT_LARGE, CONTRACT_OF_THREE):
        for scenario in group:
            if scenario.name == name:
                return scenario
    raise KeyError(name)
