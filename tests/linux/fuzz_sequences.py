"""Random sequences of instructions as user code, on the host and under dbt: ``python -m tests.linux.fuzz_sequences --arch i386 --tier quick --count 1000``.

What ``fuzz_snippets`` cannot see: what becomes of one instruction's flags, registers and memory in the next, across branches and turns of a loop, and at a
fault in the middle. A sequence has integer instructions and those of at most one other family (SSE, MMX or x87), whose registers are filled before and stored
by FXSAVE behind. Flags that the SDM leaves undefined are neither compared nor read (:data:`UNDEFINED`). A sequence that differs is made as short as it gets;
its line is the input of ``src/snippet.c``.
"""

from __future__ import annotations

import argparse
import re
import struct
import subprocess
import sys
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random

from dbt.abi.x86 import AF, CF, FLAG_SLOTS, OF, PF, REGISTERS_32, REGISTERS_64, SF, ZF
from dbt.cli.run_options import TIERS
from dbt.frontend.base import lift_insn
from dbt.frontend.x86 import FRONTENDS
from dbt.frontend.x86.decode import Encoding
from dbt.frontend.x86.tables import Row, TableError, random_insn, rows
from tests.linux.conftest import HERE
from tests.linux.fuzz_snippets import DATA, KNOWN

FAMILIES = {"sse": ("simd",), "mmx": ("simd",), "x87": ("x87",)}  # besides integer code: prefixes of the names of modules
BITS = dict(zip(FLAG_SLOTS, (CF, PF, AF, ZF, SF, OF), strict=True))
ALL = CF | PF | AF | ZF | SF | OF
UNDEFINED = {  # flags that an instruction leaves undefined (SDM vol. 1, appendix A); shifts: for some counts
    "and_": AF, "or_": AF, "xor": AF, "test": AF, "shl": CF | AF | OF, "shr": CF | AF | OF, "sar": CF | AF | OF, "shld": CF | AF | OF, "shrd": CF | AF | OF,
    "rol": OF, "ror": OF, "rcl": OF, "rcr": OF, "mul": SF | ZF | AF | PF, "imul": SF | ZF | AF | PF, "imul_truncating": SF | ZF | AF | PF,
    "div": ALL, "idiv": ALL, "bt": OF | SF | AF | PF, "bts": OF | SF | AF | PF, "btr": OF | SF | AF | PF, "btc": OF | SF | AF | PF,
    "aaa": OF | SF | ZF | PF, "aas": OF | SF | ZF | PF, "aad": OF | AF | CF, "aam": OF | AF | CF, "daa": OF, "das": OF,
}  # fmt: skip
# Left out beside KNOWN: branches (made here), changes of control and segments, what shows pointers of the x87, and what is about faults only.
LEFT_OUT = KNOWN | frozenset({
    "jcc", "jmp", "call", "loop", "loope", "loopne", "jcxz", "int3", "into", "bound", "leave", "popf", "pushf", "push", "pusha", "ud", "call_far", "jmp_far",
    "pop_segment", "mov_to_segment", "mov_from_segment", "lar", "verr", "verw", "arpl",
    "compare_to_eflags", "fldenv", "fnstenv", "frstor", "fnsave", "fldcw", "ldmxcsr", "clflush",
})  # fmt: skip
NAMED_X87 = ("what=fprem",)  # C0 and C3 after a NaN are undefined: some processors leave them
COUNTER, IMAGE, VALUES = DATA + 0x10, DATA + 0xC00, DATA + 0x800  # the loop's counter, what FXSAVE writes, what registers are filled from
BASES = {"i386": ("ebx", "ebp"), "x86_64": ("rbx", "rbp", "r12", "r13")}  # no instruction writes them
STACK_POINTERS = ("esp", "rsp")
_RESULT = re.compile(r"signal (?P<signal>\d+) .*rip (?P<rip>[+-]\d+)(?P<rest>.*)")
_FLAGS = re.compile(r" flags=(\w+)")


@dataclass(frozen=True, eq=False)
class Step:
    """One instruction, and the flags that it reads, writes for certain and leaves undefined. A conditional jump over *skips* steps has only its opcode here."""

    code: bytes
    skips: int = 0
    reads: int = 0
    writes: int = 0
    undefined: int = 0


