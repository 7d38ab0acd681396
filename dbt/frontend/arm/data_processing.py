"""Data-processing instructions (ARM ARM A8.8): every operation with an immediate, a register and a register-shifted register operand."""

from __future__ import annotations

from collections.abc import Callable

from dbt.frontend.arm.context import LR, PC, Context
from dbt.frontend.arm.operands import expand_imm, setflags, shift_imm, shift_reg
from dbt.ir.types import I1, I32
from dbt.ir.unit import Inst

Operation = Callable[[Context, Inst, Inst, bool], Inst]
Semantics = Callable[..., None]


# Operations: first operand, second operand, whether to set the flags. The logical ones leave the flags to ``_finish``. -----------------
def _and(c: Context, x: Inst, y: Inst, flags: bool) -> Inst:
    return c.b.and_(x, y)


def _eor(c: Context, x: Inst, y: Inst, flags: bool) -> Inst:
    return c.b.xor(x, y)


def _orr(c: Context, x: Inst, y: Inst, flags: bool) -> Inst:
    return c.b.or_(x, y)


def _bic(c: Context, x: Inst, y: Inst, flags: bool) -> Inst:
    return c.b.and_(x, c.b.not_(y))


def _orn(c: Context, x: Inst, y: Inst, flags: bool) -> Inst:
    return c.b.or_(x, c.b.not_(y))


def _mov(c: Context, x: Inst, y: Inst, flags: bool) -> Inst:
    return y


def _mvn(c: Context, x: Inst, y: Inst, flags: bool) -> Inst:
    return c.b.not_(y)


def add(c: Context, x: Inst, y: Inst, flags: bool) -> Inst:
    """x + y; sets NZCV if *flags*."""
    b = c.b
    result = b.add(x, y)
    if flags:
        c.set_nz(result)
        c.set_cv(b.ult(result, x), b.addo(x, y))
    return result


def sub(c: Context, x: Inst, y: Inst, flags: bool) -> Inst:
    """x - y; sets NZCV if *flags* (C is "no borrow")."""
    b = c.b
    result = b.sub(x, y)
    if flags:
        c.set_nz(result)
        c.set_cv(b.ule(y, x), b.subo(x, y))
    return result


def _rsb(c: Context, x: Inst, y: Inst, flags: bool) -> Inst:
    return sub(c, y, x, flags)


def _adc(c: Context, x: Inst, y: Inst, flags: bool) -> Inst:
    b = c.b
    carry = b.getreg("cf")
    result = b.add(b.add(x, y), b.zext(I32, carry))
    if flags:
        c.set_nz(result)
        c.set_cv(b.carry(x, y, carry), b.adco(x, y, carry))
    return result


def _sbc(c: Context, x: Inst, y: Inst, flags: bool) -> Inst:
    return _adc(c, x, c.b.not_(y), flags)


def _rsc(c: Context, x: Inst, y: Inst, flags: bool) -> Inst:
    return _sbc(c, y, x, flags)


def _put(c: Context, Rd: int, result: Inst, hint: str = "jump") -> None:
    if Rd == PC:
        c.alu_write_pc(result, hint)
    else:
        c.put_reg(Rd, result)


# Forms ----------------------------------------------------------------------------------------------------------------
def _forms(operation: Operation, logical: bool) -> tuple[Semantics, Semantics, Semantics]:
    """The immediate, register and register-shifted-register forms of *operation*. A row without Rn has no first operand, one without Rd
    writes no register, one without S sets the flags."""

    def finish(c: Context, S: bool, Rd: int | None, x: Inst, y: Inst, carry: Inst | None, hint: str = "jump") -> None:
        if S and Rd == PC:
            c.unpredictable()  # exception return
        result = operation(c, x, y, S)
        if logical and S:
            c.set_nz(result)
            if carry is not None:
                c.b.put(carry, slot="cf")
        if Rd is not None:
            _put(c, Rd, result, hint)

    def imm(c: Context, imm12: int, Rn: int | None = None, Rd: int | None = None, S: int = 1) -> None:
        value, out = expand_imm(c, imm12)
        y = c.b.i32(value)
        carry = None if out is None or not logical else c.b.const(I1, out)
        finish(c, setflags(c, S), Rd, y if Rn is None else c.get_reg(Rn), y, carry)

    def reg(c: Context, Rm: int, type: int = 0, imm5: int = 0, Rn: int | None = None, Rd: int | None = None, S: int = 1) -> None:
        flags = setflags(c, S)
        y, carry = shift_imm(c, c.get_reg(Rm), type, imm5, carry=logical and flags)
        plain_lr = operation is _mov and Rm == LR and type == 0 and imm5 == 0
        finish(c, flags, Rd, y if Rn is None else c.get_reg(Rn), y, carry, "ret" if plain_lr else "jump")

    def rsr(c: Context, Rm: int, type: int, Rs: int, Rn: int | None = None, Rd: int | None = None, S: int = 1) -> None:
        flags = setflags(c, S)
        y, carry = shift_reg(c, c.get_reg(Rm), type, c.get_reg(Rs), carry=logical and flags)
        finish(c, flags, Rd, y if Rn is None else c.get_reg(Rn), y, carry)

    return imm, reg, rsr


