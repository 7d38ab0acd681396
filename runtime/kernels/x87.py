"""The x87 rows of the opcode table, on the state of ``dbt.abi.x86``.

The common case is *quick*: all registers that the instruction reads hold something, what it pushes goes to an empty one, and no unmasked exception comes up.
The host then computes the result to a scratch area, from where it is written. The host's exception flags are sticky: as long as they are a subset of the
guest's, the instruction raised nothing new. Else it is done again with the flags cleared. Every other case is run by ``whole``, on the guest's
registers as FRSTOR takes them.
"""

from __future__ import annotations

from dbt.abi.exits import EXCEPTIONS, Exit
from dbt.abi.records import CODES
from dbt.abi.x86 import (
    FCW_MASKS,
    FCW_PRECISION,
    FCW_ROUNDING,
    FSW_FLAGS,
    FSW_SUMMARY,
    FSW_TOP_SHIFT,
    i386,
)
from dbt.ir.x87 import C1, NUMBERS, Shape
from runtime.kernels import mem, x87_host
from runtime.kernels.build import kernel
from runtime.kernels.mem import addp, ld16, ld64, st16, st64
from runtime.kernels.offsets import CPU_EXIT_ARG, CPU_EXIT_DETAIL, CPU_EXIT_REASON
from runtime.kernels.payload import attribute

_CONTROL, _STATUS, _TOP, _TAGS, _NEXT, _HOST_CONTROL, _OUT, _REGISTERS, _IMAGE = (
    i386.layout.offset(name) for name in ("fcw", "fsw", "ftop", "ftw", "fsw_next", "fcw_host", "fout", "fpr", "fsave"))
_TOP_BITS = 7 << FSW_TOP_SHIFT
_HOW = FCW_PRECISION | FCW_ROUNDING
_PLAIN = x87_host.CONTROL & _HOW
_INEXACT = 1 << 5
_PRESENT = x87_host.PRESENT
_EXCEPTION, _FP, _UNDEFINED = int(Exit.EXCEPTION), EXCEPTIONS["fp"][0], EXCEPTIONS["undefined"][0]
_IMAGE_STATUS, _IMAGE_TAGS, _IMAGE_REGISTERS, _IMAGE_REGISTER_BYTES = _IMAGE + 4, _IMAGE + 8, _IMAGE + 28, 10
_EMPTY = 3  # in the tag word of FSAVE
_FXCH, _FLD, _FSTP, _FADD, _FPREM, _FPREM1 = (NUMBERS[name] for name in ("fxch", "fld", "fstp", "fadd", "fprem", "fprem1"))
_EXPONENT = 0x7FFF  # of a number; all ones for infinities and NaNs
_COMPARE_MEMORY, _UNARY, _TO_ST0, _TO_STI, _COMPARE, _MOVE, _CONSTANT, _TWO = (
    int(shape)
    for shape in (Shape.COMPARE_MEMORY, Shape.UNARY, Shape.TO_ST0, Shape.TO_STI, Shape.COMPARE, Shape.MOVE, Shape.CONSTANT, Shape.TWO)
)
_CODES_OF_ROWS = {row: CODES[row] for row in ("x87_load", "x87_memory", "x87_stack", "x87_move_if", "x87_store", "x87_commit")}


@kernel(inline=True)
def register(top, i):
    """Offset of ST(i)."""
    return _REGISTERS + (((top + i) & 7) << 4)


@kernel
def stop(cpu, exception):
    """Raise guest exception number *exception* at this instruction."""
    st64(cpu, CPU_EXIT_ARG, exception)
    st64(cpu, CPU_EXIT_DETAIL, 0)
    st64(cpu, CPU_EXIT_REASON, _EXCEPTION)


@kernel(inline=True)
def may_not(cpu, status):
    """True, with the exit made, if a pending exception (or the host) keeps x87 instructions from executing."""
    if mem.unlikely(status & FSW_SUMMARY != 0):
        stop(cpu, _FP)
        return True
    if not _PRESENT:
        stop(cpu, _UNDEFINED)
        return True
    return False


