"""Scheme ``hst``: a hash table of who touched a granule last (Zhao et al., "Enhancing Atomic Instruction Emulation for Cross-ISA Dynamic Binary Translation",
CGO 2021). Its entries are the words of the granule records.

A store tags its granule *after* it has stored, and polls come between whole instructions. So when a store-conditional has stopped the others, every store
that came after its load-link has left its tag, over the load-link's own. The tag of a store is another than that of a load-link: a vCPU's own store would
cover up another's otherwise. So it breaks its own link, which is this scheme's weakness.

Every page is exclusive in the bitmap, so tier 0 tags on the slow path; compiled code masks TLB_EXCL out and tags inline, by the guest's address. Pages of
shared mappings, which have other physical addresses, are kept on the slow path by TLB_MMIO.
"""

from __future__ import annotations

from dbt.abi.exclusive import GRANULE, HOST_WRITER, WRITER_INDEX_SHIFT, Failure
from runtime.kernels.build import kernel
from runtime.kernels.granules import granule_of
from runtime.kernels.mem import a_ld64, a_st64, a_xchg64, fence, ld64, ldp
from runtime.kernels.offsets import CPU_GUEST_BASE, CPU_HST_TAG, CPU_PROC
from runtime.kernels.pages import physical
from runtime.kernels.probe import probe_exclusive
from runtime.kernels.raw import raw_load, raw_store
from runtime.kernels.rendezvous import begin_asking, end_asking, hold_others, release_others
from runtime.kernels.reservation import failed, note, take

_STORE, _HOST = int(Failure.STORE), int(Failure.HOST)


_BY_HOST = (HOST_WRITER + 1) << 1


@kernel
def _link_tag(cpu):
    return ld64(cpu, CPU_HST_TAG) | 1


@kernel
def link(cpu, address, size):
    if not probe_exclusive(cpu, address, size, False):
        return 0
    proc = ldp(cpu, CPU_PROC)
    where = physical(proc, address)
    a_xchg64(proc, granule_of(where), _link_tag(cpu))
    fence()  # the tag is there before the value is read
    note(cpu, where, size)
    return raw_load(ldp(cpu, CPU_GUEST_BASE), address, size)


@kernel
def store_conditional(cpu, address, value, size):
    proc = ldp(cpu, CPU_PROC)
    where = physical(proc, address)
    if not take(cpu, where, size):
        return 1
    state = begin_asking(cpu)
    hold_others(proc)
    result = 1
    if probe_exclusive(cpu, address, size, True):  # the page may have gone while we waited
        tag = a_ld64(proc, granule_of(where))
        if tag == _link_tag(cpu):
            raw_store(ldp(cpu, CPU_GUEST_BASE), address, value, size)
            result = 0
        else:
            failed(cpu, _HOST if tag == _BY_HOST else _STORE, ((tag >> 1) - 1) << WRITER_INDEX_SHIFT)
    release_others(proc)
    end_asking(cpu, state)
    return result


@kernel
def end_write(cpu, proc, where, last):
    tag = ld64(cpu, CPU_HST_TAG)
    a_st64(proc, granule_of(where), tag)
    a_st64(proc, granule_of(last), tag)


@kernel
def host_wrote(proc, where, last):
    at = where & ~(GRANULE - 1)
    while at <= last:
        a_st64(proc, granule_of(at), _BY_HOST)
        at += GRANULE
