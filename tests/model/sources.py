"""Kernel modules loaded a second time, from the same sources, over the model's memory instead of the host's.

``Sources(issue)`` executes the files that numba compiles. ``runtime.kernels.mem`` is replaced by functions that hand each access to ``issue``,
``runtime.kernels.build`` by decorators that leave a function alone, and the tables whose sizes only cost states (the TLB) are made small. A mutation
replaces one piece of text of one file, which must be there exactly once.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple

from runtime.kernels import plain
from runtime.linux.hostnr import NR

REPOSITORY = Path(__file__).resolve().parents[2]
ROOTS = ("dbt.abi", "runtime.process_block", "runtime.kernels", "tests.model.vcpu")
ORDINARY = ("dbt.abi.layout",)  # dataclasses want to be found in sys.modules; nothing in it depends on a size
PURE = ("likely", "unlikely", "lshr", "udiv", "urem", "sdiv", "srem", "umulh", "smulh", "ult", "ule", "clz64", "ctz64", "popcnt64", "bswap64", "bitrev64",
        "addp", "p2i", "i2p")
KEEP_RESULTS = ("runtime/kernels/", "tests/model/")  # where code runs in a vCPU's program
RESULT = "_result"
Issue = Callable[..., int]


class Mutation(NamedTuple):
    """Text *guard* of file *path* (in the repository) replaced by *by*."""

    path: str
    guard: str
    by: str


SMALL = (
    Mutation("dbt/abi/memory.py", "TLB_BITS = 12\n", "TLB_BITS = 1\n"),
    Mutation("runtime/kernels/host.py", "SPINS = 100 ", "SPINS = 1 "),
    Mutation("runtime/kernels/host.py", "return turn + 1\n", "return min(turn + 1, SPINS)\n"),  # turns beyond that are alike
    Mutation("dbt/abi/exclusive.py", "LEAST_WAIT = 4\n", "LEAST_WAIT = 0\n"),
    Mutation("dbt/abi/exclusive.py", "MOST_WAIT = 128\n", "MOST_WAIT = 0\n"),  # giving way is waiting, and the model has no clock
    Mutation("runtime/kernels/interp.py", "interpret = _make()\n", "interpret = None\n"),  # 600 cases that no program of the model needs
)


@cache
def _text(path: str) -> str:
    return (REPOSITORY / path).read_text()


@cache
def _compiled(path: str, mutations: tuple[Mutation, ...]) -> CodeType:
    text = _text(path)
    for mutation in mutations:
        if text.count(mutation.guard) != 1:
            raise LookupError(f"{path}: the guard of a mutation must stand there once, not {text.count(mutation.guard)} times: {mutation.guard!r}")
        text = text.replace(mutation.guard, mutation.by)
    return compile_kernel(text, path) if path.startswith(KEEP_RESULTS) else compile(text, path, "exec", dont_inherit=True)


def compile_kernel(text: str, path: str) -> CodeType:
    """Compile code that runs in a vCPU's program."""
    return compile(_KeepResults(everything=path.startswith("tests/")).visit(ast.parse(text, path)), path, "exec", dont_inherit=True)


class _KeepResults(ast.NodeTransformer):
    """Inside kernels (or *everything*), ``f(x)`` in an expression becomes ``(name := f(x))``: what Python would keep on the evaluation stack only is in a
    local variable too. The name says between which lines the result may be needed."""

    def __init__(self, everything: bool) -> None:
        self._everything = everything
        self._lines: tuple[int, int | None] = 0, 0
        self._count = 0

    def visit_Module(self, node: ast.Module) -> ast.Module:
        for function in ast.walk(node):
            if isinstance(function, ast.FunctionDef) and (self._everything or any(map(_is_kernel, function.decorator_list))):
                for statement in function.body:
                    self._statement(statement)
        return ast.fix_missing_locations(node)

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.For) and not (isinstance(node.iter, ast.Call) and isinstance(node.iter.func, ast.Name) and node.iter.func.id == "range"):
            raise SyntaxError(f"line {node.lineno}: only the position in a range shows in the loop's variable")
        for field, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                within: ast.AST = node if isinstance(node, ast.For) else value  # a loop's iterator lives as long as the loop
                self._lines = within.lineno, within.end_lineno
                if isinstance(value, ast.Call):
                    self.generic_visit(value)
                else:
                    setattr(node, field, self.visit(value))
            elif isinstance(value, list) and value and isinstance(value[0], ast.stmt) and not isinstance(node, ast.FunctionDef):
                for inner in value:
                    self._statement(inner)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        self._count += 1
        return ast.NamedExpr(ast.Name(f"{RESULT}{self._lines[0]}_{self._lines[1]}_{self._count}", ast.Store()), node)

    def _untouched(self, node: ast.AST) -> ast.AST:
        return node

    visit_Lambda = visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _untouched


