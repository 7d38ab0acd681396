"""Exclusive accesses, atomic operations and fences.

An atomic operation whose page the TLB lets this vCPU write, with no flag in the tag, is one locked instruction of the host; everything else (misses, exclusive
pages, pages with code, misaligned addresses, faults) is its helper's business. docs/memory-order.md says what is ordered with what.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dbt.abi.exclusive import NO_RESERVATION, Failure
from dbt.abi.helpers import ATOMIC_REPLAY, RMW_KINDS
from dbt.backend.llvm.memory import FaultExit, check, narrow, widen
from dbt.backend.llvm.text import CPU, GUEST, llvm_type
from dbt.ir.addresses import bytes_of
from dbt.ir.unit import Inst

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region

_LLVM_KINDS = {"smin": "min", "smax": "max"}  # where LLVM's name is another
COMPILER_FENCE = 'fence syncscope("singlethread") seq_cst'  # orders what LLVM does, and leaves no instruction


def _faulting_helper(r: Region, name: str, *arguments: str) -> str:
    result = r.call_helper(name, *arguments)
    fault = FaultExit(r)
    fault.check(r.pc, r.mode)
    fault.finish()
    return result


# Exclusives -------------------------------------------------------------------------------------------------------------
def _ldlink(r: Region, inst: Inst) -> None:
    result = _faulting_helper(r, "ldlink", r.extended(inst.args[0]), str(bytes_of(inst.of)))
    r.define(inst, narrow(r, result, inst.of))


def _stcond(r: Region, inst: Inst) -> None:
    value = widen(r, r.operand(inst.args[1]), inst.of)
    r.store_field("pc", str(r.pc))  # for the statistics
    result = _faulting_helper(r, "stcond", r.extended(inst.args[0]), value, str(bytes_of(inst.of)))
    r.define(inst, narrow(r, result, inst.type))


def _clrex(r: Region, inst: Inst) -> None:
    r.store_field("excl_addr", str(NO_RESERVATION))
    r.store_field("excl_cause", str(int(Failure.CLREX)))


# Atomic operations ------------------------------------------------------------------------------------------------------
def _rmw(r: Region, inst: Inst) -> None:
    kind = inst.op.name.removeprefix("rmw_")
    name = _LLVM_KINDS.get(kind, kind)
    _inline(r, inst, "rmw", RMW_KINDS.index(kind) << 16, lambda host, type, operands: f"atomicrmw {name} ptr {host}, {type} {operands[0]}")


def _cas(r: Region, inst: Inst) -> None:
    if inst.of.bits == 128:
        _cas_128(r, inst)
        return
    _inline(r, inst, "cas", 0, lambda host, type, operands: f"cmpxchg ptr {host}, {type} {operands[0]}, {type} {operands[1]} seq_cst")


def _inline(r: Region, inst: Inst, helper: str, how: int, write: Callable[[str, str, list[str]], str]) -> None:
    """One atomic instruction where the TLB entry of the address allows it, else *helper* with *how* added to its last argument."""
    t = r.text
    size, type = bytes_of(inst.of), llvm_type(inst.of)
    operands = [r.operand(arg) for arg in inst.args[1:]]
    host, slow = check(r, r.operand(inst.args[0]), size, size, "addr_write")
    t.do(f"call void @llvm.prefetch.p0(ptr {host}, i32 1, i32 3, i32 1)")
    result = t.value(f"{write(host, type, operands)} seq_cst, align {size}{GUEST}")
    if helper == "cas":
        result = t.value(f"extractvalue {{ {type}, i1 }} {result}, 0")
    done, fast = t.new_label("done"), t.current
    t.do(f"br label %{done}")
    t.label(slow)
    r.local, r.limit = {}, t.count
    how |= size | int(inst.attr("align")) << 8 | (ATOMIC_REPLAY if inst.attr("replay") else 0)  # type: ignore[call-overload]
    arguments = [r.extended(inst.args[0]), *[widen(r, operand, inst.of) for operand in operands], str(how)]
    r.store_field("pc", str(r.pc))  # the writer's, for the statistics
    missed = narrow(r, _faulting_helper(r, helper, *arguments), inst.of)
    slow_end = t.current
    r.local = None
    t.do(f"br label %{done}")
    t.label(done)
    r.define(inst, t.value(f"phi {type} [ {result}, %{fast} ], [ {missed}, %{slow_end} ]"))


def _cas_128(r: Region, inst: Inst) -> None:
    """As ``_inline``; the helper's operands and its result go through temporary cells."""
    t = r.text
    expected, new = (r.operand(arg) for arg in inst.args[1:])
    host, slow = check(r, r.operand(inst.args[0]), 16, 16, "addr_write")
    swapped = t.value(f"cmpxchg ptr {host}, i128 {expected}, i128 {new} seq_cst seq_cst, align 16{GUEST}")
    result = t.value(f"extractvalue {{ i128, i1 }} {swapped}, 0")
    done, fast = t.new_label("done"), t.current
    t.do(f"br label %{done}")
    t.label(slow)
    r.local, r.limit = {}, t.count
    cell = r.layout.layout["temps"].cell
    at, second = t.at("%cpu", 8 * cell), t.at("%cpu", 8 * (cell + 2))
    t.do(f"store i128 {expected}, ptr {at}, align 8{CPU}")
    t.do(f"store i128 {new}, ptr {second}, align 8{CPU}")
    r.store_field("pc", str(r.pc))
    how = 16 | int(inst.attr("align")) << 8 | (ATOMIC_REPLAY if inst.attr("replay") else 0)  # type: ignore[call-overload]
    _faulting_helper(r, "cas_128", r.extended(inst.args[0]), str(cell | cell + 2 << 16 | cell << 32), str(how))
    missed = t.value(f"load i128, ptr {at}, align 8{CPU}")
    slow_end = t.current
    r.local = None
    t.do(f"br label %{done}")
    t.label(done)
    r.define(inst, t.value(f"phi i128 [ {result}, %{fast} ], [ {missed}, %{slow_end} ]"))


# Order ------------------------------------------------------------------------------------------------------------------
def _fence(r: Region, inst: Inst) -> None:
    r.text.do(f"fence {inst.attr('order')}")


def _cycles(r: Region, inst: Inst) -> None:
    r.define(inst, r.text.value("call i64 @llvm.readcyclecounter()"))


def _prefetch(r: Region, inst: Inst) -> None:
    """A hint whose guest address may be unmapped: nothing to do."""


def _relax(r: Region, inst: Inst) -> None:
    """PAUSE, where the host is sure to have it: a loop that waits leaves the other hardware thread of its core, and the cache line, to whom it waits for."""
    if r.unchecked:
        r.text.do("call void @llvm.x86.sse2.pause()")


ROWS: dict[str, Callable[[Region, Inst], None]] = {
    "ldlink": _ldlink,
    "stcond": _stcond,
    "clrex": _clrex,
    "cas": _cas,
    "fence": _fence,
    "cycles": _cycles,
    "prefetch": _prefetch,
    "relax": _relax,
    **{f"rmw_{kind}": _rmw for kind in RMW_KINDS},
}
