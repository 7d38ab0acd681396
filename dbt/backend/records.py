"""Encodes the IR of one guest instruction as tier-0 records (format: ``dbt.abi.records``).

A value lives in a temporary cell, or, where that costs no record, in the very state cells of a slot: a ``get`` is an alias of its slot as long as
nothing overwrites it before its last use, and a record may write the slot of a later ``put`` directly when nothing in between can see the difference.
"""

from __future__ import annotations

from struct import Struct
from typing import cast

from dbt.abi.archs import LAYOUTS
from dbt.abi.cpu import TEMP_CELLS, CpuLayout
from dbt.abi.exits import EXCEPTIONS
from dbt.abi.helpers import RMW_KINDS
from dbt.abi.records import CODES, IMMEDIATE_FORMS, PAYLOAD_D, PAYLOAD_N, PAYLOAD_S, is_rare
from dbt.ir.optable import OPS
from dbt.ir.state import X87_SLOTS
from dbt.ir.unit import Block, Inst, Unit
from dbt.ir.x87 import NUMBERS, OPERATIONS

_RECORD = Struct("<HHiii")
_WIDE = Struct("<HHq4x")  # records with a 64-bit number in words 1 and 2
_PAYLOAD = Struct("<8h")
_FREE_CASTS = ("zext", "bitcast", "vhalf")  # no record: the operand's cell serves
_FLOW = ("br", "brif")
_RMW = tuple("rmw_" + kind for kind in RMW_KINDS)
_ORDER_SEQ_CST = "seq_cst"
_NOWHERE = 1 << 62  # the length given for an instruction that ends its block: no exit falls through
_RARE_ROWS = frozenset(name for name in OPS if is_rare(name))


class EncodeError(Exception):
    """The unit cannot be expressed in records: a bug of a frontend or of this encoder."""


class Encoded:
    """The records of one guest instruction, and what the block builder must know of them. Flag sets have a bit for each of the arch's
    condition flags."""

    __slots__ = ("records", "plain", "reads", "writes", "kills", "leaves")

    def __init__(self, records: bytes, plain: bytes | None, reads: int, writes: int, kills: int, leaves: bool) -> None:
        self.records = records
        self.plain = plain  # without the writes of condition flags; None where that saves nothing
        self.reads = reads
        self.writes = writes  # may write
        self.kills = kills  # writes on every path
        self.leaves = leaves  # may fault or leave the block: all flags must be exact before it


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


def encode(unit: Unit, length: int, next_mode: int, ends: bool) -> Encoded:
    """Encode the unit of one guest instruction, as made by ``dbt.frontend.base.lift_insn`` with what that told. EncodeError if it has no
    records (a ``goto`` with a computed mode, too many temporaries)."""
    slots = slot_map(unit.arch)
    length = _NOWHERE if ends else length
    reads, writes, kills, leaves = _summary(unit, slots, length, next_mode)
    records = _Encoder(unit, slots, length, next_mode, frozenset()).run()
    plain = None
    if writes:
        plain = _Encoder(unit, slots, length, next_mode, frozenset(slots.flags)).run()
        if len(plain) == len(records):
            plain = None
    return Encoded(records, plain, reads, writes, kills, leaves)


def rare_record(inst: Inst, dst: int, cells: tuple[int, ...]) -> bytes:
    """Record and payload of a rare row: *cells* are the first cells of its operands, *dst* that of the result."""
    op = inst.op
    a, b, c, d = (*cells, 0, 0, 0, 0)[:4]
    if op.name == "vshuf":
        indexes = cast(tuple[int, ...], inst.attrs[0])
        return _RECORD.pack(CODES[op.name], dst, a, b, inst.of.bits) + bytes(indexes).ljust(16, b"\0")
    payload = _x87_payload(inst) if op.kind == "x87" else [int(value) for value in inst.attrs]  # type: ignore[call-overload]
    payload += [0] * (8 - len(payload))
    if len(op.args) == 4:
        payload[PAYLOAD_D] = d
    payload[PAYLOAD_N] = inst.of.bits if op.types else inst.type.bits
    for arg, pattern in zip(inst.args, op.args, strict=True):
        if pattern in ("S", "F", "X"):
            payload[PAYLOAD_S] = arg.type.bits
    return _RECORD.pack(CODES[op.name], dst, a, b, c) + _PAYLOAD.pack(*payload)


