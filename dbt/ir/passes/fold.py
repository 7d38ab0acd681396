"""``fold``: constant folding and algebraic identities.

Scalar rows with constant operands are evaluated by ``dbt.ir.fold``. The identities below hold for all operands and all widths;
tests/ir proves each by trying all operands at a small width. In rows that commute a constant ends on the right, so that
rules need to look only there.
"""

from __future__ import annotations

from dbt.ir.fold import EVALUATORS
from dbt.ir.optable import OPS
from dbt.ir.passes.rewrite import CONST, Rewriter, Rule, const_value, has_instance, same
from dbt.ir.state import StateMap
from dbt.ir.types import I1
from dbt.ir.unit import Inst, Unit

NEGATED = {"eq": ("ne", False), "ne": ("eq", False), "ult": ("ule", True), "ule": ("ult", True), "slt": ("sle", True), "sle": ("slt", True)}


def _ones(inst: Inst) -> int:
    return (1 << inst.of.bits) - 1


def _add(w: Rewriter, i: Inst) -> Inst | None:
    x, y = i.args
    k = const_value(y)
    if k is None:
        return w.make("sub", i.of, x, y.args[0]) if y.op.name == "neg" else None
    if k == 0:
        return x
    if x.op.name == "add":
        if x.args[1].op is CONST:
            inner = const_value(x.args[1])
            assert inner is not None
            return w.make("add", i.of, x.args[0], w.const(i.of, inner + k))
        if k == 1:  # a + ~b + 1, as the manual's AddWithCarry subtracts
            for a, b in (x.args, x.args[::-1]):
                if b.op.name == "not":
                    return w.make("sub", i.of, a, b.args[0])
    return None


def _sub(w: Rewriter, i: Inst) -> Inst | None:
    x, y = i.args
    if const_value(y) == 0:
        return x
    if same(x, y):
        return w.const(i.of, 0)
    return w.make("neg", i.of, y) if const_value(x) == 0 else None


def _mul(w: Rewriter, i: Inst) -> Inst | None:
    k = const_value(i.args[1])
    if k is None:
        return None
    if k == 0:
        return i.args[1]
    if k & (k - 1) == 0:
        return w.make("shl", i.of, i.args[0], w.const(i.of, k.bit_length() - 1))
    return None


def _and(w: Rewriter, i: Inst) -> Inst | None:
    x, y = i.args
    k = const_value(y)
    if same(x, y) or k == _ones(i):
        return x
    if k == 0:
        return y
    if k is not None and x.op.name == "and" and (inner := const_value(x.args[1])) is not None:
        return w.make("and", i.of, x.args[0], w.const(i.of, inner & k))
    return None


def _or(w: Rewriter, i: Inst) -> Inst | None:
    x, y = i.args
    k = const_value(y)
    if same(x, y) or k == 0:
        return x
    return y if k == _ones(i) else None


def _xor(w: Rewriter, i: Inst) -> Inst | None:
    x, y = i.args
    if same(x, y):
        return w.const(i.of, 0)
    k = const_value(y)
    if k == 0:
        return x
    if k == _ones(i) and has_instance("not", i.of):
        return w.make("not", i.of, x)
    if i.of is I1:
        for inverted, other in ((x, y), (y, x)):
            if inverted.op.name == "not":
                return w.make("not", I1, w.make("xor", I1, inverted.args[0], other))
    return None


def _not(w: Rewriter, i: Inst) -> Inst | None:
    x = i.args[0]
    if x.op.name == "not":
        return x.args[0]
    if x.op.name in NEGATED and i.of is I1:
        name, swap = NEGATED[x.op.name]
        return w.make(name, x.of, *(x.args[::-1] if swap else x.args))
    return None


def _neg(w: Rewriter, i: Inst) -> Inst | None:
    x = i.args[0]
    if x.op.name == "sub":
        return w.make("sub", i.of, x.args[1], x.args[0])
    return x.args[0] if x.op.name == "neg" else None


def _twice(w: Rewriter, i: Inst) -> Inst | None:
    """An operation that undoes itself."""
    x = i.args[0]
    return x.args[0] if x.op is i.op else None


def _shift(w: Rewriter, i: Inst) -> Inst | None:
    x, y = i.args
    k = const_value(y)
    if k == 0 or const_value(x) == 0:
        return x
    if k is not None and k >= i.of.bits:
        if i.op.name == "sar":
            return w.make("sar", i.of, x, w.const(i.of, i.of.bits - 1))
        return w.const(i.of, 0)
    return None


