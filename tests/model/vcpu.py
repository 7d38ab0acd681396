"""What a vCPU of the model does: it runs ``runtime.kernels.dispatch.run``, whose interpreter is replaced by one of little guest programs.

This file is loaded through ``tests.model.sources``, so its kernels are those of the model. A guest program is a tuple of ``programs.Op``; its position is the
vCPU's pc, its registers are temporaries of the vCPU, so both are part of the vCPU's private memory.
"""

from __future__ import annotations

from typing import Any

from dbt.abi import memory
from dbt.abi.exits import Exit
from dbt.abi.helpers import RMW_KINDS
from dbt.abi.memory import PAGE_BITS
from runtime.kernels import blocks, codepages, dispatch, exclusive, interp, mem, offsets, rendezvous, softmmu
from runtime.kernels.mem import a_ld64, g_ld32, g_st8, g_st32, ld64, ldp, st64
from runtime.kernels.offsets import CPU_EXIT_REASON, CPU_INDEX, CPU_PC, CPU_PROC, CPU_REQUEST, PROC_ADDRESS_MASK, PROC_BLOCK_END, PROC_BLOCKS
from runtime.process_block import BLOCK_BYTES

_SYSCALL, _HALT = int(Exit.SYSCALL), int(Exit.HALT)
TEMPLATE = offsets.PROC_TEMPLATES_AREA
_TEMPS = offsets.JUMP_CACHE - 8 * 64
_ADDRESS_CELL, _DATA_CELL, _REGISTERS = _TEMPS, _TEMPS + 8, _TEMPS + 16

PROGRAMS: list[Any] = []  # by vCPU: set by who makes the world
WORLD: Any = None
LOADS: dict[int, Any] = {}
STORES: dict[int, Any] = {}


def _fast_path(name: str, suffix: str) -> Any:
    """The interpreter's own code for a load or store, with its TLB probe, as a function."""
    scope = {**vars(memory), **vars(mem), **vars(offsets), **vars(softmmu), **vars(interp), "leave_at": lambda cpu, proc, record: None}
    text = "def access(cpu, proc, record, mask, a, b, c, d):\n" + interp._scalar(name, suffix)
    exec(WORLD.compile(text, f"tests/model/{name}.{suffix}"), scope)
    return scope["access"]


def prepare(world: Any, programs: list[Any]) -> None:
    """Replace the engine below ``run``."""
    globals().update(WORLD=world, PROGRAMS=programs)
    LOADS.update({size: _fast_path("ld", f"i{8 * size}") for size in (1, 2, 4, 8)})
    STORES.update({size: _fast_path("st", "v128" if size == 16 else f"i{8 * size}") for size in (1, 2, 4, 8, 16)})
    vars(blocks).update(find_template=_find_template, _choose_versions=lambda proc, count: None)
    vars(dispatch).update(indirect=lambda cpu, proc, tag: PROC_BLOCKS, _native=lambda proc, block: 0, interpret=interpret, native_call=lambda cpu, proc: 0)


def _value(cpu: Any, value: Any) -> Any:
    """An operand: a number, or a register plus a number."""
    return value if isinstance(value, int) else ld64(cpu, _REGISTERS + 8 * value.register) + value.plus


