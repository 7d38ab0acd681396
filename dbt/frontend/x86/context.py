"""What a semantics function works with: the builder, the operands' values, addresses, flags and exits.

Values of 8, 16 and 32 bits are i32 with zeros above, values of 64 bits are i64 (the *working type* of a size). "SDM" is Intel's Software Developer's Manual.
"""

from __future__ import annotations

from typing import NoReturn

from dbt.abi.x86 import (
    CANONICAL_BITS,
    DEBUG_STEP,
    FSW_SUMMARY,
    MODE_FLAGS,
    MODE_SEGMENTED,
    MODE_TRAP,
    MODE_UNMASKED,
    MXCSR_MASKS,
    REGISTERS_32,
    REGISTERS_64,
    SEGMENTS,
)
from dbt.frontend.x86.decode import RIP, Encoding
from dbt.frontend.x86.operands import Immediate, Memory, Mmx, Operand, Register, Relative, SegmentRegister, Xmm
from dbt.frontend.x86.segmented import CS, SS, SegmentedBuilder
from dbt.ir.builder import Builder
from dbt.ir.types import I1, I8, I16, I32, I64, V64, V128, Type
from dbt.ir.unit import Inst

AX, CX, DX, BX, SP, BP, SI, DI = range(8)
_TYPES: dict[int, Type] = {8: I8, 16: I16, 32: I32, 64: I64, 128: V128}
_BASED_SEGMENTS = ("fs", "gs")  # the others are flat
DS = SEGMENTS.index("ds")


class UndefinedInstruction(Exception):
    """Raised for an encoding that is undefined; the frontend drops what the instruction has emitted and raises #UD."""


def memory_type(size: int) -> Type:
    """Type of *size* bits in memory."""
    return _TYPES[size]


def working_type(size: int) -> Type:
    """Type that semantics compute values of *size* bits in."""
    return I64 if size == 64 else I32


