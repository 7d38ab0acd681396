"""From a request to a region: lift, optimise, lower, compile, link. A pure function, whoever asks."""

from __future__ import annotations

from functools import cache

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


def make(request: Request) -> Made:
    """The region that *request* asks for; TooBig, or any exception from a bug of ours."""
    frontend: Frontend = _frontend(request.arch, request.x86_atomics)
    region = lift_region(frontend, request.fetch, request.entries, request.blocks, guesses=request.guesses)
    unit = region.unit
    before = _links(unit)
    optimise(unit, passes(request.arch, request.idiom, alone=request.free_stores))
    exclusives = _links(unit)
    places = [Entry(label, pc, mode) for (pc, mode), label in region.entries.items()]
    text = lower(unit, places, LAYOUTS[request.arch], linear=True, fma=backend.has_fma(), unchecked=request.unchecked, tagged=request.tagged,
                 free_stores=request.free_stores)
    if len(text) > MOST_TEXT:
        raise TooBig(f"{len(text)} bytes of LLVM text")
    blob = objects.dump(objects.link(backend.compile_object(text, request.level)))
    insns = sum(1 for inst in unit.insts() if inst.op.name == "mark")
    return Made(list(region.entries), region.ranges, blob, insns, before - exclusives, exclusives)
