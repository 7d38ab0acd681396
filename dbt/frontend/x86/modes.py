"""The guest modes (``dbt.abi.x86.MODE_*``): what an instruction has to do in a thread that has set TF or AC, or has unmasked an SSE exception.

All three are added to what the semantics functions emit, so that these know nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable

from dbt.abi.x86 import MODE_ALIGNED, MODE_TRAP, MODE_UNMASKED, MXCSR_FLAGS, MXCSR_MASKS_SHIFT
from dbt.frontend.x86.context import Context, memory_type
from dbt.frontend.x86.decode import Encoding
from dbt.frontend.x86.operands import Memory
from dbt.frontend.x86.tables import Row, operand_size
from dbt.ir.builder import Builder
from dbt.ir.unit import Inst, Unit

Emit = Callable[[Context, Encoding, Row | None], bool]
_FLOAT_MODULES = ("simd_float", "simd_convert")
_FLAGS = "fp_flags"


def in_mode(emit: Emit, c: Context, e: Encoding, row: Row | None) -> bool:
    """Emit an instruction for the guest mode of *c*, which is not 0; what *emit* gives."""
    before = {label: len(block.insts) for label, block in c.b.unit.blocks.items()}
    if c.mode & MODE_UNMASKED and row is not None and row.module in _FLOAT_MODULES:
        done = _unmasked(emit, c, e, row)
    else:
        done = emit(c, e, row)
    if c.mode & MODE_ALIGNED:
        for label, block in c.b.unit.blocks.items():
            for inst in block.insts[before.get(label, 0) :]:
                _align(inst)
    if c.mode & MODE_TRAP and not c.b.done:
        c.branch_next()
    return done


def _align(inst: Inst) -> None:
    """A memory operation that asks for natural alignment."""
    if "align" in inst.op.attrs and inst.of.bits > 8:
        at = inst.op.attrs.index("align")
        inst.attrs = (*inst.attrs[:at], inst.of.bits // 8, *inst.attrs[at + 1 :])


def _unmasked(emit: Emit, c: Context, e: Encoding, row: Row) -> bool:
    """An SSE instruction raises #XM, and leaves all but the flags of MXCSR as it was, if it sets the flag of an exception that is not masked. It reads its
    memory operand first, so that a fault finds the flags complete, too."""
    b = c.b
    slots = _slots_written(emit, c, e, row)
    for code in row.codes:
        operand = code(e, operand_size(e, row, c.long))
        if isinstance(operand, Memory):
            b.ld(memory_type(operand.size), c.address(operand), align=16 if operand.size == 128 else 1)
    saved = {slot: b.getreg(slot) for slot in slots}
    flags_before = b.fflags()
    b.put(0, slot=_FLAGS)
    if not emit(c, e, row):
        return False
    raised = b.fflags()
    b.put(b.or_(flags_before, raised), slot=_FLAGS)
    mxcsr, unmasked = b.getreg("mxcsr"), b.i32(0)
    for bit, flag in MXCSR_FLAGS:
        masked = b.and_(mxcsr, bit << MXCSR_MASKS_SHIFT)
        unmasked = b.or_(unmasked, b.select(b.eq(masked, 0), b.i32(flag), b.i32(0)))
    good = c.branch_if(b.ne(b.and_(raised, unmasked), 0))
    for slot, value in saved.items():
        b.put(value, slot=slot)
    c.raise_exception("simd")
    c.ends = False
    b.start(good)
    return True


def _slots_written(emit: Emit, c: Context, e: Encoding, row: Row) -> list[str]:
    """The slots that the instruction writes, as a trial in a unit of its own tells."""
    unit = Unit(c.b.unit.arch, "trial")
    emit(Context(Builder(unit, c.b.slots), c.mode, e, c.long, c.llsc), e, row)
    puts = [inst for block in unit.blocks.values() for inst in block.insts if inst.op.name == "put"]
    return list(dict.fromkeys(str(inst.attr("slot")) for inst in puts if inst.attr("slot") != _FLAGS))
