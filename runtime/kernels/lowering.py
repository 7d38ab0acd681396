"""How numba is made to lower kernels, and no more than that: its pipeline, code library, calling convention and integer arithmetic.

A kernel becomes an LLVM function that takes its arguments and returns its value. There are no exceptions: what numba would raise (an index out of
a constant tuple) is a trap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.core.callconv import BaseCallConv, Status
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase
from numba.core.compiler_machinery import PassManager
from numba.core.registry import cpu_target
from numba.core.typed_passes import AnnotateTypes, IRLegalization, NativeLowering, NoPythonBackend, NopythonTypeInference, PreLowerStripPhis
from numba.core.types.functions import BaseFunction
from numba.core.untyped_passes import FixupArgs, GenericRewrites, IRProcessing, ReconstructSSA, TranslateByteCode
from numba.cpython import numbers
from numba.np.math import numbers as math_numbers

# What kernel code needs of numba's pipeline; closures, inlining in Python, parallel loops and the like cost half of the time.
_PASSES = (TranslateByteCode, FixupArgs, IRProcessing, GenericRewrites, ReconstructSSA, NopythonTypeInference, PreLowerStripPhis, IRLegalization, AnnotateTypes,
           NativeLowering, NoPythonBackend)


class KernelPipeline(CompilerBase):
    """numba's pipeline for kernels."""

    def define_pipelines(self) -> list[Any]:
        passes = PassManager("kernel")
        for step in _PASSES:
            passes.add_pass(step, step.__name__)
        passes.finalize()
        return [passes]


class _Library(JITCodeLibrary):
    """A numba code library that keeps the lowered module as it is: not optimised, not linked, not compiled."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def finalize(self) -> None:
        self._finalized = True


class _PlainConvention(BaseCallConv):
    """``result f(arguments)``. numba's own convention returns through memory that every caller zeroes first, and checks a status after each call."""

    def _make_call_helper(self, builder: ir.IRBuilder) -> None:
        return None

    def return_value(self, builder: ir.IRBuilder, retval: Any) -> None:
        builder.ret(retval)

    def return_user_exc(self, builder: ir.IRBuilder, *_: Any, **__: Any) -> None:
        trap = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), []), "llvm.trap")
        builder.call(trap, [])
        builder.unreachable()

    def return_status_propagate(self, builder: ir.IRBuilder, status: Status) -> None:
        builder.unreachable()

    def get_function_type(self, restype: Any, argtypes: Sequence[Any]) -> ir.FunctionType:
        return ir.FunctionType(self.get_return_type(restype).pointee, list(self._get_arg_packer(argtypes).argument_types))

    def decorate_function(self, fn: ir.Function, args: Sequence[str], fe_argtypes: Sequence[Any], noalias: bool = False) -> None:
        self._get_arg_packer(fe_argtypes).assign_names(self.get_arguments(fn), ["arg." + a for a in args])

    def get_arguments(self, func: ir.Function) -> Any:
        return func.args

    def call_function(self, builder: ir.IRBuilder, callee: Any, resty: Any, argtys: Sequence[Any], args: Sequence[Any], attrs: Any = None) -> Any:
        value = builder.call(callee, list(self._get_arg_packer(argtys).as_arguments(builder, args)))
        return _RETURNED, self.context.get_returned_value(builder, resty, value)


_TRUE, _FALSE = cgutils.true_bit, cgutils.false_bit
_RETURNED = Status(code=ir.Constant(ir.IntType(32), 0), is_ok=_TRUE, is_none=_FALSE, is_error=_FALSE, is_stop_iteration=_FALSE, is_python_exc=_FALSE,
                   is_user_exc=_FALSE, excinfoptr=None)


class _Context(type(cpu_target.target_context)):  # type: ignore[misc]
    """numba's target context for kernels."""

    @property
    def call_conv(self) -> _PlainConvention:
        return _PlainConvention(self)

    def get_executable(self, library: Any, fndesc: Any, env: Any) -> Any:
        """What stands for the address of a kernel: numba wants a builtin function, and a different one for each kernel."""
        return [].append

    def create_cpython_wrapper(self, *_: Any, **__: Any) -> None:
        """No kernel is called from Python."""

    create_cfunc_wrapper = create_cpython_wrapper


def _wrapping(result: Any) -> list[str]:
    """No "nsw": numba promises LLVM that int64 arithmetic never overflows, but kernels compute modulo 2^64."""
    return []


def _remembering(get_call_type: Any) -> Any:
    """numba's overload resolution, asked once for each function and argument types: a kernel module has thousands of equal additions."""
    answers: dict[Any, Any] = {}

    def remembered(self: Any, context: Any, args: Any, kws: Any) -> Any:
        if kws:
            return get_call_type(self, context, args, kws)
        key = self, tuple(args)
        answer = answers.get(key)
        if answer is None:
            answer = answers[key] = get_call_type(self, context, args, kws)
        return answer

    return remembered


@contextmanager
def lowering_only() -> Iterator[None]:
    """Make numba stop after lowering, and lower integer arithmetic as modulo 2^64."""
    context = cpu_target.target_context
    codegen = context.codegen()
    context_class, library_class, flags = type(context), codegen._library_class, numbers._int_arith_flags
    context.__class__, codegen._library_class = _Context, _Library
    numbers._int_arith_flags = math_numbers._int_arith_flags = _wrapping
    resolve = BaseFunction.get_call_type
    BaseFunction.get_call_type = _remembering(resolve)
    try:
        yield
    finally:
        BaseFunction.get_call_type = resolve
        numbers._int_arith_flags = math_numbers._int_arith_flags = flags
        context.__class__, codegen._library_class = context_class, library_class
