"""The loop that a vCPU's thread spends its life in: finds or builds the block at pc and enters the best engine for it."""

from __future__ import annotations

from numba.core import types

from dbt.abi.archs import INSN_RULE_I386, INSN_RULE_X86_64, LAYOUTS
from dbt.abi.exclusive import Failure
from dbt.abi.exits import REQUEST_PAUSE, Exit
from dbt.backend.llvm.convention import VALID, enter_shell
from dbt.backend.llvm.host_flags import DECLARATIONS
from runtime.kernels.blocks import build_block, fetch_fault, find_block
from runtime.kernels.build import export, helper, kernel, llvm_text
from runtime.kernels.codepages import TAG_PC, lock, unlock
from runtime.kernels.interp import indirect, interpret, jump_entry, remember_jump
from runtime.kernels.mem import P, a_and64, a_cas64, a_ld64, a_or64, a_st64, fence, i2p, ld64, ldp, st64, unlikely
from runtime.kernels.offsets import (
    BLOCK_CODE,
    BLOCK_DEAD,
    BLOCK_NATIVE,
    BLOCK_RECORDS,
    BLOCK_VALID_WORD,
    CPU_CHAIN_FROM,
    CPU_EXIT_ARG,
    CPU_EXIT_REASON,
    CPU_MODE,
    CPU_PC,
    CPU_PROC,
    CPU_REQUEST,
    JUMP_NATIVE,
    JUMP_TAG,
    PROC_INSN_RULE,
    PROC_VCPUS,
)
from runtime.kernels.rendezvous import enter_running, leave_running, pass_poll
from runtime.kernels.reservation import drop
from runtime.kernels.scheme_flush import lock_flush, unlock_flush
from runtime.kernels.syscalls import native_call

_REPLAY = int(Exit.REPLAY)
_REQUEST, _SYSCALL, _EXCEPTION = int(Exit.REQUEST), int(Exit.SYSCALL), int(Exit.EXCEPTION)
_MEMORY_FAULT, _FETCH_FAULT = int(Exit.MEMORY_FAULT), int(Exit.FETCH_FAULT)
_BY_EXCEPTION, _BY_FAULT = int(Failure.EXCEPTION), int(Failure.FAULT)
enter_arm = types.ExternalFunction("enter_arm", types.void(P, P))
enter_i386 = types.ExternalFunction("enter_i386", types.void(P, P))
enter_x86_64 = types.ExternalFunction("enter_x86_64", types.void(P, P))
llvm_text("".join([DECLARATIONS, *[enter_shell(layout) for layout in LAYOUTS.values()]]))


@kernel
def _enter(cpu, proc, region):
    """Enter native code with the pinned registers of the guest."""
    rule = ld64(proc, PROC_INSN_RULE)
    if rule == INSN_RULE_I386:
        enter_i386(cpu, region)
    elif rule == INSN_RULE_X86_64:
        enter_x86_64(cpu, region)
    else:
        enter_arm(cpu, region)


@kernel
def _native(proc, block):
    """Native entry of *block*, or 0. An entry whose region is not valid (any more, or for now) is dropped."""
    entry = a_ld64(proc, block + BLOCK_NATIVE)
    if entry == 0 or a_ld64(i2p(ld64(proc, block + BLOCK_VALID_WORD)), 0) == VALID:
        return entry
    a_st64(proc, block + BLOCK_NATIVE, 0)
    if ld64(proc, block + BLOCK_DEAD) == 0:
        a_st64(proc, block + BLOCK_CODE, ld64(proc, block + BLOCK_RECORDS))
    return 0


@kernel
def _replay(cpu, proc):
    """Interpret the block at pc although it may have native code. Another vCPU that sees its records meanwhile interprets it too, which is as good."""
    fence()  # the operation would have been one, and fences beside it may have gone
    block = build_block(cpu, ld64(cpu, CPU_PC) | ld64(cpu, CPU_MODE) << 48)
    if block != 0:
        a_st64(proc, block + BLOCK_CODE, ld64(proc, block + BLOCK_RECORDS))
        interpret(cpu, block)
        if a_ld64(proc, block + BLOCK_NATIVE) != 0:
            a_st64(proc, block + BLOCK_CODE, 0)


@export("set_native", "void(p,i64,i64,i64)")
def set_native(proc, block, entry, valid_word):
    """Let *block* (its offset) be run by the native code at host address *entry* as long as the u64 at *valid_word* is VALID."""
    st64(proc, block + BLOCK_VALID_WORD, valid_word)
    a_st64(proc, block + BLOCK_NATIVE, entry)
    a_st64(proc, block + BLOCK_CODE, 0)