class Context:
    """One instruction being lifted. ``size`` is its operand size in bits, ``length`` its bytes, ``word`` the type of addresses and whole registers,
    ``prefix`` F2 or F3 or 0, ``ends`` whether it has emitted its exits, ``llsc`` whether atomic operations are made of load-link and store-conditional."""

    __slots__ = ("b", "mode", "long", "length", "size", "address_size", "segment", "prefix", "locked", "word", "registers", "ends", "guard", "llsc",
                 "_addressed")

    def __init__(self, b: Builder, mode: int, e: Encoding, long: bool, llsc: bool = False) -> None:
        self.b = SegmentedBuilder(b, self) if mode & MODE_SEGMENTED or not long and e.segment == CS else b
        self.llsc = llsc
        self.mode = mode
        self.long = long
        self.length = e.length
        self.size = 32
        self.address_size = e.address_size
        self.segment = e.segment
        self.prefix = e.prefix
        self.locked = e.lock
        self.word: Type = I64 if long else I32
        self.registers = REGISTERS_64 if long else REGISTERS_32
        self.ends = False
        self.guard: Inst | None = None  # an i1: flags are written only if it holds
        self._addressed: tuple[Memory, Inst] | None = None  # the last memory operand, and its address

    def undefined(self) -> NoReturn:
        raise UndefinedInstruction

    # Values -----------------------------------------------------------------------------------------------------------
    def const(self, value: int, size: int) -> Inst:
        """A constant in the working type of *size*, wrapped to *size* bits."""
        return self.b.const(working_type(size), value & (1 << size) - 1)

    def narrow(self, value: Inst, size: int) -> Inst:
        """The low *size* bits of a value, in the working type of *size*."""
        b = self.b
        if size == 64:
            return value
        if size == 32:
            return value if value.type is I32 else b.trunc(I32, value)
        return b.zext(I32, b.trunc(_TYPES[size], value))

    def extend(self, value: Inst, type: Type, signed: int = 0) -> Inst:
        """A value with zeros above *type*'s width taken to *type*; *signed* is the width of a signed value (0: unsigned)."""
        if signed and signed < type.bits:
            value = value if value.type.bits == signed else self.b.trunc(_TYPES[signed], value)
            return self.b.sext(type, value)
        return value if value.type is type else self.b.zext(type, value)

    def bit(self, value: Inst, at: int) -> Inst:
        """Bit *at* of a value as an i1."""
        b = self.b
        return b.trunc(I1, b.shr(value, at) if at else value)

    def flag_to(self, flag: Inst, size: int) -> Inst:
        """An i1 in the working type of *size*."""
        return self.b.zext(working_type(size), flag)

    # General registers ------------------------------------------------------------------------------------------------
    def get_word(self, n: int) -> Inst:
        """A whole register."""
        return self.b.getreg(self.registers[n])

    def put_word(self, n: int, value: Inst) -> None:
        self.b.put(value, slot=self.registers[n])

    def get_register(self, n: int, size: int) -> Inst:
        """The low *size* bits of register *n*."""
        value = self.get_word(n)
        return value if size == value.type.bits else self.narrow(value, size)

    def put_register(self, n: int, value: Inst, size: int) -> None:
        """Write the low *size* bits of register *n*; 32 bits clear the upper half of a 64-bit register, fewer keep the rest."""
        b = self.b
        if size < 32:
            value = b.or_(b.and_(self.get_word(n), -1 << size), self.extend(value, self.word))
        self.put_word(n, self.extend(value, self.word))

    # Operands ---------------------------------------------------------------------------------------------------------
    def read(self, operand: Operand, size: int = 0) -> Inst:
        """Value of an operand in the working type of its size (an XMM or MMX register or 128 bits of memory: v128 or v64). An immediate is extended
        to *size*."""
        b = self.b
        if isinstance(operand, Register):
            if operand.high:
                return self.narrow(b.shr(self.get_word(operand.n), 8), 8)
            return self.get_register(operand.n, operand.size)
        if isinstance(operand, Memory):
            return self.load(self.address(operand), operand.size)
        if isinstance(operand, Immediate):
            return self.const(operand.value, size or operand.size)
        if isinstance(operand, SegmentRegister):
            return b.zext(I32, b.getreg(SEGMENTS[operand.n]))
        if isinstance(operand, Xmm):
            return b.get(V128, slot=f"xmm{operand.n}")
        assert isinstance(operand, Mmx)
        return b.get(V64, slot=f"mm{operand.n}")

    def write(self, operand: Operand, value: Inst) -> None:
        """Write a value, with zeros above the operand's size, to a general register or memory."""
        if isinstance(operand, Register):
            if operand.high:
                b = self.b
                rest = b.and_(self.get_word(operand.n), ~0xFF00)
                self.put_word(operand.n, b.or_(rest, b.shl(self.extend(value, self.word), 8)))
            else:
                self.put_register(operand.n, value, operand.size)
        else:
            assert isinstance(operand, Memory)
            self.store(self.address(operand), value, operand.size)

    # Memory -----------------------------------------------------------------------------------------------------------
    def load(self, address: Inst, size: int) -> Inst:
        """Load *size* bits into their working type (128: a v128)."""
        return self.loaded(self.b.ld(_TYPES[size], address))

    def loaded(self, value: Inst) -> Inst:
        """A value of a memory type in its working type."""
        return self.b.zext(I32, value) if value.type.bits < 32 else value

    def stored(self, value: Inst, size: int) -> Inst:
        """A value as it goes to *size* bits of memory."""
        return value if value.type.bits == size else self.b.trunc(_TYPES[size], value)

    def store(self, address: Inst, value: Inst, size: int) -> None:
        self.b.st(address, self.stored(value, size))

    def address(self, operand: Memory, plus: Inst | None = None) -> Inst:
        """Linear address of a memory operand (plus an offset in the address's type). Worked out once: call it first where blocks part."""
        if plus is not None:
            return self._linear(operand, plus)
        if self._addressed is None or self._addressed[0] is not operand:
            self._addressed = operand, self._linear(operand, None)
        return self._addressed[1]

    def _linear(self, operand: Memory, plus: Inst | None) -> Inst:
        offset = self.effective_address(operand, plus)
        if isinstance(self.b, SegmentedBuilder):
            return self._segmented(self.b, operand, offset)
        if operand.segment is None or (name := SEGMENTS[operand.segment]) not in _BASED_SEGMENTS:
            return offset
        base = self.b.getreg(f"{name}_base")
        if self.long or offset.op.name == "const":  # (a null selector has a base that takes a constant offset out of the way)
            if offset.op.name == "add" and offset.args[1].op.name == "const":  # the constant last: it becomes the access's displacement
                return self.b.add(self.b.add(offset.args[0], base), offset.args[1])
            return self.b.add(offset, base)
        return self.b.or_(self.b.add(offset, base), self.b.getreg(f"{name}_null"))

    def _segmented(self, b: SegmentedBuilder, operand: Memory, offset: Inst) -> Inst:
        """The same of a segment that may be any, or is CS."""
        segment, linear = operand.segment, offset
        if segment is None:
            segment = SS if operand.base in (SP, BP) else DS
        if self.mode & MODE_SEGMENTED and segment != CS:
            linear = b.add(offset, b.getreg(f"{SEGMENTS[segment]}_base"))
        elif segment == CS:
            linear = b.add(offset, 0)  # an address of its own, to know it by
        b.places[linear] = segment, offset
        return linear

    def effective_address(self, operand: Memory, plus: Inst | None = None) -> Inst:
        """Offset in the segment (SDM vol. 1, 3.7.5), in the type of addresses."""
        b = self.b
        size = operand.address_size
        type = I64 if size == 64 else I32
        if operand.base == RIP:
            value = b.pcadd(I64, value=self.length + operand.displacement)
            if plus is not None:
                value = b.add(value, plus)
            return value if size == 64 else b.zext(I64, b.trunc(I32, value))
        total = None if plus is None else self.narrow(plus, min(size, 32)) if size < 64 else plus
        if operand.base is not None:
            base = self.get_register(operand.base, size)
            total = base if total is None else b.add(base, total)
        if operand.index is not None:
            index = self.get_register(operand.index, size)
            if operand.scale:
                index = b.shl(index, operand.scale)
            total = index if total is None else b.add(total, index)
        if total is None:
            total = b.const(type, operand.displacement & (1 << size) - 1)
        elif operand.displacement:
            total = b.add(total, operand.displacement)
        if size == 16:
            total = self.narrow(total, 16)
        return self.extend(total, self.word)

    # Stack ------------------------------------------------------------------------------------------------------------
    def push(self, value: Inst, size: int) -> None:
        """Push *size* bits: the store comes first, so that a fault leaves rSP alone."""
        top = self.b.sub(self.get_word(SP), size // 8)
        self.store(top, value, size)
        self.put_word(SP, top)

    def pop(self, size: int) -> tuple[Inst, Inst]:
        """(value on the top of the stack, rSP after it): the caller writes rSP."""
        sp = self.get_word(SP)
        return self.load(sp, size), self.b.add(sp, size // 8)

    # Control ----------------------------------------------------------------------------------------------------------
    def branch_if(self, condition: Inst) -> str:
        """Go on in a new block if *condition* holds; gives the label of the other path."""
        then, orelse = self.b.new_label(), self.b.new_label()
        self.b.brif(condition, then=then, orelse=orelse)
        self.b.start(then)
        return orelse

    def next_address(self, offset: int = 0) -> Inst:
        """Address of the next instruction plus *offset*."""
        return self.b.pcadd(self.word, value=self.length + offset)

    def _leave(self, address: Inst, hint: str = "jump") -> None:
        """Leave for an address known now."""
        if not self._step(address):
            self.b.goto(address, self.mode, hint=hint)
            self.ends = True

    def _step(self, address: Inst) -> bool:
        """Stop at *address*, where the next instruction is, if single-stepping; else False."""
        if self.mode & MODE_TRAP:
            self.b.exception(address, self.mode, kind="debug", imm=DEBUG_STEP)
            self.ends = True
        return bool(self.mode & MODE_TRAP)

    def branch(self, target: Relative, hint: str = "jump") -> None:
        """Leave for a direct target; with a 16-bit operand size (32-bit code only) rIP is cut."""
        if self.size == 16 and not self.long:
            self.jump(self.b.and_(self.next_address(target.offset), 0xFFFF), hint)
        else:
            self._leave(self.next_address(target.offset), hint)

    def branch_next(self) -> None:
        """Leave for the instruction that follows (for paths of an instruction that ends its block)."""
        self._leave(self.next_address())

    def repeat(self) -> None:
        """Leave for this same instruction."""
        self._leave(self.b.pcadd(self.word, value=0))

    def check_target(self, address: Inst) -> Inst:
        """An address of the operand size to jump to, in the type of addresses: #GP if it is not canonical, at this instruction."""
        b, address = self.b, self.extend(address, self.word)
        if self.size == 64:
            extra = 64 - CANONICAL_BITS
            self.raise_if(b.ne(b.sar(b.shl(address, extra), extra), address), "protection")
        return address

    def jump(self, address: Inst, hint: str = "jump") -> None:
        """Leave for an address known at run time, which ``check_target`` has passed."""
        address = self.extend(address, self.word)
        if not self._step(address):
            self.b.goto_ind(address, self.mode, hint=hint)
            self.ends = True

    def next_in_new_mode(self) -> None:
        """Leave for the instruction that follows, after a change of EFLAGS, MXCSR or a segment that may have changed the guest mode."""
        b = self.b
        if self._step(self.next_address()):
            return
        changed = self.branch_if(b.eq(mode := self._mode_now(), self.mode))
        self.branch_next()
        b.start(changed)
        b.goto_ind(self.next_address(), mode)

    def jump_in_new_mode(self, address: Inst) -> None:
        """Leave for an address known at run time, after such a change."""
        if not self._step(address):
            self.b.goto_ind(address, self._mode_now())
            self.ends = True

    def _mode_now(self) -> Inst:
        """The guest mode by EFLAGS, MXCSR and segments: an i32."""
        b = self.b
        eflags, mode = b.getreg("eflags"), b.i32(0)
        for flag, bit in MODE_FLAGS:
            mode = b.or_(mode, b.select(b.ne(b.and_(eflags, flag), 0), b.i32(bit), b.i32(0)))
        masked = b.eq(b.and_(b.getreg("mxcsr"), MXCSR_MASKS), MXCSR_MASKS)
        mode = b.or_(mode, b.select(masked, b.i32(0), b.i32(MODE_UNMASKED)))
        if self.long:
            return mode
        return b.or_(mode, b.select(b.eq(b.getreg("odd_segments"), 0), b.i32(0), b.i32(MODE_SEGMENTED)))

    def raise_exception(self, kind: str, imm: int = 0, trap: bool = False) -> None:
        """Raise guest exception *kind* at this instruction, or behind it for a *trap*."""
        self.b.exception(self.b.pcadd(self.word, value=self.length if trap else 0), self.mode, kind=kind, imm=imm)
        self.ends = True

    def wait(self) -> None:
        """What x87 and MMX instructions begin with: #MF if an unmasked x87 exception is pending."""
        self.raise_if(self.b.ne(self.b.and_(self.b.getreg("fsw"), FSW_SUMMARY), 0), "fp")

    def raise_if(self, condition: Inst, kind: str) -> None:
        """Raise guest exception *kind* if *condition* holds."""
        good = self.branch_if(condition)
        self.raise_exception(kind)
        self.ends = False
        self.b.start(good)
