"""Exclusive and atomic accesses: the helpers of generated code, which ask the scheme that the process block names (docs/exclusives.md).

After a fault nothing was stored, no lock is held, and the reservation ends with the exit.
"""

from __future__ import annotations

from dbt.abi.exclusive import Failure
from dbt.abi.exits import FAULT_ALIGN, FAULT_WRITE, Exit
from dbt.abi.helpers import AGAIN, ATOMIC_REPLAY, RMW_KINDS
from runtime.kernels import scheme_cas, scheme_excl, scheme_flush, scheme_hst
from runtime.kernels.build import helper, kernel
from runtime.kernels.guard import CAS, FLUSH, HST, after_store, begin_write, end_write, is_guarded
from runtime.kernels.host import ATOMIC_UNIT
from runtime.kernels.mem import a_cas128, ld64, ldp, st64
from runtime.kernels.offsets import CPU_EXIT_REASON, CPU_GUEST_BASE, CPU_PROC, CPU_SCRATCH, PROC_SCHEME
from runtime.kernels.probe import last_byte, probe, probe_exclusive, raise_fault
from runtime.kernels.quick_excl import quick_cas, quick_link, quick_rmw, quick_store
from runtime.kernels.raw import compare_and_swap, read_modify_write
from runtime.kernels.rendezvous import begin_asking, end_asking, hold_others, release_others
from runtime.kernels.reservation import drop
from runtime.kernels.softmmu import fill, load_checked, store_checked, stored

_CLREX = int(Failure.CLREX)
_REPLAY = int(Exit.REPLAY)
_KIND_CAS = len(RMW_KINDS)  # beside the rows of RMW_KINDS
_excl_link, _flush_link, _cas_link, _hst_link = scheme_excl.link, scheme_flush.link, scheme_cas.link, scheme_hst.link
_excl_store, _flush_store = scheme_excl.store_conditional, scheme_flush.store_conditional
_cas_store, _hst_store = scheme_cas.store_conditional, scheme_hst.store_conditional


@kernel
def _link(cpu, address, size):
    scheme = ld64(ldp(cpu, CPU_PROC), PROC_SCHEME)
    if scheme == FLUSH:
        return _flush_link(cpu, address, size)
    if scheme == CAS:
        return _cas_link(cpu, address, size)
    if scheme == HST:
        return _hst_link(cpu, address, size)
    value = _excl_link(cpu, address, size)
    if ld64(cpu, CPU_EXIT_REASON) == 0:
        fill(cpu, address)  # so that the next one may be quick
    return value


@helper("ldlink", quick=quick_link)
def ldlink(cpu, address, size):
    value = quick_link(cpu, address, size)
    if value != AGAIN:
        return value
    return _link(cpu, address, size)


@kernel
def _store_conditional(cpu, address, value, size):
    scheme = ld64(ldp(cpu, CPU_PROC), PROC_SCHEME)
    if scheme == FLUSH:
        return _flush_store(cpu, address, value, size)
    if scheme == CAS:
        return _cas_store(cpu, address, value, size)
    if scheme == HST:
        return _hst_store(cpu, address, value, size)
    return _excl_store(cpu, address, value, size)


@helper("stcond", quick=quick_store)
def stcond(cpu, address, value, size):
    if quick_store(cpu, address, value, size) == 0:
        return 0
    if not probe_exclusive(cpu, address, size, True) or _store_conditional(cpu, address, value, size) != 0:
        return 1
    stored(cpu, address, size)
    return 0


@helper("clrex")
def clrex(cpu):
    drop(cpu, _CLREX)


@kernel
def _operate(base, address, expected, operand, size, kind):
    """The host's atomic operation; gives the old value."""
    if kind == _KIND_CAS:
        return compare_and_swap(base, address, expected, operand, size)
    return read_modify_write(base, address, operand, kind, size)


