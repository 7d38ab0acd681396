"""Self-modifying code: by the guest's own stores, by system calls, by remapping; and how long code may be wrong (never)."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from dbt.abi.exits import REQUEST_STOP, Exit
from dbt.abi.memory import PAGE_CODE, PAGE_EXEC, PAGE_SIZE
from tests.engine.harness import CODE, DATA, Harness
from tests.engine.test_memory import arm

FUNCTION = 0x80000
BX_LR = 0xE12FFF1E
CALL_R6 = 0xE12FFF36  # blx r6
STR_R4_R6 = 0xE5864000  # str r4, [r6]
UDF = 0xE7F000F0
PASSES = 2


def mov_r0(value: int) -> int:
    return 0xE3A00000 | value


@pytest.fixture(params=["0", "quick", "1", "auto"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    made = Harness(tier=request.param)
    made.map(FUNCTION, 2 * PAGE_SIZE, CODE)
    yield made
    made.close()


def test_the_guest_overwrites_a_function_between_two_calls(harness: Harness) -> None:
    harness.memory.write(FUNCTION, arm(mov_r0(1), BX_LR))
    code = arm(CALL_R6, 0xE1A05000, STR_R4_R6, CALL_R6)  # mov r5, r0
    _, vcpu = harness.run(code, 0, {"r6": FUNCTION, "r4": mov_r0(2)})
    assert (vcpu.pc, vcpu.get("r5"), vcpu.get("r0")) == (harness.end, 1, 2)


def test_a_loop_that_patches_its_callee_each_time(harness: Harness) -> None:
    harness.memory.write(FUNCTION, arm(mov_r0(0), BX_LR))
    loop = arm(STR_R4_R6, CALL_R6, 0xE0855000, 0xE2844001, 0xE2577001, 0x1AFFFFF9)  # add r5, r5, r0; add r4, r4, #1; subs r7, r7, #1; bne loop
    _, vcpu = harness.run(loop, 0, {"r6": FUNCTION, "r4": mov_r0(0), "r5": 0, "r7": 200})
    assert (vcpu.pc, vcpu.get("r5")) == (harness.end, sum(range(200)))


@pytest.mark.parametrize("how", ["write", "wrote", "invalidate"])
def test_the_host_overwrites_code(harness: Harness, how: str) -> None:
    import ctypes

    harness.memory.write(FUNCTION, arm(mov_r0(1), BX_LR))
    _, vcpu = harness.run(arm(CALL_R6), 0, {"r6": FUNCTION})
    assert vcpu.get("r0") == 1
    changed = arm(mov_r0(3))
    if how == "write":
        harness.memory.write(FUNCTION, changed)
    else:
        ctypes.memmove(harness.memory.host(FUNCTION), changed, 4)
        (harness.memory.wrote if how == "wrote" else harness.engine.invalidate)(FUNCTION, 4)
    _, vcpu = harness.run(arm(CALL_R6), 0, {"r6": FUNCTION})
    assert vcpu.get("r0") == 3


def test_code_on_a_page_without_execute_permission_is_not_run(harness: Harness) -> None:
    harness.memory.write(FUNCTION, arm(mov_r0(1), BX_LR))
    harness.run(arm(CALL_R6), 0, {"r6": FUNCTION})
    harness.memory.set_flags(FUNCTION, PAGE_SIZE, DATA)
    exit, vcpu = harness.run(arm(CALL_R6), 0, {"r6": FUNCTION})
    assert (exit, vcpu.pc) == (Exit.FETCH_FAULT, FUNCTION)
    harness.memory.set_flags(FUNCTION, PAGE_SIZE, DATA | PAGE_EXEC)
    _, vcpu = harness.run(arm(CALL_R6), 0, {"r6": FUNCTION})
    assert vcpu.pc == harness.end


def test_data_beside_code_stays_writable_and_keeps_the_code(harness: Harness) -> None:
    harness.memory.write(FUNCTION, arm(mov_r0(1), BX_LR))
    harness.run(arm(CALL_R6), 0, {"r6": FUNCTION})
    before = harness.engine.block.get("invalidated")
    harness.run(arm(0xE5874000), 0, {"r7": FUNCTION + 0x800, "r4": 99})  # str r4, [r7]
    assert harness.memory.u32(FUNCTION + 0x800) == 99
    assert harness.memory.flags(FUNCTION) & PAGE_CODE
    blocks_of_the_harness = harness.engine.block.get("invalidated") - before
    _, vcpu = harness.run(arm(CALL_R6), 0, {"r6": FUNCTION})
    assert vcpu.get("r0") == 1
    assert blocks_of_the_harness <= 3, "only the harness's own code was replaced"


def test_a_store_that_overlaps_the_end_of_code_from_the_page_before(harness: Harness) -> None:
    start = FUNCTION + PAGE_SIZE
    harness.memory.write(start, arm(mov_r0(1), BX_LR))
    harness.run(arm(CALL_R6), 0, {"r6": start})
    value = 0x05000000 | 0xABCDEF  # its top byte lands on the first byte of the function: mov r0, #5
    harness.run(arm(0xE5874000), 0, {"r7": start - 3, "r4": value})  # str r4, [r7]
    _, vcpu = harness.run(arm(CALL_R6), 0, {"r6": start})
    assert vcpu.get("r0") == 5


def test_a_request_stops_an_endless_loop(harness: Harness) -> None:
    timer = threading.Timer(0.2, harness.vcpu.request, (REQUEST_STOP,))
    timer.start()
    exit, vcpu = harness.run(arm(0xE2800001, 0xEAFFFFFD), 0, {"r0": 0}, budget=1 << 62)  # loop: add r0, r0, #1; b loop
    assert exit == Exit.REQUEST
    assert vcpu.pc == harness.end - 8
    vcpu.clear_request(REQUEST_STOP)
    timer.join()


def test_a_full_arena_is_emptied(harness: Harness) -> None:
    from runtime.process_block import BLOCK_BYTES, BLOCKS, proc

    harness.memory.write(FUNCTION, arm(mov_r0(1), BX_LR))
    harness.run(arm(CALL_R6), 0, {"r6": FUNCTION})
    harness.engine.block.put("block_end", proc.offset("blocks") + BLOCKS * BLOCK_BYTES)
    harness.memory.write(FUNCTION, arm(mov_r0(2), BX_LR))
    _, vcpu = harness.run(arm(CALL_R6), 0, {"r6": FUNCTION})
    assert (vcpu.pc, vcpu.get("r0"), harness.engine.arena_resets) == (harness.end, 2, 1)


# again: str r4, [r6]; dmb; str r5, [r8]; wait: ldr r7, [r9]; cmp r7, r5; bne wait; add r4, r4, #1; add r5, r5, #1; cmp r5, #251; bne again; udf
WRITER = arm(STR_R4_R6, 0xF57FF05F, 0xE5885000, 0xE5997000, 0xE1570005, 0x1AFFFFFC, 0xE2844001, 0xE2855001, 0xE35500FB, 0x1AFFFFF5, UDF)
# again: ldr r5, [r8]; str r5, [r9]; blx r6; cmp r0, r5; movlt r10, #1; cmp r5, #250; bne again; udf
CALLER = arm(0xE5985000, 0xE5895000, CALL_R6, 0xE1500005, 0xB3A0A001, 0xE35500FA, 0x1AFFFFF8, UDF)


def test_a_function_is_new_once_its_writer_has_said_so(harness: Harness) -> None:
    """One vCPU overwrites the function that another calls all the time, and tells of it: a call after that finds the new code, without any cache flush."""
    said = FUNCTION + 0x10000
    harness.map(said, PAGE_SIZE)
    pc = harness.load(WRITER + CALLER)
    writer, caller = harness.vcpu, harness.engine.new_vcpu()
    for _ in range(PASSES):
        harness.memory.write(FUNCTION, arm(mov_r0(0), BX_LR))
        harness.memory.write(said, bytes(128))
        for vcpu, at in ((writer, pc), (caller, pc + len(WRITER))):
            vcpu.pc = at
            for slot, value in {"r4": mov_r0(1), "r5": 1, "r6": FUNCTION, "r8": said, "r9": said + 64, "r10": 0}.items():
                vcpu.put(slot, value)
        thread = threading.Thread(target=harness.engine.run, args=(writer,))
        thread.start()
        assert harness.engine.run(caller) == Exit.EXCEPTION
        thread.join()
        assert (caller.get("r5"), caller.get("r10")) == (250, 0)
