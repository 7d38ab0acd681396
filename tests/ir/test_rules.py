"""Proof of the peephole rules: every rewriting is tried on all operands at a width of 4 bits.

Expressions are written as calls of opcodes over the variables a, b (integers), c (i1) and k (every constant in turn); numbers are constants modulo the width.
"""

from __future__ import annotations

import ast
import re
from random import Random

import pytest

from dbt.ir.fold import EVALUATORS, evaluate
from dbt.ir.optable import OPS, Op
from dbt.ir.passes.flags import RULES as FLAG_RULES
from dbt.ir.passes.fold import RULES as FOLD_RULES
from dbt.ir.passes.rewrite import CONST, Rewriter
from dbt.ir.types import I1, I32, VOID, Type
from dbt.ir.unit import Inst, Unit

NIBBLE = Type("i32", 4)  # rules take it for i32
PUT, GET, GOTO = OPS["put"], OPS["get"], OPS["goto"]

# before, after the peepholes (fold, then flags)
CASES = [
    # fold
    ("add(a, 0)", "a"), ("add(0, a)", "a"), ("add(add(a, 3), 5)", "add(a, 8)"), ("add(add(a, not(b)), 1)", "sub(a, b)"), ("add(a, neg(b))", "sub(a, b)"),
    ("sub(a, 0)", "a"), ("sub(a, a)", "0"), ("sub(0, a)", "neg(a)"), ("neg(sub(a, b))", "sub(b, a)"), ("neg(neg(a))", "a"),
    ("mul(a, 0)", "0"), ("mul(a, 1)", "a"), ("mul(a, 4)", "shl(a, 2)"),
    ("and(a, 0)", "0"), ("and(a, -1)", "a"), ("and(a, a)", "a"), ("and(and(a, 6), 3)", "and(a, 2)"),
    ("or(a, 0)", "a"), ("or(a, -1)", "-1"), ("or(a, a)", "a"), ("xor(a, 0)", "a"), ("xor(a, -1)", "not(a)"), ("xor(a, a)", "0"), ("not(not(a))", "a"),
    ("shl(a, 0)", "a"), ("shl(a, 32)", "0"), ("shr(a, 32)", "0"), ("sar(a, 32)", "sar(a, 31)"), ("rotr(a, 32)", "a"), ("shr(0, a)", "0"),
    ("eq(a, a)", "true"), ("ne(a, a)", "false"), ("not(eq(a, b))", "ne(a, b)"), ("not(ult(a, b))", "ule(b, a)"), ("not(sle(a, b))", "slt(b, a)"),
    ("ult(a, 0)", "false"), ("ule(0, a)", "true"), ("ule(a, -1)", "true"), ("ult(-1, a)", "false"), ("sle(a, a)", "true"), ("slt(a, a)", "false"),
    ("addo(a, 0)", "false"), ("subo(a, 0)", "false"), ("subo(a, a)", "false"), ("carry(a, 0, false)", "false"), ("carry(a, -1, true)", "true"),
    ("adco(a, -1, true)", "false"), ("eq(c, true)", "c"), ("eq(c, false)", "not(c)"), ("ne(c, false)", "c"), ("xor(not(c), eq(a, b))", "not(xor(c, eq(a, b)))"),
    ("eq(zext(c), 0)", "not(c)"), ("ne(zext(c), 0)", "c"), ("select(c, a, a)", "a"), ("select(true, a, b)", "a"), ("select(not(c), a, b)", "select(c, b, a)"),
    ("select(c, true, false)", "c"), ("select(c, false, true)", "not(c)"), ("select(c, true, eq(a, b))", "or(c, eq(a, b))"),
    ("select(c, eq(a, b), false)", "and(c, eq(a, b))"), ("select(c, 1, 0)", "zext(c)"),
    # flags: after cmp a, b
    ("eq(sub(a, b), 0)", "eq(a, b)"), ("ne(sub(a, b), 0)", "ne(a, b)"), ("eq(xor(a, b), 0)", "eq(a, b)"), ("eq(add(a, 5), 0)", "eq(a, -5)"),
    ("carry(a, not(b), true)", "ule(b, a)"), ("carry(not(b), a, true)", "ule(b, a)"), ("carry(a, 5, true)", "ule(-6, a)"), ("carry(a, 5, false)", "ule(-5, a)"),
    ("adco(a, not(b), true)", "subo(a, b)"), ("adco(a, 5, true)", "subo(a, -6)"), ("adco(a, b, false)", "addo(a, b)"),
    ("not(ule(b, a))", "ult(a, b)"),
    ("and(ule(b, a), ne(sub(a, b), 0))", "ult(b, a)"), ("not(and(ule(b, a), ne(sub(a, b), 0)))", "ule(a, b)"),
    ("or(not(ule(b, a)), eq(sub(a, b), 0))", "ule(a, b)"),
    ("xor(slt(sub(a, b), 0), subo(a, b))", "slt(a, b)"), ("eq(slt(sub(a, b), 0), subo(a, b))", "sle(b, a)"), ("ne(slt(sub(a, b), 0), subo(a, b))", "slt(a, b)"),
    ("xor(sle(0, sub(a, b)), subo(a, b))", "sle(b, a)"),
    ("and(ne(sub(a, b), 0), eq(slt(sub(a, b), 0), subo(a, b)))", "slt(b, a)"), ("or(eq(sub(a, b), 0), ne(slt(sub(a, b), 0), subo(a, b)))", "sle(a, b)"),
    ("and(ne(sub(a, 5), 0), eq(slt(sub(a, 5), 0), subo(a, 5)))", "slt(5, a)"),
    # a subtraction made as AddWithCarry(a, NOT(imm), 1)
    ("xor(slt(add(add(a, -6), 1), 0), adco(a, -6, true))", "slt(a, 5)"), ("and(carry(a, -6, true), ne(add(add(a, -6), 1), 0))", "ult(5, a)"),
    # cmn a, imm
    ("xor(slt(add(a, 5), 0), addo(a, 5))", "slt(a, -5)"),
    # the sign as a bit
    ("trunc(shr(a, 31))", "slt(a, 0)"), ("ne(and(a, -2147483648), 0)", "slt(a, 0)"), ("eq(and(a, -2147483648), 0)", "sle(0, a)"),
    ("eq(shr(sub(a, b), 31), zext(subo(a, b)))", "sle(b, a)"), ("ne(shr(a, 31), 0)", "slt(a, 0)"), ("eq(shr(a, 31), 0)", "sle(0, a)"),
]  # fmt: skip

