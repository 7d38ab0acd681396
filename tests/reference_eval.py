"""A slow, obviously right engine: runs an IR unit in plain Python, straight from the opcode table.

It exists to judge frontends and the fast engines. Scalar rows use ``dbt.ir.sem``; the words of the other kinds (floating point, lanes) are given
by whoever has them, as ``words``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dbt.abi.archs import LAYOUTS
from dbt.abi.exits import FAULT_ALIGN, FAULT_UNMAPPED, FAULT_WRITE
from dbt.ir import sem
from dbt.ir.optable import OPS, Op
from dbt.ir.unit import Inst, Unit

SCALAR_WORDS: dict[str, Any] = {name: value for name, value in vars(sem).items() if callable(value)}


class MemoryFault(Exception):
    """A guest access failed: ``address`` and FAULT_* bits as ``info``."""

    def __init__(self, address: int, info: int) -> None:
        super().__init__(f"fault at {address:#x}, info {info}")
        self.address = address
        self.info = info


class Memory:
    """Guest memory: a few mapped regions, all readable and writable."""

    def __init__(self) -> None:
        self.regions: list[tuple[int, bytearray]] = []

    def map(self, address: int, data: bytes) -> bytearray:
        region = bytearray(data)
        self.regions.append((address, region))
        return region

    def find(self, address: int, size: int, info: int) -> tuple[bytearray, int]:
        for start, data in self.regions:
            if start <= address and address + size <= start + len(data):
                return data, address - start
        raise MemoryFault(address, info | FAULT_UNMAPPED)

    def load(self, address: int, size: int, info: int = 0) -> int:
        data, at = self.find(address, size, info)
        return int.from_bytes(data[at : at + size], "little")

    def store(self, address: int, size: int, value: int) -> None:
        data, at = self.find(address, size, FAULT_WRITE)
        data[at : at + size] = value.to_bytes(size, "little")


class State:
    """The slots of one vCPU, laid out as ``dbt.abi`` says so that overlapping slots (d0, s0, q0) are the same bytes."""

    def __init__(self, arch: str) -> None:
        self.layout = LAYOUTS[arch]
        self.data = bytearray(self.layout.offset("temps"))
        self.reservation: tuple[int, int] | None = None  # address, size

    def __getitem__(self, slot: str) -> int:
        offset, type = self.layout.slots[slot]
        return int.from_bytes(self.data[offset : offset + -(-type.bits // 8)], "little")

    def __setitem__(self, slot: str, value: int) -> None:
        offset, type = self.layout.slots[slot]
        self.data[offset : offset + -(-type.bits // 8)] = value.to_bytes(-(-type.bits // 8), "little")

    def copy(self) -> State:
        other = State(self.layout.arch)
        other.data[:] = self.data
        other.reservation = self.reservation
        return other

    def differences(self, other: State) -> dict[str, tuple[int, int]]:
        """Slots that are not equal: name -> (here, there)."""
        return {slot: (self[slot], other[slot]) for slot in self.layout.slots if self[slot] != other[slot]}


@dataclass
class Outcome:
    """How a unit was left: ``exit`` is the terminator's name or ``"fault"``, then the guest address and mode to go on with, and the
    terminator's attributes (for a fault ``address`` is the data address and ``info`` an attribute)."""

    exit: str
    address: int
    mode: int = 0
    attrs: dict[str, object] = field(default_factory=dict)


def _compile(op: Op) -> Callable[..., int]:
    source = f"lambda a=0, b=0, c=0, n=0, s=0, env=None{''.join(f', {name}=None' for name in op.attrs)}: {op.sem}"
    return eval(compile(source, f"<sem of {op.name}>", "eval"), _WORDS)


_WORDS: dict[str, Any] = dict(SCALAR_WORDS)
_COMPILED: dict[str, Callable[..., int]] = {}


def _semantics(op: Op) -> Callable[..., int]:
    made = _COMPILED.get(op.name)
    if made is None:
        made = _COMPILED[op.name] = _compile(op)
    return made


def lanes(value: int, bits: int, count: int) -> list[int]:
    """The *count* lanes of a vector, the lowest first."""
    return [value >> (bits * i) & ((1 << bits) - 1) for i in range(count)]


def join(values: list[int], bits: int) -> int:
    """The vector of *values*, the lowest lane first."""
    total = 0
    for i, value in enumerate(values):
        total |= (value & ((1 << bits) - 1)) << (bits * i)
    return total