def _x87_payload(inst: Inst) -> list[int]:
    """The attributes, an operation as its number; and what the kernels must know of the operation."""
    what = str(inst.attrs[0])
    if what not in OPERATIONS:
        return [int(value) for value in inst.attrs]  # type: ignore[call-overload]
    operation = OPERATIONS[what]
    i = int(inst.attrs[1]) if len(inst.attrs) > 1 else 0  # type: ignore[call-overload]
    return [NUMBERS[what], i, operation.shape, operation.pops, operation.codes]


def _falls_through(inst: Inst, length: int, next_mode: int) -> bool:
    """True for the exit that just goes on with the next instruction."""
    if inst.op.name != "goto":
        return False
    address, mode = inst.args
    return address.op.name == "pcadd" and address.attrs[0] == length and mode.op.name == "const" and mode.attrs[0] == next_mode


def _summary(unit: Unit, slots: SlotMap, length: int, next_mode: int) -> tuple[int, int, int, bool]:
    """Flags read, may-written and written on every path, and whether the unit may fault or leave."""
    flags = slots.flags
    reads = writes = 0
    leaves = False
    every = sum(flags.values())
    put: dict[str, int] = {}
    for label, block in unit.blocks.items():
        written = 0
        for inst in block.insts:
            name = inst.op.name
            if name == "get":
                reads |= flags.get(inst.attrs[0], 0)  # type: ignore[call-overload]
            elif name == "put":
                written |= flags.get(inst.attrs[0], 0)  # type: ignore[call-overload]
            elif "f" in inst.op.effects or ("t" in inst.op.effects and name not in _FLOW and not _falls_through(inst, length, next_mode)):
                leaves = True
        put[label] = written
        writes |= written
    kills: dict[str, int] = {}
    for label in reversed(unit.blocks):
        block = unit.blocks[label]
        after = block.successors()
        if after:
            joined = every
            for successor in after:
                joined &= kills.get(successor, 0)  # a back-edge counts as writing nothing
        else:
            joined = 0 if _falls_through(block.insts[-1], length, next_mode) else every
        kills[label] = put[label] | joined
    return reads, writes, kills[next(iter(unit.blocks))], leaves


