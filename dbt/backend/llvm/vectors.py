"""Vector rows whose LLVM form is plain: integer lanes, bitwise, widening, narrowing, permutations. ``saturating`` has those that set a flag."""

from __future__ import annotations

from collections.abc import Callable

from dbt.backend.llvm.scalars import Lowering
from dbt.backend.llvm.text import Text, lanes, llvm_type
from dbt.ir.unit import Inst

VECTORS: dict[str, Lowering] = {}


def lane_type(inst: Inst, bits: int | None = None) -> str:
    """LLVM type of *inst*'s operands as lanes."""
    return lanes(bits or inst.of.bits, int(inst.attr("lane")))  # type: ignore[call-overload]


def splat(type: str, value: int) -> str:
    """Constant vector of LLVM *type* with every lane *value*."""
    count, lane = type[1:-1].split(" x ")
    return "<" + ", ".join([f"{lane} {value}"] * int(count)) + ">"


def intrinsic_suffix(type: str) -> str:
    """``<4 x i32>`` as in intrinsic names: ``v4i32``."""
    return "v" + type[1:-1].replace(" x ", "")


def lanewise(compute: Callable[[Text, Inst, str, list[str]], str]) -> Lowering:
    """A lowering that computes on lane vectors: *compute* gets the lane vector type and the operands in it."""

    def lower(t: Text, i: Inst, v: list[str]) -> str:
        type = lane_type(i)
        carrier = llvm_type(i.of)
        return t.cast(compute(t, i, type, [t.cast(x, carrier, type) for x in v]), type, carrier)

    return lower


def _plain(name: str, instruction: str) -> None:
    VECTORS[name] = lanewise(lambda t, i, y, v: t.value(f"{instruction} {y} {v[0]}, {v[1]}"))


def _call(name: str, intrinsic: str, tail: str = "") -> None:
    def compute(t: Text, i: Inst, y: str, v: list[str]) -> str:
        return t.value(f"call {y} @llvm.{intrinsic}.{intrinsic_suffix(y)}({', '.join(f'{y} {x}' for x in v)}{tail})")

    VECTORS[name] = lanewise(compute)


def mask(t: Text, type: str, condition: str) -> str:
    """All ones in the lanes where the vector of i1 *condition* is true."""
    return t.value(f"sext <{type[1:-1].split(' x ')[0]} x i1> {condition} to {type}")


def _compare(name: str, condition: str) -> None:
    VECTORS[name] = lanewise(lambda t, i, y, v: mask(t, y, t.value(f"icmp {condition} {y} {v[0]}, {v[1]}")))


for _name, _instruction in (("vadd", "add"), ("vsub", "sub"), ("vmul", "mul")):
    _plain(_name, _instruction)
for _name, _intrinsic in (("vumax", "umax"), ("vumin", "umin"), ("vsmax", "smax"), ("vsmin", "smin"), ("vcnt", "ctpop")):
    _call(_name, _intrinsic)
_call("vabs", "abs", ", i1 false")
_call("vclz", "ctlz", ", i1 false")
for _name, _condition in (("vceq", "eq"), ("vcugt", "ugt"), ("vcuge", "uge"), ("vcsgt", "sgt"), ("vcsge", "sge")):
    _compare(_name, _condition)


@lanewise
def _test_bits(t: Text, i: Inst, y: str, v: list[str]) -> str:
    return mask(t, y, t.value(f"icmp ne {y} {t.value(f'and {y} {v[0]}, {v[1]}')}, zeroinitializer"))


def _absolute_difference(sign: str) -> Lowering:
    def compute(t: Text, i: Inst, y: str, v: list[str]) -> str:
        high, low = (t.value(f"call {y} @llvm.{sign}{end}.{intrinsic_suffix(y)}({y} {v[0]}, {y} {v[1]})") for end in ("max", "min"))
        return t.value(f"sub {y} {high}, {low}")

    return lanewise(compute)


def _halving(shift: str, rounding: bool) -> Lowering:
    """(a + b [+ 1]) >> 1 without a wider lane: the common bits, plus half of the differing ones; rounding takes the upper neighbour."""

    def compute(t: Text, i: Inst, y: str, v: list[str]) -> str:
        common = t.value(f"{'or' if rounding else 'and'} {y} {v[0]}, {v[1]}")
        half = t.value(f"{shift} {y} {t.value(f'xor {y} {v[0]}, {v[1]}')}, {splat(y, 1)}")
        return t.value(f"{'sub' if rounding else 'add'} {y} {common}, {half}")

    return lanewise(compute)


