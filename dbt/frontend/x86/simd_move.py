"""Moves of MMX and SSE, MXCSR and EMMS (SDM vol. 1, 5.4.1, 5.4.8, 5.5.1.1, 5.5.2, 5.5.4, 5.6.1.1, 5.6.3, 5.6.4, 5.7)."""

from __future__ import annotations

from dbt.abi import x86
from dbt.abi.cpu import FP_MODE_DENORMALS
from dbt.abi.x86 import MXCSR_DM, MXCSR_FLAGS, MXCSR_MODE_BITS, MXCSR_ROUNDING
from dbt.frontend.x86.context import DI, Context
from dbt.frontend.x86.operands import Memory, Mmx, Operand, Register, Xmm
from dbt.frontend.x86.simd import enter_mmx, from_low, low_float, put_low, put_vector, shuffle, source, vector
from dbt.ir.types import F64, I32, I64, V64
from dbt.ir.unit import Inst


def mova(c: Context, dst: Operand, src: Operand) -> None:
    """Moves of a whole register, with aligned memory operands (of 16 bytes)."""
    put_vector(c, dst, source(c, dst if not isinstance(dst, Memory) else src, src))


def movu(c: Context, dst: Operand, src: Operand) -> None:
    put_vector(c, dst, vector(c, src, aligned=False), aligned=False)


def _scalar_load(c: Context, dst: Xmm, src: Operand, lane: int) -> None:
    """From memory the rest is cleared, from a register it stays."""
    if isinstance(src, Memory):
        put_vector(c, dst, vector(c, src))
    else:
        put_low(c, dst, low_float(c, src, lane))


def movss_load(c: Context, dst: Xmm, src: Operand) -> None:
    _scalar_load(c, dst, src, 32)


def movsd_load(c: Context, dst: Xmm, src: Operand) -> None:
    _scalar_load(c, dst, src, 64)


def _scalar_store(c: Context, dst: Operand, src: Xmm, lane: int) -> None:
    value = low_float(c, src, lane)
    if isinstance(dst, Memory):
        c.b.st(c.address(dst), c.b.bitcast(I32 if lane == 32 else I64, value))
    else:
        put_low(c, dst, value)


def movss_store(c: Context, dst: Operand, src: Xmm) -> None:
    _scalar_store(c, dst, src, 32)


def movsd_store(c: Context, dst: Operand, src: Xmm) -> None:
    _scalar_store(c, dst, src, 64)


# Halves -----------------------------------------------------------------------------------------------------------------------
def load_low(c: Context, dst: Xmm, src: Memory) -> None:
    """MOVLPS, MOVLPD."""
    c.b.put(c.b.bitcast(F64, c.load(c.address(src), 64)), slot=f"xmm{dst.n}d")


def load_high(c: Context, dst: Xmm, src: Memory) -> None:
    """MOVHPS, MOVHPD."""
    c.b.put(c.b.bitcast(F64, c.load(c.address(src), 64)), slot=f"xmm{dst.n}h")


def store_low(c: Context, dst: Memory, src: Xmm) -> None:
    c.store(c.address(dst), c.b.vhalf(vector(c, src), index=0), 64)


def store_high(c: Context, dst: Memory, src: Xmm) -> None:
    c.store(c.address(dst), c.b.vhalf(vector(c, src), index=1), 64)


def movhlps(c: Context, dst: Xmm, src: Xmm) -> None:
    put_vector(c, dst, shuffle(c, 64, [3, 1], vector(c, dst), vector(c, src)))


def movlhps(c: Context, dst: Xmm, src: Xmm) -> None:
    put_vector(c, dst, shuffle(c, 64, [0, 2], vector(c, dst), vector(c, src)))


# Between register files ---------------------------------------------------------------------------------------------------------
def movd_to(c: Context, dst: Operand, src: Operand) -> None:
    """MOVD and MOVQ from a general register or memory."""
    low = c.extend(c.read(src), I64)
    put_vector(c, dst, c.b.bitcast(V64, low) if isinstance(dst, Mmx) else from_low(c, low))


def movd_from(c: Context, dst: Operand, src: Operand) -> None:
    value = vector(c, src)
    low = c.b.bitcast(I64, value) if isinstance(src, Mmx) else c.b.vhalf(value, index=0)
    c.write(dst, low if dst.size == 64 else c.b.trunc(I32, low))
    if isinstance(src, Mmx):
        enter_mmx(c)


