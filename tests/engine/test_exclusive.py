"""The contract of exclusive accesses (docs/exclusives.md), one interleaving at a time.

Two vCPUs take turns on one host thread: each piece of code ends with YIELD, which leaves native code and touches no reservation. So every interleaving here
is exact, and the same on every scheme and engine. What only happens at full speed is in test_exclusive_threads.py.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterator

import pytest

from dbt.abi.exclusive import AGE_LIMIT, AGE_SAMPLE, SHARED_FRAMES, Failure
from dbt.abi.exits import FAULT_ALIGN, FAULT_EXCLUSIVE, FAULT_UNMAPPED, FAULT_WRITE, Exit
from dbt.abi.memory import PAGE_READ, PAGE_SIZE, PAGE_VALID
from runtime.vcpu import VCpu
from tests.engine.harness import CODE, Harness
from tests.engine.test_memory import arm

DATA = 0x40000  # two pages, and a hole behind them
WORD = DATA + 0x100
READ_ONLY = 0x50000
FUNCTION = 0x60000
PIECES = 0x70000
BIG_ENDIAN = 2  # guest mode bit

YIELD = 0xE320F001
LDREX, LDREXB, LDREXH, LDREXD = 0xE1921F9F, 0xE1D21F9F, 0xE1F21F9F, 0xE1B24F9F  # r1 (r4, r5) from [r2]
STREX, STREXB, STREXH, STREXD = 0xE1820F94, 0xE1C20F94, 0xE1E20F94, 0xE1A20F94  # r0 = failed: r4 (r4, r5) to [r2]
CLREX, SVC, UDF, NOP = 0xF57FF01F, 0xEF000000, 0xE7F000F0, 0xE1A00000
STR, STRH, STRB, STRD, STM = 0xE5824000, 0xE1C240B0, 0xE5C24000, 0xE1C240F0, 0xE8820030  # r4 (r4, r5) to [r2]
SWP, VST1, VSTR, VSTM = 0xE1021094, 0xF4020A8F, 0xED820B00, 0xEC820B04  # r1, r4; d0-d1; d0; d0-d1 at [r2]
CALL_R6, BX_LR = 0xE12FFF36, 0xE12FFF1E  # BLX r6

STRICT = ("excl", "flush", "hst")
SCHEMES = (*STRICT, "cas")


class Machine:
    """Two vCPUs, ``a`` and ``b``, on one engine."""

    def __init__(self, scheme: str, tier: str) -> None:
        self.harness = Harness(tier=tier, atomics=scheme)
        self.engine, self.memory = self.harness.engine, self.harness.memory
        self.a, self.b = self.harness.vcpu, self.engine.new_vcpu()
        self.harness.map(DATA, 2 * PAGE_SIZE)
        self.harness.map(READ_ONLY, PAGE_SIZE, PAGE_VALID | PAGE_READ)
        self.harness.map(FUNCTION, PAGE_SIZE, CODE)
        self.harness.map(PIECES, PAGE_SIZE, CODE)
        self._pieces: dict[bytes, int] = {}
        self._next = PIECES

    def piece(self, *words: int) -> int:
        """Address of these instructions with YIELD behind them."""
        code = arm(*words, YIELD)
        if code not in self._pieces:
            self._pieces[code] = self._next
            self.memory.poke(self._next, code)
            self._next += len(code)
        return self._pieces[code]

    def do(self, vcpu: VCpu, *words: int, at: int = WORD, mode: int = 0, exit: Exit = Exit.YIELD, **regs: int) -> VCpu:
        """Run instructions with r2 = *at* and the slots *regs*, and expect to leave by *exit*."""
        vcpu.pc, vcpu.mode = self.piece(*words), mode
        for name, value in {"r2": at, "r0": 9, **regs}.items():
            vcpu.put(name, value)
        assert self.engine.run(vcpu) == exit
        return vcpu

    def link(self, vcpu: VCpu, at: int = WORD, word: int = LDREX) -> int:
        return self.do(vcpu, word, at=at).get("r1")

    def failed(self, vcpu: VCpu, at: int = WORD, value: int = 7, word: int = STREX, **regs: int) -> int:
        """Store conditionally; 0 stored, 1 failed."""
        return self.do(vcpu, word, at=at, r4=value, **regs).get("r0")


@pytest.fixture(scope="module", params=["0", "1"])
def tier(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=SCHEMES)
def any_scheme(request: pytest.FixtureRequest, tier: str) -> Iterator[Machine]:
    made = Machine(request.param, tier)
    yield made
    made.harness.close()


@pytest.fixture
def m(any_scheme: Machine) -> Machine:
    any_scheme.memory.write(DATA, bytes(2 * PAGE_SIZE))
    for vcpu in (any_scheme.a, any_scheme.b):
        vcpu.clear_reservation()
    return any_scheme


@pytest.fixture
def strict(m: Machine) -> Machine:
    if m.engine.scheme.name == "CAS":
        pytest.skip("compare-and-swap does not promise this")
    return m


# What a vCPU does by itself ---------------------------------------------------------------------------------------------
def test_link_and_store(m: Machine) -> None:
    m.memory.put_u32(WORD, 41)
    assert m.link(m.a) == 41
    assert m.failed(m.a, value=42) == 0
    assert m.memory.u32(WORD) == 42


def test_a_reservation_serves_once(m: Machine) -> None:
    assert m.failed(m.a) == 1
    m.link(m.a)
    assert m.failed(m.a, value=1) == 0
    assert m.failed(m.a, value=2) == 1
    assert m.memory.u32(WORD) == 1


def test_the_last_link_counts(m: Machine) -> None:
    m.link(m.a, WORD)
    m.link(m.a, WORD + 64)
    assert m.failed(m.a, WORD) == 1
    assert m.failed(m.a, WORD + 64) == 1, "the first try used it up"
    m.link(m.a, WORD)
    m.link(m.a, WORD + 64)
    assert m.failed(m.a, WORD + 64) == 0


@pytest.mark.parametrize(("link", "store", "at"), [
    (LDREXB, STREX, WORD), (LDREX, STREXB, WORD), (LDREX, STREXH, WORD), (LDREXD, STREX, WORD), (LDREX, STREXD, WORD),
    (LDREX, STREX, WORD + 4), (LDREXB, STREXB, WORD + 1), (LDREX, STREX, WORD + PAGE_SIZE),
])  # fmt: skip
def test_another_size_or_address(m: Machine, link: int, store: int, at: int) -> None:
    m.link(m.a, word=link)
    assert m.failed(m.a, at, word=store) == 1
    assert m.memory.read(WORD, 8) == bytes(8)


@pytest.mark.parametrize(("link", "store", "value"), [(LDREXB, STREXB, 0x12), (LDREXH, STREXH, 0x3412), (LDREX, STREX, 0x78563412)])
def test_sizes(m: Machine, link: int, store: int, value: int) -> None:
    m.link(m.a, word=link)
    assert m.failed(m.a, value=value, word=store) == 0
    assert m.memory.read(WORD, 5) == value.to_bytes(4, "little") + b"\0"


def test_doublewords_in_both_endiannesses(m: Machine) -> None:
    m.memory.write(WORD, bytes(range(1, 9)))
    vcpu = m.do(m.a, LDREXD)
    assert (vcpu.get("r4"), vcpu.get("r5")) == (0x04030201, 0x08070605)
    assert m.do(m.a, STREXD, r4=0x11223344, r5=0x55667788).get("r0") == 0
    assert m.memory.read(WORD, 8).hex() == "4433221188776655"
    vcpu = m.do(m.a, LDREXD, mode=BIG_ENDIAN)
    assert (vcpu.get("r4"), vcpu.get("r5")) == (0x44332211, 0x88776655)
    assert m.do(m.a, STREXD, mode=BIG_ENDIAN, r4=0x01020304, r5=0x05060708).get("r0") == 0
    assert m.memory.read(WORD, 8).hex() == "0102030405060708"


def test_a_word_in_big_endian(m: Machine) -> None:
    m.memory.write(WORD, bytes.fromhex("01020304"))
    assert m.do(m.a, LDREX, mode=BIG_ENDIAN).get("r1") == 0x01020304
    assert m.do(m.a, STREX, mode=BIG_ENDIAN, r4=0x11223344).get("r0") == 0
    assert m.memory.read(WORD, 4).hex() == "11223344"


def test_clrex(m: Machine) -> None:
    m.link(m.a)
    m.do(m.a, CLREX)
    assert m.failed(m.a) == 1


@pytest.mark.parametrize(("word", "exit"), [(SVC, Exit.SYSCALL), (UDF, Exit.EXCEPTION), (0xE5931000, Exit.MEMORY_FAULT)])
def test_exceptions_end_a_reservation(m: Machine, word: int, exit: Exit) -> None:
    m.link(m.a)
    m.do(m.a, word, exit=exit, r3=0)  # 0xE5931000: ldr r1, [r3]
    assert m.failed(m.a) == 1


def test_own_stores_leave_the_own_reservation_alone(strict: Machine) -> None:
    m = strict
    if m.engine.scheme.name == "HST":
        pytest.skip("an own store leaves another tag than a load-link, lest it covers another's")
    for store in (STR, STRB, STRH, STRD, STM, VST1, VSTR):
        m.link(m.a)
        m.do(m.a, store, r4=0x55, r5=0x66, d0=1, d1=2)
        assert m.failed(m.a, value=store) == 0
        assert m.memory.u32(WORD) == store


def test_an_own_store_is_no_excuse_for_another_s(strict: Machine) -> None:
    m = strict
    m.link(m.a)
    m.do(m.b, STR, r4=3)
    m.do(m.a, STR, r4=4)
    assert m.failed(m.a) == 1
    m.link(m.a)
    m.do(m.a, STR, r4=5)
    m.do(m.b, STR, r4=5)
    assert m.failed(m.a) == 1


# What others do ---------------------------------------------------------------------------------------------------------
BREAKING = [
    pytest.param(STR, WORD, id="str"),
    *[pytest.param(STRB, WORD + i, id=f"strb {i}") for i in range(8)],
    pytest.param(STRH, WORD + 2, id="strh"),
    pytest.param(STR, WORD - 1, id="unaligned str below"),
    pytest.param(STR, WORD + 5, id="unaligned str across"),
    pytest.param(STRH, WORD + 7, id="unaligned strh across"),
    pytest.param(STRD, WORD - 4, id="strd"),
    pytest.param(STM, WORD - 4, id="stm"),
    pytest.param(SWP, WORD, id="swp"),
    pytest.param(VST1, WORD - 8, id="vst1"),
    pytest.param(VST1, WORD - 12, id="vst1 at a word"),
    pytest.param(VSTR, WORD, id="vstr"),
    pytest.param(VSTM, WORD - 8, id="vstm"),
]


@pytest.mark.parametrize(("store", "at"), BREAKING)
def test_a_store_of_the_same_value_breaks_the_link(strict: Machine, store: int, at: int) -> None:
    m = strict
    m.link(m.a)
    m.do(m.b, store, at=at, r4=0, r5=0, d0=0, d1=0)
    assert m.failed(m.a) == 1
    assert m.memory.u32(WORD) == 0, "a store-conditional that fails stores nothing"


@pytest.mark.parametrize("back", [1, 2, 3])
def test_a_store_across_pages(strict: Machine, back: int) -> None:
    m = strict
    second = DATA + PAGE_SIZE
    for linked in (second, second - 4):
        m.link(m.a, linked)
        m.do(m.b, STR, at=second - back, r4=0)
        assert m.failed(m.a, linked) == 1
    m.do(m.b, STR, at=second - back, r4=0x44332211)
    assert m.memory.u32(second - back) == 0x44332211


@pytest.mark.parametrize("at", [WORD - 4, WORD + 8, WORD + 0x80, WORD + PAGE_SIZE])
def test_a_store_beside_the_granule_does_not(m: Machine, at: int) -> None:
    m.link(m.a)
    m.do(m.b, STR, at=at, r4=5)
    assert m.failed(m.a) == 0


def test_another_s_store_conditional_breaks_the_link(m: Machine) -> None:
    m.link(m.a)
    m.link(m.b)
    assert m.failed(m.b, value=1) == 0
    assert m.failed(m.a, value=2) == 1
    assert m.memory.u32(WORD) == 1


def test_another_s_failing_store_conditional_does_not(m: Machine) -> None:
    m.link(m.a)
    assert m.failed(m.b) == 1
    assert m.failed(m.a) == 0


def test_writes_by_the_host_break_the_link(strict: Machine) -> None:
    m = strict
    m.link(m.a)
    m.memory.write(WORD + 2, b"\0")
    assert m.failed(m.a) == 1
    m.link(m.a)
    ctypes.memmove(m.memory.host(WORD), bytes(4), 4)
    m.memory.wrote(DATA, 2 * PAGE_SIZE)
    assert m.failed(m.a) == 1
    m.link(m.a)
    m.memory.write(WORD + 8, b"\0")
    assert m.failed(m.a) == 0


def test_aba_is_what_compare_and_swap_does_not_see(m: Machine) -> None:
    m.link(m.a)
    m.do(m.b, STR, r4=1)
    m.do(m.b, STR, r4=0)
    assert m.failed(m.a) == (0 if m.engine.scheme.name == "CAS" else 1)


# Faults -----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("link", "at", "info"), [
    (LDREX, DATA + 2 * PAGE_SIZE, FAULT_UNMAPPED), (LDREX, WORD + 2, FAULT_ALIGN), (LDREXD, WORD + 4, FAULT_ALIGN), (LDREXH, WORD + 1, FAULT_ALIGN),
])  # fmt: skip
def test_a_link_that_faults(m: Machine, link: int, at: int, info: int) -> None:
    m.link(m.a)
    vcpu = m.do(m.a, link, at=at, exit=Exit.MEMORY_FAULT)
    assert (vcpu.get("fault_addr"), vcpu.get("fault_info")) == (at, info | FAULT_EXCLUSIVE)
    assert m.failed(m.a) == 1
    m.do(m.b, STR, r4=1)
    assert m.link(m.b) == 1


@pytest.mark.parametrize(("store", "at", "info"), [
    (STREX, READ_ONLY, 0), (STREX, DATA + 2 * PAGE_SIZE, FAULT_UNMAPPED), (STREX, WORD + 1, FAULT_ALIGN), (STREXD, WORD + 4, FAULT_ALIGN),
])  # fmt: skip
def test_a_store_conditional_that_faults(m: Machine, store: int, at: int, info: int) -> None:
    m.link(m.a, READ_ONLY if at == READ_ONLY else WORD)
    vcpu = m.do(m.a, store, at=at, exit=Exit.MEMORY_FAULT)
    assert (vcpu.get("fault_addr"), vcpu.get("fault_info")) == (at, info | FAULT_WRITE | FAULT_EXCLUSIVE)
    assert m.failed(m.a) == 1, "the reservation is gone"
    m.do(m.b, STR, r4=1)  # would hang if a lock were held
    m.link(m.b)
    assert m.failed(m.b, value=2) == 0
    with m.engine.exclusive_section():
        assert m.memory.u32(WORD) == 2


def test_a_store_that_faults_on_an_exclusive_page(m: Machine) -> None:
    last = DATA + 2 * PAGE_SIZE - 4
    m.link(m.a, last)
    m.do(m.b, STR, at=last + 2, exit=Exit.MEMORY_FAULT, r4=-1)
    assert m.memory.u32(last) == 0
    assert m.failed(m.a, last) == 0


# Pages ------------------------------------------------------------------------------------------------------------------
def function(value: int) -> bytes:
    return arm(0xE3A00000 | value, BX_LR)  # mov r0, #value


def test_a_page_with_code_and_a_link(strict: Machine) -> None:
    """TLB_NOTDIRTY and TLB_EXCL in one entry: both hold."""
    m = strict
    word = FUNCTION + 0x80
    m.memory.write(FUNCTION, function(1))
    for value in (2, 3):
        m.do(m.b, CALL_R6, r6=FUNCTION)
        assert m.b.get("r0") == value - 1
        m.link(m.a, word)
        m.do(m.b, STR, at=word, r4=0)
        assert m.failed(m.a, word) == 1
        m.link(m.a, word)
        m.do(m.b, STR, at=FUNCTION, r4=0xE3A00000 | value)
        m.do(m.b, CALL_R6, r6=FUNCTION)
        assert m.b.get("r0") == value
        assert m.failed(m.a, word) == 0, "the store was into another granule"


def test_a_store_conditional_into_code(m: Machine) -> None:
    m.memory.write(FUNCTION, function(1))
    m.do(m.b, CALL_R6, r6=FUNCTION)
    m.link(m.a, FUNCTION)
    assert m.failed(m.a, FUNCTION, value=0xE3A00005) == 0
    m.do(m.b, CALL_R6, r6=FUNCTION)
    assert m.b.get("r0") == 5


def test_a_store_conditional_that_fails_invalidates_nothing(m: Machine) -> None:
    m.memory.write(FUNCTION, function(1))
    m.do(m.b, CALL_R6, r6=FUNCTION)
    block = m.engine.find_block(FUNCTION, 0)
    m.failed(m.a, FUNCTION)
    assert block and m.engine.find_block(FUNCTION, 0) == block


def test_an_alias_is_the_same_memory(strict: Machine) -> None:
    m = strict
    first, second = 0x80000, 0x90000
    file = os.memfd_create("alias")
    os.ftruncate(file, PAGE_SIZE)
    libc = ctypes.CDLL(None)
    libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
    libc.mmap.restype = ctypes.c_void_p
    for page in (first, second):
        assert libc.mmap(m.memory.host(page), PAGE_SIZE, 3, mmap.MAP_SHARED | 0x10, file, 0) == m.memory.host(page)
        m.memory.set_flags(page, PAGE_SIZE, PAGE_VALID | PAGE_READ | 2, frame=SHARED_FRAMES + 5)
    os.close(file)
    m.do(m.b, STR, at=second, r4=1)
    assert m.link(m.a, first) == 1
    m.do(m.b, STR, at=second, r4=1)
    assert m.failed(m.a, first) == 1
    m.link(m.a, first)
    assert m.failed(m.a, second, value=3) == 0, "the same physical address"
    m.link(m.a, second)
    m.do(m.a, STR, at=first, r4=6)
    assert m.engine.scheme.name == "HST" or m.failed(m.a, second, value=4) == 0, "an own store by another name"
    m.link(m.a, first)
    m.memory.write(second, bytes(4))
    assert m.failed(m.a, first) == 1
    for page in (first, second):
        m.memory.set_flags(page, PAGE_SIZE, 0, frame=0)


def test_a_page_that_is_mapped_anew(m: Machine) -> None:
    if m.engine.scheme.name in ("HST", "CAS"):
        pytest.skip("these schemes know no pages")
    m.link(m.a)
    flags = m.memory.flags(WORD)
    m.memory.set_flags(DATA, PAGE_SIZE, flags)
    assert m.failed(m.a) == 1
    m.link(m.a)
    assert m.failed(m.a) == 0


@pytest.mark.parametrize("any_scheme", ["excl"], indirect=True)
def test_a_page_without_links_goes_back_to_ordinary_stores(m: Machine) -> None:
    word = WORD + PAGE_SIZE
    m.link(m.a, word)
    retired = m.engine.block.get("retired")
    # loop: str r4, [r2]; subs r7, r7, #1; bne loop
    m.do(m.b, STR, 0xE2577001, 0x1AFFFFFC, at=word + 64, r4=1, r7=(AGE_LIMIT + 2) * AGE_SAMPLE)
    assert m.engine.block.get("retired") == retired + 1
    slow = m.b.get("slow_stores")
    m.do(m.b, STR, 0xE2577001, 0x1AFFFFFC, at=word, r4=0, r7=1000)
    assert m.b.get("slow_stores") == slow, "fast again"
    assert m.failed(m.a, word) == 1, "and the link from before is void"
    m.link(m.a, word)
    m.do(m.b, STR, at=word, r4=0)
    assert m.failed(m.a, word) == 1
    m.link(m.a, word)
    assert m.failed(m.a, word) == 0


@pytest.mark.parametrize("any_scheme", ["excl"], indirect=True)
def test_a_page_with_links_stays(m: Machine) -> None:
    retired = m.engine.block.get("retired")
    for _ in range(4):
        m.link(m.a)
        m.do(m.b, STR, 0xE2577001, 0x1AFFFFFC, at=WORD + 64, r4=1, r7=AGE_LIMIT * AGE_SAMPLE * 3 // 4)
    assert m.engine.block.get("retired") == retired


# vCPUs ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("scheme", STRICT)
def test_more_than_64_vcpus(scheme: str, tier: str) -> None:
    m = Machine(scheme, tier)
    others = [m.engine.new_vcpu() for _ in range(100)]
    m.link(m.a)
    m.do(others[-1], STR, r4=0)
    assert m.failed(m.a) == 1
    m.link(others[-1])
    m.do(others[70], STR, r4=0)
    assert m.failed(others[-1]) == 1
    m.harness.close()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_one_vcpu_alone(scheme: str, tier: str) -> None:
    m = Machine(scheme, tier)
    m.engine.free_vcpu(m.b)
    m.link(m.a)
    m.failed(m.a)  # the code is in place after this: loading it was a write by the host
    m.memory.write(WORD, bytes(4))
    for value in range(3):
        assert m.link(m.a) == value
        assert m.failed(m.a, value=value + 1) == 0
    assert m.failed(m.a) == 1
    if scheme != "cas":
        m.do(m.a, STR, r4=77)
        m.link(m.a)
        m.do(m.a, STR, r4=78)
        assert scheme == "hst" or m.failed(m.a) == 0
        m.link(m.a)
        m.memory.write(WORD, m.memory.read(WORD, 4))
        assert m.failed(m.a) == 1, "the host wrote the same bytes"
    if scheme == "excl":
        assert m.engine.block.get("settled") == 0, "nothing was made exclusive"
    m.link(m.a)
    m.b = m.engine.new_vcpu()
    assert scheme != "excl" or m.failed(m.a) == 1, "the second vCPU ends what was noted before"
    m.link(m.a)
    m.do(m.b, STR, r4=1)
    assert m.failed(m.a) == 1
    m.harness.close()


@pytest.mark.parametrize("any_scheme", ["excl"], indirect=True)
def test_failures_are_explained(m: Machine) -> None:
    m.link(m.a)
    m.do(m.b, NOP, STR, r4=0)
    assert m.failed(m.a) == 1
    by_pc = m.piece(NOP, STR) + 4
    found = [row for row in m.engine.failures() if row.cause == Failure.STORE and row.by_pc == by_pc]
    assert [(row.pc, row.by_vcpu, row.count) for row in found] == [(m.piece(STREX), m.b.index, 1)]
    before = {row.cause: row.count for row in m.engine.failures()}
    m.failed(m.a)
    m.link(m.a)
    m.do(m.a, CLREX)
    m.failed(m.a)
    after = {row.cause: row.count for row in m.engine.failures()}
    assert after[Failure.NONE] > before.get(Failure.NONE, 0) and after[Failure.CLREX] > before.get(Failure.CLREX, 0)