# The same with every constant k: where a rule looks at a constant, each value counts.
CONSTANT_CASES = [
    "add(add(a, k), 3)", "sub(a, k)", "mul(a, k)", "and(a, k)", "or(k, a)", "xor(a, k)", "shl(a, k)", "shr(a, k)", "sar(a, k)", "rotr(a, k)",
    "eq(add(a, k), 3)", "ne(sub(a, k), 0)", "ult(a, k)", "ult(k, a)", "ule(a, k)", "ule(k, a)", "slt(a, k)", "sle(k, a)", "addo(a, k)", "subo(a, k)",
    "subo(k, a)", "carry(a, k, c)", "carry(k, a, c)", "carry(a, k, true)", "carry(k, a, false)", "carry(a, k, false)", "adco(a, k, true)",
    "adco(k, a, true)", "adco(a, k, false)", "xor(slt(sub(a, k), 0), subo(a, k))", "xor(slt(add(a, k), 0), addo(a, k))",
    "xor(slt(add(a, k), 0), subo(a, 3))", "xor(slt(add(a, 3), 0), subo(a, k))", "or(eq(sub(a, k), 0), ne(slt(sub(a, k), 0), subo(a, k)))",
    "and(ule(k, a), ne(sub(a, k), 0))", "and(ule(a, k), ne(k, a))", "eq(zext(c), k)", "ne(zext(c), k)", "eq(shr(a, 3), k)", "ne(and(a, 8), k)",
    "eq(and(a, 8), k)", "select(c, k, 0)", "select(c, 1, k)", "trunc(shr(a, k))", "eq(shr(a, k), zext(c))", "xor(sle(0, add(a, k)), addo(a, k))",
]  # fmt: skip


class Expression:
    """Builds the operations of an expression; ``wide`` is the type of a, b and k."""

    def __init__(self, wide: Type, k: int = 0) -> None:
        self.wide = wide
        self.variables = {name: Inst(GET, I1 if name == "c" else wide, (), (name,)) for name in "abc"}
        self.variables["k"] = Inst(CONST, wide, (), (k,))
        self.insts = list(self.variables.values())

    def parse(self, text: str) -> Inst:
        source = re.sub(r"\b(and|or|not)\(", r"\1_(", text)  # these three are Python keywords
        return self.make(ast.parse(source, mode="eval").body, self.wide)

    def type_of(self, node: ast.expr) -> Type | None:
        """None for a number: the operand beside it tells."""
        if isinstance(node, ast.Name):
            return self.wide if node.id in "abk" else I1
        if not isinstance(node, ast.Call):
            return None
        op = self.op(node)
        if op.name in ("zext", "trunc"):
            return self.wide if op.name == "zext" else I1
        return self.instance(node) if op.result == "T" else I1

    def op(self, call: ast.Call) -> Op:
        assert isinstance(call.func, ast.Name)
        return OPS[call.func.id.rstrip("_")]

    def instance(self, call: ast.Call) -> Type:
        known = (self.type_of(arg) for arg, pattern in zip(call.args, self.op(call).args, strict=True) if pattern == "T")
        return next((type for type in known if type is not None), self.wide)

    def make(self, node: ast.expr, wanted: Type) -> Inst:
        if isinstance(node, ast.Name) and node.id in self.variables:
            return self.variables[node.id]
        if isinstance(node, ast.Call):
            op = self.op(node)
            of = wanted if op.name in ("zext", "trunc") else self.instance(node)
            args = [self.make(arg, of if pattern == "T" else I1 if pattern == "i1" else self.wide) for arg, pattern in zip(node.args, op.args, strict=True)]
            inst = Inst(op, self.type_of(node) or of if op.name in ("zext", "trunc") else of, tuple(args))
        elif isinstance(node, ast.Name):
            inst = Inst(CONST, I1, (), (int(node.id == "true"),))
        else:
            inst = Inst(CONST, wanted, (), (ast.literal_eval(node) & (1 << wanted.bits) - 1,))
        self.insts.append(inst)
        return inst

    def simplified(self, text: str) -> Inst:
        """What takes the place of the expression *text* after the peepholes."""
        result = self.parse(text)
        keep = Inst(PUT, result.type, (result,), ("out",))
        zero = Inst(CONST, I32, (), (0,))
        unit = Unit("arm", "expression")
        unit.block("b0").insts = [*self.insts, keep, zero, Inst(GOTO, VOID, (zero, zero), ("jump",))]
        Rewriter(FOLD_RULES).run(unit)
        Rewriter(FLAG_RULES).run(unit)
        return keep.args[0]


