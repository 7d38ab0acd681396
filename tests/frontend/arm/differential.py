"""Runs one instruction on the reference engine and on the oracle, and tells how they differ."""

from __future__ import annotations

from random import Random

from dbt.abi.arm import MODE_THUMB
from dbt.frontend.arm import frontend
from dbt.frontend.base import lift_insn
from tests.frontend.arm.oracle import CODE, DATA, DATA_MIDDLE, DATA_SIZE, Oracle, code_page, nzcvqge, set_apsr
from tests.reference_eval import Evaluator, Memory, State


def insn_bytes(word: int, thumb: bool, width: int) -> bytes:
    """The bytes of an encoding (a T32 word is hw1:hw2)."""
    if thumb and width == 32:
        return (word >> 16).to_bytes(2, "little") + (word & 0xFFFF).to_bytes(2, "little")
    return word.to_bytes(width // 8, "little")


def random_state(rng: Random, memory_access: bool) -> State:
    """Registers of which, for memory accesses, many point into the data area or are small offsets."""
    state = State("arm")
    for i in range(15):
        kind = rng.random()
        if memory_access and kind < 0.55:
            value = DATA_MIDDLE + 8 * rng.randrange(-64, 64) + (rng.randrange(8) if rng.random() < 0.15 else 0)
        elif memory_access and kind < 0.85:
            value = rng.randrange(0, 64)
        elif kind < 0.2:
            value = rng.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFF7FFF, 0x80008000, 0x8000, 0x7F, 0xFF80))
        elif kind < 0.4:
            value = rng.randrange(0, 70)
        else:
            value = rng.getrandbits(32)
        state[f"r{i}"] = value
    set_apsr(state, rng.getrandbits(32))
    for slot in ("tpidruro", "tpidrurw"):
        state[slot] = rng.getrandbits(32)
    return state


def random_memory(rng: Random) -> Memory:
    memory = Memory()
    memory.map(DATA, rng.randbytes(DATA_SIZE))
    return memory


class Comparison:
    """Result of one run: ``why`` is how the oracle stopped, ``differences`` is empty if all agrees."""

    def __init__(self, oracle: Oracle, code: bytes, mode: int, state: State, memory: Memory, pc: int = CODE) -> None:
        mine, mine_memory = state.copy(), Memory()
        mine_memory.map(DATA, bytes(memory.regions[0][1]))
        mine_memory.map(CODE, code_page(code, pc))
        unit, _ = lift_insn(frontend, mode, code)
        outcome = Evaluator(mine, mine_memory).run(unit, pc)
        kind = str(outcome.attrs["kind"]) if outcome.exit == "exception" else outcome.exit
        if kind in ("goto", "goto_ind", "yield", "halt"):
            kind = "goto"
        theirs = memory
        self.why, new_pc, new_mode, apsr, registers = oracle.run(code, mode, state, theirs, pc)
        self.differences: list[str] = []
        if kind != self.why:
            self.differences.append(f"stopped by {kind}, the oracle by {self.why}")
            return
        if self.why in ("fault", "undefined", "breakpoint"):
            return
        mask = ~1 if outcome.mode & MODE_THUMB else ~3
        self._check("pc", outcome.address & mask, new_pc & mask)
        if self.why != "syscall":
            self._check("mode", outcome.mode, new_mode)
        self._check("apsr", nzcvqge(mine), apsr)
        for i, value in enumerate(registers):
            self._check(f"r{i}", mine[f"r{i}"], value)
        if mine_memory.regions[0][1] != theirs.regions[0][1]:
            pairs = enumerate(zip(mine_memory.regions[0][1], theirs.regions[0][1], strict=True))
            self.differences += [f"byte {DATA + i:#x} is {x:#x}, not {y:#x}" for i, (x, y) in pairs if x != y][:8]

    def _check(self, name: str, mine: int, theirs: int) -> None:
        if mine != theirs:
            self.differences.append(f"{name} is {mine:#x}, not {theirs:#x}")
