"""x87 control instructions (SDM vol. 1, 5.2.6), on the slots of the state. The pointers to the last instruction and operand are 0, as is its opcode."""

from __future__ import annotations

from dbt.abi.x86 import FCW_ALL, FCW_FIXED, FCW_INITIAL, FCW_MASKS, FSW_BUSY, FSW_FLAGS, FSW_STACK, FSW_SUMMARY, FSW_TOP_SHIFT
from dbt.frontend.x86.context import Context
from dbt.frontend.x86.fxsave import chosen
from dbt.frontend.x86.operands import Memory, Operand, St
from dbt.ir.types import I16, I32, I64
from dbt.ir.unit import Inst
from dbt.ir.x87 import C1

_EMPTY, _SPECIAL, _ZERO = 3, 2, 1  # of a register's two bits in the tag word
_EXPONENT = 0x7FFF
_RESERVED = 0xFFFF0000  # what the upper halves of the 32-bit format hold
_REGISTER_BYTES = 10
# Fields of the environment: their number in it (of 2 or 4 bytes by operand size).
_CONTROL, _STATUS, _TAGS, _FIRST_POINTER, _FIELDS = 0, 1, 2, 3, 7


def _summarized(c: Context, status: Inst, control: Inst) -> Inst:
    """The status word with ES and B as its flags and the masks of *control* want them."""
    b = c.b
    pending = b.and_(b.and_(status, b.not_(control)), FSW_FLAGS)
    rest = b.and_(status, ~(FSW_SUMMARY | FSW_BUSY))
    return b.select(b.ne(pending, 0), b.or_(rest, FSW_SUMMARY | FSW_BUSY), rest)


def _set_control(c: Context, value: Inst) -> Inst:
    b = c.b
    control = b.or_(b.and_(value, FCW_ALL), FCW_FIXED)
    b.put(control, slot="fcw")
    return control


def status_word(c: Context) -> Inst:
    """The status word with TOP in it."""
    b = c.b
    return b.or_(b.getreg("fsw"), b.shl(b.getreg("ftop"), FSW_TOP_SHIFT))


def fwait(c: Context) -> None:
    c.wait()


def fnop(c: Context) -> None:
    c.wait()


def turn(c: Context, by: int) -> None:
    """FINCSTP, FDECSTP."""
    b = c.b
    c.wait()
    b.put(b.and_(b.add(b.getreg("ftop"), by & 7), 7), slot="ftop")
    b.put(b.and_(b.getreg("fsw"), ~C1), slot="fsw")


def ffree(c: Context, register: St, pops: int = 0) -> None:
    """FFREE, and FFREEP, which also pops."""
    b = c.b
    c.wait()
    top = b.getreg("ftop")
    freed = b.shl(b.i32(1), b.and_(b.add(top, register.n), 7))
    if pops:
        freed = b.or_(freed, b.shl(b.i32(1), top))
        b.put(b.and_(b.add(top, 1), 7), slot="ftop")
        b.put(b.and_(b.getreg("fsw"), ~C1 & 0xFFFF), slot="fsw")
    b.put(b.and_(b.getreg("ftw"), b.not_(freed)), slot="ftw")


def fldcw(c: Context, src: Memory) -> None:
    b = c.b
    c.wait()
    control = _set_control(c, c.read(src))
    b.put(_summarized(c, b.getreg("fsw"), control), slot="fsw")


def fnstcw(c: Context, dst: Memory) -> None:
    c.write(dst, c.b.getreg("fcw"))


def fnstsw(c: Context, dst: Operand) -> None:
    c.write(dst, status_word(c))


def fnclex(c: Context) -> None:
    b = c.b
    b.put(b.and_(b.getreg("fsw"), ~(FSW_FLAGS | FSW_STACK | FSW_SUMMARY | FSW_BUSY)), slot="fsw")


def fninit(c: Context) -> None:
    b = c.b
    b.put(FCW_INITIAL, slot="fcw")
    for slot in ("fsw", "ftop", "ftw"):
        b.put(0, slot=slot)


