"""One piece of guest code at every stage that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dbt.abi.archs import X86_ATOMICS
from dbt.frontend.base import Frontend, frontend_for
from dbt.ir.unit import Unit
from dbt.pipeline import Region, Start, lift_region, optimise, passes
from dbt.views import disasm, ir, layout
from dbt.views.lines import Line
from dbt.views.source import ISAS, Source
from runtime.regions import plan
from runtime.static_flow import Static


@dataclass
class Dump:
    """The result: ``stages`` in pipeline order. ``isa`` and ``address`` say where it starts."""

    source: str
    address: int
    isa: str
    stages: dict[str, list[Line]]

    @property
    def digits(self) -> int:
        """Width of an address in hexadecimal digits."""
        return 16 if self.isa == "x86-64" else 8

    def text(self, side_by_side: bool = False) -> str:
        head = f"{self.source} at {self.address:#x}, {self.isa}\n\n"
        return head + (layout.columns if side_by_side else layout.stacked)(self.stages, self.digits)

    def json(self) -> dict[str, object]:
        stages = {name: [{"pc": line.pc, "text": line.text} for line in lines] for name, lines in self.stages.items()}
        return {"source": self.source, "address": self.address, "isa": self.isa, "stages": stages}


def dump(source: Source, address: int, isa: str, stages: Sequence[str], region: bool = False, whole: bool = False, idiom: bool = True,
         x86_atomics: str = X86_ATOMICS[0]) -> Dump:  # fmt: skip
    """Show the basic block at *address*; with *region* the blocks that tier 1 would compile with it if it knew
    nothing of how often they run; with *whole* every block up to the end of the
    bytes. *idiom*: exclusive pairs become atomic operations. *x86_atomics*: of ``X86_ATOMICS``. *stages* are names of ``dbt.pipeline.STAGES``."""
    frontend = frontend_for(source.arch, x86_atomics)
    start = (address, ISAS[isa][1])
    entries = _linear(frontend, source, start) if whole else [start]
    blocks = entries
    if region:
        planned = plan(Static(frontend, source.fetch), start)
        entries, blocks = planned.entries, planned.blocks

    def lift() -> Region:
        return lift_region(frontend, source.fetch, entries, blocks)

    def title(pc: int, length: int, mode: int) -> str:
        return disasm.instruction(source.arch, mode, pc, source.fetch(pc, length)) if length else "end"

    shown: dict[str, list[Line]] = {}
    for stage in stages:
        made = lift()
        if stage == "disasm":
            shown[stage] = disasm.view(source.arch, _instructions(made.unit), source.fetch) + _leftover(source, made)
        elif stage == "ir":
            shown[stage] = ir.view(made.unit, title)
        else:
            optimise(made.unit, passes(source.arch, idiom))
            if stage == "ir-opt":
                shown[stage] = ir.view(made.unit, title)
            else:
                from dbt.views import native

                shown[stage] = native.llvm(made) if stage == "llvm" else native.asm(made)
    return Dump(source.name, address, isa, shown)


def _instructions(unit: Unit) -> list[tuple[int, int, int]]:
    """(pc, length, mode) of the guest instructions of *unit*, in address order."""
    return sorted({ir.mark_fields(inst) for inst in unit.insts() if inst.op.name == "mark" and inst.attr("length")})


def _leftover(source: Source, region: Region) -> list[Line]:
    """Bytes at the end that are too few for an instruction."""
    if source.name != "bytes" or not region.ranges:
        return []
    end = max(start + length for start, length in region.ranges)
    rest = source.fetch(end, 16)
    return [Line(end, f"{disasm.bytes_text(rest):<12} <too few bytes for an instruction>")] if rest else []


def _linear(frontend: Frontend, source: Source, start: Start) -> list[Start]:
    """The starts of the blocks that follow each other from *start* to the end of the bytes."""
    found, at, mode = [], start[0], start[1]
    while len(source.fetch(at, frontend.min_length)) == frontend.min_length:
        found.append((at, mode))
        region = lift_region(frontend, source.fetch, [(at, mode)], [])
        last = max(_instructions(region.unit))
        at, mode = last[0] + last[1], start[1]
    return found