# On the host ------------------------------------------------------------------------------------------------------------
@kernel
def rounded(cpu, what, control, out, a, b):
    """``x87_host.quick`` with the guest's precision and rounding."""
    st64(cpu, _HOST_CONTROL, control | FCW_MASKS)
    x87_host.set_control(addp(cpu, _HOST_CONTROL))
    status = x87_host.quick(what, addp(cpu, out), addp(cpu, a), addp(cpu, b))
    st64(cpu, _HOST_CONTROL, x87_host.CONTROL)
    x87_host.set_control(addp(cpu, _HOST_CONTROL))
    return status


@kernel
def again(cpu, what, control, out, a, b):
    """The status word that the operation alone gives; -1 if it holds an unmasked exception."""
    x87_host.clear(cpu)
    status = rounded(cpu, what, control, out, a, b)
    return -1 if status & ~control & FSW_FLAGS else status


@kernel(inline=True)
def quick(cpu, what, status, control, out, a, b):
    """The status word after the operation, whose flags are at most the guest's *status* and its own; -1 if it raises an unmasked exception. *out*, *a* and *b*
    are offsets in the state."""
    if mem.likely(control & _HOW == _PLAIN):
        now = x87_host.quick(what, addp(cpu, out), addp(cpu, a), addp(cpu, b))
    else:
        now = rounded(cpu, what, control, out, a, b)
    if mem.unlikely(now & ~status & FSW_FLAGS != 0):
        now = again(cpu, what, control, out, a, b)
    return now


@kernel(inline=True)
def copy(cpu, to, source):
    """Copy ten bytes."""
    low, high = ld64(cpu, source), ld16(cpu, source + 8)
    st64(cpu, to, low)
    st16(cpu, to + 8, high)


@kernel(inline=True)
def differs(cpu, a, b):
    """True if ten bytes differ."""
    return (ld64(cpu, a) ^ ld64(cpu, b)) | (ld16(cpu, a + 8) ^ ld16(cpu, b + 8)) != 0


@kernel
def image_register(cpu, physical, at, present):
    """Put a register into the image, whose TOP is 0."""
    copy(cpu, _IMAGE_REGISTERS + physical * _IMAGE_REGISTER_BYTES, at)
    if present:
        st16(cpu, _IMAGE_TAGS, ld16(cpu, _IMAGE_TAGS) & ~(_EMPTY << (2 * physical)))


@kernel
def take_back(cpu, physical, top, at, number, before):
    """After the operation: register *physical* of the image goes back to register *number* at offset *at* if the operation wrote it. *before* is the
    image's tag word as it was, *top* its TOP now."""
    now = _IMAGE_REGISTERS + ((physical - top) & 7) * _IMAGE_REGISTER_BYTES
    tag, old = (ld16(cpu, _IMAGE_TAGS) >> (2 * physical)) & 3, (before >> (2 * physical)) & 3
    tags = ld64(cpu, _TAGS)
    if tag == _EMPTY:
        if old != _EMPTY:
            st64(cpu, _TAGS, tags & ~(1 << number))
        return
    if old == _EMPTY:
        st64(cpu, _TAGS, tags | 1 << number)
    if differs(cpu, now, at):
        copy(cpu, at, now)


@kernel
def whole(cpu, what, i, b, commits):
    """Run the operation on ST(0), ST(i) and the register before ST(0) as the host's whole x87 state. Gives EFLAGS in bits 8 to 15. Without *commits* the
    guest's state stays, and only the status is left for x87_commit."""
    top, tags = ld64(cpu, _TOP), ld64(cpu, _TAGS)
    number, new = (top + i) & 7, (top - 1) & 7
    first, other, pushed = register(top, 0), register(top, i), register(top, 7)
    st64(cpu, _IMAGE, ld64(cpu, _CONTROL) | ld64(cpu, _STATUS) << 32)
    st64(cpu, _IMAGE_TAGS, 0xFFFF)
    st64(cpu, _IMAGE_TAGS + 8, 0)
    for physical in range(8):
        image_register(cpu, physical, first, 0)
    image_register(cpu, 0, first, tags >> top & 1)
    image_register(cpu, 7, pushed, tags >> new & 1)
    image_register(cpu, 1, other, tags >> number & 1)
    before = ld16(cpu, _IMAGE_TAGS)
    flags = x87_host.whole(what, addp(cpu, _OUT), addp(cpu, _IMAGE), addp(cpu, b))
    status = ld16(cpu, _IMAGE_STATUS)
    st64(cpu, _NEXT, status & ~_TOP_BITS)
    if commits:
        top_now = (status >> FSW_TOP_SHIFT) & 7
        st64(cpu, _STATUS, status & ~_TOP_BITS)
        take_back(cpu, 7, top_now, pushed, new, before)
        # ST(i) may be ST(0) itself: what was not written is skipped, so either order gives the right value.
        take_back(cpu, 1, top_now, other, number, before)
        take_back(cpu, 0, top_now, first, top, before)
        if i == 0 and top_now == 1:  # written and popped at once
            st64(cpu, _TAGS, ld64(cpu, _TAGS) & ~(1 << top))
        st64(cpu, _TOP, (top + top_now) & 7)
    return flags


