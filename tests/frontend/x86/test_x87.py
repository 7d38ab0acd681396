"""x87 instructions on both tiers against the host's processor: registers, tags, status, control, memory, EFLAGS and AX, bit for bit.

``DBT_FUZZ`` is the number of random states a row on tier 0 (default 12); tier 1, which compiles each, gets a twelfth.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from random import Random

import pytest

from dbt.abi import x86
from dbt.abi.exits import EXCEPTIONS, Exit
from dbt.frontend.x86.decode import Encoding
from dbt.frontend.x86.tables import Row, random_insn, rows
from dbt.ir.x87 import C1
from tests.engine.harness import Harness
from tests.frontend.x86.differential import COMPARED
from tests.frontend.x86.native import X87, Native, random_number, random_x87
from tests.frontend.x86.oracle import flags_of, set_flags
from tests.reference_eval import State

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the oracle is an x86-64 host")
ITERATIONS = int(os.environ.get("DBT_FUZZ", "12"))
TIER_1_ITERATIONS = max(1, ITERATIONS // 12)
DATA = 0x40000
_MEMORY = 112
_NUMBER_ROWS = [row for row in rows(True) if row.module == "x87"]
_CONTROL_ROWS = [row for row in rows(True) if row.module == "x87_control"]
_POINTERS = range(12, 26)  # of an environment in memory: those to the last instruction and operand, which are not kept
_TIER_1_RUNS = 3
_VAGUE_C1 = (0xDA, 0xDB, 0xDF)  # FCMOVcc, FCOMI: Intel's processors clear C1, AMD's leave it; for FFREE it is undefined


class Machines:
    def __init__(self, tier: str, arch: str = "x86_64") -> None:
        self.harness = Harness(arch, tier)
        self.harness.map(DATA, 0x1000)
        self.native = Native()
        self.runs = _TIER_1_RUNS if tier == "1" else 1

    def close(self) -> None:
        self.harness.close()
        self.native.close()

    def _set(self, before: X87, eflags: int, rax: int, memory: bytes) -> None:
        vcpu = self.harness.vcpu
        self.harness.memory.poke(DATA, memory)
        present = sum(1 << i for i in range(8) if before.tags >> 2 * i & 3 != 3)
        for slot, value in (("fcw", before.control), ("fsw", before.status & ~0x3800), ("ftop", before.top), ("ftw", present), ("rax", rax), ("rcx", DATA)):
            vcpu.put(slot, value)
        for i, (significand, exponent) in enumerate(before.registers):
            vcpu.put(f"fpr{(before.top + i) & 7}m", significand)
            vcpu.put(f"fpr{(before.top + i) & 7}e", exponent)
        state = State("x86_64")
        set_flags(state, eflags)
        for slot in (*x86.FLAG_SLOTS, "df", "eflags"):
            vcpu.put(slot, state[slot])

    def check(self, code: bytes, before: X87, memory: bytes, eflags: int = 0x202, rax: int = 0) -> str:
        """Run on both; "" if all agrees."""
        vcpu = self.harness.vcpu
        theirs = self.native.run(code, before, memory, eflags, rax)
        start = self.harness.load(code)
        for _ in range(self.runs):
            self._set(before, eflags, rax, memory)
            vcpu.pc, vcpu.mode = start, 0
            why = self.harness.engine.run(vcpu)
        if why == Exit.EXCEPTION:
            assert vcpu.get("exit_arg") == EXCEPTIONS["fp"][0]
            return "" if theirs is None or self._store_stops_early(code, before, theirs[0]) else "we stopped by #MF"
        if theirs is None:
            return f"#MF for the processor, {why} for us"
        after, operand, flags, rax_after = theirs
        differences = []

        def compare(name: str, mine: int, other: int) -> None:
            if mine != other:
                differences.append(f"{name} is {mine:#x}, not {other:#x}")

        compare("fcw", vcpu.get("fcw"), after.control)
        vague = C1 if code[0] in _VAGUE_C1 and code[-1] >> 6 == 3 or code[0] == 0xDD and code[1] >> 3 == 0xC0 >> 3 else 0
        compare("fsw", (vcpu.get("fsw") | vcpu.get("ftop") << 11) & ~vague, after.status & ~vague)
        for i in range(8):
            number = (after.top + i) & 7
            mine = (vcpu.get(f"fpr{number}m"), vcpu.get(f"fpr{number}e"))
            empty = after.tags >> 2 * number & 3 == 3
            compare(f"tag {number}", vcpu.get("ftw") >> number & 1, int(not empty))
            if mine != after.registers[i] and not empty:
                differences.append(f"st({i}) is {mine[1]:04x}.{mine[0]:016x}, not {after.registers[i][1]:04x}.{after.registers[i][0]:016x}")
        mine_memory = bytearray(self.harness.memory.read(DATA, len(memory)))
        if code[0] in (0xD9, 0xDD) and code[-1] >> 3 == 6:  # FNSTENV, FNSAVE
            for at in _POINTERS:
                mine_memory[at] = operand[at]
        if bytes(mine_memory) != operand:
            differences.append(f"memory is {mine_memory[:28].hex()}, not {operand[:28].hex()}")
        state = State("x86_64")
        for slot in (*x86.FLAG_SLOTS, "df", "eflags"):
            state[slot] = vcpu.get(slot)
        compare("eflags", flags_of(state) & COMPARED, flags & COMPARED)
        compare("rax", vcpu.get("rax"), rax_after)
        return "; ".join(differences)

    @staticmethod
    def _store_stops_early(code: bytes, before: X87, after: X87) -> bool:
        """A store that raises an unmasked exception stops at once here; a processor stops at the next x87 instruction."""
        return bool(after.status & ~before.status & x86.FSW_SUMMARY) and code[0] in (0xD9, 0xDB, 0xDD, 0xDF) and code[1] < 0xC0


def _code(row: Row, rng: Random) -> bytes:
    """An encoding of *row* whose memory operand is [rcx]."""
    e = Encoding(random_insn(rng, row, True), True)
    if e.map or e.opcode == 0x9B:
        return bytes([e.opcode])
    return bytes([e.opcode, (0xC0 | e.rm & 7 if e.mod == 3 else 1) | (e.reg & 7) << 3])


@pytest.fixture(scope="module", params=["0", "1"], ids=["tier0", "tier1"])
def machines(request: pytest.FixtureRequest) -> Iterator[Machines]:
    made = Machines(str(request.param))
    yield made
    made.close()


def _operand(rng: Random, row: Row) -> bytes:
    """What memory holds: an extended number, a double, a float, an integer, or digits."""
    significand, exponent = random_number(rng)
    if "bcd" in row.text:
        return bytes([rng.randrange(10) << 4 | rng.randrange(10) for _ in range(9)] + [rng.choice((0, 0x80))]).ljust(_MEMORY, b"\xa5")
    kind = rng.random()
    ten = significand.to_bytes(8, "little") + exponent.to_bytes(2, "little")
    if kind < 0.5 and "f80" not in row.text:
        sign, magnitude = exponent >> 15, exponent & 0x7FFF
        if "f64" in row.text:
            ten = (sign << 63 | (magnitude & 0x7FF) << 52 | significand >> 11 & (1 << 52) - 1).to_bytes(8, "little")
        else:
            ten = (sign << 31 | (magnitude & 0xFF) << 23 | significand >> 40 & (1 << 23) - 1).to_bytes(4, "little")
    return ten.ljust(_MEMORY, b"\xa5")


@pytest.mark.parametrize("row", _NUMBER_ROWS, ids=lambda row: row.text.replace(" ", "_"))
def test_numbers(machines: Machines, row: Row) -> None:
    rng = Random(row.text)
    for _ in range(ITERATIONS if machines.runs == 1 else TIER_1_ITERATIONS):
        code, before = _code(row, rng), random_x87(rng)
        memory, eflags = _operand(rng, row), 0x202 | rng.getrandbits(12) & COMPARED & ~x86.DF
        found = machines.check(code, before, memory, eflags, rng.getrandbits(64))
        assert not found, f"{row.text}: {code.hex()} with {before}, memory {memory[:10].hex()}: {found}"


def _environment(rng: Random, before: X87) -> bytes:
    """What FLDENV and FRSTOR load: a state with its reserved fields at will."""
    image = random_x87(rng).image()
    return image.ljust(_MEMORY, b"\xa5")


@pytest.mark.parametrize("row", _CONTROL_ROWS, ids=lambda row: row.text.replace(" ", "_"))
def test_control(machines: Machines, row: Row) -> None:
    rng = Random(row.text)
    for _ in range(ITERATIONS if machines.runs == 1 else TIER_1_ITERATIONS):
        code, before = _code(row, rng), random_x87(rng)
        found = machines.check(code, before, _environment(rng, before), rax=rng.getrandbits(64))
        assert not found, f"{row.text}: {code.hex()} with {before}: {found}"


@pytest.mark.parametrize("code", ["ddd9", "d9e8", "9b", "d901", "dd19", "d9f6", "d929"])
def test_a_pending_exception_stops_waiting_instructions(machines: Machines, code: str) -> None:
    before = X87(0x37B, 0x8084 | 5 << 11, 0, tuple([(1 << 63, 0x3FFF)] * 8))
    machines._set(before, 0x202, 0, bytes(_MEMORY))
    why, vcpu = machines.harness.run(bytes.fromhex(code))
    assert (why, vcpu.get("exit_arg")) == (Exit.EXCEPTION, EXCEPTIONS["fp"][0])
    assert vcpu.pc == machines.harness.end - len(code) // 2
    assert (vcpu.get("fsw"), vcpu.get("ftop"), vcpu.get("ftw")) == (before.status & ~0x3800, 5, 0xFF)


@pytest.mark.parametrize("code", ["dbe2", "dbe3", "dfe0", "d939"])
def test_a_pending_exception_does_not_stop_the_others(machines: Machines, code: str) -> None:
    """FNCLEX, FNINIT, FNSTSW, FNSTCW."""
    machines._set(X87(0x37B, 0x8084, 0, tuple([(1 << 63, 0x3FFF)] * 8)), 0x202, 0, bytes(_MEMORY))
    assert machines.harness.run(bytes.fromhex(code))[0] == Exit.FETCH_FAULT


@pytest.mark.parametrize("code", ["dd19", "d919", "db39", "df39", "df31"])
def test_a_store_that_faults_changes_nothing(machines: Machines, code: str) -> None:
    """1 / 3 in memory that is not mapped: no pop, no Precision flag."""
    machines._set(X87(0x37F, 0, 0, tuple([(0xAAAAAAAAAAAAAAAB, 0x3FFD)] * 8)), 0x202, 0, bytes(_MEMORY))
    machines.harness.vcpu.put("rcx", DATA + 0x100000)
    why, vcpu = machines.harness.run(bytes.fromhex(code))
    assert (why, vcpu.get("fsw"), vcpu.get("ftop"), vcpu.get("ftw")) == (Exit.MEMORY_FAULT, 0, 0, 0xFF)


def test_tier_1_has_compiled(machines: Machines) -> None:
    """The tests above ran compiled code, if that is what they were to run."""
    machines.check(b"\xd9\xe8", X87(0x37F, 0, 0xFFFF, tuple([(0, 0)] * 8)), bytes(_MEMORY))
    assert bool(machines.harness.engine.stats().get("regions_compiled")) == (machines.runs > 1)
