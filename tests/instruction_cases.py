"""One-line instruction cases: reading them, and running them in all tiers and on an oracle. docs/testing.md has the format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, Protocol
from unittest import mock

from dbt.abi.archs import LAYOUTS
from dbt.abi.cpu import SPACE_BITS_32
from dbt.abi.exits import EXCEPTIONS, Exit
from runtime.vcpu import VCpu
from tests import case_numbers
from tests.engine.harness import Harness

DATA, DATA_SIZE = 0x40000, 0x2000  # the two pages of memory a case may use; all of it is part of the state
GUESTS = {"a32": "arm", "t32": "arm", "a32be": "arm", "t32be": "arm", "i386": "x86", "x86-64": "x86"}  # instruction set -> module tests.*_cases
UNDEFINED = None  # in ``Case.after``: the architecture leaves it open
EMPTY = -1  # a register without a number: of the x87

_LINE = re.compile(r"(?P<isa>[\w-]+)\s+(?P<what>\[[^]]*\]|[^|]*?)\s*(\|(?P<before>.*?))?=>(?P<after>.*)")


@dataclass
class State:
    """``values``: name -> number, as the guest's module has them; ``memory``: the bytes from DATA."""

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


def assemble(assembler: Any, what: str, address: int) -> bytes:
    """What keystone's *assembler* makes of the instruction *what*, which will stand at *address*."""
    from keystone import KsError

    try:
        made, _ = assembler.asm(what, address)
    except KsError as e:
        raise CaseError(f"{what}: {e}: write its bytes in brackets") from None
    if not made:
        raise CaseError(f"{what}: no instruction")
    return bytes(made)


def _guest(isa: str) -> Any:
    """The module of an instruction set: ``values``, ``code``, ``complete``, ``random_values`` and ``engines``."""
    return import_module(f"tests.{GUESTS[isa]}_cases")


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
    isa = match["isa"]
    if isa not in GUESTS:
        raise CaseError(f"{isa}: no instruction set; there are {', '.join(GUESTS)}")
    guest = _guest(isa)
    what = match["what"]
    case = Case(text, isa, bytes.fromhex(what.strip("[]")) if what.startswith("[") else guest.code(isa, what))
    case.pc = len(case.code)
    for setting in (match["before"] or "").split():
        name, value = _setting(setting)
        if name[0] == "[":
            case.before_memory[_address(name)] = case_numbers.memory(value)
        else:
            case.before.update(guest.values(isa, name, _number(value)))
    for setting in match["after"].split():
        name, value = _setting(setting)
        if name == "exit":
            if value not in ("syscall", "fault", "yield", *EXCEPTIONS):
                raise CaseError(f"exit={value}: unknown")
            case.exit = value
        elif name == "pc":
            case.pc = int(value, 0)
        elif name[0] == "[":
            case.after_memory[_address(name)] = case_numbers.memory(value)
        elif value == "undef":
            case.after.update(dict.fromkeys(guest.values(isa, name, 0), UNDEFINED))
        else:
            case.after.update(guest.values(isa, name, _number(value)))
    guest.complete(case)
    return case


def _number(text: str) -> int:
    if text == "empty":
        return EMPTY
    try:
        return case_numbers.number(text)
    except (ValueError, KeyError):
        raise CaseError(f"{text}: no number") from None


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


# States ------------------------------------------------------------------------------------------------------------------
def random_state(isa: str, rng: Random) -> State:
    values = _guest(isa).random_values(isa, rng)
    return State(values, bytearray(rng.randbytes(DATA_SIZE)))


def start_state(case: Case, seed: int) -> State:
    """The random state of *seed* with what the case names."""
    state = random_state(case.isa, Random(seed))
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
    """Runs one instruction from a state. None: nothing more is known than that it leaves as the case says."""

    name: str

    def run(self, case: Case, before: State) -> Result | None: ...


class Tier:
    """Our engine at one tier. Tier 1 runs the case until it is compiled, and reports that run."""

    def __init__(self, tier: str, arch: str, mode: Callable[[Case, State], int], put_state: Callable[[VCpu, State], None],
                 get_state: Callable[[VCpu], dict[str, int]], **options: Any) -> None:  # fmt: skip
        self.name = " ".join([f"tier {tier}", *options.values()])
        with mock.patch.object(LAYOUTS[arch], "space_bits", SPACE_BITS_32):  # these engines stay, and other tests need more of this process's address space
            self.harness = Harness(arch, tier, **options)
        self.mode, self.put_state, self.get_state = mode, put_state, get_state
        self.runs = 1 if tier == "0" else 3
        self.harness.map(DATA, DATA_SIZE)

    def run(self, case: Case, before: State) -> Result:
        harness = self.harness
        vcpu = harness.vcpu
        start = harness.load(case.code)
        for _ in range(self.runs):
            harness.memory.poke(DATA, bytes(before.memory))
            self.put_state(vcpu, before)
            vcpu.pc, vcpu.mode = start, self.mode(case, before)
            vcpu.clear_reservation()
            why = harness.engine.run(vcpu)
        state = State(self.get_state(vcpu), bytearray(harness.memory.read(DATA, DATA_SIZE)))
        return Result(state, _exit_name(why, vcpu), vcpu.pc - start)


def _exit_name(why: Exit, vcpu: VCpu) -> str:
    if why == Exit.FETCH_FAULT:
        return "next"
    if why == Exit.EXCEPTION:
        number = vcpu.get("exit_arg")
        return next(name for name, (code, _) in EXCEPTIONS.items() if code == number)
    return {Exit.SYSCALL: "syscall", Exit.MEMORY_FAULT: "fault", Exit.YIELD: "yield"}.get(why, why.name.lower())


def check(case: Case, seed: int) -> list[str]:
    """Run *case* everywhere; what is wrong, a line each."""
    before = start_state(case, seed)
    found = []
    for engine in _guest(case.isa).engines(case):
        got = engine.run(case, before.copy())
        if got is not None:
            found += [f"{engine.name}: {text}" for text in findings(case, before, got)]
    return found
