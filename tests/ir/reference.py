"""A slow, obviously right evaluator for units of scalar integer operations: what passes are held against.

It runs a unit on a state (bytes) and a toy memory, and records everything that somebody could see: each memory access with the whole state at that
moment, and the exit with its operands and the state.
"""

from __future__ import annotations

from dbt.ir.fold import evaluate
from dbt.ir.state import Slots, slot_bytes
from dbt.ir.types import Type
from dbt.ir.unit import Inst, Unit


def initial_memory(address: int) -> int:
    """The byte that the toy memory holds at *address* before anybody writes."""
    return address * 167 >> 3 & 0xFF


class Machine:
    """State, memory and the trace of what was seen."""

    def __init__(self, slots: Slots, seed: int = 0) -> None:
        self.slots = slots
        size = max(offset + slot_bytes(type) for offset, type in slots.values())
        self.state = bytearray((at * 73 + seed * 31) & 0xFF for at in range(size))
        for offset, type in slots.values():
            if type.bits == 1:
                self.state[offset] &= 1
        self.memory: dict[int, int] = {}
        self.trace: list[tuple[object, ...]] = []
        self.pc = 0
        self.watched: set[int] = set()  # addresses of guest instructions at whose mark the state is recorded

    def get(self, slot: str) -> int:
        offset, type = self.slots[slot]
        return int.from_bytes(self.state[offset : offset + slot_bytes(type)], "little")

    def put(self, slot: str, value: int) -> None:
        offset, type = self.slots[slot]
        self.state[offset : offset + slot_bytes(type)] = value.to_bytes(slot_bytes(type), "little")

    def see(self, *what: object) -> None:
        visible = tuple(sorted((name, self.get(name)) for name in self.slots))
        self.trace.append((*what, visible))

    def load(self, address: int, type: Type) -> int:
        data = [self.memory.get(address + at, initial_memory(address + at)) for at in range(type.bits // 8)]
        return int.from_bytes(bytes(data), "little")

    def store(self, address: int, value: int, type: Type) -> None:
        for at, byte in enumerate(value.to_bytes(type.bits // 8, "little")):
            self.memory[address + at] = byte


def run(unit: Unit, machine: Machine, events: int = 100, steps: int = 4000) -> bool:
    """Run *unit* from its first block until it leaves, *events* have been traced or *steps* operations have run; True if it left."""
    values: dict[Inst, int] = {}
    block = next(iter(unit.blocks.values()))
    while True:
        for inst in block.insts:
            steps -= 1
            if steps < 0 or len(machine.trace) >= events:
                return False
            args = [values[arg] for arg in inst.args]
            name = inst.op.name
            if name == "br":
                block = unit.blocks[str(inst.attrs[0])]
                break
            if name == "brif":
                block = unit.blocks[str(inst.attrs[0] if args[0] else inst.attrs[1])]
                break
            if inst.op.terminator:
                machine.see(name, *args, *inst.attrs)
                return True
            values[inst] = _step(inst, args, machine)
        else:
            raise AssertionError(f"block {block.label} has no terminator")


def _step(inst: Inst, args: list[int], machine: Machine) -> int:
    """The value of one operation (0 for those without)."""
    name = inst.op.name
    if name == "const":
        return inst.attrs[0]
    if name == "pcadd":
        return machine.pc + inst.attrs[0] & (1 << inst.of.bits) - 1
    if name == "mark":
        machine.pc = inst.attrs[0]
        if machine.pc in machine.watched:
            machine.see("mark", machine.pc)
        return 0
    if name == "get":
        return machine.get(inst.attrs[0])
    if name == "put":
        machine.put(inst.attrs[0], args[0])
        return 0
    if name == "ld":
        machine.see("ld", args[0])
        return machine.load(args[0], inst.of)
    if name == "st":
        machine.see("st", *args)
        machine.store(args[0], args[1], inst.of)
        return 0
    if name == "bitcast":
        return args[0]
    if name == "vpair":
        return args[0] | args[1] << 64
    if name == "vhalf":
        return args[0] >> 64 * inst.attrs[0] & (1 << 64) - 1
    return evaluate(inst.op, inst.of, [arg.type for arg in inst.args], args, inst.attrs)
