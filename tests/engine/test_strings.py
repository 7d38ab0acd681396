"""Repeated string instructions, of which engines do many steps at once: against a model that does them one by one."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from dbt.abi.exclusive import SCHEMES
from dbt.abi.exits import Exit
from dbt.abi.memory import PAGE_READ, PAGE_SIZE, PAGE_VALID
from dbt.backend.tier0.encode import encode
from dbt.ir.text import parse_unit
from runtime.templates import pack
from tests.engine.harness import Harness

DATA = 0x40000  # two pages, then one that can only be read, then none
READ_ONLY = DATA + 2 * PAGE_SIZE
END = READ_ONLY + PAGE_SIZE
MASK = (1 << 64) - 1
FLAGS = {"zf": 0x1234, "sf": 1}  # which no comparison here leaves
PREFIXES = {"rep": "f3", "repne": "f2"}
OPCODES = {"movs": 0xA4, "cmps": 0xA6, "stos": 0xAA, "scas": 0xAE}
WIDTHS = {1: ("", 0), 2: ("66", 1), 4: ("", 1), 8: ("48", 1)}  # bytes of an element: prefix, bit 0 of the opcode


@pytest.fixture(scope="module", params=["0", "quick", "1"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    made = Harness("x86_64", request.param)
    made.map(DATA, 2 * PAGE_SIZE)
    made.map(READ_ONLY, PAGE_SIZE, PAGE_VALID | PAGE_READ)
    yield made
    made.close()


class Model:
    """One step after another; ``zero`` is the outcome of the last comparison. ``fault`` is the address where it ended early, or None."""

    def __init__(self, name: str, size: int, memory: bytes, regs: dict[str, int], df: int, equal: bool) -> None:
        self.memory, self.regs, self.zero = bytearray(memory), dict(regs), None
        self.fault: int | None = None
        step = -size if df else size
        while self.regs["rcx"]:
            try:
                self._step(name, size)
            except IndexError as error:
                self.fault = error.args[0]
                return
            for register in {"movs": ("rsi", "rdi"), "cmps": ("rsi", "rdi")}.get(name, ("rdi",)):
                self.regs[register] = (self.regs[register] + step) & MASK
            self.regs["rcx"] -= 1
            if self.zero is not None and self.zero != equal:
                return

    def _at(self, address: int, size: int, end: int) -> slice:
        for byte in range(address, address + size):
            if not DATA <= byte < end:
                raise IndexError(byte)
        return slice(address - DATA, address - DATA + size)

    def _step(self, name: str, size: int) -> None:
        si, di, value = self.regs["rsi"], self.regs["rdi"], self.regs["rax"].to_bytes(8, "little")[:size]
        if name in ("movs", "cmps"):
            value = self.memory[self._at(si, size, END)]
        target = self._at(di, size, READ_ONLY if name in ("movs", "stos") else END)
        if name in ("movs", "stos"):
            self.memory[target] = value
        else:
            self.zero = self.memory[target] == value


def check(harness: Harness, rng: Random, name: str, size: int) -> None:
    compares = name in ("scas", "cmps")
    prefix = rng.choice(("rep", "repne")) if compares else "rep"
    width, odd = WIDTHS[size]
    text = f"{width if width == '66' else ''}{PREFIXES[prefix]}{width if width != '66' else ''}{OPCODES[name] | odd:02x}"
    data = bytes(rng.choice((7, 7, 7, 7, rng.getrandbits(8))) for _ in range(64)) * (3 * PAGE_SIZE // 64)
    if rng.random() < 0.5:
        data = bytes([7]) * len(data)
    df = int(rng.random() < 0.2)
    si = rng.randrange(DATA, END, rng.choice((1, 8)))
    near = rng.choice((-9, -8, -1, 0, 1, 3, 4, 8, 9, PAGE_SIZE)) if rng.random() < 0.5 else rng.randint(DATA - si, END - si)
    regs = {"rsi": si, "rdi": max(DATA, min(END - 1, si + near)), "rax": 0x0707070707070707, "rcx": rng.choice((0, 1, 2, 17, 1000, 5000, MASK))}
    model = Model(name, size, data, regs, df, prefix == "rep")
    before = {DATA + at: data[at : at + PAGE_SIZE] for at in range(0, len(data), PAGE_SIZE)}
    exit, vcpu = harness.run(bytes.fromhex(text), 0, {**regs, **FLAGS, "df": df}, before)
    said = f"{prefix} {name} of {size} bytes, df {df}, {regs}"
    assert exit is (Exit.FETCH_FAULT if model.fault is None else Exit.MEMORY_FAULT), said
    assert {register: vcpu.get(register) for register in regs} == model.regs, said
    if model.fault is not None:
        assert vcpu.get("fault_addr") == model.fault, said
        assert (vcpu.get("zf"), vcpu.get("sf")) == (FLAGS["zf"], FLAGS["sf"]), f"{said}: flags as before"
    if model.fault is None and model.zero is not None:
        assert (vcpu.get("zf") == 0) == model.zero, said
    assert harness.memory.read(DATA, len(data)) == bytes(model.memory), said


@pytest.mark.parametrize("size", WIDTHS)
@pytest.mark.parametrize("name", OPCODES)
def test_as_one_by_one(harness: Harness, name: str, size: int) -> None:
    rng = Random(f"{name} {size}")
    for _ in range(25):
        check(harness, rng, name, size)


LINK = "unit link arch=x86_64\nb0:\n  %0:i64 = const.i64 {at:#x}\n  %1:i32 = ldlink.i32 %0\n  %2:i64 = const.i64 0x0\n  %3:i32 = const.i32 0x0\n  halt %2, %3\n"
FILL = """unit fill arch=x86_64
b0:
  %0:i64 = const.i64 {at:#x}
  %1:i64 = const.i64 0x8
  %2:i64 = string_fill.i64 %0, %1, %1 lane=8
  put.i64 %2, rcx
  %3:i32 = const.i32 0x0
  halt %0, %3
"""


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_exclusive_page_is_left_to_single_steps(scheme: str) -> None:
    """A reservation hears of every store: where somebody may hold one, or every store is to be tagged, nothing is done at once."""
    harness = Harness("x86_64", atomics=scheme)
    harness.map(DATA, PAGE_SIZE)
    other = harness.engine.new_vcpu()
    for number, (vcpu, text) in enumerate(((harness.vcpu, FILL), (other, LINK), (harness.vcpu, FILL))):
        code = bytes((0x0F, 0x1F, 0x40, number))  # a NOP, which means something else here
        harness.engine.templates.add(pack(encode(parse_unit(text.format(at=DATA)), 4, 0, True), 0, code, 0, True))
        vcpu.pc, vcpu.mode = harness.load(code), 0
        assert harness.engine.run(vcpu) is Exit.HALT
        if number == 0:
            assert vcpu.get("rcx") == (0 if scheme == "hst" else 8)
    assert harness.vcpu.get("rcx") == (8 if scheme == "cas" else 0)
    harness.close()
