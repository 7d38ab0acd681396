"""Total store order of x86 guests: classic litmus tests as bare code on parallel vCPUs, on both tiers. What TSO forbids must never be seen (Intel SDM vol. 3A,
9.2); what it allows may be.

A thread goes through PAIRS pairs of locations, each on cache lines of its own, and keeps what it loads. All threads wait for each other first.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pytest

from dbt.abi.exits import Exit
from dbt.abi.memory import PAGE_SIZE
from runtime.vcpu import VCpu
from tests.engine.harness import Harness
from tests.engine.test_threads import run_all
from tests.x86_cases import code

PAIRS = 128
TIER = os.environ.get("DBT_LITMUS_TIER", "1")  # of the table
ROUNDS = int(os.environ.get("DBT_LITMUS", "6"))
STRIDE = 192  # bytes from one pair to the next
PLACES = {"x": "[rbx]", "y": "[rbx + 64]"}
AREA, RESULTS, GATE = 0x1_0000_0000, 0x2_0000_0000, 0x3_0000_0000
LOADED = ("r8d", "r9d", "r10d")
RESULT_BYTES = 4 * len(LOADED)  # of each thread for each pair


class Litmus(NamedTuple):
    """``threads``: operations such as ``x=1`` (a store), ``x`` (a load), ``x:=1`` (XCHG), ``mfence``. ``weak`` says whether the values loaded (in order of
    threads and operations), then the last values of x and y, are the outcome that a weaker order gives."""

    name: str
    threads: tuple[str, ...]
    weak: Callable[[tuple[int, ...]], bool]
    allowed: bool = False


TESTS = (
    Litmus("MP", ("x=1 y=1", "y x"), lambda v: v[:2] == (1, 0)),
    Litmus("LB", ("x y=1", "y x=1"), lambda v: v[:2] == (1, 1)),
    Litmus("SB", ("x=1 y", "y=1 x"), lambda v: v[:2] == (0, 0), allowed=True),
    Litmus("SB with mfence", ("x=1 mfence y", "y=1 mfence x"), lambda v: v[:2] == (0, 0)),
    Litmus("SB with xchg", ("x:=1 y", "y:=1 x"), lambda v: v[:2] == (0, 0)),
    Litmus("S", ("x=2 y=1", "y x=1"), lambda v: v[0] == 1 and v[1] == 2),
    Litmus("R with mfence", ("x=1 mfence y=1", "y=2 mfence x"), lambda v: v[0] == 0 and v[2] == 2),
    Litmus("2+2W", ("x=1 y=2", "y=1 x=2"), lambda v: v[:2] == (1, 1)),
    Litmus("IRIW", ("x=1", "y=1", "x y", "y x"), lambda v: v[:4] == (1, 0, 1, 0)),
    Litmus("CoRR", ("x=1", "x x"), lambda v: v[:2] == (1, 0)),
    Litmus("MP, a load repeated", ("x=1 y=1", "x y x"), lambda v: v[1:3] == (1, 0)),
    Litmus("MP, a store loaded again", ("x=2 y=1", "x=1 y x"), lambda v: v[:3] == (1, 1, 2)),
)


def text_of(thread: str, threads: int) -> str:
    """Assembly of one thread."""
    lines = ["lock inc dword ptr [r12]", "wait:", f"cmp dword ptr [r12], {threads}", "jb wait", "again:"]
    loads = 0
    for operation in thread.split():
        place, _, value = operation.partition("=")
        if operation == "mfence":
            lines.append("mfence")
        elif place.endswith(":"):
            lines += [f"mov eax, {value}", f"xchg {PLACES[place[:-1]]}, eax"]
        elif value:
            lines.append(f"mov dword ptr {PLACES[place]}, {value}")
        else:
            lines.append(f"mov {LOADED[loads]}, {PLACES[place]}")
            loads += 1
    lines += [f"mov [rdi + {4 * i}], {LOADED[i]}" for i in range(loads)]
    return "; ".join([*lines, f"add rbx, {STRIDE}", f"add rdi, {RESULT_BYTES}", "dec rsi", "jnz again", "ud2"])


def loads_of(thread: str) -> int:
    return sum(operation in PLACES for operation in thread.split())


class Machine:
    """A harness with one vCPU for each thread of a test, used for all rounds."""

    def __init__(self, test: Litmus, tier: str, **options: str) -> None:
        self.test = test
        self.harness = Harness("x86_64", tier, **options)
        self.harness.map(AREA, PAIRS * STRIDE)
        self.harness.map(GATE, PAGE_SIZE)
        texts = [code("x86-64", text_of(thread, len(test.threads))) for thread in test.threads]
        start = self.harness.load(b"".join(texts))
        self.vcpus: list[tuple[VCpu, int]] = []
        for i in range(len(texts)):
            self.harness.map(RESULTS + i * PAGE_SIZE, PAGE_SIZE)
            self.vcpus.append((self.harness.engine.new_vcpu(), start + sum(map(len, texts[:i]))))

    def round(self) -> Counter[tuple[int, ...]]:
        """Outcomes of all pairs, once."""
        memory = self.harness.memory
        memory.write(AREA, bytes(PAIRS * STRIDE))
        memory.write(GATE, bytes(4))
        for i, (vcpu, pc) in enumerate(self.vcpus):
            vcpu.pc = pc
            for name, value in {"rbx": AREA, "rdi": RESULTS + i * PAGE_SIZE, "rsi": PAIRS, "r12": GATE}.items():
                vcpu.put(name, value)
        assert run_all(self.harness, [vcpu for vcpu, _ in self.vcpus]) == [Exit.EXCEPTION] * len(self.vcpus)
        found: Counter[tuple[int, ...]] = Counter()
        for pair in range(PAIRS):
            loaded = [memory.u32(RESULTS + i * PAGE_SIZE + RESULT_BYTES * pair + 4 * n)
                      for i, thread in enumerate(self.test.threads) for n in range(loads_of(thread))]  # fmt: skip
            found[*loaded, memory.u32(AREA + STRIDE * pair), memory.u32(AREA + STRIDE * pair + 64)] += 1
        return found


@pytest.mark.parametrize("how", ["0 host", "quick host", "1 host", "1 llsc"])
@pytest.mark.parametrize("test", TESTS, ids=[test.name for test in TESTS])
def test_what_is_forbidden_never_happens(test: Litmus, how: str) -> None:
    tier, atomics = how.split()
    machine = Machine(test, tier, x86_atomics=atomics)
    outcomes: Counter[tuple[int, ...]] = Counter()
    for _ in range(ROUNDS):
        outcomes += machine.round()
    machine.harness.close()
    assert sum(outcomes.values()) == ROUNDS * PAIRS
    if not test.allowed:
        assert not {values: count for values, count in outcomes.items() if test.weak(values)}


if __name__ == "__main__":
    print("| test | threads | weak outcome | times | of |\n|---|---|---|---:|---:|")
    for row in TESTS:
        machine, seen = Machine(row, TIER), Counter[tuple[int, ...]]()
        for _ in range(ROUNDS):
            seen += machine.round()
        machine.harness.close()
        weak = sum(count for values, count in seen.items() if row.weak(values))
        threads = ", ".join(f"`{thread}`" for thread in row.threads)
        print(f"| {row.name} | {threads} | {'allowed' if row.allowed else 'forbidden'} | {weak:,} | {sum(seen.values()):,} |")
