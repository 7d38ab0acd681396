"""What the oracle cannot judge: exits, system calls, segment registers, CPUID, REP and faults."""

from __future__ import annotations

import pytest

from dbt.abi import x86
from dbt.abi.exits import Exit
from dbt.frontend.base import lift_insn
from dbt.frontend.x86 import FRONTENDS, cpuid
from tests.engine.harness import Harness
from tests.frontend.x86.oracle import CODE, DATA, DATA_SIZE, flags_of, set_flags
from tests.reference_eval import Evaluator, Memory, Outcome, State

BOTH = pytest.mark.parametrize("arch", ["i386", "x86_64"])


def _state(arch: str, **registers: int) -> State:
    state = State(arch)
    set_flags(state, 0)
    for name, value in registers.items():
        state[name] = value
    return state


def run(code: str, state: State, memory: Memory | None = None) -> Outcome:
    unit, _ = lift_insn(FRONTENDS[state.layout.arch], 0, bytes.fromhex(code))
    return Evaluator(state, memory or Memory()).run(unit, CODE)


def _data(content: bytes = b"") -> tuple[Memory, bytearray]:
    memory = Memory()
    return memory, memory.map(DATA, content.ljust(DATA_SIZE, b"\0"))


@pytest.mark.parametrize(("arch", "code", "exit", "after", "imm"), [
    ("i386", "cd80", "syscall", 2, 0x80), ("x86_64", "cd80", "protection", 0, 0x402), ("x86_64", "0f05", "syscall", 2, 0),
    ("i386", "cc", "breakpoint", 1, 0), ("i386", "cd03", "breakpoint", 2, 0), ("i386", "cd04", "overflow", 2, 0),
    ("x86_64", "cd21", "protection", 0, 0x21 << 3 | 2), ("i386", "f4", "protection", 0, 0), ("x86_64", "e410", "protection", 0, 0),
    ("i386", "0f0b", "undefined", 0, 0), ("i386", "0f05", "undefined", 0, 0), ("x86_64", "27", "undefined", 0, 0), ("x86_64", "f001c0", "undefined", 0, 0),
    ("i386", "f083f801", "undefined", 0, 0), ("i386", "8dc0", "undefined", 0, 0), ("x86_64", "66" * 15, "protection", 0, 0),
])  # fmt: skip
def test_exits(arch: str, code: str, exit: str, after: int, imm: int) -> None:
    outcome = run(code, _state(arch))
    assert (outcome.attrs.get("kind", outcome.exit), outcome.address, outcome.attrs["imm"]) == (exit, CODE + after, imm)


def test_syscall_leaves_the_return_address_and_flags() -> None:
    state = _state("x86_64")
    set_flags(state, x86.CF | x86.ZF)
    run("0f05", state)
    assert (state["rcx"], state["r11"]) == (CODE + 2, x86.CF | x86.ZF | x86.EFLAGS_FIXED)


@pytest.mark.parametrize(("code", "hint", "address"), [
    ("e8fb0f0000", "call", CODE + 0x1000), ("ffd3", "call", 0x12345678), ("c3", "ret", 0x11223344), ("ffe3", "jump", 0x12345678), ("eb10", "jump", CODE + 18),
])  # fmt: skip
def test_hints(code: str, hint: str, address: int) -> None:
    memory, data = _data(bytes.fromhex("4433221100000000"))
    state = _state("x86_64", rbx=0x12345678, rsp=DATA)
    if hint == "call":
        state["rsp"] = DATA + 8
    outcome = run(code, state, memory)
    assert (outcome.attrs["hint"], outcome.address) == (hint, address)
    if hint == "call":
        assert int.from_bytes(data[:8], "little") == CODE + len(code) // 2


@BOTH
def test_cpuid(arch: str) -> None:
    names = ("eax", "ebx", "ecx", "edx") if arch == "i386" else ("rax", "rbx", "rcx", "rdx")
    for (leaf, subleaf), values in {**cpuid.LEAVES, (0x1234, None): cpuid.NO_LEAF}.items():
        state = _state(arch, **{names[0]: leaf, names[2]: subleaf or 0})
        run("0fa2", state)
        assert tuple(state[name] for name in names) == values
    assert b"".join(word.to_bytes(4, "little") for word in (values[1], values[3], values[2])) != cpuid.VENDOR
    _, b, c, d = cpuid.LEAVES[0, None]
    assert b"".join(word.to_bytes(4, "little") for word in (b, d, c)) == cpuid.VENDOR


