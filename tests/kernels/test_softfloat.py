"""Soft float, bit for bit and flag for flag, against Unicorn executing the ARM instruction."""

from __future__ import annotations

import random

import pytest

from dbt.abi.cpu import FP_MODE_ALT_HALF, FP_MODE_DEFAULT_NAN, FP_MODE_FLUSH_IN, FP_MODE_FLUSH_OUT
from dbt.ir.types import F32, F64, I32, I64, V64, Type
from runtime.image import Image

from .arm_fp import ALTERNATIVE_HALF, DEFAULT_NAN, FLUSH, ArmFp
from .cells import runner

CASES = 400
_FORMATS = {16: (5, 10), 32: (8, 23), 64: (11, 52)}


def special(bits: int) -> list[int]:
    """Zeros, denormals, ones, limits, infinities and NaNs of both signs."""
    exponent, fraction = _FORMATS[bits]
    top = ((1 << exponent) - 1) << fraction
    one = (top >> 1) & top
    half = 1 << (fraction - 1)
    plain = [0, 1, half, 2 * half - 1, 2 * half, one, one + 1, one - 1, one + 2 * half, top - 1, top - 2 * half, top, top + 1, top + half, top + half + 5]
    return [value | sign << (bits - 1) for value in plain for sign in (0, 1)]


