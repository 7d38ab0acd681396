"""Transfers between core registers and the VFP and Advanced SIMD registers, and the system register FPSCR (ARM ARM A7.8, A7.9)."""

from __future__ import annotations

from dbt.abi import fpscr
from dbt.frontend.arm.context import PC, Context
from dbt.frontend.arm.simd import double, float_slot, single, vector_slot, vector_type
from dbt.ir.types import I32, I64
from dbt.ir.unit import Inst


def _core(c: Context, *numbers: int) -> None:
    """The PC is no transfer register."""
    if PC in numbers:
        c.unpredictable()


# Single and double registers ----------------------------------------------------------------------------------------------
def vmov_core_to_single(c: Context, Vn: int, Rt: int, N: int) -> None:
    _core(c, Rt)
    c.b.put(c.get_reg(Rt), slot=float_slot(0, N, Vn))


def vmov_single_to_core(c: Context, Vn: int, Rt: int, N: int) -> None:
    _core(c, Rt)
    c.put_reg(Rt, c.b.get(I32, slot=float_slot(0, N, Vn)))


def vmov_core_to_two_singles(c: Context, Rt2: int, Rt: int, M: int, Vm: int) -> None:
    first = _first_single(c, Rt2, Rt, M, Vm)
    c.b.put(c.get_reg(Rt), slot=f"s{first}")
    c.b.put(c.get_reg(Rt2), slot=f"s{first + 1}")


def vmov_two_singles_to_core(c: Context, Rt2: int, Rt: int, M: int, Vm: int) -> None:
    first = _first_single(c, Rt2, Rt, M, Vm)
    if Rt == Rt2:
        c.unpredictable()
    c.put_reg(Rt, c.b.get(I32, slot=f"s{first}"))
    c.put_reg(Rt2, c.b.get(I32, slot=f"s{first + 1}"))


def _first_single(c: Context, Rt2: int, Rt: int, M: int, Vm: int) -> int:
    """The first of two consecutive singles; S31 has no successor."""
    _core(c, Rt, Rt2)
    first = single(M, Vm)
    if first == 31:
        c.unpredictable()
    return first


def vmov_core_to_double(c: Context, Rt2: int, Rt: int, M: int, Vm: int) -> None:
    _core(c, Rt, Rt2)
    b = c.b
    value = b.or_(b.zext(I64, c.get_reg(Rt)), b.shl(b.zext(I64, c.get_reg(Rt2)), 32))
    b.put(value, slot=f"d{double(M, Vm)}")


def vmov_double_to_core(c: Context, Rt2: int, Rt: int, M: int, Vm: int) -> None:
    _core(c, Rt, Rt2)
    if Rt == Rt2:
        c.unpredictable()
    b = c.b
    value = b.get(I64, slot=f"d{double(M, Vm)}")
    c.put_reg(Rt, b.trunc(I32, value))
    c.put_reg(Rt2, b.trunc(I32, b.shr(value, 32)))


# Scalars ------------------------------------------------------------------------------------------------------------------
def _scalar(c: Context, opc1: int, opc2: int) -> tuple[int, int]:
    """(lane width, index) of a scalar; the word lanes have only opc2 == 00."""
    if opc1 & 2:
        return 8, (opc1 & 1) << 2 | opc2
    if opc2 & 1:
        return 16, (opc1 & 1) << 1 | opc2 >> 1
    if opc2:
        c.undefined()
    return 32, opc1 & 1


def vmov_core_to_scalar(c: Context, opc1: int, Vd: int, Rt: int, D: int, opc2: int) -> None:
    _core(c, Rt)
    lane, index = _scalar(c, opc1, opc2)
    slot = f"d{double(D, Vd)}"
    c.b.put(c.b.vset(c.b.getreg(slot), c.get_reg(Rt), lane=lane, index=index), slot=slot)


def vmov_scalar_to_core(c: Context, U: int, opc1: int, Vn: int, Rt: int, N: int, opc2: int) -> None:
    _core(c, Rt)
    lane, index = _scalar(c, opc1, opc2)
    if U and lane == 32:
        c.undefined()
    b = c.b
    value = b.vget(I32, b.getreg(f"d{double(N, Vn)}"), lane=lane, index=index)
    if not U and lane < 32:
        value = b.sar(b.shl(value, 32 - lane), 32 - lane)
    c.put_reg(Rt, value)


def vdup_core(c: Context, B: int, Q: int, Vd: int, Rt: int, D: int, E: int) -> None:
    _core(c, Rt)
    if B and E:
        c.undefined()
    lane = 8 if B else 16 if E else 32
    slot = vector_slot(c, double(D, Vd), Q)
    c.b.put(c.b.vdup(vector_type(Q), c.get_reg(Rt), lane=lane), slot=slot)


# System registers ---------------------------------------------------------------------------------------------------------
_FPSCR, _APSR = 1, 15
# Read-only identification registers, by their number in VMRS, as a Cortex-A15 has them.
_ID_REGISTERS = {0: 0x410430F0, 6: 0x11111111, 7: 0x10110222}  # FPSID, MVFR1, MVFR0


def vmsr_fpscr(c: Context, Rt: int) -> None:
    _core(c, Rt)
    b = c.b
    value = c.get_reg(Rt)
    mode = b.i32(0)
    for mask, shift in fpscr.MODE_BITS:
        mode = b.or_(mode, b.and_(b.shr(value, shift), mask))
    b.put(b.and_(value, fpscr.NZCV), slot="fpscr_nzcv")
    b.put(b.and_(value, fpscr.CTL), slot="fpscr_ctl")
    b.put(b.and_(value, fpscr.CUMULATIVE), slot="fp_flags")
    b.put(mode, slot="fp_mode")


def vmrs(c: Context, reg: int, Rt: int) -> None:
    """VMRS; with Rt == 15 the FPSCR flags go to APSR. FPEXC and unallocated registers are UNDEFINED at user level."""
    b = c.b
    if reg in _ID_REGISTERS:
        _core(c, Rt)
        c.put_reg(Rt, b.i32(_ID_REGISTERS[reg]))
    elif reg != _FPSCR:
        c.undefined()
    elif Rt == _APSR:
        _flags_to_apsr(c, b.getreg("fpscr_nzcv"))
    else:
        c.put_reg(Rt, b.or_(b.or_(b.getreg("fpscr_nzcv"), b.getreg("fpscr_ctl")), b.getreg("fp_flags")))


def _flags_to_apsr(c: Context, nzcv: Inst) -> None:
    """Bits 31 to 28; Z is kept as "zf is 0"."""
    b = c.b
    b.put(nzcv, slot="nf")
    b.put(b.xor(b.and_(nzcv, 1 << 30), 1 << 30), slot="zf")
    b.put(b.ne(b.and_(nzcv, 1 << 29), 0), slot="cf")
    b.put(b.ne(b.and_(nzcv, 1 << 28), 0), slot="vf")
