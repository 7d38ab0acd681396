"""Random instructions as user code, on the host and under dbt: ``python -m tests.linux.fuzz_snippets --arch i386 --count 3000``.

Encodings are drawn from the decode tables, registers point into the data, near the ends of its page, or anywhere; signals, si_code, addresses, registers and
memory are compared, flags are not (the other oracles do that; many are undefined). Exit status 1 if an instruction differs; its line is the input of
``src/snippet.c``. The host must run programs of the architecture; :data:`KNOWN` was found on AMD's processors.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from random import Random

from dbt.abi.x86 import REGISTERS_32, REGISTERS_64
from dbt.cli.run_options import TIERS
from dbt.frontend.x86.decode import Encoding
from dbt.frontend.x86.tables import Row, TableError, random_insn, rows
from tests.linux.conftest import HERE

DATA, STACK, PAGE = 0x10010000, 0x10020000, 0x1000  # as in src/snippet.c
# What is not compared: the kernel's business, the time, the model of processor, what differs between processors, and what docs/x86.md calls missing.
KNOWN = frozenset({
    "syscall", "int_", "int1", "rdtsc", "rdtscp", "cpuid", "lsl", "privileged", "sgdt", "sidt", "sldt", "str_", "smsw",
    "rcp", "rsqrt", "bsf", "bsr", "maskmov", "fxsave", "fxrstor", "popa", "enter",
    "ret", "ret_far", "iret", "jmp_indirect", "call_indirect", "jmp_far_indirect", "call_far_indirect", "load_far_pointer",
})  # fmt: skip
_NEAR = ("jcc", "jmp", "call", "loop", "loope", "loopne", "jcxz", "leave")
_FLAGS = re.compile(r" flags=\w+")
_PAGE_FAULT = re.compile(r" trap 14 .* cr2 (\w+)")
_NEVER_MAPPED = 0x10000  # below (mmap_min_addr), and around the snippet's own pages
_SPECIAL = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 63, (1 << 64) - 1)


def _compared(row: Row) -> bool:
    return row.name not in KNOWN and not row.module.startswith("x87")


def _odd(row: Row, e: Encoding, long: bool) -> bool:
    """Encodings that Intel's and AMD's processors take differently, with undefined results, or with addresses that say nothing of the registers."""
    return (
        e.address_size == 16 or e.mod != 3 and e.base is None or e.operand_16 and row.name in ("shld", "shrd")
        or long and e.operand_16 and row.name in _NEAR
    )  # fmt: skip


def _value(rng: Random, name: str, bits: int) -> int:
    if name in ("esp", "rsp"):
        value = STACK + rng.choice((0x600, 0x700, 0x800, 0x808, 0, 8, PAGE - 8, PAGE - 4, PAGE))
    else:
        kind = rng.random()
        if kind < 0.6:
            value = DATA + rng.randrange(0x200, 0xE00)
        elif kind < 0.7:
            value = DATA + rng.choice((-8, -4, 0, 1, PAGE - 16, PAGE - 8, PAGE - 4, PAGE - 3, PAGE - 1))
        elif kind < 0.9:
            value = rng.choice((*_SPECIAL, rng.randrange(64)))
        else:
            value = rng.getrandbits(bits)
    return value & (1 << bits) - 1


def chance(host: str, mine: str) -> bool:
    """True if one of them met a page fault where the other may have memory: each has its stack and libraries somewhere else."""
    faults = [int(match[1], 16) if (match := _PAGE_FAULT.search(result)) else None for result in (host, mine)]
    own = range(DATA - 2 * _NEVER_MAPPED, STACK + 2 * _NEVER_MAPPED)
    return faults[0] != faults[1] and any(at is not None and at >= _NEVER_MAPPED and at not in own for at in faults)


def inputs(rng: Random, arch: str, count: int) -> list[tuple[Row, str]]:
    """*count* rows with lines for the program."""
    long = arch == "x86_64"
    names, bits = (REGISTERS_64, 64) if long else (REGISTERS_32, 32)
    wanted = [row for row in rows(long) if _compared(row)]
    found: list[tuple[Row, str]] = []
    while len(found) < count:
        row = rng.choice(wanted)
        try:
            code = random_insn(rng, row, long)
        except TableError:
            continue
        if not _odd(row, Encoding(code, long), long):
            values = " ".join(f"{name}={_value(rng, name, bits):x}" for name in names)
            found.append((row, f"{code.hex()} {values} data={rng.randbytes(32).hex()}"))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.linux.fuzz_snippets", description="Random instructions on the host and under dbt.")
    parser.add_argument("--arch", choices=("i386", "x86_64"), default="x86_64")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tier", choices=TIERS, default="0")
    options = parser.parse_args()
    chosen = inputs(Random(f"{options.arch} {options.seed}"), options.arch, options.count)
    text = "".join(line + "\n" for _, line in chosen)
    program = str(HERE / options.arch / "snippet.elf")
    commands = [program], [sys.executable, "-m", "dbt", "run", "--tier", options.tier, program]
    wanted, got = (subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=False).stdout.splitlines() for command in commands)
    differ = 0
    for (row, line), host, mine in zip(chosen, wanted, got, strict=False):
        if _FLAGS.sub("", host) != _FLAGS.sub("", mine) and not chance(host, mine):
            differ += 1
            print(f"{row.text}\n  {line}\n  host {host}\n  dbt  {mine}")
    ended = min(len(wanted), len(got))
    print(f"{options.arch}: {differ} of {ended} differ" + (f"; ended early, at {chosen[ended][1]}" if ended < options.count else ""))
    return 1 if differ or ended < options.count else 0


if __name__ == "__main__":
    sys.exit(main())
