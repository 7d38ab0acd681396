"""Lowers one IR unit (a region) to an LLVM module in text form.

Guest slots live in allocas (``slots``), which LLVM's SROA turns into SSA. Within an IR block a ``put`` is only noted as *pending*: an exit or a
fault stores pending values straight into the vCPU block, and the end of the block moves them to their homes. Pure operations are written where their
value is first needed, or at once if another block uses it: so flags that only a fault would show are computed on the cold path alone.

The text names no address of the process: helpers are reached through ``cpu.helpers``, other regions through the module's chain slots.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from dbt.abi.cpu import CpuLayout
from dbt.abi.exits import Exit
from dbt.abi.helpers import HELPERS, helper_offset
from dbt.backend.llvm import atomics, conversions, estimates, exits, fallback, floats, lazyflags, memory, saturating, x86_vectors, x87
from dbt.backend.llvm import convention as cc
from dbt.backend.llvm.bounds import Bounds
from dbt.backend.llvm.features import Features
from dbt.backend.llvm.flag_recipes import Group
from dbt.backend.llvm.flow import Flow
from dbt.backend.llvm.scalars import SCALARS, Lowering, constant_of, signed_less
from dbt.backend.llvm.shared_checks import SharedChecks
from dbt.backend.llvm.slots import IN_MEMORY, Home, Homes, memory_type
from dbt.backend.llvm.text import CPU, LIKELY, Text, constant, llvm_type
from dbt.backend.llvm.vectors import VECTORS
from dbt.backend.llvm.ways import Ways, block_label
from dbt.ir.types import I64, Type
from dbt.ir.unit import Block, Inst, Unit

METADATA = """!0 = !{!"branch_weights", i32 4000, i32 1}
!1 = !{!"memory"}
!2 = !{!"guest", !1}
!3 = !{!2, !2, i64 0}
!4 = !{!5, !5, i64 0}
!5 = !{!"cpu", !1}
!6 = !{}
!7 = !{!"branch_weights", i32 1, i32 4000}
"""
PURE = {**SCALARS, **VECTORS, **estimates.PURE, **x86_vectors.ROWS}
EFFECTS = {**floats.ROWS, **conversions.ROWS, **estimates.ROWS, **saturating.ROWS}  # rows that change the status flags
ALL = Features()


@cache
def pure_rows(features: Features) -> dict[str, Lowering]:
    """The rows of :data:`PURE` that need no more of the host than *features*."""
    return {name: row for name, row in PURE.items() if getattr(features, x86_vectors.NEEDS.get(name, ""), True)}


class Entry(NamedTuple):
    """A place where the dispatcher or another region may enter: the block and the guest address it stands for."""

    label: str
    pc: int
    mode: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What cold code needs to know of the hot path it leaves: values named up to ``limit``, puts not yet in their homes, dirty homes, position."""

    limit: int
    pending: dict[str, Inst]
    dirty: int
    mixed: bool
    pc: int
    mode: int
    location: str


