"""Control flow of a unit: order, predecessors, dominators."""

from __future__ import annotations

from dbt.ir.unit import Block, Unit


class Cfg:
    """``order``: the reachable blocks, each after those that dominate it (reverse postorder from the entries). ``preds``: label -> labels of
    the reachable predecessors. Computed once; a pass that changes branches makes a new one."""

    __slots__ = ("unit", "roots", "order", "preds", "_idom")

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.roots = roots(unit)
        self.order: list[Block] = _reverse_postorder(unit, self.roots) if len(unit.blocks) > 1 else list(unit.blocks.values())
        self.preds: dict[str, list[str]] = {block.label: [] for block in self.order}
        for block in self.order:
            for label in block.successors():
                if label in self.preds:
                    self.preds[label].append(block.label)
        self._idom: dict[str, str | None] | None = None

    @property
    def idom(self) -> dict[str, str | None]:
        """Immediate dominator of each reachable block; None where only the outside dominates."""
        if self._idom is None:
            self._idom = _dominators(self)
        return self._idom

    def dominates(self, upper: str, lower: str) -> bool:
        """True if every path from outside to *lower* goes through *upper* (a block dominates itself)."""
        at: str | None = lower
        while at is not None:
            if at == upper:
                return True
            at = self.idom[at]
        return False


def roots(unit: Unit) -> list[str]:
    """Labels through which control may enter: the first block, then ``unit.entries``."""
    first = next(iter(unit.blocks), None)
    return [] if first is None else [first, *[label for label in unit.entries if label != first and label in unit.blocks]]


def loop_heads(unit: Unit) -> set[str]:
    """Labels of the blocks that start a guest instruction (with a ``mark``) and close a loop: a depth-first walk from the entries comes back to
    them while they are on its path. Engines may poll for requests there and leave, so the state is exact at the start of each."""
    heads: set[str] = set()
    on_path: dict[str, bool] = {}  # False: finished
    for root in roots(unit):
        if root in on_path:
            continue
        on_path[root] = True
        stack = [(root, iter(unit.blocks[root].successors()))]
        while stack:
            label, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                on_path[label] = False
                stack.pop()
            elif following not in on_path:
                on_path[following] = True
                stack.append((following, iter(unit.blocks[following].successors())))
            elif on_path[following] and unit.blocks[following].insts[0].op.name == "mark":
                heads.add(following)
    return heads


def drop_unreachable(unit: Unit) -> None:
    """Delete the blocks that control can't reach."""
    if len(unit.blocks) == 1:
        return
    reached = {block.label for block in _reverse_postorder(unit, roots(unit))}
    if len(reached) < len(unit.blocks):
        unit.blocks = {label: block for label, block in unit.blocks.items() if label in reached}


def _reverse_postorder(unit: Unit, starts: list[str]) -> list[Block]:
    blocks = unit.blocks
    seen: set[str] = set()
    post: list[Block] = []
    for start in reversed(starts):
        if start in seen:
            continue
        seen.add(start)
        stack = [(blocks[start], list(blocks[start].successors()))]
        while stack:
            block, todo = stack[-1]
            while todo:
                label = todo.pop()
                if label not in seen and label in blocks:
                    seen.add(label)
                    stack.append((blocks[label], list(blocks[label].successors())))
                    break
            else:
                post.append(block)
                stack.pop()
    post.reverse()
    return post


def _dominators(cfg: Cfg) -> dict[str, str | None]:
    """The iterative algorithm of Cooper, Harvey and Kennedy, with the outside as number -1 above all roots."""
    number = {block.label: at for at, block in enumerate(cfg.order)}
    preds = [[number[label] for label in cfg.preds[block.label]] for block in cfg.order]
    unset = -2
    idom = [unset] * len(cfg.order)
    for label in cfg.roots:
        idom[number[label]] = -1
    fixed = {number[label] for label in cfg.roots}
    changed = True
    while changed:
        changed = False
        for at in range(len(idom)):
            if at in fixed:
                continue
            new = unset
            for pred in preds[at]:
                if idom[pred] == unset:
                    continue
                if new == unset:
                    new = pred
                    continue
                x, y = new, pred
                while x != y:
                    if x > y:
                        x = idom[x]
                    else:
                        y = idom[y]
                new = x
            if new != idom[at]:
                idom[at] = new
                changed = True
    return {block.label: cfg.order[idom[at]].label if idom[at] >= 0 else None for at, block in enumerate(cfg.order)}
