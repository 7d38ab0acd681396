"""Vector and floating-point rows: what is written inline gives the bits and the flags of the kernel behind the helper ``op``.

``DBT_SIMD_ITERATIONS`` is the number of forms (types, lane widths, attributes) of each row and type that are compared (default 6, drawn with a fixed seed).
"""

from __future__ import annotations

import ctypes
import os
import random
import struct
import zlib
from itertools import groupby
from pathlib import Path

import pytest

from dbt.abi.arm import cpu as LAYOUT
from dbt.abi.cpu import (
    FP_INEXACT,
    FP_INPUT_DENORMAL,
    FP_MODE_ALT_HALF,
    FP_MODE_DEFAULT_NAN,
    FP_MODE_FLUSH_IN,
    FP_MODE_FLUSH_OUT,
    FP_MODE_NAN_X86,
    FP_MODE_TINY_AFTER,
    FP_SATURATED,
)  # fmt: skip
from dbt.backend.llvm import object as backend
from dbt.backend.llvm import survey
from dbt.backend.llvm.features import BASE, Features
from dbt.backend.llvm.region import Entry, lower
from dbt.backend.llvm.survey import Form, How, excused, forms, how, rows, slot, unit_of
from dbt.backend.llvm.x86_vectors import NEEDS
from dbt.backend.tier0.rare import rare_record
from dbt.ir.optable import OPS
from dbt.ir.types import TYPES, Type
from runtime import image
from tests.backend.machine import Machine

PAGE = Path(__file__).resolve().parents[2] / "docs" / "vectors.md"
FORMS = int(os.environ.get("DBT_SIMD_ITERATIONS", "6"))
INPUTS = 40
SPECIAL = {
    16: [0, 0x8000, 0x3C00, 0x7C00, 0xFC00, 0x7E01, 0x7C01, 1, 0x3FF, 0x400, 0x7BFF],
    32: [0, 1 << 31, 0x3F800000, 0x7F800000, 0xFF800000, 0x7FC00001, 0x7F800001, 1, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0x40400000, 0x4F000000, 0xCF000000,
         0x3F000000, 0xBF000000, 0x477FEFFF, 0x477FF000, 0x387FFFFF, 0x38800000, 0x4B800001, 0x5F000000, 0x5F800000],
    64: [0, 1 << 63, 0x3FF0000000000000, 0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000001, 0x7FF0000000000001, 1, 0x000FFFFFFFFFFFFF,
         0x0010000000000000, 0x7FEFFFFFFFFFFFFF, 0x4008000000000000, 0x41E0000000000000, 0xC1E0000000000000, 0x41DFFFFFFFE00000, 0x43E0000000000000,
         0x3FE0000000000000, 0xBFE0000000000000, 0x40EFFDFFFFFFFFFF, 0x3F10000000000000],
}  # fmt: skip
_X86 = FP_MODE_NAN_X86 | FP_MODE_TINY_AFTER
# The environments: fp_mode, fp_flags.
MODES = [
    (0, 0), (0, FP_INEXACT), (1, FP_INEXACT), (3, 0), (2, FP_INEXACT), (FP_MODE_FLUSH_IN | FP_MODE_FLUSH_OUT, FP_INEXACT), (FP_MODE_ALT_HALF, FP_INEXACT),
    (FP_MODE_DEFAULT_NAN, FP_INEXACT | FP_SATURATED), (_X86, 0), (_X86, FP_INEXACT), (_X86 | 1, 0),
]  # fmt: skip


