"""Random, well-typed units made from the opcode table, for fuzzing passes and engines. The same generator state gives the same unit."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from dbt.ir.attributes import ATTRIBUTES, lanes
from dbt.ir.fold import EVALUATORS
from dbt.ir.optable import OPS, Op, instances
from dbt.ir.state import Slots
from dbt.ir.types import I32, TYPES, VOID, Type
from dbt.ir.unit import Inst, Unit

SCALAR = tuple(EVALUATORS)  # rows that the constant folder can run
COMPUTING = tuple(
    op.name for op in OPS.values() if op.effects in ("", "e") and op.result != "void" and op.name not in ("const", "pcadd")
)  # rows that compute a value from operands

_INTEGERS = ("i8", "i16", "i32", "i64")
_VECTORS = ("v64", "v128")
_CONST, _GET, _PUT = OPS["const"], OPS["get"], OPS["put"]


class _Generator:
    def __init__(self, rng: Random, slots: Slots, rows: tuple[str, ...], memory: tuple[int, int] | None) -> None:
        self.rng = rng
        self.slots = slots
        self.rows = rows
        self.memory = memory
        self.by_bits: dict[int, list[str]] = {}
        for name, (_, type) in slots.items():
            self.by_bits.setdefault(type.bits, []).append(name)
        self.insts: list[Inst] = []
        self.pool: dict[str, list[Inst]] = {}

    def emit(self, op: Op, of: Type, args: tuple[Inst, ...] = (), attrs: tuple[object, ...] = ()) -> Inst:
        inst = Inst(op, of, args, attrs)
        self.insts.append(inst)
        if inst.type is not VOID:
            self.pool.setdefault(inst.type.name, []).append(inst)
        return inst

    def const(self, type: Type, value: int | None = None) -> Inst:
        """A constant: *value*, or a random one that is often at the edge of the range."""
        if value is None:
            bits = type.bits
            edges = (0, 1, (1 << bits) - 1, 1 << bits - 1, (1 << bits - 1) - 1, bits)
            value = self.rng.choice(edges) if self.rng.random() < 0.6 else self.rng.getrandbits(bits)
        return self.emit(_CONST, type, (), (value & ((1 << type.bits) - 1),))

    def value(self, type: Type) -> Inst:
        """A value of *type*: one that exists, a constant, or a slot."""
        known = self.pool.get(type.name)
        choice = self.rng.random()
        if known and choice < 0.75:
            return self.rng.choice(known[-12:])
        slots = self.by_bits.get(type.bits)
        if slots and choice < 0.9:
            return self.emit(_GET, type, (), (self.rng.choice(slots),))
        return self.const(type)

    def source(self, op: Op, of: Type) -> Type:
        """A type for an operand that the table leaves open (``S``, ``F``, ``X``)."""
        width = of.bits
        if op.name == "sext":
            names = [name for name in _INTEGERS if TYPES[name].bits < width]
        elif op.name == "zext":
            names = [name for name in ("i1", *_INTEGERS) if TYPES[name].bits < width]
        elif op.name == "trunc":
            names = [name for name in _INTEGERS if TYPES[name].bits > width]
        elif op.name == "bitcast":
            names = [name for name in op.types if TYPES[name].bits == width]
        elif op.name in ("vget", "vsigns"):
            names = list(_VECTORS)
        elif op.name == "fcvt":
            names = ["f64" if of.name == "f32" else "f32"]
        elif "F" in op.args:
            names = ["f32", "f64"]
        elif op.name == "itof":
            names = ["i32", "i64"]
        else:
            names = ["i32", "i64"] if op.name in ("vdup", "vset") else list(_INTEGERS)
        return TYPES[self.rng.choice(names)]

    def compute(self) -> Inst:
        """One random row on random operands."""
        rng = self.rng
        op = OPS[rng.choice(self.rows)]
        of = TYPES[rng.choice(instances(op)) or "void"]
        lane = rng.choice([width for width in lanes(op) if width <= 64] or [0])
        if op.name in ("vdup", "vset"):
            lane = rng.choice((8, 16, 32))
        if op.name == "vget":
            lane = rng.choice([width for width in lanes(op) if width <= of.bits])
        args = []
        for pattern in op.args:
            type = of if pattern == "T" else TYPES.get(pattern) or self.source(op, of)
            args.append(self.value(type))
        attrs = []
        for name in op.attrs:
            sample = ATTRIBUTES[name].sample
            assert sample is not None, f"{op.name}: no random value for attribute {name}"
            attrs.append(sample(rng, op.name, of, lane))
        return self.emit(op, of, tuple(args), tuple(attrs))

    def touch_memory(self) -> None:
        """A load or store inside the window."""
        assert self.memory is not None
        base, size = self.memory
        of = TYPES[self.rng.choice(_INTEGERS)]
        offset = self.emit(OPS["and"], I32, (self.value(I32), self.const(I32, size - 16)))
        address = self.emit(OPS["add"], I32, (offset, self.const(I32, base)))
        if self.rng.random() < 0.5:
            self.emit(OPS["ld"], of, (address,), (1,))
        else:
            self.emit(OPS["st"], of, (address, self.value(of)), (1,))

    def put(self) -> None:
        name = self.rng.choice(list(self.slots))
        types = [type for type in _PUT.types if TYPES[type].bits == self.slots[name][1].bits and type in self.pool]
        type = TYPES[self.rng.choice(types)] if types else self.slots[name][1]
        self.emit(_PUT, type, (self.value(type),), (name,))


def random_unit(
    rng: Random,
    slots: Slots,
    arch: str = "arm",
    size: int = 30,
    blocks: int = 1,
    rows: Iterable[str] = SCALAR,
    memory: tuple[int, int] | None = None,
    loops: bool = False,
) -> Unit:
    """A unit of *blocks* blocks with about *size* operations each, made of *rows*, reads and writes of *slots*, and with *memory* = (address, size: a
    power of two of at least 32) accesses inside that window. Branches go down unless *loops*; values of the first block are used in all.
    For rows that read the FP environment *slots* should leave out ``fp_mode``, which would otherwise be set at random."""
    generator = _Generator(rng, slots, tuple(rows), memory)
    unit = Unit(arch, "random")
    labels = [f"b{at}" for at in range(blocks)]
    first: dict[str, list[Inst]] = {}
    for at, label in enumerate(labels):
        generator.insts = unit.block(label).insts
        generator.pool = {name: list(values) for name, values in first.items()}
        generator.emit(OPS["mark"], VOID, (), (0x10000 + 4 * at, 4, 0))
        for _ in range(size):
            choice = rng.random()
            if choice < 0.2:
                generator.put()
            elif choice < 0.3 and memory is not None:
                generator.touch_memory()
            else:
                generator.compute()
        targets = labels if loops else labels[at + 1 :]
        if targets and rng.random() < 0.9:
            generator.emit(OPS["brif"], VOID, (generator.value(TYPES["i1"]),), (rng.choice(targets), rng.choice(targets)))
        else:
            generator.emit(OPS["goto"], VOID, (generator.const(I32), generator.const(I32, 0)), ("jump",))
        if at == 0:
            first = generator.pool
    return unit
