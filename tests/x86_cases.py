"""What the instruction cases need to know of x86: names of the state, the assembler, and unicorn."""

from __future__ import annotations

import functools
from random import Random
from typing import Any

from dbt.abi.x86 import REGISTERS_32, REGISTERS_64, eflags, parts
from runtime.vcpu import VCpu
from tests.frontend.x86 import oracle
from tests.instruction_cases import DATA_SIZE, Case, CaseEngine, CaseError, Result, State, Tier, assemble
from tests.reference_eval import State as Slots

ARCHES = {"i386": "i386", "x86-64": "x86_64"}
MODES = {"i386": 0, "x86-64": 0}
REGISTERS = {"i386": REGISTERS_32, "x86-64": REGISTERS_64}
FLAGS = {"cf": 0, "pf": 2, "af": 4, "zf": 6, "sf": 7, "df": 10, "of": 11}  # -> bit in EFLAGS
_BITS = {"i386": 32, "x86-64": 64}


def values(isa: str, name: str, value: int) -> dict[str, int]:
    """A name of the case as names of the state: ``eflags`` is all flags."""
    if name == "eflags":
        return {flag: value >> bit & 1 for flag, bit in FLAGS.items()}
    if name in FLAGS:
        return {name: value & 1}
    if name not in REGISTERS[isa]:
        raise CaseError(f"{name}: no part of the state")
    return {name: value & (1 << _BITS[isa]) - 1}


@functools.cache
def _assembler(isa: str) -> Any:
    import keystone

    return keystone.Ks(keystone.KS_ARCH_X86, keystone.KS_MODE_64 if isa == "x86-64" else keystone.KS_MODE_32)


def code(isa: str, what: str) -> bytes:
    return assemble(_assembler(isa), what, 0)


def random_values(isa: str, rng: Random) -> dict[str, int]:
    found = {name: rng.getrandbits(_BITS[isa]) for name in REGISTERS[isa]}
    return found | {flag: rng.getrandbits(1) for flag in FLAGS if flag != "df"} | {"df": 0}


def _eflags(state: State) -> int:
    return sum(state.values[flag] << bit for flag, bit in FLAGS.items())


def _put_state(vcpu: VCpu, state: State) -> None:
    for slot in vcpu.layout.slots:
        if slot in state.values and slot not in FLAGS:
            vcpu.put(slot, state.values[slot])
    for slot, part in parts(_eflags(state)).items():
        vcpu.put(slot, part)


def _get_state(vcpu: VCpu) -> dict[str, int]:
    registers = next(names for isa, names in REGISTERS.items() if ARCHES[isa] == vcpu.layout.arch)
    word = eflags({slot: vcpu.get(slot) for slot in parts(0)})
    return {name: vcpu.get(name) for name in registers} | {flag: word >> bit & 1 for flag, bit in FLAGS.items()}


class Unicorn:
    """The oracle of the differential tests. Its data area is larger than that of cases; the code stands elsewhere, which only counted pcs do not show."""

    name = "unicorn"

    def __init__(self, isa: str) -> None:
        self.isa = isa
        self.oracle = oracle.Oracle(ARCHES[isa])

    def run(self, case: Case, before: State) -> Result:
        slots = Slots(ARCHES[self.isa])
        for name in REGISTERS[self.isa]:
            slots[name] = before.values[name]
        oracle.set_flags(slots, _eflags(before))
        memory = before.memory + bytes(oracle.DATA_SIZE - DATA_SIZE)
        why, pc, word, registers = self.oracle.run(case.code, slots, memory)
        while why == "goto" and pc == oracle.CODE and case.pc:  # after a step of a repeated string instruction
            for name, value in zip(REGISTERS[self.isa], registers, strict=True):
                slots[name] = value
            oracle.set_flags(slots, word)
            why, pc, word, registers = self.oracle.run(case.code, slots, memory)
        found = dict(zip(REGISTERS[self.isa], registers, strict=True)) | {flag: word >> bit & 1 for flag, bit in FLAGS.items()}
        return Result(State(found, memory[:DATA_SIZE]), "next" if why == "goto" else why, pc - oracle.CODE)


@functools.cache
def engines(isa: str) -> tuple[CaseEngine, ...]:
    """All that a case runs on."""
    arch = ARCHES[isa]
    return *[Tier(tier, arch, MODES, _put_state, _get_state) for tier in ("0", "quick", "1")], Unicorn(isa)
