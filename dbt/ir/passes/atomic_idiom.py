"""``atomic_idiom``: load-link/store-conditional pairs become atomic operations.

A pair with nothing but pure operations between its two accesses may succeed, as far as anybody can tell, whenever memory goes in one step from
the value loaded to the value stored: then no other write lies between link and store. So no reservation is needed, and one of three
forms takes the pair's place, the first that fits:

1. ``rmw_*`` where the ``ldlink`` was, if the new value is an operation of the table on the old one or does not depend on it. It never fails: the
   guest's retry loop is gone.
2. ``cas`` where the ``ldlink`` was, for the guest's own compare-and-swap: it stores if and only if the old value equals one that is known before.
3. A plain ``ld`` for the link, and for each store a ``cas`` from the value loaded; where that finds another value the store has failed, as it
   may. It serves every new value, and branches between the two. ABA does no harm: the new value depends on the old one and on the vCPU's own
   state alone.

Conditions:

- Every ``stcond`` that the link may reach inside the unit belongs to this link alone, has its type and address, and no path to it makes another
  memory access or comes from outside. Else a ``stcond`` would look for a reservation that nobody took.
- No path leaves, with the link still open, for code close by, unless the unit's maker has seen that there is no ``stcond`` (``unit.quiet``): it would fail
  for ever. The architecture promises success to pairs at most 128 bytes apart (ARM DDI 0406C, A3.4.5), so farther away it may fail.
- The reservation that the vCPU held before is given up (``clrex``), since ``ldlink`` would have replaced it.

Faults: form 3 faults where the guest does. Forms 1 and 2 store where the guest only loads, so where they cannot, they ask for a ``replay``.
"""

from __future__ import annotations

from dbt.ir.cfg import Cfg
from dbt.ir.optable import OPS
from dbt.ir.passes.fold import fold
from dbt.ir.passes.rewrite import const_value, same
from dbt.ir.passes.rmw_match import depends, match
from dbt.ir.state import StateMap
from dbt.ir.types import I1, VOID
from dbt.ir.unit import Block, Inst, Unit

NEARBY = 128  # bytes between a load-link and a store-conditional that the architecture expects to succeed

_LINKED, _TOUCHED, _SPENT = range(3)  # on a path after a link: open; open, but memory was accessed; a store-conditional has used it
_BREAKS = frozenset("rwb")  # effects that may not stand between link and store; fences and marks may
_ALLOWED = ("mark", "fence")
_QUIET = (*_ALLOWED, "clrex")  # these touch no memory


class _Link:
    """A ``ldlink`` with the store-conditionals that may use its reservation."""

    def __init__(self, block: Block, inst: Inst) -> None:
        self.block = block
        self.inst = inst
        self.stores: dict[Inst, Block] = {}
        self.fits = False


def atomic_idiom(unit: Unit, state: StateMap) -> Unit:
    """Replace the pairs that meet the conditions above; folds what follows from success. Wants forwarded slots and compares found by ``flags``."""
    if not any(inst.op.name == "ldlink" for inst in unit.insts()):
        return unit
    cfg = Cfg(unit)
    links = [_Link(block, inst) for block in cfg.order for inst in block.insts if inst.op.name == "ldlink"]
    for link in links:
        link.fits = _follow(cfg, link)
    chosen = _choose(cfg, links)
    for link in chosen:
        _replace(cfg, state, link)
    return fold(unit, state) if chosen else unit


# Which pairs ------------------------------------------------------------------------------------------------------------
def _follow(cfg: Cfg, link: _Link) -> bool:
    """Walk all paths on from the link and collect its stores. False if one of them, or a way out of the unit, forbids the idiom."""
    blocks = cfg.unit.blocks
    pc = _pc_of(cfg, link)
    spent: set[Inst] = set()
    fits = True
    todo = [(link.block, link.block.insts.index(link.inst) + 1, _LINKED)]
    seen: set[tuple[str, int]] = set()
    while todo:
        block, start, state = todo.pop()
        for inst in block.insts[start:]:
            name = inst.op.name
            if name in ("ldlink", "clrex"):
                break
            if name == "stcond":
                if state == _SPENT:
                    spent.add(inst)
                else:
                    link.stores[inst] = block
                    fits &= state == _LINKED and inst.of is link.inst.of and same(inst.args[0], link.inst.args[0])
                    state = _SPENT
            elif inst.op.terminator:
                for label in block.successors():
                    if (label, state) not in seen:
                        seen.add((label, state))
                        todo.append((blocks[label], 0, state))
                if name == "goto" and state != _SPENT:
                    fits &= pc is not None and (_quiet(cfg.unit, inst) or not _near(inst, pc))
            elif name not in _ALLOWED and not _BREAKS.isdisjoint(inst.op.effects) and state == _LINKED:
                state = _TOUCHED
    return fits and bool(link.stores) and spent.isdisjoint(link.stores)


