"""The memory map of x86-64 guests: terabytes that are only set aside cost nothing, and every walk goes by what is mapped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbt.abi.exits import FAULT_NONCANONICAL, FAULT_UNMAPPED, FAULT_WRITE
from dbt.abi.memory import PAGE_SIZE
from runtime.linux.abi import abi_of
from runtime.linux.mm import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_READ, PROT_WRITE, AddressSpace
from runtime.linux.signals import SEGV_ACCERR, SEGV_MAPERR, SIGSEGV
from runtime.reserve import CHUNK_PAGES
from tests.engine.harness import Harness
from tests.linux.test_parts import Quiet

ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS
RW = PROT_READ | PROT_WRITE


@pytest.fixture
def space() -> Iterator[AddressSpace]:
    harness = Harness("x86_64")
    yield AddressSpace(harness.memory, Quiet(), abi_of("x86_64").memory_map(harness.memory.size))  # type: ignore[arg-type]
    harness.close()


def opened(space: AddressSpace) -> int:
    """Chunks of page flags that may cost memory."""
    return len(list(space.memory._flags.opened(0, space.memory.size // PAGE_SIZE)))


def test_places_are_taken_from_the_top(space: AddressSpace) -> None:
    first = space.map(0, PAGE_SIZE, RW, ANONYMOUS)
    assert first + PAGE_SIZE == space.memory.size - PAGE_SIZE
    hint = space.memory.size // 2 + 0x5678_9000
    assert space.map(hint, PAGE_SIZE, RW, ANONYMOUS) == hint
    assert space.map(space.memory.size - PAGE_SIZE, PAGE_SIZE, RW, ANONYMOUS | MAP_FIXED) < 0, "the last page is nobody's"


def test_terabytes_set_aside(space: AddressSpace) -> None:
    """A quarter of the space: 16 TiB, or less if other engines of the process have taken theirs."""
    half = space.memory.size // 8
    at = space.map(0, 2 * half, 0, ANONYMOUS)
    assert at > 0 and opened(space) == 0
    middle = at + half + PAGE_SIZE  # where a chunk starts
    assert space.protect(middle, 16 * PAGE_SIZE, RW) == 0
    assert space.memory.check(middle, 16 * PAGE_SIZE, write=True) and not space.memory.check(middle, 17 * PAGE_SIZE)
    assert opened(space) == 1
    assert [(a.end - a.start, a.prot) for a in space.areas if at <= a.start < at + 2 * half] == [
        (half + PAGE_SIZE, 0), (16 * PAGE_SIZE, RW), (half - 17 * PAGE_SIZE, 0),
    ]  # fmt: skip
    assert len(space.maps(lambda name: name).splitlines()) == 3
    assert space.unmap(at, 2 * half) == 0
    assert not space.areas and not space.memory.flags(middle)


def test_a_range_over_several_chunks(space: AddressSpace) -> None:
    border = 5 * CHUNK_PAGES * PAGE_SIZE
    assert space.map(border - 3 * PAGE_SIZE, 6 * PAGE_SIZE, RW, ANONYMOUS | MAP_FIXED) == border - 3 * PAGE_SIZE
    assert space.memory.check(border - 3 * PAGE_SIZE, 6 * PAGE_SIZE, write=True)
    assert opened(space) == 2
    assert space.protect(border - PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ) == 0
    assert [space.memory.check(border + n * PAGE_SIZE, 1, write=True) for n in range(-3, 3)] == [True, True, False, False, True, True]


@pytest.mark.parametrize(("address", "expected"), [
    (1 << 46, (SIGSEGV, SEGV_MAPERR, 1 << 46)),
    ((1 << 47) - 1, (SIGSEGV, SEGV_MAPERR, (1 << 47) - 1)),
    (1 << 47, (SIGSEGV, 0x80, 0)),
    (0x4141414141414141, (SIGSEGV, 0x80, 0)),
    ((1 << 64) - (1 << 47), (SIGSEGV, SEGV_MAPERR, (1 << 64) - (1 << 47))),
])  # fmt: skip
def test_signals_of_addresses_that_nobody_has(address: int, expected: tuple[int, int, int]) -> None:
    """Not canonical: #GP, which has no address (si_code SI_KERNEL); the kernel's half: a page fault like any other."""
    abi = abi_of("x86_64")
    canonical = 0 if address >> 47 in (0, (1 << 17) - 1) else FAULT_NONCANONICAL  # as the softmmu says
    for fault in (abi.memory_fault(FAULT_UNMAPPED | FAULT_WRITE | canonical, address), abi.fetch_fault(False, address)):
        assert (fault.signo, fault.code, fault.address) == expected
    assert abi.memory_fault(FAULT_WRITE, 0x1000).code == SEGV_ACCERR
