"""``flags``: turns conditions that are worked out from raw flags back into compares.

Guests keep N as the sign of a result, Z as "the result is 0", and C and V as computed bits. After ``cmp a, b`` they are ``sub a, b`` (twice), ``ule b, a``
and ``subo a, b``; conditions combine them again. With the flags forwarded from their slots, these rules find the compare:

    ===========================  ===========  =================================
    condition                    guest        rewritten as
    ===========================  ===========  =================================
    Z                            EQ, E        eq a, b
    C (no borrow)                CS, AE       ule b, a
    C and not Z                  HI, A        ult b, a
    N != V                       LT, L        slt a, b
    Z or N != V                  LE, LE       sle a, b
    ===========================  ===========  =================================

and their opposites. The rules hold for all operands; tests/ir proves each at a small width.
"""

from __future__ import annotations

from dbt.ir.passes.fold import RULES as FOLD_RULES
from dbt.ir.passes.rewrite import Rewriter, Rule, const_value, has_instance, same
from dbt.ir.state import StateMap
from dbt.ir.types import I1
from dbt.ir.unit import Inst, Unit


def _carry(w: Rewriter, i: Inst) -> Inst | None:
    """The carry of ``a + ~b + 1`` says that a - b does not borrow."""
    a, b, c = i.args
    carry_in = const_value(c)
    if carry_in is None:
        return None
    for x, y in ((a, b), (b, a)):
        if carry_in and y.op.name == "not":
            return w.make("ule", i.of, y.args[0], x)
        k = const_value(y)
        if k is not None and k + carry_in:
            return w.make("ule", i.of, w.const(i.of, -k - carry_in), x)
    return None


def _adc_overflow(w: Rewriter, i: Inst) -> Inst | None:
    a, b, c = i.args
    carry_in = const_value(c)
    if carry_in == 0:
        return w.make("addo", i.of, a, b)
    if carry_in is None:
        return None
    for x, y in ((a, b), (b, a)):
        if y.op.name == "not":
            return w.make("subo", i.of, x, y.args[0])
        k = const_value(y)
        if k is not None:
            return w.make("subo", i.of, x, w.const(i.of, ~k))
    return None


def _bit(w: Rewriter, x: Inst) -> Inst | None:
    """The i1 that *x* holds, if *x* is known to be 0 or 1 for a reason worth looking through."""
    if x.op.name == "zext" and x.args[0].type is I1:
        return x.args[0]
    if x.op.name == "shr" and const_value(x.args[1]) == x.of.bits - 1:
        return w.make("slt", x.of, x.args[0], w.const(x.of, 0))
    return None


def _equal(w: Rewriter, i: Inst) -> Inst | None:
    """eq and ne: of a difference with 0, and of single bits."""
    x, y = i.args
    if i.of is I1:
        return None
    k = const_value(y)
    if k is None:
        if x.op.name in ("zext", "shr") and y.op.name in ("zext", "shr"):
            left, right = _bit(w, x), _bit(w, y)
            if left is not None and right is not None:
                return w.make(i.op.name, I1, left, right)
        return None
    if x.op.name in ("sub", "xor") and k == 0:
        return w.make(i.op.name, i.of, *x.args)
    if x.op.name == "add" and (offset := const_value(x.args[1])) is not None:
        return w.make(i.op.name, i.of, x.args[0], w.const(i.of, k - offset))
    if x.op.name == "and" and const_value(x.args[1]) == 1 << i.of.bits - 1 and k in (0, 1 << i.of.bits - 1) and has_instance("slt", i.of):
        negative = w.make("slt", i.of, x.args[0], w.const(i.of, 0))
        return negative if (k == 0) == (i.op.name == "ne") else w.make("not", I1, negative)
    if k in (0, 1) and x.op.name == "shr" and (bit := _bit(w, x)) is not None:
        return bit if bool(k) == (i.op.name == "eq") else w.make("not", I1, bit)
    return None


def _trunc(w: Rewriter, i: Inst) -> Inst | None:
    return _bit(w, i.args[0]) if i.of is I1 and i.args[0].op.name == "shr" else None


def _sign(x: Inst) -> tuple[Inst, bool] | None:
    """(d, inverted) if *x* tests the sign of d."""
    if x.op.name == "slt" and const_value(x.args[1]) == 0:
        return x.args[0], False
    if x.op.name == "sle" and const_value(x.args[0]) == 0:
        return x.args[1], True
    return None


def _is_difference(d: Inst, a: Inst, b: Inst) -> bool:
    """True if *d* is a - b."""
    if d.op.name == "sub":
        return same(d.args[0], a) and same(d.args[1], b)
    if d.op.name == "add":
        k, offset = const_value(b), const_value(d.args[1])
        return d.args[0] is a and k is not None and offset is not None and k + offset == 1 << d.of.bits
    return False


def _xor(w: Rewriter, i: Inst) -> Inst | None:
    """N != V."""
    if i.of is not I1:
        return None
    for test, overflow in (i.args, i.args[::-1]):
        if overflow.op.name not in ("subo", "addo"):
            continue
        sign = _sign(test)
        if sign is None:
            continue
        d, inverted = sign
        a, b = overflow.args
        less = None
        if overflow.op.name == "subo":
            if _is_difference(d, a, b):
                less = w.make("slt", d.of, a, b)
        elif d.op.name == "add" and same(d.args[0], a) and same(d.args[1], b):
            k = const_value(b)
            if k is not None and k != 1 << d.of.bits - 1:
                less = w.make("slt", d.of, a, w.const(d.of, -k))
        if less is not None:
            return w.make("not", I1, less) if inverted else less
    return None


def _same_pair(x: Inst, y: Inst) -> bool:
    """True if both operations have the same two operands, in either order."""
    (a, b), (c, d) = x.args, y.args
    return (same(a, c) and same(b, d)) or (same(a, d) and same(b, c))


def _join(equality: str, strict: bool) -> Rule:
    """``and`` takes the equal case out of <=, ``or`` adds it to <."""
    wanted = {"ule": "ult", "sle": "slt"} if strict else {"ult": "ule", "slt": "sle"}

    def rule(w: Rewriter, i: Inst) -> Inst | None:
        if i.of is not I1:
            return None
        for order, test in (i.args, i.args[::-1]):
            if test.op.name == equality and order.op.name in wanted and order.of is test.of and _same_pair(order, test):
                return w.make(wanted[order.op.name], order.of, *order.args)
        return None

    return rule


FLAG_RULES: dict[str, Rule] = {
    "carry": _carry,
    "adco": _adc_overflow,
    "eq": _equal,
    "ne": _equal,
    "trunc": _trunc,
    "xor": _xor,
    "and": _join("ne", strict=True),
    "or": _join("eq", strict=False),
}


def _both(name: str) -> Rule:
    flag_rule = FLAG_RULES.get(name)
    fold_rule = FOLD_RULES[name]
    if flag_rule is None:
        return fold_rule

    def rule(w: Rewriter, inst: Inst) -> Inst | None:
        new = fold_rule(w, inst)
        return flag_rule(w, inst) if new is None else new

    return rule


# The fold rules of what these rules make, and of what uses it.
RULES: dict[str, Rule] = {name: _both(name) for name in (*FLAG_RULES, "not", "slt", "sle", "ult", "ule", "addo", "subo", "select", "brif")}


def flags(unit: Unit, state: StateMap) -> Unit:
    """Rewrite conditions over raw flags as compares. Finds most after ``forward``, ``fold`` and ``cse``; leaves the flag computations that
    nothing uses any more to ``dead_puts`` and ``dce``."""
    return Rewriter(RULES).run(unit)
