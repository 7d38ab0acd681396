"""The ARM frontend: fetch, condition, decode, semantics."""

from __future__ import annotations

from collections.abc import Iterator

from dbt.abi.arm import MODE_IT_SHIFT, MODE_THUMB
from dbt.frontend.arm.context import AL, Context, UndefinedInstruction
from dbt.frontend.arm.forms import form
from dbt.frontend.arm.tables import T16, match_a32, match_t32
from dbt.frontend.base import Lifted
from dbt.frontend.decode import Row
from dbt.frontend.form import Form
from dbt.ir.builder import Builder

_ALWAYS_IN_THUMB = frozenset({"bkpt"})  # unconditional even inside an IT block


class ArmFrontend:
    """``dbt.frontend.base.Frontend`` for A32 and T32."""

    arch = "arm"
    max_length = 4
    min_length = 2

    def insn_length(self, mode: int, data: bytes) -> int:
        """Bytes of the instruction at the start of *data*; may exceed ``len(data)`` where memory ends inside it."""
        if mode & MODE_THUMB:
            return 4 if data[1] >= 0xE8 else 2
        return 4

    def mode_name(self, mode: int) -> str:
        return "t32" if mode & MODE_THUMB else "a32"

    def decode(self, mode: int, data: bytes) -> tuple[Row | None, int, int]:
        """(row, word, condition) of the instruction at the start of *data*; no row for an unallocated or cut-off encoding. The word is the one the
        row's fields are in."""
        length = self.insn_length(mode, data)
        if mode & MODE_THUMB:
            word = int.from_bytes(data[:2], "little")
            if length == 4:
                row, word = match_t32(word << 16 | int.from_bytes(data[2:4], "little"))
            else:
                row = T16.match(word)
            itstate = mode >> MODE_IT_SHIFT
            always = not itstate or row is not None and row.name in _ALWAYS_IN_THUMB
            cond = AL if always else min(itstate >> 4, AL)
        else:
            word = int.from_bytes(data[:4], "little")
            cond = min(word >> 28, AL)
            row = match_a32(word)
        if len(data) < length:
            row = None
        return row, word, cond

    def form(self, mode: int, data: bytes) -> Form | None:
        row, word, _ = self.decode(mode, data)
        return form(row, word, bool(mode & MODE_THUMB)) if row is not None else None

    def popular(self) -> Iterator[tuple[int, bytes]]:
        from dbt.frontend.arm.popular import POPULAR

        for mode, text in POPULAR.items():
            for word in text.split():
                yield mode, bytes.fromhex(word)

    def lift(self, b: Builder, mode: int, data: bytes) -> Lifted:
        length = self.insn_length(mode, data)
        row, word, cond = self.decode(mode, data)
        c = Context(b, mode, length, cond)
        skipped = c.branch_if(*c.condition(cond)) if cond != AL else ""
        undefined = not self._emit(c, row, word)
        if skipped:
            if c.ends:
                b.start(skipped)
                c.branch_next()
            else:
                b.br(then=skipped)
                b.start(skipped)
        return Lifted(length, c.next_mode, c.ends, undefined)

    def _emit(self, c: Context, row: Row | None, word: int) -> bool:
        """Emit the instruction's own IR; False if it is undefined, which raises the guest's exception in its place."""
        block, start = c.b.block, len(c.b.block.insts)
        labels = len(c.b.unit.blocks)
        if row is not None:
            try:
                row.call(c, **row.decode(word))
                return True
            except UndefinedInstruction:
                for label in list(c.b.unit.blocks)[labels:]:
                    del c.b.unit.blocks[label]
                del block.insts[start:]
                c.b.block = block
        c.raise_exception("undefined")
        return False


frontend = ArmFrontend()