@dataclass(frozen=True, eq=False)
class Sequence:
    arch: str
    steps: tuple[Step, ...]
    values: str
    family: str
    turns: int  # 0: no loop
    at: dict[int, int] = field(default_factory=dict)  # offset -> flags that are undefined there

    def assemble(self) -> bytes:
        """The machine code; fills ``at``."""
        code = self._prologue()
        start = len(code)
        tainted, joins = CF if self.turns else 0, dict[int, int]()
        for number, step in enumerate(self.steps):
            tainted |= joins.pop(number, 0)
            self.at[len(code)] = tainted
            code += step.code
            if step.skips:
                over = self.steps[number + 1 : number + 1 + step.skips]
                code += bytes([sum(len(each.code) + (1 if each.skips else 0) for each in over)])
                joins[number + 1 + len(over)] = joins.get(number + 1 + len(over), 0) | tainted
            tainted = tainted & ~step.writes | step.undefined
        for rest in joins.values():
            tainted |= rest
        if self.turns:
            self.at[len(code)] = tainted
            code += self._absolute(b"\xff", 1, COUNTER)
            tainted &= CF
            code += b"\x0f\x85" + struct.pack("<i", start - len(code) - 6)
        code += self._epilogue()
        self.at[len(code) + 1] = tainted
        return code

    def _absolute(self, opcode: bytes, digit: int, address: int) -> bytes:
        modrm = bytes([digit << 3 | 4, 0x25]) if self.arch == "x86_64" else bytes([digit << 3 | 5])
        return opcode + modrm + struct.pack("<I", address)

    def _prologue(self) -> bytes:
        code = b""
        if self.turns:
            code += self._absolute(b"\xc7", 0, COUNTER) + struct.pack("<I", self.turns)
        for number in range(8 if self.family else 0):
            if self.family == "sse":
                code += self._absolute(b"\x0f\x10", number, VALUES + 16 * number)  # MOVUPS
            elif self.family == "mmx":
                code += self._absolute(b"\x0f\x6f", number, VALUES + 8 * number)  # MOVQ
            elif number < 5:
                code += self._absolute(b"\xdd", 0, VALUES + 8 * number)  # FLD m64
        return code

    def _epilogue(self) -> bytes:
        """FXSAVE, without what processors or dbt do not keep: the opcode, the pointers to instruction and operand, MXCSR's mask."""
        if not self.family:
            return b""
        code = self._absolute(b"\x0f\xae", 0, IMAGE) + self._absolute(b"\x66\xc7", 0, IMAGE + 6) + bytes(2)  # MOVW $0
        for offset in (8, 12, 16, 20, 28):
            code += self._absolute(b"\xc7", 0, IMAGE + offset) + bytes(4)  # MOVL $0
        return code

    def line(self) -> str:
        return f"{self.assemble().hex()} {self.values}"


@cache
def _wanted(long: bool, family: str) -> tuple[list[Row], list[Row]]:
    """Rows of integer code, and those of *family*."""
    usable = [row for row in rows(long) if row.name not in LEFT_OUT and not any(name in row.text for name in NAMED_X87)]
    integer = [row for row in usable if not row.module.startswith(("simd", "x87", "fxsave"))]
    other = [row for row in usable if family and row.module.startswith(FAMILIES[family])]
    if family in ("sse", "mmx"):
        other = [row for row in other if any(code[:1] in "PQN" for code in row.operand_codes) == (family == "mmx")]
    return integer, other


def _aligned(code: bytes, e: Encoding, long: bool) -> bytes:
    """*code* with its displacement at a multiple of 16."""
    for at in range(len(code) - 1, 0, -1):
        changed = code[:at] + bytes([code[at] & 0xF0]) + code[at + 1 :]
        other = Encoding(changed, long)
        same = all(getattr(e, name) == getattr(other, name) for name in Encoding.__slots__ if name != "displacement")
        if same and other.displacement == e.displacement & ~15:
            return changed
    return code


