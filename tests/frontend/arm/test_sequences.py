"""Several instructions in a row: IT blocks and exclusive pairs, against the oracle or the manual."""

from __future__ import annotations

from random import Random

import pytest
from keystone import KS_ARCH_ARM, KS_MODE_ARM, KS_MODE_THUMB, Ks
from unicorn import UC_ARCH_ARM, UC_MODE_ARM, Uc
from unicorn import arm_const as arm

from dbt.abi.arm import MODE_BIG_ENDIAN, MODE_THUMB
from dbt.frontend.arm import frontend
from dbt.frontend.base import lift_block, lift_insn
from tests.frontend.arm.differential import random_memory, random_state
from tests.frontend.arm.oracle import CODE, DATA, DATA_MIDDLE, DATA_SIZE, nzcvqge, set_apsr
from tests.reference_eval import Evaluator, Memory, State

_ASSEMBLERS = {0: Ks(KS_ARCH_ARM, KS_MODE_ARM), MODE_THUMB: Ks(KS_ARCH_ARM, KS_MODE_THUMB)}


def assemble(text: str, mode: int, pc: int = CODE) -> bytes:
    return bytes(_ASSEMBLERS[mode & MODE_THUMB].asm(text, pc)[0])


def run(code: bytes, mode: int, state: State, memory: Memory) -> tuple[int, int]:
    """Run *code* from CODE to its end, an instruction at a time; gives the pc and mode there."""
    pc, end = CODE, CODE + len(code)
    for _ in range(1000):
        if pc == end:
            return pc, mode
        unit, _ = lift_insn(frontend, mode, code[pc - CODE : pc - CODE + 4])
        outcome = Evaluator(state, memory).run(unit, pc)
        assert outcome.exit in ("goto", "goto_ind"), outcome
        pc, mode = outcome.address, outcome.mode
    raise AssertionError("no end")


def run_block(code: bytes, mode: int, state: State, memory: Memory) -> tuple[int, int]:
    """The same as one lifted block."""
    unit = lift_block(frontend, lambda address, n: code[address - CODE : address - CODE + n], CODE, mode)
    outcome = Evaluator(state, memory).run(unit, CODE)
    assert outcome.exit == "goto", outcome
    return outcome.address, outcome.mode


def oracle_run(code: bytes, mode: int, state: State, memory: Memory) -> None:
    """The oracle's state after *code*, written to *state* and *memory*."""
    uc = Uc(UC_ARCH_ARM, UC_MODE_ARM)
    uc.ctl_set_cpu_model(arm.UC_CPU_ARM_MAX)
    uc.mem_map(CODE, 0x1000)
    uc.mem_map(DATA, DATA_SIZE)
    uc.mem_write(CODE, code)
    uc.mem_write(DATA, bytes(memory.regions[0][1]))
    uc.reg_write(arm.UC_ARM_REG_CPSR, 0x10)  # before the registers: SP and LR are banked
    for i in range(15):
        uc.reg_write(getattr(arm, f"UC_ARM_REG_R{i}"), state[f"r{i}"])
    uc.reg_write(arm.UC_ARM_REG_CPSR, 0x10 | nzcvqge(state) | (mode & MODE_THUMB) << 5)
    uc.emu_start(CODE | mode & MODE_THUMB, CODE + len(code))
    for i in range(15):
        state[f"r{i}"] = uc.reg_read(getattr(arm, f"UC_ARM_REG_R{i}"))
    set_apsr(state, uc.reg_read(arm.UC_ARM_REG_CPSR))
    memory.regions[0][1][:] = uc.mem_read(DATA, DATA_SIZE)


def same(mine: State, theirs: State) -> dict[str, tuple[int, int]]:
    differences = {f"r{i}": (mine[f"r{i}"], theirs[f"r{i}"]) for i in range(15) if mine[f"r{i}"] != theirs[f"r{i}"]}
    if nzcvqge(mine) != nzcvqge(theirs):
        differences["apsr"] = nzcvqge(mine), nzcvqge(theirs)
    return differences


_CONDITIONS = ("eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")  # neighbours are opposites
_THEN = ("adds r0, r1, r2", "subs r3, r4, #7", "mov r5, r6", "cmp r1, r2", "lsl r2, r3, #3", "ldr r4, [r7, #4]", "str r1, [r7, #8]", "orr r6, r6, r0")
_IT_CODES = {"it": 1, "itt": 2, "ite": 2, "ittt": 3, "itet": 3, "ittee": 4, "iteet": 4}


