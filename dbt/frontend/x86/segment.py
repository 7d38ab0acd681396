"""Segment registers, what tells of descriptors, and the system registers that Linux lets user code read (SDM vol. 1, 5.1.12 and 5.20).

The descriptors are Linux's: the flat segments, the one whose limit is the processor's number, in 32-bit code those of set_thread_area, and those of the LDT,
which modify_ldt fills and Python keeps: it puts the one that is asked for into slots. What belongs to the kernel is out of reach of privilege level 3, as if it
were not there. 32-bit code that holds a segment which is not flat goes on in a guest mode of its own (``segmented``).
"""

from __future__ import annotations

from dataclasses import replace

from dbt.abi.x86 import (
    DESCRIPTORS,
    ERROR_CODE,
    LOCAL,
    NULL_BASE,
    NULL_PAGE,
    RIGHT_BIG,
    RIGHT_CODE,
    RIGHT_DOWN,
    RIGHT_PRESENT,
    RIGHT_READ_OR_WRITE,
    RPL,
    SEGMENTS,
    TLS_ENTRIES,
    TLS_SELECTORS,
)
from dbt.frontend.x86 import flags
from dbt.frontend.x86.context import SP, Context
from dbt.frontend.x86.operands import Memory, Operand, Register, SegmentRegister
from dbt.frontend.x86.segmented import CS, SS
from dbt.ir.types import I16, I64
from dbt.ir.unit import Inst

# What Linux gives for the instructions that UMIP takes from user code (arch/x86/kernel/umip.c); the selector of the task register is GDT_ENTRY_TSS's.
_GDT_BASE, _IDT_BASE, _MACHINE_STATUS, _TASK = -0x20000, -0x10000, 0x80050033, 0x40


def raise_unless(c: Context, good: Inst, selector: Inst, kind: str = "protection") -> None:
    """#GP, or exception *kind*, with the selector as error code, unless *good*."""
    _raise(c, c.b.not_(good), c.b.and_(selector, ~RPL & 0xFFFF), kind)


def _raise(c: Context, condition: Inst, code: Inst, kind: str) -> None:
    b = c.b
    good = c.branch_if(condition)
    b.put(code, slot="error_code")
    c.raise_exception(kind, imm=ERROR_CODE)
    c.ends = False
    b.start(good)


# Segment registers --------------------------------------------------------------------------------------------------------
def mov_from_segment(c: Context, dst: Operand, src: SegmentRegister) -> None:
    """To memory always 16 bits, to a register the operand size."""
    value = c.read(src)
    if isinstance(dst, Memory):
        c.write(replace(dst, size=16), value)
    else:
        c.write(dst, c.extend(value, I64) if dst.size == 64 else value)


def mov_to_segment(c: Context, dst: SegmentRegister, src: Operand) -> None:
    if dst.n == CS:
        c.undefined()
    load(c, dst.n, c.read(src))
    loaded(c)


def pop_segment(c: Context, dst: SegmentRegister) -> None:
    value, top = c.pop(c.size)
    load(c, dst.n, c.narrow(value, 16))
    c.put_word(SP, top)
    loaded(c)


def load_far_pointer(c: Context, dst: Register, src: Memory, segment: int) -> None:
    """LDS, LES, LFS, LGS, LSS: an offset of the operand size, then a selector."""
    offset, selector = far_pointer(c, src)
    load(c, segment, selector)
    c.write(dst, offset)
    loaded(c)


