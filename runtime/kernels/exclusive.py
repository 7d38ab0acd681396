"""Exclusive and atomic accesses.

The reservation is the vCPU's own: address, size and the value read. ``stcond`` is a host compare-and-swap against that value, which is right for one vCPU.
Own plain stores leave the reservation alone; CLREX and whoever delivers an exception clear it.
"""

from __future__ import annotations

from dbt.abi.exclusive import Failure
from dbt.abi.exits import FAULT_EXCLUSIVE, Exit
from dbt.abi.helpers import ATOMIC_REPLAY, RMW_KINDS
from runtime.kernels.build import helper, kernel
from runtime.kernels.mem import (
    a_add8,
    a_add16,
    a_add32,
    a_add64,
    a_and8,
    a_and16,
    a_and32,
    a_and64,
    a_cas8,
    a_cas16,
    a_cas32,
    a_cas64,
    a_or8,
    a_or16,
    a_or32,
    a_or64,
    a_smax8,
    a_smax16,
    a_smax32,
    a_smax64,
    a_smin8,
    a_smin16,
    a_smin32,
    a_smin64,
    a_umax8,
    a_umax16,
    a_umax32,
    a_umax64,
    a_umin8,
    a_umin16,
    a_umin32,
    a_umin64,
    a_xchg8,
    a_xchg16,
    a_xchg32,
    a_xchg64,
    a_xor8,
    a_xor16,
    a_xor32,
    a_xor64,
    ld64,
    ldp,
    st64,
)  # fmt: skip
from runtime.kernels.offsets import CPU_EXCL_VALUE, CPU_EXIT_REASON, CPU_FAULT_INFO, CPU_GUEST_BASE
from runtime.kernels.reservation import drop, failed, note, take
from runtime.kernels.softmmu import fill, probe, raw_load, stored

_ADD, _AND, _OR, _XOR, _XCHG, _UMIN, _UMAX, _SMIN, _SMAX = range(len(RMW_KINDS))
_CLREX, _STORE = int(Failure.CLREX), int(Failure.STORE)
_REPLAY = int(Exit.REPLAY)


@kernel
def _probe_exclusive(cpu, address, size, write):
    """As ``probe`` with natural alignment; a fault says that an exclusive access caused it."""
    if probe(cpu, address, size, size, write):
        return True
    st64(cpu, CPU_FAULT_INFO, ld64(cpu, CPU_FAULT_INFO) | FAULT_EXCLUSIVE)
    return False


@kernel
def compare_and_swap(base, address, expected, new, size):
    """Host compare-and-swap; gives the old value, zero-extended."""
    if size == 1:
        return a_cas8(base, address, expected, new)
    if size == 2:
        return a_cas16(base, address, expected, new)
    if size == 4:
        return a_cas32(base, address, expected, new)
    return a_cas64(base, address, expected, new)


@helper("ldlink")
def ldlink(cpu, address, size):
    if not _probe_exclusive(cpu, address, size, False):
        return 0
    value = raw_load(ldp(cpu, CPU_GUEST_BASE), address, size)
    note(cpu, address, size)
    st64(cpu, CPU_EXCL_VALUE, value)
    return value


@helper("stcond")
def stcond(cpu, address, value, size):
    if not _probe_exclusive(cpu, address, size, True):
        return 1
    if not take(cpu, address, size):
        return 1
    expected = ld64(cpu, CPU_EXCL_VALUE)
    if compare_and_swap(ldp(cpu, CPU_GUEST_BASE), address, expected, value, size) != expected:
        failed(cpu, _STORE, 0)
        return 1
    stored(cpu, address, size)
    return 0


@helper("clrex")
def clrex(cpu):
    drop(cpu, _CLREX)


# One function a width: the host's atomic operations differ by it.
@kernel
def _rmw8(base, address, operand, kind):
    if kind == _ADD:
        return a_add8(base, address, operand)
    if kind == _AND:
        return a_and8(base, address, operand)
    if kind == _OR:
        return a_or8(base, address, operand)
    if kind == _XOR:
        return a_xor8(base, address, operand)
    if kind == _XCHG:
        return a_xchg8(base, address, operand)
    if kind == _UMIN:
        return a_umin8(base, address, operand)
    if kind == _UMAX:
        return a_umax8(base, address, operand)
    if kind == _SMIN:
        return a_smin8(base, address, operand)
    return a_smax8(base, address, operand)


@kernel
def _rmw16(base, address, operand, kind):
    if kind == _ADD:
        return a_add16(base, address, operand)
    if kind == _AND:
        return a_and16(base, address, operand)
    if kind == _OR:
        return a_or16(base, address, operand)
    if kind == _XOR:
        return a_xor16(base, address, operand)
    if kind == _XCHG:
        return a_xchg16(base, address, operand)
    if kind == _UMIN:
        return a_umin16(base, address, operand)
    if kind == _UMAX:
        return a_umax16(base, address, operand)
    if kind == _SMIN:
        return a_smin16(base, address, operand)
    return a_smax16(base, address, operand)


@kernel
def _rmw32(base, address, operand, kind):
    if kind == _ADD:
        return a_add32(base, address, operand)
    if kind == _AND:
        return a_and32(base, address, operand)
    if kind == _OR:
        return a_or32(base, address, operand)
    if kind == _XOR:
        return a_xor32(base, address, operand)
    if kind == _XCHG:
        return a_xchg32(base, address, operand)
    if kind == _UMIN:
        return a_umin32(base, address, operand)
    if kind == _UMAX:
        return a_umax32(base, address, operand)
    if kind == _SMIN:
        return a_smin32(base, address, operand)
    return a_smax32(base, address, operand)


@kernel
def _rmw64(base, address, operand, kind):
    if kind == _ADD:
        return a_add64(base, address, operand)
    if kind == _AND:
        return a_and64(base, address, operand)
    if kind == _OR:
        return a_or64(base, address, operand)
    if kind == _XOR:
        return a_xor64(base, address, operand)
    if kind == _XCHG:
        return a_xchg64(base, address, operand)
    if kind == _UMIN:
        return a_umin64(base, address, operand)
    if kind == _UMAX:
        return a_umax64(base, address, operand)
    if kind == _SMIN:
        return a_smin64(base, address, operand)
    return a_smax64(base, address, operand)


@kernel
def _probe_atomic(cpu, address, spec):
    """As ``probe`` for helpers rmw and cas; with ATOMIC_REPLAY the exit is REPLAY in place of the fault."""
    if probe(cpu, address, spec & 255, (spec >> 8) & 255, True):
        return True
    if spec & ATOMIC_REPLAY:
        st64(cpu, CPU_EXIT_REASON, _REPLAY)
    return False


@helper("rmw")
def rmw(cpu, address, operand, spec):
    size, kind = spec & 255, (spec >> 16) & 255
    if not _probe_atomic(cpu, address, spec):
        return 0
    base = ldp(cpu, CPU_GUEST_BASE)
    if size == 1:
        old = _rmw8(base, address, operand, kind)
    elif size == 2:
        old = _rmw16(base, address, operand, kind)
    elif size == 4:
        old = _rmw32(base, address, operand, kind)
    else:
        old = _rmw64(base, address, operand, kind)
    stored(cpu, address, size)
    fill(cpu, address)
    return old


@helper("cas")
def cas(cpu, address, expected, new, spec):
    size = spec & 255
    if not _probe_atomic(cpu, address, spec):
        return 0
    old = compare_and_swap(ldp(cpu, CPU_GUEST_BASE), address, expected, new, size)
    stored(cpu, address, size)
    fill(cpu, address)
    return old