class _Encoder:
    """One run over a unit. Positions are indices in the current block."""

    def __init__(self, unit: Unit, slots: SlotMap, length: int, next_mode: int, drop: frozenset[str]) -> None:
        self.unit = unit
        self.slots = slots
        self.length = length
        self.next_mode = next_mode
        self.out: list[bytes] = []
        self.fixups: list[tuple[int, bytes, str, str]] = []
        self.starts: dict[str, int] = {}
        self.where: dict[Inst, int] = {}  # value -> first cell
        self.next_temp = slots.temps
        self.free_single: list[int] = []
        self.free_pair: list[int] = []
        self._collect(drop)

    # What is needed ---------------------------------------------------------------------------------------------------
    def _collect(self, drop: frozenset[str]) -> None:
        """Operands after looking through free casts, immediates and address sums; then drop what nobody uses."""
        self.args: dict[Inst, tuple[Inst, ...]] = {}
        self.skips: dict[Inst, tuple[int, ...]] = {}  # cells to skip in operands, where not all are 0
        self.imm: dict[Inst, int] = {}
        self.part: dict[Inst, tuple[Inst, int]] = {}  # free cast -> (value, cells to skip)
        self.count: dict[Inst, int] = {}
        self.block_of: dict[Inst, Block] = {}
        address_type = self.slots.address_type
        part, count = self.part, self.count
        for block in self.unit.blocks.values():
            for inst in block.insts:
                op = inst.op
                name = op.name
                self.block_of[inst] = block
                if name in _FREE_CASTS:
                    base = inst.args[0]
                    skip = int(inst.attrs[0]) if name == "vhalf" else 0  # type: ignore[call-overload]
                    base, before = part.get(base, (base, 0))
                    part[inst] = (base, before + skip)
                    continue
                if name == "put" and inst.attrs[0] in drop:
                    continue
                args = inst.args
                if args:
                    if name in IMMEDIATE_FORMS:
                        left, right = args
                        if left.op.name == "const" and op.commutes:
                            left, right = right, left
                        if right.op.name == "const" and _fits(right, inst):
                            self.imm[inst] = _signed(int(right.attrs[0]), right.type.bits)  # type: ignore[call-overload]
                            args = (left,)
                    elif (name == "ld" or name == "st") and args[0].type is address_type:
                        base, offset = _displaced(args[0])
                        self.imm[inst] = offset
                        args = (base, *args[1:])
                    elif name == "goto":
                        args = self._goto_args(inst)
                    elif name == "goto_ind":
                        args = args[:1] if args[1].op.name == "const" else args
                    elif op.terminator and name not in _FLOW:
                        args = args[:1]
                if part and args:
                    skips = tuple([part[arg][1] if arg in part else 0 for arg in args])
                    if any(skips):
                        self.skips[inst] = skips
                    args = tuple([part[arg][0] if arg in part else arg for arg in args])
                self.args[inst] = args
                for arg in args:
                    count[arg] = count.get(arg, 0) + 1
        unused = [inst for inst in self.args if inst not in self.count and _removable(inst)]
        while unused:
            inst = unused.pop()
            for arg in self.args.pop(inst):
                self.count[arg] -= 1
                if not self.count[arg] and _removable(arg):
                    unused.append(arg)

    def _goto_args(self, inst: Inst) -> tuple[Inst, ...]:
        address, mode = inst.args
        if mode.op.name != "const":
            raise EncodeError("goto needs a constant mode: use goto_ind")
        return () if address.op.name == "pcadd" else (address,)

    # Cells ------------------------------------------------------------------------------------------------------------
    def _temp(self, cells: int) -> int:
        if cells == 1:
            if self.free_single:
                return self.free_single.pop()
        elif self.free_pair:
            return self.free_pair.pop()
        at = self.next_temp
        self.next_temp += cells
        if self.next_temp > self.slots.temps + TEMP_CELLS:
            raise EncodeError(f"{self.unit.name} needs more than {TEMP_CELLS} temporary cells")
        return at

    def _cells(self, inst: Inst) -> list[int]:
        """First cells of the operands."""
        cells = [self.where[arg] for arg in self.args[inst]]
        skips = self.skips.get(inst)
        return cells if skips is None else [cell + skip for cell, skip in zip(cells, skips, strict=True)]

    def _plan(self, insts: list[Inst], outside: set[Inst]) -> tuple[dict[Inst, int], dict[Inst, int], set[Inst]]:
        """For a block: last use of each value, cells of the values that live in slots, and the puts that need no record."""
        slots = self.slots
        last: dict[Inst, int] = {}
        at: dict[Inst, int] = {}
        gets: list[tuple[int, Inst, int, int]] = []
        puts: list[tuple[int, Inst, int, int]] = []
        touched: list[tuple[int, int, int]] = []  # (position, cells) of the reads and writes of slots
        barriers: list[int] = []
        writes: list[tuple[int, int, int]] = []
        for i, inst in enumerate(insts):
            at[inst] = i
            for arg in self.args[inst]:
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
            value, skip = self.part.get(arg, (arg, 0))
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
            if value.op.name in _RARE_ROWS and any(self._overlaps(arg, home, lo, hi) for arg in self.args[value]):
                continue  # rare rows may write a cell of the result before they read the last operand
            home[value] = lo
            residents.append((lo, hi, k, end))
            fused.add(inst)
        return last, home, fused

    def _overlaps(self, value: Inst, home: dict[Inst, int], lo: int, hi: int) -> bool:
        first = home.get(value)
        return first is not None and first != lo and first < hi and lo < first + value.type.cells

    # Emission ---------------------------------------------------------------------------------------------------------
    def run(self) -> bytes:
        blocks = list(self.unit.blocks.values())
        outside: set[Inst] = set()
        if len(blocks) > 1:
            block_of = self.block_of
            for inst, args in self.args.items():
                for arg in args:
                    if block_of[arg] is not block_of[inst]:
                        outside.add(arg)
        for number, block in enumerate(blocks):
            self.starts[block.label] = len(self.out)
            insts = [inst for inst in block.insts if inst in self.args]
            last, home, fused = self._plan(insts, outside)
            following = blocks[number + 1].label if number + 1 < len(blocks) else ""
            for i, inst in enumerate(insts):
                if inst in fused:
                    continue
                name = inst.op.name
                if name == "get" and inst in home:
                    self.where[inst] = home[inst]
                    continue
                if inst.op.terminator:
                    self._terminator(inst, following)
                    continue
                dst = 0
                if inst.type.bits:
                    dst = home[inst] if inst in home else self._temp(inst.type.cells)
                    self.where[inst] = dst
                self._emit(inst, dst)
                for arg in dict.fromkeys(self.args[inst]):
                    if last[arg] == i and arg not in outside and arg not in home:
                        (self.free_single if arg.type.cells == 1 else self.free_pair).append(self.where[arg])
        end = len(self.out)
        for at, record, then, orelse in self.fixups:
            code, cell, a, b, c = _RECORD.unpack(record)
            then_at = self.starts.get(then, end) - at
            self.out[at] = _RECORD.pack(code, cell, then_at, 0, 0) if code == CODES["br"] else _RECORD.pack(
                code, cell, a, then_at, self.starts[orelse] - at)
        return b"".join(self.out)

    def _put_record(self, name: str, dst: int = 0, a: int = 0, b: int = 0, c: int = 0) -> None:
        self.out.append(_RECORD.pack(CODES[name], dst, a, b, c))

    def _terminator(self, inst: Inst, following: str) -> None:
        name = inst.op.name
        if name == "br":
            if inst.attrs[0] != following:
                self._jump(str(inst.attrs[0]))
            return
        if name == "brif":
            record = _RECORD.pack(CODES["brif"], 0, self._cells(inst)[0], 0, 0)
            self.fixups.append((len(self.out), record, str(inst.attrs[0]), str(inst.attrs[1])))
            self.out.append(record)
            return
        if _falls_through(inst, self.length, self.next_mode):
            if following:
                self._jump("")
            return
        address, mode = inst.args
        if name == "goto" and address.op.name == "pcadd":
            self.out.append(_WIDE.pack(CODES["goto"], int(mode.attrs[0]), _signed64(int(address.attrs[0]))))  # type: ignore[call-overload]
            return
        cells = self._cells(inst)
        pc = cells[0]
        if name in ("goto", "goto_ind"):
            if mode.op.name == "const":
                self._put_record("goto_ind", 0, pc, int(mode.attrs[0]), 1)  # type: ignore[call-overload]
            else:
                self._put_record("goto_ind", 0, pc, cells[1], 0)
            return
        if mode.op.name != "const":
            raise EncodeError(f"{name} needs a constant mode")
        b = c = 0
        if name == "syscall":
            b = int(inst.attrs[0])  # type: ignore[call-overload]
        elif name == "exception":
            b, c = EXCEPTIONS[str(inst.attrs[0])][0], _signed(int(inst.attrs[1]) & 0xFFFF_FFFF, 32)  # type: ignore[call-overload]
        self._put_record(name, int(mode.attrs[0]), pc, b, c)  # type: ignore[call-overload]

    def _jump(self, label: str) -> None:
        """A jump to block *label*, or to the end of the template for ""."""
        record = _RECORD.pack(CODES["br"], 0, 0, 0, 0)
        self.fixups.append((len(self.out), record, label, label))
        self.out.append(record)

    def _emit(self, inst: Inst, dst: int) -> None:
        op = inst.op
        name = op.name
        cells = self._cells(inst)
        if name in _RARE_ROWS:
            whole = rare_record(inst, dst, tuple(cells))
            self.out += (whole[:16], whole[16:])
        elif inst in self.imm and name not in ("ld", "st"):
            self._put_record(f"{name}.{inst.of}:i", dst, cells[0], self.imm[inst])
        elif name == "get" or name == "put":
            self._slot(inst, dst, cells)
        elif name == "const":
            value = int(inst.attrs[0])  # type: ignore[call-overload]
            for i in range(inst.type.cells):
                self.out.append(_WIDE.pack(CODES["const.i64"], dst + i, _signed64(value >> 64 * i)))
        elif name == "pcadd":
            self.out.append(_WIDE.pack(CODES[f"pcadd.{inst.of}"], dst, _signed64(_signed(int(inst.attrs[0]), inst.of.bits))))  # type: ignore[call-overload]
        elif name == "ld":
            self._put_record(f"ld.{inst.of}", dst, cells[0], self.imm.get(inst, 0), int(inst.attrs[0]))  # type: ignore[call-overload]
        elif name == "st":
            self._put_record(f"st.{inst.of}", cells[1], cells[0], self.imm.get(inst, 0), int(inst.attrs[0]))  # type: ignore[call-overload]
        elif name == "sext":
            self._put_record(f"sext.{inst.of}", dst, cells[0], inst.args[0].type.bits)
        elif name == "select" and inst.type.cells == 2:
            condition, yes, no = cells
            self._put_record("select.i64", dst, condition, yes, no)
            self._put_record("select.i64", dst + 1, condition, yes + 1, no + 1)
        elif name == "cas":
            self._put_record(f"cas.{inst.of}", dst, cells[0], cells[1], cells[2] | int(inst.attrs[0]) << 16)  # type: ignore[call-overload]
        elif name in _RMW:
            self._put_record(f"{name}.{inst.of}", dst, cells[0], cells[1], int(inst.attrs[0]))  # type: ignore[call-overload]
        elif name == "fence":
            self._put_record(name, 0, int(inst.attrs[0] == _ORDER_SEQ_CST))
        elif name not in ("mark", "prefetch", "relax"):
            a, b, c = (*cells, 0, 0, 0)[:3]
            self._put_record(f"{name}.{inst.of}" if op.types else name, dst, a, b, c)

    def _slot(self, inst: Inst, dst: int, cells: list[int]) -> None:
        slot = str(inst.attrs[0])
        full = self.slots.full.get(slot)
        if full is None:
            offset, bits, _, _ = self.slots.part[slot]
            if inst.op.name == "get":
                self._put_record(f"get{bits}", dst, offset)
            else:
                self._put_record(f"put{bits}", 0, cells[0], offset)
            return
        move = "mov2" if full[1] - full[0] == 2 else "mov"
        if inst.op.name == "get":
            self._put_record(move, dst, full[0])
        else:
            self._put_record(move, full[0], cells[0])


def _removable(inst: Inst) -> bool:
    return inst.op.effects in ("", "g")


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _signed64(value: int) -> int:
    return _signed(value, 64)


def _fits(constant: Inst, user: Inst) -> bool:
    """True if the immediate form of *user* can hold *constant*: 32 bits, sign-extended."""
    value = _signed(int(constant.attrs[0]), constant.type.bits)  # type: ignore[call-overload]
    return f"{user.op.name}.{user.of}:i" in CODES and -(1 << 31) <= value < 1 << 31


def _displaced(address: Inst) -> tuple[Inst, int]:
    """An address as a base and a displacement of 32 bits; (address, 0) if it is no such sum."""
    name = address.op.name
    if name in ("add", "sub"):
        base, constant = address.args
        if name == "add" and base.op.name == "const":
            base, constant = constant, base
        if constant.op.name == "const":
            value = _signed(int(constant.attrs[0]), constant.type.bits)  # type: ignore[call-overload]
            value = -value if name == "sub" else value
            if -(1 << 31) <= value < 1 << 31:
                return base, value
    return address, 0
