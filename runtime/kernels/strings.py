"""Several steps of a repeated string instruction at once, for the rows of kind ``string``.

Only what the fast path of loads and stores may do one by one is done here: a write tag without flags belongs to a page that may be written, holds no
translated code and is not exclusive. That stays so until this vCPU's next poll (``rendezvous``), so it is looked at once for each page, and never more than
a page is done between polls. Nothing here faults.
"""

from __future__ import annotations

from dbt.abi.memory import PAGE_BITS, PAGE_MASK, PAGE_SIZE
from dbt.abi.records import CODES
from runtime.kernels.build import kernel
from runtime.kernels.mem import a_ld64, g_ld64, g_st64, ldp, lshr
from runtime.kernels.offsets import CPU_GUEST_BASE, TLB_READ, TLB_WRITE
from runtime.kernels.payload import attribute
from runtime.kernels.raw import raw_load, raw_store
from runtime.kernels.sem import wrap
from runtime.kernels.softmmu import fill
from runtime.kernels.tlb import entry_of

_MOVE, _FILL, _SCAN, _COMPARE = (CODES[_name] for _name in ("string_move", "string_fill", "string_scan", "string_compare"))
_LANE, _EQUAL = 0, 1  # attributes of the rows
_WORD = 8  # bytes


@kernel
def _reachable(cpu, address, tag, size):
    """How many elements of *size* bytes from *address* on lie in its page, if that may be accessed with nothing else to do; else 0."""
    page = address & PAGE_MASK
    entry = entry_of(lshr(address, PAGE_BITS)) + tag
    if a_ld64(cpu, entry) != page:
        fill(cpu, address)
        if a_ld64(cpu, entry) != page:
            return 0
    return (PAGE_SIZE - (address - page)) // size


@kernel(inline=True)
def _least(a, b):
    """The lesser of two unsigned numbers, of which *a* is small."""
    return a if b < 0 or a < b else b


@kernel
def _move(base, source, target, size, count):
    """Where the target begins within 8 bytes behind the source's beginning, each element repeats one before."""
    total, done = count * size, 0
    if not 0 < target - source < _WORD:
        while done + _WORD <= total:
            g_st64(base, target + done, g_ld64(base, source + done))
            done += _WORD
    while done < total:
        raw_store(base, target + done, raw_load(base, source + done, size), size)
        done += size


@kernel
def _fill(base, target, value, size, count):
    total, done, bits = count * size, 0, 8 * size
    pattern = wrap(value, bits)
    while bits < 8 * _WORD:
        pattern |= pattern << bits
        bits *= 2
    while done + _WORD <= total:
        g_st64(base, target + done, pattern)
        done += _WORD
    while done < total:
        raw_store(base, target + done, pattern, size)
        done += size


@kernel
def _scan(base, address, value, size, count, equal):
    value = wrap(value, 8 * size)
    for i in range(count):
        if (raw_load(base, address + i * size, size) == value) != (equal != 0):
            return i
    return count


@kernel
def _compare(base, one, other, size, count, equal):
    for i in range(count):
        if (raw_load(base, one + i * size, size) == raw_load(base, other + i * size, size)) != (equal != 0):
            return i
    return count


@kernel
def run(cpu, record, code, a, b, most):
    """The result of the record at *record*, with operands *a* and *b*, of at most *most* steps (unsigned)."""
    if most == 0:
        return 0
    base, size = ldp(cpu, CPU_GUEST_BASE), attribute(record, _LANE) >> 3
    if code == _FILL:
        count = _least(_reachable(cpu, a, TLB_WRITE, size), most)
        _fill(base, a, b, size, count)
        return count
    count = _reachable(cpu, a, TLB_READ, size)
    if code == _MOVE:
        count = _least(min(count, _reachable(cpu, b, TLB_WRITE, size)), most)
        _move(base, a, b, size, count)
        return count
    if code == _SCAN:
        return _scan(base, a, b, size, _least(count, most - 1), attribute(record, _EQUAL))
    count = _least(min(count, _reachable(cpu, b, TLB_READ, size)), most - 1)
    return _compare(base, a, b, size, count, attribute(record, _EQUAL))
