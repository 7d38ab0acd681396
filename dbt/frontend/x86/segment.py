"""Segment registers, what tells of descriptors, and the system registers that Linux lets user code read (SDM vol. 1, 5.1.12 and 5.20).

The descriptors are Linux's: the flat segments, the one whose limit is the processor's number, and in 32-bit code those of set_thread_area. What belongs to
the kernel is out of reach of privilege level 3, as if it were not there. The bases and limits of flat segments, and the rights of all, are not looked at.
"""

from __future__ import annotations

from dataclasses import replace

from dbt.abi.x86 import CPU_SELECTOR, DESCRIPTORS, ERROR_CODE, RPL, SEGMENTS, TLS_ENTRIES, TLS_SELECTORS, USER_CS_32, USER_CS_64, USER_DS
from dbt.frontend.x86 import flags
from dbt.frontend.x86.context import SP, Context
from dbt.frontend.x86.operands import Memory, Operand, Register, SegmentRegister
from dbt.ir.types import I16, I64
from dbt.ir.unit import Inst

_CS, _SS = 1, 2
_CODE, _READABLE_OR_WRITABLE = 1 << 11, 1 << 9  # bits of the rights: a code segment; one that can be read, or data that can be written
# What Linux gives for the instructions that UMIP takes from user code (arch/x86/kernel/umip.c); the selector of the task register is GDT_ENTRY_TSS's.
_GDT_BASE, _IDT_BASE, _MACHINE_STATUS, _TASK = -0x20000, -0x10000, 0x80050033, 0x40


def raise_unless(c: Context, good: Inst, selector: Inst) -> None:
    """#GP with the selector as error code, unless *good*."""
    b = c.b
    bad = c.branch_if(b.not_(good))
    b.put(b.and_(selector, ~RPL & 0xFFFF), slot="error_code")
    c.raise_exception("protection", imm=ERROR_CODE)
    c.ends = False
    b.start(bad)


# Segment registers --------------------------------------------------------------------------------------------------------
def mov_from_segment(c: Context, dst: Operand, src: SegmentRegister) -> None:
    """To memory always 16 bits, to a register the operand size."""
    value = c.read(src)
    if isinstance(dst, Memory):
        c.write(replace(dst, size=16), value)
    else:
        c.write(dst, c.extend(value, I64) if dst.size == 64 else value)


def mov_to_segment(c: Context, dst: SegmentRegister, src: Operand) -> None:
    if dst.n == _CS:
        c.undefined()
    load(c, dst.n, c.read(src))


def pop_segment(c: Context, dst: SegmentRegister) -> None:
    value, top = c.pop(c.size)
    load(c, dst.n, c.narrow(value, 16))
    c.put_word(SP, top)


def load_far_pointer(c: Context, dst: Register, src: Memory, segment: int) -> None:
    """LDS, LES, LFS, LGS, LSS: an offset of the operand size, then a selector."""
    offset, selector = far_pointer(c, src)
    load(c, segment, selector)
    c.write(dst, offset)


def far_pointer(c: Context, src: Memory) -> tuple[Inst, Inst]:
    """Offset and selector in memory."""
    address = c.address(src)
    offset = c.load(address, src.size)
    return offset, c.load(c.b.add(address, src.size // 8), 16)


def load(c: Context, n: int, selector: Inst) -> None:
    """Load segment register *n*: the null selector (not into SS), a segment that can be read (into SS: that can be written), else #GP."""
    b = c.b
    index = b.and_(selector, ~RPL & 0xFFFF)
    if n == _SS:
        known = b.eq(selector, USER_DS)
    else:
        known = b.eq(index, 0)
        for value in (USER_DS, USER_CS_32, USER_CS_64, CPU_SELECTOR):
            known = b.or_(known, b.eq(index, value & ~RPL))
    if not c.long:
        for i, value in enumerate(TLS_SELECTORS):
            same = b.eq(selector, value) if n == _SS else b.eq(index, value & ~RPL)
            known = b.or_(known, b.and_(same, b.ne(b.getreg(f"tls{i}_access"), 0)))
    raise_unless(c, known, selector)
    name = SEGMENTS[n]
    if name in ("fs", "gs"):
        base = b.const(c.word, 0)
        if not c.long:
            for i, value in enumerate(TLS_SELECTORS):
                base = b.select(b.eq(index, value & ~RPL), b.getreg(f"tls{i}_base"), base)
        b.put(base, slot=f"{name}_base")
    b.put(b.trunc(I16, selector), slot=name)


# Descriptors ----------------------------------------------------------------------------------------------------------------
def _rights(c: Context, selector: Inst) -> Inst:
    """What LAR gives; 0 if there is no such descriptor."""
    return _of_descriptor(c, selector, 0, "access")


def _of_descriptor(c: Context, selector: Inst, part: int, slot: str) -> Inst:
    """Rights (*part* 0) or limit (1) of a selector's descriptor: an i32."""
    b = c.b
    index, found = b.and_(selector, ~RPL & 0xFFFF), b.i32(0)
    for known, parts in DESCRIPTORS.items():
        found = b.select(b.eq(index, known & ~RPL), b.i32(parts[part]), found)
    if not c.long:
        for i in range(TLS_ENTRIES):
            found = b.select(b.eq(index, TLS_SELECTORS[i] & ~RPL), b.getreg(f"tls{i}_{slot}"), found)
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
    _lar_or_lsl(c, dst, selector, _of_descriptor(c, selector, 1, "limit"))


def verr(c: Context, src: Operand) -> None:
    """ZF: the segment can be read."""
    b, rights = c.b, _rights(c, c.read(src))
    readable = b.or_(b.eq(b.and_(rights, _CODE), 0), b.ne(b.and_(rights, _READABLE_OR_WRITABLE), 0))
    flags.set_zero(c, b.and_(b.ne(rights, 0), readable))


def verw(c: Context, src: Operand) -> None:
    """ZF: the segment can be written."""
    b, rights = c.b, _rights(c, c.read(src))
    flags.set_zero(c, b.eq(b.and_(rights, _CODE | _READABLE_OR_WRITABLE), _READABLE_OR_WRITABLE))


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