# The environment and the whole state ------------------------------------------------------------------------------------
def _tag_word(c: Context) -> Inst:
    """Two bits a register: valid, zero, special, empty."""
    b = c.b
    present = b.getreg("ftw")
    word = b.i32(0)
    for i in range(8):
        significand, exponent = b.getreg(f"fpr{i}m"), b.and_(b.zext(I32, b.getreg(f"fpr{i}e")), _EXPONENT)
        normal = b.and_(b.trunc(I32, b.shr(significand, 63)), b.zext(I32, b.ne(exponent, _EXPONENT)))
        zero = b.and_(b.eq(exponent, 0), b.eq(significand, 0))
        tag = b.select(zero, b.i32(_ZERO), b.select(b.ne(b.and_(normal, b.zext(I32, b.ne(exponent, 0))), 0), b.i32(0), b.i32(_SPECIAL)))
        tag = b.select(c.bit(present, i), tag, b.i32(_EMPTY))
        word = b.or_(word, b.shl(tag, 2 * i))
    return word


def _abridged(c: Context, tags: Inst) -> Inst:
    """The tag word as FXSAVE has it."""
    b = c.b
    word = b.i32(0)
    for i in range(8):
        present = b.ne(b.and_(tags, _EMPTY << 2 * i), _EMPTY << 2 * i)
        word = b.or_(word, b.shl(b.zext(I32, present), i))
    return word


def _field(c: Context) -> int:
    """Bits of a field of the environment."""
    return 16 if c.size == 16 else 32


def _put_environment(c: Context, at: Inst) -> None:
    b, bits = c.b, _field(c)
    words = (b.getreg("fcw"), status_word(c), _tag_word(c))
    for number in range(_FIELDS):
        value = words[number] if number < _FIRST_POINTER else b.i32(0)
        if bits == 32 and (number < _FIRST_POINTER or number == _FIELDS - 1):
            value = b.or_(value, _RESERVED)
        c.store(b.add(at, number * bits // 8), value, bits)


def _get_environment(c: Context, at: Inst) -> tuple[Inst, Inst, Inst]:
    """Control, status and tag words."""
    bits = _field(c)
    control, status, tags = (c.load(c.b.add(at, number * bits // 8), 16) for number in (_CONTROL, _STATUS, _TAGS))
    return control, status, tags


def _set_environment(c: Context, words: tuple[Inst, Inst, Inst]) -> Inst:
    """Gives TOP."""
    b = c.b
    control, status, tags = words
    control = _set_control(c, control)
    top = b.and_(b.shr(status, FSW_TOP_SHIFT), 7)
    b.put(_summarized(c, b.and_(status, ~(7 << FSW_TOP_SHIFT)), control), slot="fsw")
    b.put(top, slot="ftop")
    b.put(_abridged(c, tags), slot="ftw")
    return top


def fnstenv(c: Context, dst: Memory) -> None:
    """Masks all exceptions afterwards."""
    b = c.b
    _put_environment(c, c.address(dst))
    control = b.or_(b.getreg("fcw"), FCW_MASKS)
    b.put(control, slot="fcw")
    b.put(_summarized(c, b.getreg("fsw"), control), slot="fsw")


def fldenv(c: Context, src: Memory) -> None:
    c.wait()
    _set_environment(c, _get_environment(c, c.address(src)))


def fnsave(c: Context, dst: Memory) -> None:
    """Initializes the x87 afterwards."""
    b = c.b
    at = c.address(dst)
    _put_environment(c, at)
    first = _FIELDS * _field(c) // 8
    top = b.getreg("ftop")
    significands = [b.getreg(f"fpr{i}m") for i in range(8)]
    exponents = [b.zext(I32, b.getreg(f"fpr{i}e")) for i in range(8)]
    for i in range(8):
        number = b.and_(b.add(top, i), 7)
        c.store(b.add(at, first + _REGISTER_BYTES * i), chosen(c, number, significands), 64)
        c.store(b.add(at, first + _REGISTER_BYTES * i + 8), chosen(c, number, exponents), 16)
    fninit(c)


def frstor(c: Context, src: Memory) -> None:
    """Everything is read before anything is written."""
    b = c.b
    c.wait()
    at = c.address(src)
    words = _get_environment(c, at)
    first = _FIELDS * _field(c) // 8
    significands = [b.ld(I64, b.add(at, first + _REGISTER_BYTES * i)) for i in range(8)]
    exponents = [c.load(b.add(at, first + _REGISTER_BYTES * i + 8), 16) for i in range(8)]
    top = _set_environment(c, words)
    for k in range(8):
        number = b.and_(b.sub(b.i32(k), top), 7)
        b.put(chosen(c, number, significands), slot=f"fpr{k}m")
        b.put(b.trunc(I16, chosen(c, number, exponents)), slot=f"fpr{k}e")