def _pc_of(cfg: Cfg, link: _Link) -> int | None:
    """Guest address of the link's instruction; None if the blocks before do not agree."""
    block = link.block
    insts = block.insts[: block.insts.index(link.inst)]
    seen = set()
    while block.label not in seen:
        seen.add(block.label)
        for inst in reversed(insts):
            if inst.op.name == "mark":
                pc = inst.attrs[0]
                assert isinstance(pc, int)
                return pc
        preds = cfg.preds[block.label]
        if len(preds) != 1 or block.label in cfg.roots:
            break
        block = cfg.unit.blocks[preds[0]]
        insts = block.insts
    return None


def _quiet(unit: Unit, exit: Inst) -> bool:
    return tuple([const_value(arg) for arg in exit.args]) in unit.quiet


def _near(exit: Inst, pc: int) -> bool:
    target = const_value(exit.args[0])
    return target is None or abs(target - pc) <= NEARBY


def _choose(cfg: Cfg, links: list[_Link]) -> list[_Link]:
    """The links to replace: a store that must stay keeps all links that reach it."""
    users: dict[Inst, list[_Link]] = {}
    for link in links:
        for store in link.stores:
            users.setdefault(store, []).append(link)
    for store, found in users.items():
        if len(found) > 1 or not _dominates(cfg, found[0], store):
            for link in found:
                link.fits = False
    changed = True
    while changed:
        changed = False
        for found in users.values():
            if not all(link.fits for link in found):
                changed |= any(link.fits for link in found)
                for link in found:
                    link.fits = False
    return [link for link in links if link.fits]


def _dominates(cfg: Cfg, link: _Link, store: Inst) -> bool:
    block = link.stores[store]
    if block is link.block:
        return block.insts.index(link.inst) < block.insts.index(store)
    return cfg.dominates(link.block.label, block.label)


# What they become -------------------------------------------------------------------------------------------------------
def _replace(cfg: Cfg, state: StateMap, link: _Link) -> None:
    if len(link.stores) == 1:
        ((store, block),) = link.stores.items()
        if _as_rmw(state, link, store, block) or _as_cas(cfg, state, link, store, block):
            return
    _as_load(link)


def _as_rmw(state: StateMap, link: _Link, store: Inst, block: Block) -> bool:
    """Form 1."""
    if block is not link.block:
        return False
    found = match(store.args[1], link.inst)
    if found is None:
        return False
    insts = block.insts
    between = insts[insts.index(link.inst) + 1 : insts.index(store)]
    return _fuse(state, link, store, "rmw_" + found.kind, (found.operand,), found.made, between)


def _as_cas(cfg: Cfg, state: StateMap, link: _Link, store: Inst, block: Block) -> bool:
    """Form 2: the link's block ends with the comparison, and the store's block is where it goes on if the values are equal."""
    insts, old = link.block.insts, link.inst
    branch = insts[-1]
    if block is link.block or branch.op.name != "brif" or branch.attrs[0] == branch.attrs[1] or cfg.preds[block.label] != [link.block.label]:
        return False
    condition = branch.args[0]
    if block.label in cfg.roots or condition.op.name != ("eq" if branch.attrs[0] == block.label else "ne"):
        return False
    made: list[Inst] = []
    expected = _expected(condition, old, made)
    new = store.args[1]
    if expected is None or depends(expected, old) or depends(new, old):
        return False
    if _spins(cfg, str(branch.attrs[1 if branch.attrs[0] == block.label else 0]), link.block.label):
        return False
    between = insts[insts.index(old) + 1 : -1] + block.insts[: block.insts.index(store)]
    return _fuse(state, link, store, "cas", (expected, new), made, between)