def _find_template(proc: Any, mode: Any, low: Any, high: Any) -> Any:
    """A template of one instruction, without records, for whatever bytes were fetched: those are what the program sees, and the number of the block."""
    WORLD.thread.saw("fetched", int(low), (int(ld64(proc, PROC_BLOCK_END)) - PROC_BLOCKS) // BLOCK_BYTES)
    return TEMPLATE


def _add(op: Any) -> None:
    """Add to guest memory, not atomically, behind the engine's back."""
    g_st32(WORLD.guest_base, op.address, g_ld32(WORLD.guest_base, op.address) + op.value)


def _execute(cpu: Any, op: Any) -> None:
    """One guest instruction that touches memory."""
    thread = WORLD.thread
    proc = ldp(cpu, CPU_PROC)
    result = 0
    thread.phase(op.kind, op.address, op.size)
    if op.kind == "store":
        st64(cpu, _ADDRESS_CELL, op.address)
        st64(cpu, _DATA_CELL, _value(cpu, op.value))
        STORES[op.size](cpu, proc, 0, ld64(proc, PROC_ADDRESS_MASK), _ADDRESS_CELL, 0, 1, _DATA_CELL)
        st64(cpu, _DATA_CELL, 0)
    elif op.kind == "load":
        st64(cpu, _ADDRESS_CELL, op.address)
        LOADS[op.size](cpu, proc, 0, ld64(proc, PROC_ADDRESS_MASK), _ADDRESS_CELL, 0, 1, _DATA_CELL)
        result = ld64(cpu, _DATA_CELL)
        st64(cpu, _DATA_CELL, 0)
    elif op.kind == "link":
        thread.event("link")
        result = exclusive.ldlink(cpu, op.address, op.size)
    elif op.kind == "stcond":
        result = exclusive.stcond(cpu, op.address, _value(cpu, op.value), op.size)
        thread.event("stcond", result)
    elif op.kind == "build":
        result = blocks.build_block(cpu, op.address)
    elif op.kind == "section":
        state = rendezvous.begin_asking(cpu)
        rendezvous.hold_others(proc)
        _add(op)
        rendezvous.release_others(proc)
        rendezvous.end_asking(cpu, state)
    elif op.kind == "grace":
        state = rendezvous.begin_asking(cpu)
        rendezvous.grace_period(proc)
        rendezvous.end_asking(cpu, state)
    elif op.kind == "fence":
        mem.fence()
    elif op.kind == "clrex":
        exclusive.clrex(cpu)
        thread.event("clrex")
    elif op.kind == "cas":
        result = exclusive.cas(cpu, op.address, _value(cpu, op.expected), _value(cpu, op.value), op.size | op.size << 8)
    else:
        result = exclusive.rmw(cpu, op.address, _value(cpu, op.value), op.size | (op.align or op.size) << 8 | RMW_KINDS.index(op.kind) << 16)
    thread.phase()
    if op.to is not None and ld64(cpu, CPU_EXIT_REASON) == 0:
        st64(cpu, _REGISTERS + 8 * op.to, result)
    if op.seen:
        thread.saw(int(result))


def interpret(cpu: Any, block: Any) -> None:
    """In place of tier 0: runs guest instructions up to a poll that finds a request, or to an exit."""
    ops = PROGRAMS[ld64(cpu, CPU_INDEX)]
    if a_ld64(cpu, CPU_REQUEST) != 0:
        return
    while True:
        at = ld64(cpu, CPU_PC)
        if at == len(ops):
            st64(cpu, CPU_EXIT_REASON, _HALT)
            return
        op = ops[at]
        st64(cpu, CPU_PC, at + 1)
        if op.kind == "poll":
            if a_ld64(cpu, CPU_REQUEST) != 0:
                return
        elif op.kind == "branch":
            if ld64(cpu, _REGISTERS + 8 * op.to) != op.value:
                st64(cpu, CPU_PC, at + op.address)
        elif op.kind in ("host_write", "syscall", "flags"):
            st64(cpu, CPU_EXIT_REASON, _SYSCALL)
            return
        else:
            _execute(cpu, op)
            if ld64(cpu, CPU_EXIT_REASON) != 0:
                return


def _outside(proc: Any, op: Any) -> None:
    """What the host does, for a system call or by itself."""
    thread = WORLD.thread
    if op.kind == "host_write":
        thread.step()
        thread.phase("host", op.address, op.size)
        thread.event("host", op.address, op.size)
        for i in range(op.size):
            g_st8(WORLD.guest_base, op.address + i, op.value >> 8 * i)
        codepages.wrote(proc, op.address, op.size)
        thread.event("host done")
        thread.phase()
    elif op.kind == "section":
        rendezvous.begin_section(proc)
        _add(op)
        rendezvous.end_section(proc)
    elif op.kind == "flags":
        rendezvous.begin_section(proc)
        codepages.set_page_flags(proc, op.address >> PAGE_BITS, 1, op.value)
        rendezvous.end_section(proc)


def vcpu(cpu: Any, thread: Any) -> None:
    """The life of a vCPU's thread."""
    ops = PROGRAMS[ld64(cpu, CPU_INDEX)]
    proc = ldp(cpu, CPU_PROC)
    while True:
        reason = dispatch.run(cpu)
        if reason == _HALT:
            return
        thread.event("exception")
        if reason == _SYSCALL:
            _outside(proc, ops[ld64(cpu, CPU_PC) - 1])
        else:
            thread.saw(Exit(reason).name)  # and the guest's handler goes on behind the instruction


def host(cpu: Any, thread: Any) -> None:
    """A thread of the host without a vCPU; *cpu* only tells which program and process are its own."""
    proc = ldp(cpu, CPU_PROC)
    ops = PROGRAMS[ld64(cpu, CPU_INDEX)]
    for i in range(len(ops)):
        _outside(proc, ops[i])
