"""Runs short pieces of guest code on an engine, without an operating system.

``Harness(arch, tier).run(code, mode, regs, memory)`` places the code so that it ends where the executable page ends: code that runs off its end
leaves with FETCH_FAULT at ``harness.end``. One harness may run many pieces of code.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

from dbt.abi.exits import Exit
from dbt.abi.memory import PAGE_EXEC, PAGE_MASK, PAGE_READ, PAGE_SIZE, PAGE_VALID, PAGE_WRITE
from runtime.engine import Engine
from runtime.vcpu import VCpu

CODE_PAGE = 0x10000  # the page before END; code longer than a page starts below
DATA = PAGE_VALID | PAGE_READ | PAGE_WRITE
CODE = DATA | PAGE_EXEC
_HOST_READ, _HOST_WRITE = 1, 2
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


class Harness:
    """An engine with one vCPU. ``end`` is the address behind the code of the last run."""

    end = CODE_PAGE + PAGE_SIZE

    def __init__(self, arch: str = "arm", tier: str = "0", persistent: bool = False, memory: str = "host", code_flags: int = CODE, **options: Any) -> None:
        self.code_flags = code_flags  # of pages that ``load`` maps
        self.engine = Engine(arch, tier=tier, memory=memory, persistent=persistent, **options)
        self.memory = self.engine.memory
        self.vcpu = self.engine.new_vcpu()
        self._mapped: dict[int, int] = {}

    def map(self, address: int, length: int, flags: int = DATA) -> None:
        """Map the pages of the range, with PAGE_* flags; what the guest may read or write, the host may."""
        first = address & PAGE_MASK
        size = ((address + length - 1) & PAGE_MASK) + PAGE_SIZE - first
        self._protect(first, size, flags)
        self.memory.set_flags(first, size, flags)
        for page in range(first, first + size, PAGE_SIZE):
            self._mapped[page] = flags

    def _protect(self, address: int, size: int, flags: int) -> None:
        host = (_HOST_READ if flags & (PAGE_READ | PAGE_WRITE) else 0) | (_HOST_WRITE if flags & PAGE_WRITE else 0)
        if _libc.mprotect(self.memory.host(address), size, host):
            raise OSError(ctypes.get_errno(), f"cannot protect guest pages at {address:#x}")

    def poke(self, address: int, data: bytes) -> None:
        """Write to mapped pages, whatever the guest may do there."""
        for page in range(address & PAGE_MASK, address + len(data), PAGE_SIZE):
            self._protect(page, PAGE_SIZE, DATA)
        self.memory.poke(address, data)
        for page in range(address & PAGE_MASK, address + len(data), PAGE_SIZE):
            self._protect(page, PAGE_SIZE, self._mapped[page])

    def load(self, code: bytes) -> int:
        """Place *code*; gives its address."""
        at = self.end - len(code)
        for page in range(at & PAGE_MASK, self.end, PAGE_SIZE):
            if page not in self._mapped:
                self.map(page, PAGE_SIZE, self.code_flags)
        self.poke(at, code)
        return at

    def put_memory(self, memory: Mapping[int, bytes]) -> None:
        """Write data, mapping pages that are not mapped yet as data."""
        for address, data in memory.items():
            for page in range(address & PAGE_MASK, address + max(len(data), 1), PAGE_SIZE):
                if page not in self._mapped:
                    self.map(page, PAGE_SIZE)
            self.poke(address, data)

    def run(
        self, code: bytes, mode: int = 0, regs: Mapping[str, int] | None = None, memory: Mapping[int, bytes] | None = None, *, budget: int = 1_000_000,
    ) -> tuple[Exit, VCpu]:
        """Run *code* in guest mode *mode* with the slots *regs* set, for about *budget* instructions at most. Registers not named keep their value."""
        vcpu = self.vcpu
        self.put_memory(memory or {})
        vcpu.pc, vcpu.mode = self.load(code), mode
        for slot, value in (regs or {}).items():
            vcpu.put(slot, value)
        vcpu.put("count_mode", 1)
        vcpu.put("budget", budget)
        vcpu.clear_reservation()
        return self.engine.run(vcpu), vcpu

    def close(self) -> None:
        self.engine.close()
