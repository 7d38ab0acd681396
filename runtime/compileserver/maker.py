"""From a request to a region: lift, optimise, lower, compile, link. A pure function, whoever asks."""

from __future__ import annotations

from functools import cache
from time import perf_counter

from dbt.abi.archs import LAYOUTS
from dbt.backend.llvm import object as backend
from dbt.backend.llvm.region import Entry, lower
from dbt.frontend.base import Frontend, frontend_for
from dbt.ir.unit import Unit
from dbt.pipeline import lift_region, optimise, passes
from runtime import objects
from runtime.compileserver.requests import Made, Request

MOST_TEXT = 8 << 20  # bytes of LLVM text


class TooBig(Exception):
    """A region that LLVM is not given."""


_frontend = cache(frontend_for)


def _links(unit: Unit) -> int:
    """Number of load-links."""
    return sum(1 for inst in unit.insts() if inst.op.name == "ldlink")


class _Watch:
    """Seconds of each stage, in order."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._since = perf_counter()

    def lap(self, stage: str) -> None:
        """What was done since the last call was *stage*."""
        now = perf_counter()
        self.spent[stage] = self.spent.get(stage, 0.0) + now - self._since
        self._since = now


def make(request: Request) -> Made:
    """The region that *request* asks for; TooBig, or any exception from a bug of ours."""
    watch = _Watch()
    frontend: Frontend = _frontend(request.arch, request.x86_atomics)
    region = lift_region(frontend, request.fetch, request.entries, request.blocks, guesses=request.guesses)
    watch.lap("lift")
    unit = region.unit
    before = _links(unit)
    optimise(unit, passes(request.arch, request.idiom, alone=request.free_stores))
    exclusives = _links(unit)
    watch.lap("passes")
    places = [Entry(label, pc, mode) for (pc, mode), label in region.entries.items()]
    text = lower(unit, places, LAYOUTS[request.arch], linear=True, features=backend.features(), unchecked=request.unchecked, tagged=request.tagged,
                 free_stores=request.free_stores)
    watch.lap("lower")
    if len(text) > MOST_TEXT:
        raise TooBig(f"{len(text)} bytes of LLVM text")
    code = backend.compile_object(text, request.level, watch.lap)
    blob = objects.dump(objects.link(code))
    watch.lap("link")
    insns = sum(1 for inst in unit.insts() if inst.op.name == "mark")
    return Made(list(region.entries), region.ranges, blob, insns, before - exclusives, exclusives, text.count("\n"), watch.spent)
