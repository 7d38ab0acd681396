"""One-line instruction cases: reading them, and running them on both tiers and on unicorn. docs/testing.md has the format."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Protocol

from dbt.abi.arm import MODE_BIG_ENDIAN, MODE_THUMB
from dbt.abi.exits import EXCEPTIONS, Exit
from runtime.linux.sigframe import get_fpscr, put_fpscr
from runtime.vcpu import VCpu
from tests.engine.harness import Harness

DATA, DATA_SIZE = 0x40000, 0x1000  # the memory a case may use; all of it is part of the state
MODES = {"a32": 0, "t32": MODE_THUMB, "a32be": MODE_BIG_ENDIAN, "t32be": MODE_THUMB | MODE_BIG_ENDIAN}
CORE = tuple(f"r{i}" for i in range(15))
FLAGS = ("n", "z", "c", "v", "q", "ge")
DOUBLES = tuple(f"d{i}" for i in range(32))
_USER_MODE = 0x10  # CPSR.M
UNDEFINED = None  # in ``Case.after``: the architecture leaves it open

_LINE = re.compile(r"(?P<isa>\w+)\s+(?P<what>\[[^]]*\]|[^|]*?)\s*(\|(?P<before>.*?))?=>(?P<after>.*)")


@dataclass
class State:
    """``values``: CORE, FLAGS, DOUBLES and "fpscr"; ``memory``: the bytes from DATA."""

    values: dict[str, int]
    memory: bytearray

    def copy(self) -> State:
        return State(dict(self.values), bytearray(self.memory))


@dataclass
class Case:
    """One line. ``before`` and ``after`` hold what it names: values, and memory as address -> bytes; ``exit`` is how it leaves ("next" or an exception)."""

    line: str
    isa: str
    code: bytes
    before: dict[str, int] = field(default_factory=dict)
    before_memory: dict[int, bytes] = field(default_factory=dict)
    after: dict[str, int | None] = field(default_factory=dict)
    after_memory: dict[int, bytes] = field(default_factory=dict)
    exit: str = "next"
    pc: int = 0  # where it leaves to, counted from the instruction


class CaseError(Exception):
    """A line that is no case: the message says why."""


def read(path: Path) -> Iterator[tuple[int, str]]:
    """(line number, text) of the cases of a file; ``#`` starts a comment."""
    for number, text in enumerate(path.read_text().splitlines(), 1):
        text = text.strip()
        if text and not text.startswith("#"):
            yield number, text


def parse(text: str) -> Case:
    """The case that *text* is."""
    match = _LINE.fullmatch(text)
    if match is None:
        raise CaseError(f"not 'ISA INSTRUCTION | BEFORE => AFTER': {text}")
    if match["isa"] not in MODES:
        raise CaseError(f"{match['isa']}: no instruction set; there are {', '.join(MODES)}")
    case = Case(text, match["isa"], _code(match["isa"], match["what"]))
    case.pc = len(case.code)
    for setting in (match["before"] or "").split():
        name, value = _setting(setting)
        if name[0] == "[":
            case.before_memory[_address(name)] = bytes.fromhex(value)
        else:
            case.before.update(_values(name, int(value, 0)))
    for setting in match["after"].split():
        name, value = _setting(setting)
        if name == "exit":
            if value not in ("syscall", "fault", "yield", *EXCEPTIONS):
                raise CaseError(f"exit={value}: unknown")
            case.exit = value
        elif name == "pc":
            case.pc = int(value, 0)
        elif name[0] == "[":
            case.after_memory[_address(name)] = bytes.fromhex(value)
        elif value == "undef":
            case.after.update(dict.fromkeys(_values(name, 0), UNDEFINED))
        else:
            case.after.update(_values(name, int(value, 0)))
    return case


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not value:
        raise CaseError(f"{text}: not NAME=VALUE")
    return name, value


def _address(name: str) -> int:
    address = int(name.strip("[]"), 0)
    if not DATA <= address < DATA + DATA_SIZE:
        raise CaseError(f"{name}: memory of cases is {DATA:#x} to {DATA + DATA_SIZE - 1:#x}")
    return address


def _values(name: str, value: int) -> dict[str, int]:
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