def _expected(condition: Inst, old: Inst, made: list[Inst]) -> Inst | None:
    """What *condition* compares *old* with, as a value of its type; operations for that go to *made*."""
    for a, b in (condition.args, condition.args[::-1]):
        if a is old:
            return b
        if a.op.name == "zext" and a.args[0] is old:
            if b.op.name == "zext" and b.args[0].type is old.type:
                return b.args[0]
            value = const_value(b)
            if value is not None and value < 1 << old.of.bits:
                made.append(Inst(OPS["const"], old.of, (), (value,)))
                return made[-1]
    return None


def _spins(cfg: Cfg, label: str, link: str) -> bool:
    """True if control can come from block *label* back to block *link* without a memory access: a loop that waits for a value should go on reading it,
    not ask for the cache line each time."""
    todo, seen = [label], {label}
    while todo:
        at = todo.pop()
        if at == link:
            return True
        block = cfg.unit.blocks[at]
        if any(inst.op.name not in _QUIET and not _BREAKS.isdisjoint(inst.op.effects) for inst in block.insts):
            continue
        for successor in block.successors():
            if successor not in seen:
                seen.add(successor)
                todo.append(successor)
    return False


def _fuse(state: StateMap, link: _Link, store: Inst, name: str, operands: tuple[Inst, ...], made: list[Inst], between: list[Inst]) -> bool:
    """Make the link the atomic operation *name*, and the store's outcome 0. False if an operand cannot be computed before the link: *between* are the
    operations from there to the store, and *made* are new ones."""
    needed = _needed(operands, made, between)
    if needed is None or not all(_hoistable(state, inst, between) for inst in needed):
        return False
    size = link.inst.of.bits // 8
    for block in dict.fromkeys((link.block, link.stores[store])):
        block.insts = [inst for inst in block.insts if inst not in needed]
    insts = link.block.insts
    at = insts.index(link.inst)
    _become(link.inst, name, (link.inst.args[0], *operands), (size, 1))
    insts[at : at + 1] = [*needed, *made, link.inst, Inst(OPS["clrex"], VOID)]
    store.of = I1
    _become(store, "const", (), (0,))
    return True


def _needed(operands: tuple[Inst, ...], made: list[Inst], between: list[Inst]) -> list[Inst] | None:
    """The operations among *between* that *operands* are computed from, in order."""
    places = {inst: at for at, inst in enumerate(between)}
    found: set[Inst] = set()
    todo = [*operands]
    seen: set[Inst] = set()
    while todo:
        inst = todo.pop()
        if inst in seen:
            continue
        seen.add(inst)
        if inst in places:
            found.add(inst)
        todo.extend(inst.args)
    return sorted(found, key=places.__getitem__)


def _hoistable(state: StateMap, inst: Inst, between: list[Inst]) -> bool:
    """True if *inst* gives the same before *between* as inside."""
    name = inst.op.name
    if name == "get":
        slot = inst.attrs[0]
        assert isinstance(slot, str)
        before = between[: between.index(inst)]
        return not any(
            (other.op.name == "put" and other.attrs[0] in state.overlaps[slot]) or ("e" in other.op.effects and slot in state.env_written) for other in before
        )
    return inst.op.pure and name != "pcadd"


def _as_load(link: _Link) -> None:
    """Form 3."""
    old, size = link.inst, link.inst.of.bits // 8
    for store, block in link.stores.items():
        swapped = Inst(OPS["cas"], old.of, (old.args[0], old, store.args[1]), (size, 0))
        block.insts.insert(block.insts.index(store), swapped)
        _become(store, "ne", (swapped, old), ())
    _become(old, "ld", old.args, (size,))
    insts = link.block.insts
    insts.insert(insts.index(old) + 1, Inst(OPS["clrex"], VOID))


def _become(inst: Inst, name: str, args: tuple[Inst, ...], attrs: tuple[object, ...]) -> None:
    """Change the operation in place, so that those who use its value need no change."""
    inst.op, inst.args, inst.attrs = OPS[name], args, attrs
