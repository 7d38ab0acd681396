"""Hot code whose profile changes is made again, and only then. The thread is not started: its steps are called one by one."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from dbt.abi.exits import Exit
from dbt.backend.llvm.convention import DROPPED, PAUSED, VALID
from runtime import reprofile
from runtime.arena import Arena, read_word, write_word
from runtime.background import Background
from runtime.compileserver.maker import make
from runtime.compileserver.requests import Request, unpack_request
from runtime.objects import LinkedObject
from runtime.reprofile import MOST_REVISIONS
from runtime.vcpu import VCpu
from tests.engine.harness import Harness
from tests.engine.test_memory import arm

PATHS = 8
ROUNDS = 5000
ENOUGH = 40  # runs of ROUNDS until all has been made that will be


def program(step: int = 1) -> bytes:
    """r1 += step * (k + 1) for each bit k of r2; r0 times."""
    words = []
    for bit in range(PATHS):
        words += [0xE3120000 | 1 << bit, 0x0A000000, 0xE2811000 | step * (bit + 1)]  # tst r2, #1 << bit; beq over the next; add r1, r1, #
    return arm(*words, 0xE2500001, 0x1A000000 | -(len(words) + 3) & 0xFFFFFF)  # subs r0, r0, #1; bne


def expected(mask: int, rounds: int = ROUNDS, step: int = 1) -> int:
    return rounds * step * sum(bit + 1 for bit in range(PATHS) if mask >> bit & 1) & 0xFFFFFFFF


def made(body: bytes) -> bytes:
    """The compile server's answer."""
    request = unpack_request(body)
    assert isinstance(request, Request)
    return make(request).pack()


class Guest:
    """A program on an engine whose compile thread does nothing by itself."""

    def __init__(self) -> None:
        self.harness = Harness("arm", "auto")
        self.engine = self.harness.engine
        assert isinstance(self.engine.tier1, Background)
        self.tier1 = self.engine.tier1
        self.start = self.harness.load(program())

    def block(self, bit: int) -> tuple[int, int]:
        """The block that is executed if *bit* is set."""
        return self.start + 12 * bit + 8, 0

    def run(self, mask: int, vcpu: VCpu | None = None, rounds: int = ROUNDS) -> int:
        vcpu = vcpu or self.harness.vcpu
        vcpu.pc, vcpu.mode = self.start, 0
        for slot, value in (("r0", rounds), ("r1", 0), ("r2", mask)):
            vcpu.put(slot, value)
        assert self.engine.run(vcpu) == Exit.FETCH_FAULT
        return vcpu.get("r1")

    def step(self) -> None:
        """What the thread and the compile server do."""
        tier1 = self.tier1
        tier1._deal_with_blocks()
        while tier1._slow:
            tier1._make_quick()
        while tier1._ready or tier1._revisions:
            with tier1.lock:
                message = tier1._next_request()
                if message is not None:
                    asked = tier1._asked.pop(message.number)
                    tier1._settle(asked, made(message.body))

    def settle(self, mask: int) -> None:
        """Run until all has been made that will be."""
        for _ in range(ENOUGH):
            assert self.run(mask) == expected(mask)
            self.step()

    def outside(self, mask: int) -> int:
        """How often blocks are executed outside of regions in one run."""
        starts = [(self.start + at, 0) for at in range(0, 12 * PATHS + 8, 4)]
        before = sum(self.tier1.executed(start) for start in starts)
        assert self.run(mask) == expected(mask)
        return sum(self.tier1.executed(start) for start in starts) - before

    @property
    def counts(self) -> dict[str, int]:
        return self.tier1.reprofile.counts


@pytest.fixture
def guest(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guest]:
    monkeypatch.setattr(reprofile, "LONGEST", 3600.0)
    monkeypatch.setattr(Background, "notice", lambda self: self.engine.block.put("hot_stop", 0))
    made = Guest()
    yield made
    made.harness.close()


def test_code_that_goes_on_as_before_is_not_made_again(guest: Guest) -> None:
    guest.settle(0)
    assert guest.tier1.counts["regions_compiled"] == 1
    guest.settle(0)
    assert set(guest.counts.values()) == {0} and guest.tier1.counts["regions_compiled"] == 1
    assert guest.outside(0) < ROUNDS // 100


