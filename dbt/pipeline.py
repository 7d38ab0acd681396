"""The translator's way from guest bytes to optimised IR, used by the runtime and by ``dbt dump``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from dbt.abi.archs import FRONTENDS, LAYOUTS
from dbt.abi.ranges import merged
from dbt.frontend import base
from dbt.frontend.base import Frontend
from dbt.frontend.quiet import is_quiet
from dbt.ir.builder import Builder
from dbt.ir.cfg import loop_heads
from dbt.ir.optable import OPS, Op
from dbt.ir.passes import STANDARD, WITHOUT_IDIOM, run_passes
from dbt.ir.passes.rewrite import const_value
from dbt.ir.passes.straighten import straighten
from dbt.ir.state import StateMap
from dbt.ir.types import VOID, Type
from dbt.ir.unit import Inst, Unit

MOST_GUESSES = 3  # comparisons before a return
MOST_LOOPS = 8  # loops of a region that may be entered at their heads
Fetch = Callable[[int, int], bytes]  # (guest address, n) -> up to n bytes, fewer where memory ends
Start = tuple[int, int]  # (pc, mode) of a guest block

# What can be shown on the way of a block, in order.
STAGES: dict[str, str] = {
    "disasm": "guest instructions",
    "ir": "IR as lifted",
    "ir-opt": "IR after the passes",
    "llvm": "LLVM IR",
    "asm": "host assembly",
}


def parse_stages(text: str) -> tuple[str, ...]:
    """Stage names from ``all`` or a comma-separated list, in pipeline order; ValueError names what is unknown."""
    wanted = set(STAGES) if text == "all" else {word.strip() for word in text.split(",") if word.strip()}
    if unknown := sorted(wanted - set(STAGES)):
        raise ValueError(f"no stage is called {unknown[0]!r}; there are {', '.join(STAGES)} and all")
    return tuple([stage for stage in STAGES if stage in wanted])


@cache
def state_map(arch: str) -> StateMap:
    """Overlaps of the state slots of *arch*, as the passes need them."""
    return StateMap(LAYOUTS[arch].slots)


def optimise(unit: Unit, passes: Iterable[str] | None = None) -> Unit:
    """Run *passes* (names of ``dbt.ir.passes.PASSES``; default: all) on *unit* in place."""
    return run_passes(unit, state_map(unit.arch), passes)


def passes(arch: str, idiom: bool = True, alone: bool = False) -> tuple[str, ...]:
    """The passes for code of *arch*. *idiom*: exclusive pairs become atomic operations; *alone*: for a process with one vCPU."""
    chosen = STANDARD if idiom else WITHOUT_IDIOM
    if alone or FRONTENDS[arch] == "arm":
        return chosen
    return tuple(["reloads_in_order" if name == "reloads" else name for name in chosen])


def lift_block(frontend: Frontend, fetch: Fetch, pc: int, mode: int, limit: int = 64) -> Unit:
    """The basic block at *pc* as a unit: see ``dbt.frontend.base.lift_block``."""
    return base.lift_block(frontend, fetch, pc, mode, limit)


@dataclass(frozen=True, slots=True)
class Region:
    """Several guest blocks in one unit. ``entries``: where control may enter, (pc, mode) -> label; ``ranges``: the guest bytes that the region
    depends on, as (start, length), in ascending order without overlap."""

    unit: Unit
    entries: dict[Start, str]
    ranges: list[tuple[int, int]]


class _RegionBuilder(Builder):
    """Knows the pc, so ``pcadd`` is a constant at once, and an exit to a block of the region is a branch."""

    def __init__(self, unit: Unit, slots: dict[str, Type], labels: dict[Start, str]) -> None:
        super().__init__(unit, slots)
        self.labels = labels
        self.pc = 0
        self.origin: Start = (0, 0)  # the guest block being lifted
        self.guesses: Mapping[Start, Sequence[Start]] = {}
        self.returns: Sequence[Start] = ()

    def emit(self, op: Op, of: Type, args: tuple[Inst, ...], attrs: tuple[object, ...]) -> Inst:
        if op.name == "pcadd":
            (value,) = attrs
            assert isinstance(value, int)
            return self.const(of, self.pc + value)
        if op.name == "goto":
            target, mode = const_value(args[0]), const_value(args[1])
            label = self.labels.get((target, mode)) if target is not None and mode is not None else None
            if label is not None:
                insts = self.block.insts
                while insts and insts[-1] in args:  # made for this exit alone
                    insts.pop()
                return super().emit(OPS["br"], VOID, (), (label,))
        if op.name == "goto_ind":
            self._try_inside(args, str(attrs[0]))
        return super().emit(op, of, args, attrs)

    def _try_inside(self, args: tuple[Inst, ...], hint: str) -> None:
        """Before an indirect exit: compare with the places in the region where it may well go, and branch there. LLVM makes a table of many comparisons."""
        likely = list(self.guesses.get(self.origin, ()))
        if hint == "ret":
            likely = [*likely[:1], *[start for start in self.returns if start not in likely[:1]]][:MOST_GUESSES]
        modes = {mode for _, mode in likely}
        asked = const_value(args[1])
        if len(modes) == 1 and asked is None and len(likely) > 1:  # LLVM knows a table in comparisons of one value alone
            asked = modes.pop()
            inside, outside = self.new_label(), self.new_label()
            self.brif(self.eq(args[1], asked), then=inside, orelse=outside)
            self.start(inside)
            self._compare(args, likely, asked)
            self.br(then=outside)
            self.start(outside)
        else:
            self._compare(args, likely, asked)

    def _compare(self, args: tuple[Inst, ...], likely: Sequence[Start], known: int | None) -> None:
        """Branch to the one of *likely* that an indirect exit goes to; *known* is its mode, if that is known."""
        for pc, mode in likely:
            if known is None or known == mode:
                elsewhere, here = self.new_label(), self.eq(args[0], pc)
                self.brif(here if known == mode else self.and_(here, self.eq(args[1], mode)), then=self.labels[pc, mode], orelse=elsewhere)
                self.start(elsewhere)

    def leave(self, pc: int, mode: int) -> None:
        """Exit to (pc, mode), even if the region has that block."""
        address = self.const(LAYOUTS[self.unit.arch].address_type, pc)
        super().emit(OPS["goto"], VOID, (address, self.i32(mode)), ("jump",))


def lift_region(frontend: Frontend, fetch: Fetch, entries: Sequence[Start], blocks: Sequence[Start], limit: int = 64, page_mask: int = ~0xFFF,
                guesses: Mapping[Start, Sequence[Start]] | None = None) -> Region:  # fmt: skip
    """Lift the guest blocks that start at *blocks* into one unit with their real control flow.

    A block runs, as in ``lift_block``, to the instruction that ends it, to the end of its page or for *limit* instructions, and stops where
    another block of the region starts. A jump to a block of the region, in the same mode, is a branch; everything else leaves the unit. *entries* (the first
    is the unit's first block) count as blocks too. Blocks are named after their pc.

    *fetch* may raise LookupError for code that it does not have; it must have that of *blocks*.

    The heads of its loops become entries too, the first of *blocks* first: whoever is in a loop in tier 0 comes in with the next round, wherever the region was
    grown from. (Not so the loop around an exclusive pair, which becomes straight code, unless it also waits for a value.)

    An indirect exit first looks whether it goes where *guesses* (block -> blocks) says, and one that is a return whether it goes to one of the other
    entries: these are branches inside the unit then."""
    starts = list(dict.fromkeys([*entries, *blocks]))
    if not starts:
        raise ValueError("a region needs at least one entry")
    labels = {start: _label(start) for start in starts}
    unit = Unit(frontend.arch, f"region_{starts[0][0]:x}")
    unit.block(labels[starts[0]])
    b = _RegionBuilder(unit, LAYOUTS[frontend.arch].slot_types, labels)
    b.guesses = {source: [target for target in targets if target in labels] for source, targets in (guesses or {}).items()}
    b.returns = [start for start in dict.fromkeys(entries) if start != starts[0]]
    ranges: list[tuple[int, int]] = []
    for start in starts:
        b.origin = start
        if start != starts[0]:
            b.start(labels[start])
        end = _lift_into(b, frontend, fetch, start, limit, page_mask)
        if end > start[0]:
            ranges.append((start[0], end - start[0]))
    unit.entries = [labels[entry] for entry in dict.fromkeys(entries)][1:]
    straighten(unit, state_map(frontend.arch))
    heads = {label for label in loop_heads(unit) if not _is_pair(unit, label)}
    added = [start for start in starts if labels[start] in heads and start not in entries][:MOST_LOOPS]
    unit.entries += [labels[start] for start in added]
    if any(inst.op.name == "ldlink" for inst in unit.insts()):
        unit.quiet = {exit for exit in _exits(unit) if _goes_on_quietly(frontend, fetch, exit)}
    return Region(unit, {entry: labels[entry] for entry in (*entries, *added)}, merged(ranges))


def _is_pair(unit: Unit, head: str) -> bool:
    """True if the loop at *head* begins with a load-link and comes back only behind store-conditionals: one that waits also comes back without."""
    if not any(inst.op.name == "ldlink" for inst in unit.blocks[head].insts):
        return False
    todo, seen = [head], set[str]()
    while todo:
        block = unit.blocks[todo.pop()]
        if any(inst.op.name == "stcond" for inst in block.insts):
            continue
        for label in block.successors():
            if label == head:
                return False
            if label not in seen:
                seen.add(label)
                todo.append(label)
    return True


def _goes_on_quietly(frontend: Frontend, fetch: Fetch, exit: Start) -> bool:
    """``is_quiet``; code that *fetch* does not have is not."""
    try:
        return is_quiet(frontend, fetch, *exit)
    except LookupError:
        return False


def _exits(unit: Unit) -> set[Start]:
    """Where the unit leaves to by jumps to known addresses."""
    found = set()
    for inst in unit.insts():
        if inst.op.name == "goto":
            target, mode = (const_value(arg) for arg in inst.args)
            if target is not None and mode is not None:
                found.add((target, mode))
    return found


def _label(start: Start) -> str:
    pc, mode = start
    return f"at_{pc:x}_{mode:x}" if mode else f"at_{pc:x}"


def _lift_into(b: _RegionBuilder, frontend: Frontend, fetch: Fetch, start: Start, limit: int, page_mask: int) -> int:
    """Lift one guest block into the current block of *b*; gives the address after its last byte."""
    pc, mode = start
    for count in range(limit):
        b.pc = pc
        if count and (pc, mode) in b.labels:
            b.br(then=b.labels[pc, mode])
            return pc
        data = fetch(pc, frontend.max_length)
        if len(data) < frontend.min_length or (count and (pc ^ start[0]) & page_mask):
            break
        b.mark(pc=pc, length=frontend.insn_length(mode, data), mode=mode)
        lifted = frontend.lift(b, mode, data)
        pc += lifted.length
        if lifted.ends:
            return pc
        mode = lifted.next_mode
    b.pc = pc
    b.mark(pc=pc, length=0, mode=mode)
    if (pc, mode) != start and (pc, mode) in b.labels:
        b.br(then=b.labels[pc, mode])
    else:
        b.leave(pc, mode)
    return pc