def _step(rng: Random, arch: str, row: Row, tainted: int) -> Step | None:
    """A random encoding of *row* that fits, or None."""
    long = arch == "x86_64"
    names = REGISTERS_64 if long else REGISTERS_32
    try:
        code = random_insn(rng, row, long)
    except TableError:
        return None
    e = Encoding(code, long)
    if e.mod != 3:
        odd = e.base is None or e.base > 15 or names[e.base] not in BASES[arch] or e.index is not None or not -0x300 <= e.displacement <= 0x300
        if odd or e.address_size != (64 if long else 32) or e.segment is not None:
            return None
        if row.module.startswith("simd") and rng.random() < 0.95 and e.displacement & 15:
            code = _aligned(code, e, long)
    if e.operand_16 and row.name in ("shld", "shrd") or e.address_size == 16 or any(operand.startswith("O") for operand in row.operand_codes):
        return None  # (an address in the instruction may be the host's stack)
    unit, lifted = lift_insn(FRONTENDS[arch], 0, code)
    puts = {str(inst.attr("slot")) for inst in unit.insts() if inst.op.name == "put"}
    if puts & {*BASES[arch], *(STACK_POINTERS if row.name != "pop" else ())}:
        return None
    reads = sum(BITS[str(slot)] for slot in {inst.attr("slot") for inst in unit.insts() if inst.op.name == "get"} & set(BITS))
    if reads & tainted:
        return None
    certain = len(unit.blocks) == 1 and row.module != "shift_rotate"
    writes = sum(BITS[slot] for slot in puts & set(BITS)) if certain else 0
    if row.module == "string" and e.prefix:
        code = (b"\xb9" + struct.pack("<I", rng.randrange(12))) + code  # MOV ECX: few turns
    return Step(code, 0, reads, writes, UNDEFINED.get(row.name, 0))


def sequence(rng: Random, arch: str, longest: int) -> Sequence:
    """A random one of up to *longest* steps."""
    long = arch == "x86_64"
    family = rng.choice(("", "", "sse", "sse", "mmx", "x87"))
    integer, other = _wanted(long, family)
    turns = rng.choice((0, 2, 5, 40))
    steps: list[Step] = []
    tainted, joins = CF if turns else 0, dict[int, int]()
    length = rng.randrange(3, longest)
    while len(steps) < length:
        tainted |= joins.pop(len(steps), 0)
        if rng.random() < 0.15 and not tainted:
            skips = rng.randrange(1, 4)
            step = Step(bytes([0x70 | rng.randrange(16)]), skips)
            joins[len(steps) + 1 + skips] = joins.get(len(steps) + 1 + skips, 0) | tainted
        else:
            found = _step(rng, arch, rng.choice(other if other and rng.random() < 0.6 else integer), tainted | CF if joins else tainted)
            if found is None:
                continue
            step = found
        steps.append(step)
        tainted = tainted & ~step.writes | step.undefined
        if joins:  # it may have been jumped over: what was undefined before stays so
            joins = {at: was | tainted for at, was in joins.items()}
    names, bits = (REGISTERS_64, 64) if long else (REGISTERS_32, 32)
    free = [name for name in names if name not in (*BASES[arch], *STACK_POINTERS, "rsi", "rdi", "esi", "edi")]
    values = " ".join(f"{name}={_number(rng, bits):x}" for name in free if rng.random() < 0.8)
    data = b"".join(_lane(rng) for _ in range(16))
    return Sequence(arch, tuple(steps), f"{values} data={data.hex()}", family, turns)


def _number(rng: Random, bits: int) -> int:
    special = (0, 1, rng.getrandbits(7), 1 << bits - 1, (1 << bits) - 1, (1 << bits - 1) - 1, rng.getrandbits(32))
    return rng.choice((*special, rng.getrandbits(bits), rng.getrandbits(bits)))


def _lane(rng: Random) -> bytes:
    """Eight bytes: any, a double, two floats, small integers, a special one."""
    kind = rng.randrange(6)
    if kind < 2:
        return rng.randbytes(8)
    if kind == 2:
        return struct.pack("<d", rng.choice((1.0, -1.5, 0.1, 3e10, -7e-9)) * rng.randrange(-9, 100))
    if kind == 3:
        return struct.pack("<ff", rng.uniform(-100, 100), rng.choice((0.5, 1e-40, 3e9, -2.25)))
    if kind == 4:
        return struct.pack("<4h", *(rng.randrange(-300, 300) for _ in range(4)))
    return rng.choice((bytes(8), b"\xff" * 8, struct.pack("<d", float("inf")), struct.pack("<d", -float("nan")), struct.pack("<d", 5e-324), b"\x7f\x80" * 4))


