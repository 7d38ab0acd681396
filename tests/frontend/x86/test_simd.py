"""MMX and SSE instructions on both tiers against the oracle: vector and general registers, flags, MXCSR and memory.

``DBT_FUZZ`` is the number of encodings a row on tier 0 (default 2); tier 1, which compiles each, gets one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from random import Random

import pytest
from unicorn import x86_const as uc

from dbt.abi import x86
from dbt.abi.exits import FAULT_ALIGN, Exit
from dbt.frontend.x86.decode import RIP, Encoding
from dbt.frontend.x86.tables import Row, random_insn, rows
from runtime.vcpu import VCpu
from tests.engine.harness import Harness
from tests.frontend.x86.differential import COMPARED, random_state
from tests.frontend.x86.oracle import DATA, DATA_SIZE, REGISTERS, Oracle, flags_of
from tests.reference_eval import State

ITERATIONS = int(os.environ.get("DBT_FUZZ", "2"))
MODULES = ("simd_integer", "simd_shuffle", "simd_move", "simd_float", "simd_convert", "simd_text")
# Row -> why it is not compared with the oracle here.
UNCOMPARED = {
    "dot": "the oracle adds in another order than processors: see test_native_simd",
    "rcp": "an estimate", "rsqrt": "an estimate",
    "ldmxcsr": "of random bits it is #GP", "maskmov": "needs rDI in the data: see test_system",
}  # fmt: skip
_FLOATS_32 = (
    0, 0x80000000, 0x3F800000, 0xBF800000, 0x7F800000, 0xFF800000, 0x7FC00001, 0x7F800001, 1, 0x807FFFFF, 0x4F000000, 0xCF000000, 0x3F000000, 0x7F7FFFFF,
)  # fmt: skip
_FLOATS_64 = (
    0, 1 << 63, 0x3FF0 << 48, 0x7FF0 << 48, 0xFFF8 << 48 | 5, 0x7FF0 << 48 | 1, 1, 0x41DFFFFFFFE00000, 0x41E0 << 48, 0xC1E0 << 48, 0x3FE0 << 48,
)  # fmt: skip
_FLAGS = sum(bit for bit, _ in x86.MXCSR_FLAGS)
# Known differences: (which encodings, what is wrong with the oracle).
KNOWN: tuple[tuple[Callable[[Encoding, Row], bool], str], ...] = (
    (lambda e, row: bool(e.rex & 5) and ("Pq" in row.text or "Nq" in row.text), "with REX.R or REX.B it finds MMX registers where there are none"),
    (lambda e, row: bool(e.prefix) and e.operand_16, "66 counts as the mandatory prefix even beside F2 and F3"),
    (lambda e, row: row.name.startswith("ph") and e.mod == 3 and e.reg == e.rm, "horizontal operations of a register with itself read what they have written"),
    (lambda e, row: row.name == "cmp" and not 0 <= e.immediates[0] < 8, "it takes bits 3 to 7 of the predicate, which are ignored, as undefined"),
)
CASES = [(arch, row) for arch in ("i386", "x86_64") for row in rows(arch == "x86_64") if row.module in MODULES and row.name not in UNCOMPARED]


def _random_vector(rng: Random) -> int:
    kind = rng.random()
    if kind < 0.35:
        return sum((rng.choice(_FLOATS_32) if rng.random() < 0.6 else rng.getrandbits(32)) << 32 * i for i in range(4))
    if kind < 0.7:
        return sum((rng.choice(_FLOATS_64) if rng.random() < 0.6 else rng.getrandbits(64)) << 64 * i for i in range(2))
    return rng.getrandbits(128) if kind < 0.9 else rng.randrange(20)


class Machines:
    """The oracle and an engine of one arch."""

    def __init__(self, arch: str, tier: str) -> None:
        self.arch = arch
        self.runs = 1 if tier == "0" else 3
        self.harness = Harness(arch, tier)
        self.harness.map(DATA, DATA_SIZE)
        self.oracle = Oracle(arch)
        self.vectors = 16 if arch == "x86_64" else 8
        self.names = [f"xmm{i}" for i in range(self.vectors)] + [f"mm{i}" for i in range(8)]
        # The oracle has MM0 to MM7 as FP0 to FP7 only: pairs of significand, and sign and exponent.
        self.registers = [getattr(uc, f"UC_X86_REG_{name.upper().replace('MM', 'FP') if name[0] == 'm' else name.upper()}") for name in self.names]

    def close(self) -> None:
        self.harness.close()

    def check(self, row: Row, rng: Random) -> bool:
        """One random encoding; True if it was compared."""
        long = self.arch == "x86_64"
        code = random_insn(rng, row, long)
        e = Encoding(code, long)
        if e.base == RIP or any(known(e, row) for known, _ in KNOWN):
            return False
        state, data = random_state(rng, self.arch), b"".join([_random_vector(rng).to_bytes(16, "little") for _ in range(DATA_SIZE // 16)])
        for name in REGISTERS[self.arch]:
            if state[name] == 0xFFFF:  # near the code, which differs
                state[name] = 0
        for name in self.names:
            state[name] = _random_vector(rng) & (1 << (128 if name[0] == "x" else 64)) - 1
        control = x86.MXCSR_INITIAL | rng.choice((0, 0, 0, 1, 2, 3)) << 13 | (0x8040 if rng.random() < 0.1 else 0)
        for slot, value in x86.mxcsr_parts(control).items():
            state[slot] = value
        before = state.copy()
        why, vcpu = self._run(code, state, data)
        if why == Exit.MEMORY_FAULT and vcpu.get("fault_info") & FAULT_ALIGN:
            return False  # the oracle does not check the alignment
        oracle = self.oracle
        for name, register in zip(self.names, self.registers, strict=True):
            oracle.preset[register] = before[name] if name[0] == "x" else (before[name], 0xFFFF)
        oracle.preset[uc.UC_X86_REG_MXCSR] = control
        theirs = bytearray(data)
        stopped, _, flags, registers = oracle.run(code, before, theirs)
        kind = {Exit.FETCH_FAULT: "goto", Exit.MEMORY_FAULT: "fault"}.get(why, "undefined")
        listing = f"{self.arch} {row.text}: bytes {code.hex()}, MXCSR {control:#x}"
        assert kind == stopped, listing
        if kind != "goto":
            return True
        mine = {name: vcpu.get(name) for name in (*REGISTERS[self.arch], *self.names)}
        want = dict(zip(REGISTERS[self.arch], registers, strict=True)) | self._vectors()
        got_flags = State(self.arch)
        for slot in (*x86.FLAG_SLOTS, "df", "eflags"):
            got_flags[slot] = vcpu.get(slot)
        mine["eflags"], want["eflags"] = flags_of(got_flags) & COMPARED, flags & COMPARED
        mine["mxcsr"] = x86.mxcsr({slot: vcpu.get(slot) for slot in ("mxcsr", "fp_flags")})
        mine["mxcsr"] &= ~_FLAGS  # the oracle does not keep them; tests/kernels compares them with the host processor's
        want["mxcsr"] = oracle.uc.reg_read(uc.UC_X86_REG_MXCSR) & ~_FLAGS
        wrong = {name: (hex(value), hex(want[name])) for name, value in mine.items() if value != want[name]}
        assert not wrong, f"{listing}: {wrong}; vectors before: { {n: hex(before[n]) for n in self.names[:8]} }"
        assert self.harness.memory.read(DATA, DATA_SIZE) == bytes(theirs), listing
        return True

    def _vectors(self) -> dict[str, int]:
        """The oracle's."""
        read = self.oracle.uc.reg_read
        return {name: read(r) if name[0] == "x" else read(r)[0] for name, r in zip(self.names, self.registers, strict=True)}

    def _run(self, code: bytes, state: State, data: bytes) -> tuple[Exit, VCpu]:
        harness = self.harness
        vcpu = harness.vcpu
        start = harness.load(code)
        for _ in range(self.runs):
            harness.memory.poke(DATA, data)
            for slot in state.layout.slots:
                vcpu.put(slot, state[slot])
            for name in self.names:
                vcpu.put(name, state[name])
            vcpu.pc, vcpu.mode = start, 0
            why = harness.engine.run(vcpu)
        return why, vcpu


@pytest.fixture(scope="module", params=["0", "1"], ids=["tier0", "tier1"])
def machines(request: pytest.FixtureRequest) -> Iterator[dict[str, Machines]]:
    made = {arch: Machines(arch, request.param) for arch in ("i386", "x86_64")}
    yield made
    for machine in made.values():
        machine.close()


@pytest.mark.parametrize("arch", ["i386", "x86_64"])
@pytest.mark.parametrize("module", MODULES)
def test_rows(machines: dict[str, Machines], arch: str, module: str) -> None:
    machine = machines[arch]
    wanted = [row for of, row in CASES if of == arch and row.module == module]
    if machine.runs > 1:
        wanted = Random(module).sample(wanted, min(8, len(wanted)))
    for row in wanted:
        rng = Random(f"{arch} {row.text}")
        compared = 0
        for _ in range(20 * ITERATIONS):
            compared += machine.check(row, rng)
            if compared >= (ITERATIONS if machine.runs == 1 else 1):
                break
