"""Chain slots: the way from native code straight to the next one."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import pytest

from dbt.abi.exits import REQUEST_STOP, Exit
from tests.engine.harness import Harness
from tests.engine.test_memory import arm

MOV, YIELD = 0xE3A00001, 0xE320F001  # mov r0, #1
PASSES = 3  # of a block until it has native code


@pytest.fixture(params=["quick", "1"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    made = Harness(tier=request.param)
    yield made
    made.close()


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_slot_is_patched_for_the_next_block_or_not_at_all(harness: Harness, interrupted: bool) -> None:
    """Native code has left with a slot to patch, and a request calls the vCPU out before: what runs then is a signal's handler, not the slot's target."""
    vcpu, slot = harness.vcpu, ctypes.c_uint64(0)
    start = harness.load(arm(MOV, YIELD))

    def run() -> Exit:
        vcpu.pc = start
        return harness.engine.run(vcpu)

    for _ in range(PASSES):
        assert run() == Exit.YIELD
    vcpu.put("chain_from", ctypes.addressof(slot))
    if interrupted:
        vcpu.request(REQUEST_STOP)
        assert run() == Exit.REQUEST
        vcpu.clear_request(REQUEST_STOP)
    assert run() == Exit.YIELD
    assert bool(slot.value) == (not interrupted)