@export("change_word", "i64(i64,i64,i64)")
def change_word(address, expected, new):
    """Write *new* to the u64 at host address *address* if it is *expected*, for all to see before anything after it; 1 if it was."""
    return 1 if a_cas64(i2p(address), 0, expected, new) == expected else 0


@helper("jump_miss")
def jump_miss(cpu, pc, mode):
    proc = ldp(cpu, CPU_PROC)
    tag = pc | mode << 48
    block = find_block(proc, tag)
    if block == 0:
        return 0
    entry = _native(proc, block)
    remember_jump(cpu, proc, tag, block)
    return entry


@kernel
def _run_blocks(cpu, proc):
    """The loop of ``run``, between entering and leaving. A chain slot is patched for the block that comes next or not at all: on the way out a signal may
    change the pc, and the arena that has the slot may be emptied. Who replaces a region makes its valid word differ, fences, and then looks for slots that lead
    there (``Arena.redirect``); we patch, fence, and look at the word again: one of the two sees the other."""
    st64(cpu, CPU_EXIT_REASON, 0)
    while True:
        slot = ld64(cpu, CPU_CHAIN_FROM)
        st64(cpu, CPU_CHAIN_FROM, 0)
        if a_ld64(cpu, CPU_REQUEST) != 0:
            if a_ld64(cpu, CPU_REQUEST) & REQUEST_PAUSE:
                pass_poll(cpu, proc)
            request = a_ld64(cpu, CPU_REQUEST) & ~REQUEST_PAUSE
            if request != 0:
                st64(cpu, CPU_EXIT_ARG, request)
                st64(cpu, CPU_EXIT_REASON, _REQUEST)
                return _REQUEST
        pc = ld64(cpu, CPU_PC)
        if unlikely(pc & TAG_PC != pc):
            fetch_fault(cpu, pc, 0)
            return _FETCH_FAULT
        tag = pc | ld64(cpu, CPU_MODE) << 48
        block = indirect(cpu, proc, tag)
        if block == 0 or ld64(proc, block + BLOCK_DEAD) != 0:
            block = build_block(cpu, tag)
            if block == 0:
                return ld64(cpu, CPU_EXIT_REASON)
            remember_jump(cpu, proc, tag, block)
        entry = _native(proc, block)
        if entry != 0:
            if slot != 0:
                a_st64(i2p(slot), 0, entry)
                fence()
                if _native(proc, block) != entry:
                    a_st64(i2p(slot), 0, 0)
            jump = jump_entry(tag & TAG_PC)
            if ld64(cpu, jump + JUMP_TAG) == tag:
                st64(cpu, jump + JUMP_NATIVE, entry)
            _enter(cpu, proc, i2p(entry))
        else:
            interpret(cpu, block)
        if ld64(cpu, CPU_EXIT_REASON) == _REPLAY:
            st64(cpu, CPU_EXIT_REASON, 0)
            _replay(cpu, proc)
        reason = ld64(cpu, CPU_EXIT_REASON)
        if reason != 0:
            return reason


@export("run", "i64(p)")
def run(cpu):
    """Run a vCPU until something needs Python; gives cpu.exit_reason. What the guest's hardware would call an exception ends a reservation."""
    proc = ldp(cpu, CPU_PROC)
    enter_running(cpu, proc)
    reason = _run_blocks(cpu, proc)
    while reason == _SYSCALL:
        drop(cpu, _BY_EXCEPTION)
        if native_call(cpu, proc) == 0:
            reason = ld64(cpu, CPU_EXIT_REASON)
            break
        reason = _run_blocks(cpu, proc)
    leave_running(cpu, proc)
    if reason == _EXCEPTION:
        drop(cpu, _BY_EXCEPTION)
    elif reason in (_MEMORY_FAULT, _FETCH_FAULT):
        drop(cpu, _BY_FAULT)
    return reason


@export("raise_request", "void(p,i64)")
def raise_request(cpu, bits):
    """Set REQUEST_* bits of a vCPU that may be running."""
    a_or64(cpu, CPU_REQUEST, bits)


@export("drop_request", "void(p,i64)")
def drop_request(cpu, bits):
    """Clear REQUEST_* bits of a vCPU that may be running."""
    a_and64(cpu, CPU_REQUEST, ~bits)


@export("forget_vcpu", "void(p,i64)")
def forget_vcpu(proc, index):
    """Take a vCPU out of the table, in an exclusive section; afterwards nobody touches its block: the table is read by askers and under one of these locks."""
    lock(proc)
    lock_flush(proc)
    st64(proc, PROC_VCPUS + 8 * index, 0)
    unlock_flush(proc)
    unlock(proc)


@export("find_block", "i64(p,i64)")
def lookup(proc, tag):
    """Offset of the valid block for a jump tag, or 0."""
    return find_block(proc, tag)
