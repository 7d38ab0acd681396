"""Writes to exclusive pages by anybody: each is made between ``begin_write`` and ``end_write``, whatever the scheme.

What a scheme offers: ``link`` and ``store_conditional`` (called by ``exclusive``), and the parts of these functions that carry its name.
"""

from __future__ import annotations

from dbt.abi.exclusive import GRANULE, Scheme
from dbt.abi.memory import PAGE_BITS, PAGE_SIZE
from runtime.kernels import scheme_excl, scheme_flush, scheme_hst
from runtime.kernels.build import kernel
from runtime.kernels.mem import ld8, ld64, ldp, lshr
from runtime.kernels.offsets import CPU_GUEST_BASE, CPU_PROC, PROC_PAGE_FLAGS, PROC_SCHEME
from runtime.kernels.pages import age, forget, frame_of, is_exclusive, physical
from runtime.kernels.raw import store_part

EXCL, FLUSH, CAS, HST = (int(row) for row in (Scheme.EXCL, Scheme.FLUSH, Scheme.CAS, Scheme.HST))
_excl_begin, _excl_end, _excl_host, _excl_host_begins = (
    scheme_excl.begin_write, scheme_excl.end_write, scheme_excl.host_wrote, scheme_excl.host_write_begins,
)  # fmt: skip
_flush_begin, _flush_end, _flush_host, _flush_forget = scheme_flush.begin_write, scheme_flush.unlock_flush, scheme_flush.host_wrote, scheme_flush.forget
_hst_end, _hst_host = scheme_hst.end_write, scheme_hst.host_wrote


@kernel(inline=True)
def is_guarded(proc, address):
    """True if a store to the page of *address* must be made under the guard."""
    return is_exclusive(proc, frame_of(proc, lshr(address, PAGE_BITS)))


@kernel(inline=True)
def begin_write(cpu, address, last):
    """Before this vCPU writes the bytes from guest address *address* to *last*, which are in one granule or in two."""
    proc = ldp(cpu, CPU_PROC)
    scheme = ld64(proc, PROC_SCHEME)
    if scheme == EXCL:
        _excl_begin(proc, address, last)
    elif scheme == FLUSH:
        _flush_begin(cpu, proc, physical(proc, address), physical(proc, last))


@kernel(inline=True)
def end_write(cpu, address, last):
    """After them."""
    proc = ldp(cpu, CPU_PROC)
    scheme = ld64(proc, PROC_SCHEME)
    if scheme == EXCL:
        _excl_end(cpu, proc, address, last)
    elif scheme == FLUSH:
        _flush_end(proc)
    elif scheme == HST:
        _hst_end(cpu, proc, physical(proc, address), physical(proc, last))


@kernel
def store_in_page(cpu, address, value, size):
    """Store *size* bytes (1 to 8) that lie in one page: under the guard if need be, one granule at a time."""
    base = ldp(cpu, CPU_GUEST_BASE)
    if not is_guarded(ldp(cpu, CPU_PROC), address):
        store_part(base, address, value, size)
        return
    done = 0
    while done < size:
        at = address + done
        count = min(size - done, GRANULE - (at & (GRANULE - 1)))
        begin_write(cpu, at, at + count - 1)
        store_part(base, at, lshr(value, 8 * done), count)
        end_write(cpu, at, at + count - 1)
        done += count


@kernel
def after_store(cpu, address):
    """After the whole store (it may wait): count it, if it was made under the guard of a scheme whose pages age."""
    proc = ldp(cpu, CPU_PROC)
    if ld64(proc, PROC_SCHEME) == EXCL:
        frame = frame_of(proc, lshr(address, PAGE_BITS))
        if is_exclusive(proc, frame):
            age(cpu, proc, frame)


@kernel
def host_wrote(proc, address, size):
    """The host has written *size* bytes (at least 1) behind the vCPUs' backs. A fence is between."""
    scheme = ld64(proc, PROC_SCHEME)
    if scheme == EXCL:
        _excl_host_begins(proc)
    end = address + size
    while address < end:
        after = min(end, (address | (PAGE_SIZE - 1)) + 1)
        if is_guarded(proc, address):
            where = physical(proc, address)
            last = where + (after - address) - 1
            if scheme == EXCL:
                _excl_host(proc, where, last)
            elif scheme == FLUSH:
                _flush_host(proc, where, last)
            elif scheme == HST:
                _hst_host(proc, where, last)
        address = after


@kernel
def mapped_anew(proc, page, count):
    """The mapping of *count* guest pages changes. In an exclusive section, unless nothing was mapped there: a page without flags holds no reservation, though
    another page of its slot may."""
    scheme = ld64(proc, PROC_SCHEME)
    flags = ldp(proc, PROC_PAGE_FLAGS)
    for n in range(count):
        frame = frame_of(proc, page + n)
        if ld8(flags, page + n) != 0 and is_exclusive(proc, frame):
            if scheme == EXCL:
                forget(proc, frame)
            elif scheme == FLUSH:
                _flush_forget(proc, frame)
