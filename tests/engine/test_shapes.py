"""Shapes in the engine: native templates equal lifted ones, programs share what was learnt, and a damaged file is not trusted."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from dbt.abi.memory import PAGE_SIZE
from dbt.frontend.base import frontend_for
from runtime import shapes, templates
from runtime.lifter import Lifter
from runtime.process_block import proc, shape, template
from runtime.shape_learning import CHECKS, learn
from tests.engine.harness import Harness
from tests.engine.test_memory import arm

LEARN_POPULAR = Lifter.learn_popular
POPULAR_STEP = 37  # every so many popular shapes are looked at more closely
LEAST = 2  # members to learn a shape from, here
MOVS = [0xE3000000 | register << 12 | number for register, number in ((0, 1), (1, 2), (2, 3), (3, 70), (4, 0xFFF))]  # movw


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(Lifter, "learn_popular", lambda self: None)
    monkeypatch.setattr(shapes, "WORTH_LEARNING", LEAST)
    for module in (templates, shapes):
        monkeypatch.setattr(module, "cache_dir", lambda: str(tmp_path))
    yield tmp_path


def run(*code: int) -> tuple[int, list[int]]:
    """(instructions lifted, r0 to r4) of a run with an engine of its own."""
    harness = Harness(persistent=True)
    try:
        _, vcpu = harness.run(arm(*code))
        assert vcpu.pc == harness.end
        return harness.engine.lifted, [vcpu.get(f"r{i}") for i in range(5)]
    finally:
        harness.close()


# add with a shifted register, ldr and str with offsets, a conditional branch, a multiplication, mov with a rotated immediate: A32
@pytest.mark.parametrize("word", [0xE0812183, 0xE5921014, 0xE50D1008, 0x1A000003, 0xE0232190, 0xE3A014FF, 0xEE312B42, 0xF2444846])
def test_native_templates_equal_lifted_ones(word: int) -> None:
    from runtime.shape_learning import Members

    harness = Harness()
    try:
        engine = harness.engine
        data = word.to_bytes(4, "little")
        form = engine.frontend.form(0, data)
        assert form is not None and engine.shapes.learn(form, 0, data, engine.lifter.packed)
        make = engine.image.function("template_from_shape", ctypes.c_int64, ctypes.c_void_p, *[ctypes.c_int64] * 4)
        rng = Random(word)
        members = {Members(form, word + i).chosen(rng.getrandbits) or word for i in range(50)}
        for member in members:
            at = make(engine.block.address, 0, member, 0, 4)
            shaped = form.shape(member) == form.shape(word)
            assert bool(at) == shaped, hex(member)
            if at:
                lifted = engine.lifter.packed(0, member.to_bytes(4, "little"))
                start = template.offset("insn")
                assert ctypes.string_at(engine.block.address + at + start, len(lifted) - start) == lifted[start:], hex(member)
        assert engine.block.get("shape_templates") == sum(form.shape(member) == form.shape(word) for member in members)
    finally:
        harness.close()


def test_a_shape_that_was_met_often_enough_is_not_lifted() -> None:
    assert run(*MOVS) == (LEAST, [1, 2, 3, 70, 0xFFF])


def test_other_programs_profit() -> None:
    run(*MOVS)
    assert run(0xE3000008, 0xE3001009) == (0, [8, 9, 0, 0, 0])


def the_file(cache: Path) -> Path:
    (found,) = (cache / "kernels").glob("*.shapes")
    return found


def flip(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 0x40]) + data[at:][1:]


AREA = PAGE_SIZE + proc.offset("shapes_area") - proc.offset("shape_hash")
FORMS = PAGE_SIZE + proc.offset("forms") - proc.offset("shape_hash")
DAMAGE = {
    "empty": lambda data: b"", "truncated": lambda data: data[: len(data) // 2], "end": flip(25), "form": flip(FORMS + 9), "forms": flip(FORMS - 1),
    "field": flip(FORMS + 60), "checksum": flip(AREA), "pattern": flip(AREA + shape.offset("pattern")), "hole": flip(-9),
    "records": flip(AREA + shape.size + template.size + 1), "zeroes": lambda data: data[:PAGE_SIZE] + bytes(len(data) - PAGE_SIZE),
    "ones": lambda data: data[:PAGE_SIZE] + b"\xff" * (len(data) - PAGE_SIZE),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_costs_lifting_and_nothing_else(cache: Path, damage: Callable[[bytes], bytes]) -> None:
    run(*MOVS)
    path = the_file(cache)
    before = path.read_bytes()
    for found in (cache / "templates").glob("*.templates"):
        found.unlink()
    path.write_bytes(damage(before))
    assert path.read_bytes() != before
    lifted, registers = run(*MOVS)
    assert registers == [1, 2, 3, 70, 0xFFF]
    assert lifted <= LEAST


@pytest.mark.parametrize("cache_exists", [True, False])
def test_popular_shapes_are_learnt_once_for_each_guest(cache: Path, monkeypatch: pytest.MonkeyPatch, cache_exists: bool) -> None:
    """But not where they cannot be kept."""
    if cache_exists:
        (cache / "kernels").mkdir()
    monkeypatch.setattr(Lifter, "learn_popular", LEARN_POPULAR)
    for arch in ("arm", "i386", "x86_64"):
        frontend = frontend_for(arch)
        popular = [item for item in frontend.popular() if item[0] == 0][:20]
        monkeypatch.setattr(type(frontend), "popular", lambda self, popular=popular: iter(popular))
        for _ in range(2):
            harness = Harness(arch, persistent=True)
            assert harness.engine.shapes.count == (len(popular) if cache_exists else 0)
            harness.close()
            monkeypatch.setattr(type(frontend), "popular", lambda self: iter(()))  # what was learnt is kept for other processes


@pytest.mark.parametrize("arch", ["arm", "i386", "x86_64"])
def test_popular_instructions(arch: str) -> None:
    """They are of one shape each, and what is learnt of a shape holds for more of its members than are looked at where it is learnt."""
    harness = Harness(arch)
    try:
        frontend, packed = harness.engine.frontend, harness.engine.lifter.packed
        popular = list(frontend.popular())
        forms = [frontend.form(mode, data) for mode, data in popular]
        numbers = [int.from_bytes(data, "little") for _, data in popular]
        assert len({(mode, form, form.shape(insn)) for (mode, _), form, insn in zip(popular, forms, numbers, strict=True)}) == len(popular)
        for (mode, _), form, insn in list(zip(popular, forms, numbers, strict=True))[::POPULAR_STEP]:
            assert learn(form, insn, lambda member: packed(mode, member.to_bytes(form.length, "little")), 4 * CHECKS) is not None, hex(insn)  # noqa: B023
    finally:
        harness.close()
