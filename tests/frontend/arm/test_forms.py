"""Forms and shapes: what is learnt from a few members of a shape holds for all of them.

DBT_LONG_FUZZ=N takes N instructions of each row (default: one of every fourth row, the rows changing with the seed)."""

import os
from collections.abc import Callable, Iterator
from random import Random

import pytest

from dbt.abi.arm import MODE_BIG_ENDIAN, MODE_IT_SHIFT, MODE_THUMB
from dbt.backend.tier0.encode import encode
from dbt.frontend.arm import frontend
from dbt.frontend.arm.tables import A32_COND, A32_UNCOND, T16, T32
from dbt.frontend.base import lift_insn
from dbt.frontend.decode import DecodeError
from dbt.frontend.form import Form, FormField
from runtime.shape_learning import Members, fill, learn, without_insn
from runtime.templates import pack

SEED = int(os.environ.get("DBT_SEED", "1"))
EACH = int(os.environ.get("DBT_LONG_FUZZ", "0"))
CONDITIONS = 15
IT_MASKS = (8, 4, 12, 2, 6)


def lifter(mode: int, length: int) -> Callable[[int], bytes]:
    return lambda insn: template(mode, insn.to_bytes(length, "little"))


def template(mode: int, data: bytes) -> bytes:
    unit, lifted = lift_insn(frontend, mode, data)
    return pack(encode(unit, lifted.length, lifted.next_mode, lifted.ends), mode, data, lifted.next_mode, lifted.ends)


def instructions(rng: Random) -> Iterator[tuple[int, bytes]]:
    """(mode, bytes) of random instructions of all rows."""
    for table in (A32_COND, A32_UNCOND, T16, T32):
        thumb = table in (T16, T32)
        for row in table.rows:
            for _ in range(EACH or not rng.randrange(4)):
                mode = MODE_THUMB if thumb else MODE_BIG_ENDIAN if rng.random() < 0.2 else 0
                if thumb and rng.random() < 0.3:
                    mode |= (rng.randrange(CONDITIONS) << 4 | rng.choice(IT_MASKS)) << MODE_IT_SHIFT
                try:
                    word = table.random_insn(rng, row)
                except DecodeError:
                    continue
                if thumb and row.width == 32:
                    word = word >> 16 | (word & 0xFFFF) << 16
                yield mode, word.to_bytes(row.width // 8, "little")


def value(rng: Random, width: int) -> int:
    """A field's value: small, great, a multiple of four, or any."""
    kind = rng.randrange(6)
    if kind == 0:
        return min(rng.randrange(4), (1 << width) - 1)
    if kind == 1:
        return max((1 << width) - 1 - rng.randrange(3), 0)
    return rng.getrandbits(width) & (~3 if kind == 2 else -1)


def test_members_of_a_shape_are_lifted_as_learnt() -> None:
    rng = Random(SEED)
    learnt = members = 0
    for mode, data in instructions(rng):
        form = frontend.form(mode, data)
        if form is None:
            continue
        insn = int.from_bytes(data, "little")
        found = learn(form, insn, lifter(mode, form.length))
        row = frontend.decode(mode, data)[0]
        for _ in range(8):
            other = Members(form, insn).chosen(lambda width: value(rng, width))
            if other is None:
                continue
            bytes_ = other.to_bytes(form.length, "little")
            what = f"mode {mode:#x}: {insn:#x} and {other:#x} of '{row.text}', seed {SEED}"
            assert frontend.decode(mode, bytes_)[0] is row, f"{what}: another row"
            assert frontend.form(mode, bytes_) == form, f"{what}: another form"
            if found is not None:
                assert fill(found, form, other) == without_insn(template(mode, bytes_)), what
                members += 1
        learnt += found is not None
    assert learnt > 100 and members > 800


def test_a_pattern_tells_special_and_equal_values() -> None:
    registers = [FormField(((shift, 15, 0),), 1 << 15, 1) for shift in (0, 4, 8)]
    form = Form(2, (*registers, FormField(((12, 15, 0),), 1)))
    assert form.fixed == 0
    assert form.pattern(form.values(0x1321)) == form.pattern(form.values(0x7654))
    assert form.pattern(form.values(0x1321)) != form.pattern(form.values(0x1311)), "two equal registers"
    assert form.pattern(form.values(0x1311)) == form.pattern(form.values(0x9422))
    assert form.pattern(form.values(0x1311)) != form.pattern(form.values(0x1113)), "other ones equal"
    assert form.pattern(form.values(0x132F)) != form.pattern(form.values(0x1321)), "the PC"
    assert form.pattern(form.values(0x0321)) != form.pattern(form.values(0x1321)), "zero"


@pytest.mark.parametrize("pieces", [((4, 0xFF, 0),), ((28, 15, 0), (0, 7, 4)), ((0, 1, 3), (9, 7, 0))])
def test_a_field_comes_back_from_where_it_was_put(pieces: tuple[tuple[int, int, int], ...]) -> None:
    field = FormField(pieces)
    for number in range(1 << field.width):
        assert field.extract(field.insert(0xA5A5A5A5, number)) == number
        assert (field.insert(0xA5A5A5A5, number) ^ 0xA5A5A5A5) & ~field.bits == 0


def test_a_shape_that_does_not_behave_is_not_learnt() -> None:
    form = Form(1, (FormField(((0, 255, 0),)),))

    def square(insn: int) -> bytes:
        return template(0, (0xE3000000 | (insn * insn & 0xFFF)).to_bytes(4, "little"))  # movw r0, #n*n

    assert learn(form, 3, square) is None
    assert learn(form, 3, lambda insn: template(0, (0xE3000000 | insn * 5).to_bytes(4, "little"))) is not None