def _rotate(w: Rewriter, i: Inst) -> Inst | None:
    k = const_value(i.args[1])
    return i.args[0] if k is not None and k % i.of.bits == 0 else None


def _equal(w: Rewriter, i: Inst) -> Inst | None:
    """eq and ne."""
    x, y = i.args
    wanted = i.op.name == "eq"
    if same(x, y):
        return w.const(I1, wanted)
    k = const_value(y)
    if i.of is I1:
        if k is None:
            differ = w.make("xor", I1, x, y)
            return w.make("not", I1, differ) if wanted else differ
        return x if bool(k) == wanted else w.make("not", I1, x)
    if k in (0, 1) and x.op.name == "zext" and x.args[0].type is I1:
        return x.args[0] if bool(k) == wanted else w.make("not", I1, x.args[0])
    return None


def _unsigned(w: Rewriter, i: Inst) -> Inst | None:
    """ult and ule: at the ends of the range nothing is left to compare."""
    x, y = i.args
    or_equal = i.op.name == "ule"
    if same(x, y):
        return w.const(I1, or_equal)
    low, high = const_value(x), const_value(y)
    if or_equal and (low == 0 or high == _ones(i)):
        return w.const(I1, 1)
    if not or_equal and (low == _ones(i) or high == 0):
        return w.const(I1, 0)
    return None


def _signed(w: Rewriter, i: Inst) -> Inst | None:
    return w.const(I1, i.op.name == "sle") if same(*i.args) else None


def _overflow(w: Rewriter, i: Inst) -> Inst | None:
    """addo and subo."""
    x, y = i.args
    if const_value(y) == 0 or (i.op.name == "subo" and same(x, y)):
        return w.const(I1, 0)
    return None


def _carry(w: Rewriter, i: Inst) -> Inst | None:
    k, c = const_value(i.args[1]), const_value(i.args[2])
    if k == 0 and c == 0:
        return w.const(I1, 0)
    return w.const(I1, 1) if k == _ones(i) and c == 1 else None


def _adc_overflow(w: Rewriter, i: Inst) -> Inst | None:
    k, c = const_value(i.args[1]), const_value(i.args[2])
    return w.const(I1, 0) if (k == 0 and c == 0) or (k == _ones(i) and c == 1) else None


def _select(w: Rewriter, i: Inst) -> Inst | None:
    c, x, y = i.args
    if same(x, y):
        return x
    k = const_value(c)
    if k is not None:
        return x if k else y
    if c.op.name == "not":
        return w.make("select", i.of, c.args[0], y, x)
    high, low = const_value(x), const_value(y)
    if i.of is I1:
        if high == 1:
            return c if low == 0 else w.make("or", I1, c, y)
        if low == 0:
            return w.make("and", I1, c, x)
        return w.make("not", I1, c) if high == 0 and low == 1 else None
    if high == 1 and low == 0 and has_instance("zext", i.of):
        return w.make("zext", i.of, c)
    return None


def _zext(w: Rewriter, i: Inst) -> Inst | None:
    x = i.args[0]
    if x.op.name == "zext":
        return w.make("zext", i.of, x.args[0])
    if x.op.name == "trunc" and x.args[0].type is i.of:
        return w.make("and", i.of, x.args[0], w.const(i.of, (1 << x.type.bits) - 1))
    return None


def _sext(w: Rewriter, i: Inst) -> Inst | None:
    x = i.args[0]
    return w.make(x.op.name, i.of, x.args[0]) if x.op.name in ("sext", "zext") else None


def _trunc(w: Rewriter, i: Inst) -> Inst | None:
    x = i.args[0]
    if x.op.name == "trunc":
        return w.make("trunc", i.of, x.args[0])
    if x.op.name in ("zext", "sext"):
        source = x.args[0]
        if source.type is i.of:
            return source
        name = "trunc" if source.type.bits > i.of.bits else x.op.name
        return w.make(name, i.of, source) if has_instance(name, i.of) else None
    if x.op.name == "and" and (k := const_value(x.args[1])) is not None and k & _ones(i) == _ones(i):
        return w.make("trunc", i.of, x.args[0])
    return None


