"""x87 data transfer, arithmetic, comparison, transcendental and constant instructions (SDM vol. 1, 5.2.1 to 5.2.5).

What happens to the registers, the status word and the stack is the business of the IR's x87 rows; here are the memory operands and EFLAGS.
"""

from __future__ import annotations

from dbt.frontend.x86 import flags
from dbt.frontend.x86.context import Context
from dbt.frontend.x86.operands import Memory, St
from dbt.ir.types import I1, I16, I64
from dbt.ir.unit import Inst

_WIDE = ("f80", "bcd", "to_f80", "to_bcd")  # operands of ten bytes
_EFLAGS_OF_CODES = (("cf", 8), ("pf", 10), ("zf", 14))  # C0, C2, C3: where LAHF has these


def _operand(c: Context, src: Memory) -> Inst:
    return c.extend(c.load(c.address(src), src.size), I64)


def load(c: Context, src: Memory, what: str) -> None:
    """FLD, FILD, FBLD."""
    b = c.b
    if what in _WIDE:
        address = c.address(src)
        low, high = b.ld(I64, address), b.zext(I64, b.ld(I16, b.add(address, 8)))
    else:
        low, high = _operand(c, src), b.const(I64, 0)
    b.x87_load(low, high, what=what)


def store(c: Context, dst: Memory, what: str, pops: int = 0) -> None:
    """FST, FSTP, FIST, FISTP, FISTTP, FBSTP: nothing of the state changes before the store is done."""
    b = c.b
    value = b.x87_store(what=what)
    address = c.address(dst)
    if what in _WIDE:
        b.st(b.add(address, 8), b.getreg("fout_high"))
        b.st(address, value)
    else:
        c.store(address, value, dst.size)
    b.x87_commit(pops=pops)


def memory(c: Context, src: Memory, what: str) -> None:
    c.b.x87_memory(_operand(c, src), what=what)


def stack(c: Context, register: St, what: str) -> None:
    c.b.x87_stack(what=what, i=register.n)


def stack_fixed(c: Context, what: str) -> None:
    """ST(0), with ST(1) if it takes two."""
    c.b.x87_stack(what=what, i=1)


def compare_to_eflags(c: Context, register: St, what: str) -> None:
    """FCOMI and its like: OF, SF and AF become 0."""
    b = c.b
    codes = b.x87_stack(what=what, i=register.n)
    word = b.trunc(c.word, codes) if c.word is not I64 else codes
    bits = {name: b.and_(b.shr(word, at), 1) for name, at in _EFLAGS_OF_CODES}
    odd = b.xor(bits["pf"], 1)
    flags.put(c, "cf", b.trunc(I1, bits["cf"]))
    flags.put(c, "zf", b.xor(bits["zf"], 1))
    flags.put(c, "pf", odd)
    flags.put(c, "af", odd)
    flags.put(c, "sf", b.const(I1, 0))
    flags.put(c, "of", b.const(I1, 0))


def fcmov(c: Context, register: St, cc: int) -> None:
    c.b.x87_move_if(flags.condition(c, cc), i=register.n)