def operand(rng: random.Random, bits: int) -> int:
    """Mostly numbers whose exponents meet, and the special ones often."""
    exponent, fraction = _FORMATS[bits]
    kind = rng.randrange(8)
    if kind < 2:
        return rng.choice(special(bits))
    if kind == 2:
        return rng.getrandbits(bits)
    bias = (1 << (exponent - 1)) - 1
    around = (bias, 1, 2 * bias, bias // 2, bias + bias // 2)[rng.randrange(5)] if kind == 3 else bias
    biased = min(max(around + rng.randint(-fraction - 3, fraction + 3), 0), 2 * bias)
    mantissa = rng.getrandbits(fraction)
    if rng.random() < 0.3:
        mantissa &= -1 << rng.randrange(fraction)
    return rng.getrandbits(1) << (bits - 1) | biased << fraction | mantissa


def environments(rng: random.Random) -> tuple[int, int]:
    """(FPSCR, fp_mode) with the same meaning."""
    rounding = rng.randrange(4)
    fpscr, mode = rounding << 22, rounding
    if rng.random() < 0.4:
        fpscr, mode = fpscr | FLUSH, mode | FP_MODE_FLUSH_IN | FP_MODE_FLUSH_OUT
    if rng.random() < 0.3:
        fpscr, mode = fpscr | DEFAULT_NAN, mode | FP_MODE_DEFAULT_NAN
    if rng.random() < 0.2:
        fpscr, mode = fpscr | ALTERNATIVE_HALF, mode | FP_MODE_ALT_HALF
    return fpscr, mode


# name, instruction, type of the row, operands and the registers they sit in, attributes. "s" instructions read s2 and s4 (d1 and d2).
_F, _D = (F32, "f32", "s0", "s2", "s4"), (F64, "f64", "d0", "d1", "d2")
ROWS: list[tuple[str, str, Type | None, list[Type], dict[str, object]]] = []
for _type, _suffix, _d, _n, _m in (_F, _D):
    for _name, _mnemonic in (("fadd", "vadd"), ("fsub", "vsub"), ("fmul", "vmul"), ("fdiv", "vdiv"), ("fmin", "vminnm"), ("fmax", "vmaxnm")):
        if not _mnemonic.endswith("nm"):
            ROWS.append((_name, f"{_mnemonic}.{_suffix} {_d}, {_n}, {_m}", _type, [_type, _type], {}))
    ROWS.append(("fsqrt", f"vsqrt.{_suffix} {_d}, {_n}", _type, [_type], {}))
    ROWS.append(("fma", f"vfma.{_suffix} {_d}, {_n}, {_m}", _type, [_type, _type, _type], {}))
    for _signed, _letter in ((1, "s"), (0, "u")):
        ROWS.append(("ftoi", f"vcvt.{_letter}32.{_suffix} s0, {_n}", I32, [_type], {"signed": _signed, "width": 32, "round": 3}))
        ROWS.append(("ftoi", f"vcvtr.{_letter}32.{_suffix} s0, {_n}", I32, [_type], {"signed": _signed, "width": 32}))
        ROWS.append(("itof", f"vcvt.{_suffix}.{_letter}32 {_d}, s2", _type, [I32], {"signed": _signed}))
        for _width, _fbits in ((16, 5), (32, 11), (32, 32), (16, 16)):
            _fixed = {"signed": _signed, "width": _width, "fbits": _fbits, "round": 3}
            ROWS.append(("ftoi", f"vcvt.{_letter}{_width}.{_suffix} {_d}, {_d}, #{_fbits}", I64 if _type is F64 else I32, [_type], _fixed))
    for _round, _letter in ((-1, "r"), (3, "z")):
        ROWS.append(("frint", f"vrint{_letter}.{_suffix} {_d}, {_n}", _type, [_type], {"round": _round}))
    for _round, _letter in ((0, "n"), (1, "p"), (2, "m"), (4, "a")):
        ROWS.append(("frint", f"vrint{_letter}.{_suffix} {_d}, {_n}", _type, [_type], {"round": _round}))
        ROWS.append(("ftoi", f"vcvt{_letter}.s32.{_suffix} s0, {_n}", I32, [_type], {"signed": 1, "width": 32, "round": _round}))
    ROWS.append(("frint", f"vrintx.{_suffix} {_d}, {_n}", _type, [_type], {"exact": 1}))
    ROWS.append(("fcvt_f2h", f"vcvtb.f16.{_suffix} s0, {_n}", None, [_type], {}))
ROWS += [
    ("fcvt", "vcvt.f64.f32 d0, s2", F64, [F32], {}),
    ("fcvt", "vcvt.f32.f64 s0, d1", F32, [F64], {}),
    ("fcvt_h2f", "vcvtb.f32.f16 s0, s2", F32, [I32], {}),
    ("fcvt_h2f", "vcvtb.f64.f16 d0, s2", F64, [I32], {}),
]


def _fixed_point(text: str) -> bool:
    return "#" in text


@pytest.fixture(scope="module")
def arm() -> ArmFp:
    return ArmFp()


@pytest.mark.parametrize("row", ROWS, ids=[row[1] for row in ROWS])
def test_scalar(image: Image, arm: ArmFp, row: tuple[str, str, Type | None, list[Type], dict[str, object]]) -> None:
    name, text, of, operands, attrs = row
    run = runner(image, name, of, operands, **attrs)
    rng = random.Random(text)
    bits = run.inst.type.bits
    for _ in range(CASES):
        fpscr, mode = environments(rng)
        values = [operand(rng, 16 if name == "fcvt_h2f" else t.bits) for t in operands]
        if name == "itof":
            values = [rng.choice([rng.getrandbits(32), rng.getrandbits(rng.randint(1, 31)), 0, 0x80000000, 0xFFFFFFFF, 0xFFFFFFC0])]
        # vfma adds to its destination.
        registers = [values[2], *values[:2]] if name == "fma" else values * 2 if _fixed_point(text) else [0, *values]
        want, want_flags, _ = arm(text, registers, fpscr)
        got, flags = run(*values, mode=mode)
        mask = (1 << (16 if name == "fcvt_f2h" else bits)) - 1
        shown = f"{text} of {[hex(v) for v in values]}, fpscr {fpscr:#x}: {got:#x} {flags:#x}, not {want & mask:#x} {want_flags:#x}"
        assert (got & mask, flags) == (want & mask, want_flags), shown


@pytest.mark.parametrize("type", [F32, F64])
@pytest.mark.parametrize("signal", [0, 1])
def test_compare(image: Image, arm: ArmFp, type: Type, signal: int) -> None:
    rng = random.Random(5)
    run = runner(image, "fcmp", type, [type, type], signal=signal)
    text = f"vcmp{'e' if signal else ''}.f{type.bits} {'s2, s4' if type is F32 else 'd1, d2'}"
    for _ in range(CASES):
        fpscr, mode = environments(rng)
        a, b = operand(rng, type.bits), operand(rng, type.bits)
        b = rng.choice([a, b, b])
        _, flags, nzcv = arm(text, [0, a, b], fpscr)
        assert run(a, b, mode=mode) == (nzcv, flags), f"{text} of {a:#x}, {b:#x}, fpscr {fpscr:#x}"


VECTOR_ROWS = [
    ("vfadd", "vadd.f32 d0, d1, d2", 2), ("vfsub", "vsub.f32 d0, d1, d2", 2), ("vfmul", "vmul.f32 d0, d1, d2", 2), ("vfmin", "vmin.f32 d0, d1, d2", 2),
    ("vfmax", "vmax.f32 d0, d1, d2", 2), ("vfceq", "vceq.f32 d0, d1, d2", 2), ("vfcgt", "vcgt.f32 d0, d1, d2", 2), ("vfcge", "vcge.f32 d0, d1, d2", 2),
    ("vfrecps", "vrecps.f32 d0, d1, d2", 2), ("vfrsqrts", "vrsqrts.f32 d0, d1, d2", 2), ("vfrecpe", "vrecpe.f32 d0, d1", 1),
    ("vfrsqrte", "vrsqrte.f32 d0, d1", 1), ("vurecpe", "vrecpe.u32 d0, d1", 1), ("vursqrte", "vrsqrte.u32 d0, d1", 1), ("vfma", "vfma.f32 d0, d1, d2", 3),
]  # fmt: skip


@pytest.mark.parametrize("row", VECTOR_ROWS, ids=[row[1] for row in VECTOR_ROWS])
def test_vector(image: Image, arm: ArmFp, row: tuple[str, str, int]) -> None:
    name, text, arity = row
    run = runner(image, name, V64, [V64] * arity, lane=32)
    rng = random.Random(text)
    for _ in range(CASES):
        fpscr, mode = environments(rng)
        values = [operand(rng, 32) | operand(rng, 32) << 32 for _ in range(arity)]
        want, want_flags, _ = arm(text, [values[2] if arity == 3 else 0, *values[:2]], fpscr)
        got, flags = run(*values, mode=mode)
        assert (got, flags) == (want, want_flags), f"{text} of {[hex(v) for v in values]}: {got:#x} {flags:#x}, not {want:#x} {want_flags:#x}"


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("fbits", [0, 1, 13, 32])
def test_vector_conversion(image: Image, arm: ArmFp, signed: int, fbits: int) -> None:
    rng = random.Random(fbits)
    letter = "s" if signed else "u"
    scale = f", #{fbits}" if fbits else ""
    to_int = runner(image, "vftoi", V64, [V64], lane=32, signed=signed, fbits=fbits)
    to_float = runner(image, "vitof", V64, [V64], lane=32, signed=signed, fbits=fbits)
    for _ in range(CASES):
        value = operand(rng, 32) | operand(rng, 32) << 32
        assert to_int(value) == arm(f"vcvt.{letter}32.f32 d0, d1{scale}", [0, value], 0)[:2], hex(value)
        assert to_float(value) == arm(f"vcvt.f32.{letter}32 d0, d1{scale}", [0, value], 0)[:2], hex(value)
