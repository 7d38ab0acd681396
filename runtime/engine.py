"""The engine: everything native of one guest process, and the services that native code cannot do by itself.

``Engine.run`` enters a vCPU and comes back when the operating-system layer is needed. In between it lifts instructions that have no template yet, has hot
blocks compiled, and empties the arena when it is full.
"""

from __future__ import annotations

import ctypes
import os
import threading
from contextlib import nullcontext

from dbt.abi.archs import FRONTENDS, INSN_RULES, LAYOUTS, LLSC, X86_ATOMICS
from dbt.abi.exclusive import DEFAULT_SCHEME, SCHEMES, Scheme, State
from dbt.abi.exits import EXCEPTIONS, REQUEST_CODE, Exit
from dbt.abi.helpers import HELPERS, helper_offset
from dbt.abi.memory import PAGE_EXEC, PAGE_SIZE, PAGE_VALID, PAGE_WRITE
from dbt.abi.options import MEMORIES, TIERS
from runtime import faults, image, imports, own_files
from runtime.exclusive_stats import ExclusiveStats, FailureRow
from runtime.memory import GuestMemory
from runtime.process_block import BLOCK_BYTES, MAX_VCPUS, NEVER_HOT, ProcessBlock, proc
from runtime.section import ExclusiveSection
from runtime.shapes import ShapeStore
from runtime.templates import TemplateStore, sources_fingerprint
from runtime.vcpu import VCpu

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from dbt.frontend.base import Frontend
    from runtime.compiler import Tier1
    from runtime.lifter import Lifter

_UNDEFINED = EXCEPTIONS["undefined"][0]
_EXITS = {int(row): row for row in Exit}