def _view(sequence: Sequence, result: str) -> str:
    """*result* without undefined flags. Without a loop's bound (a store hit its counter) nothing is compared."""
    match = _RESULT.match(result)
    if match is None:
        return result
    tainted = sequence.at.get(int(match["rip"]), 0)
    flags = _FLAGS.search(result)
    known = (int(flags[1], 16) if flags else 0) & ~tainted
    return f"{_FLAGS.sub('', result)} flags={known:x}"


def _apart(host: str, mine: str) -> str:
    """The words of two results that differ, and of memory the bytes where it begins to."""
    words = {word.partition("=")[0]: word.partition("=")[2] for word in host.split()}, {word.partition("=")[0]: word.partition("=")[2] for word in mine.split()}
    said = []
    for name in dict.fromkeys((*words[0], *words[1])):
        theirs, ours = (each.get(name, "as before") for each in words)
        if theirs != ours and len(theirs) < 40 and len(ours) < 40:
            said.append(f"{name or 'x'}: host {theirs}, dbt {ours}")
        elif theirs != ours:
            at = next((i // 2 * 2 for i, (a, b) in enumerate(zip(theirs, ours, strict=False)) if a != b), min(len(theirs), len(ours)))
            said.append(f"{name}, byte {at // 2:#x}: host {theirs[at : at + 32]}, dbt {ours[at : at + 32]}")
    return "; ".join(said)


class Machines:
    """The host, and dbt with some options."""

    def __init__(self, arch: str, options: list[str]) -> None:
        program = str(HERE / arch / "snippet.elf")
        self.commands = [program], [sys.executable, "-m", "dbt", "run", *options, program]

    def results(self, sequences: list[Sequence]) -> list[list[str]]:
        text = "".join(f"{each.line()}\n" for each in sequences)
        return [subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=False).stdout.splitlines() for command in self.commands]

    def differ(self, sequences: list[Sequence]) -> list[tuple[Sequence, str, str]]:
        """Those that differ, with both results. A translator that ends early differs at the sequence where it did."""
        host, mine = self.results(sequences)
        mine += ["ended"] * (len(host) > len(mine))
        found = []
        for each, theirs, ours in zip(sequences, host, mine, strict=False):
            if theirs != "endless" and _view(each, theirs) != _view(each, ours):
                found.append((each, theirs, ours))
        return found

    def shorten(self, long: Sequence) -> Sequence:
        """Leave out steps, the loop and the branches as long as it differs."""
        while True:
            steps = long.steps
            shorter = [replace(long, steps=steps[:i] + steps[i + 1 :], at={}) for i in range(len(steps))]
            if long.turns > 1:
                shorter += [replace(long, turns=turns, at={}) for turns in (0, 1, 2) if turns < long.turns]
            found = next((each for each in shorter if self.differ([each])), None)
            if found is None:
                return long
            long = found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.linux.fuzz_sequences", description="Random sequences of instructions on the host and under dbt.")
    parser.add_argument("--arch", choices=("i386", "x86_64"), default="x86_64")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=int, default=20, help="steps of the longest sequence (default 20)")
    parser.add_argument("--tier", choices=TIERS, default="1")
    parser.add_argument("options", nargs="*", help="further options of dbt run, after --")
    options = parser.parse_args()
    rng = Random(f"{options.arch} {options.seed}")
    sequences = [sequence(rng, options.arch, options.longest) for _ in range(options.count)]
    machines = Machines(options.arch, ["--tier", options.tier, *options.options])
    found = machines.differ(sequences)
    for each, _, _ in found[:20]:
        short = machines.shorten(each)
        ((_, host, mine),) = machines.differ([short]) or [(each, "?", "?")]
        print(f"{' '.join(step.code.hex() + ('+' + str(step.skips) if step.skips else '') for step in short.steps)} ({short.family}, {short.turns} turns)")
        print(f"  {short.line()}\n  {_apart(_view(short, host), _view(short, mine))}", flush=True)
    print(f"{options.arch} tier {options.tier} {' '.join(options.options)}: {len(found)} of {options.count} sequences differ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