def far_pointer(c: Context, src: Memory) -> tuple[Inst, Inst]:
    """Offset and selector in memory."""
    address = c.address(src)
    offset = c.load(address, src.size)
    return offset, c.load(c.b.add(address, src.size // 8), 16)


def load(c: Context, n: int, selector: Inst) -> None:
    """Load segment register *n*: the null selector (not into SS), a segment that can be read (into SS: that can be written), else #GP. One that is not
    present raises #NP, or #SS. ``loaded`` ends the instruction."""
    b = c.b
    _look_up(c, selector)
    index = b.and_(selector, ~RPL & 0xFFFF)
    rights, limit, base = (_of_descriptor(c, selector, part) for part in ("access", "limit", "base"))
    null = b.eq(index, 0)
    writable = b.eq(b.and_(rights, RIGHT_CODE | RIGHT_READ_OR_WRITE), RIGHT_READ_OR_WRITE)
    if n == SS:
        raise_unless(c, b.and_(b.and_(writable, b.eq(b.and_(selector, RPL), RPL)), b.ne(b.and_(rights, RIGHT_BIG), 0)), selector)
        raise_unless(c, b.ne(b.and_(rights, RIGHT_PRESENT), 0), selector, "stack")
    else:
        data = b.eq(b.and_(rights, RIGHT_CODE), 0)
        readable = b.and_(b.ne(rights, 0), b.or_(data, b.ne(b.and_(rights, RIGHT_READ_OR_WRITE), 0)))
        raise_unless(c, b.or_(null, readable), selector)
        raise_unless(c, b.or_(null, b.ne(b.and_(rights, RIGHT_PRESENT), 0)), selector, "absent")
    name = SEGMENTS[n]
    b.put(b.trunc(I16, selector), slot=name)
    if c.long:
        if name in ("fs", "gs"):
            b.put(b.zext(I64, base), slot=f"{name}_base")
        return
    flat = b.and_(b.and_(writable, b.eq(limit, 0xFFFF_FFFF)), b.eq(b.and_(rights, RIGHT_DOWN), 0))
    if name in ("fs", "gs"):
        base = b.select(null, b.i32(NULL_BASE), base)
        b.put(b.select(null, b.i32(NULL_PAGE), b.i32(0)), slot=f"{name}_null")
        flat = b.or_(flat, null)
    else:
        flat = b.and_(flat, b.eq(base, 0))
    b.put(base, slot=f"{name}_base")
    b.put(limit, slot=f"{name}_limit")
    b.put(rights, slot=f"{name}_access")
    others = b.and_(b.getreg("odd_segments"), ~(1 << n) & 0xFFFF_FFFF)
    b.put(b.or_(others, b.select(flat, b.i32(0), b.i32(1 << n))), slot="odd_segments")


def loaded(c: Context) -> None:
    """The end of an instruction that has loaded a segment register."""
    if not c.long:
        c.next_in_new_mode()


# Descriptors ----------------------------------------------------------------------------------------------------------------
def _look_up(c: Context, selector: Inst) -> None:
    """See that the descriptor of a selector of the LDT is in its slots: Python looks it up, and the instruction starts anew."""
    b = c.b
    index = b.and_(selector, ~RPL & 0xFFFF)
    known = b.or_(b.eq(b.and_(selector, LOCAL), 0), b.eq(b.getreg("ldt_selector"), index))
    _raise(c, b.not_(known), index, "selector")


def _rights(c: Context, selector: Inst) -> Inst:
    """What LAR gives; 0 if there is no such descriptor."""
    _look_up(c, selector)
    return _of_descriptor(c, selector, "access")


def _of_descriptor(c: Context, selector: Inst, part: str) -> Inst:
    """Rights (*part* "access"), limit or base of a selector's descriptor: an i32."""
    b = c.b
    index = b.and_(selector, ~RPL & 0xFFFF)
    found = b.select(b.eq(index, b.getreg("ldt_selector")), b.getreg(f"ldt_{part}"), b.i32(0))
    if part != "base":
        for known, (rights, limit) in DESCRIPTORS.items():
            found = b.select(b.eq(index, known & ~RPL), b.i32(rights if part == "access" else limit), found)
    if not c.long:
        for i in range(TLS_ENTRIES):
            found = b.select(b.eq(index, TLS_SELECTORS[i] & ~RPL), b.getreg(f"tls{i}_{part}"), found)
    return found


def _lar_or_lsl(c: Context, dst: Register, selector: Inst, value: Inst) -> None:
    """The destination changes, and ZF is set, only if there is such a descriptor."""
    b = c.b
    found = b.ne(_rights(c, selector), 0)
    none, end = c.branch_if(found), b.new_label()
    c.write(dst, c.narrow(value, dst.size) if dst.size < 64 else b.zext(I64, value))
    b.br(then=end)
    b.start(none)
    b.br(then=end)
    b.start(end)
    flags.set_zero(c, found)


def lar(c: Context, dst: Register, src: Operand) -> None:
    selector = c.read(src)
    _lar_or_lsl(c, dst, selector, _rights(c, selector))


def lsl(c: Context, dst: Register, src: Operand) -> None:
    selector = c.read(src)
    _lar_or_lsl(c, dst, selector, _of_descriptor(c, selector, "limit"))


def verr(c: Context, src: Operand) -> None:
    """ZF: the segment can be read."""
    b, rights = c.b, _rights(c, c.read(src))
    readable = b.or_(b.eq(b.and_(rights, RIGHT_CODE), 0), b.ne(b.and_(rights, RIGHT_READ_OR_WRITE), 0))
    flags.set_zero(c, b.and_(b.ne(rights, 0), readable))


def verw(c: Context, src: Operand) -> None:
    """ZF: the segment can be written."""
    b, rights = c.b, _rights(c, c.read(src))
    flags.set_zero(c, b.eq(b.and_(rights, RIGHT_CODE | RIGHT_READ_OR_WRITE), RIGHT_READ_OR_WRITE))


def arpl(c: Context, dst: Operand, src: Register) -> None:
    """Raise the privilege level that a selector asks for to that of another."""
    b = c.b
    old, level = c.read(dst), b.and_(c.read(src), RPL)
    lower = b.ult(b.and_(old, RPL), level)
    c.write(dst, b.select(lower, b.or_(b.and_(old, ~RPL & 0xFFFF), level), old))
    flags.set_zero(c, lower)


# System registers that user code can read -----------------------------------------------------------------------------------
def _store_table(c: Context, dst: Memory, base: int) -> None:
    """A limit of 0 and the base."""
    address = c.address(dst)
    c.store(address, c.const(0, 16), 16)
    size = c.word.bits
    c.store(c.b.add(address, 2), c.const(base, size), size)


def sgdt(c: Context, dst: Memory) -> None:
    _store_table(c, dst, _GDT_BASE)


def sidt(c: Context, dst: Memory) -> None:
    _store_table(c, dst, _IDT_BASE)


def _store_word(c: Context, dst: Operand, value: int) -> None:
    """16 bits of memory, or a register's operand size, whose upper half Linux leaves alone."""
    b = c.b
    if isinstance(dst, Memory):
        c.write(replace(dst, size=16), c.const(value, 16))
        return
    assert isinstance(dst, Register)
    if dst.size == 32 and c.long:
        c.put_word(dst.n, b.or_(b.and_(c.get_word(dst.n), -1 << 32), value))
    else:
        c.write(dst, c.const(value, dst.size))


def smsw(c: Context, dst: Operand) -> None:
    _store_word(c, dst, _MACHINE_STATUS)


def sldt(c: Context, dst: Operand) -> None:
    _store_word(c, dst, 0)


def str_(c: Context, dst: Operand) -> None:
    _store_word(c, dst, _TASK)