def test_the_time_stamp_counter_goes_up() -> None:
    unit, _ = lift_insn(FRONTENDS["x86_64"], 0, bytes.fromhex("0f31"))
    state, seen = _state("x86_64"), []
    evaluator = Evaluator(state, Memory())
    for _ in range(2):
        evaluator.run(unit, CODE)
        seen.append(state["rdx"] << 32 | state["rax"])
    assert seen[1] > seen[0]


@pytest.mark.parametrize(("selector", "base"), [(x86.TLS_SELECTORS[1], 0x5000), (x86.USER_DS, 0), (0, x86.NULL_BASE), (3, x86.NULL_BASE)])
def test_gs_takes_its_base_from_the_descriptor(selector: int, base: int) -> None:
    state = _state("i386", eax=selector, tls1_base=0x5000, tls1_limit=0xFFFFFFFF, tls1_access=0xCFF300, gs_base=0x99, mxcsr=x86.MXCSR_INITIAL)
    assert run("8ee8", state).exit == "goto"
    assert (state["gs"], state["gs_base"]) == (selector, base)


@pytest.mark.parametrize("code", ["8ee8", "8ed0"])
def test_a_selector_that_is_nobodys_faults(code: str) -> None:
    state = _state("i386", eax=0x83)
    outcome = run(code, state)
    assert (outcome.attrs["kind"], outcome.attrs["imm"], state["error_code"]) == ("protection", x86.ERROR_CODE, 0x80)


def test_an_entry_of_set_thread_area_that_is_empty_faults() -> None:
    assert run("8ee8", _state("i386", eax=x86.TLS_SELECTORS[1])).attrs["kind"] == "protection"


def test_ss_cannot_be_null() -> None:
    assert run("8ed0", _state("i386", eax=0)).attrs["kind"] == "protection"


def test_cs_cannot_be_loaded() -> None:
    assert run("8ec8", _state("i386", eax=x86.USER_CS_32)).attrs["kind"] == "undefined"


def test_segment_registers_are_stored_in_16_bits() -> None:
    memory, data = _data(b"\xff" * 8)
    state = _state("x86_64", rbx=DATA, gs=x86.USER_DS, rax=(1 << 64) - 1)
    run("8c2b", state, memory)
    assert data[:8] == bytes([x86.USER_DS]) + b"\0" + b"\xff" * 6
    run("8ce8", state)
    assert state["rax"] == x86.USER_DS


# String instructions --------------------------------------------------------------------------------------------------------
def _repeat(code: str, state: State, memory: Memory, limit: int = 100) -> Outcome:
    for _ in range(limit):
        outcome = run(code, state, memory)
        if outcome.address != CODE or outcome.exit != "goto":
            return outcome
    raise AssertionError("does not end")


def test_rep_movs_copies_and_stops_at_the_faulting_element() -> None:
    memory, data = _data(b"abcdefgh")
    state = _state("x86_64", rsi=DATA, rdi=DATA + 0x100, rcx=8)
    assert _repeat("f3a4", state, memory).address == CODE + 2
    assert data[0x100:0x108] == b"abcdefgh"
    assert (state["rcx"], state["rsi"], state["rdi"]) == (0, DATA + 8, DATA + 0x108)
    state = _state("x86_64", rsi=DATA, rdi=DATA + DATA_SIZE - 6, rcx=8)
    outcome = _repeat("f3a5", state, memory)
    assert (outcome.exit, outcome.address) == ("fault", DATA + DATA_SIZE - 2)
    assert (state["rcx"], state["rsi"], state["rdi"]) == (7, DATA + 4, DATA + DATA_SIZE - 2)


def test_rep_stos_downwards() -> None:
    memory, data = _data()
    state = _state("i386", edi=DATA + 8, ecx=3, eax=0x01020304, df=1)
    _repeat("f3ab", state, memory)
    assert data[:12] == bytes.fromhex("04030201") * 3
    assert state["edi"] == DATA - 4


