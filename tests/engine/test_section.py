"""Exclusive sections: nobody executes guest code inside one, and everybody goes on after it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from dbt.abi.exclusive import SCHEMES, State
from dbt.abi.exits import FAULT_UNMAPPED, FAULT_WRITE, REQUEST_STOP, Exit
from dbt.abi.memory import PAGE_SIZE
from runtime.engine import Engine
from runtime.vcpu import VCpu
from tests.engine.children import status_of_child
from tests.engine.harness import Harness
from tests.engine.test_memory import arm
from tests.patience import SECONDS

COUNTERS = 0x90000
# loop: ldr r1, [r2]; add r1, r1, #1; str r1, [r2]; b loop
COUNT = arm(0xE5921000, 0xE2811001, 0xE5821000, 0xEAFFFFFB)
THREADS = 3


@pytest.fixture(params=["0", "auto"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    made = Harness(tier=request.param)
    made.map(COUNTERS, PAGE_SIZE)
    yield made
    made.close()


class Runners:
    """vCPUs that count in memory for ever, one counter each; a context that stops them at its end."""

    def __init__(self, harness: Harness, count: int = THREADS) -> None:
        self.harness = harness
        pc = harness.load(COUNT)
        self.vcpus: list[VCpu] = []
        self.exits: list[Exit] = []
        for i in range(count):
            vcpu = harness.engine.new_vcpu()
            vcpu.pc = pc
            vcpu.put("r2", COUNTERS + 64 * i)
            self.vcpus.append(vcpu)
        self.threads = [threading.Thread(target=self._work, args=(vcpu,)) for vcpu in self.vcpus]

    def _work(self, vcpu: VCpu) -> None:
        self.exits.append(self.harness.engine.run(vcpu))

    def counts(self) -> list[int]:
        return [self.harness.memory.u32(COUNTERS + 64 * i) for i in range(len(self.vcpus))]

    def wait_for_progress(self) -> None:
        """Until every vCPU has counted on."""
        before = self.counts()
        while any(a == b for a, b in zip(before, self.counts(), strict=True)):
            os.sched_yield()

    def __enter__(self) -> Runners:
        for thread in self.threads:
            thread.start()
        self.wait_for_progress()
        return self

    def __exit__(self, *_: object) -> None:
        for vcpu in self.vcpus:
            vcpu.request(REQUEST_STOP)
        for thread in self.threads:
            thread.join(SECONDS)
        assert self.exits == [Exit.REQUEST] * len(self.vcpus)


def test_nobody_moves_inside(harness: Harness) -> None:
    with Runners(harness) as runners:
        for _ in range(20):
            with harness.engine.exclusive_section():
                assert all(vcpu.get("state") != State.RUNNING for vcpu in runners.vcpus)
                before = runners.counts()
                for _ in range(50):
                    os.sched_yield()
                assert runners.counts() == before
            runners.wait_for_progress()


def test_entered_twice_by_one_thread(harness: Harness) -> None:
    with Runners(harness) as runners:
        with harness.engine.exclusive_section():
            with harness.engine.exclusive_section():
                before = runners.counts()
            assert runners.counts() == before
        runners.wait_for_progress()


def test_two_threads_ask_at_once(harness: Harness) -> None:
    inside: list[int] = []
    overlaps: list[int] = []

    def ask() -> None:
        for _ in range(200):
            with harness.engine.exclusive_section():
                inside.append(1)
                overlaps.append(len(inside))
                inside.pop()

    with Runners(harness) as runners:
        askers = [threading.Thread(target=ask) for _ in range(3)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join(SECONDS)
        runners.wait_for_progress()
    assert set(overlaps) == {1} and len(overlaps) == 600


def test_a_vcpu_that_starts_inside_a_section_waits_for_its_end(harness: Harness) -> None:
    vcpu = harness.engine.new_vcpu()
    vcpu.pc = harness.load(COUNT)
    vcpu.put("r2", COUNTERS)
    thread = threading.Thread(target=harness.engine.run, args=(vcpu,))
    with harness.engine.exclusive_section():
        thread.start()
        while vcpu.get("state") != State.WAITING:
            os.sched_yield()
        assert harness.memory.u32(COUNTERS) == 0
    while not harness.memory.u32(COUNTERS):
        os.sched_yield()
    vcpu.request(REQUEST_STOP)
    thread.join(SECONDS)


def test_pages_change_under_running_stores(harness: Harness) -> None:
    """Nothing is in flight to a page when its flags fall: the vCPU faults, precisely, or not at all."""
    vcpu = harness.engine.new_vcpu()
    vcpu.pc = start = harness.load(COUNT)
    vcpu.put("r2", COUNTERS)
    exits: list[Exit] = []
    thread = threading.Thread(target=lambda: exits.append(harness.engine.run(vcpu)))
    thread.start()
    while not harness.memory.u32(COUNTERS):
        os.sched_yield()
    with harness.engine.exclusive_section():
        harness.map(COUNTERS, PAGE_SIZE, 0)
    thread.join(SECONDS)
    assert exits == [Exit.MEMORY_FAULT]
    load, store = (start, FAULT_UNMAPPED), (start + 8, FAULT_UNMAPPED | FAULT_WRITE)  # whichever comes first after the section
    assert (vcpu.pc, vcpu.get("fault_info")) in (load, store)
    assert vcpu.get("fault_addr") == COUNTERS


def test_a_child_forked_under_way_has_one_vcpu(harness: Harness) -> None:
    own = harness.engine.new_vcpu()
    own.pc = harness.load(COUNT)
    own.put("r2", COUNTERS + 64 * THREADS)

    def stop_when_it_counts() -> None:
        while not harness.memory.u32(COUNTERS + 64 * THREADS):
            os.sched_yield()
        own.request(REQUEST_STOP)

    def child() -> bool:
        alone = harness.engine.vcpus == [own] and harness.engine.block.get("parallel") == 0
        threading.Thread(target=stop_when_it_counts).start()
        stopped = harness.engine.run(own) == Exit.REQUEST
        with harness.engine.exclusive_section():
            return alone and stopped

    with Runners(harness) as runners:
        assert status_of_child(harness.engine, child, own) == 0
        runners.wait_for_progress()


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="none of " + ", ".join(SCHEMES)):
        Engine("arm", tier="0", atomics="best")
