"""Scalar rows of the opcode table as LLVM instructions: no state, no memory, no exits.

Each function takes the text to append to, the IR instruction and its operands, and returns the operand that holds the result.
"""

from __future__ import annotations

from collections.abc import Callable

from dbt.backend.llvm.text import Text, constant, lanes, llvm_type
from dbt.ir.unit import Inst

Lowering = Callable[[Text, Inst, list[str]], str]
SCALARS: dict[str, Lowering] = {}


def _row(*names: str) -> Callable[[Lowering], Lowering]:
    def add(function: Lowering) -> Lowering:
        for name in names:
            SCALARS[name] = function
        return function

    return add


def _binary(name: str, instruction: str) -> None:
    SCALARS[name] = lambda t, i, v: t.value(f"{instruction} i{i.of.bits} {v[0]}, {v[1]}")


def _compare(name: str, condition: str) -> None:
    SCALARS[name] = lambda t, i, v: t.value(f"icmp {condition} i{i.of.bits} {v[0]}, {v[1]}")


for _name in ("add", "sub", "mul", "and", "or", "xor"):
    _binary(_name, _name)
for _name in ("ult", "ule", "slt", "sle"):
    _compare(_name, _name)


def constant_of(inst: Inst) -> int | None:
    """Value of a ``const``, else None."""
    return int(inst.attrs[0]) if inst.op.name == "const" else None  # type: ignore[call-overload]


def _complement(inst: Inst) -> Inst | int | None:
    """What *inst* is the bitwise complement of, if that is plain to see."""
    if inst.op.name == "not":
        return inst.args[0]
    value = constant_of(inst)
    return None if value is None else value ^ (1 << inst.type.bits) - 1


@_row("not")
def _not(t: Text, i: Inst, v: list[str]) -> str:
    return t.value(f"xor i{i.of.bits} {v[0]}, -1")


@_row("neg")
def _neg(t: Text, i: Inst, v: list[str]) -> str:
    return t.value(f"sub i{i.of.bits} 0, {v[0]}")


@_row("umulh", "smulh")
def _high_product(t: Text, i: Inst, v: list[str]) -> str:
    n = i.of.bits
    extend = "zext" if i.op.name == "umulh" else "sext"
    a, b = (t.value(f"{extend} i{n} {x} to i{2 * n}") for x in v)
    product = t.value(f"mul i{2 * n} {a}, {b}")
    return t.value(f"trunc i{2 * n} {t.value(f'lshr i{2 * n} {product}, {n}')} to i{n}")


@_row("udiv", "urem")
def _unsigned_division(t: Text, i: Inst, v: list[str]) -> str:
    n = i.of.bits
    zero = t.value(f"icmp eq i{n} {v[1]}, 0")
    divisor = t.value(f"select i1 {zero}, i{n} 1, i{n} {v[1]}")
    result = t.value(f"{i.op.name} i{n} {v[0]}, {divisor}")
    return t.value(f"select i1 {zero}, i{n} {'0' if i.op.name == 'udiv' else v[0]}, i{n} {result}")


@_row("sdiv", "srem")
def _signed_division(t: Text, i: Inst, v: list[str]) -> str:
    """The most negative number divided by -1 overflows in LLVM: dividing it by 1 instead gives the same quotient and remainder."""
    n = i.of.bits
    zero = t.value(f"icmp eq i{n} {v[1]}, 0")
    lowest = t.value(f"icmp eq i{n} {v[0]}, {-(1 << n - 1)}")
    minus_one = t.value(f"icmp eq i{n} {v[1]}, -1")
    odd = t.value(f"or i1 {zero}, {t.value(f'and i1 {lowest}, {minus_one}')}")
    divisor = t.value(f"select i1 {odd}, i{n} 1, i{n} {v[1]}")
    result = t.value(f"{i.op.name} i{n} {v[0]}, {divisor}")
    return t.value(f"select i1 {zero}, i{n} {'0' if i.op.name == 'sdiv' else v[0]}, i{n} {result}")


@_row("shl", "shr")
def _shift(t: Text, i: Inst, v: list[str]) -> str:
    n = i.of.bits
    instruction = "shl" if i.op.name == "shl" else "lshr"
    count = constant_of(i.args[1])
    if count is not None:
        return t.value(f"{instruction} i{n} {v[0]}, {count}") if count < n else "0"
    shifted = t.value(f"{instruction} i{n} {v[0]}, {v[1]}")
    return t.value(f"select i1 {t.value(f'icmp ult i{n} {v[1]}, {n}')}, i{n} {shifted}, i{n} 0")


@_row("sar")
def _arithmetic_shift(t: Text, i: Inst, v: list[str]) -> str:
    n = i.of.bits
    count = constant_of(i.args[1])
    if count is not None:
        return t.value(f"ashr i{n} {v[0]}, {min(count, n - 1)}")
    limited = t.value(f"call i{n} @llvm.umin.i{n}(i{n} {v[1]}, i{n} {n - 1})")
    return t.value(f"ashr i{n} {v[0]}, {limited}")


@_row("rotr")
def _rotate(t: Text, i: Inst, v: list[str]) -> str:
    n = i.of.bits
    return t.value(f"call i{n} @llvm.fshr.i{n}(i{n} {v[0]}, i{n} {v[0]}, i{n} {v[1]})")


@_row("clz", "ctz")
def _count_zeros(t: Text, i: Inst, v: list[str]) -> str:
    n = i.of.bits
    return t.value(f"call i{n} @llvm.{'ctlz' if i.op.name == 'clz' else 'cttz'}.i{n}(i{n} {v[0]}, i1 false)")


