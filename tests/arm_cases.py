"""What the instruction cases need to know of ARM: names of the state, the assembler, and unicorn."""

from __future__ import annotations

import functools
import re
from random import Random
from typing import Any

from dbt.abi.arm import MODE_BIG_ENDIAN, MODE_THUMB
from runtime.linux.arm.sigframe import get_fpscr, put_fpscr
from runtime.vcpu import VCpu
from tests.engine.harness import Harness
from tests.instruction_cases import DATA, DATA_SIZE, Case, CaseEngine, CaseError, Result, State, Tier, assemble

MODES = {"a32": 0, "t32": MODE_THUMB, "a32be": MODE_BIG_ENDIAN, "t32be": MODE_THUMB | MODE_BIG_ENDIAN}
CORE = tuple(f"r{i}" for i in range(15))
FLAGS = ("n", "z", "c", "v", "q", "ge")
DOUBLES = tuple(f"d{i}" for i in range(32))
_USER_MODE = 0x10  # CPSR.M


def values(isa: str, name: str, value: int) -> dict[str, int]:
    """A name of the case as names of the state: ``q1`` is ``d2`` and ``d3``."""
    if re.fullmatch(r"q\d+", name) and f"d{2 * int(name[1:]) + 1}" in DOUBLES:
        low = 2 * int(name[1:])
        return {f"d{low}": value & (1 << 64) - 1, f"d{low + 1}": value >> 64}
    if name == "nzcv":
        return dict(zip("nzcv", (value >> 3 & 1, value >> 2 & 1, value >> 1 & 1, value & 1), strict=True))
    if name in ("sp", "lr"):
        name = "r13" if name == "sp" else "r14"
    if name not in CORE + FLAGS + DOUBLES + ("fpscr",):
        raise CaseError(f"{name}: no part of the state")
    return {name: value & (1 << (64 if name in DOUBLES else 32)) - 1}


@functools.cache
def _assembler(thumb: bool) -> Any:
    import keystone

    return keystone.Ks(keystone.KS_ARCH_ARM, (keystone.KS_MODE_THUMB if thumb else keystone.KS_MODE_ARM) | keystone.KS_MODE_V8)


def code(isa: str, what: str) -> bytes:
    assembler = _assembler(bool(MODES[isa] & MODE_THUMB))
    made = assemble(assembler, what, Harness.end - 4)
    return made if len(made) == 4 else assemble(assembler, what, Harness.end - len(made))  # branches count from where the code will stand


def complete(case: Case) -> None:
    """Nothing to add to what the line says."""


def random_values(isa: str, rng: Random) -> dict[str, int]:
    values = {name: rng.getrandbits(32) for name in CORE}
    values |= {name: rng.getrandbits(1) for name in FLAGS[:5]}
    values |= {name: rng.getrandbits(64) for name in DOUBLES}
    values["ge"] = rng.getrandbits(4)
    values["fpscr"] = rng.getrandbits(32) & 0xF0000000
    return values


def put_state(vcpu: VCpu, state: State) -> None:
    """Write *state* into a vCPU's slots."""
    values = state.values
    for name in (*CORE, *DOUBLES, "ge"):
        vcpu.put(name, values[name])
    vcpu.put("nf", values["n"] << 31)
    vcpu.put("zf", 1 - values["z"])
    for flag in "cvq":
        vcpu.put(flag + "f", values[flag])
    put_fpscr(vcpu, values["fpscr"])


def get_state(vcpu: VCpu) -> dict[str, int]:
    """The parts of the state in a vCPU's slots."""
    values = {name: vcpu.get(name) for name in (*CORE, *DOUBLES, "ge")}
    values |= {"n": vcpu.get("nf") >> 31, "z": int(vcpu.get("zf") == 0), "c": vcpu.get("cf"), "v": vcpu.get("vf"), "q": vcpu.get("qf")}
    values["fpscr"] = get_fpscr(vcpu)
    return values


class Unicorn:
    """The oracle. It knows no difference between UDF and an encoding that is nowhere, and reports a misaligned access as a fault."""

    name = "unicorn"
    _INTERRUPTS = {1: "undefined", 2: "syscall", 3: "fault", 4: "fault", 7: "breakpoint"}  # QEMU's exception numbers
    _CODE, _CODE_SIZE = Harness.end - 0x1000, 0x2000

    def __init__(self) -> None:
        import unicorn
        from unicorn import arm_const as names

        self.names = names
        self.error = unicorn.UcError
        self.invalid = unicorn.UC_ERR_INSN_INVALID
        self.machine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_ARM)
        self.machine.ctl_set_cpu_model(names.UC_CPU_ARM_MAX)
        self.machine.mem_map(self._CODE, self._CODE_SIZE)
        self.machine.mem_map(DATA, DATA_SIZE)
        self.machine.reg_write(names.UC_ARM_REG_C1_C0_2, self.machine.reg_read(names.UC_ARM_REG_C1_C0_2) | 0xF << 20)
        self.machine.reg_write(names.UC_ARM_REG_FPEXC, 1 << 30)
        self.machine.hook_add(unicorn.UC_HOOK_INTR, self._interrupt)
        self.interrupt = 0
        self.registers = {name: getattr(names, f"UC_ARM_REG_{name.upper()}") for name in (*CORE, *DOUBLES, "fpscr")}

    def _interrupt(self, machine: Any, number: int, _: object) -> None:
        self.interrupt = number
        machine.emu_stop()

    def run(self, case: Case, before: State) -> Result:
        machine, cpsr = self.machine, self.names.UC_ARM_REG_CPSR
        mode = MODES[case.isa]
        start = Harness.end - len(case.code)
        machine.ctl_remove_cache(self._CODE, self._CODE + self._CODE_SIZE)
        machine.mem_write(start, case.code)
        machine.mem_write(DATA, bytes(before.memory))
        values = before.values
        bits = sum(values[name] << at for name, at in (("n", 31), ("z", 30), ("c", 29), ("v", 28), ("q", 27), ("ge", 16)))
        machine.reg_write(cpsr, _USER_MODE)
        for name, register in self.registers.items():
            machine.reg_write(register, values[name])
        machine.reg_write(cpsr, _USER_MODE | bits | bool(mode & MODE_BIG_ENDIAN) << 9 | bool(mode & MODE_THUMB) << 5)
        self.interrupt, why = 0, "next"
        try:
            machine.emu_start(start | (mode & MODE_THUMB), Harness.end + 0x800, count=1)
        except self.error as e:
            why = "undefined" if e.errno == self.invalid else "next" if machine.reg_read(self.names.UC_ARM_REG_PC) != start else "fault"
        if self.interrupt:
            why = self._INTERRUPTS.get(self.interrupt, f"interrupt {self.interrupt}")
        after = machine.reg_read(cpsr)
        found = {name: machine.reg_read(register) for name, register in self.registers.items()}
        found |= {"n": after >> 31 & 1, "z": after >> 30 & 1, "c": after >> 29 & 1, "v": after >> 28 & 1, "q": after >> 27 & 1, "ge": after >> 16 & 15}
        pc = machine.reg_read(self.names.UC_ARM_REG_PC)
        return Result(State(found, bytearray(machine.mem_read(DATA, DATA_SIZE))), why, pc - start)


def _mode(case: Case, before: State) -> int:
    return MODES[case.isa]


def engines(case: Case) -> tuple[CaseEngine, ...]:
    """All that a case runs on."""
    return _engines()


@functools.cache
def _engines() -> tuple[CaseEngine, ...]:
    return *[Tier(tier, "arm", _mode, put_state, get_state) for tier in ("0", "quick", "1")], Unicorn()