class Region:
    """One lowering run; ``text`` holds the function body. ``linear``: host address = guest address + ``cpu.guest_base`` for all memory (user mode), so that the
    address of an access does not wait for the TLB entry. ``unchecked``: loads rely on the host's page protection (see ``memory``; linear only, x86-64 only).
    ``tagged``: stores leave the vCPU's tag (exclusives scheme hst). ``free_stores``: stores rely on it too: nobody watches them (see ``memory``).
    ``features``: of the host."""

    def __init__(
        self, unit: Unit, entries: Sequence[Entry], layout: CpuLayout, linear: bool = False, features: Features = ALL,
        unchecked: bool = False, tagged: bool = False, free_stores: bool = False,
    ) -> None:
        assert not free_stores or unchecked and not tagged
        self.linear = linear
        self.free_stores = free_stores
        self.unchecked = unchecked
        self.tagged = tagged
        self.features = features
        self.pure = pure_rows(features)
        self.unit = unit
        self.entries = entries
        self.layout = layout
        self.text = Text()
        self.homes = Homes(layout, unit)
        self.flow = Flow(unit, [e.label for e in entries], self.homes)
        self.escaping, self.block_of = _escaping(self.flow.blocks)
        self.flags = lazyflags.Variables(self)
        self.mixed = False  # flags as in lazyflags.Shape.MIXED
        self.label = ""  # of the IR block being written
        self.borrowed: list[Inst] = []  # values of other blocks that this block has named
        self.values: dict[Inst, tuple[str, int]] = {}  # operand of a value, and how far the text was when it was named
        self.widened: dict[Inst, str] = {}  # the i64 that a load has made of its value, with zeros above it
        self.forwarded: dict[Inst, Inst] = {}  # a get of a slot whose put is pending
        self.local: dict[Inst, str] | None = None  # values named by the cold code being written
        self.limit = 0
        self.pending: dict[str, Inst] = {}
        self.dirty = 0
        self.environment: dict[tuple[bool, bool, bool], str] = {}  # what ``floats.quick`` found out in this IR block
        self.shared: SharedChecks
        self.bounds = self._bounds()
        self.restart_point: str | None = None  # label of the exit that faults since the last effect share
        self.functions: dict[str, list[str]] = {}  # of the module: cold code that many places share
        self.deferred: list[Callable[[], None]] = []
        self.ways = Ways(self)
        self.chains = 0
        self.constants: list[str] = []
        self.records: dict[tuple[bytes, bool], int] = {}  # see ``fallback``
        self.pc = self.mode = 0
        self.locate: Callable[[int], str] = lambda pc: ""

    def _bounds(self) -> Bounds:
        """Which accesses ask whether their address lies in the guest's space: those of 64 bits that are not checked otherwise."""
        if not self.unchecked or self.layout.address_type is not I64:
            return Bounds((), (), (), (), ())
        views = Counter(home.name for home in self.homes.of.values())
        slots = {slot for slot, home in self.homes.of.items() if views[home.name] == 1 and self.layout.slots[slot][1] is I64}
        return Bounds(self.flow.blocks, self.flow.closing, self.flow.polled, [entry.label for entry in self.entries], slots)

    # Values ---------------------------------------------------------------------------------------------------------------
    def operand(self, inst: Inst) -> str:
        """LLVM operand of *inst*; a pure operation that has no name here yet is written now."""
        inst = self.forwarded.get(inst, inst)
        if self.local is not None and inst in self.local:
            return self.local[inst]
        known = self.values.get(inst)
        if known is not None and (self.local is None or known[1] <= self.limit):
            return known[0]
        if inst.op.name == "zext" and self.forwarded.get(inst.args[0], inst.args[0]) in self.widened:
            wide = self.widened[self.forwarded.get(inst.args[0], inst.args[0])]
            name = wide if inst.of.bits == 64 else self.text.value(f"trunc i64 {wide} to i{inst.of.bits}")
            self.define(inst, name)
            return name
        pair = signed_less(inst) if inst.op.name in ("eq", "ne") else None
        if pair is not None:
            a, b = (self.operand(x) for x in pair)
            name = self.text.value(f"icmp {'sge' if inst.op.name == 'eq' else 'slt'} {llvm_type(pair[0].type)} {a}, {b}")
        else:
            name = self.pure[inst.op.name](self.text, inst, [self.operand(arg) for arg in inst.args])
        self.define(inst, name)
        return name

    def define(self, inst: Inst, name: str) -> None:
        """*inst* is held by operand *name* from here on."""
        if self.local is not None:
            self.local[inst] = name
        else:
            self.values[inst] = (name, self.text.count)
            if self.block_of.get(inst) != self.label and inst not in self.escaping:
                self.borrowed.append(inst)

    def extended(self, inst: Inst) -> str:
        """*inst*, an integer of at most 64 bits, as i64 with zeros above it."""
        operand = self.operand(inst)
        if inst.type.bits == 64:
            return operand
        return self.widened.get(self.forwarded.get(inst, inst)) or self.text.value(f"zext i{inst.type.bits} {operand} to i64")

    def typed(self, inst: Inst) -> str:
        """``type operand`` of *inst*."""
        return f"{llvm_type(inst.type)} {self.operand(inst)}"

    # State ----------------------------------------------------------------------------------------------------------------
    def field(self, name: str) -> str:
        """Address of a header field, area or slot of the vCPU block."""
        return self.text.at("%cpu", self.layout.offset(name))

    def load_field(self, name: str, type: str = "i64", volatile: bool = False) -> str:
        return self.text.value(f"load {'volatile ' if volatile else ''}{type}, ptr {self.field(name)}, align 8{CPU}")

    def store_field(self, name: str, operand: str, type: str = "i64") -> None:
        self.text.do(f"store {type} {operand}, ptr {self.field(name)}, align {min(8, _alignment(type))}{CPU}")

    def read(self, pointer: str, type: Type, extra: str = "") -> str:
        """Load a value in its memory form from *pointer*."""
        loaded = self.text.value(f"load {memory_type(type)}, ptr {pointer}, align {_alignment(memory_type(type))}{extra}")
        return self.text.value(f"trunc i8 {loaded} to i1") if type.bits == 1 else loaded

    def write(self, pointer: str, type: Type, operand: str, extra: str = "") -> None:
        """Store a value in its memory form at *pointer*."""
        if type.bits == 1:
            operand = self.text.value(f"zext i1 {operand} to i8")
        self.text.do(f"store {memory_type(type)} {operand}, ptr {pointer}, align {_alignment(memory_type(type))}{extra}")

    def _view(self, slot: str) -> str:
        home = self.homes.of[slot]
        return self.text.at(home.pointer, self.layout.slots[slot][0] - home.offset)

    def _get(self, inst: Inst) -> None:
        slot = str(inst.attrs[0])
        if slot in IN_MEMORY:
            self.define(inst, self.read(self.field(slot), inst.of, CPU))
            return
        value = self.pending.get(slot)
        if value is not None and value.type is inst.of:
            if inst in self.escaping:
                self.define(inst, self.operand(value))
            else:
                self.forwarded[inst] = self.forwarded.get(value, value)
            return
        self._settle(slot, keep=None)
        self.define(inst, self.read(self._view(slot), inst.of))

    def _put(self, inst: Inst) -> None:
        slot, value = str(inst.attrs[0]), inst.args[0]
        if slot in IN_MEMORY:
            self.environment = {}
            self.restart_point = None
            self.write(self.field(slot), value.type, self.operand(value), CPU)
            return
        self._settle(slot, keep=slot)
        self.pending.pop(slot, None)
        self.pending[slot] = value
        if slot not in self.layout.flags:
            self.operand(value)

    def _settle(self, slot: str, keep: str | None) -> None:
        """Move pending puts of slots that share *slot*'s home there, except that of *keep*."""
        home = self.homes.of[slot]
        for other in [name for name in self.pending if self.homes.of[name] is home and name != keep]:
            self._to_home(other)
            self.restart_point = None
            if not home.pinned:
                self.dirty |= home.bit
            del self.pending[other]

    def _to_home(self, slot: str) -> None:
        value = self.pending[slot]
        self.write(self._view(slot), value.type, self.operand(value))

    def settle_all(self, block: Block) -> None:
        """End of an IR block inside the unit: pending puts of pinned or live homes move there, but for flags that stay lazy."""
        live = self.flow.live_out(block)
        state = self.flow.lazy.at_end[block.label]
        meets = any(self.flow.lazy.at_start[label] is lazyflags.Shape.MIXED for label in block.successors())
        if isinstance(state, Group):
            if meets:
                self.flags.store(state)
        elif meets and state is lazyflags.Shape.NONE:
            self.flags.forget()
        for slot in self.pending:
            home = self.homes.of[slot]
            if isinstance(state, Group) and slot in self.layout.flags:
                continue
            if home.pinned or live & home.bit:
                self._to_home(slot)
        self.pending = {}

    def slot_holding(self, value: Inst) -> str:
        """The home that holds *value* at the end of the block being written, or ""."""
        for slot, put in self.pending.items():
            if put is value and slot not in self.layout.flags and self.homes.whole(slot):
                return self.homes.of[slot].pointer
        if value.op.name == "get" and value.attrs[0] in self.homes.of and value.attrs[0] not in self.pending:
            return self.homes.of[str(value.attrs[0])].pointer
        return ""

    def pinned_arguments(self) -> str:
        """Arguments for a tail call: the vCPU and the pinned slots as they are now."""
        arguments = ["ptr %cpu"]
        for name, _, type in cc.pinned_values(self.layout):
            value = self.pending.get(name)
            if value is not None:  # perhaps put as another type of the same size
                operand = self.text.cast(self.operand(value), llvm_type(value.type), type)
            else:
                operand = self.text.value(f"load {type}, ptr {self.homes.of[name].pointer}, align 4")
            arguments.append(f"{type} {operand}")
        return ", ".join(arguments)

    def store_state(self) -> None:
        """Store everything that is not pinned and may differ from the vCPU block."""
        whole = 0
        for slot in self.pending:
            if not self.homes.of[slot].pinned and self.homes.whole(slot):
                whole |= self.homes.of[slot].bit
        for home in self.homes.members(self.dirty & ~whole):
            self._copy(home, home.pointer, self.text.at("%cpu", home.offset), to=CPU)
        if self.mixed and any(slot not in self.pending for slot in self.layout.flags):
            self.flags.exit()
        for slot, value in self.pending.items():
            if not self.homes.of[slot].pinned:
                self.write(self.field(slot), value.type, self.operand(value), CPU)

    def _copy(self, home: Home, source: str, target: str, origin: str = "", to: str = "") -> None:
        align = _alignment(home.llvm)
        value = self.text.value(f"load {home.llvm}, ptr {source}, align {align}{origin}")
        self.text.do(f"store {home.llvm} {value}, ptr {target}, align {align}{to}")

    # Cold code ------------------------------------------------------------------------------------------------------------
    def snapshot(self) -> Snapshot:
        return Snapshot(self.text.count, dict(self.pending), self.dirty, self.mixed, self.pc, self.mode, self.text.location)

    def later(self, write: Callable[[], None], at: Snapshot | None = None) -> None:
        """Write cold code after the hot path, as seen from now (or from snapshot *at*)."""
        seen = at or self.snapshot()

        def run() -> None:
            self.local, self.limit = {}, seen.limit
            self.pending, self.dirty, self.mixed = dict(seen.pending), seen.dirty, seen.mixed
            self.pc, self.mode = seen.pc, seen.mode
            self.text.location = seen.location
            write()
            self.local = None

        self.deferred.append(run)

    def restart(self, pc: int, mode: int) -> str:
        """Label of the exit to tier 0 that accesses share until something happens that must not happen twice. It has the state before the first of them,
        which is that of the guest instruction at *pc*."""
        if self.restart_point is None:
            label = self.restart_point = self.text.new_label("restart")

            def write() -> None:
                self.text.label(label)
                self.store_field("exit_reason", str(int(Exit.REPLAY)))
                exits.leave(self, str(pc), str(mode))

            self.later(write)
        return self.restart_point

    def outline(self, name: str, convention: str, result: str, parameters: str, write: Callable[[], None]) -> None:
        """See that the module has a function *name* of the vCPU (``%cpu``) and *parameters*; *write* puts its body into ``text``."""
        if name in self.functions:
            return
        outer, self.text = self.text, Text()
        self.functions[name] = []
        write()
        head = f"define internal {convention} {result} @{name}({', '.join(filter(None, ('ptr %cpu', parameters)))}) noinline nounwind {{"
        self.functions[name] = [head, *self.text.lines, "}"]
        self.text = outer

    def call_helper(self, name: str, *arguments: str, result: str = "") -> str:
        """Call a helper with i64 arguments; returns the result's operand. *result* overrides its LLVM type."""
        kind = result or {"l": "i64", "v": "void"}[HELPERS[name][0]]
        table = self.load_field("helpers", "ptr")
        function = self.text.value(f"load ptr, ptr {self.text.at(table, helper_offset(name))}, align 8{CPU}")
        call = f"call {cc.HELPER_CONVENTION} {kind} {function}({', '.join(['ptr %cpu'] + [f'i64 {a}' for a in arguments])})"
        if kind == "void":
            self.text.do(call)
            return ""
        return self.text.value(call)

    # Blocks ---------------------------------------------------------------------------------------------------------------
    def _block(self, block: Block) -> None:
        self.text.label(block_label(block.label))
        self.label = block.label
        self.arrive(block.label)
        self.environment = {}
        self.restart_point = None
        self.shared = SharedChecks(block)
        run = memory.Run()
        for inst in block.insts:
            if run and not run.takes(inst):
                fenced = inst.op.name == "fence" and inst.attrs[0] == "seq_cst"
                memory.lower_run(self, run, fenced)
                run = memory.Run()
                if fenced:
                    continue
            self._inst(block, inst, run)

        for inst in self.borrowed:
            self.values.pop(inst, None)
        self.borrowed = []

    def arrive(self, label: str) -> None:
        """Take over the state at the start of IR block *label*."""
        state = self.flow.lazy.at_start[label]
        self.pending = dict(zip(self.layout.flags, state.puts, strict=True)) if isinstance(state, Group) else {}
        self.dirty = self.flow.dirty[label]
        self.mixed = state is lazyflags.Shape.MIXED

    def _inst(self, block: Block, inst: Inst, run: memory.Run) -> None:
        name = inst.op.name
        if name == "mark":
            self.pc, self.mode = int(inst.attrs[0]), int(inst.attrs[2])  # type: ignore[call-overload]
            self.text.comment(f"{self.pc:#x}")
            self.text.location = self.locate(self.pc)
        elif name == "const":
            self.values[inst] = (constant(inst.of, constant_of(inst) or 0), 0)
        elif name == "pcadd":
            self.values[inst] = (str((self.pc + int(inst.attrs[0])) % (1 << inst.of.bits)), 0)  # type: ignore[call-overload]
        elif name == "get":
            self._get(inst)
        elif name == "put":
            self._put(inst)
        elif name in ("ld", "st"):
            run.add(inst, self.pc, self.mode)
        elif name in atomics.ROWS:
            atomics.ROWS[name](self, inst)
            self.shared.forget()
            self.restart_point = None
        elif name in EFFECTS:
            EFFECTS[name](self, inst)
            self.restart_point = None
        elif name in x87.ROWS:
            x87.ROWS[name](self, inst)
            self.restart_point = None
        elif name in ("br", "brif"):
            self._branch(block, inst)
        elif inst.op.terminator:
            exits.ROWS[name](self, inst)
        elif name not in self.pure:
            fallback.lower(self, inst)
            self.shared.forget()
            self.restart_point = None
        elif inst in self.escaping:
            self.operand(inst)

    def _branch(self, block: Block, inst: Inst) -> None:
        condition = self.operand(inst.args[0]) if inst.args else ""
        self.settle_all(block)
        targets = [self.ways.between(block.label, str(label)) for label in inst.attrs]
        if not condition:
            self.text.do(f"br label %{targets[0]}")
        else:
            self.text.do(f"br i1 {condition}, label %{targets[0]}, label %{targets[1]}")

    # The module -----------------------------------------------------------------------------------------------------------
    def _prologue(self) -> None:
        t = self.text
        t.location = self.locate(self.entries[0].pc)
        t.label("start")
        for home in self.homes.all:
            t.do(f"{home.pointer} = alloca {home.llvm}, align 16")
        for name, _, type in cc.pinned_values(self.layout):
            t.do(f"store {type} %in_{name}, ptr {self.homes.of[name].pointer}, align 4")
        t.do(f"%tlb = getelementptr i8, ptr %cpu, i64 {self.layout.offset('tlb')}")
        if self.flow.lazy.mixed():
            self.flags.declare()
        if self.linear:
            t.do(f"%guest = load ptr, ptr {self.field('guest_base')}, align 8{CPU}")
        self._enter()

    def _enter(self) -> None:
        """Leave if the region's guest code changed or somebody wants this vCPU, else load what is live at any entry and go to the one that is wanted."""
        t = self.text
        self.pending, self.dirty, self.mixed = {}, 0, False
        wanted = self.load_field("native_entry") if len(self.entries) > 1 else ""
        valid = t.value(f"load volatile i64, ptr @{cc.VALID_SYMBOL}, align 8")
        busy = t.value(f"or i64 {t.value(f'xor i64 {valid}, {cc.VALID}')}, {self.load_field('request', volatile=True)}")
        t.do(f"br i1 {t.value(f'icmp eq i64 {busy}, 0')}, label %go, label %away{LIKELY}")
        t.label("away")
        pc, mode = str(self.entries[0].pc), str(self.entries[0].mode)
        for number, entry in enumerate(self.entries[1:], 1):
            here = t.value(f"icmp eq i64 {wanted}, {number}")
            pc, mode = (t.value(f"select i1 {here}, i64 {own}, i64 {other}") for own, other in ((entry.pc, pc), (entry.mode, mode)))
        exits.leave(self, pc, mode)
        t.label("go")
        live = 0
        for entry in self.entries:
            live |= self.flow.live[entry.label]
        for home in self.homes.members(live):
            self._copy(home, t.at("%cpu", home.offset), home.pointer, origin=CPU)
        first, *others = (self.ways.into(entry.label) for entry in self.entries)
        if others:
            cases = " ".join(f"i64 {number}, label %{label}" for number, label in enumerate(others, 1))
            t.do(f"switch i64 {wanted}, label %{first} [{cases}]")
        else:
            t.do(f"br label %{first}")

    def lower(self) -> str:
        """The module's text."""
        self._prologue()
        for block in self.flow.blocks:
            self._block(block)
        while self.deferred:
            self.deferred.pop()()
        if self.flow.lazy.mixed():
            self.flags.first_values()
        return "\n".join(self._module())

    def _module(self) -> Iterable[str]:
        parameters = cc.parameters(self.layout)
        single = len(self.entries) == 1
        if self.unchecked:
            yield f'module asm ".text\\0A{cc.TEXT_SYMBOL}:"'
        yield f"@{cc.VALID_SYMBOL} = hidden global i64 1, align 8"
        if self.chains:
            yield f"@{cc.CHAIN_SYMBOL} = internal global [{self.chains} x ptr] zeroinitializer, align 8"
        yield from self.constants
        head = f"@{cc.entry_symbol(0)}" if single else "@region"
        yield f"define {'' if single else 'internal '}{cc.CALLING_CONVENTION} void {head}({parameters}){self.attributes()} {{"
        yield from self.text.lines
        yield "}"
        if not single:
            arguments = ", ".join(["ptr %cpu"] + [f"{type} %in_{name}" for name, _, type in cc.pinned_values(self.layout)])
            for number in range(len(self.entries)):
                yield f"define {cc.CALLING_CONVENTION} void @{cc.entry_symbol(number)}({parameters}) {{"
                yield f"  %wanted = getelementptr i8, ptr %cpu, i64 {self.layout.offset('native_entry')}"
                yield f"  store i64 {number}, ptr %wanted, align 8"
                yield f"  musttail call {cc.CALLING_CONVENTION} void @region({arguments})"
                yield "  ret void"
                yield "}"
        if self.flags.called:
            yield from self.flags.function()
        for lines in self.functions.values():
            yield from lines
        yield f"define internal {cc.CALLING_CONVENTION} void @leave({parameters}) noinline {{"
        for name, offset, type in cc.pinned_values(self.layout):
            yield f"  %at_{name} = getelementptr i8, ptr %cpu, i64 {offset}"
            yield f"  store {type} %in_{name}, ptr %at_{name}, align 4"
        yield "  ret void"
        yield "}"
        yield METADATA

    def attributes(self) -> str:
        """Function attributes of the region (the assembly view adds debug information)."""
        return " nounwind"


def _escaping(blocks: Iterable[Block]) -> tuple[set[Inst], dict[Inst, str]]:
    """Values used outside of the block that defines them; and the label of the block of each value."""
    defined: dict[Inst, Block] = {}
    found = set()
    for block in blocks:
        for inst in block.insts:
            defined[inst] = block
            for arg in inst.args:
                if defined.get(arg) is not block:
                    found.add(arg)
    return found, {inst: block.label for inst, block in defined.items()}


_ALIGNMENTS = {"i8": 1, "i16": 2, "i32": 4, "i64": 8, "ptr": 8, "float": 4, "double": 8, "<2 x i32>": 8}


def _alignment(type: str) -> int:
    """Alignment of a slot of LLVM *type* (bytes): cells and the vector area are that aligned."""
    return _ALIGNMENTS.get(type, 8)


def lower(unit: Unit, entries: Sequence[Entry], layout: CpuLayout, linear: bool = False, features: Features = ALL, unchecked: bool = False,
          tagged: bool = False, free_stores: bool = False) -> str:
    """LLVM text of *unit*, entered at *entries*; the rest as for :class:`Region`."""
    return Region(unit, entries, layout, linear, features, unchecked, tagged, free_stores).lower()
