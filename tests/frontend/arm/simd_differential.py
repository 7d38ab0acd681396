"""Random encodings of VFP and Advanced SIMD rows, held against unicorn, and the known differences with their reasons."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from random import Random

from dbt.abi.arm import MODE_BIG_ENDIAN
from dbt.abi.exits import Exit
from dbt.frontend.arm import frontend
from dbt.frontend.arm.tables import A32_COND, A32_UNCOND
from dbt.frontend.base import lift_insn
from dbt.frontend.decode import DecodeTable, Row
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
def _field(row: Row, word: int, name: str) -> int | None:
    return row.extract(name, word) if name in row.fields else None


def _pc_operand(row: Row, word: int) -> bool:
    """The PC as base or transfer register: UNPREDICTABLE, or a literal outside the data area (there are tests of their own for it)."""
    fpscr_flags = row.name == "vmrs" and _field(row, word, "reg") == 1
    return not fpscr_flags and any(_field(row, word, name) == 15 for name in ("Rn", "Rt", "Rt2"))


def _other_system_register(row: Row, word: int) -> bool:
    """Identification registers differ from model to model; FPEXC can be read here because unicorn runs the instruction privileged."""
    return row.name == "vmrs" and _field(row, word, "reg") != 1


def _both_results_to_one_register(row: Row, word: int) -> bool:
    """VSWP, VTRN, VUZP, VZIP of a register with itself: the result is UNKNOWN."""
    return row.name in ("vswp", "vtrn", "vuzp", "vzip") and (word >> 12 & 15, word >> 22 & 1) == (word & 15, word >> 5 & 1)


def _polynomial_64(row: Row, word: int) -> bool:
    """VMULL.P64 belongs to the cryptographic extension, which unicorn's model has."""
    return row.name == "vmull_poly" and _field(row, word, "size") == 2


NOT_COMPARABLE: tuple[Callable[[Row, int], bool], ...] = (_pc_operand, _other_system_register, _both_results_to_one_register, _polynomial_64)


def not_comparable(row: Row, word: int) -> bool:
    return any(reason(row, word) for reason in NOT_COMPARABLE)


# UNPREDICTABLE encodings that we take as UNDEFINED and unicorn executes in some way.
def _beyond_last_register(row: Row, word: int) -> bool:
    return "load_store" in row.module or row.name in ("vmov_core_to_two_singles", "vmov_two_singles_to_core", "vtbl")


def _same_destination(row: Row, word: int) -> bool:
    return row.name in ("vmov_two_singles_to_core", "vmov_double_to_core") and _field(row, word, "Rt") == _field(row, word, "Rt2")


def _negative_fraction_bits(row: Row, word: int) -> bool:
    return row.name in ("vcvt_to_fixed", "vcvt_from_fixed") and row.module.endswith("vfp_convert")


UNPREDICTABLE: tuple[Callable[[Row, int], bool], ...] = (_beyond_last_register, _same_destination, _negative_fraction_bits)


def prepare(row: Row, state: State) -> None:
    """Fixed-point conversion to floating point rounds to nearest in the manual; unicorn's QEMU is older than that fix and takes FPSCR's mode."""
    if row.name == "vcvt_from_fixed":
        state.fpscr &= ~(3 << 22)


def compare(row: Row, word: int, ours: State, theirs: State) -> list[str]:
    """The differences that are not known ones."""
    if ours.undefined and theirs.undefined:
        return []
    if ours.undefined and any(reason(row, word) for reason in UNPREDICTABLE):
        return []
    if ours.undefined != theirs.undefined:
        return [f"undefined: {ours.undefined} {theirs.undefined}"]
    return ours.differences(theirs)


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
            differences = compare(row, word, ours, theirs)
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
