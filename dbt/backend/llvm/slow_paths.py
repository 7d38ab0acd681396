"""Out-of-line stores: one function of the module for each size and alignment, so that a store's cold path is a call.

It looks at the TLB once more, for the store alone: the hot path may have looked for a whole group, whose bytes lie in two pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt.abi.memory import PAGE_BITS, PAGE_MASK, TLB_ENTRIES, TLB_ENTRY_BITS, tlb_entry
from dbt.backend.llvm.convention import HELPER_CONVENTION

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region


def store(r: Region, address: str, value: str, pc: int, size: int, align: int) -> str:
    """Store the low *size* bytes of *value* (i64) at guest *address* (i64) for the instruction at *pc*; gives the i1 that says whether it faulted."""
    name = f"store_{size}_{align}"
    r.outline(name, HELPER_CONVENTION, "i1", "i64 %address, i64 %value, i64 %pc", lambda: _store(r, size, align))
    return r.text.value(f"call {HELPER_CONVENTION} i1 @{name}(ptr %cpu, i64 {address}, i64 {value}, i64 {pc})")


def _store(r: Region, size: int, align: int) -> None:
    t = r.text
    if r.linear and not r.tagged:
        page = t.value(f"lshr i64 %address, {PAGE_BITS - TLB_ENTRY_BITS}")
        index = t.value(f"and i64 {page}, {(TLB_ENTRIES - 1) << TLB_ENTRY_BITS}")
        tag = t.value(f"load i64, ptr {t.at(t.at(r.field('tlb'), index), tlb_entry.offset('addr_write'))}, align 8")
        want = t.value(f"and i64 {t.value(f'add i64 %address, {size - align}')}, {PAGE_MASK | (align - 1)}")
        t.do(f"br i1 {t.value(f'icmp eq i64 {tag}, {want}')}, label %fast, label %slow")
        t.label("fast")
        type = f"i{8 * size}"
        host = t.at(r.load_field("guest_base", "ptr"), "%address")
        narrow = "%value" if size == 8 else t.value(f"trunc i64 %value to {type}")
        whole = align >= size
        t.do(f"store {'atomic' if whole else 'volatile'} {type} {narrow}, ptr {host}{' monotonic' if whole else ''}, align {align}")
        t.do("ret i1 false")
        t.label("slow")
    r.store_field("pc", "%pc")  # the writer's, for the statistics of exclusive accesses
    r.call_helper("st_slow", "%address", "%value", str(size | align << 8))
    reason = r.load_field("exit_reason")
    t.do(f"ret i1 {t.value(f'icmp ne i64 {reason}, 0')}")
