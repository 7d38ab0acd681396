"""What the instruction at the pc does with memory, for faults whose kind depends on it."""

from __future__ import annotations

from dbt.abi.x86 import RPL, SEGMENTS
from dbt.frontend.x86.context import BP, SP
from dbt.frontend.x86.decode import Encoding
from dbt.frontend.x86.operands import Memory
from dbt.frontend.x86.tables import match, operand_size

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread

_FS = 4  # and GS, 5: the segments that have bases in 64-bit code
_ENTER, _LEAVE = 0xC8, 0xC9
_PUSHED_BYTES = 16  # at most, on either side of rSP
_READ_AND_WRITTEN = ("shift_rotate",)  # modules whose first operand is both, besides the rows that take LOCK


def _encoding(thread: Thread) -> tuple[Encoding, bool]:
    vcpu = thread.vcpu
    long = vcpu.layout.arch == "x86_64"
    return Encoding(thread.process.engine.fetch(vcpu.pc, thread.process.engine.frontend.max_length), long), long


def uses_stack(thread: Thread, address: int) -> bool:
    """True if the instruction reaches *address* through the stack segment: by rSP or rBP as base, or as PUSH, CALL, LEAVE and the like do."""
    e, _ = _encoding(thread)
    if e.segment is not None and e.segment >= _FS:
        return False
    if e.mod != 3 and e.base in (SP, BP) or not e.map and e.opcode in (_ENTER, _LEAVE):
        return True
    return abs(address - thread.regs[SP]) <= _PUSHED_BYTES


def through_null_segment(thread: Thread) -> bool:
    """True if the instruction has an override of FS or GS, which holds no segment."""
    e, _ = _encoding(thread)
    return e.segment is not None and e.segment >= _FS and not thread.vcpu.get(SEGMENTS[e.segment]) & ~RPL


def runs_over_the_end(thread: Thread, address: int) -> bool:
    """True if the memory operand of 32-bit code at *address* goes on behind the last byte of the address space. One without a size (BOUND's pair) has
    two bytes at least."""
    e, long = _encoding(thread)
    row = match(e, long)
    operands = [code(e, operand_size(e, row, long)) for code in row.codes] if row is not None and not long else []
    return any(isinstance(operand, Memory) and address + max(operand.size // 8, 2) > 1 << 32 for operand in operands)


def writes_operand(thread: Thread, address: int) -> bool:
    """True if the instruction reads and writes its memory operand, or (ENTER) tries *address*, below the stack."""
    e, long = _encoding(thread)
    if not e.map and e.opcode == _ENTER:
        return address < thread.regs[SP]
    row = match(e, long)
    if row is None or not row.codes or not ("lock" in row.words or row.module in _READ_AND_WRITTEN):
        return False
    return isinstance(row.codes[0](e, operand_size(e, row, long)), Memory)
