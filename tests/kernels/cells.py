"""Runs rare records on the state of a vCPU that exists for the test only."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from dbt.abi.arm import cpu as layout
from dbt.backend.tier0.rare import rare_record
from dbt.ir.optable import OPS
from dbt.ir.types import VOID, Type
from dbt.ir.unit import Inst
from runtime.image import Image

_FIRST = layout.offset("temps") // 8
_STRIDE = 4  # cells from one operand to the next


class RareRunner:
    """One rare row with its types and attributes, ready to run on many operands."""

    def __init__(self, image: Image, name: str, of: Type, operands: Sequence[Type], **attrs: object) -> None:
        op = OPS[name]
        values = {**dict(op.defaults), **attrs}
        args = tuple(Inst(OPS["const"], type, (), (0,)) for type in operands)
        self.inst = Inst(op, of, args, tuple(values[attr] for attr in op.attrs))
        cells = tuple(_FIRST + _STRIDE * (i + 1) for i in range(len(args)))
        record = rare_record(self.inst, _FIRST, cells)
        self._record = ctypes.create_string_buffer(record, len(record))
        self._op = image.function("op", None, ctypes.c_void_p, ctypes.c_int64)
        self._state = (ctypes.c_uint64 * (layout.size // 8))()
        self._bytes = memoryview(self._state).cast("B")
        self._cells = cells
        self._widths = [type.bits for type in operands]
        self._mode = layout.offset("fp_mode") // 8
        self._flags = layout.offset("fp_flags") // 8

    def prepare(self, *operands: int, mode: int = 0) -> tuple[ctypes.Array[ctypes.c_uint64], ctypes.Array[ctypes.c_char]]:
        """State and record for operands given as bit patterns."""
        state = self._state
        for cell, bits, value in zip(self._cells, self._widths, operands, strict=True):
            state[cell] = value & 0xFFFFFFFFFFFFFFFF
            if bits == 128:
                state[cell + 1] = value >> 64
        state[self._mode] = mode
        state[self._flags] = 0
        return state, self._record

    def outcome(self, raw: bytes | memoryview) -> tuple[int, int]:
        """(result, fp_flags raised) in the bytes of a state."""
        result = int.from_bytes(raw[8 * _FIRST : 8 * _FIRST + max(8, self.inst.type.bits // 8)], "little")
        return result, int.from_bytes(raw[8 * self._flags : 8 * self._flags + 8], "little")

    def __call__(self, *operands: int, mode: int = 0) -> tuple[int, int]:
        """(result, fp_flags raised) of the compiled kernel."""
        state, record = self.prepare(*operands, mode=mode)
        self._op(ctypes.addressof(state), ctypes.addressof(record))
        return self.outcome(self._bytes)


def runner(image: Image, name: str, of: Type | None, operands: Sequence[Type], **attrs: object) -> RareRunner:
    return RareRunner(image, name, of or VOID, operands, **attrs)
