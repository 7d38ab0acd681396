"""Where values live in tier 0: in the cells of a slot, where that costs no record, or else in temporary cells."""

from __future__ import annotations

from dbt.abi.archs import LAYOUTS
from dbt.abi.cpu import CpuLayout
from dbt.abi.records import is_rare
from dbt.backend.tier0.operands import Operands
from dbt.ir.optable import OPS
from dbt.ir.state import X87_SLOTS
from dbt.ir.unit import Inst

RARE_ROWS = frozenset(name for name in OPS if is_rare(name))


class SlotMap:
    """Where the slots of an arch are, in tier 0's terms."""

    def __init__(self, layout: CpuLayout) -> None:
        self.full: dict[str, tuple[int, int]] = {}  # slot -> cells [first, end)
        self.part: dict[str, tuple[int, int, int, int]] = {}  # slot smaller than its cell -> (byte offset, bits, first cell, end cell)
        for name, (offset, type) in layout.slots.items():
            first = offset // 8
            end = first + type.cells
            shared = type.bits < 64 and any(o // 8 <= first < o // 8 + t.cells and (o, t.bits) != (offset, type.bits) for o, t in layout.slots.values())
            if offset % 8 or shared:
                self.part[name] = (offset, type.bits, first, first + 1)
            else:
                self.full[name] = (first, end)
        self.temps = layout.offset("temps") // 8
        self.flags = {name: 1 << i for i, name in enumerate(layout.flags)}
        self.fp_mode = layout.offset("fp_mode") // 8
        self.fp_flags = layout.offset("fp_flags") // 8
        self.address_type = layout.address_type
        self.x87 = [self.cells(name) for name in X87_SLOTS if name in layout.slots]

    def cells(self, slot: str) -> tuple[int, int]:
        """Cells [first, end) that *slot* touches."""
        full = self.full.get(slot)
        return full if full is not None else self.part[slot][2:]


_maps: dict[str, SlotMap] = {}


def slot_map(arch: str) -> SlotMap:
    made = _maps.get(arch)
    if made is None:
        made = _maps[arch] = SlotMap(LAYOUTS[arch])
    return made


def plan(insts: list[Inst], outside: set[Inst], operands: Operands, slots: SlotMap) -> tuple[dict[Inst, int], dict[Inst, int], set[Inst]]:
    """For the needed *insts* of a block: last use of each value, cells of the values that live in slots, and the puts that need no record. Values of which
    other blocks know (*outside*) live in none."""
    last: dict[Inst, int] = {}
    at: dict[Inst, int] = {}
    gets: list[tuple[int, Inst, int, int]] = []
    puts: list[tuple[int, Inst, int, int]] = []
    touched: list[tuple[int, int, int]] = []  # (position, cells) of the reads and writes of slots
    barriers: list[int] = []
    writes: list[tuple[int, int, int]] = []
    for i, inst in enumerate(insts):
        at[inst] = i
        for arg in operands.args[inst]:
            last[arg] = i
        name = inst.op.name
        if name == "get" or name == "put":
            slot = str(inst.attrs[0])
            lo, hi = slots.cells(slot)
            touched.append((i, lo, hi))
            if name == "put":
                writes.append((i, lo, hi))
                if slot in slots.full:
                    puts.append((i, inst, lo, hi))
            elif slot in slots.full:
                gets.append((i, inst, lo, hi))
        else:
            effects = inst.op.effects
            if "f" in effects or "t" in effects:
                barriers.append(i)
                if "x" in effects:
                    touched += [(i, lo, hi) for lo, hi in slots.x87]
                    writes += [(i, lo, hi) for lo, hi in slots.x87]
            elif effects == "e":
                touched += [(i, slots.fp_mode, slots.fp_mode + 1), (i, slots.fp_flags, slots.fp_flags + 1)]
                writes.append((i, slots.fp_flags, slots.fp_flags + 1))
    home: dict[Inst, int] = {}
    residents: list[tuple[int, int, int, int]] = []  # (first cell, end cell, from, last use)
    for i, inst, lo, hi in gets:
        end = last.get(inst, i)
        if inst not in outside and not any(i < j < end and lo < h and w < hi for j, w, h in writes):
            home[inst] = lo
            residents.append((lo, hi, i, end))
    fused: set[Inst] = set()
    for j, inst, lo, hi in puts:
        arg = inst.args[0]
        value, skip = operands.part.get(arg, (arg, 0))
        k = at.get(value, -1)
        if k < 0 or skip or value in outside or value in home or value.op.name == "get" or value.type.cells != hi - lo:
            continue
        if any(k < p < j for p in barriers) or any(k < p < j and lo < h and t < hi for p, t, h in touched):
            continue
        if any(lo < h and w < hi and start < k < end for w, h, start, end in residents):
            continue
        end = last[value]
        if any(j < p < end and lo < h and w < hi for p, w, h in writes):
            continue
        if value.op.name in RARE_ROWS and any(_overlaps(arg, home, lo, hi) for arg in operands.args[value]):
            continue  # rare rows may write a cell of the result before they read the last operand
        home[value] = lo
        residents.append((lo, hi, k, end))
        fused.add(inst)
    return last, home, fused


def _overlaps(value: Inst, home: dict[Inst, int], lo: int, hi: int) -> bool:
    first = home.get(value)
    return first is not None and first != lo and first < hi and lo < first + value.type.cells
