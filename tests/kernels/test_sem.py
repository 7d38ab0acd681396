"""The compiled scalar words against the reference semantics of ``dbt.ir.sem``."""

from __future__ import annotations

import ctypes
import random

import pytest

from dbt.ir import sem as reference
from dbt.ir.optable import OPS, Op
from dbt.ir.types import TYPES
from runtime.image import Image, map_object

ROWS = [op for op in OPS.values() if op.kind == "scalar" and op.sem is not None]
_ARGUMENTS = ("a", "b", "c", "n", "s")


@pytest.fixture(scope="module")
def words() -> Image:
    """An image with one function a row."""
    from runtime.kernels import build, sem

    exports = []
    for op in ROWS:
        scope = dict(vars(sem))
        exec(f"def word(a, b, c, n, s):\n    return {op.sem}\n", scope)
        exports.append(build.Export("word_" + op.name, build.parse_signature("i64(i64, i64, i64, i64, i64)"), build.kernel(scope["word"])))
    return map_object(build.compile_exports(exports, []))


def value(rng: random.Random, n: int) -> int:
    top = (1 << n) - 1
    extreme = [0, 1, top, top >> 1, (top >> 1) + 1, rng.randrange(70) & top]
    return rng.choice([*extreme, rng.getrandbits(n), rng.getrandbits(n), rng.getrandbits(n) & rng.getrandbits(n)])


def operand_bits(op: Op, pattern: str, n: int, s: int) -> int:
    return {"T": n, "S": s}.get(pattern) or TYPES[pattern].bits


@pytest.mark.parametrize("op", ROWS, ids=[op.name for op in ROWS])
def test_word(words: Image, op: Op) -> None:
    rng = random.Random(op.name)
    word = words.function("word_" + op.name, ctypes.c_uint64, *[ctypes.c_uint64] * len(_ARGUMENTS))
    code = compile(op.sem or "", op.name, "eval")
    for n in [TYPES[suffix].bits for suffix in op.types if TYPES[suffix].bits <= 64]:
        sources = [s for s in (1, 8, 16, 32, 64) if (s < n if op.name in ("zext", "sext") else s > n)] if "S" in op.args else [n]
        for s in sources:
            for _ in range(150):
                operands = {name: value(rng, operand_bits(op, pattern, n, s)) for name, pattern in zip("abc", op.args, strict=False)}
                scope = {"a": 0, "b": 0, "c": 0, **operands, "n": n, "s": s}
                want = eval(code, vars(reference), scope)
                assert word(*[scope[name] for name in _ARGUMENTS]) == want, f"{op.name} {scope}"
