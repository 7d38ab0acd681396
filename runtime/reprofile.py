"""Hot code whose profile has changed is made again: which regions, when, and from what.

A region counts nothing, so a change shows at its exits: a block that runs often outside of all regions (tier 0 and quick code count) though it leads into
some. These regions, its *family*, then make way for a short **sample**: their valid words become PAUSED, and until one of their entries was executed
``SAMPLE`` times, tier 0 and quick code run and count what they have, and note where indirect jumps go now. What was counted is the profile of today: a region
grown from it takes the place of those of the family whose entries it has, or that nobody entered meanwhile. Until it is there, the old ones go on.

Bounds: a region takes part in ``MOST_REVISIONS`` revisions, and each asks for ``PATIENCE`` times more executions outside than the one before. A block whose
sample leads to none gets a region of its own, as without a family. There is one sample at a time, and nothing is planned from older counts while it lasts.

No vCPU is stopped, and none is waited for. Entries look at the valid word, and leave to the dispatcher unless it is VALID; who is inside goes on until it
leaves, with code that is as right as ever, and its memory stays until the arena is emptied. Only who holds ``Tier1.lock`` pauses, resumes and drops, by
compare-and-swap: a word that the guest's own change of its code has made DROPPED stays so. A chain slot that leads to a paused entry costs a way through the
dispatcher; one that leads to a dropped entry is found by ``Arena.redirect``, or taken back by the vCPU that is just patching it (``dispatch.py``).
"""

from __future__ import annotations

import ctypes
import time

from dbt.backend.llvm.convention import DROPPED, PAUSED, VALID
from runtime.arena import read_word
from runtime.process_block import proc

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from dbt.pipeline import Start
    from runtime.background import Background
    from runtime.covered import Live
    from runtime.regions import Plan

MOST_REVISIONS = 3
PATIENCE = 4
SAMPLE = 1_000  # executions of an entry
LONGEST = 0.1  # seconds of a sample that another block waits for
MOST_SEEN = 128  # blocks that are looked at for regions
MOST_REGIONS = 16  # of a family
SELDOM = 4  # times less often executed than the most frequent entry: the new region starts elsewhere


class Revision:
    """A region to be made in the place of those of ``family`` that it can replace, because the block ``cause`` is executed outside of them."""

    __slots__ = ("plan", "family", "number", "cause", "recent")

    def __init__(self, plan: Plan, family: list[Live], cause: Start, recent: dict[Start, int]) -> None:
        self.plan, self.family, self.cause, self.recent = plan, family, cause, recent
        self.number = 1 + max(live.revision for live in family)
        for live in family:
            live.revision = self.number

    def __str__(self) -> str:
        return f"made again ({self.number} of {MOST_REVISIONS}) as {self.cause[0]:#x} is executed outside of it; "

    def replaced(self, made: list[Start]) -> list[Live]:
        """The regions of the family that a region with the entries *made* takes the place of."""
        return [live for live in self.family if all(entry in made or not self.recent[entry] for entry in live.entries)]


class _Sample:
    __slots__ = ("cause", "family", "seen", "before", "until")

    def __init__(self, cause: Start, family: list[Live], seen: list[Start], before: bytes) -> None:
        self.cause, self.family, self.seen, self.before = cause, family, seen, before
        self.until = time.monotonic() + LONGEST


