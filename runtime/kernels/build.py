"""Compiles all kernels with numba into one position-independent object.

A kernel module decorates its functions with ``@kernel`` (callable from other kernels), ``@export`` (also callable from Python, through
``runtime.image``) or ``@helper`` (also callable from generated code). numba only types and lowers here; linking, optimising and code generation happen once,
over the whole program, so that every function is compiled a single time (see ``lowering``).
"""

from __future__ import annotations

import importlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import llvmlite.binding as llvm
from numba import njit
from numba.core import config, types

from dbt.abi.helpers import AGAIN, HELPERS
from dbt.backend.llvm.convention import HELPER_CONVENTION
from runtime.kernels.jump_table import allow_duplication, gather
from runtime.kernels.lowering import KernelPipeline, lowering_only
from runtime.kernels.mem import P

# Modules whose exports make the image, besides those that they import.
MODULES = ("rare", "dispatch", "flow")

_TYPES: dict[str, types.Type] = {"p": P, "i64": types.int64, "l": types.int64, "v": types.void, "void": types.void}
_LLVM_TYPES: dict[types.Type, str] = {P: "ptr", types.int64: "i64", types.void: "void"}

_LOWERED_TYPES = {"ptr": "ptr", "i64": "i64", "void": "ptr"}  # numba returns its None as a pointer


class Export(NamedTuple):
    """A shell of plain C signature around a kernel; with ``convention`` it gets that LLVM calling convention. ``whole``: the symbol to call where the kernel
    gives AGAIN."""

    symbol: str
    signature: Any
    function: Any
    convention: str = ""
    whole: str = ""
    attributes: str = ""


EXPORTS: dict[str, Export] = {}
LLVM_TEXTS: list[str] = []


def kernel(function: Callable[..., Any] | None = None, *, inline: bool = False) -> Any:
    """Decorator: a function for use in kernels, typed from its call sites. ``inline`` forces LLVM to inline it."""
    if function is None:
        return lambda f: kernel(f, inline=inline)
    if config.DISABLE_JIT:
        return function  # to be run in plain Python: see runtime.kernels.plain
    made = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy", _nrt=False, forceinline=inline, pipeline_class=KernelPipeline)(function)
    template = made.get_call_template
    made.get_call_template = lambda args, kws: template(tuple([_widest(t) for t in args]), kws)
    return made


def _widest(type: Any) -> Any:
    """int64 for all integers, constants and bools: numba would compile a kernel once for each combination of them."""
    type = types.unliteral(type)
    if isinstance(type, types.Integer | types.Boolean):
        return types.int64
    if isinstance(type, types.BaseTuple):
        return types.Tuple([_widest(t) for t in type])
    return type


def parse_signature(text: str) -> Any:
    """The numba signature of ``"i64(p, i64)"``: p is a pointer, i64 an integer, v nothing."""
    result, _, arguments = text.partition("(")
    return _TYPES[result.strip()](*[_TYPES[name.strip()] for name in arguments.rstrip(" )").split(",") if name.strip()])


def export(symbol: str, signature: str) -> Callable[[Callable[..., Any]], Any]:
    """Decorator: a kernel that Python calls as ``image.function(symbol, ...)``."""

    def register(function: Callable[..., Any]) -> Any:
        made = kernel(function)
        _add(Export(symbol, parse_signature(signature), made))
        return made

    return register


def helper(name: str, quick: Any = None) -> Callable[[Callable[..., Any]], Any]:
    """Decorator: the kernel of a row of ``dbt.abi.helpers``. Its symbols are ``name`` for Python and ``helper_name`` for generated code.

    *quick* is a kernel that calls no other and gives AGAIN where it cannot serve: generated code enters there, where there is no register to be
    saved, and goes on to the whole helper for the rest."""
    result, arguments, _ = HELPERS[name]
    signature = f"{result}({','.join(arguments)})"

    def register(function: Callable[..., Any]) -> Any:
        made = export(name, signature)(function)
        symbol = "helper_" + name
        if quick is not None:
            _add(Export(symbol, parse_signature(signature), quick, HELPER_CONVENTION, symbol + "_whole"))
            symbol += "_whole"
        _add(Export(symbol, parse_signature(signature), made, HELPER_CONVENTION, attributes="noinline" if quick is not None else ""))
        return made

    return register


def _add(row: Export) -> None:
    if row.symbol in EXPORTS:
        raise ValueError(f"kernel symbol {row.symbol} is exported twice")
    EXPORTS[row.symbol] = row


def llvm_text(text: str) -> None:
    """Link a module in LLVM assembly into the image. Functions with external linkage that start with ``dbt_`` stay visible."""
    LLVM_TEXTS.append(text)


