"""Mistakes of docs/exclusives.md that show outside of the kernels: each test has a check, and runs it once with the guard and once without."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest

from dbt.abi.exclusive import State
from dbt.abi.exits import REQUEST_STOP, Exit
from dbt.abi.memory import PAGE_SIZE
from dbt.frontend.arm import context, synchronization
from dbt.frontend.base import frontend_for, lift_insn
from dbt.ir.builder import Builder
from dbt.ir.types import I64
from runtime.process_block import ProcessBlock
from runtime.vcpu import VCpu
from tests.engine.harness import CODE, Harness
from tests.engine.test_exclusive import BIG_ENDIAN, LDREXD, STREXD, Machine
from tests.engine.test_exclusive import WORD as WORD_OF_MACHINE
from tests.engine.test_memory import arm
from tests.patience import SECONDS

STL, LDA, LDREX, STREX, STR, YIELD = 0xE182FC91, 0xE1921C9F, 0xE1921F9F, 0xE1820F91, 0xE5821000, 0xE320F001
WORD, PIECES = 0x90000, 0xA0000
MANY = 70  # more than the bits of a word


def lifted(word: int) -> list[str]:
    """Names of the IR operations of an instruction, fences with their order."""
    unit, _ = lift_insn(frontend_for("arm"), 0, arm(word))
    return [f"fence {inst.attr('order')}" if inst.op.name == "fence" else inst.op.name for inst in unit.insts()]


def holds(check: Callable[[], None]) -> bool:
    try:
        check()
    except AssertionError:
        return False
    return True


# 4: endianness ----------------------------------------------------------------------------------------------------------
def doublewords() -> None:
    """LDREXD and STREXD in big-endian order, as two words at ascending addresses."""
    m = Machine("excl", "0")
    try:
        m.memory.write(WORD_OF_MACHINE, bytes(range(1, 9)))
        vcpu = m.do(m.a, LDREXD, mode=BIG_ENDIAN)
        assert (vcpu.get("r4"), vcpu.get("r5")) == (0x01020304, 0x05060708)
        m.do(m.a, STREXD, mode=BIG_ENDIAN, r4=0x11223344, r5=0x55667788)
        assert m.memory.read(WORD_OF_MACHINE, 8).hex() == "1122334455667788"
    finally:
        m.harness.close()


@pytest.mark.parametrize("guard", ["swap", "split_words", "join_words"])
def test_endianness(guard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert holds(doublewords)
    if guard == "swap":
        monkeypatch.setattr(context.Context, "swap", lambda self, value: value)
    elif guard == "split_words":
        split = synchronization.split_words
        monkeypatch.setattr(synchronization, guard, lambda c, raw: split(c, raw)[::-1])
    else:
        join = synchronization.join_words
        monkeypatch.setattr(synchronization, guard, lambda c, low, high: join(c, high, low))
    assert not holds(doublewords)


# 8: one access -----------------------------------------------------------------------------------------------------------
def test_a_doubleword_is_one_access() -> None:
    unit, _ = lift_insn(frontend_for("arm"), 0, arm(LDREXD))
    assert [inst.type for inst in unit.insts() if inst.op.name in ("ldlink", "ld")] == [I64]


# 10: many vCPUs ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("scheme", ["excl", "flush", "hst"])
def test_more_vcpus_than_bits(scheme: str) -> None:
    harness = Harness(tier="0", atomics=scheme)
    harness.map(WORD, PAGE_SIZE)
    harness.map(PIECES, PAGE_SIZE, CODE)
    pieces = {word: PIECES + 8 * i for i, word in enumerate((LDREX, STREX, STR))}
    for word, at in pieces.items():
        harness.memory.poke(at, arm(word, YIELD))
    vcpus = [harness.vcpu, *(harness.engine.new_vcpu() for _ in range(MANY - 1))]

    def do(i: int, word: int) -> int:
        vcpu = vcpus[i]
        vcpu.pc = pieces[word]
        vcpu.put("r2", WORD)
        assert harness.engine.run(vcpu) == Exit.YIELD
        return vcpu.get("r0")

    for i in range(MANY):
        do(i, STR)  # so that every TLB has the page
    for linker, writer in ((0, MANY - 1), (MANY - 1, 0), (64, 65), (1, 65)):
        do(linker, LDREX)
        do(writer, STR)
        assert do(linker, STREX) == 1, f"vCPU {linker} has not seen the store of vCPU {writer}"
        do(linker, LDREX)
        assert do(linker, STREX) == 0
    harness.close()


# 12: blocks freed under running vCPUs --------------------------------------------------------------------------------------
@pytest.fixture
def looping() -> Iterator[Harness]:
    """An engine whose second vCPU runs for ever."""
    harness = Harness(tier="0")
    vcpu = harness.engine.new_vcpu()
    vcpu.pc = harness.load(arm(0xE2800001, 0xEAFFFFFD))  # loop: add r0, r0, #1; b loop
    thread = threading.Thread(target=harness.engine.run, args=(vcpu,))
    thread.start()
    while vcpu.get("state") != State.RUNNING or vcpu.get("r0") == 0:
        pass
    yield harness
    vcpu.request(REQUEST_STOP)
    thread.join(SECONDS)
    harness.close()


def test_blocks_are_forgotten_while_nobody_runs(looping: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The requests that call the vCPUs out before are left out: the section alone must hold a vCPU that is in native code."""
    engine = looping.engine
    states: list[list[int]] = []
    monkeypatch.setattr(ProcessBlock, "reset_code", lambda block: states.append([vcpu.get("state") for vcpu in engine.vcpus]))
    monkeypatch.setattr(VCpu, "request", lambda vcpu, bits: None)

    def check() -> None:
        engine._reset_arena()
        assert State.RUNNING not in states.pop()

    assert holds(check)
    while engine.vcpus[-1].get("state") != State.RUNNING:  # held by the section of the first check, until its thread is given a processor
        time.sleep(1e-4)
    monkeypatch.setattr(engine, "exclusive_section", nullcontext)
    assert not holds(check)
    monkeypatch.undo()  # the fixture asks the vCPU to stop


# 13: ping-pong --------------------------------------------------------------------------------------------------------------
def test_a_store_conditional_costs_the_others_nothing() -> None:
    """One page settled and at most one rendezvous in a hundred turns; the baseline ``flush`` flushes each time, so the counters count."""
    for scheme, turns in (("excl", 100), ("flush", 100)):
        m = Machine(scheme, "0")
        before = {name: m.engine.block.get(name) for name in ("settled", "flushes")}
        for _ in range(turns // 2):
            for vcpu in (m.a, m.b):
                m.link(vcpu)
                assert m.failed(vcpu) == 0
        settled, flushes = (m.engine.block.get(name) - before[name] for name in ("settled", "flushes"))
        assert (settled, flushes) == ((1, 0) if scheme == "excl" else (0, turns))
        m.harness.close()


# 14: store-release, then load-acquire -----------------------------------------------------------------------------------------
def test_a_store_release_is_not_passed_by_a_load_acquire(monkeypatch: pytest.MonkeyPatch) -> None:
    """The full fence between them; that it is needed and enough is what ``tests/model`` shows (store buffering)."""

    def check() -> None:
        sequence = [name for word in (STL, LDA) for name in lifted(word)]
        assert "fence seq_cst" in sequence[sequence.index("st") : sequence.index("ld")]

    assert holds(check)
    fence = Builder.fence
    monkeypatch.setattr(Builder, "fence", lambda b, order: None if order == "seq_cst" else fence(b, order=order))
    assert not holds(check)

