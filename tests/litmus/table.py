"""Which outcomes of the litmus tests the ARM architecture forbids, and the counts of those that happened.

``python -m tests.litmus.table`` prints the tables of docs/memory-order.md. The tests are those of the literature on relaxed memory
(Alglave, Maranget and Tautschnig, "Herding cats", 2014); the guest program is ``src/litmus.c``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dbt.abi.exclusive import SCHEMES

REPOSITORY = Path(__file__).resolve().parents[2]
GUEST = Path(__file__).resolve().parent / "litmus.elf"
DBT = (sys.executable, "-m", "dbt", "run")
VARIANTS = {"plain": "no ordering", "dmb": "`DMB` between", "acqrel": "`LDA`/`STL`"}
Outcome = tuple[int, ...]


@dataclass(frozen=True)
class Test:
    """``columns`` name the values of an outcome: what a thread read, or the last value of x or y. ``weak`` is the outcome that no interleaving of the
    threads gives; ``ordered`` are the variants in which the architecture forbids it (ARM DDI 0487, B2.3: the memory model)."""

    name: str
    threads: tuple[str, ...]
    columns: str
    weak: Callable[[Outcome], bool]
    ordered: tuple[str, ...] = ("dmb", "acqrel")

    def forbidden(self, variant: str, outcome: Outcome) -> bool:
        return variant in self.ordered and self.weak(outcome)


TESTS = (
    Test("MP", ("x = 1; y = 1", "a = y; b = x"), "a b", lambda o: o == (1, 0)),
    Test("SB", ("x = 1; a = y", "y = 1; b = x"), "a b", lambda o: o == (0, 0)),
    Test("LB", ("a = x; y = 1", "b = y; x = 1"), "a b", lambda o: o == (1, 1)),
    Test("S", ("x = 2; y = 1", "a = y; x = 1"), "a x", lambda o: o == (1, 2)),
    Test("R", ("x = 1; y = 1", "y = 2; a = x"), "a y", lambda o: o == (0, 2)),
    Test("2+2W", ("x = 1; y = 2", "y = 1; x = 2"), "x y", lambda o: o == (1, 1)),
    Test("IRIW", ("x = 1", "y = 1", "a = x; b = y", "c = y; d = x"), "a b c d", lambda o: o == (1, 0, 1, 0)),
    Test("CoRR", ("x = 1", "a = x; b = x"), "a b", lambda o: o == (1, 0), ("plain", "dmb", "acqrel")),
)


def parse(output: str) -> dict[tuple[str, str], dict[Outcome, int]]:
    """Counts by (test, variant) and outcome, from what the guest prints."""
    found = {}
    for line in output.splitlines():
        test, variant, _, *counts = line.split(" ")
        pairs = (word.split(":") for word in counts)
        found[test.removeprefix("test="), variant.removeprefix("variant=")] = {tuple(map(int, values.split(","))): int(times) for values, times in pairs}
    return found


def run(command: Sequence[str], rounds: int, test: str = "all", variant: str = "all") -> dict[tuple[str, str], dict[Outcome, int]]:
    """Run the guest by *command* (an emulator and its options)."""
    done = subprocess.run([*command, str(GUEST), test, variant, str(rounds)], cwd=REPOSITORY, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"litmus: exit status {done.returncode}: {done.stderr.strip()[-300:]}")
    return parse(done.stdout)


def forbidden(found: dict[tuple[str, str], dict[Outcome, int]]) -> list[str]:
    """The outcomes that should never have been, in words."""
    return [
        f"{test.name} {variant}: {test.columns} = {outcome}: {times} times"
        for test in TESTS
        for variant in VARIANTS
        for outcome, times in found.get((test.name, variant), {}).items()
        if test.forbidden(variant, outcome)
    ]


def text(found: dict[tuple[str, str], dict[Outcome, int]]) -> str:
    """A Markdown table: a row a test and variant, all outcomes with their counts, the weak one marked."""
    lines = ["| test | ordering | values | weak outcome | times | all outcomes |", "|---|---|---|---|---:|---|"]
    for test in TESTS:
        for variant, ordering in VARIANTS.items():
            counts = found.get((test.name, variant))
            if counts is None:
                continue
            weak = sum(times for outcome, times in counts.items() if test.weak(outcome))
            rule = "forbidden" if variant in test.ordered else "allowed"
            every = ", ".join(f"{''.join(map(str, outcome))}: {times:,}" for outcome, times in sorted(counts.items()))
            lines.append(f"| {test.name} | {ordering} | {test.columns} | {rule} | {weak:,} | {every} |")
    return "\n".join(lines) + "\n"


def by_scheme(rounds: int) -> tuple[str, list[str]]:
    """A Markdown table with a row a scheme and tier, and the forbidden outcomes that were seen."""
    lines = ["| scheme | tier | instances | forbidden outcomes | MP, SB, LB, S, R, 2+2W, IRIW with no ordering: weak outcomes |", "|---|---|---:|---:|---|"]
    wrong = []
    for scheme in SCHEMES:
        for tier in ("0", "auto"):
            found = run([*DBT, "--tier", tier, "--atomics", scheme], rounds)
            seen = forbidden(found)
            wrong += [f"{scheme}, tier {tier}: {line}" for line in seen]
            instances = sum(sum(counts.values()) for counts in found.values())
            weak = [sum(times for outcome, times in found[test.name, "plain"].items() if test.weak(outcome)) for test in TESTS if "plain" not in test.ordered]
            lines.append(f"| `{scheme}` | {tier} | {instances:,} | {len(seen)} | {', '.join(f'{times:,}' for times in weak)} |")
    return "\n".join(lines) + "\n", wrong


def merge(into: dict[tuple[str, str], dict[Outcome, int]], more: dict[tuple[str, str], dict[Outcome, int]]) -> None:
    for key, counts in more.items():
        for outcome, times in counts.items():
            into.setdefault(key, {})[outcome] = into.get(key, {}).get(outcome, 0) + times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1000, help="rounds of 256 instances of each test and variant")
    parser.add_argument("--runs", type=int, default=1, help="times that the program is started")
    parser.add_argument("--tier", default="auto", help="tier of dbt run")
    parser.add_argument("--by-scheme", action="store_true", help="a row a scheme of exclusive accesses and tier")
    parser.add_argument("--qemu", metavar="COMMAND", help="run it by this emulator in place of dbt")
    asked = parser.parse_args()
    if asked.by_scheme:
        table, wrong = by_scheme(asked.rounds)
    else:
        command = [asked.qemu] if asked.qemu else [*DBT, "--tier", asked.tier]
        found: dict[tuple[str, str], dict[Outcome, int]] = {}
        for _ in range(asked.runs):
            merge(found, run(command, asked.rounds))
        table, wrong = text(found), forbidden(found)
    print(table, end="")
    print("".join(f"FORBIDDEN: {line}\n" for line in wrong), end="")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
