"""Constant folding, straight from the ``sem`` column: each scalar row's expression is compiled once, over the words of ``dbt.ir.sem``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dbt.ir import sem
from dbt.ir.optable import OPS, Op
from dbt.ir.types import Type

Evaluator = Callable[..., int]

_WORDS = {name: word for name, word in vars(sem).items() if not name.startswith("_")}


def compile_sem(op: Op) -> Evaluator:
    """``f(n, s, operands..., attributes...)`` for the row *op*, which must be scalar and have a ``sem``: operands and result are bit patterns, n is the
    width of T and s the width of the S or F operand, both in bits."""
    names = ["n", "s", *"abc"[: len(op.args)], *op.attrs]
    made: Evaluator = eval(f"lambda {', '.join(names)}: {op.sem}", dict(_WORDS))
    return made


EVALUATORS: dict[str, Evaluator] = {op.name: compile_sem(op) for op in OPS.values() if op.kind == "scalar" and op.sem is not None}


def evaluate(op: Op, of: Type, arg_types: Sequence[Type], values: Sequence[int], attrs: Sequence[object] = ()) -> int:
    """The result of *op* (instance *of*) on the bit patterns *values*; KeyError if the row has no scalar semantics."""
    return EVALUATORS[op.name](of.bits, arg_types[0].bits, *values, *attrs)
