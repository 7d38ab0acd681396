"""A vCPU in a ctypes buffer that runs regions without the engine: helpers are Python functions behind LLVM-made shells.

Guest memory is one buffer at guest address ``BASE``; the TLB is filled by the slow-path helpers, as the kernels do.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from dbt.abi.arm import cpu as LAYOUT
from dbt.abi.exits import Exit
from dbt.abi.helpers import HELPERS, helper_offset
from dbt.abi.memory import PAGE_BITS, PAGE_SIZE, TLB_EMPTY_TAG, TLB_ENTRIES, TLB_ENTRY_BITS, tlb_entry
from dbt.backend.llvm import object as backend
from dbt.backend.llvm.convention import HELPER_CONVENTION, enter_shell, entry_symbol
from dbt.backend.llvm.features import Features
from dbt.backend.llvm.region import Entry, lower
from dbt.ir.types import Type
from dbt.ir.unit import Unit
from runtime import objects
from runtime.arena import Arena, Placed

BASE = 0x10000
SIZE = 0x10000
_TYPES = {"p": ctypes.c_void_p, "l": ctypes.c_uint64, "v": None}
_LLVM = {"p": "ptr", "l": "i64", "v": "void"}


def _shells() -> str:
    """The engine's ``enter`` and one ``preserve_mostcc`` shell a helper, which calls the C function in a variable."""
    lines = [enter_shell(LAYOUT)]
    for name, (result, arguments, _) in HELPERS.items():
        params = ", ".join(f"{_LLVM[kind]} %a{i}" for i, kind in enumerate(arguments))
        lines += [f"@c_{name} = global ptr null", f"define {HELPER_CONVENTION} {_LLVM[result]} @h_{name}({params}) {{", f"  %f = load ptr, ptr @c_{name}"]
        call = f"call {_LLVM[result]} %f({params})"
        lines += [f"  %r = {call}", "  ret i64 %r", "}"] if result == "l" else [f"  {call}", "  ret void", "}"]
    return "\n".join(lines)


class Machine:
    """One vCPU, its memory and the regions compiled for it."""

    def __init__(self, op: int = 0) -> None:
        """*op*: host address of the kernels' helper ``op``; else it is a Python function that does nothing."""
        self.arena = Arena(16 << 20)
        self._block = ctypes.create_string_buffer(LAYOUT.size + 64)
        self.cpu = -(-ctypes.addressof(self._block) // 64) * 64
        self.memory = ctypes.create_string_buffer(SIZE)
        self.mapped = range(BASE, BASE + SIZE)
        self.calls: list[str] = []
        shells = self.arena.place(objects.link(backend.compile_object(_shells())))
        self._table = (ctypes.c_uint64 * len(HELPERS))()
        self._kept = []
        for name, (result, arguments, _) in HELPERS.items():
            function = ctypes.CFUNCTYPE(_TYPES[result], *[_TYPES[kind] for kind in arguments])(getattr(self, name, self._missing(name)))
            self._kept.append(function)
            ctypes.c_uint64.from_address(shells.address(f"c_{name}")).value = ctypes.cast(function, ctypes.c_void_p).value or 0
            self._table[helper_offset(name) // 8] = op if op and name == "op" else shells.address(f"h_{name}")
        self._enter = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint64)(shells.address(f"enter_{LAYOUT.arch}"))
        self.put("helpers", ctypes.addressof(self._table))
        self.put("guest_base", ctypes.addressof(self.memory) - BASE)
        self.flush_tlb()

    def _missing(self, name: str):  # noqa: ANN202
        def helper(*arguments: int) -> int:
            self.calls.append(name)
            return 0

        return helper

    # State -----------------------------------------------------------------------------------------------------------
    def put(self, name: str, value: int) -> None:
        """Write a slot or header field as the cell it is (bits above the type are zero)."""
        type = LAYOUT.slot_types.get(name)
        size = max(1, type.bits // 8) if type else 8
        ctypes.memmove(self.cpu + LAYOUT.offset(name), value.to_bytes(size, "little"), size)

    def get(self, name: str, type: Type | None = None) -> int:
        type = type or LAYOUT.slot_types.get(name)
        size = max(1, type.bits // 8) if type else 8
        return int.from_bytes(ctypes.string_at(self.cpu + LAYOUT.offset(name), size), "little")

    def state(self) -> dict[str, int]:
        """Every slot's value."""
        return {name: self.get(name) for name in LAYOUT.slots}

    # Helpers ---------------------------------------------------------------------------------------------------------
    def flush_tlb(self) -> None:
        for i in range(TLB_ENTRIES):
            for field in ("addr_read", "addr_write", "addr_code"):
                self._tlb_put(i, field, TLB_EMPTY_TAG)

    def _tlb_put(self, index: int, field: str, value: int) -> None:
        at = self.cpu + LAYOUT.offset("tlb") + (index << TLB_ENTRY_BITS) + tlb_entry.offset(field)
        ctypes.c_uint64.from_address(at).value = value % (1 << 64)

    def _fill(self, address: int, size: int, align: int) -> int | None:
        """Host address of the access, or None after noting a fault. Fills the TLB unless the access crosses pages."""
        if address % align or address not in self.mapped or address + size - 1 not in self.mapped:
            self.put("exit_reason", int(Exit.MEMORY_FAULT))
            self.put("fault_addr", address)
            return None
        host = ctypes.addressof(self.memory) - BASE
        page = address & -PAGE_SIZE
        if page == (address + size - 1) & -PAGE_SIZE:
            index = address >> PAGE_BITS & TLB_ENTRIES - 1
            for field, value in (("addr_read", page), ("addr_write", page), ("addend", host)):
                self._tlb_put(index, field, value)
        return host + address

    def ld_slow(self, cpu: int, address: int, how: int) -> int:
        self.calls.append("ld_slow")
        host = self._fill(address, how & 0xFF, how >> 8)
        return int.from_bytes(ctypes.string_at(host, how & 0xFF), "little") if host else 0

    def st_slow(self, cpu: int, address: int, value: int, how: int) -> None:
        self.calls.append("st_slow")
        host = self._fill(address, how & 0xFF, how >> 8)
        if host:
            ctypes.memmove(host, value.to_bytes(8, "little"), how & 0xFF)

    def ld_slow_128(self, cpu: int, address: int, align: int, cell: int) -> None:
        self.calls.append("ld_slow_128")
        host = self._fill(address, 16, align)
        if host:
            ctypes.memmove(self.cpu + 8 * cell, host, 16)

    def st_slow_128(self, cpu: int, address: int, align: int, cell: int) -> None:
        self.calls.append("st_slow_128")
        host = self._fill(address, 16, align)
        if host:
            ctypes.memmove(host, self.cpu + 8 * cell, 16)

    # Regions ---------------------------------------------------------------------------------------------------------
    def load(self, unit: Unit, entries: Sequence[Entry] | None = None, level: int = 1, linear: bool = False, features: Features | None = None) -> Placed:
        """*features*: those of the host, if not said."""
        entries = entries or [Entry(next(iter(unit.blocks)), 0x8000, 0)]
        return self.arena.place(objects.link(backend.compile_object(lower(unit, entries, LAYOUT, linear, features or backend.features()), level)))

    def run(self, region: Placed, entry: int = 0) -> int:
        """Enter a region; gives cpu.exit_reason."""
        self.put("exit_reason", 0)
        self._enter(self.cpu, region.address(entry_symbol(entry)))
        return self.get("exit_reason")


