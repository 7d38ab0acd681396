"""Load and store multiple, PUSH and POP (ARM ARM A4.7).

All loads come before the first register is written, so that a fault leaves the registers as they were.
"""

from __future__ import annotations

from dbt.frontend.arm.context import LR, PC, REGISTERS, SP, Context
from dbt.ir.unit import Inst


def ldm(c: Context, Rn: int, register_list: int, P: int = 0, U: int = 1, W: int = 0) -> None:
    """LDMIA, LDMIB (P), LDMDA, LDMDB (U = 0)."""
    b = c.b
    if W and register_list >> Rn & 1:
        c.unpredictable()
    registers = _registers(c, Rn, register_list, W)
    base = c.get_reg(Rn)
    loaded = [c.load(address, 32, align=4) for address in _addresses(c, base, len(registers), P, U)]
    if W:
        _write_back(c, Rn, base, len(registers), U)
    for register, value in zip(registers, loaded, strict=True):
        if register == PC:
            c.load_write_pc(value, "ret")
        else:
            b.put(value, slot=REGISTERS[register])


def stm(c: Context, Rn: int, register_list: int, P: int = 0, U: int = 1, W: int = 0) -> None:
    """STMIA, STMIB (P), STMDA, STMDB (U = 0). A base register in the list is stored with its old value."""
    registers = _registers(c, Rn, register_list, W)
    base = c.get_reg(Rn)
    for register, address in zip(registers, _addresses(c, base, len(registers), P, U), strict=True):
        c.store(address, c.get_reg(register), 32, align=4)
    if W:
        _write_back(c, Rn, base, len(registers), U)


def ldm_t16(c: Context, Rn: int, register_list: int) -> None:
    """Writes back unless the base register is in the list."""
    ldm(c, Rn, register_list, W=not register_list >> Rn & 1)


def stm_t16(c: Context, Rn: int, register_list: int) -> None:
    stm(c, Rn, register_list, W=1)


def pop_t16(c: Context, P: int, register_list: int) -> None:
    ldm(c, SP, register_list | P << PC, W=1)


def push_t16(c: Context, M: int, register_list: int) -> None:
    stm(c, SP, register_list | M << LR, P=1, U=0, W=1)


def _registers(c: Context, Rn: int, register_list: int, W: int) -> list[int]:
    """Numbers in *register_list*; T32 has more lists that are UNPREDICTABLE than A32."""
    registers = [n for n in range(16) if register_list >> n & 1]
    wide = c.length == 4
    if not registers or Rn == PC or c.thumb and wide and (len(registers) < 2 or W and Rn in registers):
        c.unpredictable()
    return registers


def _addresses(c: Context, base: Inst, count: int, P: int, U: int) -> list[Inst]:
    """Addresses of *count* words, ascending."""
    if U:
        first = 4 if P else 0
    else:
        first = -4 * count if P else 4 - 4 * count
    return [c.b.add(base, first + 4 * i) if first + 4 * i else base for i in range(count)]


def _write_back(c: Context, Rn: int, base: Inst, count: int, U: int) -> None:
    c.put_reg(Rn, c.b.add(base, 4 * count) if U else c.b.sub(base, 4 * count))
