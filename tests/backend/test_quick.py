"""Quick code: what it can't do is known, better code takes over inside of loops, and requests are heard."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Iterator

import pytest

from dbt.abi.exits import REQUEST_SIGNAL, Exit
from dbt.abi.records import NAMES
from dbt.backend.quick import region
from dbt.backend.quick.assembler import Assembler, Place
from runtime.quick import QuickOnly, supported
from tests.backend.test_tier1 import expected, run_loop
from tests.engine.harness import Harness

pytestmark = pytest.mark.skipif(not supported(), reason="quick code is x86-64 code")
SECONDS = 30
# Left to tier 0: too rare to be worth it. (What templates alone have is in no block.)
LEFT = {"sdiv.i64", "srem.i64", "popcnt.i32", "popcnt.i64", "bitrev.i32", "bitrev.i64", "clrex", "cas.i128", "cycles"}
IN_NO_BLOCK = ("const.", "pcadd.", "get.", "put.", "mark", "relax", "vhalf", "prefetch", "select.i128", "select.v128", "bitcast.i128", "bitcast.v128")


@pytest.fixture
def harness() -> Iterator[Harness]:
    made = Harness("arm", "quick")
    yield made
    made.close()


def quick(harness: Harness) -> QuickOnly:
    assert isinstance(harness.engine.tier1, QuickOnly)
    return harness.engine.tier1


def test_every_record_is_served_or_known_to_be_left() -> None:
    left = {name for code, name in NAMES.items() if not region.supported(code) and not name.startswith(IN_NO_BLOCK)}
    assert left == LEFT


def test_loops_run_and_are_counted(harness: Harness) -> None:
    assert run_loop(harness, 300) == expected(300)
    assert quick(harness).stats()["quick_blocks"] == 1
    block = harness.engine.find_block(harness.end - 16, 0)
    assert harness.engine.block.block_field(block, "count") == 301  # the first one ended when it was counted, and began again


def test_an_instruction_that_is_left_to_tier_0(harness: Harness) -> None:
    code = struct.pack("<4I", 0xE2800001, 0xE2800002, 0xE6FF1F30, 0xE2811001)  # add r0, r0, #1; add r0, r0, #2; rbit r1, r0; add r1, r1, #1
    for _ in range(3):
        reason, vcpu = harness.run(code, regs={"r0": 1})
        assert (reason, vcpu.get("r0"), vcpu.get("r1")) == (Exit.FETCH_FAULT, 4, 0x20000001)


def test_where_to_jump_is_read_once(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread may write 0 to a gate, a chain slot or an entry at any moment: what was looked at is what is jumped to."""
    jumps = []
    jump_to = Assembler.jump_to

    def seen(self: Assembler, place: Place) -> None:
        jumps.append(place)
        jump_to(self, place)

    monkeypatch.setattr(Assembler, "jump_to", seen)
    assert run_loop(harness, 300) == expected(300)
    assert jumps and all(isinstance(place, int) for place in jumps)  # registers


def test_better_code_takes_over_at_the_gate(harness: Harness) -> None:
    """While the vCPU is inside of a loop that nothing else ends."""
    forever = struct.pack("<I", 0xEAFFFFFE)  # b .
    other = struct.pack("<I", 0xE3A00007)  # mov r0, #7
    harness.end += 0x1000
    reason, vcpu = harness.run(other)
    assert (reason, vcpu.get("r0")) == (Exit.FETCH_FAULT, 7)
    entry = harness.engine.block.block_field(harness.engine.find_block(harness.end - 4, 0), "native")
    start, end = harness.load(other), harness.end
    harness.end -= 0x1000
    at = harness.load(forever)
    vcpu.put("r0", 0)

    def replace() -> None:
        until = time.monotonic() + SECONDS
        while not quick(harness).quick.has(at, 0) and time.monotonic() < until:
            time.sleep(0.001)
        quick(harness).quick.replace((at, 0), entry)

    thread = threading.Thread(target=replace)
    thread.start()
    vcpu.pc, vcpu.mode = at, 0
    assert harness.engine.run(vcpu) == Exit.FETCH_FAULT
    thread.join()
    assert (vcpu.pc, vcpu.get("r0"), start) == (end, 7, end - 4)


def test_a_request_ends_a_loop(harness: Harness) -> None:
    at = harness.load(struct.pack("<I", 0xEAFFFFFE))  # b .
    vcpu = harness.vcpu

    def ask() -> None:
        until = time.monotonic() + SECONDS
        while not quick(harness).quick.has(at, 0) and time.monotonic() < until:
            time.sleep(0.001)
        vcpu.request(REQUEST_SIGNAL)

    thread = threading.Thread(target=ask)
    thread.start()
    vcpu.pc, vcpu.mode = at, 0
    assert harness.engine.run(vcpu) == Exit.REQUEST
    thread.join()
    assert vcpu.pc == at
