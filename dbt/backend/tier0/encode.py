"""Encodes the IR of one guest instruction as tier-0 records (format: ``dbt.abi.records``).

A value lives in a temporary cell, or, where that costs no record, in the very state cells of a slot: a ``get`` is an alias of its slot as long as
nothing overwrites it before its last use, and a record may write the slot of a later ``put`` directly when nothing in between can see the difference.
"""

from __future__ import annotations

from dbt.abi.cpu import TEMP_CELLS
from dbt.abi.exits import EXCEPTIONS
from dbt.abi.helpers import RMW_KINDS
from dbt.abi.records import CODES
from dbt.backend.tier0.cells import RARE_ROWS, SlotMap, plan, slot_map
from dbt.backend.tier0.flags import falls_through, summary
from dbt.backend.tier0.format import RECORD, WIDE, signed
from dbt.backend.tier0.operands import EncodeError, Operands
from dbt.backend.tier0.rare import rare_record
from dbt.ir.unit import Inst, Unit

_RMW = tuple("rmw_" + kind for kind in RMW_KINDS)
_ORDER_SEQ_CST = "seq_cst"
_NOWHERE = 1 << 62  # the length given for an instruction that ends its block: no exit falls through


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


def encode(unit: Unit, length: int, next_mode: int, ends: bool) -> Encoded:
    """Encode the unit of one guest instruction, as made by ``dbt.frontend.base.lift_insn`` with what that told. EncodeError if it has no
    records (a ``goto`` with a computed mode, too many temporaries)."""
    slots = slot_map(unit.arch)
    length = _NOWHERE if ends else length
    reads, writes, kills, leaves = summary(unit, slots.flags, length, next_mode)
    records = _Encoder(unit, slots, length, next_mode, frozenset()).run()
    plain = None
    if writes:
        plain = _Encoder(unit, slots, length, next_mode, frozenset(slots.flags)).run()
        if len(plain) == len(records):
            plain = None
    return Encoded(records, plain, reads, writes, kills, leaves)


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
        self.operands = Operands(unit, slots.address_type, drop)
        self.args, self.skips, self.imm = self.operands.args, self.operands.skips, self.operands.imm

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

    # Emission ---------------------------------------------------------------------------------------------------------
    def run(self) -> bytes:
        blocks = list(self.unit.blocks.values())
        outside: set[Inst] = set()
        if len(blocks) > 1:
            block_of = self.operands.block_of
            for inst, args in self.args.items():
                for arg in args:
                    if block_of[arg] is not block_of[inst]:
                        outside.add(arg)
        for number, block in enumerate(blocks):
            self.starts[block.label] = len(self.out)
            insts = [inst for inst in block.insts if inst in self.args]
            last, home, fused = plan(insts, outside, self.operands, self.slots)
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
            code, cell, a, b, c = RECORD.unpack(record)
            then_at = self.starts.get(then, end) - at
            self.out[at] = RECORD.pack(code, cell, then_at, 0, 0) if code == CODES["br"] else RECORD.pack(
                code, cell, a, then_at, self.starts[orelse] - at)
        return b"".join(self.out)

    def _put_record(self, name: str, dst: int = 0, a: int = 0, b: int = 0, c: int = 0) -> None:
        self.out.append(RECORD.pack(CODES[name], dst, a, b, c))

    def _terminator(self, inst: Inst, following: str) -> None:
        name = inst.op.name
        if name == "br":
            if inst.attrs[0] != following:
                self._jump(str(inst.attrs[0]))
            return
        if name == "brif":
            record = RECORD.pack(CODES["brif"], 0, self._cells(inst)[0], 0, 0)
            self.fixups.append((len(self.out), record, str(inst.attrs[0]), str(inst.attrs[1])))
            self.out.append(record)
            return
        if falls_through(inst, self.length, self.next_mode):
            if following:
                self._jump("")
            return
        address, mode = inst.args
        if name == "goto" and address.op.name == "pcadd":
            self.out.append(WIDE.pack(CODES["goto"], int(mode.attrs[0]), signed(int(address.attrs[0]), 64)))  # type: ignore[call-overload]
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
            b, c = EXCEPTIONS[str(inst.attrs[0])][0], signed(int(inst.attrs[1]) & 0xFFFF_FFFF, 32)  # type: ignore[call-overload]
        self._put_record(name, int(mode.attrs[0]), pc, b, c)  # type: ignore[call-overload]

    def _jump(self, label: str) -> None:
        """A jump to block *label*, or to the end of the template for ""."""
        record = RECORD.pack(CODES["br"], 0, 0, 0, 0)
        self.fixups.append((len(self.out), record, label, label))
        self.out.append(record)

    def _emit(self, inst: Inst, dst: int) -> None:
        op = inst.op
        name = op.name
        cells = self._cells(inst)
        if name in RARE_ROWS:
            whole = rare_record(inst, dst, tuple(cells))
            self.out += (whole[:16], whole[16:])
        elif inst in self.imm and name not in ("ld", "st"):
            self._put_record(f"{name}.{inst.of}:i", dst, cells[0], self.imm[inst])
        elif name == "get" or name == "put":
            self._slot(inst, dst, cells)
        elif name == "const":
            value = int(inst.attrs[0])  # type: ignore[call-overload]
            for i in range(inst.type.cells):
                self.out.append(WIDE.pack(CODES["const.i64"], dst + i, signed(value >> 64 * i, 64)))
        elif name == "pcadd":
            self.out.append(WIDE.pack(CODES[f"pcadd.{inst.of}"], dst, signed(int(inst.attrs[0]), inst.of.bits)))  # type: ignore[call-overload]
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


