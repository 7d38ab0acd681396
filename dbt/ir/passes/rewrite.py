"""The driver for peephole passes: walks a unit in dominance order and applies the rule of each opcode."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dbt.ir.cfg import Cfg, drop_unreachable
from dbt.ir.optable import OPS
from dbt.ir.types import Type
from dbt.ir.unit import Inst, Unit

CONST = OPS["const"]

Rule = Callable[["Rewriter", Inst], Inst | None]


def const_value(inst: Inst) -> int | None:
    """The bit pattern of a constant, else None."""
    if inst.op is CONST:
        value = inst.attrs[0]
        assert isinstance(value, int)
        return value
    return None


def has_instance(name: str, of: Type) -> bool:
    """True if the row *name* can be used at type *of*: logic knows narrow types that arithmetic does not."""
    return of.name in OPS[name].types


def same(x: Inst, y: Inst) -> bool:
    """True if both are the same value, or constants of the same type and value."""
    return x is y or (x.op is CONST and y.op is CONST and x.attrs == y.attrs and x.type is y.type)


class Rewriter:
    """What a rule sees. A rule gets an operation whose operands are already rewritten and returns None (leave it) or the value that takes its
    place: an existing one, or a new one from ``make``/``const``, which land before the operation. ``pc`` is the address of
    the current guest instruction (None if no mark says it)."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self.rules = rules
        self.out: list[Inst] = []
        self.pc: int | None = None
        self.cut_off = False  # a branch lost a target

    def const(self, type: Type, value: int) -> Inst:
        """A constant, modulo the width of *type*."""
        inst = Inst(CONST, type, (), (value & ((1 << type.bits) - 1),))
        self.out.append(inst)
        return inst

    def make(self, name: str, of: Type, *args: Inst, attrs: tuple[object, ...] = ()) -> Inst:
        """A new operation, simplified by the rules at once."""
        inst = Inst(OPS[name], of, args, attrs)
        self.cut_off |= name == "br"
        rule = self.rules.get(name)
        new = rule(self, inst) if rule is not None else None
        if new is not None:
            return new
        self.out.append(inst)
        return inst

    def run(self, unit: Unit) -> Unit:
        """Rewrite *unit* in place; blocks that a rule cut off are deleted."""
        rules = self.rules
        replaced: dict[Inst, Inst] = {}
        cfg = Cfg(unit)
        pc_out: dict[str, int | None] = {}
        for block in cfg.order:
            pcs = {pc_out.get(label) for label in cfg.preds[block.label]}
            self.pc = pcs.pop() if len(pcs) == 1 and block.label not in cfg.roots else None
            insts, self.out = block.insts, []
            append = self.out.append
            for inst in insts:
                if replaced:
                    for arg in inst.args:
                        if arg in replaced:
                            inst.args = tuple([replaced.get(x, x) for x in inst.args])
                            break
                rule = rules.get(inst.op.name)
                if rule is not None:
                    new = rule(self, inst)
                    if new is not None:
                        replaced[inst] = new
                        continue
                append(inst)
            block.insts = self.out
            pc_out[block.label] = self.pc
        if self.cut_off:
            drop_unreachable(unit)
        return unit
