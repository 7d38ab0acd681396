"""Random loops of flag-setting code and accesses that may fault, on both tiers: registers, flags and memory must agree wherever they leave.

``DBT_FUZZ`` is the number of programs an arch; a failure names its seed.
"""

from __future__ import annotations

import os
import random

import pytest

from dbt.abi.exits import Exit
from dbt.abi.x86 import FLAG_SLOTS, REGISTERS_32, REGISTERS_64
from tests.engine.harness import Harness
from tests.frontend.x86.oracle import flags_of

keystone = pytest.importorskip("keystone")

PROGRAMS = int(os.environ.get("DBT_FUZZ", "12"))
DATA, SIZE = 0x20000, 0x2000
SETTERS = (
    "cmp {a}, {b}", "cmp {a}, {k}", "cmp {n}l, {k}", "cmp {n}x, {m}x", "test {a}, {b}", "test {n}l, {m}l", "add {a}, {b}", "add {a}, {k}", "add {n}l, {m}h",
    "sub {a}, {b}", "sub {a}, {k}", "sub {n}x, {k}", "and {a}, {k}", "or {a}, {b}", "xor {a}, {b}", "shl {a}, 3", "shr {a}, 1", "sar {a}, {k}", "shl {a}, cl",
    "inc {a}", "dec {a}", "neg {a}", "imul {a}, {b}", "adc {a}, {b}", "sbb {a}, {k}", "bt {a}, {k}", "cmp {a}, [{p}+{k}]", "add [{p}+{k}], {a}", "stc",
)  # fmt: skip
OTHERS = (
    "mov {a}, {b}", "lea {a}, [{b}+4*{b}+{k}]", "mov {a}, [{p}+{k}]", "movzx {a}, byte ptr [{p}+{k}]", "mov [{p}+{k}], {a}", "mov [{p}+{k}], {n}l", "not {a}",
    "add {p}, {k}", "setl {n}l", "cmovb {a}, {b}", "adc {a}, 0", "push {a}", "mov {n}h, {m}l",
)  # fmt: skip
CONDITIONS = ("e", "ne", "ae", "b", "s", "ns", "o", "no", "a", "be", "ge", "l", "g", "le", "p", "np")
LETTERS = "abcd"


def program(rng: random.Random, long: bool) -> list[str]:
    """Assembly of a few blocks; rBP counts the jumps left, rSI walks through the data and perhaps out of it."""
    names = [f"l{i}" for i in range(rng.randint(2, 5))]
    lines = []

    def one(templates: tuple[str, ...]) -> str:
        width = rng.choice("er") if long else "e"
        n, m = rng.choice(LETTERS), rng.choice(LETTERS)
        text = rng.choice(templates)
        word = "r" if long and ("push" in text or "{p}, " in text) else width
        return text.format(a=f"{word}{n}x", b=f"{word}{m}x", n=n, m=m, k=rng.choice((1, 4, 16, 30)), p="rsi" if long else "esi")

    count = "rbp" if long else "ebp"
    for name in names:
        lines.append(f"{name}:")
        lines += [one(SETTERS if rng.random() < 0.5 else OTHERS) for _ in range(rng.randint(1, 5))]
        lines += [f"sub {count}, 1", "js done"] if rng.random() < 0.5 else [f"dec {count}", f"cmp {count}, 0", "jl done"]
        if rng.random() < 0.5:
            lines.append(one(SETTERS))
        lines.append(f"j{rng.choice(CONDITIONS)} {rng.choice(names)}")
    return [*lines, "jmp l0", "done:", "nop"]


@pytest.mark.parametrize("arch", ["i386", "x86_64"])
def test_tiers_agree(arch: str) -> None:
    long = arch == "x86_64"
    assembler = keystone.Ks(keystone.KS_ARCH_X86, keystone.KS_MODE_64 if long else keystone.KS_MODE_32)
    names = REGISTERS_64 if long else REGISTERS_32
    counter, pointer, stack = ("rbp", "rsi", "rsp") if long else ("ebp", "esi", "esp")
    machines = [Harness(arch, tier=tier) for tier in ("0", "1")]
    for harness in machines:
        harness.map(DATA, SIZE)
    for seed in range(PROGRAMS):
        rng = random.Random(f"{arch} {seed}")
        text = program(rng, long)
        code = bytes(assembler.asm("\n".join(text))[0])
        for _ in range(3):
            content = rng.randbytes(SIZE)
            state = {name: rng.choice((0, 1, 5, 1 << 31, 0xFFFFFFFF, rng.getrandbits(32))) for name in names}
            state |= {pointer: DATA + rng.randrange(SIZE), counter: rng.randint(1, 60), stack: DATA + SIZE}
            state |= {slot: rng.getrandbits(1) for slot in FLAG_SLOTS}
            seen = []
            for harness in machines:
                reason, vcpu = harness.run(code, 0, state, {DATA: content})
                assert reason in (Exit.FETCH_FAULT, Exit.MEMORY_FAULT)
                flags = flags_of({slot: vcpu.get(slot) for slot in (*FLAG_SLOTS, "df", "eflags")})
                seen.append((reason, vcpu.pc, {name: hex(vcpu.get(name)) for name in names}, hex(flags), harness.memory.read(DATA, SIZE)))
            assert seen[0] == seen[1], f"seed {seed}:\n" + "\n".join(text)
    for harness in machines:
        harness.close()
