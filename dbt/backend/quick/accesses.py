"""Loads and stores of guest memory: loads rely on the host's page protection where the region may (``dbt.backend.llvm.memory``), all else looks at the TLB."""

from __future__ import annotations

from collections.abc import Callable

from dbt.abi.memory import PAGE_BITS, PAGE_MASK, TLB_ENTRIES, TLB_ENTRY_BITS, tlb_entry
from dbt.backend.quick import assembler as x86
from dbt.backend.quick.assembler import R10, R12, RAX, RBX, Memory
from dbt.backend.quick.emitter import NOTHING, Emitter, Record


def _address(e: Emitter, cell: int, offset: int) -> None:
    """The guest address into RAX, wrapped at the guest's width."""
    bits = e.layout.address_type.bits
    place = e.cell(cell)
    if place != RAX:
        e.asm.move(RAX, place, bits)
    if offset:
        e.asm.op_immediate(x86.ADD, RAX, offset, bits)
    e.held = NOTHING


def _probe(e: Emitter, size: int, align: int, field: str, slow: str) -> None:
    """The host address for the guest address in RAX, or on to *slow*; RAX has that address there still."""
    asm, tlb = e.asm, e.layout.offset("tlb")
    asm.move(RBX, RAX)
    asm.shift(x86.SHR, RBX, PAGE_BITS - TLB_ENTRY_BITS, 32)
    asm.op_immediate(x86.AND, RBX, (TLB_ENTRIES - 1) << TLB_ENTRY_BITS)
    asm.move(R10, RAX, 64)
    asm.op_immediate(x86.AND, R10, PAGE_MASK | (size - 1) | (align - 1), e.layout.address_type.bits)
    asm.op(x86.CMP, R10, Memory(R12, tlb + tlb_entry.offset(field), RBX), 64)
    asm.jump_if(x86.NE, slow)
    asm.op(x86.ADD, RAX, Memory(R12, tlb + tlb_entry.offset("addend"), RBX), 64)


def _unchecked(e: Emitter, align: int, slow: str) -> None:
    """The same for a load that the host checks: RBX has the base, RAX still the guest address."""
    asm = e.asm
    if align > 1:
        asm.emit(b"\xf6", 0, RAX, 8, bytes((align - 1,)))  # TEST
        asm.jump_if(x86.NE, slow)
    if e.layout.address_type.bits == 64:
        asm.op(x86.CMP, RAX, e.field("space_end"), 64)
        asm.jump_if(x86.AE, slow)
    asm.move(RBX, e.field("guest_base"), 64)


_LOADS: dict[int, Callable[[Emitter, int, Memory], None]] = {
    8: lambda e, register, place: e.asm.op2(x86.MOVZX_8, register, place, 8),
    16: lambda e, register, place: e.asm.op2(x86.MOVZX_16, register, place),
    32: lambda e, register, place: e.asm.move(register, place),
    64: lambda e, register, place: e.asm.move(register, place, 64),
}


def _fast_address(e: Emitter, size: int, align: int, slow: str) -> list[Memory]:
    """Where the *size* bytes to load are, eight at a time."""
    if e.unchecked:
        _unchecked(e, align, slow)
        return [Memory(RBX, at, RAX) for at in range(0, size, 8)]
    _probe(e, size, align, "addr_read", slow)
    return [Memory(RAX, at) for at in range(0, size, 8)]


def _load_slowly(e: Emitter, slow: str, done: str, helper: str, *numbers: int) -> None:
    """Off the main path, at label *slow*: have *helper* load from the address in RAX, and go on at *done* unless it faulted."""

    def write() -> None:
        e.asm.label(slow)
        e.helper(helper, [lambda register: e.asm.move(register, RAX, 64), *numbers])
        e.leave_if_faulted()
        e.asm.jump(done)

    e.later(write)


def _store_slowly(e: Emitter, slow: str, done: str, helper: str, *numbers: int, value: int | None = None) -> None:
    """The same for a store: of cell *value*, if it is an argument. The vCPU is at the guest instruction while it waits for others."""

    def write() -> None:
        asm = e.asm
        asm.label(slow)
        asm.move(RBX, RAX, 64)
        arguments: list[Callable[[int], None] | int] = [lambda register: asm.move(register, RBX, 64)]
        if value is not None:
            e.read(R10, value)
            arguments.append(lambda register: asm.move(register, R10, 64))
        e.set_position()
        e.helper(helper, [*arguments, *numbers])
        e.leave_if_faulted()
        asm.jump(done)

    e.later(write)


def load(e: Emitter, r: Record) -> None:
    asm, size = e.asm, r.bits // 8
    slow, done = e.new_label(), e.new_label()
    _address(e, r.a, r.b)
    (place,) = _fast_address(e, size, r.c, slow)
    if e.unchecked:
        e.faults.append((len(asm.code), slow))
    _LOADS[r.bits](e, RAX, place)
    asm.label(done)
    e.result(r.d)
    _load_slowly(e, slow, done, "ld_slow", size | r.c << 8)


def load_128(e: Emitter, r: Record) -> None:
    asm = e.asm
    slow, done = e.new_label(), e.new_label()
    _address(e, r.a, r.b)
    low, high = _fast_address(e, 16, r.c, slow)
    for place, register in ((high, R10), (low, RAX)):
        if e.unchecked:
            e.faults.append((len(asm.code), slow))
        asm.move(register, place, 64)
    asm.store(Memory(R12, 8 * r.d), RAX)
    asm.store(Memory(R12, 8 * r.d + 8), R10)
    asm.label(done)
    e.held = NOTHING
    _load_slowly(e, slow, done, "ld_slow_128", r.c, r.d)


def store(e: Emitter, r: Record) -> None:
    asm, size = e.asm, r.bits // 8
    slow, done = e.new_label(), e.new_label()
    _address(e, r.a, r.b)
    _probe(e, size, r.c, "addr_write", slow)
    register = e.pinned.get(r.d, R10)
    if register == R10:
        e.read(R10, r.d)
    asm.store(Memory(RAX), register, r.bits)
    asm.label(done)
    _store_slowly(e, slow, done, "st_slow", size | r.c << 8, value=r.d)


def store_128(e: Emitter, r: Record) -> None:
    asm = e.asm
    slow, done = e.new_label(), e.new_label()
    _address(e, r.a, r.b)
    _probe(e, 16, r.c, "addr_write", slow)
    for half in range(2):
        e.read(R10, r.d + half)
        asm.store(Memory(RAX, 8 * half), R10)
    asm.label(done)
    _store_slowly(e, slow, done, "st_slow_128", r.c, r.d)


ROWS = {
    "ld": (load, (8, 16, 32, 64)),
    "st": (store, (8, 16, 32, 64)),
}
ROWS_128 = {"ld": load_128, "st": store_128}
