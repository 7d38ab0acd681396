"""Random straight-line guest code on tier 0 and tier 1 against the reference engine: whole state and memory, at the end or at a fault.

``DBT_FUZZ`` is the number of programs a tier and arch, divided by 4 for tier 1.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

import pytest

from dbt.abi.exits import Exit
from dbt.abi.memory import PAGE_MASK, PAGE_SIZE
from dbt.abi.x86 import FLAG_SLOTS, REGISTERS_32, REGISTERS_64
from dbt.frontend.base import lift_insn
from dbt.frontend.x86 import FRONTENDS
from dbt.frontend.x86.decode import Encoding
from dbt.frontend.x86.tables import TableError, random_insn, rows
from dbt.ir.unit import Unit
from tests.engine.harness import Harness
from tests.frontend.x86.differential import random_state
from tests.frontend.x86.oracle import DATA, DATA_MIDDLE, DATA_SIZE, flags_of
from tests.reference_eval import Evaluator, Memory, State

PROGRAMS = int(os.environ.get("DBT_FUZZ", "12"))
LENGTH = 14
PROGRAM_AREA = 0x75300000  # no address that the registers are likely to give
BASES = {"i386": ("esi", "ebp", "esp"), "x86_64": ("rsi", "rbp", "r13", "rsp")}  # point into the data; no instruction of a program writes them
REGISTERS = {"i386": REGISTERS_32, "x86_64": REGISTERS_64}
_TIER_1_RUNS = 3  # the first ones count and compile
_LEFT_OUT = ("rdtsc", "rdtscp", "pop_segment", "mov_to_segment", "leave", "xlat", "lods", "movs", "cmps", "popa", "popf")


def _steps(rng: Random, arch: str) -> Iterator[tuple[bytes, Unit]]:
    long = arch == "x86_64"
    wanted = [row for row in rows(long) if row.name not in _LEFT_OUT and not row.module.startswith(("simd", "fxsave", "x87"))]
    names = REGISTERS[arch]
    bases = {names.index(name) for name in BASES[arch]}
    made = 0
    while made < LENGTH:
        row = rng.choice(wanted)
        try:
            code = random_insn(rng, row, long)
        except TableError:
            continue
        e = Encoding(code, long)
        odd = e.base not in bases or e.index is not None or abs(e.displacement) > 0x400 or e.address_size != (64 if long else 32)
        if e.mod != 3 and odd:
            continue
        unit, lifted = lift_insn(FRONTENDS[arch], 0, code)
        if lifted.ends or any(inst.op.name == "put" and inst.attr("slot") in BASES[arch] for inst in unit.insts()):
            continue
        yield code, unit
        made += 1


@pytest.fixture(scope="module", params=["0", "1"], ids=["tier0", "tier1"])
def tier(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _view(get: State, arch: str) -> dict[str, int]:
    return {name: get[name] for name in REGISTERS[arch]} | {"eflags": flags_of(get)}


@pytest.mark.parametrize("arch", ["i386", "x86_64"])
def test_random_programs(tier: str, arch: str) -> None:
    harness = Harness(arch, tier)
    harness.map(DATA, DATA_SIZE)
    vcpu = harness.vcpu
    for seed in range(PROGRAMS // 4 if tier == "1" else PROGRAMS):
        rng = Random(f"{arch} {seed}")
        steps = list(_steps(rng, arch))
        code = b"".join(step[0] for step in steps)
        before, data = random_state(rng, arch), rng.randbytes(DATA_SIZE)
        for base in BASES[arch]:
            before[base] = DATA_MIDDLE + 8 * rng.randrange(8)
        want, memory = before.copy(), Memory()
        want_data = memory.map(DATA, data)
        harness.end = PROGRAM_AREA + PAGE_SIZE * (2 * seed + 1)  # an area of its own, followed by a page that is not mapped
        start = pc = harness.load(code)
        memory.map(start & PAGE_MASK, harness.memory.read(start & PAGE_MASK, harness.end - (start & PAGE_MASK)))
        wanted_exit = "goto"
        for step, unit in steps:
            outcome = Evaluator(want, memory).run(unit, pc)
            wanted_exit = outcome.exit
            if wanted_exit != "goto":
                break
            pc += len(step)
        if wanted_exit == "exception":
            pc = outcome.address
        for _ in range(_TIER_1_RUNS if tier == "1" else 1):
            harness.memory.poke(DATA, data)
            for slot in before.layout.slots:
                vcpu.put(slot, before[slot])
            vcpu.pc, vcpu.mode = start, 0
            why = harness.engine.run(vcpu)
        listing = f"{arch} seed {seed}: " + ", ".join(step[0].hex() for step in steps)
        assert (why, vcpu.pc) == ({"goto": Exit.FETCH_FAULT, "fault": Exit.MEMORY_FAULT, "exception": Exit.EXCEPTION}[wanted_exit], pc), listing
        got = before.copy()
        for slot in (*REGISTERS[arch], *FLAG_SLOTS, "df", "eflags"):
            got[slot] = vcpu.get(slot)
        mine, theirs = _view(got, arch), _view(want, arch)
        assert not {name: (hex(value), hex(theirs[name])) for name, value in mine.items() if value != theirs[name]}, listing
        assert harness.memory.read(DATA, DATA_SIZE) == bytes(want_data), listing
    harness.close()
