"""The mistakes of docs/exclusives.md, made again: each row removes the guard against one of them from the sources of the kernels and names a scenario that must
then fail. ``number`` is that of the list there."""

from __future__ import annotations

from typing import NamedTuple

from tests.model.sources import Mutation

_K = "runtime/kernels/"


class Mistake(NamedTuple):
    """*says* is part of what the exploration must complain of."""

    number: int
    what: str
    scenario: str
    says: str
    guards: tuple[Mutation, ...]
    scheme: str = "excl"


def _guard(file: str, guard: str, by: str) -> tuple[Mutation, ...]:
    return (Mutation(_K + file, guard, by),)


_CAME_BETWEEN = "another write came between"
_NO_RESERVATION = "without a reservation"
_STUCK = "cannot all end"

# Guards that several mistakes remove.
_OF_THIS_PLACE = "    if held == physical and ld64(cpu, CPU_EXCL_SIZE) == size:\n"
_SWAPPED = "compare_and_swap(ldp(cpu, CPU_GUEST_BASE), address, expected, value, size) != expected"
_SWAPPED_ANYHOW = "compare_and_swap(ldp(cpu, CPU_GUEST_BASE), address, raw_load(ldp(cpu, CPU_GUEST_BASE), address, size), value, size) < 0"
_STORED = "    unlock_granule(proc, granule, writer_of(cpu))\n    return 0\n"

