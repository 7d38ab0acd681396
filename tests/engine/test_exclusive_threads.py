"""Exclusive accesses of vCPUs that run at the same time: what must hold for every interleaving, counted over many."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from dbt.abi.exclusive import SCHEMES
from dbt.abi.exits import Exit
from dbt.abi.memory import PAGE_SIZE
from runtime.process_block import BLOCK_BYTES, BLOCKS, proc
from runtime.vcpu import VCpu
from tests.engine.children import status_of_child
from tests.engine.harness import Harness
from tests.engine.test_memory import arm
from tests.engine.test_threads import run_all
from tests.patience import SECONDS

SHARED = 0x90000
LINKERS = 3
# loop: ldrexd r4, r5, [r2]; add r4, r4, #1; strexd r3, r4, [r2]; cmp r3, #0; bne loop; subs r7, r7, #1; bne loop
# Adds 1 to the first word and writes back the second as it was.
LINK = arm(0xE1B24F9F, 0xE2844001, 0xE1A23F94, 0xE3530000, 0x1AFFFFFA, 0xE2577001, 0x1AFFFFF8)
# loop: ldr r1, [r2, #4]; add r1, r1, #1; str r1, [r2, #4]; subs r7, r7, #1; bne loop
# Counts in the second word with plain accesses, in one block that loops on itself: the only one who writes it.
STORE = arm(0xE5921004, 0xE2811001, 0xE5821004, 0xE2577001, 0x1AFFFFFA)
LINKS = {"excl": 20_000, "cas": 20_000, "flush": 1_000, "hst": 1_000}
STORES_FOR_EACH = 4
PAGES = 8
RESETS = 10


@pytest.fixture(params=[(scheme, tier) for scheme in SCHEMES for tier in ("0", "auto")], ids="-".join)
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    scheme, tier = request.param
    made = Harness(tier=tier, atomics=scheme, idiom=False)
    made.map(SHARED, PAGES * PAGE_SIZE)
    yield made
    made.close()


def vcpu_at(harness: Harness, pc: int, **regs: int) -> VCpu:
    vcpu = harness.engine.new_vcpu()
    vcpu.pc = pc
    for name, value in regs.items():
        vcpu.put(name, value)
    return vcpu


def place(harness: Harness, *pieces: bytes) -> list[int]:
    """Addresses of pieces of code that each end in an undefined instruction."""
    end = arm(0xE7F000F0)
    start = harness.load(b"".join(piece + end for piece in pieces))
    return [start + sum(len(piece) + len(end) for piece in pieces[:i]) for i in range(len(pieces))]


def test_no_plain_store_is_lost_to_a_store_conditional(harness: Harness) -> None:
    """A store-conditional that succeeded although the other word was stored to after the link would take that store back."""
    links = LINKS[harness.engine.scheme.name.lower()]
    link, store = place(harness, LINK, STORE)
    vcpus = [vcpu_at(harness, link, r2=SHARED, r7=links) for _ in range(LINKERS)]
    vcpus.append(vcpu_at(harness, store, r2=SHARED, r7=links * STORES_FOR_EACH))
    assert run_all(harness, vcpus) == [Exit.EXCEPTION] * len(vcpus)
    assert (harness.memory.u32(SHARED), harness.memory.u32(SHARED + 4)) == (LINKERS * links, links * STORES_FOR_EACH)


def test_pages_become_exclusive_under_running_stores(harness: Harness) -> None:
    """Each page is linked for the first time while another vCPU stores to it without a pause."""
    links = LINKS[harness.engine.scheme.name.lower()] // 20
    link, store = place(harness, LINK, STORE)
    for page in range(SHARED, SHARED + PAGES * PAGE_SIZE, PAGE_SIZE):
        vcpus = [vcpu_at(harness, store, r2=page, r7=links * 20), *[vcpu_at(harness, link, r2=page, r7=links) for _ in range(2)]]
        assert run_all(harness, vcpus) == [Exit.EXCEPTION] * 3
        assert (harness.memory.u32(page), harness.memory.u32(page + 4)) == (2 * links, links * 20)
        for vcpu in vcpus:
            harness.engine.free_vcpu(vcpu)


def test_maps_and_sections_under_way(harness: Harness) -> None:
    """Exclusive sections and remapped pages in the midst of it all: nothing hangs and nothing is lost."""
    links = LINKS[harness.engine.scheme.name.lower()] // 4
    link, store = place(harness, LINK, STORE)
    vcpus = [vcpu_at(harness, link, r2=SHARED, r7=links) for _ in range(2)] + [vcpu_at(harness, store, r2=SHARED, r7=links * 4)]
    done = threading.Event()

    def disturb() -> None:
        flags = harness.memory.flags(SHARED)
        while not done.is_set():
            with harness.engine.exclusive_section():
                harness.memory.set_flags(SHARED, PAGE_SIZE, flags)
            harness.memory.wrote(SHARED, 64)
            os.sched_yield()

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        assert run_all(harness, vcpus) == [Exit.EXCEPTION] * 3
    finally:
        done.set()
        disturber.join(SECONDS)
    assert (harness.memory.u32(SHARED), harness.memory.u32(SHARED + 4)) == (2 * links, links * 4)


def test_a_child_forked_under_way_can_link_and_store(harness: Harness) -> None:
    links = LINKS[harness.engine.scheme.name.lower()]
    link, store = place(harness, LINK, STORE)
    vcpus = [vcpu_at(harness, link, r2=SHARED, r7=links) for _ in range(2)] + [vcpu_at(harness, store, r2=SHARED, r7=links * 4)]
    own = vcpu_at(harness, link, r2=SHARED, r7=200)
    statuses: list[int] = []

    def child() -> bool:
        before = harness.memory.u32(SHARED)
        return harness.engine.run(own) == Exit.EXCEPTION and harness.memory.u32(SHARED) == before + 200

    def fork_often() -> None:
        for _ in range(4):
            statuses.append(status_of_child(harness.engine, child, own))

    forker = threading.Thread(target=fork_often)
    forker.start()
    assert run_all(harness, vcpus) == [Exit.EXCEPTION] * 3
    forker.join(SECONDS)
    assert statuses == [0] * 4


def test_the_arena_is_emptied_while_vcpus_wait_inside_helpers(harness: Harness) -> None:
    """A vCPU that waits for others inside a store-conditional (hst), a load-link (flush, excl) or an ageing store goes on in code that must still be there."""
    links = LINKS[harness.engine.scheme.name.lower()]
    link, store = place(harness, LINK, STORE)
    vcpus = [vcpu_at(harness, link, r2=SHARED, r7=links) for _ in range(3)] + [vcpu_at(harness, store, r2=SHARED, r7=links * 4)]
    done = threading.Event()

    def fill() -> None:
        harness.engine.block.put("block_end", proc.offset("blocks") + BLOCKS * BLOCK_BYTES)
        harness.memory.invalidate(link, len(LINK))

    def fill_often() -> None:
        for resets in range(1, RESETS):
            while harness.engine.arena_resets < resets and not done.wait(0.002):
                pass
            fill()

    fill()  # once at least
    filler = threading.Thread(target=fill_often)
    filler.start()
    try:
        assert run_all(harness, vcpus) == [Exit.EXCEPTION] * 4
    finally:
        done.set()
        filler.join(SECONDS)
    assert (harness.memory.u32(SHARED), harness.memory.u32(SHARED + 4)) == (3 * links, links * 4)
    assert harness.engine.arena_resets > 0
