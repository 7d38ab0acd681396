"""Bit and byte instructions (SDM vol. 1, 5.1.6), POPCNT and CRC32 of SSE4.2 (5.10.2)."""

from __future__ import annotations

from dbt.frontend.x86 import flags
from dbt.frontend.x86.atomics import exchange
from dbt.frontend.x86.context import Context, working_type
from dbt.frontend.x86.operands import Immediate, Memory, Operand, Register
from dbt.ir.types import I1, I32, I64
from dbt.ir.unit import Inst

_CRC32C = 0x82F63B78  # the polynomial of CRC32, bits reversed
_ATOMIC = {"bts": "rmw_or", "btr": "rmw_and", "btc": "rmw_xor"}


def bt(c: Context, base: Operand, offset: Operand) -> None:
    _bit_test(c, base, offset, "bt")


def bts(c: Context, base: Operand, offset: Operand) -> None:
    _bit_test(c, base, offset, "bts")


def btr(c: Context, base: Operand, offset: Operand) -> None:
    _bit_test(c, base, offset, "btr")


def btc(c: Context, base: Operand, offset: Operand) -> None:
    _bit_test(c, base, offset, "btc")


def _bit_test(c: Context, base: Operand, offset: Operand, name: str) -> None:
    """CF is the bit; the other flags, most of which are undefined, stay. A register offset reaches beyond a memory operand in both directions."""
    b, size = c.b, base.size
    position = c.read(offset, size)
    address = None
    if isinstance(base, Memory):
        address = c.address(base, None if isinstance(offset, Immediate) else _byte_offset(c, position, size))
    position = b.and_(position, size - 1)
    mask = b.shl(b.const(working_type(size), 1), position)
    if address is not None and c.locked:
        operand = b.xor(mask, c.const(-1, size)) if name == "btr" else mask
        exchange(c, _ATOMIC[name], address, operand, size, lambda old: flags.put(c, "cf", b.trunc(I1, b.shr(old, position))))
        return
    old = c.read(base) if address is None else c.load(address, size)
    new = {"bt": None, "bts": lambda: b.or_(old, mask), "btr": lambda: b.and_(old, b.not_(mask)), "btc": lambda: b.xor(old, mask)}[name]
    if new is not None and address is not None:
        c.store(address, new(), size)
    flags.put(c, "cf", b.trunc(I1, b.shr(old, position)))
    if new is not None and address is None:
        c.write(base, new())


def _byte_offset(c: Context, position: Inst, size: int) -> Inst:
    """Byte offset of the word of *size* bits that holds bit *position* (signed)."""
    b = c.b
    signed = c.extend(position, c.word, size)
    return b.shl(b.sar(signed, size.bit_length() - 1), (size // 8).bit_length() - 1)


def bsf(c: Context, dst: Register, src: Operand) -> None:
    _bit_scan(c, dst, src, forward=True)


def bsr(c: Context, dst: Register, src: Operand) -> None:
    _bit_scan(c, dst, src, forward=False)


def _bit_scan(c: Context, dst: Register, src: Operand, forward: bool) -> None:
    """A source of 0 sets ZF and leaves the destination. The other flags are undefined: they are those of the source as a result."""
    b, size = c.b, dst.size
    value, old = c.read(src), c.read(dst)
    found = b.ctz(value) if forward else b.sub(value.type.bits - 1, b.clz(value))
    flags.set_logic(c, value, size)
    c.write(dst, b.select(b.eq(value, 0), old, found))


def popcnt(c: Context, dst: Register, src: Operand) -> None:
    """ZF for a source of 0, all others 0."""
    b = c.b
    value = c.read(src)
    flags.set_carry(c, 0, 0)
    flags.put(c, "sf", b.const(I1, 0))
    flags.put(c, "zf", value)
    one = b.const(c.word, 1)  # an odd byte: PF = 0
    flags.put(c, "pf", one)
    flags.put(c, "af", one)
    c.write(dst, b.popcnt(value))


def crc32(c: Context, dst: Register, src: Operand) -> None:
    """CRC-32C, a bit at a time: the remainder of the bit-reversed polynomial division."""
    b = c.b
    data = c.read(src)
    crc = c.narrow(c.read(dst), 32)
    wide = src.size == 64
    value = b.xor(c.extend(crc, I64) if wide else crc, data)
    for _ in range(src.size):
        value = b.xor(b.shr(value, 1), b.and_(b.neg(b.and_(value, 1)), _CRC32C))
    value = b.trunc(I32, value) if wide else value
    c.write(dst, c.extend(value, I64) if dst.size == 64 else value)
