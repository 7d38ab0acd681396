"""What a semantics function works with: the builder, the guest mode and the pseudocode functions of the ARM Architecture Reference Manual
(ARM DDI 0406C, "ARM ARM" below) that every chapter uses."""

from __future__ import annotations

from typing import NoReturn

from dbt.abi.arm import MODE_BIG_ENDIAN, MODE_IT_SHIFT, MODE_THUMB
from dbt.ir.builder import Builder
from dbt.ir.types import I8, I16, I32, I64, Type
from dbt.ir.unit import Inst

REGISTERS = tuple(f"r{i}" for i in range(15))
SP, LR, PC = 13, 14, 15
AL = 14

_MEMORY_TYPES: dict[int, Type] = {8: I8, 16: I16, 32: I32, 64: I64}


class UndefinedInstruction(Exception):
    """Raised for an encoding that is UNDEFINED (or that we treat so); the frontend drops what the instruction has emitted."""


class Context:
    """One instruction being lifted.

    ``mode`` is the guest mode at the instruction (see ``dbt.abi.arm``), ``length`` its bytes, ``next_mode`` the mode of the instruction that follows
    (ITSTATE already advanced), ``cond`` its condition (14 is always), ``ends`` whether it has emitted its exits."""

    __slots__ = ("b", "mode", "thumb", "big_endian", "in_it", "length", "next_mode", "cond", "ends")

    def __init__(self, b: Builder, mode: int, length: int, cond: int) -> None:
        self.b = b
        self.mode = mode
        self.thumb = bool(mode & MODE_THUMB)
        self.big_endian = bool(mode & MODE_BIG_ENDIAN)
        itstate = mode >> MODE_IT_SHIFT
        self.in_it = itstate != 0
        self.length = length
        self.cond = cond
        self.ends = False
        # ITAdvance(): the last instruction of a block has ITSTATE<2:0> == 000.
        itstate = itstate & 0xE0 | itstate << 1 & 0x1F if itstate & 7 else 0
        self.next_mode = mode & (MODE_THUMB | MODE_BIG_ENDIAN) | itstate << MODE_IT_SHIFT

    def undefined(self) -> NoReturn:
        """The encoding is UNDEFINED."""
        raise UndefinedInstruction

    def unpredictable(self) -> NoReturn:
        """The encoding is UNPREDICTABLE, and we take it as UNDEFINED."""
        raise UndefinedInstruction

    # Registers --------------------------------------------------------------------------------------------------------
    @property
    def pc_offset(self) -> int:
        """What reading the PC adds to the instruction's address."""
        return 4 if self.thumb else 8

    def get_reg(self, n: int) -> Inst:
        """R[n]; R[15] reads as the instruction's address plus 8 (A32) or 4 (T32)."""
        if n == PC:
            return self.b.pcadd(I32, value=self.pc_offset)
        return self.b.getreg(REGISTERS[n])

    def put_reg(self, n: int, value: Inst) -> None:
        """R[n] = value, for the instructions that may not write the PC."""
        if n == PC:
            self.unpredictable()
        self.b.put(value, slot=REGISTERS[n])

    def pc_relative(self, offset: int) -> Inst:
        """Align(PC, 4) + offset, as literal accesses and ADR use it."""
        b = self.b
        if not self.thumb:
            return b.pcadd(I32, value=8 + offset)
        if offset % 4 == 0:
            return b.and_(b.pcadd(I32, value=4 + offset), ~3)
        return b.add(b.and_(b.pcadd(I32, value=4), ~3), offset)

    def base(self, n: int) -> Inst:
        """R[n] as a base register: the PC is word-aligned."""
        return self.pc_relative(0) if n == PC else self.get_reg(n)

    # Writing the PC (ARM ARM A2.3.2) ------------------------------------------------------------------------------------
    @property
    def exit_mode(self) -> int:
        """Guest mode after a branch that stays in this instruction set: ITSTATE is 0."""
        return self.mode & (MODE_THUMB | MODE_BIG_ENDIAN)

    def branch_write_pc(self, address: Inst, hint: str = "jump") -> None:
        """BranchWritePC: stays in the instruction set."""
        self.b.goto_ind(self.b.and_(address, ~1 if self.thumb else ~3), self.exit_mode, hint=hint)
        self.ends = True

    def bx_write_pc(self, address: Inst, hint: str = "jump") -> None:
        """BXWritePC: bit 0 of the address selects the instruction set."""
        b = self.b
        mode = b.and_(address, MODE_THUMB)
        if self.big_endian:
            mode = b.or_(mode, MODE_BIG_ENDIAN)
        b.goto_ind(b.and_(address, ~1), mode, hint=hint)
        self.ends = True

    load_write_pc = bx_write_pc

    def alu_write_pc(self, address: Inst, hint: str = "jump") -> None:
        """ALUWritePC: interworks in A32 only."""
        if self.thumb:
            self.branch_write_pc(address, hint)
        else:
            self.bx_write_pc(address, hint)

    def branch(self, offset: int, hint: str = "jump") -> None:
        """Direct branch, *offset* bytes from this instruction, in the same instruction set."""
        self.b.goto(self.b.pcadd(I32, value=offset), self.exit_mode, hint=hint)
        self.ends = True

    def branch_next(self) -> None:
        """Leave for the instruction that follows (for paths of an instruction that ends its block)."""
        self.b.goto(self.b.pcadd(I32, value=self.length), self.next_mode)
        self.ends = True

    def raise_exception(self, kind: str, imm: int = 0) -> None:
        """Raise guest exception *kind* at this instruction."""
        self.b.exception(self.b.pcadd(I32, value=0), self.mode, kind=kind, imm=imm)
        self.ends = True

    # Flags ------------------------------------------------------------------------------------------------------------
    def set_nz(self, result: Inst) -> None:
        """N and Z from a 32-bit result."""
        self.b.put(result, slot="nf")
        self.b.put(result, slot="zf")

    def set_cv(self, carry: Inst, overflow: Inst) -> None:
        self.b.put(carry, slot="cf")
        self.b.put(overflow, slot="vf")

    def condition(self, cond: int) -> tuple[Inst, bool]:
        """ConditionPassed() for *cond* (0 to 13): an i1, and whether it is to be negated."""
        b = self.b
        kind = cond >> 1
        negate = bool(cond & 1)
        if kind == 0:  # EQ NE
            return b.eq(b.getreg("zf"), 0), negate
        if kind == 1:  # CS CC
            return b.getreg("cf"), negate
        if kind == 2:  # MI PL
            return b.slt(b.getreg("nf"), 0), negate
        if kind == 3:  # VS VC
            return b.getreg("vf"), negate
        if kind == 4:  # HI LS
            return b.and_(b.getreg("cf"), b.ne(b.getreg("zf"), 0)), negate
        same_sign = b.eq(b.slt(b.getreg("nf"), 0), b.getreg("vf"))
        if kind == 5:  # GE LT
            return same_sign, negate
        return b.and_(b.ne(b.getreg("zf"), 0), same_sign), negate  # GT LE

    def branch_if(self, condition: Inst, negate: bool = False) -> str:
        """Go on in a new block if *condition* holds (or does not, with *negate*); gives the label of the other path."""
        then, orelse = self.b.new_label(), self.b.new_label()
        if negate:
            self.b.brif(condition, then=orelse, orelse=then)
        else:
            self.b.brif(condition, then=then, orelse=orelse)
        self.b.start(then)
        return orelse

    # Memory -----------------------------------------------------------------------------------------------------------
    def load(self, address: Inst, bits: int, signed: bool = False, align: int = 1) -> Inst:
        """MemU (or MemA with *align*) of 8, 16 or 32 bits, extended to i32; 64 bits stay i64 (one big-endian doubleword when E is set)."""
        type = _MEMORY_TYPES[bits]
        return self.extend(self.swap(self.b.ld(type, address, align=align)), signed)

    def store(self, address: Inst, value: Inst, bits: int, align: int = 1) -> None:
        """Store the low *bits* of an i32, or an i64 with 64."""
        self.b.st(address, self.swap(self.narrow(value, bits)), align=align)

    def swap(self, value: Inst) -> Inst:
        """*value* with its bytes reversed in big-endian mode."""
        return self.b.bswap(value) if self.big_endian and value.type is not I8 else value

    def narrow(self, value: Inst, bits: int) -> Inst:
        type = _MEMORY_TYPES[bits]
        return value if value.type is type else self.b.trunc(type, value)

    def extend(self, value: Inst, signed: bool = False) -> Inst:
        """An i8 or i16 to i32; wider values as they are."""
        if value.type.bits >= 32:
            return value
        return self.b.sext(I32, value) if signed else self.b.zext(I32, value)

    def flag(self, value: Inst) -> Inst:
        """An i1 as an i32."""
        return self.b.zext(I32, value)
