"""Which values the records of a unit need, and which operands their records have."""

from __future__ import annotations

from dbt.abi.records import CODES, IMMEDIATE_FORMS
from dbt.backend.tier0.flags import FLOW
from dbt.backend.tier0.format import fits_word, signed
from dbt.ir.types import Type
from dbt.ir.unit import Block, Inst, Unit

_FREE_CASTS = ("zext", "bitcast", "vhalf")  # no record: the operand's cell serves


class EncodeError(Exception):
    """The unit cannot be expressed in records: a bug of a frontend or of this encoder."""


class Operands:
    """Operands after looking through free casts, immediates and address sums, without what nobody uses. Puts of the slots *drop* are left out."""

    def __init__(self, unit: Unit, address_type: Type, drop: frozenset[str]) -> None:
        self.args: dict[Inst, tuple[Inst, ...]] = {}
        self.skips: dict[Inst, tuple[int, ...]] = {}  # cells to skip in operands, where not all are 0
        self.imm: dict[Inst, int] = {}  # the constant operand, or the displacement of an address
        self.part: dict[Inst, tuple[Inst, int]] = {}  # free cast -> (value, cells to skip)
        self.block_of: dict[Inst, Block] = {}
        part = self.part
        count: dict[Inst, int] = {}
        for block in unit.blocks.values():
            for inst in block.insts:
                op = inst.op
                name = op.name
                self.block_of[inst] = block
                if name in _FREE_CASTS:
                    base = inst.args[0]
                    skip = int(inst.attrs[0]) if name == "vhalf" else 0  # type: ignore[call-overload]
                    base, before = part.get(base, (base, 0))
                    part[inst] = (base, before + skip)
                    continue
                if name == "put" and inst.attrs[0] in drop:
                    continue
                args = inst.args
                if args:
                    if name in IMMEDIATE_FORMS:
                        left, right = args
                        if left.op.name == "const" and op.commutes:
                            left, right = right, left
                        if right.op.name == "const" and _fits(right, inst):
                            self.imm[inst] = signed(int(right.attrs[0]), right.type.bits)  # type: ignore[call-overload]
                            args = (left,)
                    elif (name == "ld" or name == "st") and args[0].type is address_type:
                        base, offset = _displaced(args[0])
                        self.imm[inst] = offset
                        args = (base, *args[1:])
                    elif name == "goto":
                        args = _goto_args(inst)
                    elif name == "goto_ind":
                        args = args[:1] if args[1].op.name == "const" else args
                    elif op.terminator and name not in FLOW:
                        args = args[:1]
                if part and args:
                    skips = tuple([part[arg][1] if arg in part else 0 for arg in args])
                    if any(skips):
                        self.skips[inst] = skips
                    args = tuple([part[arg][0] if arg in part else arg for arg in args])
                self.args[inst] = args
                for arg in args:
                    count[arg] = count.get(arg, 0) + 1
        unused = [inst for inst in self.args if inst not in count and _removable(inst)]
        while unused:
            inst = unused.pop()
            for arg in self.args.pop(inst):
                count[arg] -= 1
                if not count[arg] and _removable(arg):
                    unused.append(arg)


def _goto_args(inst: Inst) -> tuple[Inst, ...]:
    address, mode = inst.args
    if mode.op.name != "const":
        raise EncodeError("goto needs a constant mode: use goto_ind")
    return () if address.op.name == "pcadd" else (address,)


def _removable(inst: Inst) -> bool:
    return inst.op.effects in ("", "g")


def _fits(constant: Inst, user: Inst) -> bool:
    """True if the immediate form of *user* can hold *constant*: 32 bits, sign-extended."""
    value = signed(int(constant.attrs[0]), constant.type.bits)  # type: ignore[call-overload]
    return f"{user.op.name}.{user.of}:i" in CODES and fits_word(value)


def _displaced(address: Inst) -> tuple[Inst, int]:
    """An address as a base and a displacement of 32 bits; (address, 0) if it is no such sum."""
    name = address.op.name
    if name in ("add", "sub"):
        base, constant = address.args
        if name == "add" and base.op.name == "const":
            base, constant = constant, base
        if constant.op.name == "const":
            value = signed(int(constant.attrs[0]), constant.type.bits)  # type: ignore[call-overload]
            value = -value if name == "sub" else value
            if fits_word(value):
                return base, value
    return address, 0
