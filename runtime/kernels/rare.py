"""The kernel that runs one *rare* record (``dbt.abi.records``): floating point and vectors, one lane at a time; x87; strings.

The function that gives one lane's value is written from the ``sem`` column of the opcode table: one branch a row. Interpreter and generated code share
it, so both engines agree on whatever they do not write inline.
"""

from __future__ import annotations

import re

from dbt.abi.cpu import FP_MODE_ALT_HALF, FP_MODE_ARM_STANDARD, header
from dbt.abi.records import CODES, PAYLOAD_D, PAYLOAD_N, PAYLOAD_S, RECORD_BYTES, is_rare
from dbt.ir.optable import OPS, Op
from runtime.kernels import mem, sem, softfloat, strings, text, x87
from runtime.kernels.build import helper, kernel
from runtime.kernels.payload import attribute

_FP_MODE = header().offset("fp_mode")

# Shapes: which bits of the operands make a call of ``lane_value``.
_SCALAR, _LANES, _WIDEN, _NARROW, _BITS, _OTHER, _X87, _STRING = range(8)
_SHAPES = {"fp": _SCALAR, "lane": _LANES, "widen": _WIDEN, "narrow": _NARROW, "bits": _BITS, "vector": _OTHER, "x87": _X87,
           "string": _STRING}
# Rows of kind ``vector`` that are nothing but lanes after all, and what the table says of them in words.
_SHAPE_OF = {"vfcvt_h2f": _WIDEN, "vfcvt_f2h": _NARROW, "vbsl": _BITS}
_SEM_OF = {"vbsl": "(a & b) | (~a & c)"}
_HALF_BITS = 16  # lane of the rows above

_VDUP, _VGET, _VSET, _VSHUF, _VSIGNS, _VTBL, _PCMPSTR = (CODES[_name] for _name in ("vdup", "vget", "vset", "vshuf", "vsigns", "vtbl", "pcmpstr"))


def rare_rows() -> list[Op]:
    return [op for op in OPS.values() if is_rare(op.name)]


def _shape(op: Op) -> int:
    return _SHAPE_OF.get(op.name, _SHAPES[op.kind])


@kernel(inline=True)
def environment(cpu, standard):
    """The floating-point environment: the guest's, or ARM's "standard FPSCR value", which keeps the half-precision format."""
    mode = mem.ld64(cpu, _FP_MODE)
    return cpu, FP_MODE_ARM_STANDARD | (mode & FP_MODE_ALT_HALF) if standard != 0 else mode


def _branch(op: Op) -> list[str]:
    """Source of the branch of ``lane_value`` for one row."""
    expression = _SEM_OF.get(op.name, op.sem)
    assert expression is not None, f"{op.name} has no semantics"
    words = set(re.findall(r"\w+", expression))
    lines = [f"    if code == {CODES[op.name]}:  # {op.name}"]
    lines += [f"        {name} = attribute(record, {i})" for i, name in enumerate(op.attrs) if name in words]
    if "s" in words:
        lines.append(f"        s = attribute(record, {PAYLOAD_S})")
    if "env" in words:
        standard = f"attribute(record, {op.attrs.index('std')})" if "std" in op.attrs else "0"
        lines.append(f"        env = environment(cpu, {standard})")
    return [*lines, f"        return {expression}"]


def lane_value_source() -> str:
    """Source of ``lane_value(cpu, record, code, a, b, c, n)``."""
    lines = ["def lane_value(cpu, record, code, a, b, c, n):"]
    for op in rare_rows():
        if _shape(op) not in (_OTHER, _X87, _STRING):
            lines += _branch(op)
    return "\n".join([*lines, "    return 0", ""])


def shape_source() -> str:
    """Source of ``shape(code)``; most rows are lanes."""
    lines = ["def shape(code):"]
    for op in rare_rows():
        if _shape(op) != _LANES:
            lines += [f"    if code == {CODES[op.name]}:  # {op.name}", f"        return {_shape(op)}"]
    return "\n".join([*lines, f"    return {_LANES}", ""])


