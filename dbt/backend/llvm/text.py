"""Writes LLVM text: types, constants, and the body of one function."""

from __future__ import annotations

from dbt.ir.types import Type

_TYPES = {"f32": "float", "f64": "double", "v64": "<2 x i32>", "v128": "<4 x i32>"}
# Metadata that every module defines (see region.METADATA).
LIKELY = ", !prof !0"  # the first target of a branch is the hot one
UNLIKELY = ", !prof !7"  # the second is
GUEST = ", !tbaa !3"  # an access to guest memory
CPU = ", !tbaa !4"  # an access to the vCPU block
INVARIANT = ", !invariant.load !6"  # a load that gives the same while the process lives


def llvm_type(type: Type) -> str:
    """LLVM type that carries a value of the IR type. Floating point stays in FP types, so that phis live in FP registers."""
    return _TYPES.get(type.name) or f"i{type.bits}"


def lanes(bits: int, lane: int) -> str:
    """LLVM vector type of *bits* in all with lanes of *lane* bits."""
    return f"<{bits // lane} x i{lane}>"


def constant(type: Type, value: int) -> str:
    """LLVM operand for the bit pattern *value*."""
    if type.name in ("f32", "f64"):
        return f"bitcast (i{type.bits} {value} to {llvm_type(type)})"
    if type.name in ("v64", "v128"):
        words = (value >> shift & 0xFFFFFFFF for shift in range(0, type.bits, 32))
        return "<" + ", ".join(f"i32 {word}" for word in words) + ">"
    return str(value)


class Text:
    """Lines of a function body. Names are numbered in the order of emission; ``location`` is appended to every instruction (debug
    information for the assembly view)."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.count = 0
        self.location = ""
        self.current = "start"  # label of the LLVM block being written

    def value(self, expression: str) -> str:
        """Emit an instruction with a result; returns its name."""
        self.count += 1
        name = f"%v{self.count}"
        self.lines.append(f"  {name} = {expression}{self.location}")
        return name

    def do(self, instruction: str) -> None:
        """Emit an instruction without a result."""
        self.lines.append(f"  {instruction}{self.location}")

    def comment(self, text: str) -> None:
        self.lines.append(f"  ; {text}")

    def new_label(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def label(self, label: str) -> None:
        """Start LLVM block *label*."""
        self.lines.append(f"{label}:")
        self.current = label

    def at(self, base: str, offset: int | str) -> str:
        """Address *offset* bytes after pointer *base*."""
        return base if offset == 0 else self.value(f"getelementptr i8, ptr {base}, i64 {offset}")

    def cast(self, operand: str, source: str, target: str) -> str:
        """The same bits as LLVM type *target*."""
        return operand if source == target else self.value(f"bitcast {source} {operand} to {target}")
