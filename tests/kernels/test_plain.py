"""Kernels run in plain Python give what the compiled ones give."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

from dbt.ir.types import F32, F64, I32, V64, V128, Type
from runtime.image import Image
from tests.patience import SECONDS

from .cells import RareRunner, runner
from .test_softfloat import operand

ROWS: list[tuple[str, Type | None, list[Type], dict[str, object]]] = [
    ("fadd", F64, [F64, F64], {}), ("fmul", F32, [F32, F32], {}), ("fdiv", F64, [F64, F64], {}), ("fsqrt", F64, [F64], {}), ("fma", F64, [F64] * 3, {}),
    ("ftoi", I32, [F64], {"signed": 1, "width": 32}), ("vsqrdmulh", V128, [V128, V128], {"lane": 32}),
    ("vsqshlv", V64, [V64, V64], {"lane": 64}), ("vpmull", None, [V64, V64], {"lane": 8}), ("vsqxtun", None, [V128], {"lane": 16}),
    ("vshuf", V128, [V128, V128], {"perm": tuple(range(31, -1, -2))}), ("vget", I32, [V128], {"lane": 16, "index": 7}),
]  # fmt: skip

# Reads the state and record as hexadecimal text, runs the record in plain Python, and writes the state back.
PROGRAM = """
import ctypes, json, sys
from runtime.kernels import rare
from runtime.kernels.plain import I64
for line in sys.stdin:
    state, record = (ctypes.create_string_buffer(part := bytes.fromhex(text), len(part)) for text in json.loads(line))
    rare.rare(I64(ctypes.addressof(state)), I64(ctypes.addressof(record)))
    print(state.raw.hex())
"""


def test_same_results(image: Image) -> None:
    rng = random.Random(7)
    work: list[tuple[RareRunner, list[int], int]] = []
    for name, of, operands, attrs in ROWS:
        run = runner(image, name, of, operands, **attrs)
        for _ in range(12):
            work.append((run, [operand(rng, t.bits) if t in (F32, F64) else rng.getrandbits(t.bits) for t in operands], rng.randrange(4)))
    lines = []
    for run, values, mode in work:
        state, record = run.prepare(*values, mode=mode)
        lines.append(json.dumps([bytes(state).hex(), bytes(record).hex()]))
    done = subprocess.run([sys.executable, "-c", PROGRAM], input="\n".join(lines), text=True, capture_output=True, timeout=SECONDS,
                          env={**os.environ, "PYTHONPATH": os.getcwd(), "NUMBA_DISABLE_JIT": "1"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    for (run, values, mode), line in zip(work, done.stdout.split(), strict=True):
        assert run.outcome(bytes.fromhex(line)) == run(*values, mode=mode), f"{run.inst.op.name} {[hex(v) for v in values]}"