@pytest.mark.parametrize("form", _IT_CODES)
@pytest.mark.parametrize("runner", [run, run_block])
def test_it_blocks(form, runner):
    rng = Random(form)
    for _ in range(6):
        condition = rng.choice(_CONDITIONS)
        inverse = _CONDITIONS[_CONDITIONS.index(condition) ^ 1]
        lines = [f"{form} {condition}"]
        for letter in "t" + form[2:]:
            mnemonic, _, operands = rng.choice(_THEN).partition(" ")
            plain = mnemonic.removesuffix("s") if mnemonic in ("adds", "subs") else mnemonic
            lines.append(f"{plain}{condition if letter == 't' else inverse} {operands}")
        code = assemble("; ".join([*lines, "adds r0, r0, #1"]), MODE_THUMB)
        mine, memory = random_state(rng, False), random_memory(rng)
        mine["r7"] = DATA_MIDDLE
        theirs, their_memory = mine.copy(), Memory()
        their_memory.map(DATA, bytes(memory.regions[0][1]))
        assert runner(code, MODE_THUMB, mine, memory) == (CODE + len(code), MODE_THUMB)
        oracle_run(code, MODE_THUMB, theirs, their_memory)
        assert not same(mine, theirs), lines
        assert memory.regions[0][1] == their_memory.regions[0][1], lines


_LOOPS = {
    "sum": "mov r0, #0; mov r1, #10; l: add r0, r0, r1; subs r1, r1, #1; bne l",
    "bytes": "mov r0, #8; l: subs r0, r0, #1; ldrb r1, [r7, r0]; strb r1, [r7], #1; bgt l",
    "block": "stmdb r7!, {r0-r3, lr}; ldmia r7!, {r1-r4, r8}; umull r0, r1, r2, r3; adcs r2, r2, r3; sbcs r3, r3, r4",
    "call": "bl f; add r0, r0, #1; b end; f: mov r0, #5; bx lr; end: nop",
}


@pytest.mark.parametrize("mode", [0, MODE_THUMB], ids=["a32", "t32"])
@pytest.mark.parametrize("name", _LOOPS)
def test_programs(name, mode):
    rng = Random(name)
    code = assemble(_LOOPS[name], mode)
    mine, memory = random_state(rng, False), random_memory(rng)
    mine["r7"] = DATA_MIDDLE
    theirs, their_memory = mine.copy(), Memory()
    their_memory.map(DATA, bytes(memory.regions[0][1]))
    run(code, mode, mine, memory)
    oracle_run(code, mode, theirs, their_memory)
    assert not same(mine, theirs)
    assert memory.regions[0][1] == their_memory.regions[0][1]


_PAIRS = [
    ("ldrexb r0, [r7]", "strexb r2, r1, [r7]", 1), ("ldrexh r0, [r7]", "strexh r2, r1, [r7]", 2),
    ("ldrex r0, [r7]", "strex r2, r1, [r7]", 4), ("ldrexd r4, r5, [r7]", "strexd r2, r0, r1, [r7]", 8),
]  # fmt: skip


@pytest.mark.parametrize("mode", [0, MODE_THUMB, MODE_BIG_ENDIAN], ids=["a32", "t32", "a32 big-endian"])
@pytest.mark.parametrize(("load", "store", "size"), _PAIRS, ids=lambda x: str(x))
def test_exclusive_pairs(load, store, size, mode):
    order = "big" if mode & MODE_BIG_ENDIAN else "little"
    state, memory = State("arm"), Memory()
    data = memory.map(DATA, bytes(range(1, 17)))
    before = bytes(data[:size])
    state["r7"] = DATA
    state["r0"], state["r1"] = 0x11223344, 0xAABBCCDD
    code = assemble(f"{load}; {'mov r0, r0' if size != 8 else 'nop'}; {store}", mode)
    run(code, mode, state, memory)
    assert state["r2"] == 0
    if size == 8:
        assert [state["r4"], state["r5"]] == [int.from_bytes(before[:4], order), int.from_bytes(before[4:], order)]
        assert bytes(data[:8]) == (0x11223344).to_bytes(4, order) + (0xAABBCCDD).to_bytes(4, order)
    else:
        assert state["r0"] == int.from_bytes(before, order)
        assert bytes(data[:size]) == (0xAABBCCDD & (1 << 8 * size) - 1).to_bytes(size, order)
    run(assemble(store, mode), mode, state, memory)
    assert state["r2"] == 1, "the reservation is gone after the first store"


def test_clrex_gives_up_the_reservation():
    state, memory = State("arm"), Memory()
    memory.map(DATA, bytes(16))
    state["r7"] = DATA
    run(assemble("ldrex r0, [r7]; clrex; strex r2, r1, [r7]", 0), 0, state, memory)
    assert state["r2"] == 1
