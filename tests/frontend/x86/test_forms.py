"""Forms and shapes of x86 instructions: what is learnt from a few members of a shape holds for all of them.

``DBT_LONG_FUZZ=N`` takes N instructions of each row (default: one of every fifth row, the rows changing with ``DBT_SEED``)."""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random

import pytest

from dbt.backend.tier0.encode import encode
from dbt.frontend.base import lift_insn
from dbt.frontend.x86 import FRONTENDS
from dbt.frontend.x86.decode import Encoding
from dbt.frontend.x86.tables import match, random_insn, rows
from runtime.shape_learning import Members, fill, learn, without_insn
from runtime.templates import pack
from tests.frontend.arm.test_forms import value

SEED = int(os.environ.get("DBT_SEED", "1"))
EACH = int(os.environ.get("DBT_LONG_FUZZ", "0"))


def _lifter(arch: str, length: int) -> Callable[[int], bytes]:
    def lift(insn: int) -> bytes:
        data = insn.to_bytes(length, "little")
        unit, lifted = lift_insn(FRONTENDS[arch], 0, data)
        return pack(encode(unit, lifted.length, lifted.next_mode, lifted.ends), 0, data, lifted.next_mode, lifted.ends)

    return lift


@pytest.mark.parametrize("arch", ["i386", "x86_64"])
def test_members_of_a_shape_are_lifted_as_learnt(arch: str) -> None:
    rng, long, frontend = Random(SEED), arch == "x86_64", FRONTENDS[arch]
    learnt = members = 0
    for row in rows(long):
        for _ in range(EACH or not rng.randrange(5)):
            data = random_insn(rng, row, long)
            form = frontend.form(0, data)
            if form is None:
                continue
            insn, lifter = int.from_bytes(data, "little"), _lifter(arch, len(data))
            found = learn(form, insn, lifter)
            for _ in range(6):
                other = Members(form, insn).chosen(lambda width: value(rng, width))
                if other is None:
                    continue
                bytes_ = other.to_bytes(len(data), "little")
                what = f"{arch} {data.hex()} and {bytes_.hex()} of '{row.text}', seed {SEED}"
                e = Encoding(bytes_, long)
                assert e.length == len(data), f"{what}: another length"
                assert match(e, long) is row, f"{what}: another row"
                assert frontend.form(0, bytes_) == form, f"{what}: another form"
                if found is not None:
                    assert fill(found, form, other) == without_insn(lifter(other)), what
                    members += 1
            learnt += found is not None
    assert learnt > 20 and members > 100


@pytest.mark.parametrize(("arch", "code"), [
    ("i386", "8b4424"), ("i386", "88e0"), ("i386", "ff742404"), ("i386", "d3e0"), ("i386", "f7e1"), ("i386", "0fb1d1"), ("x86_64", "a4"),
])  # fmt: skip
def test_what_could_be_confused_has_no_form_or_a_pattern_of_its_own(arch: str, code: str) -> None:
    """Byte registers AH to BH and operands that no field names; a SIB byte is part of the pattern."""
    data = bytes.fromhex(code.ljust(8, "0") if code == "8b4424" else code)
    form = FRONTENDS[arch].form(0, data)
    if code.startswith(("8b", "ff")):
        assert form is not None
        plain = FRONTENDS[arch].form(0, bytes.fromhex("8b4305" if code[0] == "8" else "ff7305"))
        assert plain is not None and plain.length != form.length
    else:
        assert form is None