def _made(name: str, source: str) -> object:
    scope = {**vars(sem), **vars(softfloat), "attribute": attribute, "environment": environment}
    exec(compile(source, f"<{name} of the opcode table>", "exec"), scope)
    return kernel(scope[name])


lane_value = _made("lane_value", lane_value_source())
shape = _made("shape", shape_source())


@kernel
def lanes(cpu, record, code, a, b, c, n):
    """64 bits of lanes of n bits."""
    result = at = 0
    while at < 64:  # a range with a step would divide
        value = lane_value(cpu, record, code, sem.wrap(mem.lshr(a, at), n), sem.wrap(mem.lshr(b, at), n), sem.wrap(mem.lshr(c, at), n), n)
        result |= value << at
        at += n
    return result


@kernel
def widen(cpu, record, code, a, b, n):
    """Lanes of n bits in 64 bits to lanes of 2 * n bits: (low, high half)."""
    low = high = at = 0
    while at < 32:
        low |= lane_value(cpu, record, code, sem.wrap(mem.lshr(a, at), n), sem.wrap(mem.lshr(b, at), n), 0, n) << (2 * at)
        high |= lane_value(cpu, record, code, sem.wrap(mem.lshr(a, at + 32), n), sem.wrap(mem.lshr(b, at + 32), n), 0, n) << (2 * at)
        at += n
    return low, high


@kernel
def narrow(cpu, record, code, a, n):
    """Lanes of 2 * n bits in 64 bits to lanes of n bits in 32 bits."""
    result = at = 0
    while at < 32:
        result |= lane_value(cpu, record, code, sem.wrap(mem.lshr(a, 2 * at), 2 * n), 0, 0, n) << at
        at += n
    return result


@kernel(inline=True)
def replace(word, at, value, n):
    """*word* with the n bits from bit *at* replaced."""
    hole = sem.mask(True, n) << at
    return (word & ~hole) | ((value << at) & hole)


@kernel
def permuted(cpu, record, a, b, size, first):
    """Eight bytes of vshuf, from byte *first* of the permutation on; the operands have *size* bytes."""
    result = 0
    for i in range(8):
        byte = mem.ld8(record, RECORD_BYTES + first + i)
        value = mem.ld8(cpu, a + byte) if byte < size else mem.ld8(cpu, b + byte - size)
        result |= value << (8 * i)
    return result


@kernel
def signs(word, n):
    """The top bits of the lanes of n bits in 64 bits."""
    result = i = 0
    at = n - 1
    while at < 64:
        result |= (mem.lshr(word, at) & 1) << i
        i += 1
        at += n
    return result


@kernel
def looked_up(cpu, indexes, table, more, default, count):
    """vtbl: *table* and *more* are the state offsets of 16 bytes each, *count* says how many eights of bytes there are."""
    result = 0
    for i in range(8):
        index = mem.lshr(indexes, 8 * i) & 0xFF
        if index < 16 and index < 8 * count:
            value = mem.ld8(cpu, table + index)
        elif index < 8 * count:
            value = mem.ld8(cpu, more + index - 16)
        else:
            value = mem.lshr(default, 8 * i) & 0xFF
        result |= value << (8 * i)
    return result


