"""The host's flag of denormal operands (``dbt.backend.llvm.host_flags``), for kernels."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils

from dbt.backend.llvm.host_flags import text
from runtime.kernels.build import llvm_text
from runtime.kernels.mem import VOID, P, _intrinsic

llvm_text(text())
_FUNCTION = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()])


def _collect(builder: ir.IRBuilder, cpu: Any) -> None:
    builder.call(cgutils.get_or_insert_function(builder.module, _FUNCTION, "collect_denormals"), [cpu])


collect = _intrinsic("collect_denormals", "Take the host's flag over into the vCPU's fp_flags.", VOID, (P,), _collect)
