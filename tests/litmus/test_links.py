"""A link falls with every kind of write by another thread, even one of the same value; and the lock-free stack, which needs just that, stays whole.

The scheme ``cas`` compares values: it is here to show that these tests see the difference. ``DBT_STACK_POPS`` asks for a longer run of the stack.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.guests import build
from bench.slices import parse
from dbt.abi.exclusive import SCHEMES
from tests.patience import SECONDS

REPOSITORY = Path(__file__).resolve().parents[2]
LINKS = Path(__file__).resolve().parent / "links.elf"
STRICT = tuple(name for name in SCHEMES if name != "cas")
BREAKING = {"str", "strb", "strh", "unaligned", "strd", "stm", "vst1", "stl", "strex", "read"}
HARMLESS = {"neighbour", "nothing"}
ROUNDS = 20
POPS = int(os.environ.get("DBT_STACK_POPS", "6000"))


def run(scheme: str, *words: str, idiom: bool = True) -> subprocess.CompletedProcess[str]:
    options = ["--atomics", scheme, *([] if idiom else ["--no-idiom"])]
    return subprocess.run([sys.executable, "-m", "dbt", "run", *options, *words], cwd=REPOSITORY, capture_output=True, text=True, timeout=SECONDS)


def stored(scheme: str) -> dict[str, int]:
    """How many of ROUNDS store-conditionals stored, by what another thread wrote in between."""
    done = run(scheme, str(LINKS), "all", str(ROUNDS))
    assert done.returncode == 0, done.stdout + done.stderr
    return {line.split()[0].removeprefix("writer="): parse(line)["stored"] for line in done.stdout.splitlines()}


@pytest.mark.parametrize("scheme", STRICT)
def test_every_write_breaks_the_link(scheme: str) -> None:
    found = stored(scheme)
    assert set(found) == BREAKING | HARMLESS
    assert {name: found[name] for name in BREAKING} == dict.fromkeys(BREAKING, 0)
    assert all(found[name] > 0 for name in HARMLESS), found


def test_compare_and_swap_sees_no_write_of_the_same_value() -> None:
    assert stored("cas")["str"] == ROUNDS


@pytest.mark.parametrize(("scheme", "idiom"), [*((scheme, True) for scheme in STRICT), ("excl", False)])
def test_stack_stays_whole(scheme: str, idiom: bool) -> None:
    """Four threads; two pops an operation."""
    done = run(scheme, str(build.HERE / "llsc.elf"), "stack", "4", "1", "0", "0", str(POPS // 2), idiom=idiom)
    assert done.returncode == 0 and parse(done.stdout)["wrong"] == 0, done.stdout + done.stderr


def test_tagged_stores_compile() -> None:
    """Scheme hst in compiled code: the addresses of stores that share a check were once defined on one of two ways only, which LLVM took for granted."""
    command = [sys.executable, "-m", "dbt", "run", "--atomics", "hst", "--tier", "1", str(build.HERE / "llsc.elf"), "stack", "2", "1", "0", "0", "400"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0 and parse(done.stdout)["wrong"] == 0, done.stdout + done.stderr
