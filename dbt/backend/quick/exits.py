"""Ends of blocks: to a block of the same region, through a chain slot to another one, through the jump cache, back to the dispatcher."""

from __future__ import annotations

from collections.abc import Callable

from dbt.abi.exits import Exit
from dbt.abi.memory import JUMP_BITS, JUMP_ENTRIES, JUMP_ENTRY_BITS, jump_entry
from dbt.backend.quick import assembler as x86
from dbt.backend.quick.assembler import LEA, R10, R12, RAX, RBX, Memory, Place
from dbt.backend.quick.emitter import NOTHING, Emitter, Record

_MODE_SHIFT = 48  # of a jump tag


def _enter(e: Emitter, native: Place, otherwise: str) -> None:
    """To the code whose address is in *native*; to the label *otherwise* if that is 0."""
    e.asm.move(RAX, native, 64)
    e.asm.op(x86.TEST, RAX, RAX, 64)
    e.asm.jump_if(x86.E, otherwise)
    e.asm.jump_to(RAX)
    e.held = NOTHING


def chained(e: Emitter, pc: int, mode: int) -> None:
    """To a known place: through its chain slot, which the dispatcher fills."""
    asm, slot, unchained = e.asm, e.word(), e.new_label()
    _enter(e, slot, unchained)

    def write() -> None:
        asm.label(unchained)
        asm.op(LEA, RAX, slot, 64)
        asm.store(e.field("chain_from"), RAX)
        e.pc, e.mode = pc, mode
        e.leave()

    e.later(write)


def indirect(e: Emitter, r: Record, went: int) -> None:
    """To a place known at run time. *went* is the offset in the block of tier 0 of the word that remembers it."""
    asm, cache, away = e.asm, e.layout.offset("jump_cache"), e.new_label()
    e.read(R10, r.a)
    asm.move(RAX, R10, 64)
    asm.shift(x86.SHR, RAX, JUMP_BITS, 64)
    asm.op(x86.XOR, RAX, R10, 64)
    asm.shift(x86.SHL, RAX, JUMP_ENTRY_BITS - 1, 32)
    asm.op_immediate(x86.AND, RAX, (JUMP_ENTRIES - 1) << JUMP_ENTRY_BITS)
    if r.c:
        if r.b:
            asm.move_immediate(RBX, r.b << _MODE_SHIFT)
    else:
        e.held = NOTHING
        e.read(RBX, r.b)
        asm.shift(x86.SHL, RBX, _MODE_SHIFT, 64)
    if not r.c or r.b:
        asm.op(x86.OR, R10, RBX, 64)
    asm.move(RBX, e.block_word("block"), 64)
    asm.store(Memory(RBX, went), R10)
    asm.op(x86.CMP, R10, Memory(R12, cache + jump_entry.offset("tag"), RAX), 64)
    asm.jump_if(x86.NE, away)
    _enter(e, Memory(R12, cache + jump_entry.offset("native"), RAX), away)

    def write() -> None:
        asm.label(away)
        e.held = NOTHING
        e.read(R10, r.a)  # the tag does not tell an address of more than 48 bits from the mode
        asm.store(e.field("pc"), R10)
        if r.c:
            asm.store_immediate(e.field("mode"), r.b)
        else:
            e.read(R10, r.b)
            asm.store(e.field("mode"), R10)
        asm.jump("leave")

    e.later(write)


def _stop(reason: Exit) -> Callable[[Emitter, Record], None]:
    def write(e: Emitter, r: Record) -> None:
        e.read(RAX, r.a)
        e.asm.store(e.field("pc"), RAX)
        e.asm.store_immediate(e.field("mode"), r.d)
        if reason in (Exit.SYSCALL, Exit.EXCEPTION):
            e.set_field("exit_arg", r.b)
        if reason is Exit.EXCEPTION:
            e.set_field("exit_detail", r.c)
        e.set_field("exit_reason", int(reason))
        e.asm.jump("leave")

    return write


ROWS = {
    "syscall": _stop(Exit.SYSCALL),
    "exception": _stop(Exit.EXCEPTION),
    "halt": _stop(Exit.HALT),
    "yield": _stop(Exit.YIELD),
}
