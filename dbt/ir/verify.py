"""The verifier: everything that is wrong with a unit, as a list of findings."""

from __future__ import annotations

from dataclasses import dataclass

from dbt.ir.attributes import ATTRIBUTES
from dbt.ir.cfg import Cfg
from dbt.ir.state import Slots
from dbt.ir.types import TYPES, VOID, Type
from dbt.ir.unit import Block, Inst, Unit

_INTEGERS = ("i1", "i8", "i16", "i32", "i64", "i128")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: the block's label, the operation's place in it (-1: the block or the unit itself), its opcode, and a sentence."""

    block: str
    index: int
    op: str
    sentence: str

    def __str__(self) -> str:
        at = f"{self.block}[{self.index}] {self.op}" if self.index >= 0 else self.block
        return f"{at}: {self.sentence}"


class VerifyError(Exception):
    """A unit that breaks the rules; the message lists all findings."""


def verify(unit: Unit, slots: Slots | None = None) -> list[Finding]:
    """All findings of *unit*, in layout order. With *slots* (the guest's slot table), slot names and sizes are checked too."""
    return _Verifier(unit, slots).run()


def check(unit: Unit, slots: Slots | None = None) -> Unit:
    """*unit*, or VerifyError with all its findings."""
    if findings := verify(unit, slots):
        raise VerifyError(f"unit {unit.name} is malformed:\n" + "\n".join(map(str, findings)))
    return unit


class _Verifier:
    def __init__(self, unit: Unit, slots: Slots | None) -> None:
        self.unit = unit
        self.slots = slots
        self.findings: list[Finding] = []
        self.where: tuple[str, int, str] = ("", -1, "")

    def report(self, sentence: str) -> None:
        self.findings.append(Finding(*self.where, sentence))

    def run(self) -> list[Finding]:
        unit = self.unit
        if not unit.blocks:
            self.where = (unit.name, -1, "")
            self.report("the unit has no block")
            return self.findings
        for label in unit.entries:
            if label not in unit.blocks:
                self.where = (unit.name, -1, "")
                self.report(f"entry {label} is no block")
        places: dict[Inst, tuple[str, int]] = {}
        for block in unit.blocks.values():
            for index, inst in enumerate(block.insts):
                self.where = (block.label, index, inst.op.name)
                if inst in places:
                    self.report("the same instruction object stands twice in the unit")
                places[inst] = (block.label, index)
        labels_exist = True
        marks = sum(inst.op.name == "mark" for inst in unit.insts())
        for block in unit.blocks.values():
            labels_exist &= self._terminators(block)
            for index, inst in enumerate(block.insts):
                self.where = (block.label, index, inst.op.name)
                self._inst(inst)
                if inst.op.name == "goto" and inst.attr("hint") == "next" and marks > 1:
                    self.report("hint=next is for units of one instruction")
        if labels_exist:
            self._dominance(places)
        return self.findings

    def _terminators(self, block: Block) -> bool:
        """Report misplaced terminators of *block* and unknown labels; False if a label is unknown."""
        known = True
        self.where = (block.label, -1, "")
        if block.terminator is None:
            self.report("the block does not end in a terminator")
        for index, inst in enumerate(block.insts[:-1]):
            if inst.op.terminator:
                self.where = (block.label, index, inst.op.name)
                self.report("a terminator stands before the end of the block")
        for label in block.successors():
            if label not in self.unit.blocks:
                self.where = (block.label, len(block.insts) - 1, block.insts[-1].op.name)
                self.report(f"no block is called {label}")
                known = False
        return known

    def _inst(self, inst: Inst) -> None:
        op = inst.op
        if op.types:
            if inst.of.name not in op.types:
                self.report(f"there is no instance for {inst.of}")
        elif inst.of is not VOID:
            self.report(f"the row has no type suffix, but the operation has {inst.of}")
        expected = inst.of if op.result == "T" else TYPES[op.result]
        if inst.type is not expected:
            self.report(f"the value is {inst.type}, not {expected}")
        if len(inst.args) != len(op.args):
            self.report(f"it takes {len(op.args)} operands, not {len(inst.args)}")
            return
        for at, (arg, pattern) in enumerate(zip(inst.args, op.args, strict=True)):
            if wrong := _operand(arg.type, pattern, inst.of):
                self.report(f"operand {at} is {arg.type}, not {wrong}")
        if wrong := _widths(inst):
            self.report(wrong)
        if len(inst.attrs) != len(op.attrs):
            self.report(f"it has {len(op.attrs)} attributes, not {len(inst.attrs)}")
            return
        for name, value in zip(op.attrs, inst.attrs, strict=True):
            if wrong := ATTRIBUTES[name].check(inst, value):
                self.report(f"{name} {wrong}")
        if op.name == "goto" and inst.args[0].op.name not in ("const", "pcadd"):
            self.report("the address must be a const or a pcadd; use goto_ind")
        if "slot" in op.attrs and self.slots is not None:
            self._slot(inst)

    def _slot(self, inst: Inst) -> None:
        assert self.slots is not None
        name = inst.attrs[0]
        declared = self.slots.get(str(name))
        if declared is None:
            self.report(f"{self.unit.arch} has no slot {name}")
        elif declared[1].bits != inst.of.bits:
            self.report(f"slot {name} is {declared[1]}, {inst.of} has another size")

    def _dominance(self, places: dict[Inst, tuple[str, int]]) -> None:
        cfg = Cfg(self.unit)
        for block in cfg.order:
            for index, inst in enumerate(block.insts):
                for at, arg in enumerate(inst.args):
                    self.where = (block.label, index, inst.op.name)
                    if arg not in places:
                        self.report(f"operand {at} is not in the unit")
                        continue
                    label, place = places[arg]
                    if place >= index if label == block.label else label not in cfg.idom or not cfg.dominates(label, block.label):
                        self.report(f"operand {at}, defined in {label}, does not dominate its use")


def _operand(type: Type, pattern: str, of: Type) -> str | None:
    """None if an operand of *type* fits *pattern* (a column entry of the table), else what was wanted."""
    if pattern == "T":
        return None if type is of else str(of)
    if pattern == "A":
        return None if type.name in ("i32", "i64") else "an address (i32 or i64)"
    if pattern == "S":
        return None if type.name in _INTEGERS else "an integer"
    if pattern == "F":
        return None if type.name in ("f32", "f64") else "f32 or f64"
    if pattern == "X":
        return None if type is not VOID else "a value"
    return None if type.name == pattern else pattern


def _widths(inst: Inst) -> str | None:
    """The width rules of the conversions, which the operand patterns cannot say."""
    name = inst.op.name
    if not inst.args:
        return None
    source, result = inst.args[0].type.bits, inst.of.bits
    if name in ("zext", "sext") and source >= result:
        return f"{inst.args[0].type} is not narrower than {inst.of}"
    if name == "trunc" and source <= result:
        return f"{inst.args[0].type} is not wider than {inst.of}"
    if name == "bitcast" and source != result:
        return f"{inst.args[0].type} and {inst.of} differ in width"
    if name in ("vget", "vsigns") and inst.args[0].type.name not in ("v64", "v128"):
        return f"{inst.args[0].type} is no vector"
    return None