MISTAKES = (
    Mistake(1, "a page is flagged at its first link only", "link again after a store", _CAME_BETWEEN,
            _guard("scheme_flush.py", "                flush_tlb(other)\n",
                   "                if a_ld64(proc, PROC_EPOCH) == 0:\n                    flush_tlb(other)\n")
            + _guard("scheme_flush.py", "        flag_entries(proc, frame)\n",
                     "        if a_ld64(proc, PROC_EPOCH) == 0:\n            flag_entries(proc, frame)\n        a_st64(proc, PROC_EPOCH, 1)\n")
            + _guard("scheme_flush.py", "    PROC_FLUSH_LOCK,\n", "    PROC_EPOCH,\n    PROC_FLUSH_LOCK,\n"), "flush"),
    Mistake(1, "a page that was given back does not become exclusive again", "given back and taken again, alone", _STUCK,
            _guard("pages.py", "    if epoch & 1 == 0:\n        set_exclusive", "    if epoch == 0:\n        set_exclusive")),
    Mistake(2, "the link does not wait for stores in flight", "same value", _CAME_BETWEEN,
            _guard("pages.py", "        grace_period(proc)\n        st64(proc, record + PAGE_AGE", "        st64(proc, record + PAGE_AGE")),
    Mistake(2, "the link stops nobody", "same value", _CAME_BETWEEN,
            _guard("scheme_flush.py", "    hold_others(proc)\n", ""), "flush"),
    Mistake(2, "the entries of others keep no flag", "ABA", _CAME_BETWEEN,
            _guard("pages.py", "        flag_entries(proc, frame)\n", "")),
    Mistake(2, "a TLB fill does not look again", "ABA", _CAME_BETWEEN,
            _guard("softmmu.py", "        fence()\n        read, write", "        return\n        read, write")),
    Mistake(2, "a TLB fill looks again without a fence", "ABA", _CAME_BETWEEN,
            _guard("softmmu.py", "        fence()\n        read, write", "        read, write")),
    Mistake(2, "the grace period asks, and does not wait", "grace period", "B was",
            _guard("rendezvous.py", "            _wait_for(cpu, proc, epoch)\n", "            pass\n")),
    Mistake(2, "a vCPU enters without a fence", "section against stores", "the sum is",
            _guard("rendezvous.py", '''    a_st64(cpu, CPU_STATE, _RUNNING)
    fence()
    while''', '''    a_st64(cpu, CPU_STATE, _RUNNING)
    while''')),
    Mistake(2, "a vCPU leaves without a fence", "section against stores", _STUCK,
            _guard("rendezvous.py", '''    fence()
    if a_ld64(proc, PROC_ASKER_SLEEPS)''', '''    if a_ld64(proc, PROC_ASKER_SLEEPS)''')),
    Mistake(2, "who waits for a section counts as running", "two askers", _STUCK,
            _guard("rendezvous.py", "        a_st64(cpu, CPU_STATE, meanwhile)\n        _tell_asker(proc)\n        _sleep", "        _sleep")),
    Mistake(2, "the quick way does not look whether the page is settled", "given back", _CAME_BETWEEN,
            _guard("quick_excl.py", "    if epoch & 1 == 0 or a_ld64(proc, record + PAGE_LINKED) == 0:\n", "    if False:\n")
            + _guard("quick_excl.py", "    if epoch & 1 == 0 or a_ld64(proc, page_record(lshr(address, PAGE_BITS)) + PAGE_EPOCH) != epoch:\n",
                     "    if False:\n")),
    Mistake(2, "the quick store takes no lock", "same value", _CAME_BETWEEN,
            _guard("quick_excl.py", "    if _lock_at_once(proc, granule) & LOCKED:\n        return AGAIN\n    raw_store", "    raw_store")),
    Mistake(3, "a store to a page with a link forgets the code made from it", "code and a link", "code was made from",
            _guard("softmmu.py", "        store_checked(cpu, address, value, size)\n        stored(cpu, address, size)\n        after_store(cpu, address)\n",
                   "        store_checked(cpu, address, value, size)\n        if not is_exclusive(ldp(cpu, CPU_PROC), lshr(address, PAGE_BITS)):\n"
                   "            stored(cpu, address, size)\n        after_store(cpu, address)\n")),
    Mistake(3, "a store to a page with code forgets the link", "code and a link", _CAME_BETWEEN,
            _guard("softmmu.py", "        store_checked(cpu, address, value, size)\n        stored(cpu, address, size)\n        after_store(cpu, address)\n",
                   "        if page_flags(cpu, address) & PAGE_CODE:\n            raw_store(ldp(cpu, CPU_GUEST_BASE), address, value, size)\n        else:\n"
                   "            store_checked(cpu, address, value, size)\n        stored(cpu, address, size)\n        after_store(cpu, address)\n")
            + _guard("softmmu.py", "import raw_load\n", "import raw_load, raw_store\n")),
    Mistake(3, "a store under way is not waited for when its page becomes code", "code and a store under way", "code was made from",
            _guard("blocks.py", "        hold_others(proc)\n        made = _build(cpu, proc, tag, 1)\n        release_others(proc)\n",
                   "        made = _build(cpu, proc, tag, 1)\n")),
    Mistake(3, "the second page of code is marked while others store", "code on two pages and a store under way", "code was made from",
            _guard("blocks.py", "            if _mark(proc, second >> PAGE_BITS, alone) == 0:\n",
                   "            if _mark(proc, second >> PAGE_BITS, 1) == 0:\n")),
    Mistake(5, "an unaligned store takes the fast path", "store across pages", _CAME_BETWEEN,
            _guard("interp.py", '"same": PAGE_MASK | (bits // 8 - 1)', '"same": PAGE_MASK')),
    Mistake(5, "the second page of a store is not guarded", "store across pages", _CAME_BETWEEN,
            _guard("softmmu.py", "        store_in_page(cpu, last_byte(cpu, address, size) & PAGE_MASK, lshr(value, 8 * first), size - first)\n",
                   "        store_part(ldp(cpu, CPU_GUEST_BASE), last_byte(cpu, address, size) & PAGE_MASK, lshr(value, 8 * first), size - first)\n")
            + _guard("softmmu.py", "import raw_load\n", "import raw_load, store_part\n")),
    Mistake(6, "CLREX does nothing", "CLREX", _NO_RESERVATION, _guard("exclusive.py", "    drop(cpu, _CLREX)\n", "    pass\n")),
    Mistake(6, "a system call leaves the reservation", "system call between", _NO_RESERVATION,
            _guard("dispatch.py", "    while reason == _SYSCALL:\n        drop(cpu, _BY_EXCEPTION)\n", "    while reason == _SYSCALL:\n")),
    Mistake(6, "a fault leaves the reservation", "fault between", _NO_RESERVATION, _guard("dispatch.py", "        drop(cpu, _BY_FAULT)\n", "        pass\n")),
    Mistake(7, "a reservation serves twice", "twice after one link", _NO_RESERVATION,
            _guard("reservation.py", '''    a_st64(cpu, CPU_EXCL_ADDR, NOBODY)
    st64(cpu, CPU_EXCL_CAUSE, _NONE)
''', "    st64(cpu, CPU_EXCL_CAUSE, _NONE)\n")
            + _guard("quick_excl.py", "    a_st64(cpu, CPU_EXCL_ADDR, NOBODY)\n", "")
            + _guard("quick_excl.py", _STORED, "    a_st64(proc, granule, version)\n    return 0\n")
            + _guard("quick_excl.py", _SWAPPED, _SWAPPED_ANYHOW)
            + _guard("scheme_excl.py", _STORED, "    a_st64(proc, granule, version)\n    return 0\n")
            + _guard("scheme_excl.py", _SWAPPED, _SWAPPED_ANYHOW)),
    Mistake(7, "the address does not count", "the last link counts", "another address or size",
            _guard("reservation.py", _OF_THIS_PLACE, "    if held != NOBODY and ld64(cpu, CPU_EXCL_SIZE) == size:\n")),
    Mistake(7, "the address does not count on the quick way", "the last link counts", "another address or size",
            _guard("quick_excl.py", " or a_ld64(cpu, CPU_EXCL_ADDR) != address", "")),
    Mistake(7, "the size does not count on the quick way", "another size", "another address or size",
            _guard("quick_excl.py", " or ld64(cpu, CPU_EXCL_SIZE) != size", "")),
    Mistake(7, "the size does not count", "another size", "another address or size",
            _guard("reservation.py", _OF_THIS_PLACE, "    if held == physical:\n")),
    Mistake(7, "an alias is another place", "an alias", _CAME_BETWEEN,
            _guard("pages.py", "    return page if shared == 0 else SHARED_FRAMES - 1 + shared\n", "    return page\n")),
    Mistake(8, "a doubleword is read in halves", "doubleword", "half of a store",
            _guard("raw.py", "    return g_ld64(base, address)\n", "    return g_ld32(base, address) | g_ld32(base, address + 4) << 32\n")),
    Mistake(9, "a fault leaves the section open", "page becomes read-only", _STUCK,
            _guard("scheme_hst.py", "    result = 1\n    if probe_exclusive(cpu, address, size, True):  # the page may have gone while we waited\n",
                   "    result = 1\n    if not probe_exclusive(cpu, address, size, True):\n        return 1\n    if True:\n"), "hst"),
    Mistake(10, "a mask of vCPUs is too short", "ABA", _CAME_BETWEEN,
            _guard("pages.py", "    for i in range(ld64(proc, PROC_VCPU_COUNT)):\n", "    for i in range(1):\n")),
    Mistake(11, "the second half of a vector store is not guarded", "store of 16 bytes", _CAME_BETWEEN,
            _guard("softmmu.py", "        store_checked(cpu, (address + 8) & mask, ld64(cpu, (cell + 1) << 3), 8)\n",
                   "        raw_store(ldp(cpu, CPU_GUEST_BASE), (address + 8) & mask, ld64(cpu, (cell + 1) << 3), 8)\n")
            + _guard("softmmu.py", "import raw_load\n", "import raw_load, raw_store\n")),
    Mistake(11, "an atomic operation breaks no link", "exchange", _CAME_BETWEEN,
            _guard("exclusive.py", "    guarded = is_guarded(proc, address) or is_guarded(proc, last)\n", "    guarded = False\n")),
    Mistake(11, "a system call breaks no link", "the host writes", _CAME_BETWEEN,
            _guard("codepages.py", "    host_wrote(proc, address, size)\n", "    pass\n")),
    Mistake(11, "a split atomic operation stops nobody", "split addition and a store", "the halves are",
            _guard("exclusive.py", "    hold_others(ldp(cpu, CPU_PROC))\n", "")),
    Mistake(13, "a store-conditional gives the page back", "stays exclusive", "given back and taken again",
            _guard("scheme_excl.py", _STORED, "    unlock_granule(proc, granule, writer_of(cpu))\n"
                   "    a_st64(proc, page_record(lshr(where, PAGE_BITS)) + PAGE_EPOCH, epoch + 1)\n    return 0\n")
            + _guard("quick_excl.py", _STORED, "    unlock_granule(proc, granule, writer_of(cpu))\n"
                     "    a_st64(proc, page_record(lshr(address, PAGE_BITS)) + PAGE_EPOCH, epoch + 1)\n    return 0\n")),
)  # fmt: skip