def _bitcast(w: Rewriter, i: Inst) -> Inst | None:
    x = i.args[0]
    if x.type is i.of:
        return x
    if x.op is CONST:
        return w.const(i.of, const_value(x) or 0)
    return w.make("bitcast", i.of, x.args[0]) if x.op.name == "bitcast" else None


def _vpair(w: Rewriter, i: Inst) -> Inst | None:
    low, high = i.args
    a, b = const_value(low), const_value(high)
    if a is not None and b is not None:
        return w.const(i.type, a | b << 64)
    if low.op.name == high.op.name == "vhalf" and low.args[0] is high.args[0] and (low.attrs[0], high.attrs[0]) == (0, 1):
        return low.args[0]
    return None


def _vhalf(w: Rewriter, i: Inst) -> Inst | None:
    x = i.args[0]
    index = i.attrs[0]
    assert isinstance(index, int)
    if x.op is CONST:
        return w.const(i.type, (const_value(x) or 0) >> 64 * index)
    return x.args[index] if x.op.name == "vpair" else None


def _idempotent(w: Rewriter, i: Inst) -> Inst | None:
    """vand and vor; VMOV between vector registers is VORR with itself."""
    return i.args[0] if same(*i.args) else None


def _vxor(w: Rewriter, i: Inst) -> Inst | None:
    return w.const(i.of, 0) if same(*i.args) else None


def _fabs(w: Rewriter, i: Inst) -> Inst | None:
    x = i.args[0]
    if x.op.name == "fabs":
        return x
    return w.make("fabs", i.of, x.args[0]) if x.op.name == "fneg" else None


def _brif(w: Rewriter, i: Inst) -> Inst | None:
    condition = i.args[0]
    then, orelse = i.attrs
    k = const_value(condition)
    if then == orelse or k is not None:
        return w.make("br", i.of, attrs=(then if k != 0 else orelse,))
    return w.make("brif", i.of, condition.args[0], attrs=(orelse, then)) if condition.op.name == "not" else None


def _mark(w: Rewriter, i: Inst) -> Inst | None:
    pc = i.attrs[0]
    assert isinstance(pc, int)
    w.pc = pc
    return None


def _pcadd(w: Rewriter, i: Inst) -> Inst | None:
    value = i.attrs[0]
    assert isinstance(value, int)
    return w.const(i.of, w.pc + value) if w.pc is not None else None


IDENTITIES: dict[str, Rule] = {
    "add": _add, "sub": _sub, "mul": _mul, "and": _and, "or": _or, "xor": _xor, "not": _not, "neg": _neg,
    "bswap": _twice, "bitrev": _twice, "fneg": _twice, "fabs": _fabs,
    "shl": _shift, "shr": _shift, "sar": _shift, "rotr": _rotate,
    "eq": _equal, "ne": _equal, "ult": _unsigned, "ule": _unsigned, "slt": _signed, "sle": _signed,
    "addo": _overflow, "subo": _overflow, "carry": _carry, "adco": _adc_overflow,
    "select": _select, "zext": _zext, "sext": _sext, "trunc": _trunc, "bitcast": _bitcast, "vpair": _vpair, "vhalf": _vhalf,
    "vand": _idempotent, "vor": _idempotent, "vxor": _vxor,
    "brif": _brif, "mark": _mark, "pcadd": _pcadd,
}  # fmt: skip


def _folding(name: str) -> Rule:
    """The rule of a scalar row: fold constants, else move a constant to the right and try the identity."""
    evaluator = EVALUATORS[name]
    identity = IDENTITIES.get(name)
    commutes = OPS[name].commutes

    def rule(w: Rewriter, inst: Inst) -> Inst | None:
        args = inst.args
        first = args[0]
        if first.op is CONST:
            for arg in args:
                if arg.op is not CONST:
                    break
            else:
                return w.const(inst.type, evaluator(inst.of.bits, first.type.bits, *[arg.attrs[0] for arg in args], *inst.attrs))
            if commutes:
                inst.args = (args[1], first)
        return identity(w, inst) if identity is not None else None

    return rule


RULES: dict[str, Rule] = {**IDENTITIES, **{name: _folding(name) for name in EVALUATORS}}


def fold(unit: Unit, state: StateMap) -> Unit:
    """Fold constants, apply algebraic identities, and turn ``pcadd`` into a constant where a mark gives the pc. Needs no other pass; leaves
    operations that nothing uses to ``dce``."""
    return Rewriter(RULES).run(unit)
