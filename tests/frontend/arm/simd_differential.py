"""Random encodings of VFP and Advanced SIMD rows, held against unicorn, and the known differences with their reasons."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from random import Random
from typing import NoReturn

from dbt.abi.archs import LAYOUTS
from dbt.abi.arm import MODE_BIG_ENDIAN
from dbt.abi.exits import Exit
from dbt.frontend.arm import frontend
from dbt.frontend.arm.context import AL, PC, Context, UndefinedInstruction
from dbt.frontend.arm.tables import A32_COND, A32_UNCOND
from dbt.frontend.base import lift_insn
from dbt.frontend.decode import DecodeTable, Row
from dbt.ir.builder import Builder
from dbt.ir.unit import Unit
from tests.engine.harness import CODE as PAGE_CODE
from tests.engine.harness import Harness
from tests.frontend.arm.neon_eval import slots_of, state_of
from tests.frontend.arm.simd_oracle import DATA, DATA_SIZE, Oracle, State, random_state

ITERATIONS = int(os.environ.get("DBT_SIMD_ITERATIONS", "8"))  # encodings of each row

CODE = 0x1000000
CODE_SIZE = 0x400000
CODE_BYTES = 8  # the instruction, and one that is undefined
_ALWAYS = 0xE0000000
_UDF = 0xE7F000F0


def rows(*modules: str) -> list[tuple[DecodeTable, Row]]:
    """The rows whose semantics are in modules that start with one of these names."""
    found = []
    for table in (A32_COND, A32_UNCOND):
        found += [(table, row) for row in table.rows if row.module.rpartition(".")[2].startswith(modules)]
    return found


def row_id(value: object) -> str:
    """A name for pytest: the function, and its fixed bits where several rows share it."""
    return f"{value.name}-{value.value:08x}" if isinstance(value, Row) else ""


def encodings(table: DecodeTable, row: Row, rng: Random, count: int, mode: int = 0) -> Iterator[tuple[int, Unit]]:
    """*count* random encodings that the oracle can be asked about, with their lifted units; few of them undefined."""
    made = 0
    while made < count:
        word = table.random_insn(rng, row)
        if table is A32_COND:
            word = word & 0x0FFFFFFF | _ALWAYS
        if not_comparable(row, word):
            continue
        unit, lifted = lift_insn(frontend, mode, word.to_bytes(4, "little"))
        if lifted.undefined and rng.randrange(6):
            continue
        made += 1
        yield word, unit


# What cannot be compared --------------------------------------------------------------------------------------------------
class _Unpredictable(Exception):
    pass


class _AskingContext(Context):
    """Tells UNPREDICTABLE from UNDEFINED."""

    def unpredictable(self) -> NoReturn:
        raise _Unpredictable


def _unpredictable(row: Row, word: int) -> bool:
    """We take such encodings as UNDEFINED; unicorn executes them in some way."""
    try:
        row.call(_AskingContext(Builder(Unit("arm"), LAYOUTS["arm"].slot_types), 0, 4, AL), **row.decode(word))
    except _Unpredictable:
        return True
    except UndefinedInstruction:
        pass
    return False


def _literal(row: Row, word: int) -> bool:
    """Memory beside the code: there is a test of its own for it."""
    return "Rn" in row.fields and row.extract("Rn", word) == PC


def _other_system_register(row: Row, word: int) -> bool:
    """Identification registers differ from model to model; FPEXC can be read here because unicorn runs the instruction privileged."""
    return row.name == "vmrs" and row.extract("reg", word) != 1


def _both_results_to_one_register(row: Row, word: int) -> bool:
    """VSWP, VTRN, VUZP, VZIP of a register with itself: the result is UNKNOWN."""
    return row.name in ("vswp", "vtrn", "vuzp", "vzip") and (word >> 12 & 15, word >> 22 & 1) == (word & 15, word >> 5 & 1)


def _polynomial_64(row: Row, word: int) -> bool:
    """VMULL.P64 belongs to the cryptographic extension, which unicorn's model has."""
    return row.name == "vmull_poly" and row.extract("size", word) == 2


NOT_COMPARABLE = (_unpredictable, _literal, _other_system_register, _both_results_to_one_register, _polynomial_64)


def not_comparable(row: Row, word: int) -> bool:
    return any(reason(row, word) for reason in NOT_COMPARABLE)


def prepare(row: Row, state: State) -> None:
    """Fixed-point conversion to floating point rounds to nearest in the manual; unicorn's QEMU is older than that fix and takes FPSCR's mode."""
    if row.name == "vcvt_from_fixed":
        state.fpscr &= ~(3 << 22)


def compare(ours: State, theirs: State) -> list[str]:
    """The differences, a line each."""
    if ours.undefined != theirs.undefined:
        return [f"undefined: {ours.undefined} {theirs.undefined}"]
    return [] if ours.undefined else ours.differences(theirs)


Run = Callable[[int, Unit, State], State | None]


def check(table: DecodeTable, row: Row, oracle: Oracle, run: Run, count: int, seed: int = 1, mode: int = 0) -> None:
    """*run* gives the state after an encoding (None if it cannot tell), which must be the oracle's. *mode* is a guest mode of A32."""
    rng = Random(f"{seed} {row.text}")
    for word, unit in encodings(table, row, rng, count, mode):
        before = random_state(rng)
        prepare(row, before)
        theirs = oracle.run(word, before, bool(mode & MODE_BIG_ENDIAN))
        ours = run(word, unit, before)
        if ours is not None:
            differences = compare(ours, theirs)
            assert not differences, f"{row.text}\n{word:#010x}, FPSCR {before.fpscr:#010x}, seed {seed}; ours and the oracle's:\n" + "\n".join(differences)


class EngineRunner:
    """Runs one instruction on an engine, like :class:`Oracle`; each at an address of its own, so that tier 1 compiles it."""

    def __init__(self, tier: str) -> None:
        self.harness = Harness("arm", tier)
        self.harness.map(CODE, CODE_SIZE, PAGE_CODE)
        self.harness.put_memory({DATA: bytes(DATA_SIZE)})
        self._next = CODE

    def run(self, word: int, before: State, mode: int = 0) -> State:
        """The state after *word*. The instruction that follows is undefined, which stops the engine."""
        if self._next == CODE + CODE_SIZE:
            raise AssertionError("the code area is full: make CODE_SIZE larger")
        at, self._next = self._next, self._next + CODE_BYTES
        memory, vcpu = self.harness.memory, self.harness.vcpu
        memory.poke(at, word.to_bytes(4, "little") + _UDF.to_bytes(4, "little"))
        memory.poke(DATA, before.memory)
        for slot, value in slots_of(before).items():
            vcpu.put(slot, value)
        vcpu.pc, vcpu.mode = at, mode
        reason = self.harness.engine.run(vcpu)
        if reason != Exit.EXCEPTION:
            raise AssertionError(f"{word:#010x} stopped with {reason.name}")
        return state_of(vcpu.get, memory.read(DATA, DATA_SIZE), at, vcpu.pc == at)
