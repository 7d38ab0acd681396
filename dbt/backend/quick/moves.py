"""Rows that move values between cells, or between a cell and a slot that is smaller than its cell; constants and fences."""

from __future__ import annotations

from dbt.backend.quick import assembler as x86
from dbt.backend.quick.assembler import RAX, RBX, Memory
from dbt.backend.quick.emitter import NOTHING, Emitter, Record
from dbt.backend.quick.integers import Row, wrap


def _move(e: Emitter, r: Record) -> None:
    home = e.pinned.get(r.d)
    if home is not None:
        e.read(home, r.a)
        return
    e.read(RAX, r.a)
    e.result(r.d)


def _move_two(e: Emitter, r: Record) -> None:
    _two(e, r.d, r.a, r.a + 1)


def _make_pair(e: Emitter, r: Record) -> None:
    _two(e, r.d, r.a, r.b)


def _two(e: Emitter, d: int, low: int, high: int) -> None:
    e.read(RBX, high)
    e.read(RAX, low)
    e.result(d)
    e.result(d + 1, RBX)


def _constant(e: Emitter, r: Record) -> None:
    value = r.a & 0xFFFFFFFF | (r.b & 0xFFFFFFFF) << 32
    home = e.pinned.get(r.d)
    if home is not None:
        e.asm.move_immediate(home, value)
    elif value < 1 << 31:
        e.asm.store_immediate(Memory(x86.R12, 8 * r.d), value)
        e.overwritten(r.d)
    else:
        e.asm.move_immediate(RAX, value)
        e.result(r.d)


def _get(bits: int) -> Row:
    def write(e: Emitter, r: Record) -> None:
        home = e.pinned.get(r.a // 8)
        if home is not None:
            e.asm.move(RAX, home, 64)
            if r.a % 8:
                e.asm.shift(x86.SHR, RAX, 8 * (r.a % 8), 64)
            if bits == 32:
                e.asm.move(RAX, RAX)
            wrap(e, RAX, bits)
        else:
            place = Memory(x86.R12, r.a)
            if bits == 32:
                e.asm.move(RAX, place)
            else:
                e.asm.op2(x86.MOVZX_8 if bits == 8 else x86.MOVZX_16, RAX, place, 8 if bits == 8 else 32)
        e.held = NOTHING
        e.result(r.d)

    return write


def _put(bits: int) -> Row:
    def write(e: Emitter, r: Record) -> None:
        home = e.pinned.get(r.b // 8)
        e.read(RAX, r.a)
        shift = 8 * (r.b % 8)
        if home is None:
            e.asm.store(Memory(x86.R12, r.b), RAX, bits)
            e.overwritten(r.b // 8)
        elif bits < 32:
            if shift:
                e.asm.shift(x86.ROR, home, shift, 64)
            e.asm.emit(b"\x88" if bits == 8 else b"\x89", RAX, home, bits)
            if shift:
                e.asm.shift(x86.ROL, home, shift, 64)
        else:
            e.save(r.b // 8)
            e.asm.store(Memory(x86.R12, r.b), RAX, bits)
            e.restore(r.b // 8)

    return write


def _fence(e: Emitter, r: Record) -> None:
    if r.a:
        e.asm.code += b"\x0f\xae\xf0"  # MFENCE


ROWS: dict[str, tuple[Row, tuple[int, ...]]] = {  # as in ``integers``
    "zext": (_move, (1, 8, 16, 32, 64)),
    "bitcast": (_move, (32, 64)),
    "mov": (_move, (0,)),
    "mov2": (_move_two, (0,)),
    "vpair": (_make_pair, (0,)),
    "const": (_constant, (64,)),
    "get8": (_get(8), (0,)),
    "get16": (_get(16), (0,)),
    "get32": (_get(32), (0,)),
    "put8": (_put(8), (0,)),
    "put16": (_put(16), (0,)),
    "put32": (_put(32), (0,)),
    "fence": (_fence, (0,)),
}
