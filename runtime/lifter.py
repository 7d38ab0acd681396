"""Lifting for the engine: makes the templates that the block builder misses. Imported when the first one is missed, which a warm start never does."""

from __future__ import annotations

import os

from dbt.abi.archs import LAYOUTS
from dbt.abi.memory import PAGE_MASK
from dbt.abi.record import RECORD_BYTES
from dbt.backend.tier0.encode import encode
from dbt.frontend.base import HasForms, Lifted, lift_insn
from dbt.ir.builder import Builder
from dbt.ir.unit import Unit
from runtime.process_block import BLOCK_INSNS
from runtime.templates import pack

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.engine import Engine
    from runtime.vcpu import VCpu


def undefined_unit(arch: str, mode: int) -> Unit:
    """The unit of an instruction that raises the undefined-instruction exception."""
    layout = LAYOUTS[arch]
    unit = Unit(arch, "undefined")
    b = Builder(unit, layout.slot_types)
    b.exception(b.pcadd(layout.address_type, value=0), mode, kind="undefined")
    return unit


class Lifter:
    """``failed``: instructions that a bug of ours kept from being lifted -> the error."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._frontend = engine.frontend
        self.failed: dict[bytes, str] = {}

    def lift(self, vcpu: VCpu) -> None:
        """Make the template that the block builder misses, and those of the instructions that follow in a straight line."""
        engine = self._engine
        pc, mode = vcpu.get("exit_arg"), vcpu.get("exit_detail")
        page = pc & PAGE_MASK
        for _ in range(BLOCK_INSNS):
            data = engine.fetch(pc, self._frontend.max_length)
            if len(data) < self._frontend.min_length or len(data) < self._frontend.insn_length(mode, data):
                return
            lifted = self._make_template(mode, data)
            mode = lifted.next_mode
            pc += lifted.length
            if lifted.ends or pc & PAGE_MASK != page or engine.has_template(vcpu, pc, mode):
                return

    def _make_template(self, mode: int, data: bytes) -> Lifted:
        """Lift and remember one instruction. A bug met on the way is counted, and the instruction counts as undefined: nothing here ends a guest."""
        engine = self._engine
        try:
            unit, lifted = lift_insn(self._frontend, mode, data)
            encoded = encode(unit, lifted.length, lifted.next_mode, lifted.ends)
        except Exception as error:
            if os.environ.get("DBT_DEBUG"):
                raise
            length = min(self._frontend.insn_length(mode, data), len(data))
            self.failed[data[:length]] = f"{type(error).__name__}: {error}"
            lifted = Lifted(length, mode, ends=True, undefined=True)
            encoded = encode(undefined_unit(engine.arch, mode), length, mode, True)
        else:
            self._meet_shape(mode, data[: lifted.length])
        data = data[: lifted.length]
        engine.templates.add(pack(encoded, mode, data, lifted.next_mode, lifted.ends))
        engine.lifted += 1
        if engine.on_lift is not None:
            engine.on_lift(mode, data, len(encoded.records) // RECORD_BYTES)
        return lifted

    def _meet_shape(self, mode: int, data: bytes) -> None:
        """An instruction had to be lifted: perhaps others of its shape need not be."""
        if isinstance(self._frontend, HasForms):
            form = self._frontend.form(mode, data)
            if form is not None:
                self._engine.shapes.met(form, mode, data, self.packed)

    def learn_popular(self) -> None:
        """Learn the shapes that programs have most often."""
        if isinstance(self._frontend, HasForms):
            from runtime.shape_learning import POPULAR_CHECKS

            for mode, data in self._frontend.popular():
                form = self._frontend.form(mode, data)
                if form is not None:
                    self._engine.shapes.learn(form, mode, data, self.packed, POPULAR_CHECKS)

    def packed(self, mode: int, data: bytes) -> bytes:
        """The packed template of an instruction; any exception if there is none."""
        unit, lifted = lift_insn(self._frontend, mode, data)
        return pack(encode(unit, lifted.length, lifted.next_mode, lifted.ends), mode, data, lifted.next_mode, lifted.ends)