def _shift(instruction: str, saturated_count: bool) -> Lowering:
    def compute(t: Text, i: Inst, y: str, v: list[str]) -> str:
        lane, count = int(i.attr("lane")), int(i.attr("imm"))  # type: ignore[call-overload]
        if count >= lane:
            if not saturated_count:
                return "zeroinitializer"
            count = lane - 1
        return t.value(f"{instruction} {y} {v[0]}, {splat(y, count)}")

    return lanewise(compute)


def _rounding_shift(instruction: str) -> Lowering:
    """Shift right, then add the last bit shifted out; a shift by the whole lane leaves just that bit (and 0 for a
    signed value, where -1 + 1 and 0 + 0 are the same)."""

    def compute(t: Text, i: Inst, y: str, v: list[str]) -> str:
        lane, count = int(i.attr("lane")), int(i.attr("imm"))  # type: ignore[call-overload]
        last = t.value(f"and {y} {t.value(f'lshr {y} {v[0]}, {splat(y, count - 1)}')}, {splat(y, 1)}")
        if count == lane:
            return last if instruction == "lshr" else "zeroinitializer"
        return t.value(f"add {y} {t.value(f'{instruction} {y} {v[0]}, {splat(y, count)}')}, {last}")

    return lanewise(compute)


def _halving_difference(shift: str) -> Lowering:
    """(a - b) >> 1: half of the differing bits, less those that only b has."""

    def compute(t: Text, i: Inst, y: str, v: list[str]) -> str:
        half = t.value(f"{shift} {y} {t.value(f'xor {y} {v[0]}, {v[1]}')}, {splat(y, 1)}")
        borrowed = t.value(f"and {y} {t.value(f'xor {y} {v[0]}, {splat(y, -1)}')}, {v[1]}")
        return t.value(f"sub {y} {half}, {borrowed}")

    return lanewise(compute)


def counts(t: Text, type: str, lane: int, operand: str) -> str:
    """The signed low byte of each lane, as a number of the lane's width."""
    top = splat(type, lane - 8)
    return operand if lane == 8 else t.value(f"ashr {type} {t.value(f'shl {type} {operand}, {top}')}, {top}")


def shifted_right(t: Text, type: str, operand: str, count: str, right: str, rounding: bool) -> str:
    """Right by the negative of each lane of *count* (any number below 0; other lanes get anything). A shift by too much, which LLVM leaves undefined, is never
    chosen. Rounding: shifted by one less, and half of that rounded up; it leaves nothing of a shift by more than the lane."""
    count_lanes, lane = type[1:-1].split(" x i")
    truth = f"<{count_lanes} x i1>"
    if rounding:
        less = t.value(f"xor {type} {count}, {splat(type, -1)}")
        fits = t.value(f"icmp ult {type} {less}, {splat(type, int(lane))}")
        near = t.value(f"freeze {type} {t.value(f'{right} {type} {operand}, {less}')}")
        up = t.value(f"add {type} {t.value(f'{right} {type} {near}, {splat(type, 1)}')}, {t.value(f'and {type} {near}, {splat(type, 1)}')}")
        return t.value(f"select {truth} {fits}, {type} {up}, {type} zeroinitializer")
    back = t.value(f"sub {type} zeroinitializer, {count}")
    fits = t.value(f"icmp ult {type} {back}, {splat(type, int(lane))}")
    beyond = "zeroinitializer" if right == "lshr" else t.value(f"ashr {type} {operand}, {splat(type, int(lane) - 1)}")
    return t.value(f"select {truth} {fits}, {type} {t.value(f'{right} {type} {operand}, {back}')}, {type} {beyond}")