def value_of(inst: Inst, environment: dict[str, int], memo: dict[Inst, int]) -> int:
    if inst not in memo:
        if inst.op is GET:
            memo[inst] = environment[str(inst.attrs[0])]
        elif inst.op is CONST:
            memo[inst] = inst.attrs[0]
        else:
            memo[inst] = evaluate(inst.op, inst.of, [arg.type for arg in inst.args], [value_of(arg, environment, memo) for arg in inst.args], inst.attrs)
    return memo[inst]


def shown(inst: Inst) -> str:
    """*inst* as the cases write it."""
    if inst.op is GET:
        return str(inst.attrs[0])
    if inst.op is CONST:
        value, bits = inst.attrs[0], inst.of.bits
        if inst.of is I1:
            return "true" if value else "false"
        return str(value - (1 << bits) if value >> bits - 1 else value)
    return f"{inst.op.name}({', '.join(map(shown, inst.args))})"


def prove(text: str) -> None:
    """Compare before and after for all operands at 4 bits."""
    text = text.replace("-2147483648", "-8").replace(" 31)", " 3)").replace(" 32)", " 4)")
    for k in range(16) if re.search(r"\bk\b", text) else [0]:
        before = Expression(NIBBLE, k).parse(text)
        after = Expression(NIBBLE, k).simplified(text)
        for a in range(16):
            for b in range(16) if re.search(r"\bb\b", text) else [0]:
                for c in (0, 1) if re.search(r"\bc\b", text) else [0]:
                    environment = {"a": a, "b": b, "c": c}
                    expected, got = value_of(before, environment, {}), value_of(after, environment, {})
                    assert got == expected, f"{text} with {environment}, k={k}: {shown(before)} is {expected}, {shown(after)} is {got}"


@pytest.mark.parametrize(("before", "after"), CASES)
def test_rule(before: str, after: str) -> None:
    assert shown(Expression(I32).simplified(before)) == after
    prove(before)


@pytest.mark.parametrize("text", CONSTANT_CASES)
def test_rule_with_every_constant(text: str) -> None:
    prove(text)


def test_random_expressions() -> None:
    """Nested expressions of all foldable rows that have a 4-bit reading."""
    usable = [name for name in EVALUATORS if set(OPS[name].args) <= {"T", "i1"} and not OPS[name].attrs]
    wide = [name for name in usable if name not in ("bswap", "fneg", "fabs")]
    rng = Random(20)

    def integer(depth: int) -> str:
        name = rng.choice([name for name in wide if OPS[name].result == "T"]) if depth else ""
        if not name:
            return rng.choice(("a", "b", "a", str(rng.randrange(-8, 8))))
        if name == "select":
            return f"select({bit(depth - 1)}, {integer(depth - 1)}, {integer(depth - 1)})"
        return call(name, depth)

    def bit(depth: int) -> str:
        if not depth or rng.random() < 0.2:
            return rng.choice(("c", "true", "false", "c"))
        name = rng.choice([name for name in wide if OPS[name].result == "i1"] + ["not", "xor", "and", "or"] * 2)
        if OPS[name].result == "T":
            return f"{name}({', '.join(bit(depth - 1) for _ in OPS[name].args)})"
        return call(name, depth)

    def call(name: str, depth: int) -> str:
        return f"{name}({', '.join(integer(depth - 1) if pattern == 'T' else bit(depth - 1) for pattern in OPS[name].args)})"

    for _ in range(400):
        prove(rng.choice((integer, bit))(3))