@pytest.mark.parametrize(("code", "text", "left", "zero"), [("f2ae", b"abc\0def", 3, True), ("f3ae", b"\0\0x", 4, False), ("f2ae", b"abcdefg", 0, False)])
def test_repeated_scan(code: str, text: bytes, left: int, zero: bool) -> None:
    memory, _ = _data(text)
    state = _state("x86_64", rdi=DATA, rcx=7)
    _repeat(code, state, memory)
    assert (state["rcx"], bool(flags_of(state) & x86.ZF)) == (left, zero)


def test_a_count_of_zero_does_nothing() -> None:
    state = _state("x86_64", rcx=1 << 32, rdi=1, rsi=2)
    outcome = run("67f3a6", state)  # ECX counts
    assert (outcome.exit, outcome.address, state["rdi"], flags_of(state)) == ("goto", CODE + 3, 1, x86.EFLAGS_FIXED)


# Faults ---------------------------------------------------------------------------------------------------------------------
_FAULTING = ("50", "5b", "e800000000", "c3", "6a01", "c9", "0fb103", "f00fb103", "0108", "a4", "8f00", "c8100002", "870b", "0fc108", "9c", "9d")


@BOTH
def test_a_fault_leaves_the_state(arch: str) -> None:
    harness = Harness(arch)
    names = {"i386": x86.REGISTERS_32, "x86_64": x86.REGISTERS_64}[arch]
    registers = {name: 0x900000 + 64 * i for i, name in enumerate(names)}
    for code in _FAULTING:
        for slot in harness.vcpu.layout.slots:
            harness.vcpu.put(slot, registers.get(slot, 0))
        why, vcpu = harness.run(bytes.fromhex(code), 0, registers)
        assert (why, vcpu.pc) == (Exit.MEMORY_FAULT, harness.end - len(code) // 2)
        assert {slot: vcpu.get(slot) for slot in harness.vcpu.layout.slots if vcpu.get(slot)} == registers, code
    harness.close()


def test_mxcsr_goes_out_as_it_came_in() -> None:
    for value in (x86.MXCSR_INITIAL, 0xFFFF, 0x1FBF | 1 << 13, 0x9F80 | 2 << 13, 0x40):
        memory, data = _data(value.to_bytes(4, "little"))
        state = _state("x86_64", rbx=DATA)
        outcome = run("0fae13", state, memory)
        assert (outcome.exit, outcome.mode) == ("goto", 0) if value & x86.MXCSR_MASKS == x86.MXCSR_MASKS else ("goto_ind", x86.MODE_UNMASKED)
        assert {slot: state[slot] for slot in ("mxcsr", "fp_mode", "fp_flags")} == x86.mxcsr_parts(value)
        run("0fae5b08", state, memory)
        assert data[8:12] == value.to_bytes(4, "little")
        assert x86.mxcsr({slot: state[slot] for slot in ("mxcsr", "fp_flags")}) == value


def test_reserved_bits_of_mxcsr_fault() -> None:
    memory, _ = _data((1 << 16).to_bytes(4, "little"))
    assert run("0fae13", _state("i386", ebx=DATA), memory).attrs["kind"] == "protection"


def test_maskmovdqu_touches_only_the_bytes_that_are_chosen() -> None:
    memory, data = _data(b"." * 16)
    state = _state("x86_64", rdi=DATA, xmm1=int.from_bytes(b"0123456789abcdef", "little"), xmm2=int.from_bytes(bytes([0x80, 0x7F] * 8), "little"))
    run("660ff7ca", state, memory)
    assert data[:16] == b"0.2.4.6.8.a.c.e."


def test_mmx_instructions_take_over_the_x87_registers() -> None:
    state = _state("i386", ftop=3, ftw=0, mm2=7, fpr1e=0x3FFF)
    run("0f6fca", state)  # movq mm1, mm2
    assert (state["mm1"], state["fpr1e"], state["ftop"], state["ftw"]) == (7, 0xFFFF, 0, 0xFF)
    run("0f77", state)
    assert state["ftw"] == 0


@BOTH
def test_fxsave_and_fxrstor(arch: str) -> None:
    memory, data = _data()
    base = "ebx" if arch == "i386" else "rbx"
    state = _state(arch, **{base: DATA}, ftop=3, fsw=0x41, ftw=0x5A, fcw=0x27F, **x86.mxcsr_parts(0x5F81))
    for i in range(8):
        state[f"fpr{i}m"], state[f"fpr{i}e"] = 0x1000 + i, 0x4000 + i
    vectors = 8 if arch == "i386" else 16
    for i in range(vectors):
        state[f"xmm{i}"] = i << 100 | i
    before = state.copy()
    assert run("0fae03", state, memory).exit == "goto"
    assert data[:8] == bytes.fromhex("7f024118 5a000000")
    assert data[24:32] == bytes.fromhex("815f0000 ffff0000")
    assert data[32:42] == bytes.fromhex("0310000000000000 0340")  # ST0 is R3
    assert data[160 + 16 * 5 : 176 + 16 * 5] == (5 << 100 | 5).to_bytes(16, "little")
    for slot in state.layout.slots:
        if slot not in (base, "cf", "pf", "af", "zf", "sf", "of", "df", "eflags"):
            state[slot] = 0
    run("0fae0b", state, memory)
    assert not state.differences(before)


def test_fxsave_must_be_aligned() -> None:
    assert run("0fae03", _state("x86_64", rbx=DATA + 8)).attrs["kind"] == "protection"


def test_popf_of_user_code_leaves_if_and_iopl() -> None:
    memory, _ = _data((0xFFFFFFFF).to_bytes(8, "little"))
    state = _state("x86_64", rsp=DATA)
    run("9d", state, memory)
    every = x86.CF | x86.PF | x86.AF | x86.ZF | x86.SF | x86.OF | x86.DF | x86.EFLAGS_OTHER
    assert flags_of(state) == every | x86.EFLAGS_FIXED


@pytest.mark.parametrize(("high", "low", "divisor"), [(0, 100, 7), (6, (1 << 64) - 1, 7), (0x7FFFFFFF, 5, 0x80000000), (1 << 62, 3, (1 << 62) + 1),
                                                      ((1 << 64) - 2, 5, (1 << 64) - 1), (0xFFFFFFFE, 0, 0xFFFFFFFF)])  # fmt: skip
def test_div_of_128_bits(high: int, low: int, divisor: int) -> None:
    state = _state("x86_64", rdx=high, rax=low, rbx=divisor)
    assert run("48f7f3", state).exit == "goto"
    assert (state["rax"], state["rdx"]) == divmod(high << 64 | low, divisor)


@pytest.mark.parametrize(("dividend", "divisor"), [
    (-100, 7), (100, -7), (-(1 << 100), 1 << 40), (1 << 100, -(1 << 40)), (-(1 << 64) + 1, 3), (1 << 125, -(1 << 63)), (-(1 << 63), 1), ((1 << 63) * 5, -5),
])  # fmt: skip
def test_idiv_of_128_bits(dividend: int, divisor: int) -> None:
    word = (1 << 64) - 1
    state = _state("x86_64", rdx=dividend >> 64 & word, rax=dividend & word, rbx=divisor & word)
    assert run("48f7fb", state).exit == "goto"
    quotient = abs(dividend) // abs(divisor) * (1 if (dividend < 0) == (divisor < 0) else -1)
    assert (state["rax"], state["rdx"]) == (quotient & word, dividend - quotient * divisor & word)


@pytest.mark.parametrize(("code", "dividend", "divisor"), [
    ("48f7f3", 5 << 64, 5), ("48f7f3", 0, 0), ("48f7fb", -(1 << 63), -1), ("48f7fb", 1 << 127, 1 << 63), ("48f7fb", (1 << 63) * 5, 5), ("f7fb", 1 << 31, 1),
    ("f6fb", 0x80, 1), ("f7f3", 1 << 32, 1),
])  # fmt: skip
def test_divide_error(code: str, dividend: int, divisor: int) -> None:
    word = (1 << 64) - 1
    state = _state("x86_64", rdx=dividend >> (64 if code[:2] == "48" else 32) & word, rax=dividend & word, rbx=divisor & word)
    outcome = run(code, state)
    assert (outcome.attrs.get("kind"), outcome.address) == ("divide", CODE)
