"""Templates: the records of one guest instruction, found by (mode, bytes).

Templates may come from a file, so nothing in them is trusted: offsets must descend and stay in the area, and a checksum covers each. A template that fails
the check counts as missing.
"""

from __future__ import annotations

from runtime.kernels.build import export, kernel
from runtime.kernels.codepages import lock, unlock
from runtime.kernels.mem import addp, fence, ld32, ld64, lshr, st32, st64
from runtime.kernels.offsets import (
    PROC_TEMPLATE_END,
    PROC_TEMPLATE_HASH,
    PROC_TEMPLATES,
    PROC_TEMPLATES_AREA,
    TEMPLATE_CHECK,
    TEMPLATE_INSN,
    TEMPLATE_MODE,
    TEMPLATE_NEXT,
    TEMPLATE_RECORDS,
    TEMPLATE_SIZE,
)
from runtime.process_block import TEMPLATE_BUCKETS, TEMPLATE_BYTES

_TEMPLATES_LIMIT = PROC_TEMPLATES_AREA + TEMPLATE_BYTES
_MIX_1 = 0x2545F4914F6CDD1D
_MIX_2 = 0x1B873593CC9E2D51


@kernel
def mix(mode, low, high):
    """24 well-mixed bits of an instruction and its mode."""
    return lshr((low ^ (mode * 0x9E3779B1) ^ (high * _MIX_2)) * _MIX_1, 40)


@kernel
def checksum(base, at, size):
    """Checksum of an entry of *size* bytes at *at*: everything behind its first field."""
    sum = size
    for i in range(8, size, 8):
        sum = (sum ^ ld64(base, at + i)) * _MIX_1
        sum ^= lshr(sum, 29)
    return sum


@kernel
def sound(proc, at, first, limit):
    """True if the entry at *at* (check, next and size come first in templates and shapes) lies between *first* and *limit* and its checksum holds."""
    if at < first or at & 15 or at + TEMPLATE_RECORDS > limit:
        return False
    size = ld64(proc, at + TEMPLATE_SIZE)
    return TEMPLATE_RECORDS <= size <= limit - at and size & 15 == 0 and ld64(proc, at + TEMPLATE_CHECK) == checksum(proc, at, size)


@kernel
def _bucket(mode, low, high):
    return PROC_TEMPLATE_HASH + ((mix(mode, low, high) & (TEMPLATE_BUCKETS - 1)) << 2)


@kernel
def find_template(proc, mode, low, high):
    """Offset of the template for an instruction, or 0."""
    limit = ld64(proc, PROC_TEMPLATE_END)
    at = ld32(proc, _bucket(mode, low, high))
    while at != 0:
        if not sound(proc, at, PROC_TEMPLATES_AREA, limit):
            return 0
        if ld64(proc, at + TEMPLATE_INSN) == low and ld64(proc, at + TEMPLATE_INSN + 8) == high and ld32(proc, at + TEMPLATE_MODE) == mode:
            return at
        limit = at
        at = ld64(proc, at + TEMPLATE_NEXT)
    return 0


@kernel
def template_room(proc, size):
    """Offset for a new template of *size* bytes, or 0 if the area is full."""
    at = ld64(proc, PROC_TEMPLATE_END)
    return at if at + size <= _TEMPLATES_LIMIT else 0


@kernel
def publish_template(proc, at, size):
    """Let the template of *size* bytes that was written at ``template_room`` be found: fills in check, next and size."""
    bucket = _bucket(ld32(proc, at + TEMPLATE_MODE), ld64(proc, at + TEMPLATE_INSN), ld64(proc, at + TEMPLATE_INSN + 8))
    head = ld32(proc, bucket)
    st64(proc, at + TEMPLATE_NEXT, head if sound(proc, head, PROC_TEMPLATES_AREA, at) else 0)
    st64(proc, at + TEMPLATE_SIZE, size)
    st64(proc, at + TEMPLATE_CHECK, checksum(proc, at, size))
    fence()
    st64(proc, PROC_TEMPLATE_END, at + size)
    st32(proc, bucket, at)
    st64(proc, PROC_TEMPLATES, ld64(proc, PROC_TEMPLATES) + 1)


@export("add_template", "i64(p,p,i64)")
def add_template(proc, source, size):
    """Copy a template of *size* bytes (a multiple of 16) from *source*, filling in check, next and size. Gives its offset; 0 if the area is full."""
    lock(proc)
    at = find_template(proc, ld32(source, TEMPLATE_MODE), ld64(source, TEMPLATE_INSN), ld64(source, TEMPLATE_INSN + 8))
    if at == 0:
        at = template_room(proc, size)
        if at != 0:
            for i in range(0, size, 8):
                st64(proc, at + i, ld64(source, i))
            publish_template(proc, at, size)
    unlock(proc)
    return at


@export("merge_templates", "i64(p,p,i64)")
def merge_templates(proc, area, size):
    """Add the sound templates of another process's area of *size* bytes. Gives how many bytes were gone through."""
    base = addp(area, -PROC_TEMPLATES_AREA)
    at = PROC_TEMPLATES_AREA
    end = at + size
    while at < end and sound(base, at, PROC_TEMPLATES_AREA, end):
        if add_template(proc, addp(base, at), ld64(base, at + TEMPLATE_SIZE)) == 0:
            break
        at += ld64(base, at + TEMPLATE_SIZE)
    return at - PROC_TEMPLATES_AREA


@export("reset_templates", "void(p)")
def reset_templates(proc):
    """Forget all templates."""
    lock(proc)
    for i in range(TEMPLATE_BUCKETS):
        st32(proc, PROC_TEMPLATE_HASH + 4 * i, 0)
    st64(proc, PROC_TEMPLATE_END, PROC_TEMPLATES_AREA)
    st64(proc, PROC_TEMPLATES, 0)
    unlock(proc)
