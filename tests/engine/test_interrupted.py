"""A signal, the end of the thread, and a fork at each step of load-link, operation, store-conditional; signals while threads wait for each other. The others go
on, and no lock is left.

Steps are pieces of code that end with YIELD, as in ``test_exclusive``, so that what happens between two steps is exact.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from dbt.abi.exclusive import GRANULE_BITS, GRANULE_RECORD_BITS, GRANULES, LOCKED, State
from dbt.abi.exits import REQUEST_STOP, Exit
from runtime.process_block import proc
from runtime.vcpu import VCpu
from tests.engine.children import fork
from tests.engine.test_exclusive import LDREX, NOP, SCHEMES, STRICT, WORD, Machine, arm

ADD = 0xE2814001  # add r4, r1, #1
STREX = 0xE1820F94  # r0 = failed: r4 to [r2]
STEPS = (LDREX, ADD, STREX)
LINKED = (1, 2)  # after these numbers of steps there is a reservation
LOCKS = ("rendezvous", "held", "lock", "flush_lock")
SPIN = arm(0xE5921000, 0xE2811001, 0xE5821000, 0xEAFFFFFB)  # loop: ldr r1, [r2]; add r1, r1, #1; str r1, [r2]; b loop
SIGNALS = 50


@pytest.fixture(scope="module", params=[(scheme, tier) for scheme in SCHEMES for tier in ("0", "quick", "1")], ids=lambda row: "-".join(row))
def m(request: pytest.FixtureRequest) -> Iterator[Machine]:
    made = Machine(*request.param)
    yield made
    made.harness.close()


def begin(m: Machine, steps: int) -> None:
    """vCPU a has done so many steps of an increment. The first link of a page comes before: it waits for others."""
    m.link(m.b)
    m.b.clear_reservation()
    for word in STEPS[:steps]:
        m.do(m.a, word, r4=m.a.get("r4"))


def add_one(m: Machine, vcpu: VCpu) -> None:
    """An increment of WORD by *vcpu*, with as many tries as it takes."""
    before = m.memory.u32(WORD)
    for _ in range(4):
        m.do(vcpu, LDREX)
        m.do(vcpu, ADD)
        if m.failed(vcpu, value=vcpu.get("r4")) == 0:
            break
    assert m.memory.u32(WORD) == before + 1


def nothing_is_held(m: Machine) -> None:
    record = proc.offset("granules") + ((WORD >> GRANULE_BITS & (GRANULES - 1)) << GRANULE_RECORD_BITS)
    assert {name: m.engine.block.get(name) for name in LOCKS} == dict.fromkeys(LOCKS, 0)
    assert m.engine.scheme.name == "HST" or m.engine.block.read64(record) & LOCKED == 0


def others_go_on(m: Machine, others: tuple[VCpu, ...]) -> None:
    nothing_is_held(m)
    for vcpu in others:
        add_one(m, vcpu)
    with m.engine.exclusive_section():
        m.memory.put_u32(WORD, m.memory.u32(WORD) + 1)
    for vcpu in others:
        add_one(m, vcpu)
    nothing_is_held(m)


@pytest.mark.parametrize("steps", range(4))
def test_a_signal(m: Machine, steps: int) -> None:
    """Its handler uses the same word, and the interrupted store-conditional fails: its link is gone, even if nobody has written."""
    begin(m, steps)
    kept = {name: m.a.get(name) for name in ("r1", "r4")}
    m.a.clear_reservation()
    others_go_on(m, (m.a, m.b))
    before = m.memory.u32(WORD)
    m.a.clear_reservation()  # the handler returns
    if steps in LINKED:
        assert m.failed(m.a, value=kept["r4"]) == 1
        assert m.memory.u32(WORD) == before
    others_go_on(m, (m.a, m.b))


@pytest.mark.parametrize("steps", range(4))
def test_the_end_of_the_thread(m: Machine, steps: int) -> None:
    begin(m, steps)
    m.engine.free_vcpu(m.a)
    m.a = m.engine.new_vcpu()
    others_go_on(m, (m.b, m.a))


@pytest.mark.parametrize("steps", range(4))
def test_a_fork_by_the_thread(m: Machine, steps: int) -> None:
    """Parent and child both go on with the step they were at; a reservation may be lost, but nothing else."""
    begin(m, steps)

    def child_goes_on() -> bool:
        finish(m, steps)
        others_go_on(m, (m.a, m.engine.new_vcpu()))
        return True

    child = fork(m.engine, child_goes_on, m.a)
    finish(m, steps)
    others_go_on(m, (m.a, m.b))
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("steps", range(4))
def test_a_fork_by_another_thread(m: Machine, steps: int) -> None:
    """The child has only the thread that forked, and its reservation."""
    begin(m, steps)

    def child_goes_on() -> bool:
        others_go_on(m, (m.b, m.engine.new_vcpu()))
        return True

    child = fork(m.engine, child_goes_on, m.b)
    finish(m, steps)
    others_go_on(m, (m.a, m.b))
    assert os.waitpid(child, 0)[1] == 0


def finish(m: Machine, steps: int) -> None:
    """The steps of vCPU a that are left: it stores what it says it has stored."""
    before = m.memory.u32(WORD)
    for word in STEPS[steps:]:
        m.do(m.a, word, r4=m.a.get("r4"))
    if steps < len(STEPS):
        assert m.memory.u32(WORD) == before + (m.a.get("r0") == 0)


@pytest.mark.parametrize("scheme", STRICT)
def test_signals_while_a_thread_is_held(scheme: str) -> None:
    """A thread that waits for the end of an exclusive section, and one that waits to begin its own, are woken by signals, and go on waiting."""
    m = Machine(scheme, "0")
    before = signal.signal(signal.SIGUSR1, lambda number, frame: None)
    m.a.pc = m.harness.load(SPIN)
    m.a.put("r2", WORD)
    exits: list[Exit] = []
    entered = threading.Event()

    def section() -> None:
        with m.engine.exclusive_section():
            entered.set()

    runner = threading.Thread(target=lambda: exits.append(m.engine.run(m.a)))
    asker = threading.Thread(target=section)
    try:
        runner.start()
        while not m.memory.u32(WORD):
            os.sched_yield()
        with m.engine.exclusive_section():
            asker.start()
            while m.engine.block.get("rendezvous") != 2:  # until it sleeps, or is about to
                os.sched_yield()
            count = m.memory.u32(WORD)
            for _ in range(SIGNALS):
                for thread in (runner, asker):
                    signal.pthread_kill(thread.ident or 0, signal.SIGUSR1)
                os.sched_yield()
                assert (m.a.get("state"), entered.is_set(), m.memory.u32(WORD)) == (State.WAITING, False, count)
        entered.wait()
        asker.join()
        while m.memory.u32(WORD) == count:
            os.sched_yield()
    finally:
        m.a.request(REQUEST_STOP)
        runner.join()
        signal.signal(signal.SIGUSR1, before)
        m.harness.close()
    assert exits == [Exit.REQUEST]


def test_without_interruption_the_steps_store(m: Machine) -> None:
    for steps in range(4):
        m.memory.put_u32(WORD, 5)
        begin(m, steps)
        m.do(m.b, NOP)
        finish(m, steps)
        assert m.memory.u32(WORD) == 6