class Engine:
    """One guest process: *arch* is a key of ``dbt.abi.archs.LAYOUTS``, *tier* and *memory* are of ``dbt.abi.options``; compiled loads look at the TLB where the
    host cannot do without (``runtime.faults``). *atomics* names the scheme of exclusive accesses (``dbt.abi.exclusive.SCHEMES``). *persistent*: keep templates
    in the cache directory. *idiom*: compiled code has atomic operations for exclusive pairs. *x86_atomics* of ``X86_ATOMICS``: what an x86 guest's atomic
    instructions become."""

    def __init__(self, arch: str, *, tier: str = "auto", memory: str = "tlb", atomics: str = DEFAULT_SCHEME, persistent: bool = True,
                 idiom: bool = True, x86_atomics: str = X86_ATOMICS[0]) -> None:
        if memory not in MEMORIES:
            raise ValueError(f"memory {memory!r} is none of {', '.join(MEMORIES)}")
        if tier not in TIERS:
            raise ValueError(f"tier {tier!r} is none of {', '.join(TIERS)}")
        if atomics not in SCHEMES:
            raise ValueError(f"scheme {atomics!r} is none of {', '.join(SCHEMES)}")
        if x86_atomics not in X86_ATOMICS:
            raise ValueError(f"x86 atomics {x86_atomics!r} are none of {', '.join(X86_ATOMICS)}")
        self.arch = arch
        self.x86_atomics = x86_atomics
        self.code_name = arch + LLSC if x86_atomics == "llsc" and FRONTENDS[arch] == "x86" else arch  # of what its instructions become: kept apart on disk
        self.tier = tier
        self.scheme = SCHEMES[atomics]
        self.idiom = idiom and self.scheme is not Scheme.FLUSH  # that one shows what the first design costs
        self.tagged_stores = self.scheme is Scheme.HST
        self.layout = LAYOUTS[arch]
        self.unchecked_loads = memory == "host" and faults.supported()
        self.free_stores = self.unchecked_loads and self.scheme in (Scheme.EXCL, Scheme.CAS)
        self._frontend: Frontend | None = None
        self._lifter: Lifter | None = None
        self.image = image.load()
        self.block = ProcessBlock()
        self.block.put("insn_rule", INSN_RULES[arch])
        self.block.put("hot_threshold", NEVER_HOT)
        self.block.put("scheme", self.scheme)
        self.block.put("free_stores", int(self.free_stores))
        if self.scheme is Scheme.HST:
            self.block.set_bitmap(0)
        self.memory = GuestMemory(self.block, self.image, self.layout.address_type.bits, self.layout.space_bits)
        print_ = sources_fingerprint(arch) if persistent else None
        self.templates = TemplateStore(self.code_name, self.block, self.image, print_)
        self.shapes = ShapeStore(self.code_name, self.block, self.image, print_)
        if self.shapes.first:
            self.lifter.learn_popular()
            self.shapes.save()
        self.vcpus: list[VCpu] = []
        self.undefined: dict[bytes, int] = {}  # bytes of undefined instructions that were executed -> times
        self.lifted = 0
        self.on_lift: Callable[[int, bytes, int], None] | None = None  # called with mode, bytes and number of records of each instruction that is lifted
        self.arena_resets = 0
        self.exclusive_stats = ExclusiveStats(self.block, self.image)
        self.tier1: Tier1 | None = None
        self._lock = threading.RLock()
        self._helpers = self._helper_table()
        p, n = ctypes.c_void_p, ctypes.c_int64
        self._run = self.image.function("run", n, p, waits=True)
        self._has_template = self.image.function("has_template", n, p, n, n)
        self._set_native = self.image.function("set_native", None, p, n, n, n)
        self.change_word = self.image.function("change_word", n, n, n, n)
        self._watch = self.image.function("watch_code", n, p, n, n, n)
        self._find_block = self.image.function("find_block", n, p, n)
        self._forget_vcpu = self.image.function("forget_vcpu", None, p, n)
        self.raise_request = self.image.function("raise_request", None, p, n)
        self.drop_request = self.image.function("drop_request", None, p, n)
        if tier != "0":
            self.tier1 = self._new_tier1(persistent)

    def _new_tier1(self, persistent: bool) -> Tier1:
        if self.tier == "1":
            from runtime.compiler import Synchronous

            return Synchronous(self, persistent)
        if self.tier == "quick":
            from runtime.quick import QuickOnly

            return QuickOnly(self)
        from runtime.background import Background

        return Background(self, persistent)

    def _helper_table(self) -> Any:
        table = (ctypes.c_uint64 * len(HELPERS))()
        for name in HELPERS:
            table[helper_offset(name) // 8] = self.image.address("helper_" + name)
        return table

    @property
    def helpers_address(self) -> int:
        """Host address of the table that ``cpu.helpers`` points to."""
        return ctypes.addressof(self._helpers)

    # vCPUs ------------------------------------------------------------------------------------------------------------
    def new_vcpu(self) -> VCpu:
        with self._lock:
            used = {vcpu.index for vcpu in self.vcpus}
            index = next((i for i in range(MAX_VCPUS) if i not in used), None)
            if index is None:
                raise RuntimeError(f"a process has at most {MAX_VCPUS} vCPUs")
            if len(self.vcpus) == 1:
                self.watch_stores()
                with self.exclusive_section():
                    self.block.put("parallel", 1)
            vcpu = VCpu(self, index)
            self.vcpus.append(vcpu)
            self._publish(index, vcpu.address)
            self.block.put("vcpu_count", max(index + 1, self.block.get("vcpu_count")))
            return vcpu

    def free_vcpu(self, vcpu: VCpu) -> None:
        """Forget a vCPU that no thread runs any more."""
        with self._lock:
            self.vcpus.remove(vcpu)
            self.exclusive_stats.absorb(vcpu)
            with self.exclusive_section():
                self._forget_vcpu(self.block.address, vcpu.index)
                self.block.put("parallel", int(len(self.vcpus) > 1))
            vcpu.free()

    def _publish(self, index: int, address: int) -> None:
        ctypes.c_uint64.from_address(self.block.address + proc.offset("vcpus") + 8 * index).value = address

    def exclusive_section(self) -> ExclusiveSection:
        """A context in which no vCPU executes guest instructions: each is held at its next poll, or kept from entering native code."""
        return self.memory.section

    # Running ----------------------------------------------------------------------------------------------------------
    def run(self, vcpu: VCpu) -> Exit:
        """Run until the operating-system layer must act: SYSCALL, EXCEPTION, MEMORY_FAULT, FETCH_FAULT, REQUEST, HALT, YIELD, BUDGET. Blocks for that
        long, without the GIL."""
        address, enter = vcpu.address, self._run
        while True:
            reason = enter(address)
            if reason == Exit.SYSCALL:
                return Exit.SYSCALL
            if reason == Exit.LIFT:
                self.lifter.lift(vcpu)
            elif reason == Exit.HOT:
                if self.tier1 is not None:
                    self.tier1.notice()
            elif reason == Exit.ARENA_FULL:
                self._reset_arena()
            elif reason == Exit.WATCH_STORES:
                self.watch_stores()
            elif reason == Exit.REQUEST and vcpu.get("exit_arg") & REQUEST_CODE:
                with self._lock:  # until the arena has been emptied
                    pass
            else:
                if reason == Exit.EXCEPTION and vcpu.get("exit_arg") == _UNDEFINED:
                    self._count_undefined(vcpu)
                return _EXITS[reason]

    # Lifting ----------------------------------------------------------------------------------------------------------
    def fetch(self, pc: int, length: int) -> bytes:
        """Up to *length* bytes of executable memory at *pc*: fewer where it ends."""
        memory = self.memory
        need = PAGE_VALID | PAGE_EXEC
        found = b""
        while length and memory.flags(pc) & need == need:
            n = min(length, PAGE_SIZE - (pc & (PAGE_SIZE - 1)))
            found += ctypes.string_at(memory.base + pc, n)
            length -= n
            pc = (pc + n) & memory.address_mask
        return found

    @property
    def frontend(self) -> Frontend:
        """Of the engine's guest; a warm start never asks for it."""
        if self._frontend is None:
            from dbt.frontend.base import frontend_for

            self._frontend = frontend_for(self.arch, self.x86_atomics)
        return self._frontend

    @property
    def lifter(self) -> Lifter:
        if self._lifter is None:
            from runtime.lifter import Lifter

            self._lifter = Lifter(self)
        return self._lifter

    def has_template(self, vcpu: VCpu, pc: int, mode: int) -> bool:
        """True if the instruction at *pc*, on a readable page, has its template (or gets one from its shape) or goes on to the next page."""
        return bool(self._has_template(vcpu.address, pc, mode))

    def _count_undefined(self, vcpu: VCpu) -> None:
        data = self.fetch(vcpu.pc, self.frontend.max_length)
        if len(data) >= self.frontend.min_length:
            data = data[: self.frontend.insn_length(vcpu.mode, data)]
        self.undefined[data] = self.undefined.get(data, 0) + 1

    # Code -------------------------------------------------------------------------------------------------------------
    def invalidate(self, address: int, length: int) -> None:
        """Forget the code made from these guest bytes (cacheflush)."""
        self.memory.invalidate(address, length)

    def find_block(self, pc: int, mode: int) -> int:
        """Offset of the tier-0 block at (pc, mode), or 0."""
        return int(self._find_block(self.block.address, pc | mode << 48))

    def set_native(self, block: int, entry: int, valid_word: int) -> None:
        """Let the block at offset *block* run the native code at host address *entry* while the u64 at *valid_word* is VALID."""
        self._set_native(self.block.address, block, entry, valid_word)

    def watch_code(self, ranges: Sequence[tuple[int, int]], contents: Sequence[bytes], valid_word: int) -> bool:
        """Have the u64 at host address *valid_word* cleared when guest bytes of the *ranges* (address, length) change. False if they are not *contents* any
        more, if there is no room, or if compiled stores would not notice. Where the guest may write, it happens in an exclusive section: see
        ``runtime.kernels.blocks``."""
        alone = self._writable(ranges)
        if alone and self.free_stores:
            return False
        with self.exclusive_section() if alone else nullcontext():
            pieces = [(at, min(PAGE_SIZE, start + length - at)) for start, length in ranges for at in range(start, start + length, PAGE_SIZE)]
            watched = all(self._watch(self.block.address, at, size, valid_word) for at, size in pieces)
            return watched and (alone or not self._writable(ranges)) and [self.fetch(*r) for r in ranges] == contents

    def watch_stores(self, again: bool = True) -> None:
        """Have compiled stores look at the TLB from now on, for what they need not look for in a process with one vCPU, no code in pages that may be written,
        no shared memory that may be written, and host pages protected as the guest's are (``docs/exclusives.md``). Before the first of these ends,
        while the one vCPU is outside of native code. *again*: regions that look are wanted in place of those that are dropped."""
        if not self.free_stores:
            return
        with self.tier1.pausing() if self.tier1 is not None else nullcontext():
            self.free_stores = False
            self.block.put("free_stores", 0)
            if self.tier1 is not None:
                self.tier1.start_over(again)

    def _writable(self, ranges: Sequence[tuple[int, int]]) -> bool:
        return any(self.memory.flags(at) & PAGE_WRITE for start, length in ranges for at in (*range(start, start + length, PAGE_SIZE), start + length - 1))

    def _reset_arena(self) -> None:
        """Forget all blocks, unless another vCPU has just done it. All vCPUs are called out of native code first: one that waits for others inside a helper
        goes on in the code it came from."""
        seen = self.arena_resets
        with self._lock, self.tier1.pausing() if self.tier1 is not None else nullcontext():
            if self.arena_resets != seen:
                return
            for vcpu in self.vcpus:
                vcpu.request(REQUEST_CODE)
            while not self._try_reset():
                os.sched_yield()
            for vcpu in self.vcpus:
                vcpu.clear_request(REQUEST_CODE)

    def _try_reset(self) -> bool:
        with self.exclusive_section():
            if any(vcpu.get("state") == State.ASKING for vcpu in self.vcpus):
                return False
            self.block.reset_code()
            if self.tier1 is not None:
                self.tier1.forget()
            self.arena_resets += 1
            for vcpu in self.vcpus:
                vcpu.forget_jumps()
            return True

    # Life -------------------------------------------------------------------------------------------------------------
    def before_fork(self) -> None:
        """Call before the process forks: no other thread may be half-way through a change of what the child inherits."""
        if self.tier1 is not None:
            self.tier1.before_fork()
        self.memory.section.__enter__()
        imports.hold()

    def after_fork(self, child: bool, vcpu: VCpu | None = None) -> None:
        """Call after a fork (or a failed one), in parent and *child*. In the child only the calling thread lives, and locks may be held by threads
        that do not. *vcpu* is the one that the calling thread runs: the child forgets all others."""
        imports.release()
        if child:
            own_files.close_inherited()
            self._lock = threading.RLock()
            for other in list(self.vcpus):
                other.put("state", State.OUTSIDE)
                if vcpu is not None and other is not vcpu:
                    self.vcpus.remove(other)
                    self._publish(other.index, 0)
                    other.free()
                else:
                    other.clear_request(REQUEST_CODE)  # whoever was about to empty the arena is not here to take it back
            self.block.put("parallel", int(len(self.vcpus) > 1))
        self.memory.section.__exit__(None, None, None)
        if self.tier1 is not None:
            self.tier1.after_fork(child)

    def failures(self) -> list[FailureRow]:
        """Why store-conditionals failed, the most frequent first."""
        return self.exclusive_stats.failures(self.vcpus)

    def stats(self) -> dict[str, object]:
        """Counters by name."""
        block = self.block
        blocks = (block.get("block_end") - proc.offset("blocks")) // BLOCK_BYTES
        interpreted = insns = 0
        for i in range(blocks):
            at = proc.offset("blocks") + i * BLOCK_BYTES
            count = block.block_field(at, "count")
            interpreted += count
            insns += count * block.block_field(at, "insns")
        found: dict[str, object] = {
            "blocks": blocks, "blocks_invalidated": block.get("invalidated"), "blocks_interpreted": interpreted, "insns_interpreted": insns,
            "insns_lifted": self.lifted, "templates": self.templates.count, "templates_from_shapes": block.get("shape_templates"), "shapes": self.shapes.count,
            "arena_resets": self.arena_resets,
            "lift_failures": {data.hex(): error for data, error in (self._lifter.failed if self._lifter else {}).items()},
            "undefined": {data.hex(): times for data, times in self.undefined.items()},
            "atomics": self.scheme.name.lower(), "free_stores": self.free_stores, **self.exclusive_stats.collect(self.vcpus),
        }  # fmt: skip
        if self.tier1 is not None:
            found.update(self.tier1.stats())
        return found

    def begin(self, name: bytes) -> None:
        """The program *name* is about to run: what its earlier runs left is used."""
        if self.tier1 is not None:
            self.tier1.begin(name)

    def keep(self) -> None:
        """Leave what is worth it to later runs. Before the process ends or runs another program."""
        self.templates.save()
        if self.tier1 is not None:
            self.tier1.keep()

    def close(self) -> None:
        """Save the templates and give the memory back. Every vCPU must have stopped."""
        if self.tier1 is not None:
            self.tier1.stop()
        self.templates.save()
        self.shapes.save()
        for vcpu in list(self.vcpus):
            self.free_vcpu(vcpu)
        self.memory.free()
        self.block.free()
        if self.tier1 is not None:
            self.tier1.free()