# The rows ---------------------------------------------------------------------------------------------------------------
@kernel(inline=True)
def set_codes(cpu, before, now, codes):
    """The status word: condition codes *codes* are those of *now*, flags accumulate."""
    st64(cpu, _STATUS, (before & ~codes) | (now & (codes | FSW_FLAGS)))


@kernel
def push(cpu, what, status, b):
    """Push what the operation makes of the operand at offset *b*."""
    top = (ld64(cpu, _TOP) - 1) & 7
    tags = ld64(cpu, _TAGS)
    if tags >> top & 1 == 0:
        now = quick(cpu, what, status, ld64(cpu, _CONTROL), register(top, 0), b, b)
        if mem.likely(now >= 0):
            st64(cpu, _TAGS, tags | 1 << top)
            st64(cpu, _TOP, top)
            set_codes(cpu, status, now, C1)
            return
    whole(cpu, what, 0, b, 1)


@kernel
def load(cpu, record, a, b):
    status = ld64(cpu, _STATUS)
    if may_not(cpu, status):
        return
    low, high = ld64(cpu, a), ld64(cpu, b)
    st64(cpu, _OUT, low)
    st64(cpu, _OUT + 8, high)
    push(cpu, attribute(record, 0), status, _OUT)


@kernel(inline=True)
def pop(cpu, top, tags, count):
    if count:
        tags &= ~(1 << top)
        top = (top + 1) & 7
        if count == 2:
            tags &= ~(1 << top)
            top = (top + 1) & 7
        st64(cpu, _TAGS, tags)
        st64(cpu, _TOP, top)


@kernel
def memory(cpu, record, a):
    status = ld64(cpu, _STATUS)
    if may_not(cpu, status):
        return
    what, shape, pops, codes = attribute(record, 0), attribute(record, 2), attribute(record, 3), attribute(record, 4)
    top, tags = ld64(cpu, _TOP), ld64(cpu, _TAGS)
    if tags >> top & 1:
        first = register(top, 0)
        now = quick(cpu, what, status, ld64(cpu, _CONTROL), _OUT, first, a)
        if mem.likely(now >= 0):
            set_codes(cpu, status, now, codes)
            if shape == _COMPARE_MEMORY:
                pop(cpu, top, tags, pops)
            else:
                copy(cpu, first, _OUT)
            return
    whole(cpu, what, 0, a, 1)


@kernel(inline=True)
def move(cpu, what, status, top, tags, i):
    """FXCH, FLD, FST and FSTP of registers, none of whose sources is empty: True if done."""
    first, other = register(top, 0), register(top, i)
    if what == _FXCH:
        copy(cpu, _OUT, first)
        copy(cpu, first, other)
        copy(cpu, other, _OUT)
    elif what == _FLD:
        new = (top - 1) & 7
        if tags >> new & 1:
            return False
        copy(cpu, register(new, 0), other)
        st64(cpu, _TAGS, tags | 1 << new)
        st64(cpu, _TOP, new)
    else:
        copy(cpu, other, first)
        tags |= 1 << ((top + i) & 7)
        st64(cpu, _TAGS, tags)
        pop(cpu, top, tags, what == _FSTP)
    st64(cpu, _STATUS, status & ~C1)
    return True


@kernel(inline=True)
def out_is_nan(cpu):
    """True if the result is a NaN: then FPREM leaves C0 and C3, so that it needs the guest's whole status."""
    return ld64(cpu, _OUT + 8) & _EXPONENT == _EXPONENT and ld64(cpu, _OUT) << 1 != 0