def _shift_by_lanes(right: str, rounding: bool) -> Lowering:
    """Left by the signed low byte of each lane of b; right where that is negative."""

    def compute(t: Text, i: Inst, y: str, v: list[str]) -> str:
        lane = int(i.attr("lane"))  # type: ignore[call-overload]
        count = counts(t, y, lane, v[1])
        truth = f"<{i.of.bits // lane} x i1>"
        fits = t.value(f"icmp ult {y} {count}, {splat(y, lane)}")
        left = t.value(f"select {truth} {fits}, {y} {t.value(f'shl {y} {v[0]}, {count}')}, {y} zeroinitializer")
        moved = shifted_right(t, y, v[0], count, right, rounding)
        return t.value(f"select {truth} {t.value(f'icmp slt {y} {count}, zeroinitializer')}, {y} {moved}, {y} {left}")

    return lanewise(compute)


@lanewise
def _leading_sign_bits(t: Text, i: Inst, y: str, v: list[str]) -> str:
    lane = int(i.attr("lane"))  # type: ignore[call-overload]
    changes = t.value(f"xor {y} {v[0]}, {t.value(f'ashr {y} {v[0]}, {splat(y, lane - 1)}')}")
    zeros = t.value(f"call {y} @llvm.ctlz.{intrinsic_suffix(y)}({y} {changes}, i1 false)")
    return t.value(f"sub {y} {zeros}, {splat(y, 1)}")


VECTORS["vtst"] = _test_bits
VECTORS["vcls"] = _leading_sign_bits
VECTORS["vuhsub"], VECTORS["vshsub"] = _halving_difference("lshr"), _halving_difference("ashr")
VECTORS["vushlv"], VECTORS["vsshlv"] = _shift_by_lanes("lshr", False), _shift_by_lanes("ashr", False)
VECTORS["vurshlv"], VECTORS["vsrshlv"] = _shift_by_lanes("lshr", True), _shift_by_lanes("ashr", True)
VECTORS["vuabd"], VECTORS["vsabd"] = _absolute_difference("u"), _absolute_difference("s")
VECTORS["vuhadd"], VECTORS["vurhadd"] = _halving("lshr", False), _halving("lshr", True)
VECTORS["vshadd"], VECTORS["vsrhadd"] = _halving("ashr", False), _halving("ashr", True)
VECTORS["vshl"], VECTORS["vshr"], VECTORS["vsar"] = _shift("shl", False), _shift("lshr", False), _shift("ashr", True)
VECTORS["vrshr"], VECTORS["vrsar"] = _rounding_shift("lshr"), _rounding_shift("ashr")


def _bitwise(name: str, instruction: str) -> None:
    def lower(t: Text, i: Inst, v: list[str]) -> str:
        type = llvm_type(i.of)
        return t.value(f"{instruction} {type} {v[0]}, {v[1]}")

    VECTORS[name] = lower


for _name, _instruction in (("vand", "and"), ("vor", "or"), ("vxor", "xor")):
    _bitwise(_name, _instruction)


def _invert(t: Text, type: str, operand: str) -> str:
    return t.value(f"xor {type} {operand}, {splat(type, -1)}")


def _vandn(t: Text, i: Inst, v: list[str]) -> str:
    type = llvm_type(i.of)
    return t.value(f"and {type} {v[0]}, {_invert(t, type, v[1])}")


def _vnot(t: Text, i: Inst, v: list[str]) -> str:
    return _invert(t, llvm_type(i.of), v[0])


def _vbsl(t: Text, i: Inst, v: list[str]) -> str:
    type = llvm_type(i.of)
    chosen = t.value(f"and {type} {v[0]}, {v[1]}")
    other = t.value(f"and {type} {_invert(t, type, v[0])}, {v[2]}")
    return t.value(f"or {type} {chosen}, {other}")


def _vdup(t: Text, i: Inst, v: list[str]) -> str:
    type, lane = lane_type(i), int(i.attr("lane"))  # type: ignore[call-overload]
    first = t.value(f"insertelement {type} poison, i{lane} {_fit(t, v[0], i.args[0].type.bits, lane)}, i64 0")
    spread = t.value(f"shufflevector {type} {first}, {type} poison, <{i.of.bits // lane} x i32> zeroinitializer")
    return t.cast(spread, type, llvm_type(i.of))


def _fit(t: Text, operand: str, source: int, target: int) -> str:
    """An integer of *source* bits as one of *target* bits, zero-extended or truncated."""
    if source == target:
        return operand
    return t.value(f"{'trunc' if source > target else 'zext'} i{source} {operand} to i{target}")