class Reprofile:
    """What an engine's ``Background`` knows of its regions and their profile. Used under its lock."""

    def __init__(self, tier1: Background) -> None:
        self.tier1 = tier1
        self.engine = tier1.engine
        self.counts = dict.fromkeys(("profile_samples", "regions_recompiled", "regions_replaced"), 0)
        self._sample: _Sample | None = None
        self._noted: dict[Start, set[int]] = {}  # blocks executed outside that are to come back -> valid words of the regions that were there by then
        self._own: set[Start] = set()  # blocks that get a region of their own

    def forget(self) -> None:
        """No region is entered any more."""
        self._noted.clear()
        self._own.clear()
        self._sample = None

    # Samples ----------------------------------------------------------------------------------------------------------
    def consider(self, start: Start) -> Revision | bool:
        """The block at *start* is worth a compilation. False: a region of its own; True: it comes back when more is known; else what to make."""
        if self._sample is not None:
            if time.monotonic() < self._sample.until:
                self.tier1.look_again(start, self.tier1.executed(start) + SAMPLE)
                return True
            return self.finish() or False
        if start in self._own:
            self._own.remove(start)
            return False
        family, seen = self._family(start)
        revision = max([live.revision for live in family], default=MOST_REVISIONS)
        if revision >= MOST_REVISIONS:
            return False
        words, known = {live.valid for live in family}, self._noted.setdefault(start, set())
        if not words <= known:  # what it has counted may be from before they were there
            known |= words
            self.tier1.look_again(start, self.tier1.executed(start) + SAMPLE * PATIENCE**revision)
            return True
        del self._noted[start]
        self._begin(start, family, seen)
        return True

    def _family(self, start: Start) -> tuple[list[Live], list[Start]]:
        """Regions with blocks that control reaches from *start*, the nearest first, and those blocks."""
        from runtime.regions import Profile

        profile = Profile(self.engine)
        found: list[Live] = []
        seen = {start: None}
        waiting = [start]
        while waiting and len(seen) < MOST_SEEN and len(found) < MOST_REGIONS:
            place = waiting.pop(0)
            found += [live for live in self.tier1.covered.at(place[0]) if live not in found]
            flow = profile.flow(place)
            for target in (*flow.targets, flow.went, flow.after) if flow is not None else ():
                if target is not None and target not in seen:
                    seen[target] = None
                    waiting.append(target)
        return found, list(seen)

    def _begin(self, start: Start, family: list[Live], seen: list[Start]) -> None:
        self.counts["profile_samples"] += 1
        for live in family:
            self.engine.change_word(live.valid, VALID, PAUSED)
            for entry in live.entries:
                self.tier1.step_back(entry)
                self.tier1.look_again(entry, self.tier1.executed(entry) + SAMPLE)
        self.tier1.look_again(start, self.tier1.executed(start) + PATIENCE * SAMPLE)
        block, first = self.engine.block, proc.offset("blocks")
        self._sample = _Sample(start, family, seen, ctypes.string_at(block.address + first, block.get("block_end") - first))

    def ends_with(self, start: Start) -> bool:
        """True if the block at *start*, which has become hot, ends the sample."""
        sample = self._sample
        return sample is not None and (start == sample.cause or any(start in live.entries for live in sample.family))

    def finish(self) -> Revision | None:
        """End the sample; the regions go on. Gives what to make in their place, if anything."""
        sample = self._sample
        revision = self._planned(sample) if sample is not None and self.resume() else None
        if revision is None and sample is not None:
            self._own.add(sample.cause)
        return revision

    def resume(self) -> bool:
        """End the sample for nothing. Gives False if no region of it is left."""
        sample, self._sample = self._sample, None
        left = False
        for live in sample.family if sample is not None else ():
            if self.engine.change_word(live.valid, PAUSED, VALID):
                left = True
                for entry in live.entries:
                    self.tier1.install(entry)
        return left

    def _planned(self, sample: _Sample) -> Revision | None:
        from runtime.regions import Recent, plan

        family = [live for live in sample.family if read_word(live.valid) == VALID]
        profile = Recent(self.engine, self._elsewhere(family).__contains__, sample.before)
        recent = {entry: profile.weight(entry) for live in family for entry in live.entries}
        most = max(recent.values(), default=0)
        if most * PATIENCE < SAMPLE:
            return None
        root = next((first for live in family if recent[first := next(iter(live.entries))] * SELDOM >= most), max(recent, key=lambda entry: recent[entry]))
        profile.keep(root, [place for place in sample.seen if any(live.has(place[0]) for live in family)])
        made = plan(profile, root)
        if sample.cause not in made.blocks:
            return None
        least = max(1, profile.weight(root) // SAMPLE)
        made.entries += [entry for entry, times in recent.items() if times >= least and entry in made.blocks and entry not in made.entries]
        return Revision(made, family, sample.cause, recent)

    def _elsewhere(self, family: list[Live]) -> set[Start]:
        """Entries of regions that were not sampled."""
        own = {entry for live in family for entry in live.entries}
        return {entry for entry in self.tier1.natives if entry not in own}

    # Replacing --------------------------------------------------------------------------------------------------------
    def replace(self, revision: Revision, entries: list[Start]) -> None:
        """A region with *entries* has been entered as *revision* says: drop those whose place it takes."""
        self.counts["regions_recompiled"] += 1
        natives = self.tier1.natives
        ways = self.tier1.quick_ways(entries)
        for live in revision.replaced(entries):
            if read_word(live.valid) == DROPPED:
                continue
            self.counts["regions_replaced"] += 1
            for state in (VALID, PAUSED):
                self.engine.change_word(live.valid, state, DROPPED)
            self.tier1.covered.drop(live)
            for entry, address in live.entries.items():
                if natives.get(entry, (0, 0))[1] == live.valid:
                    del natives[entry]
                    self.tier1.step_back(entry)
                    self.tier1.look_again(entry, self.tier1.executed(entry) + self.tier1.enough)
                ways[address] = natives.get(entry, (0, 0))[0]
        self.tier1.arena.redirect(ways)