@kernel
def _atomic(cpu, address, expected, operand, size, kind):
    """One host atomic operation on bytes that may be written; gives the old value."""
    proc, base = ldp(cpu, CPU_PROC), ldp(cpu, CPU_GUEST_BASE)
    last = last_byte(cpu, address, size)
    guarded = is_guarded(proc, address) or is_guarded(proc, last)
    if guarded:
        begin_write(cpu, address, last)
    old = _operate(base, address, expected, operand, size, kind)
    if guarded:
        end_write(cpu, address, last)
    stored(cpu, address, size)
    if guarded:
        after_store(cpu, address)
    fill(cpu, address)
    return old


@kernel
def _probe_atomic(cpu, address, spec):
    """As ``probe`` for helpers rmw and cas; with ATOMIC_REPLAY the exit is REPLAY in place of the fault."""
    if probe(cpu, address, spec & 255, (spec >> 8) & 255, True):
        return True
    if spec & ATOMIC_REPLAY:
        st64(cpu, CPU_EXIT_REASON, _REPLAY)
    return False


@kernel
def _atomic_alone(cpu, address, expected, operand, spec, kind):
    """An atomic operation that the host could not do at one go, or only by locking its bus: no vCPU executes anything meanwhile. Gives the old value."""
    size = spec & 255
    old = 0
    state = begin_asking(cpu)
    hold_others(ldp(cpu, CPU_PROC))
    if _probe_atomic(cpu, address, spec):  # the pages may have gone while we waited
        old = load_checked(cpu, address, size)
        st64(cpu, CPU_SCRATCH, old)
        _operate(cpu, CPU_SCRATCH, expected, operand, size, kind)
        store_checked(cpu, address, ld64(cpu, CPU_SCRATCH), size)
        stored(cpu, address, size)
    release_others(ldp(cpu, CPU_PROC))
    end_asking(cpu, state)
    if ld64(cpu, CPU_EXIT_REASON) == 0:
        after_store(cpu, address)
    return old


@kernel(inline=True)
def _is_split(address, size):
    """True if *size* bytes are misaligned and not in one unit that the host's atomic operations reach into at any place."""
    return address & (size - 1) != 0 and (address & (ATOMIC_UNIT - 1)) + size > ATOMIC_UNIT


@helper("rmw", quick=quick_rmw)
def rmw(cpu, address, operand, spec):
    old = quick_rmw(cpu, address, operand, spec)
    if old != AGAIN:
        return old
    if not _probe_atomic(cpu, address, spec):
        return 0
    if _is_split(address, spec & 255):
        return _atomic_alone(cpu, address, 0, operand, spec, (spec >> 16) & 255)
    return _atomic(cpu, address, 0, operand, spec & 255, (spec >> 16) & 255)


@helper("cas", quick=quick_cas)
def cas(cpu, address, expected, new, spec):
    old = quick_cas(cpu, address, expected, new, spec)
    if old != AGAIN:
        return old
    if not _probe_atomic(cpu, address, spec):
        return 0
    if _is_split(address, spec & 255):
        return _atomic_alone(cpu, address, expected, new, spec, _KIND_CAS)
    return _atomic(cpu, address, expected, new, spec & 255, _KIND_CAS)


@helper("cas_128")
def cas_128(cpu, address, cells, spec):
    if address & 15:
        raise_fault(cpu, address, FAULT_ALIGN | FAULT_WRITE)
    elif _probe_atomic(cpu, address, spec):
        guarded = is_guarded(ldp(cpu, CPU_PROC), address)
        if guarded:
            begin_write(cpu, address, address + 15)
        a_cas128(ldp(cpu, CPU_GUEST_BASE), address, cpu, (cells & 0xFFFF) << 3, (cells >> 16 & 0xFFFF) << 3, cells >> 32 << 3)
        if guarded:
            end_write(cpu, address, address + 15)
        stored(cpu, address, 16)
        if guarded:
            after_store(cpu, address)
        fill(cpu, address)