def movq_load(c: Context, dst: Xmm, src: Operand) -> None:
    low = c.load(c.address(src), 64) if isinstance(src, Memory) else c.b.vhalf(vector(c, src), index=0)
    put_vector(c, dst, from_low(c, low))


def movq_store(c: Context, dst: Operand, src: Xmm) -> None:
    low = c.b.vhalf(vector(c, src), index=0)
    if isinstance(dst, Memory):
        c.store(c.address(dst), low, 64)
    else:
        put_vector(c, dst, from_low(c, low))


def movq2dq(c: Context, dst: Xmm, src: Mmx) -> None:
    put_vector(c, dst, from_low(c, c.b.bitcast(I64, vector(c, src))))
    enter_mmx(c)


def movdq2q(c: Context, dst: Mmx, src: Xmm) -> None:
    put_vector(c, dst, c.b.bitcast(V64, c.b.vhalf(vector(c, src), index=0)))


def movmsk(c: Context, dst: Register, src: Xmm, lane: int) -> None:
    """The signs of the lanes."""
    signs = c.b.vsigns(vector(c, src), lane=lane)
    c.write(dst, c.extend(signs, I64) if dst.size == 64 else signs)


def maskmov(c: Context, value: Operand, mask: Operand) -> None:
    """MASKMOVQ, MASKMOVDQU: byte by byte; one that is not chosen is not touched."""
    b = c.b
    data, chosen = vector(c, value), vector(c, mask)
    count = data.type.bits // 8
    start = c.address(Memory(8, c.segment, DI, None, 0, 0, c.address_size))
    for i in range(count):
        skipped = c.branch_if(b.ne(b.and_(b.vget(I32, chosen, lane=8, index=i), 0x80), 0))
        c.store(b.add(start, i), b.vget(I32, data, lane=8, index=i), 8)
        b.br(then=skipped)
        b.start(skipped)
    if isinstance(value, Mmx):
        enter_mmx(c)


# MXCSR and the x87 tags -----------------------------------------------------------------------------------------------------------
def ldmxcsr(c: Context, src: Memory) -> None:
    set_mxcsr(c, c.read(src))
    c.next_in_new_mode()


def set_mxcsr(c: Context, value: Inst) -> None:
    """The control bits are kept, and followed by ``fp_mode``; the flags are those of ``fp_flags``. Reserved bits raise #GP."""
    b = c.b
    c.raise_if(b.ne(b.and_(value, ~x86.MXCSR_ALL & 0xFFFF_FFFF), 0), "protection")
    mode = b.i32(x86.FP_MODE)
    for bit, mode_bit in MXCSR_MODE_BITS:
        mode = b.or_(mode, b.select(c.bit(value, bit.bit_length() - 1), b.i32(mode_bit), b.i32(0)))
    mode = b.or_(mode, b.select(c.bit(value, MXCSR_DM.bit_length() - 1), b.i32(0), b.i32(FP_MODE_DENORMALS)))
    rounding = b.and_(b.shr(value, 13), 3)
    for field, ours in enumerate(MXCSR_ROUNDING):
        if ours:
            mode = b.or_(mode, b.select(b.eq(rounding, field), b.i32(ours), b.i32(0)))
    found = b.i32(0)
    for bit, flag in MXCSR_FLAGS:
        found = b.or_(found, b.select(c.bit(value, bit.bit_length() - 1), b.i32(flag), b.i32(0)))
    b.fflags()  # what the host has noted so far does not belong to the new flags
    b.put(mode, slot="fp_mode")
    b.put(found, slot="fp_flags")
    b.put(value, slot="mxcsr")


def stmxcsr(c: Context, dst: Memory) -> None:
    c.write(dst, mxcsr_value(c))


def mxcsr_value(c: Context) -> Inst:
    b = c.b
    found = b.fflags()
    value = b.and_(b.getreg("mxcsr"), x86.MXCSR_ALL & ~sum(bit for bit, _ in MXCSR_FLAGS))
    for bit, flag in MXCSR_FLAGS:
        value = b.or_(value, b.select(c.bit(found, flag.bit_length() - 1), b.i32(bit), b.i32(0)))
    return value


def emms(c: Context) -> None:
    c.wait()
    c.b.put(0, slot="ftw")