class Rare(Machine):
    """A machine that also runs tier-0 records by themselves."""

    def __init__(self) -> None:
        address = image.load().address("helper_op")
        super().__init__(op=address)
        self._op = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint64)(address)

    def run_record(self, form: Form) -> None:
        """The kernel's answer for what the region of *form* computes."""
        inst = next(inst for inst in unit_of(form).insts() if inst.op is form.op)
        cells = tuple(LAYOUT.offset(slot(k, kind)) // 8 for k, kind in enumerate(form.kinds))
        record = ctypes.create_string_buffer(rare_record(inst, LAYOUT.offset("q8") // 8, cells))
        self._op(self.cpu, ctypes.addressof(record))


@pytest.fixture(scope="module")
def machine() -> Rare:
    return Rare()


def compare(machine: Rare, form: Form, inputs: list[list[int]], modes: list[tuple[int, int]], features: Features | None = None) -> None:
    """One form inline and by the kernel: results and status flags must agree on all inputs, but for DE of x86, which this machine, an ARM,
    leaves to no one (``test_denormals`` has x86 guests)."""
    region = machine.load(unit_of(form), features=features)
    for numbers in inputs:
        for mode, flags in modes:
            found = []
            for run in (lambda: machine.run(region), lambda: machine.run_record(form)):
                for k, number in enumerate(numbers):
                    machine.put(f"q{k}", number)
                machine.put("q8", 0)
                machine.put("fp_mode", mode)
                machine.put("fp_flags", flags)
                run()
                found.append((hex(machine.get("q8")), machine.get("fp_flags") & ~(FP_INPUT_DENORMAL if mode & FP_MODE_NAN_X86 else 0)))
            assert found[0] == found[1], f"{form.op.name}.{form.of} {form.attrs} of {[hex(n) for n in numbers]} in {mode}, {flags}: inline, kernel {found}"


# Inputs -------------------------------------------------------------------------------------------------------------------
def number(generator: random.Random, bits: int) -> int:
    pick = generator.randrange(4)
    if pick == 0:
        return generator.choice(SPECIAL[bits])
    if pick == 1:
        return generator.getrandbits(bits)
    value = generator.uniform(-100, 100) if pick == 2 else float(generator.randrange(-50, 50))
    return packed(value, bits)


def packed(value: float, bits: int) -> int:
    return int.from_bytes(struct.pack({16: "<e", 32: "<f", 64: "<d"}[bits], value), "little")


def floats(generator: random.Random, bits: int, lane: int) -> int:
    """Lanes of numbers, often all of one kind: an inline form is left when any lane is odd."""
    if generator.randrange(2):
        parts = [number(generator, lane) for _ in range(bits // lane)]
    else:
        scale = generator.choice((1.0, 0.1, 1e-4))
        parts = [packed(generator.randrange(-30, 30) * scale, lane) for _ in range(bits // lane)]
    return sum(part << lane * k for k, part in enumerate(parts))


def integers(generator: random.Random, bits: int, lane: int) -> int:
    """Lanes of integers: random, small, or at the ends of a range."""
    kind = generator.randrange(4)
    ends = [0, (1 << lane) - 1, 1 << lane - 1, (1 << lane - 1) - 1, 1, lane, lane - 1, -lane & (1 << lane) - 1, (1 << lane) - 2]
    ends += [(1 << 24) + generator.randrange(3) - 1] if lane >= 32 else []
    parts = [generator.getrandbits(lane) if kind == 0 else generator.choice(ends) if kind == 1 else generator.randrange(-lane - 1, lane + 2) & (1 << lane) - 1
             for _ in range(bits // lane)]  # fmt: skip
    if kind == 3:
        parts = parts[:1] * len(parts)
    return sum(part << lane * k for k, part in enumerate(parts))


def operand(generator: random.Random, form: Form, kind: Type) -> int:
    """A value that the row may do something odd with."""
    name = form.op.name
    lane = int(form.attr("lane")) if "lane" in form.op.attrs else kind.bits if kind.bits in (32, 64) else 8  # type: ignore[call-overload]
    if name == "pcmpstr":  # of few characters; lengths as the row takes them
        return generator.randrange(9) if kind.bits == 32 else int.from_bytes(bytes(generator.choices(b"abz\0\xff", k=16)), "little")
    if name in ("fcvt_h2f", "vfcvt_h2f"):
        return floats(generator, kind.bits, 16)
    if form.op.kind == "fp" or name.startswith("vf"):
        whole = name == "itof"
        return integers(generator, kind.bits, kind.bits) if whole else floats(generator, kind.bits, 32 if name == "vfcvt_f2h" else lane)
    return integers(generator, kind.bits, lane if kind.bits >= lane else kind.bits)


def inputs_of(form: Form, count: int) -> list[list[int]]:
    generator = random.Random(zlib.crc32(f"{form.op.name}.{form.of} {form.attrs}".encode()))
    return [[operand(generator, form, kind) for kind in form.kinds] for _ in range(count)]


def some(chosen: list[Form], count: int = FORMS) -> list[Form]:
    """A sample of *chosen* of each type."""
    picked: list[Form] = []
    for of, group in groupby(chosen, key=lambda form: form.of):
        members = list(group)
        picked += random.Random(zlib.crc32(f"{members[0].op.name}.{of}".encode())).sample(members, min(count, len(members)))
    return picked


# Tests --------------------------------------------------------------------------------------------------------------------
ROWS = [op.name for op in rows()]


@pytest.mark.parametrize("name", ROWS)
def test_row(machine: Rare, name: str) -> None:
    op = OPS[name]
    for form in some([form for form in forms(op) if not excused(form)]):
        effects = "e" in op.effects
        compare(machine, form, inputs_of(form, INPUTS // 4 if op.kind == "fp" or "std" in op.attrs else INPUTS // 2), MODES if effects else [(0, 0)])


@pytest.mark.parametrize("name", ["fma", "vfma", "frint", "vfrint", "ftoi", "vftoi", *NEEDS])
def test_row_on_a_host_with_less(machine: Rare, name: str) -> None:
    for form in some(list(forms(OPS[name])), 2):
        compare(machine, form, inputs_of(form, 4), MODES[:2], BASE)


def test_the_base_needs_no_library() -> None:
    """LLVM makes library calls of what a host cannot do: no row may come to that on a machine with the base features alone."""
    for op in rows():
        for form in some(list(forms(op)), 1):
            unit = unit_of(form)
            text = lower(unit, [Entry(next(iter(unit.blocks)), 0x8000, 0)], LAYOUT, linear=True, features=BASE)
            assembly = backend.compile_assembly(text, "x86_64", level=0)
            called = [line.split()[1] for line in assembly.splitlines() if line.split()[:1] in (["callq"], ["call"])]
            assert all(target.startswith(("op_", "exact_", "*")) for target in called), f"{op.name}.{form.of} {form.attrs}: {called}"


@pytest.mark.parametrize("name", ["vfrecpe", "vfrsqrte", "vurecpe", "vursqrte"])
def test_every_estimate(machine: Rare, name: str) -> None:
    """All fractions that an estimate looks at, with even and odd exponents."""
    form = Form(OPS[name], TYPES["v128"], (TYPES["v128"],), (32, 1) if name.startswith("vf") else (32,))
    exponents = (127, 128) if name.startswith("vf") else (0,)
    step = 1 << 15 if name.startswith("vf") else 1 << 22
    words = [exponent << 23 | k * step for exponent in exponents for k in range(256 if name.startswith("vf") else 1024)]
    inputs = [[sum(word << 32 * k for k, word in enumerate(words[at : at + 4]))] for at in range(0, len(words), 4)]
    compare(machine, form, inputs, [(0, 0)])


def test_what_is_left_to_the_helper() -> None:
    """Every form but those of HELPER_ONLY is inline; and these are not, so that the list stays short."""
    for op in rows():
        for form in forms(op):
            assert (how(form) is How.HELPER) == excused(form), f"{op.name}.{form.of} {form.attrs}: write it inline, or say in HELPER_ONLY why not"


def test_page_is_current(bless: bool) -> None:
    if bless:
        PAGE.write_text(survey.document())
    assert PAGE.read_text() == survey.document(), "run: python -m dbt.backend.llvm.survey > docs/vectors.md"
