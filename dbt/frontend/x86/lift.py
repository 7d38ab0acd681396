"""The x86 frontends: decode, semantics."""

from __future__ import annotations

from collections.abc import Iterator

from dbt.abi.x86_length import MAX_LENGTH
from dbt.frontend.base import Lifted
from dbt.frontend.form import Form
from dbt.frontend.x86.context import Context, UndefinedInstruction
from dbt.frontend.x86.decode import Encoding
from dbt.frontend.x86.forms import form
from dbt.frontend.x86.modes import in_mode
from dbt.frontend.x86.operands import Memory, Mmx
from dbt.frontend.x86.tables import Row, match, operand_size
from dbt.ir.builder import Builder


class X86Frontend:
    """``dbt.frontend.base.Frontend`` for 32-bit code (arch i386) or 64-bit code (x86_64). *llsc*: what LOCK does is done by load-link and store-conditional."""

    max_length = MAX_LENGTH
    min_length = 1

    def __init__(self, arch: str, llsc: bool = False) -> None:
        self.arch = arch
        self.llsc = llsc
        self.long = arch == "x86_64"

    def insn_length(self, mode: int, data: bytes) -> int:
        """Bytes of the instruction at the start of *data*; exceeds ``len(data)`` where memory ends inside it."""
        return min(Encoding(data, self.long).length, MAX_LENGTH)

    def form(self, mode: int, data: bytes) -> Form | None:
        e = Encoding(data, self.long)
        row = match(e, self.long) if e.length == len(data) and not mode else None
        return form(row, e, data, self.long) if row is not None else None

    def popular(self) -> Iterator[tuple[int, bytes]]:
        from dbt.frontend.x86.popular import POPULAR

        for insn in POPULAR[self.arch].split():
            yield 0, bytes.fromhex(insn)

    def mode_name(self, mode: int) -> str:
        return "x86-64" if self.long else "i386"

    def lift(self, b: Builder, mode: int, data: bytes) -> Lifted:
        e = Encoding(data, self.long)
        c = Context(b, mode, e, self.long, self.llsc)
        if e.length > MAX_LENGTH:
            c.length = MAX_LENGTH
            c.raise_exception("protection")
            return Lifted(MAX_LENGTH, mode, True)
        row = match(e, self.long) if e.length <= len(data) else None
        undefined = not (in_mode(self._emit, c, e, row) if mode else self._emit(c, e, row))
        return Lifted(c.length, mode, c.ends, undefined)

    def _emit(self, c: Context, e: Encoding, row: Row | None) -> bool:
        """Emit the instruction's own IR; False if it is undefined, which raises the guest's exception in its place."""
        b = c.b
        block, start, labels = b.block, len(b.block.insts), len(b.unit.blocks)
        if row is not None:
            try:
                c.size = operand_size(e, row, self.long)
                operands = [code(e, c.size) for code in row.codes]
                if None in operands or (e.lock and not ("lock" in row.words and isinstance(operands[0], Memory))):
                    raise UndefinedInstruction
                if any(isinstance(operand, Mmx) for operand in operands):
                    c.wait()
                row.call(c, *operands, **row.arguments(e))
                return True
            except UndefinedInstruction:
                for label in list(b.unit.blocks)[labels:]:
                    del b.unit.blocks[label]
                del block.insts[start:]
                b.block = block
        c.raise_exception("undefined")
        return False