@kernel
def stack(cpu, record):
    """Gives C0, C2 and C3 where they were written, at their places in the status word."""
    status = ld64(cpu, _STATUS)
    if may_not(cpu, status):
        return 0
    what, i, shape, pops, codes = attribute(record, 0), attribute(record, 1), attribute(record, 2), attribute(record, 3), attribute(record, 4)
    if shape == _CONSTANT:
        push(cpu, what, status, _OUT)
        return 0
    top, tags = ld64(cpu, _TOP), ld64(cpu, _TAGS)
    number = (top + i) & 7
    sources = 1 << top
    if shape in (_TO_ST0, _TO_STI, _COMPARE):
        sources |= 1 << number
    elif shape == _MOVE:
        sources = 1 << number if what == _FLD else sources | (1 << number if what == _FXCH else 0)
    if mem.likely(tags & sources == sources) and shape != _TWO:
        if shape == _MOVE:
            if move(cpu, what, status, top, tags, i):
                return 0
        else:
            first, other = register(top, 0), register(top, i)
            now = quick(cpu, what, status, ld64(cpu, _CONTROL), _OUT, first, other)
            if mem.likely(now >= 0 and not (what in (_FPREM, _FPREM1) and out_is_nan(cpu))):
                set_codes(cpu, status, now, codes)
                if shape in (_UNARY, _TO_ST0):
                    copy(cpu, first, _OUT)
                elif shape == _TO_STI:
                    copy(cpu, other, _OUT)
                pop(cpu, top, tags, pops)
                return now
    return whole(cpu, what, i, _OUT, 1)


@kernel
def move_if(cpu, record, condition):
    """FCMOVcc. An empty register is an underflow whatever the condition, with the response of an FADD to ST(0)."""
    status = ld64(cpu, _STATUS)
    if may_not(cpu, status):
        return
    i = attribute(record, 0)
    top, tags = ld64(cpu, _TOP), ld64(cpu, _TAGS)
    sources = 1 << top | 1 << ((top + i) & 7)
    if mem.likely(tags & sources == sources):
        if condition:
            copy(cpu, register(top, 0), register(top, i))
        return
    whole(cpu, _FADD, i, _OUT, 1)


@kernel
def store(cpu, record):
    status = ld64(cpu, _STATUS)
    if may_not(cpu, status):
        return 0
    what = attribute(record, 0)
    top = ld64(cpu, _TOP)
    if ld64(cpu, _TAGS) >> top & 1:
        now = quick(cpu, what, status, ld64(cpu, _CONTROL), _OUT, register(top, 0), _OUT)
        if mem.likely(now >= 0):
            st64(cpu, _NEXT, (status & ~C1) | (now & (C1 | FSW_FLAGS)))
            return ld64(cpu, _OUT)
    whole(cpu, what, 0, _OUT, 0)
    after = ld64(cpu, _NEXT)
    if after & FSW_SUMMARY != 0 and after & ~ld64(cpu, _CONTROL) & FSW_FLAGS != _INEXACT:
        st64(cpu, _STATUS, after)
        stop(cpu, _FP)
    return ld64(cpu, _OUT)


@kernel
def commit(cpu, record):
    st64(cpu, _STATUS, ld64(cpu, _NEXT))
    pop(cpu, ld64(cpu, _TOP), ld64(cpu, _TAGS), attribute(record, 0))


_LOAD, _MEMORY, _STACK, _MOVE_IF, _STORE, _COMMIT = _CODES_OF_ROWS.values()


@kernel
def run(cpu, record, code, dst, a, b):
    """Run an x87 record; *dst*, *a* and *b* are the offsets of its cells."""
    if code == _LOAD:
        load(cpu, record, a, b)
    elif code == _MEMORY:
        memory(cpu, record, a)
    elif code == _STACK:
        value = stack(cpu, record)
        st64(cpu, dst, value)
    elif code == _STORE:
        value = store(cpu, record)
        st64(cpu, dst, value)
    elif code == _COMMIT:
        commit(cpu, record)
    else:
        move_if(cpu, record, ld64(cpu, a))