@kernel
def other(cpu, record, code, dst, a, b, c):
    """The rows that move lanes about: (low half, high half, bits) of the result. a, b, c are state offsets."""
    if code == _VSHUF:
        bits = mem.ld32(record, 12)
        low = permuted(cpu, record, a, b, bits >> 3, 0)
        return low, permuted(cpu, record, a, b, bits >> 3, 8) if bits == 128 else 0, bits
    bits = attribute(record, PAYLOAD_N)
    if code == _VTBL:
        default, count = 8 * attribute(record, PAYLOAD_D), attribute(record, 0)
        low = looked_up(cpu, mem.ld64(cpu, a), b, c, mem.ld64(cpu, default), count)
        return low, looked_up(cpu, mem.ld64(cpu, a + 8), b, c, mem.ld64(cpu, default + 8), count) if bits == 128 else 0, bits
    if code == _PCMPSTR:
        lengths = mem.ld64(cpu, c), mem.ld64(cpu, 8 * attribute(record, PAYLOAD_D))
        return text.compare(cpu, a, b, lengths[0], lengths[1], attribute(record, 0), attribute(record, 1)), 0, bits
    lane = attribute(record, 0)
    low = mem.ld64(cpu, a)
    if code == _VSIGNS:
        high = signs(mem.ld64(cpu, a + 8), lane) << (64 // lane) if attribute(record, PAYLOAD_S) == 128 else 0
        return signs(low, lane) | high, 0, bits
    if code == _VDUP:
        value = sem.wrap(low, lane)
        low = at = 0
        while at < 64:
            low |= value << at
            at += lane
        return low, low, bits
    at = lane * attribute(record, 1)
    if code == _VGET:
        return sem.wrap(mem.lshr(mem.ld64(cpu, a + (at >> 6 << 3)), at & 63), lane), 0, bits
    high = mem.ld64(cpu, a + 8) if bits == 128 else 0  # vset
    value = mem.ld64(cpu, b)
    if at < 64:
        low = replace(low, at, value, lane)
    else:
        high = replace(high, at - 64, value, lane)
    return low, high, bits


@kernel
def rare(cpu, record):
    """Run the rare record at *record*, whose payload follows it."""
    head = mem.ld32(record, 0)
    code = head & 0xFFFF
    dst = head >> 16 << 3
    a, b, c = mem.ld32(record, 4) << 3, mem.ld32(record, 8) << 3, mem.ld32(record, 12) << 3
    kind = shape(code)
    if kind == _X87:
        x87.run(cpu, record, code, dst, a, b)
        return
    if kind == _STRING:
        mem.st64(cpu, dst, strings.run(cpu, record, code, mem.ld64(cpu, a), mem.ld64(cpu, b), mem.ld64(cpu, c)))
        return
    if kind == _OTHER:
        low, high, bits = other(cpu, record, code, dst, a, b, c)
    elif kind == _SCALAR:
        bits = attribute(record, PAYLOAD_N)
        low, high = lane_value(cpu, record, code, mem.ld64(cpu, a), mem.ld64(cpu, b), mem.ld64(cpu, c), bits), 0
        bits = 64
    elif kind == _WIDEN:
        bits = 128
        low, high = widen(cpu, record, code, mem.ld64(cpu, a), mem.ld64(cpu, b), lane_bits(record, code))
    elif kind == _NARROW:
        bits = 64
        n = lane_bits(record, code)
        low = narrow(cpu, record, code, mem.ld64(cpu, a), n)
        low, high = low | narrow(cpu, record, code, mem.ld64(cpu, a + 8), n) << 32, 0
    else:
        bits = attribute(record, PAYLOAD_N)
        n = attribute(record, 0) if kind == _LANES else 64
        high = 0
        if bits == 128:  # before the low half of the result may overwrite an operand
            high = lanes(cpu, record, code, mem.ld64(cpu, a + 8), mem.ld64(cpu, b + 8), mem.ld64(cpu, c + 8), n)
        low = lanes(cpu, record, code, mem.ld64(cpu, a), mem.ld64(cpu, b), mem.ld64(cpu, c), n)
    mem.st64(cpu, dst, low)
    if bits == 128:
        mem.st64(cpu, dst + 8, high)


_CODE_H2F, _CODE_F2H = CODES["vfcvt_h2f"], CODES["vfcvt_f2h"]


@kernel(inline=True)
def lane_bits(record, code):
    """Bits of the narrower lane of a widening or narrowing row."""
    return _HALF_BITS if code in (_CODE_H2F, _CODE_F2H) else attribute(record, 0)


@helper("op")
def op(cpu, address):
    rare(cpu, mem.i2p(address))
