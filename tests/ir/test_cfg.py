"""Order, dominators and loop heads against their definitions, on random control flow."""

from __future__ import annotations

from random import Random

import pytest

from dbt.backend.llvm import flow
from dbt.ir.cfg import Cfg, loop_heads, roots
from dbt.ir.random_ir import random_unit
from dbt.ir.types import I1, I32
from dbt.ir.unit import Unit

SLOTS = {"r0": (0, I32), "cf": (8, I1)}


def make(seed: int) -> Unit:
    unit = random_unit(Random(seed), SLOTS, size=1, blocks=9, loops=True)
    unit.entries = Random(seed).sample(list(unit.blocks), seed % 3)
    return unit


def reached(unit: Unit, without: str = "") -> set[str]:
    """Labels that the entries reach on paths that avoid *without*."""
    found: set[str] = set()
    work = [label for label in roots(unit) if label != without]
    while work:
        label = work.pop()
        if label not in found:
            found.add(label)
            work += [to for to in unit.blocks[label].successors() if to != without]
    return found


@pytest.mark.parametrize("seed", range(30))
def test_order_and_dominators(seed: int) -> None:
    unit = make(seed)
    cfg = Cfg(unit)
    labels = [block.label for block in cfg.order]
    assert set(labels) == reached(unit) and len(set(labels)) == len(labels)
    for upper in labels:
        cut_off = set(labels) - reached(unit, upper)
        assert {lower for lower in labels if cfg.dominates(upper, lower)} == cut_off
        assert all(labels.index(upper) <= labels.index(lower) for lower in cut_off)


@pytest.mark.parametrize("seed", range(30))
def test_every_loop_has_a_head(seed: int) -> None:
    """Without the heads nothing comes back to itself, so an engine that polls there never spins."""
    unit = make(seed)
    heads = loop_heads(unit)
    inner = {label: [to for to in unit.blocks[label].successors() if to not in heads] for label in reached(unit) - heads}
    while leaves := [label for label, targets in inner.items() if not set(targets) & set(inner)]:
        for label in leaves:
            del inner[label]
    assert not inner


@pytest.mark.parametrize("seed", range(30))
def test_the_lowering_polls_at_the_loop_heads(seed: int) -> None:
    """``dead_puts`` keeps the state exact at the loop heads; the LLVM backend must leave nowhere else."""
    unit = make(seed)
    _, closing = flow.order(unit, roots(unit))
    assert {target for _, target in closing if flow.starts_instruction(unit.blocks[target])} == loop_heads(unit)