def _code(isa: str, what: str) -> bytes:
    if what.startswith("["):
        return bytes.fromhex(what.strip("[]"))
    import keystone

    assembler = _assembler(bool(MODES[isa] & MODE_THUMB))
    try:
        made, _ = assembler.asm(what, Harness.end - 4)
        if made and len(made) != 4:  # branches count from where the code will stand
            made, _ = assembler.asm(what, Harness.end - len(made))
    except keystone.KsError as e:
        raise CaseError(f"{what}: {e}: write its bytes in brackets") from None
    if not made:
        raise CaseError(f"{what}: no instruction")
    return bytes(made)


# States ------------------------------------------------------------------------------------------------------------------
def random_state(rng: Random) -> State:
    values = {name: rng.getrandbits(32) for name in CORE}
    values |= {name: rng.getrandbits(1) for name in FLAGS[:5]}
    values |= {name: rng.getrandbits(64) for name in DOUBLES}
    values["ge"] = rng.getrandbits(4)
    values["fpscr"] = rng.getrandbits(32) & 0xF0000000
    return State(values, bytearray(rng.randbytes(DATA_SIZE)))


def start_state(case: Case, seed: int) -> State:
    """The random state of *seed* with what the case names."""
    state = random_state(Random(seed))
    state.values.update(case.before)
    for address, data in case.before_memory.items():
        state.memory[address - DATA : address - DATA + len(data)] = data
    return state


@dataclass
class Result:
    """The state after a run, how it left ("next" or an exit's name), and where to, counted from the instruction."""

    state: State
    exit: str
    pc: int


def findings(case: Case, before: State, got: Result) -> list[str]:
    """What is not as the case says, a line each."""
    want = before.copy()
    want.values.update({name: value for name, value in case.after.items() if value is not None})
    for address, data in case.after_memory.items():
        want.memory[address - DATA : address - DATA + len(data)] = data
    found = []
    if got.exit != case.exit:
        found.append(f"exit={got.exit}, not {case.exit}")
    elif case.exit == "next" and got.pc != case.pc:
        found.append(f"pc={got.pc:+}, not {case.pc:+}")
    for name, value in want.values.items():
        if name in case.after and case.after[name] is UNDEFINED:
            continue
        if got.state.values[name] != value:
            found.append(f"{name}={got.state.values[name]:#x}, not {value:#x} (before: {before.values[name]:#x})")
    found += [f"[{DATA + i:#x}]={a:02x}, not {b:02x}" for i, (a, b) in enumerate(zip(got.state.memory, want.memory, strict=True)) if a != b][:8]
    return found


# Engines -----------------------------------------------------------------------------------------------------------------
class CaseEngine(Protocol):
    """Runs one instruction from a state."""

    name: str

    def run(self, case: Case, before: State) -> Result: ...


class Tier:
    """Our engine at one tier. Tier 1 runs the case until it is compiled, and reports that run."""

    def __init__(self, tier: str) -> None:
        self.name = f"tier {tier}"
        self.harness = Harness("arm", tier)
        self.runs = 1 if tier == "0" else 3
        self.harness.map(DATA, DATA_SIZE)

    def run(self, case: Case, before: State) -> Result:
        harness = self.harness
        vcpu = harness.vcpu
        start = harness.load(case.code)
        for _ in range(self.runs):
            harness.memory.poke(DATA, bytes(before.memory))
            put_state(vcpu, before)
            vcpu.pc, vcpu.mode = start, MODES[case.isa]
            vcpu.clear_reservation()
            why = harness.engine.run(vcpu)
        state = State(get_state(vcpu), bytearray(harness.memory.read(DATA, DATA_SIZE)))
        return Result(state, _exit_name(why, vcpu), vcpu.pc - start)


def _exit_name(why: Exit, vcpu: VCpu) -> str:
    if why == Exit.FETCH_FAULT:
        return "next"
    if why == Exit.EXCEPTION:
        number = vcpu.get("exit_arg")
        return next(name for name, (code, _) in EXCEPTIONS.items() if code == number)
    return {Exit.SYSCALL: "syscall", Exit.MEMORY_FAULT: "fault", Exit.YIELD: "yield"}.get(why, why.name.lower())


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


@functools.cache
def engines() -> tuple[CaseEngine, ...]:
    """All that a case runs on."""
    return Tier("0"), Tier("1"), Unicorn()


def check(case: Case, seed: int) -> list[str]:
    """Run *case* everywhere; what is wrong, a line each."""
    before = start_state(case, seed)
    return [f"{engine.name}: {text}" for engine in engines() for text in findings(case, before, engine.run(case, before.copy()))]
