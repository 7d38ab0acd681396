"""Vector rows of the rare kernel against plain Python."""

from __future__ import annotations

import random

import pytest

from dbt.ir.optable import OPS
from dbt.ir.types import F32, I32, I64, V64, V128, Type
from runtime.image import Image

from .cells import runner
from .lane_reference import BITS, LANES, NARROW, ONLY_LANES, WIDEN, join, split, vector

CASES = 60
IN_WORDS = {"vdup", "vget", "vset", "vsigns", "vshuf", "vtbl"}  # rows that move lanes about, tested one by one below
ELSEWHERE = {"pcmpstr"}  # with its instructions: tests/frontend/x86


def pattern(rng: random.Random, bits: int) -> int:
    """Random bits, with lanes of extreme values more often than chance gives them."""
    value = 0
    for at in range(0, bits, 8):
        value |= rng.choice([0, 0xFF, 0x7F, 0x80, 1, rng.getrandbits(8), rng.getrandbits(8)]) << at
    return rng.choice([value, rng.getrandbits(bits)])


def test_every_row_is_covered() -> None:
    covered = {*LANES, *WIDEN, *NARROW, *BITS, *IN_WORDS}
    rare = {name for name, op in OPS.items() if op.kind not in ("scalar", "x87", "string") and not name.startswith(("f", "vf", "vitof", "itof"))}
    assert rare == covered | ELSEWHERE


def test_every_lane_word_is_in_the_reference() -> None:
    assert set(LANES) == {name for name, op in OPS.items() if op.kind == "lane" and not name.startswith(("vf", "vitof"))}


@pytest.mark.parametrize("type", [V64, V128])
@pytest.mark.parametrize("name", LANES)
def test_lanes(image: Image, name: str, type: Type) -> None:
    rng = random.Random(name)
    op = OPS[name]
    for lane in ONLY_LANES.get(name, (8, 16, 32, 64)):
        for _ in range(8 if "imm" in op.attrs else 1):
            low = 1 if name in ("vrshr", "vrsar") else 0
            imm = rng.randint(low, lane - 1 if name == "vsqshlu" else lane)
            run = runner(image, name, type, [type] * len(op.args), lane=lane, imm=imm)
            for _ in range(CASES):
                values = [pattern(rng, type.bits) for _ in op.args]
                want = vector(LANES[name], values[0], values[-1], lane, lane, type.bits // lane, lane, imm)
                assert run(*values) == want, f"{name} lane {lane} imm {imm} of {[hex(v) for v in values]}"


@pytest.mark.parametrize("name", WIDEN)
def test_widen(image: Image, name: str) -> None:
    rng = random.Random(name)
    arity = len(OPS[name].args)
    for lane in ONLY_LANES.get(name, (8, 16, 32)):
        run = runner(image, name, None, [V64] * arity, lane=lane)
        for _ in range(CASES):
            values = [pattern(rng, 64) for _ in range(arity)]
            assert run(*values) == vector(WIDEN[name], values[0], values[-1], lane, 2 * lane, 64 // lane, lane, 0)


@pytest.mark.parametrize("name", NARROW)
def test_narrow(image: Image, name: str) -> None:
    rng = random.Random(name)
    for lane in (8, 16, 32):
        run = runner(image, name, None, [V128], lane=lane)
        for _ in range(CASES):
            value = pattern(rng, 128)
            assert run(value) == vector(NARROW[name], value, value, 2 * lane, lane, 64 // lane, lane, 0)


@pytest.mark.parametrize("type", [V64, V128])
@pytest.mark.parametrize("name", BITS)
def test_bits(image: Image, name: str, type: Type) -> None:
    rng = random.Random(name)
    arity = len(OPS[name].args)
    run = runner(image, name, type, [type] * arity)
    for _ in range(CASES):
        values = [rng.getrandbits(type.bits) for _ in range(arity)]
        want = BITS[name](values[0], values[-1] if arity < 3 else values[1], values[-1]) & ((1 << type.bits) - 1)
        assert run(*values) == (want, 0)


@pytest.mark.parametrize("type", [V64, V128])
@pytest.mark.parametrize("lane", [8, 16, 32, 64])
def test_moves(image: Image, type: Type, lane: int) -> None:
    rng = random.Random(lane)
    count = type.bits // lane
    operand = I64 if lane == 64 else I32
    dup = runner(image, "vdup", type, [operand], lane=lane)
    for index in range(count):
        value, vector_bits = rng.getrandbits(operand.bits), rng.getrandbits(type.bits)
        assert dup(value) == (join([value] * count, lane), 0)
        lanes = split(vector_bits, lane, count)
        signs = sum(one >> lane - 1 << i for i, one in enumerate(lanes))
        assert runner(image, "vsigns", None, [type], lane=lane)(vector_bits) == (signs, 0)
        assert runner(image, "vget", operand, [type], lane=lane, index=index)(vector_bits) == (lanes[index], 0)
        lanes[index] = value
        assert runner(image, "vset", type, [type, operand], lane=lane, index=index)(vector_bits, value) == (join(lanes, lane), 0)


@pytest.mark.parametrize("type", [V64, V128])
def test_shuffle(image: Image, type: Type) -> None:
    rng = random.Random(3)
    size = type.bits // 8
    for _ in range(CASES):
        perm = tuple(rng.randrange(2 * size) for _ in range(size))
        a, b = rng.getrandbits(type.bits), rng.getrandbits(type.bits)
        both = split(a, 8, size) + split(b, 8, size)
        assert runner(image, "vshuf", type, [type, type], perm=perm)(a, b) == (join([both[i] for i in perm], 8), 0)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_table(image: Image, count: int) -> None:
    rng = random.Random(count)
    run = runner(image, "vtbl", None, [V64, V128, V128, V64], count=count)
    for _ in range(CASES):
        indexes = [rng.choice([rng.randrange(40), rng.randrange(256)]) for _ in range(8)]
        low, high, default = rng.getrandbits(128), rng.getrandbits(128), rng.getrandbits(64)
        table = (split(low, 8, 16) + split(high, 8, 16))[: 8 * count]
        want = [table[i] if i < len(table) else d for i, d in zip(indexes, split(default, 8, 8), strict=True)]
        assert run(join(indexes, 8), low, high, default) == (join(want, 8), 0)


@pytest.mark.parametrize("half,single", [(0x3C00, 0x3F800000), (0x7C00, 0x7F800000), (0x0001, 0x33800000), (0x8000, 0x80000000)])
def test_half_vectors(image: Image, half: int, single: int) -> None:
    widened = runner(image, "vfcvt_h2f", None, [V64])(join([half, 0x3C00, half, 0x4000], 16))
    assert widened == (join([single, F32_ONE, single, F32_TWO], 32), 0)
    assert runner(image, "vfcvt_f2h", None, [V128])(widened[0]) == (join([half, 0x3C00, half, 0x4000], 16), 0)


F32_ONE, F32_TWO = 0x3F800000, 0x40000000
assert F32.bits == 32