def _is_kernel(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id in ("kernel", "export", "helper")


def result_lines(name: str) -> tuple[int, int]:
    """First and last line between which the result kept under *name* may be needed."""
    first, last, _ = name.removeprefix(RESULT).split("_")
    return int(first), int(last)


def _memory_functions(issue: Issue) -> dict[str, Callable[..., Any]]:
    """The intrinsics of ``runtime.kernels.mem``: those that touch memory go to ``issue(kind, address, bits, operand, new, change)``."""
    everything = plain.functions()
    made: dict[str, Callable[..., Any]] = {name: everything[name] for name in PURE}
    number = plain.I64
    for bits in (8, 16, 32, 64):
        def load(base: int, offset: int, bits: int = bits) -> int:
            return number(issue("load", base + offset, bits))

        def store(base: int, offset: int, value: int, bits: int = bits) -> None:
            issue("store", base + offset, bits, value)

        def cas(base: int, offset: int, expected: int, new: int, bits: int = bits) -> int:
            return number(issue("cas", base + offset, bits, expected, new))

        for prefix in ("", "g_", "a_"):
            made |= {f"{prefix}ld{bits}": load, f"{prefix}st{bits}": store}
        made[f"a_cas{bits}"] = cas
        for name, change in plain.changes(bits).items():
            def rmw(base: int, offset: int, operand: int, bits: int = bits, change: Callable[[int, int], int] = change) -> int:
                return number(issue("rmw", base + offset, bits, operand, 0, change))

            made[f"a_{name}{bits}"] = rmw
    def syscall(number_: int, address: int, operation: int, value: int, *_: int) -> int:
        if number_ != NR["futex"]:
            return number(0)  # sched_yield
        return number(issue("wait" if operation & 1 == 0 else "wake", address, 32, value))

    # No scenario compares and swaps 16 bytes.
    made |= {"ldp": made["ld64"], "stp": made["st64"], "pause": lambda: None, "prefetch_write": lambda base, offset: None, "ticks": lambda: number(0),
             "fence": lambda: issue("fence"), "syscall": syscall, "a_cas128": None}  # fmt: skip
    return made


class _Numba:
    """Stands for what kernel modules say to numba about code that is not Python's."""

    def __getattr__(self, name: str) -> _Numba:
        return self

    def __call__(self, *_: object) -> _Numba:
        return self


class Sources:
    """One copy of the modules. ``self["runtime.kernels.softmmu"]`` is a module."""

    def __init__(self, issue: Issue, mutations: Iterable[Mutation] = ()) -> None:
        self._modules: dict[str, ModuleType] = {}
        self._mutations: dict[str, tuple[Mutation, ...]] = {}
        for mutation in (*SMALL, *mutations):
            self._mutations[mutation.path] = (*self._mutations.get(mutation.path, ()), mutation)
        self._builtins = {**vars(builtins), "__import__": self._import}
        made_of_llvm = {"P": None, "I64": None, "VOID": None, "_intrinsic": lambda *_: None}  # what modules make intrinsics of their own with
        self._replace("runtime.kernels.mem", {**_memory_functions(issue), **made_of_llvm})
        self._replace("runtime.kernels.build", {
            "kernel": lambda function=None, inline=False: function or (lambda f: f),
            "export": lambda symbol, signature: lambda f: f, "helper": lambda name, quick=None: lambda f: f, "llvm_text": lambda text: None,
        })  # fmt: skip

    def __getitem__(self, name: str) -> ModuleType:
        return self._load(name)

    def _replace(self, name: str, contents: Mapping[str, Any]) -> None:
        module = ModuleType(name)
        vars(module).update(contents)
        self._modules[name] = module

    def _load(self, name: str) -> ModuleType:
        if name not in self._modules:
            path = name.replace(".", "/") + ".py"
            if not (REPOSITORY / path).exists():
                path = name.replace(".", "/") + "/__init__.py"
            module = self._modules[name] = ModuleType(name)
            vars(module).update(__builtins__=self._builtins, __file__=path)
            exec(_compiled(path, self._mutations.get(path, ())), vars(module))
        return self._modules[name]

    def _import(self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if name.split(".")[0] == "numba":
            return _Numba()
        if name in ORDINARY or not any(name == root or name.startswith(root + ".") for root in ROOTS):
            return builtins.__import__(name, globals, locals, fromlist, level)
        if not fromlist:
            raise ImportError(f"import {name}: kernel sources use 'from ... import'")
        module = self._load(name)
        for wanted in fromlist:
            if not hasattr(module, wanted):
                setattr(module, wanted, self._load(f"{name}.{wanted}"))
        return module