def test_code_that_takes_another_way_is_made_again(guest: Guest) -> None:
    guest.settle(0)
    (old,) = guest.tier1.covered.at(guest.start)
    told: list[str] = []
    guest.tier1.on_region = lambda pc, size, source: told.append(source)
    guest.settle(4)
    assert guest.counts == {"profile_samples": 1, "regions_recompiled": 1, "regions_replaced": 1}
    assert told[0].startswith(f"made again (1 of {MOST_REVISIONS}) as 0x") and " is executed outside of it; compiled: " in told[0]
    assert read_word(old.valid) == DROPPED
    (new,) = guest.tier1.covered.at(guest.start)
    assert new.has(guest.block(2)[0]) and new.revision == 1
    assert guest.outside(4) < ROUNDS // 100
    guest.settle(0)
    assert guest.counts["regions_recompiled"] == 1, "it has both ways"


def test_it_is_bounded(guest: Guest) -> None:
    guest.settle(0)
    for _ in range(2):
        for bit in range(PATHS):
            guest.settle(1 << bit)
    assert 1 <= guest.counts["regions_recompiled"] <= MOST_REVISIONS
    assert guest.tier1.counts["regions_compiled"] <= 1 + 2 * PATHS
    guest.settle((1 << PATHS) - 1)
    assert guest.outside((1 << PATHS) - 1) < ROUNDS


def test_a_thread_goes_on_in_the_old_region(guest: Guest) -> None:
    other = guest.engine.new_vcpu()
    guest.settle(0)
    stop, found = threading.Event(), []

    def work() -> None:
        mask = 1
        while not stop.is_set() or len(found) < 2:
            found.append(guest.run(mask, other, 100 * ROUNDS) == expected(mask, 100 * ROUNDS))
            mask ^= 1

    thread = threading.Thread(target=work)
    thread.start()
    for bit in range(PATHS):
        guest.settle(1 << bit)
    stop.set()
    thread.join()
    assert all(found)
    assert guest.counts["regions_recompiled"]


def test_code_that_changes_in_a_sample_is_not_entered_again(guest: Guest) -> None:
    guest.settle(0)
    (old,) = guest.tier1.covered.at(guest.start)
    for _ in range(ENOUGH):
        guest.run(1)
        guest.step()
        if read_word(old.valid) == PAUSED:
            break
    assert read_word(old.valid) == PAUSED
    guest.harness.load(program(3))
    assert read_word(old.valid) == DROPPED
    assert guest.tier1.reprofile.finish() is None
    assert read_word(old.valid) == DROPPED
    assert guest.run(5) == expected(5, step=3)


def test_a_child_of_a_fork_has_its_regions_back(guest: Guest) -> None:
    """The parent's thread had them paused."""
    guest.settle(0)
    (old,) = guest.tier1.covered.at(guest.start)
    with guest.tier1.lock:
        guest.tier1.reprofile._begin(guest.block(0), [old], [(guest.start, 0)])
    assert read_word(old.valid) == PAUSED
    guest.tier1.before_fork()
    guest.tier1.after_fork(child=True)
    assert read_word(old.valid) == VALID
    assert guest.run(3) == expected(3)


def test_what_was_asked_for_before_the_arena_was_emptied_replaces_nothing(guest: Guest) -> None:
    guest.settle(0)
    tier1 = guest.tier1
    for _ in range(ENOUGH):
        guest.run(1)
        tier1._deal_with_blocks()
        if tier1._revisions:
            break
        guest.step()
    message = tier1._next_request()
    assert message is not None and tier1._asked[message.number].revision is not None
    guest.engine._reset_arena()
    tier1._settle(tier1._asked.pop(message.number), made(message.body))
    assert guest.counts["regions_replaced"] == 0
    assert guest.run(1) == expected(1)


def test_slots_are_redirected_and_nothing_else() -> None:
    arena = Arena(1 << 20)
    old, new, data = 0x7F00_1234_5678, 0x7F00_8765_4321, 0x7F00_1234_5678.to_bytes(8, "little")
    placed = arena.place(LinkedObject(b"\xc3", data * 2, 16, 16, {"data": (1, 0)}, [], []), (16, 32))
    at = placed.address("data")
    write_word(at + 16, old)
    arena.redirect({old: new, 0x1000: 0})
    assert [read_word(at + offset) for offset in (0, 8, 16, 24)] == [old, old, new, 0]
    arena.redirect({new: 0})
    assert read_word(at + 16) == 0
