"""The calling convention of regions, and the shell through which C-like code enters one.

A region is ``preserve_nonecc void (ptr cpu, pinned...)``: no register is callee-saved and eleven integer arguments travel in host registers, so
regions that ``musttail``-call each other keep the hottest guest registers in host registers. While a region runs, the pinned slots of the vCPU
block are stale; whoever returns from a region (instead of tail-calling the next one) has stored them.

An object exports one function an entry, named :func:`entry_symbol`, and the data word :data:`VALID_SYMBOL`.
"""

from __future__ import annotations

from dbt.abi.cpu import FP_MODE_NAN_X86, CpuLayout
from dbt.ir.types import Type

CALLING_CONVENTION = "preserve_nonecc"
HELPER_CONVENTION = "preserve_mostcc"
COLD_CONVENTION = "preserve_allcc"  # of functions inside a module: not even the vector registers change, so that a cold call costs the hot path nothing
TEXT_SYMBOL = "region_text"  # local label at the start of the code
FAULT_SECTION = ".faults"  # pairs of i32: a load that may fault, where to go on then; both relative to TEXT_SYMBOL
VALID_SYMBOL = "valid"  # i64, a row of the three below; the region's entries return to the dispatcher while it is not VALID
DROPPED, VALID, PAUSED = 0, 1, 2  # guest bytes have changed, or something better has come; may be entered; will be entered again
CHAIN_SYMBOL = "chain"  # array of native addresses, one an exit to a known pc; 0 until the dispatcher patches it through cpu.chain_from


def entry_symbol(number: int) -> str:
    """Name of the function for entry *number* of a region."""
    return f"entry_{number}"


def slot_llvm_type(type: Type) -> str:
    """LLVM type of a pinned slot in a region's signature."""
    return f"i{type.bits}"


def pinned_values(layout: CpuLayout) -> list[tuple[str, int, str]]:
    """The pinned slots in argument order: (name, byte offset, LLVM type)."""
    return [(name, layout.slots[name][0], slot_llvm_type(layout.slots[name][1])) for name in layout.pinned]


def parameters(layout: CpuLayout) -> str:
    """Parameter list of a region: ``ptr %cpu`` and one ``%in_SLOT`` for each pinned slot."""
    return ", ".join(["ptr %cpu"] + [f"{llvm} %in_{name}" for name, _, llvm in pinned_values(layout)])


def enter_shell(layout: CpuLayout) -> str:
    """LLVM text of ``void enter_ARCH(ptr cpu, ptr region)`` in the C convention: loads the pinned slots and calls the region, which returns
    after it (or one of the regions it tail-called) has stored them. What the host knows of denormal operands (``host_flags``) goes to the state behind it."""
    counts = layout.initial.get("fp_mode", 0) & FP_MODE_NAN_X86
    lines = [f"define void @enter_{layout.arch}(ptr %cpu, ptr %region) {{"]
    if counts:
        lines.append("  %before = call i1 @take_denormals()")
    arguments = ["ptr %cpu"]
    for name, offset, llvm in pinned_values(layout):
        lines.append(f"  %at_{name} = getelementptr i8, ptr %cpu, i64 {offset}")
        lines.append(f"  %in_{name} = load {llvm}, ptr %at_{name}, align 4")
        arguments.append(f"{llvm} %in_{name}")
    lines.append(f"  call {CALLING_CONVENTION} void %region({', '.join(arguments)})")
    if counts:
        lines.append("  call void @collect_denormals(ptr %cpu)")
    lines += ["  ret void", "}", ""]
    return "\n".join(lines)
