"""Soft float in its x86 mode against the host processor executing SSE2 and FMA3 instructions."""

from __future__ import annotations

import ctypes
import platform
import random
from pathlib import Path

import pytest

from dbt.abi import cpu
from dbt.ir.types import F32, F64, Type
from runtime.image import Image, map_object

from .cells import runner
from .test_objects import compiled
from .test_softfloat import operand

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the host is the oracle")
CASES = 400
_MASKED = 0x1F80
_DAZ, _FTZ = 1 << 6, 1 << 15
_ROUNDING = (0, 2, 1, 3)  # FP_MODE_RMODE -> MXCSR.RC
_FLAGS = ((1, cpu.FP_INVALID), (2, cpu.FP_INPUT_DENORMAL), (4, cpu.FP_DIVZERO), (8, cpu.FP_OVERFLOW), (16, cpu.FP_UNDERFLOW), (32, cpu.FP_INEXACT))
# name of the row, instruction without its suffix, AT&T operands (first operand %xmm0, then %xmm1, %xmm2)
ROWS = [
    ("fadd", "add", "%xmm1, %xmm0"), ("fsub", "sub", "%xmm1, %xmm0"), ("fmul", "mul", "%xmm1, %xmm0"), ("fdiv", "div", "%xmm1, %xmm0"),
    ("fsqrt", "sqrt", "%xmm0, %xmm0"), ("fma", "vfmadd132", "%xmm1, %xmm2, %xmm0"),
]  # fmt: skip
_ORACLE = """
define i64 @oracle(i64 %a, i64 %b, i64 %c, ptr %mxcsr) {{
  %r = call i64 asm sideeffect
    "stmxcsr 4($4); movq $1, %xmm0; movq $2, %xmm1; movq $3, %xmm2; ldmxcsr ($4); {instruction}; stmxcsr ($4); ldmxcsr 4($4); movq %xmm0, $0",
    "=&r,r,r,r,r,~{{xmm0}},~{{xmm1}},~{{xmm2}},~{{memory}}"(i64 %a, i64 %b, i64 %c, ptr %mxcsr)
  ret i64 %r
}}
"""


class Sse:
    """Runs one instruction on xmm0, xmm1 and xmm2."""

    def __init__(self, mnemonic: str, operands: str, type: Type) -> None:
        suffix = "ss" if type is F32 else "sd"
        image = map_object(compiled(_ORACLE.format(instruction=f"{mnemonic}{suffix} {operands}")))
        self._oracle = image.function("oracle", ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_void_p)
        self._mxcsr = (ctypes.c_uint32 * 2)()  # of the instruction, of this process
        self._mask = (1 << type.bits) - 1

    def __call__(self, operands: list[int], mxcsr: int) -> tuple[int, int]:
        """(result, FP_* flags)"""
        self._mxcsr[0] = mxcsr
        a, b, c = (*operands, 0, 0)[:3]
        result = self._oracle(a, b, c, ctypes.addressof(self._mxcsr)) & self._mask
        return result, sum(flag for bit, flag in _FLAGS if self._mxcsr[0] & bit)


@pytest.mark.parametrize("type", [F32, F64])
@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_arithmetic(image: Image, row: tuple[str, str, str], type: Type) -> None:
    name, mnemonic, operands = row
    if name == "fma" and " fma " not in Path("/proc/cpuinfo").read_text():
        pytest.skip("the processor has no FMA3")
    arity = {"fsqrt": 1, "fma": 3}.get(name, 2)
    run = runner(image, name, type, [type] * arity)
    sse = Sse(mnemonic, operands, type)
    rng = random.Random(name)
    for _ in range(CASES):
        rounding = rng.randrange(4)
        mxcsr, mode = _MASKED | _ROUNDING[rounding] << 13, cpu.FP_MODE_NAN_X86 | cpu.FP_MODE_TINY_AFTER | rounding
        if rng.random() < 0.3:
            mxcsr, mode = mxcsr | _DAZ, mode | cpu.FP_MODE_FLUSH_IN
        if rng.random() < 0.3:
            mxcsr, mode = mxcsr | _FTZ, mode | cpu.FP_MODE_FLUSH_OUT
        values = [operand(rng, type.bits) for _ in range(arity)]
        want = sse(values, mxcsr)
        got = run(*values, mode=mode)
        assert got == want, f"{name} of {[hex(v) for v in values]}, mxcsr {mxcsr:#x}: {got[0]:#x} {got[1]:#x}, not {want[0]:#x} {want[1]:#x}"
