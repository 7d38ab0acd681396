"""Random loops of flag-setting code, calls and loads that may fault, on both tiers and as quick code: the whole state must agree wherever they leave.

``DBT_FUZZ`` is the number of programs; a failure names its seed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from dbt.abi.arm import slots
from dbt.abi.exits import Exit
from runtime import faults
from tests.engine.harness import Harness

keystone = pytest.importorskip("keystone")

PROGRAMS = int(os.environ.get("DBT_FUZZ", "40"))
DATA, SIZE = 0x20000, 0x2000
ASSEMBLER = keystone.Ks(keystone.KS_ARCH_ARM, keystone.KS_MODE_ARM)
SETTERS = (
    "cmp {a}, {b}", "cmp {a}, #{k}", "cmp {a}, #0", "cmn {a}, {b}", "cmn {a}, #{k}", "subs {d}, {a}, {b}", "subs {d}, {a}, #{k}", "adds {d}, {a}, {b}",
    "adds {d}, {a}, #{k}", "rsbs {d}, {a}, #{k}", "tst {a}, {b}", "ands {d}, {a}, #{k}", "movs {d}, {b}", "lsls {d}, {a}, #3", "teq {a}, {b}",
    "adcs {d}, {a}, {b}", "sbcs {d}, {a}, {b}", "muls {d}, {a}, {b}",
)  # fmt: skip
OTHERS = (
    "add{c} {d}, {a}, #{k}", "eor {d}, {a}, {b}, ror #7", "mov{c} {d}, {b}", "ldr {d}, [r6, #{k}]", "ldrb {d}, [r6], #{k}", "str {d}, [r6, #{k}]",
    "str {d}, [r6, #{k}]", "strd r0, r1, [r6, #{k}]", "strb {d}, [r6, #{k}]",
    "mvn {d}, {a}",
)  # fmt: skip
CONDITIONS = ("eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")


def program(rng: random.Random) -> list[str]:
    """Assembly of a few blocks; r7 counts the jumps left, r6 walks through the data and perhaps out of it."""
    names = [f"l{i}" for i in range(rng.randint(2, 5))]
    lines = []
    for name in names:
        lines.append(f"{name}:")
        for _ in range(rng.randint(1, 5)):
            template = rng.choice(SETTERS if rng.random() < 0.5 else OTHERS)
            registers = {x: f"r{rng.choice((0, 1, 2, 3, 9))}" for x in "abd"}
            lines.append(template.format(k=rng.choice((1, 4, 16, 255)), c=rng.choice(("", *CONDITIONS)), **registers))
            if rng.random() < 0.15:
                lines.append(rng.choice(("bl near", "adr lr, done; bl near", "adr r5, near; blx r5", "adr r5, far; blx r5")))
        lines += ["sub r7, r7, #1", "cmp r7, #0", f"b{rng.choice(('le', 'lt', 'mi'))} done"] if rng.random() < 0.4 else ["subs r7, r7, #1", "bmi done"]
        if rng.random() < 0.5:
            lines.append(rng.choice(SETTERS).format(k=7, a="r0", b="r1", d="r2"))
        lines.append(f"b{rng.choice(CONDITIONS)} {rng.choice(names)}")
    routines = ["near:", rng.choice(SETTERS).format(k=3, a="r0", b="r3", d="r9"), "bx lr", "far:", "ldrb r2, [r6, #9]", "mov r5, lr", "mov pc, r5"]
    return [*lines, "b l0", *routines, "done:", "nop"]


@pytest.fixture(params=["host", "tlb"] if faults.supported() else ["tlb"])
def machines(request: pytest.FixtureRequest) -> Iterator[list[Harness]]:
    made = [Harness(tier=tier, memory=request.param) for tier in ("0", "quick", "1")]
    for harness in made:
        harness.map(DATA, SIZE)
    yield made
    for harness in made:
        harness.close()


def test_tiers_agree(machines: list[Harness]) -> None:
    for seed in range(PROGRAMS):
        rng = random.Random(seed)
        text = program(rng)
        code = bytes(ASSEMBLER.asm("\n".join(text))[0])
        for _ in range(3):
            content = rng.randbytes(SIZE)
            registers = {f"r{i}": rng.choice((0, 1, 5, 1 << 31, 0xFFFFFFFF, rng.getrandbits(32))) for i in range(15)}
            registers |= {"r6": DATA + rng.randrange(SIZE), "r7": rng.randint(1, 60), "nf": rng.getrandbits(32), "zf": rng.getrandbits(1)}
            registers |= {"cf": rng.getrandbits(1), "vf": rng.getrandbits(1)}
            seen = []
            for harness in machines:
                reason, vcpu = harness.run(code, 0, registers, {DATA: content})
                assert reason in (Exit.FETCH_FAULT, Exit.MEMORY_FAULT)
                seen.append((reason, vcpu.pc, {name: vcpu.get(name) for name in slots}, harness.memory.read(DATA, SIZE)))
            assert seen[0] == seen[1] == seen[2], f"seed {seed}:\n" + "\n".join(text)
