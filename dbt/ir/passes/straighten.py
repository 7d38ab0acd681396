"""``straighten``: removes blocks and branches that do nothing."""

from __future__ import annotations

from dbt.ir.cfg import Cfg
from dbt.ir.optable import OPS
from dbt.ir.state import StateMap
from dbt.ir.types import VOID
from dbt.ir.unit import Block, Inst, Unit

_BR = OPS["br"]


def straighten(unit: Unit, state: StateMap) -> Unit:
    """Send branches to a block that only branches on to its target, join a block to its only predecessor if that goes nowhere else, and delete
    blocks that nothing reaches. The order of the blocks that stay is kept."""
    _thread(unit)
    cfg = Cfg(unit)
    if len(cfg.order) < len(unit.blocks):
        unit.blocks = {label: block for label, block in unit.blocks.items() if label in cfg.preds}
    _join(unit, cfg)
    return unit


def _thread(unit: Unit) -> None:
    onward: dict[object, str] = {}
    for block in unit.blocks.values():
        if len(block.insts) == 1 and block.insts[0].op is _BR:
            onward[block.label] = str(block.insts[0].attrs[0])
    if not onward:
        return
    for block in unit.blocks.values():
        last = block.terminator
        if last is None or last.op.name not in ("br", "brif"):
            continue
        targets = tuple([_end(label, onward) for label in last.attrs])
        if targets != last.attrs:
            if len(targets) == 2 and targets[0] == targets[1]:
                block.insts[-1] = Inst(_BR, VOID, (), targets[:1])
            else:
                last.attrs = targets


def _end(label: object, onward: dict[object, str]) -> object:
    seen = {label}
    while label in onward and onward[label] not in seen:
        label = onward[label]
        seen.add(label)
    return label


def _join(unit: Unit, cfg: Cfg) -> None:
    roots = set(cfg.roots)
    joined: dict[str, Block] = {}  # label of a block that was appended -> the block it went into
    for block in cfg.order:
        label = block.label
        preds = cfg.preds[label]
        if len(preds) != 1 or label in roots or preds[0] == label:
            continue
        into = unit.blocks[preds[0]]
        into = joined.get(into.label, into)
        if into is block or into.insts[-1].op is not _BR:
            continue
        into.insts.pop()
        into.insts.extend(block.insts)
        joined[label] = into
    for label in joined:
        del unit.blocks[label]