class Evaluator:
    """Runs units over a state and a memory. *words* adds to the vocabulary of the ``sem`` column, *env* is passed to it."""

    def __init__(self, state: State, memory: Memory, words: Mapping[str, Any] | None = None, env: object = None) -> None:
        self.state = state
        self.memory = memory
        self.env = env
        self.counter = 0  # of ``cycles``
        if words:
            _WORDS.update(words)

    def run(self, unit: Unit, pc: int, limit: int = 100_000) -> Outcome:
        """Run *unit* with its first instruction at *pc* until it exits. On a fault the stores made so far stay; slots written by
        the faulting instruction are put back."""
        values: dict[int, int] = {}
        block = next(iter(unit.blocks.values()))
        saved = bytes(self.state.data)
        try:
            for _ in range(limit):
                for inst in block.insts:
                    if inst.op.name == "mark":
                        pc = int(str(inst.attr("pc")))
                        saved = bytes(self.state.data)
                        self.at_mark(pc)
                    elif inst.op.terminator:
                        break
                    else:
                        values[id(inst)] = self._value(inst, [values[id(arg)] for arg in inst.args], pc)
                last = block.insts[-1]
                args = [values[id(arg)] for arg in last.args]
                if last.op.name == "br":
                    block = unit.blocks[str(last.attr("then"))]
                elif last.op.name == "brif":
                    block = unit.blocks[str(last.attr("then" if args[0] else "orelse"))]
                else:
                    return Outcome(last.op.name, args[0], args[1], dict(zip(last.op.attrs, last.attrs, strict=True)))
        except MemoryFault as fault:
            self.state.data[:] = saved
            return Outcome("fault", fault.address, attrs={"info": fault.info, "pc": pc})
        raise RuntimeError(f"unit {unit.name} did not exit within {limit} blocks")

    def at_mark(self, pc: int) -> None:
        """Called where a guest instruction starts, for subclasses that watch."""

    def _value(self, inst: Inst, args: list[int], pc: int) -> int:
        op = inst.op
        builtin = getattr(self, "_" + op.name, None)
        if builtin is not None:
            return builtin(inst, args)
        if op.name == "pcadd":
            return (pc + inst.attrs[0]) & ((1 << inst.of.bits) - 1)
        if op.name.startswith("rmw_"):
            return self._rmw(inst, args)
        attrs = dict(zip(op.attrs, inst.attrs, strict=True))
        function = _semantics(op)
        if op.kind in ("lane", "widen", "narrow", "bits"):
            return self._vector(inst, args, function, attrs)
        source = inst.args[0].type.bits if inst.args else 0
        return function(*args, n=inst.of.bits, s=source, env=self.env, **attrs)

    def _fflags(self, inst: Inst, args: list[int]) -> int:
        """There is no host here that notes anything."""
        return int(self.state["fp_flags"])

    def _vector(self, inst: Inst, args: list[int], function: Callable[..., int], attrs: dict[str, Any]) -> int:
        kind = inst.op.kind
        if kind == "bits":
            return function(*args, n=inst.of.bits) & ((1 << inst.of.bits) - 1)
        lane = attrs["lane"]
        source, result = {"lane": (lane, lane), "widen": (lane, 2 * lane), "narrow": (2 * lane, lane)}[kind]
        count = inst.type.bits // result
        columns = zip(*[lanes(value, source, count) for value in args], strict=True)
        return join([function(*column, n=lane, s=lane, env=self.env, **attrs) for column in columns], result)

    # Built-in rows ------------------------------------------------------------------------------------------------------
    def _const(self, inst: Inst, args: list[int]) -> int:
        return int(str(inst.attrs[0]))

    def _get(self, inst: Inst, args: list[int]) -> int:
        return self.state[str(inst.attrs[0])]

    def _put(self, inst: Inst, args: list[int]) -> int:
        self.state[str(inst.attrs[0])] = args[0]
        return 0

    def _bitcast(self, inst: Inst, args: list[int]) -> int:
        return args[0]

    def _vpair(self, inst: Inst, args: list[int]) -> int:
        return args[0] | args[1] << 64

    def _vhalf(self, inst: Inst, args: list[int]) -> int:
        return lanes(args[0], 64, 2)[inst.attr("index")]

    def _vdup(self, inst: Inst, args: list[int]) -> int:
        bits = inst.attr("lane")
        return join([args[0]] * (inst.of.bits // bits), bits)

    def _vget(self, inst: Inst, args: list[int]) -> int:
        bits = inst.attr("lane")
        return args[0] >> (bits * inst.attr("index")) & ((1 << bits) - 1)

    def _vsigns(self, inst: Inst, args: list[int]) -> int:
        bits = inst.attr("lane")
        return sum(lane >> bits - 1 << i for i, lane in enumerate(lanes(args[0], bits, inst.args[0].type.bits // bits)))

    def _vset(self, inst: Inst, args: list[int]) -> int:
        bits = inst.attr("lane")
        parts = lanes(args[0], bits, inst.of.bits // bits)
        parts[inst.attr("index")] = args[1]
        return join(parts, bits)

    def _vshuf(self, inst: Inst, args: list[int]) -> int:
        count = inst.of.bits // 8
        table = lanes(args[0], 8, count) + lanes(args[1], 8, count)
        return join([table[i] for i in inst.attr("perm")], 8)

    def _vtbl(self, inst: Inst, args: list[int]) -> int:
        indices, first, second, default = args
        table = (lanes(first, 8, 16) + lanes(second, 8, 16))[: 8 * inst.attr("count")]
        count = inst.of.bits // 8
        pairs = zip(lanes(indices, 8, count), lanes(default, 8, count), strict=True)
        return join([table[i] if i < len(table) else kept for i, kept in pairs], 8)

    def _vbsl(self, inst: Inst, args: list[int]) -> int:
        return args[0] & args[1] | ~args[0] & args[2]

    # Memory -------------------------------------------------------------------------------------------------------------
    def _aligned(self, address: int, align: int, info: int) -> int:
        if address % align:
            raise MemoryFault(address, info | FAULT_ALIGN)
        return address

    def _ld(self, inst: Inst, args: list[int]) -> int:
        return self.memory.load(self._aligned(args[0], inst.attr("align"), 0), inst.of.bits // 8)

    def _st(self, inst: Inst, args: list[int]) -> int:
        self.memory.store(self._aligned(args[0], inst.attr("align"), FAULT_WRITE), inst.of.bits // 8, args[1])
        return 0

    def _ldlink(self, inst: Inst, args: list[int]) -> int:
        size = inst.of.bits // 8
        value = self.memory.load(self._aligned(args[0], size, 0), size)
        self.state.reservation = args[0], size
        return value

    def _stcond(self, inst: Inst, args: list[int]) -> int:
        size = inst.of.bits // 8
        held = self.state.reservation == (self._aligned(args[0], size, FAULT_WRITE), size)
        self.memory.find(args[0], size, FAULT_WRITE)
        self.state.reservation = None
        if held:
            self.memory.store(args[0], size, args[1])
        return 0 if held else 1

    def _clrex(self, inst: Inst, args: list[int]) -> int:
        self.state.reservation = None
        return 0

    def _rmw(self, inst: Inst, args: list[int]) -> int:
        address, operand = self._aligned(args[0], inst.attr("align"), FAULT_WRITE), args[1]
        bits = inst.of.bits
        old = self.memory.load(address, bits // 8, FAULT_WRITE)

        def signed(value: int) -> int:
            return sem.sx(value, bits)

        new = {
            "add": old + operand, "and": old & operand, "or": old | operand, "xor": old ^ operand, "xchg": operand,
            "umin": min(old, operand), "umax": max(old, operand),
            "smin": min(old, operand, key=signed), "smax": max(old, operand, key=signed),
        }[inst.op.name.removeprefix("rmw_")]  # fmt: skip
        self.memory.store(address, bits // 8, sem.wrap(new, bits))
        return old

    def _cas(self, inst: Inst, args: list[int]) -> int:
        address, expected, new = args
        old = self.memory.load(self._aligned(address, inst.attr("align"), FAULT_WRITE), inst.of.bits // 8, FAULT_WRITE)
        if old == expected:
            self.memory.store(address, inst.of.bits // 8, new)
        return old

    def _cycles(self, inst: Inst, args: list[int]) -> int:
        self.counter += 1
        return self.counter

    def _fence(self, inst: Inst, args: list[int]) -> int:
        return 0

    _prefetch = _relax = _fence
    _string_move = _string_fill = _string_scan = _string_compare = _fence  # an engine may do none


def uncovered() -> list[str]:
    """Rows that this engine cannot run because they have neither semantics nor a method here."""
    return [op.name for op in OPS.values() if op.sem is None and not op.terminator and not hasattr(Evaluator, "_" + op.name)
            and op.name not in ("mark", "pcadd") and not op.name.startswith("rmw_")]  # fmt: skip