and_imm, and_reg, and_rsr = _forms(_and, logical=True)
eor_imm, eor_reg, eor_rsr = _forms(_eor, logical=True)
sub_imm, sub_reg, sub_rsr = _forms(sub, logical=False)
rsb_imm, rsb_reg, rsb_rsr = _forms(_rsb, logical=False)
add_imm, add_reg, add_rsr = _forms(add, logical=False)
adc_imm, adc_reg, adc_rsr = _forms(_adc, logical=False)
sbc_imm, sbc_reg, sbc_rsr = _forms(_sbc, logical=False)
rsc_imm, rsc_reg, rsc_rsr = _forms(_rsc, logical=False)
tst_imm, tst_reg, tst_rsr = and_imm, and_reg, and_rsr
teq_imm, teq_reg, teq_rsr = eor_imm, eor_reg, eor_rsr
cmp_imm, cmp_reg, cmp_rsr = sub_imm, sub_reg, sub_rsr
cmn_imm, cmn_reg, cmn_rsr = add_imm, add_reg, add_rsr
orr_imm, orr_reg, orr_rsr = _forms(_orr, logical=True)
mov_imm, mov_reg, mov_rsr = _forms(_mov, logical=True)
bic_imm, bic_reg, bic_rsr = _forms(_bic, logical=True)
mvn_imm, mvn_reg, mvn_rsr = _forms(_mvn, logical=True)
orn_imm, orn_reg, _ = _forms(_orn, logical=True)


# Plain immediates -----------------------------------------------------------------------------------------------------
def movw(c: Context, Rd: int, imm16: int) -> None:
    """MOV (immediate) with a 16-bit number."""
    c.put_reg(Rd, c.b.i32(imm16))


def movt(c: Context, Rd: int, imm16: int) -> None:
    b = c.b
    c.put_reg(Rd, b.or_(b.and_(c.get_reg(Rd), 0xFFFF), imm16 << 16))


def addw(c: Context, Rd: int, Rn: int, imm12: int) -> None:
    c.put_reg(Rd, c.b.add(c.get_reg(Rn), imm12))


def subw(c: Context, Rd: int, Rn: int, imm12: int) -> None:
    c.put_reg(Rd, c.b.sub(c.get_reg(Rn), imm12))


def add_sp_words(c: Context, Rd: int, Rn: int, words: int) -> None:
    """The 16-bit ADD (SP plus immediate) and ADR: an offset in words."""
    c.put_reg(Rd, c.b.add(c.base(Rn), 4 * words))


def sub_sp_words(c: Context, Rd: int, Rn: int, words: int) -> None:
    c.put_reg(Rd, c.b.sub(c.get_reg(Rn), 4 * words))


def adr_add(c: Context, Rd: int, imm12: int) -> None:
    """ADR, label after the instruction: A32 has a modified immediate and may write the PC, T32 a plain one."""
    if c.thumb:
        c.put_reg(Rd, c.pc_relative(imm12))
    else:
        _put(c, Rd, c.pc_relative(expand_imm(c, imm12)[0]))


def adr_sub(c: Context, Rd: int, imm12: int) -> None:
    if c.thumb:
        c.put_reg(Rd, c.pc_relative(-imm12))
    else:
        _put(c, Rd, c.pc_relative(-expand_imm(c, imm12)[0]))
