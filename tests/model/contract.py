"""The contract of exclusive accesses as a monitor: it follows the order in which accesses to guest memory take effect.

A ``stcond`` may store only if this vCPU has a reservation of that physical address and size, taken by the last read of its last ``ldlink``, and nobody else
has written into the granule since. It gives 0 exactly if it has stored, and stores at most once. A write by a system call counts as one at some moment
between its begin and its end: it breaks the links taken before its begin when it ends, and any link when it changes a byte.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.model.memory_map import GUEST
from tests.model.tables import Broken
from tests.model.threads import Access

GRANULE = 8


class Link(NamedTuple):
    """A vCPU's reservation: physical address, size, and whether it has been broken."""

    address: int
    size: int
    broken: bool


class _Of(NamedTuple):
    """What the monitor remembers of one vCPU."""

    link: Link | None = None
    stores: int = 0  # of the stcond under way
    exposed: frozenset[int] = frozenset()  # vCPUs whose links in its granules were taken before the host write under way began


Memory = tuple[_Of, ...]


class Contract:
    """A monitor for *count* programs; *physical* translates a guest address."""

    def __init__(self, count: int, physical: Callable[[int], int] = lambda address: address) -> None:
        self.start: Memory = (_Of(),) * count
        self._physical = physical

    def access(self, memory: Memory, thread: int, phase: tuple[Any, ...], access: Access, before: int, after: int, writes: bool) -> Memory:
        address = access.word - GUEST + access.shift // 8
        of = list(memory)
        if not writes:
            if phase and phase[0] == "link":
                of[thread] = of[thread]._replace(link=Link(self._physical(phase[1]), phase[2], False))
                for i, other in enumerate(of):
                    of[i] = other._replace(exposed=other.exposed - {thread})
            return tuple(of)
        if phase and phase[0] == "stcond":
            self._may_store(of[thread].link, self._physical(phase[1]), phase[2])
            of[thread] = of[thread]._replace(stores=of[thread].stores + 1)
            if of[thread].stores > 1:
                raise Broken("a stcond stores twice")
        if not (phase and phase[0] == "host" and before == after):
            for i in self._linked(of, thread, address, access.mask.bit_length() // 8):
                of[i] = self._broken(of[i])
        return tuple(of)

    def _linked(self, of: list[_Of], thread: int, address: int, size: int) -> frozenset[int]:
        """The others that have a link in the granules of *size* bytes at *address*."""
        first, last = self._physical(address) // GRANULE, self._physical(address + size - 1) // GRANULE
        return frozenset(i for i, other in enumerate(of) if i != thread and other.link is not None and first <= other.link.address // GRANULE <= last)

    @staticmethod
    def _broken(mine: _Of) -> _Of:
        return mine if mine.link is None else mine._replace(link=mine.link._replace(broken=True))

    @staticmethod
    def _may_store(link: Link | None, address: int, size: int) -> None:
        if link is None:
            raise Broken("a stcond stores without a reservation")
        if (link.address, link.size) != (address, size):
            raise Broken("a stcond stores with the reservation of another address or size")
        if link.broken:
            raise Broken("a stcond stores although another write came between")

    def event(self, memory: Memory, thread: int, event: tuple[Any, ...]) -> Memory:
        of = list(memory)
        mine = of[thread]
        kind = event[0]
        if kind == "stcond":
            if (event[1] == 0) != (mine.stores == 1):
                raise Broken(f"a stcond gives {event[1]} and has stored {mine.stores} times")
            of[thread] = mine._replace(link=None, stores=0)
        elif kind in ("link", "clrex", "exception"):
            of[thread] = mine._replace(link=None)
        elif kind == "host":
            of[thread] = mine._replace(exposed=self._linked(of, thread, event[1], event[2]))
        elif kind == "host done":
            for i in mine.exposed:
                of[i] = self._broken(of[i])
            of[thread] = mine._replace(exposed=frozenset())
        return tuple(of)
