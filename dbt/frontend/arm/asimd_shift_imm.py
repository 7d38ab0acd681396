"""Advanced SIMD, two registers and a shift amount (ARM ARM A7.4.4).

L:imm6 holds lane width and amount in one number: its highest set bit tells the lane, the rest is a left amount, or the lane width
minus a right amount. The field ``size`` of the decode rows is imm6<5:3>:L, ``imm3`` is imm6<2:0>.
"""

from __future__ import annotations

from collections.abc import Callable

from dbt.frontend.arm.context import Context
from dbt.frontend.arm.simd import FLOAT_LANE, Operands, double, extend, vector_slot, vector_type
from dbt.ir.builder import Builder
from dbt.ir.types import Type
from dbt.ir.unit import Inst

_ALL_LANES = (8, 16, 32, 64)


class ShiftOperands(Operands):
    """Operands with the shift amount ``by`` in bits."""

    __slots__ = ("by",)

    def __init__(self, b: Builder, slot: str, type: Type, lane: int, u: int, m: Inst, by: int) -> None:
        super().__init__(b, slot, type, lane, u, m)
        self.by = by


_Result = Callable[[Builder, ShiftOperands], Inst]


def _form(right: bool, lanes: tuple[int, ...] = _ALL_LANES, d_quad: int | None = None, m_quad: int | None = None) -> Callable[[_Result], Callable[..., None]]:
    """Semantics of ``Vd = f(Vm, amount)``; *d_quad* and *m_quad* fix a register's length, which is otherwise Q's."""

    def decorate(result: _Result) -> Callable[..., None]:
        def lift(c: Context, size: int, imm3: int, D: int, Vd: int, M: int, Vm: int, Q: int = 0, U: int = 0) -> None:
            imm = (size & 1) << 6 | size >> 1 << 3 | imm3
            lane = 1 << imm.bit_length() - 1
            if lane not in lanes:
                c.undefined()
            by = 2 * lane - imm if right else imm - lane
            to_quad = Q if d_quad is None else d_quad
            d = vector_slot(c, double(D, Vd), to_quad)
            m = vector_slot(c, double(M, Vm), Q if m_quad is None else m_quad)
            b = c.b
            v = ShiftOperands(b, d, vector_type(to_quad), lane, U, b.getreg(m), by)
            v.put(result(b, v))

        lift.__doc__ = result.__doc__
        return lift

    return decorate


_shift_right = _form(right=True)
_shift_left = _form(right=False)
_shift_narrow = _form(right=True, lanes=(8, 16, 32), d_quad=0, m_quad=1)
_shift_long = _form(right=False, lanes=(8, 16, 32), d_quad=1, m_quad=0)
_fixed_point = _form(right=True, lanes=(FLOAT_LANE,))


def _shr(b: Builder, v: ShiftOperands, lane: int) -> Inst:
    return (b.vshr if v.U else b.vsar)(v.m, lane=lane, imm=v.by)


def _rshr(b: Builder, v: ShiftOperands, lane: int) -> Inst:
    return (b.vrshr if v.U else b.vrsar)(v.m, lane=lane, imm=v.by)


@_shift_right
def vshr(b: Builder, v: ShiftOperands) -> Inst:
    return _shr(b, v, v.lane)


@_shift_right
def vsra(b: Builder, v: ShiftOperands) -> Inst:
    return b.vadd(v.d, _shr(b, v, v.lane), lane=v.lane)


@_shift_right
def vrshr(b: Builder, v: ShiftOperands) -> Inst:
    return _rshr(b, v, v.lane)


@_shift_right
def vrsra(b: Builder, v: ShiftOperands) -> Inst:
    return b.vadd(v.d, _rshr(b, v, v.lane), lane=v.lane)


@_shift_right
def vsri(b: Builder, v: ShiftOperands) -> Inst:
    inserted = v.splat((1 << v.lane - v.by) - 1)
    return b.vbsl(inserted, b.vshr(v.m, lane=v.lane, imm=v.by), v.d)


@_shift_left
def vshl_imm(b: Builder, v: ShiftOperands) -> Inst:
    return b.vshl(v.m, lane=v.lane, imm=v.by)


@_shift_left
def vsli(b: Builder, v: ShiftOperands) -> Inst:
    inserted = v.splat(-1 << v.by)
    return b.vbsl(inserted, b.vshl(v.m, lane=v.lane, imm=v.by), v.d)


@_shift_left
def vqshl_imm(b: Builder, v: ShiftOperands) -> Inst:
    return (b.vuqshlv if v.U else b.vsqshlv)(v.m, v.splat(v.by), lane=v.lane)


@_shift_left
def vqshlu_imm(b: Builder, v: ShiftOperands) -> Inst:
    return b.vsqshlu(v.m, lane=v.lane, imm=v.by)


# Narrowing: the immediate's lane is the result's --------------------------------------------------------------------------
@_shift_narrow
def vshrn(b: Builder, v: ShiftOperands) -> Inst:
    return b.vxtn(b.vshr(v.m, lane=2 * v.lane, imm=v.by), lane=v.lane)


@_shift_narrow
def vrshrn(b: Builder, v: ShiftOperands) -> Inst:
    return b.vxtn(b.vrshr(v.m, lane=2 * v.lane, imm=v.by), lane=v.lane)


@_shift_narrow
def vqshrn(b: Builder, v: ShiftOperands) -> Inst:
    return (b.vuqxtn if v.U else b.vsqxtn)(_shr(b, v, 2 * v.lane), lane=v.lane)


@_shift_narrow
def vqrshrn(b: Builder, v: ShiftOperands) -> Inst:
    return (b.vuqxtn if v.U else b.vsqxtn)(_rshr(b, v, 2 * v.lane), lane=v.lane)


@_shift_narrow
def vqshrun(b: Builder, v: ShiftOperands) -> Inst:
    return b.vsqxtun(b.vsar(v.m, lane=2 * v.lane, imm=v.by), lane=v.lane)


@_shift_narrow
def vqrshrun(b: Builder, v: ShiftOperands) -> Inst:
    return b.vsqxtun(b.vrsar(v.m, lane=2 * v.lane, imm=v.by), lane=v.lane)


@_shift_long
def vshll(b: Builder, v: ShiftOperands) -> Inst:
    """VSHLL, and VMOVL where the amount is 0."""
    wide = extend(b, v.m, v.lane, v.U)
    return b.vshl(wide, lane=2 * v.lane, imm=v.by) if v.by else wide


@_fixed_point
def vcvt_to_fixed(b: Builder, v: ShiftOperands) -> Inst:
    return b.vftoi(v.m, lane=v.lane, signed=1 - v.U, fbits=v.by)


@_fixed_point
def vcvt_from_fixed(b: Builder, v: ShiftOperands) -> Inst:
    return b.vitof(v.m, lane=v.lane, signed=1 - v.U, fbits=v.by)