# numba ------------------------------------------------------------------------------------------------------------------
def _lower(row: Export) -> tuple[str, Any]:
    """Name of the lowered function in LLVM, and its library."""
    row.function.compile(row.signature)
    result = row.function.overloads[tuple(row.signature.args)]
    expected = types.int64 if row.whole else row.signature.return_type
    if result.signature.return_type != expected and expected != types.void:
        raise TypeError(f"kernel {row.symbol} returns {result.signature.return_type}, not {row.signature.return_type}")
    return result.fndesc.llvm_func_name, result.library


def _closure(libraries: list[Any]) -> list[Any]:
    """The libraries and all that they call, each once."""
    seen: dict[int, Any] = {}
    todo = list(libraries)
    while todo:
        library = todo.pop()
        if id(library) not in seen:
            seen[id(library)] = library
            todo.extend(library._linking_libraries)
    return list(seen.values())


def _lowered_type(row: Export) -> str:
    """What the kernel itself returns: one with ``whole`` may give AGAIN, where its shell returns nothing."""
    return "i64" if row.whole else _LOWERED_TYPES[_LLVM_TYPES[row.signature.return_type]]


def _shell(row: Export, lowered: str) -> list[str]:
    """The function that callers see, in LLVM assembly."""
    arguments = [_LLVM_TYPES[t] for t in row.signature.args]
    result = _LLVM_TYPES[row.signature.return_type]
    parameters = ", ".join(f"{t} %a{i}" for i, t in enumerate(arguments))
    returned = "ret void" if result == "void" else f"ret {result} %value"
    lowered_type, again = _lowered_type(row), []
    if row.whole:
        again = [
            f"  %again = icmp eq i64 %value, {AGAIN}", '  br i1 %again, label %rest, label %done, !prof !{!"branch_weights", i32 1, i32 1000}', "rest:",
            f"  {'' if result == 'void' else '%late = '}call {row.convention} {result} @{row.whole}({parameters})",
            f"  ret {result}{'' if result == 'void' else ' %late'}", "done:",
        ]  # fmt: skip
    return [
        f"define {row.convention} {result} @{row.symbol}({parameters}) nounwind {row.attributes} {{",
        f'  %value = call {lowered_type} @"{lowered}"({parameters})',
        *again, f"  {returned}", "}",
    ]  # fmt: skip


def _shells(rows: list[Export], lowered: list[str]) -> str:
    lines: list[str] = []
    declared: set[str] = set()
    for row, name in zip(rows, lowered, strict=True):
        if name not in declared:
            declared.add(name)
            lines.append(f'declare {_lowered_type(row)} @"{name}"({", ".join(_LLVM_TYPES[t] for t in row.signature.args)})')
        lines += _shell(row, name)
    return "\n".join(lines)


# LLVM -------------------------------------------------------------------------------------------------------------------
def target_machine() -> Any:
    """The host, position-independent with the small code model."""
    features = llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=2, reloc="pic", codemodel="small")


def _hide(module: Any, visible: set[str]) -> None:
    """Make everything internal but *visible* and ``dbt_...``, so that what is inlined or unused disappears."""
    for value in [*module.functions, *module.global_variables]:
        if not value.is_declaration and value.name not in visible and not value.name.startswith("dbt_"):
            value.linkage = "internal"
            value.visibility = "default"


def _optimize(module: Any, machine: Any) -> None:
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_vectorization = False
    tuning.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)


def compile_exports(exports: list[Export], texts: list[str]) -> bytes:
    """One relocatable object with the shells of *exports* and the LLVM modules *texts*."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()
    with lowering_only():
        lowered = [_lower(row) for row in exports]
    machine = target_machine()
    module = llvm.parse_assembly(_shells(exports, [name for name, _ in lowered]))
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    for library in _closure([library for _, library in lowered]):
        module.link_in(library._final_module.clone())
    for text in texts:
        module.link_in(llvm.parse_assembly(text))
    _hide(module, {row.symbol for row in exports})
    module.verify()
    allow_duplication()
    module = gather(module, machine)
    _optimize(module, machine)
    return machine.emit_object(module)  # type: ignore[no-any-return]


# The image --------------------------------------------------------------------------------------------------------------
@contextmanager
def _progress(what: str) -> Iterator[None]:
    """Say on stderr what takes so long; on a terminal with the seconds, in one line."""
    if not sys.stderr.isatty():
        sys.stderr.write(what + " ...\n")
        yield
        return
    started, done = time.monotonic(), threading.Event()

    def show() -> None:
        while True:
            sys.stderr.write(f"\r{what}: {time.monotonic() - started:.0f} s")
            sys.stderr.flush()
            if done.wait(1):
                return

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        sys.stderr.write("\n")


def build() -> bytes:
    """The object with every kernel of the runtime."""
    with _progress("building runtime kernels, once per machine"):
        for name in MODULES:
            importlib.import_module("runtime.kernels." + name)
        return compile_exports(list(EXPORTS.values()), LLVM_TEXTS)
