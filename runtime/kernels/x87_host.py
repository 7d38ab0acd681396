"""x87 instructions, executed by the host's x87 (``dbt.abi.x87_assembly``): what needs an x86-64 host.

Two functions in LLVM assembly have a case for each row of ``dbt.ir.x87``. ``x87_quick`` loads the operands from memory, executes one instruction and stores the
result; the host's own registers are empty before and after. ``x87_whole`` executes the guest's very instruction between FRSTOR and FNSAVE, which gives
everything that the architecture has to say: stack faults, tags, responses to unmasked exceptions. Between calls the host's control word is that of the
ABI (``CONTROL``); its status flags are sticky and mean nothing.

On another host nothing of this exists, ``PRESENT`` is false, and the guest's x87 instructions are undefined.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from dbt.abi.x86 import FCW_INITIAL
from dbt.abi.x87_assembly import CLOBBERS, CONSTRAINTS, is_quick
from dbt.abi.x87_assembly import quick as quick_assembly
from dbt.abi.x87_assembly import whole as whole_assembly
from dbt.ir.x87 import OPERATIONS
from runtime.kernels.build import llvm_text
from runtime.kernels.mem import I64, VOID, P, _intrinsic

PRESENT = platform.machine() == "x86_64"
CONTROL = FCW_INITIAL  # of the System V ABI: all exceptions masked, 64 bits of precision, round to nearest

def _assembly(lines: list[str]) -> str:
    return '"' + "\\0A".join(lines) + f'", "{CONSTRAINTS},{CLOBBERS}"'


def _function(name: str, cases: dict[int, list[str]]) -> Iterator[str]:
    yield f"define i64 @{name}(i64 %what, ptr %out, ptr %a, ptr %b) nounwind {{"
    yield "  switch i64 %what, label %none [" + " ".join(f"i64 {number}, label %case_{number}" for number in cases) + "]"
    for number, lines in cases.items():
        yield f"case_{number}:"
        yield f"  %status_{number} = call i16 asm sideeffect {_assembly(lines)}(ptr %out, ptr %a, ptr %b)"
        yield "  br label %done"
    yield "none:"
    yield "  br label %done"
    yield "done:"
    yield "  %status = phi i16 [ 0, %none ]" + "".join(f", [ %status_{number}, %case_{number} ]" for number in cases)
    yield "  %wide = zext i16 %status to i64"
    yield "  ret i64 %wide"
    yield "}"


def text() -> str:
    """The LLVM module; on other hosts its functions do nothing."""
    numbered = list(enumerate(OPERATIONS.values())) if PRESENT else []
    lines = [*_function("x87_quick", {number: quick_assembly(operation) for number, operation in numbered if is_quick(operation)})]
    lines += _function("x87_whole", {number: whole_assembly(operation) for number, operation in numbered})
    for name, assembly in (("x87_clear", "fnclex"), ("x87_control", "fldcw ($0)")):
        body = f'  call void asm sideeffect "{assembly}", "r,{CLOBBERS}"(ptr %p)' if PRESENT else ""
        lines += [f"define void @{name}(ptr %p) nounwind {{", body, "  ret void", "}"]
    return "\n".join(lines)


llvm_text(text())

_POINTER = ir.IntType(8).as_pointer()
_RUN = ir.FunctionType(ir.IntType(64), [ir.IntType(64), _POINTER, _POINTER, _POINTER])


def _call(name: str, type: ir.FunctionType) -> Any:
    return lambda builder, *values: builder.call(cgutils.get_or_insert_function(builder.module, type, name), values)


def _call_void(name: str) -> Any:
    def emit(builder: ir.IRBuilder, pointer: Any) -> None:
        builder.call(cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), [_POINTER]), name), [pointer])

    return emit


quick = _intrinsic("x87_quick", "Run (operation, result, ST(0), ST(i) or memory operand): the status word. Flags are added to the host's.", I64, (I64, P, P, P),
                   _call("x87_quick", _RUN))
whole = _intrinsic("x87_whole", "Run (operation, ignored, 108 bytes as of FSAVE, memory operand) on the state in memory: the flags in bits 8 to 15.", I64,
                   (I64, P, P, P), _call("x87_whole", _RUN))
clear = _intrinsic("x87_clear", "Clear the host's status flags (any pointer).", VOID, (P,), _call_void("x87_clear"))
set_control = _intrinsic("x87_control", "Load the host's control word from memory.", VOID, (P,), _call_void("x87_control"))