@_row("popcnt", "bswap", "bitrev")
def _bit_intrinsic(t: Text, i: Inst, v: list[str]) -> str:
    n = i.of.bits
    intrinsic = {"popcnt": "ctpop", "bswap": "bswap", "bitrev": "bitreverse"}[i.op.name]
    return t.value(f"call i{n} @llvm.{intrinsic}.i{n}(i{n} {v[0]})")


@_row("carry")
def _carry(t: Text, i: Inst, v: list[str]) -> str:
    """Carry of a subtraction (b complemented, carry-in 1) is one compare."""
    n = i.of.bits
    carry_in = constant_of(i.args[2])
    if carry_in == 1:
        subtrahend = t.value(f"xor i{n} {v[1]}, -1")
        return t.value(f"icmp uge i{n} {v[0]}, {subtrahend}")
    total = t.value(f"add i{n} {v[0]}, {v[1]}")
    first = t.value(f"icmp ult i{n} {total}, {v[0]}")
    if carry_in == 0:
        return first
    total2 = t.value(f"add i{n} {total}, {t.value(f'zext i1 {v[2]} to i{n}')}")
    return t.value(f"or i1 {first}, {t.value(f'icmp ult i{n} {total2}, {total}')}")


def _overflow(t: Text, n: int, operation: str, a: str, b: str) -> str:
    pair = t.value(f"call {{ i{n}, i1 }} @llvm.{operation}.with.overflow.i{n}(i{n} {a}, i{n} {b})")
    return t.value(f"extractvalue {{ i{n}, i1 }} {pair}, 1")


@_row("addo")
def _add_overflow(t: Text, i: Inst, v: list[str]) -> str:
    return _overflow(t, i.of.bits, "sadd", v[0], v[1])


@_row("subo")
def _sub_overflow(t: Text, i: Inst, v: list[str]) -> str:
    return _overflow(t, i.of.bits, "ssub", v[0], v[1])


@_row("adco")
def _adc_overflow(t: Text, i: Inst, v: list[str]) -> str:
    n = i.of.bits
    carry_in = constant_of(i.args[2])
    if carry_in == 0:
        return _overflow(t, n, "sadd", v[0], v[1])
    if carry_in == 1:
        return _overflow(t, n, "ssub", v[0], t.value(f"xor i{n} {v[1]}, -1"))
    total = t.value(f"add i{n} {v[0]}, {v[1]}")
    total = t.value(f"add i{n} {total}, {t.value(f'zext i1 {v[2]} to i{n}')}")
    a, b = (t.value(f"xor i{n} {x}, {total}") for x in v[:2])
    return t.value(f"icmp slt i{n} {t.value(f'and i{n} {a}, {b}')}, 0")


def _sign_of_difference(sign: Inst, overflow: Inst) -> tuple[Inst, Inst] | None:
    """(a, b) if *sign* is the sign of a - b and *overflow* the overflow of the same difference: then they differ where a < b."""
    if sign.op.name != "slt" or constant_of(sign.args[1]) != 0 or sign.args[0].op.name != "sub":
        return None
    a, b = sign.args[0].args
    if overflow.op.name == "subo" and overflow.args == (a, b):
        return a, b
    if overflow.op.name == "adco" and overflow.args[0] is a and constant_of(overflow.args[2]) == 1:
        other = _complement(overflow.args[1])
        if other is b or (isinstance(other, int) and other == constant_of(b)):
            return a, b
    return None


def signed_less(inst: Inst) -> tuple[Inst, Inst] | None:
    """For the compare ``N op V`` of ARM's GE and LT: the operands of the subtraction that set both flags."""
    if inst.of.bits != 1:
        return None
    x, y = inst.args
    return _sign_of_difference(x, y) or _sign_of_difference(y, x)


@_row("eq", "ne")
def _equal(t: Text, i: Inst, v: list[str]) -> str:
    return t.value(f"icmp {i.op.name} i{i.of.bits} {v[0]}, {v[1]}")


@_row("select")
def _select(t: Text, i: Inst, v: list[str]) -> str:
    type = llvm_type(i.of)
    return t.value(f"select i1 {v[0]}, {type} {v[1]}, {type} {v[2]}")


@_row("zext", "sext", "trunc")
def _resize(t: Text, i: Inst, v: list[str]) -> str:
    source = i.args[0].type.bits
    return v[0] if source == i.of.bits else t.value(f"{i.op.name} i{source} {v[0]} to i{i.of.bits}")


@_row("bitcast")
def _bitcast(t: Text, i: Inst, v: list[str]) -> str:
    return t.cast(v[0], llvm_type(i.args[0].type), llvm_type(i.of))


@_row("vpair")
def _pair(t: Text, i: Inst, v: list[str]) -> str:
    low = t.value(f"insertelement <2 x i64> poison, i64 {v[0]}, i64 0")
    both = t.value(f"insertelement <2 x i64> {low}, i64 {v[1]}, i64 1")
    return t.cast(both, lanes(128, 64), llvm_type(i.type))


@_row("vhalf")
def _half(t: Text, i: Inst, v: list[str]) -> str:
    return t.value(f"extractelement <2 x i64> {t.cast(v[0], llvm_type(i.args[0].type), lanes(128, 64))}, i64 {i.attrs[0]}")


@_row("fneg")
def _negate(t: Text, i: Inst, v: list[str]) -> str:
    return t.value(f"fneg {llvm_type(i.of)} {v[0]}")


@_row("fabs")
def _absolute(t: Text, i: Inst, v: list[str]) -> str:
    type = llvm_type(i.of)
    return t.value(f"call {type} @llvm.fabs.f{i.of.bits}({type} {v[0]})")


@_row("const")
def _const(t: Text, i: Inst, v: list[str]) -> str:
    return constant(i.of, int(i.attrs[0]))  # type: ignore[call-overload]
