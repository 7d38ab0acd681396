"""Runs one instruction on the reference engine and on the oracle, and tells how they differ."""

from __future__ import annotations

from random import Random

from dbt.abi import x86
from dbt.abi.x86 import CANONICAL_BITS
from dbt.frontend.base import lift_insn
from dbt.frontend.x86 import FRONTENDS
from tests.frontend.x86.oracle import CODE, CODE_SIZE, DATA, DATA_MIDDLE, FS_BASE, GS_BASE, REGISTERS, Oracle, flags_of, set_flags
from tests.reference_eval import Evaluator, Memory, State

COMPARED = x86.CF | x86.PF | x86.AF | x86.ZF | x86.SF | x86.OF | x86.DF


def random_state(rng: Random, arch: str) -> State:
    """Registers of which many point into the data area or are small."""
    state = State(arch)
    bits = 64 if arch == "x86_64" else 32
    for name in REGISTERS[arch]:
        kind = rng.random()
        if kind < 0.45:
            value = DATA_MIDDLE + 8 * rng.randrange(-64, 64) + (rng.randrange(8) if rng.random() < 0.2 else 0)
        elif kind < 0.6:
            value = rng.randrange(0, 70)
        elif kind < 0.75:
            value = rng.choice((0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 63, (1 << 64) - 1))
        else:
            value = rng.getrandbits(bits)
        state[name] = value & (1 << bits) - 1
    state[REGISTERS[arch][4]] = DATA_MIDDLE + 8 * rng.randrange(-64, 64)
    set_flags(state, rng.getrandbits(12) & (COMPARED ^ (x86.DF if rng.random() < 0.7 else 0)))
    if arch == "x86_64":
        state["fs_base"], state["gs_base"] = FS_BASE, GS_BASE
    for name, selector in (("es", x86.USER_DS), ("ss", x86.USER_DS), ("ds", x86.USER_DS), ("cs", x86.USER_CS_64 if bits == 64 else x86.USER_CS_32)):
        state[name] = selector
    return state


class Comparison:
    """Result of one run: ``why`` is how the oracle stopped, ``differences`` is empty if all agrees. *undefined*: bits of EFLAGS that are not compared."""

    def __init__(self, oracle: Oracle, code: bytes, state: State, data: bytes, undefined: int = 0) -> None:
        arch = oracle.arch
        mine, memory = state.copy(), Memory()
        mine_data = memory.map(DATA, data)
        memory.map(CODE, code.ljust(64, b"\xcc").ljust(CODE_SIZE, b"\0"))
        unit, self.lifted = lift_insn(FRONTENDS[arch], 0, code)
        outcome = Evaluator(mine, memory).run(unit, CODE)
        kind = str(outcome.attrs["kind"]) if outcome.exit == "exception" else outcome.exit
        if kind in ("goto", "goto_ind", "yield"):
            kind = "goto"
        theirs = bytearray(data)
        self.differences: list[str] = []
        self.why, pc, flags, registers = oracle.run(code, state, theirs)
        if kind == "protection" and self.why == "goto" and pc >> CANONICAL_BITS - 1:
            return  # a jump to an address that is not canonical: the oracle finds out there
        if kind != self.why:
            self.differences.append(f"stopped by {kind}, the oracle by {self.why}")
            return
        if self.why not in ("goto", "syscall"):
            return
        if self.why == "goto":
            self._check("pc", outcome.address, pc)
        self._check("eflags", flags_of(mine) & COMPARED & ~undefined, flags & COMPARED & ~undefined)
        for name, value in zip(REGISTERS[arch], registers, strict=True):
            if self.why == "syscall" and name in ("rcx", "r11"):  # the oracle stops before it writes them
                continue
            self._check(name, mine[name], value)
        if mine_data != theirs:
            pairs = enumerate(zip(mine_data, theirs, strict=True))
            self.differences += [f"byte {DATA + i:#x} is {x:#x}, not {y:#x}" for i, (x, y) in pairs if x != y][:8]

    def _check(self, name: str, mine: int, theirs: int) -> None:
        if mine != theirs:
            self.differences.append(f"{name} is {mine:#x}, not {theirs:#x}")
