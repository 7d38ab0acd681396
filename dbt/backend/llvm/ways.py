"""Ways into the blocks of a region: along edges of the IR, and from outside.

A way that closes a loop polls ``cpu.request`` first. One into a loop may have to ask first what the loop would ask in each round (``bounds``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt.abi.exits import Exit
from dbt.backend.llvm import atomics, exits, memory
from dbt.backend.llvm.text import LIKELY

if TYPE_CHECKING:
    from dbt.backend.llvm.bounds import Guard
    from dbt.backend.llvm.region import Region


def block_label(label: str) -> str:
    """LLVM label of an IR block."""
    return f"ir_{label}"


class Ways:
    """What stands on the ways of region *r*: cold blocks, each written once."""

    def __init__(self, r: Region) -> None:
        self._r = r
        self._polls: dict[str, str] = {}  # label that a poll leads to -> its own
        self._guards: dict[tuple[str, tuple[Guard, ...]], str] = {}  # head of a loop, questions -> label
        self._refused: set[str] = set()  # heads of loops whose guards have their exit

    def into(self, target: str) -> str:
        """Label to branch to for IR block *target* from outside."""
        return self._guarded(target, self._r.bounds.guards(None, target))

    def between(self, source: str, target: str) -> str:
        """Label to branch to for the edge from IR block *source* to *target*."""
        r = self._r
        onward = self._guarded(target, r.bounds.guards(source, target))
        if (source, target) not in r.flow.closing or target not in r.flow.polled:
            return onward
        if onward not in self._polls:
            self._polls[onward] = f"poll_{onward.removeprefix(block_label(''))}"
            r.deferred.append(lambda: self._poll(target, onward))
        return self._polls[onward]

    def _begin(self, target: str, label: str) -> tuple[int, int]:
        """Start the cold block *label* on a way to *target*; gives pc and mode there."""
        r = self._r
        r.local, r.limit = {}, r.text.count
        r.arrive(target)
        mark = r.unit.blocks[target].insts[0]
        pc, mode = int(mark.attrs[0]), int(mark.attrs[2])  # type: ignore[call-overload]
        r.text.location = r.locate(pc)
        r.text.label(label)
        return pc, mode

    def _poll(self, target: str, onward: str) -> None:
        r, t = self._r, self._r.text
        pc, mode = self._begin(target, self._polls[onward])
        t.do(atomics.COMPILER_FENCE)  # what other vCPUs change between two polls, such as flags in TLB tags, is read again after this one
        quiet = t.value(f"icmp eq i64 {r.load_field('request', volatile=True)}, 0")
        away = t.new_label("away")
        t.do(f"br i1 {quiet}, label %{onward}, label %{away}{LIKELY}")
        t.label(away)
        exits.leave(r, str(pc), str(mode))
        r.local = None

    def _guarded(self, target: str, guards: tuple[Guard, ...]) -> str:
        """Label to branch to for a way to *target* that asks *guards* first."""
        if not guards:
            return block_label(target)
        label = f"guard{len(self._guards)}_{target}"
        if self._guards.setdefault((target, guards), label) is label:
            self._r.deferred.append(lambda: self._guard(target, guards, label))
        return self._guards[target, guards]

    def _guard(self, target: str, guards: tuple[Guard, ...], label: str) -> None:
        r, t = self._r, self._r.text
        self._begin(target, label)
        for guard in guards:
            address = str(guard.number)
            for slot, times in guard.terms:
                value = t.value(f"load i64, ptr {r.homes.of[slot].pointer}, align 8")
                address = t.value(f"add i64 {address}, {t.value(f'mul i64 {value}, {times}') if times != 1 else value}")
            fine = t.new_label("fine")
            t.do(f"br i1 {t.value(memory.in_space(r, address))}, label %{fine}, label %{self._refusal(target)}{LIKELY}")
            t.label(fine)
        t.do(f"br label %{block_label(target)}")
        r.local = None

    def _refusal(self, target: str) -> str:
        """Label of the exit that the guards of the loop at *target* share: tier 0 goes on at its head."""
        label = f"again_{target}"
        if target not in self._refused:
            self._refused.add(target)
            self._r.deferred.append(lambda: self._refuse(target, label))
        return label

    def _refuse(self, target: str, label: str) -> None:
        pc, mode = self._begin(target, label)
        self._r.store_field("exit_reason", str(int(Exit.REPLAY)))
        exits.leave(self._r, str(pc), str(mode))
        self._r.local = None
