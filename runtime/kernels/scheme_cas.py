"""Scheme ``cas``: the reservation is the value read, the store-conditional a host compare-and-swap. A store of the same value between goes unseen (ABA), and a
vCPU's own store of another value breaks its own link. No page is ever exclusive."""

from __future__ import annotations

from dbt.abi.exclusive import Failure
from runtime.kernels.build import kernel
from runtime.kernels.mem import ld64, ldp, st64
from runtime.kernels.offsets import CPU_EXCL_VALUE, CPU_GUEST_BASE, CPU_PROC
from runtime.kernels.pages import physical
from runtime.kernels.probe import probe_exclusive
from runtime.kernels.raw import compare_and_swap, raw_load
from runtime.kernels.reservation import failed, note, take

_STORE = int(Failure.STORE)


@kernel
def link(cpu, address, size):
    if not probe_exclusive(cpu, address, size, False):
        return 0
    value = raw_load(ldp(cpu, CPU_GUEST_BASE), address, size)
    st64(cpu, CPU_EXCL_VALUE, value)
    note(cpu, physical(ldp(cpu, CPU_PROC), address), size)
    return value


@kernel
def store_conditional(cpu, address, value, size):
    if not take(cpu, physical(ldp(cpu, CPU_PROC), address), size):
        return 1
    expected = ld64(cpu, CPU_EXCL_VALUE)
    if compare_and_swap(ldp(cpu, CPU_GUEST_BASE), address, expected, value, size) == expected:
        return 0
    failed(cpu, _STORE, 0)
    return 1
