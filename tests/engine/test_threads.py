"""vCPUs on several host threads: shared blocks, code changed under the others' feet, requests, arena resets."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from dbt.abi.exits import REQUEST_STOP, Exit
from dbt.abi.memory import PAGE_SIZE
from runtime.vcpu import VCpu
from tests.engine.children import status_of_child
from tests.engine.harness import CODE, Harness
from tests.engine.test_code_changes import BX_LR, CALL_R6, mov_r0
from tests.engine.test_memory import arm
from tests.patience import SECONDS

THREADS = 4
SHARED = 0x90000
FUNCTIONS = 0xA0000


@pytest.fixture(params=["0", "auto"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    made = Harness(tier=request.param)
    made.map(SHARED, PAGE_SIZE)
    made.map(FUNCTIONS, PAGE_SIZE, CODE)
    yield made
    made.close()


def run_all(harness: Harness, vcpus: list[VCpu]) -> list[Exit]:
    exits: list[Exit] = [Exit.NONE] * len(vcpus)

    def work(i: int) -> None:
        exits[i] = harness.engine.run(vcpus[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(vcpus))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert not any(thread.is_alive() for thread in threads)
    return exits


def vcpus_at(harness: Harness, pc: int, **regs: int) -> list[VCpu]:
    made = [harness.engine.new_vcpu() for _ in range(THREADS)]
    for i, vcpu in enumerate(made):
        vcpu.pc, vcpu.mode = pc, 0
        vcpu.put("r8", i)
        for name, value in regs.items():
            vcpu.put(name, value)
    return made


def test_exclusive_counter(harness: Harness) -> None:
    # loop: ldrex r1, [r2]; add r1, r1, #1; strex r3, r1, [r2]; cmp r3, #0; bne loop; subs r7, r7, #1; bne loop
    loop = arm(0xE1921F9F, 0xE2811001, 0xE1823F91, 0xE3530000, 0x1AFFFFFA, 0xE2577001, 0x1AFFFFF8)
    vcpus = vcpus_at(harness, harness.load(loop), r2=SHARED, r7=20_000)
    assert run_all(harness, vcpus) == [Exit.FETCH_FAULT] * THREADS
    assert harness.memory.u32(SHARED) == THREADS * 20_000


def test_each_thread_patches_and_calls_a_function_of_its_own_on_one_page(harness: Harness) -> None:
    for i in range(THREADS):
        harness.memory.write(FUNCTIONS + 64 * i, arm(mov_r0(0), BX_LR))
    # loop: str r4, [r6]; blx r6; add r5, r5, r0; eor r4, r4, #3; subs r7, r7, #1; bne loop    (the functions give 1 and 2 in turn)
    loop = arm(0xE5864000, CALL_R6, 0xE0855000, 0xE2244003, 0xE2577001, 0x1AFFFFF9)
    vcpus = vcpus_at(harness, harness.load(loop), r4=mov_r0(1), r5=0, r7=2_000)
    for i, vcpu in enumerate(vcpus):
        vcpu.put("r6", FUNCTIONS + 64 * i)
    assert run_all(harness, vcpus) == [Exit.FETCH_FAULT] * THREADS
    assert [vcpu.get("r5") for vcpu in vcpus] == [3_000] * THREADS


def test_requests_reach_all(harness: Harness) -> None:
    vcpus = vcpus_at(harness, harness.load(arm(0xE2800001, 0xEAFFFFFD)))  # loop: add r0, r0, #1; b loop
    timer = threading.Timer(0.3, lambda: [vcpu.request(REQUEST_STOP) for vcpu in vcpus])
    timer.start()
    assert run_all(harness, vcpus) == [Exit.REQUEST] * THREADS


def test_the_arena_is_emptied_while_others_run(harness: Harness) -> None:
    from runtime.process_block import BLOCK_BYTES, BLOCKS, proc

    for i in range(64):
        harness.memory.write(FUNCTIONS + 64 * i, arm(mov_r0(i), BX_LR))
    # loop: blx r6; add r5, r5, r0; add r6, r6, #64; and r6, r6, r9; orr r6, r6, r10; subs r7, r7, #1; bne loop
    loop = arm(CALL_R6, 0xE0855000, 0xE2866040, 0xE0066009, 0xE186600A, 0xE2577001, 0x1AFFFFF8)
    vcpus = vcpus_at(harness, harness.load(loop), r5=0, r6=FUNCTIONS, r7=64 * 4_000, r9=0xFFF, r10=FUNCTIONS)
    full = proc.offset("blocks") + BLOCKS * BLOCK_BYTES

    def fill() -> None:
        harness.engine.block.put("block_end", full)
        harness.memory.invalidate(FUNCTIONS, PAGE_SIZE)

    fill()
    timers = [threading.Timer(0.01 * n, fill) for n in range(1, 6)]
    for timer in timers:
        timer.start()
    assert run_all(harness, vcpus) == [Exit.FETCH_FAULT] * THREADS
    assert harness.engine.arena_resets > 0
    assert [vcpu.get("r5") for vcpu in vcpus] == [4_000 * sum(range(64))] * THREADS
    for timer in timers:
        timer.join()


def test_a_forked_child_goes_on_while_threads_of_the_parent_change_code(harness: Harness) -> None:
    for i in range(THREADS):
        harness.memory.write(FUNCTIONS + 64 * i, arm(mov_r0(0), BX_LR))
    loop = arm(0xE5864000, CALL_R6, 0xE0855000, 0xE2244003, 0xE2577001, 0x1AFFFFF9)
    vcpus = vcpus_at(harness, harness.load(loop), r4=mov_r0(1), r5=0, r7=4_000)
    for i, vcpu in enumerate(vcpus):
        vcpu.put("r6", FUNCTIONS + 64 * i)
    own = vcpus.pop()
    statuses = []

    def child() -> bool:
        own.put("r7", 100)
        return (harness.engine.run(own), own.get("r5")) == (Exit.FETCH_FAULT, 150)

    def fork_often() -> None:
        for _ in range(5):
            statuses.append(status_of_child(harness.engine, child))

    forker = threading.Thread(target=fork_often)
    forker.start()
    assert run_all(harness, vcpus) == [Exit.FETCH_FAULT] * (THREADS - 1)
    forker.join(SECONDS)
    assert statuses == [0] * 5
