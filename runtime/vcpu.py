"""One vCPU: its state block, read and written by slot name."""

from __future__ import annotations

import ctypes
import mmap

from dbt.abi.cpu import STATE_BYTES, CpuLayout, header
from dbt.abi.exclusive import NO_RESERVATION, Failure
from dbt.abi.memory import JUMP_ENTRIES, TLB_ENTRIES, jump_entry, tlb_entry
from runtime.process_block import proc

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from typing import Any

    from runtime.engine import Engine

_HEADER = header()
_CTYPES: dict[int, Any] = {1: ctypes.c_uint8, 8: ctypes.c_uint8, 16: ctypes.c_uint16, 32: ctypes.c_uint32, 64: ctypes.c_uint64}
_COPIED_HEADER = ("pc", "mode", "fp_mode", "fp_flags")  # what a new thread inherits besides the guest's slots


def _places(layout: CpuLayout) -> dict[str, tuple[int, int]]:
    """Name -> (byte offset, bits) of every slot and header field."""
    places = {name: (field.offset, 64) for name, field in _HEADER.fields.items()}
    places.update({name: (offset, type.bits) for name, (offset, type) in layout.slots.items()})
    return places


class VCpu:
    """Made by ``Engine.new_vcpu``. While a thread runs it, only ``request`` may be called from others."""

    def __init__(self, engine: Engine, index: int) -> None:
        layout = engine.layout
        self.engine = engine
        self.layout = layout
        self.index = index
        self._map = mmap.mmap(-1, layout.size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._first = ctypes.c_char.from_buffer(self._map)
        self.address = ctypes.addressof(self._first)
        self._places = _places(layout)
        self._slots_end = STATE_BYTES
        ctypes.memset(self.address + layout.offset("tlb"), 0xFF, tlb_entry.size * TLB_ENTRIES)
        self.forget_jumps()
        for name, value in (
            *layout.initial.items(),
            ("guest_base", engine.memory.base), ("page_flags", engine.memory.page_flags_address),
            ("space_end", engine.memory.size), ("proc", engine.block.address),
            ("helpers", engine.helpers_address), ("excl_addr", NO_RESERVATION), ("index", index),
            ("granules", engine.block.address + proc.offset("granules")), ("hst_tag", (index + 1) << 1),
        ):  # fmt: skip
            self.put(name, value)

    def get(self, slot: str) -> int:
        """Value of a slot or header field, zero-extended; KeyError for an unknown name."""
        offset, bits = self._places[slot]
        if bits == 128:
            return int.from_bytes(ctypes.string_at(self.address + offset, 16), "little")
        return int(_CTYPES[bits].from_address(self.address + offset).value)

    def put(self, slot: str, value: int) -> None:
        """Set a slot or header field to *value* modulo its width."""
        offset, bits = self._places[slot]
        if bits == 128:
            ctypes.memmove(self.address + offset, (value & ((1 << 128) - 1)).to_bytes(16, "little"), 16)
        else:
            _CTYPES[bits].from_address(self.address + offset).value = value & ((1 << bits) - 1)

    @property
    def pc(self) -> int:
        return self.get("pc")

    @pc.setter
    def pc(self, value: int) -> None:
        self.put("pc", value)

    @property
    def mode(self) -> int:
        return self.get("mode")

    @mode.setter
    def mode(self, value: int) -> None:
        self.put("mode", value)

    def request(self, bits: int) -> None:
        """Raise REQUEST_* bits: ``run`` returns with Exit.REQUEST soon. From any thread."""
        self.engine.raise_request(self.address, bits)

    def clear_request(self, bits: int) -> None:
        """Take REQUEST_* bits back. From any thread."""
        self.engine.drop_request(self.address, bits)

    def clear_reservation(self) -> None:
        """What an exception or a signal does to an exclusive access."""
        if self.get("excl_addr") != NO_RESERVATION:
            self.put("excl_addr", NO_RESERVATION)
            self.put("excl_cause", Failure.EXCEPTION)

    def forget_jumps(self) -> None:
        """Empty the jump cache. Only while the vCPU does not run."""
        ctypes.memset(self.address + self.layout.offset("jump_cache"), 0xFF, jump_entry.size * JUMP_ENTRIES)

    def registers(self) -> bytes:
        """Copy of the header and the guest's slots."""
        return ctypes.string_at(self.address, self._slots_end)

    def clone_from(self, other: VCpu) -> None:
        """Take over *other*'s pc, mode and guest slots."""
        ctypes.memmove(self.address + _HEADER.size, other.address + _HEADER.size, self._slots_end - _HEADER.size)
        for name in _COPIED_HEADER:
            self.put(name, other.get(name))

    def free(self) -> None:
        """Give the memory back (``Engine.free_vcpu`` does it)."""
        del self._first
        self._map.close()