def _vget(t: Text, i: Inst, v: list[str]) -> str:
    source = i.args[0].type
    type, lane = lane_type(i, source.bits), int(i.attr("lane"))  # type: ignore[call-overload]
    picked = t.value(f"extractelement {type} {t.cast(v[0], llvm_type(source), type)}, i64 {i.attr('index')}")
    return _fit(t, picked, lane, i.of.bits)


def _vset(t: Text, i: Inst, v: list[str]) -> str:
    type, lane, carrier = lane_type(i), int(i.attr("lane")), llvm_type(i.of)  # type: ignore[call-overload]
    element = _fit(t, v[1], i.args[1].type.bits, lane)
    changed = t.value(f"insertelement {type} {t.cast(v[0], carrier, type)}, i{lane} {element}, i64 {i.attr('index')}")
    return t.cast(changed, type, carrier)


def _vshuf(t: Text, i: Inst, v: list[str]) -> str:
    carrier, type, count = llvm_type(i.of), lanes(i.of.bits, 8), i.of.bits // 8
    a, b = (t.cast(x, carrier, type) for x in v)
    order = ", ".join(f"i32 {k}" for k in i.attr("perm"))  # type: ignore[attr-defined]
    return t.cast(t.value(f"shufflevector {type} {a}, {type} {b}, <{count} x i32> <{order}>"), type, carrier)


def _widen(instruction: str) -> Lowering:
    def lower(t: Text, i: Inst, v: list[str]) -> str:
        lane = int(i.attr("lane"))  # type: ignore[call-overload]
        narrow, wide = lanes(64, lane), lanes(128, 2 * lane)
        result = t.value(f"{instruction} {narrow} {t.cast(v[0], llvm_type(i.args[0].type), narrow)} to {wide}")
        return t.cast(result, wide, llvm_type(i.type))

    return lower


def _vxtn(t: Text, i: Inst, v: list[str]) -> str:
    lane = int(i.attr("lane"))  # type: ignore[call-overload]
    wide, narrow = lanes(128, 2 * lane), lanes(64, lane)
    return t.cast(t.value(f"trunc {wide} {t.cast(v[0], llvm_type(i.args[0].type), wide)} to {narrow}"), narrow, llvm_type(i.type))


def _polynomial(t: Text, operands: list[str], count: int) -> str:
    """Products over {0,1} of *count* bytes as i16: the multiples of one operand by the powers of two that make up the other, added without carries."""
    narrow, wide = f"<{count} x i8>", f"<{count} x i16>"
    a, b = (t.value(f"zext {narrow} {operand} to {wide}") for operand in operands)
    total = ""
    for bit in range(8):
        term = t.value(f"mul {wide} {a}, {t.value(f'and {wide} {b}, {splat(wide, 1 << bit)}')}")
        total = t.value(f"xor {wide} {total}, {term}") if total else term
    return total


def _vpmull(t: Text, i: Inst, v: list[str]) -> str:
    source = llvm_type(i.args[0].type)
    return t.cast(_polynomial(t, [t.cast(x, source, lanes(64, 8)) for x in v], 8), lanes(128, 16), llvm_type(i.type))


@lanewise
def _vpmul(t: Text, i: Inst, y: str, v: list[str]) -> str:
    count = i.of.bits // 8
    return t.value(f"trunc <{count} x i16> {_polynomial(t, v, count)} to {y}")


def _vsigns(t: Text, i: Inst, v: list[str]) -> str:
    source = i.args[0].type
    type = lane_type(i, source.bits)
    count = source.bits // int(i.attr("lane"))  # type: ignore[call-overload]
    negative = t.value(f"icmp slt {type} {t.cast(v[0], llvm_type(source), type)}, zeroinitializer")
    return _fit(t, t.value(f"bitcast <{count} x i1> {negative} to i{count}"), count, i.of.bits or 32)


VECTORS.update(vandn=_vandn, vnot=_vnot, vbsl=_vbsl, vdup=_vdup, vget=_vget, vset=_vset, vshuf=_vshuf, vsigns=_vsigns)
VECTORS.update(vuxtl=_widen("zext"), vsxtl=_widen("sext"), vxtn=_vxtn, vpmul=_vpmul, vpmull=_vpmull)
