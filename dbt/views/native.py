"""LLVM IR and host assembly of a region. Debug locations, added for the view alone, carry the guest addresses through LLVM's passes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

from dbt.abi.archs import LAYOUTS
from dbt.backend.llvm import object as backend
from dbt.backend.llvm.region import Entry
from dbt.backend.llvm.region import Region as Lowering
from dbt.pipeline import Region
from dbt.views.lines import Line

_FIRST = 1000  # metadata numbers of this module, above those of the lowering
_DEBUG = f"""!llvm.dbg.cu = !{{!{_FIRST}}}
!llvm.module.flags = !{{!{_FIRST + 1}}}
!{_FIRST} = distinct !DICompileUnit(language: DW_LANG_C, file: !{_FIRST + 2}, emissionKind: LineTablesOnly)
!{_FIRST + 1} = !{{i32 2, !"Debug Info Version", i32 3}}
!{_FIRST + 2} = !DIFile(filename: "guest", directory: "")
!{_FIRST + 3} = distinct !DISubprogram(name: "region", file: !{_FIRST + 2}, type: !{_FIRST + 4}, unit: !{_FIRST}, spFlags: DISPFlagDefinition)
!{_FIRST + 4} = !DISubroutineType(types: !{{null}})
"""
_LOCATION = re.compile(r"^!(\d+) = !DILocation\(line: (\d+)", re.MULTILINE)
_USE = re.compile(r", !dbg !(\d+)")
_METADATA = re.compile(r",? ![a-z]+ !\d+| #\d+|\s+; preds = .*| \{$")
_PLACE = re.compile(r"ptr %cpu, i64 (\d+)$")
_LLVM_NOISE = ("!", ";", "source_filename", "target ", "attributes ", "declare ", "}")
_LOC = re.compile(r"\s+\.loc\s+\d+ (\d+)")
# What an assembler needs and a reader does not.
_ASM_NOISE = re.compile(r"\s+\.(cfi_|file|loc|text|ident|addrsig|size|type|globl|p2align|intel_syntax|hidden)|\.L(tmp|func_begin|func_end|cfi)\d+:|#|$")


class _Located(Lowering):
    """The lowering with a debug location for each guest instruction: line n stands for the nth address seen."""

    def __init__(self, region: Region) -> None:
        layout = LAYOUTS[region.unit.arch]
        super().__init__(region.unit, [Entry(label, pc, mode) for (pc, mode), label in region.entries.items()], layout)
        self.pcs: list[int] = []
        self.locate = self._locate

    def _locate(self, pc: int) -> str:
        if pc not in self.pcs:
            self.pcs.append(pc)
        return f", !dbg !{_FIRST + 5 + self.pcs.index(pc)}"

    def attributes(self) -> str:
        return f"{super().attributes()} !dbg !{_FIRST + 3}"

    def module(self) -> str:
        body = self.lower()
        places = [f"!{_FIRST + 5 + i} = !DILocation(line: {i + 1}, scope: !{_FIRST + 3})" for i in range(len(self.pcs))]
        return "\n".join([body, _DEBUG, *places, ""])


def llvm(region: Region) -> list[Line]:
    """LLVM IR after LLVM's own passes; places in the vCPU block are named."""
    lowering = _Located(region)
    text = str(backend.optimised(lowering.module()))
    pc_of = {number: lowering.pcs[int(line) - 1] for number, line in _LOCATION.findall(text) if 0 < int(line) <= len(lowering.pcs)}
    names = {field.offset: name for name, field in lowering.layout.layout.fields.items()}
    lines = []
    for raw in text.splitlines():
        if not raw or raw.startswith(_LLVM_NOISE):
            continue
        use = _USE.search(raw)
        pc = pc_of.get(use[1]) if use and not raw.startswith("define") else None
        shown = _METADATA.sub("", raw)
        if (place := _PLACE.search(shown)) and (name := names.get(int(place[1]))):
            shown = f"{shown}  ; {name}"
        lines.append(Line(pc, shown))
    return _filled(lines, lambda text: text.startswith(("define", "@")))


def asm(region: Region) -> list[Line]:
    """Assembly for this host."""
    lowering = _Located(region)
    lines: list[Line] = []
    pc = None
    for raw in backend.compile_assembly(lowering.module()).splitlines():
        if raw.lstrip().startswith(".section") and ".debug" in raw:
            break
        if located := _LOC.match(raw):
            number = int(located[1])
            pc = lowering.pcs[number - 1] if 0 < number <= len(lowering.pcs) else None
            continue
        if _ASM_NOISE.match(raw):
            continue
        text = re.sub("\t+", " ", raw.split("#")[0].strip())
        if raw[0].isspace():
            lines.append(Line(pc, "    " + text))
        else:
            lines.append(Line(None, text))
            pc = pc if raw.startswith(".L") else None
    return _filled(lines, lambda text: not text.startswith(".L"))


def _filled(lines: list[Line], starts_function: Callable[[str], bool]) -> list[Line]:
    """Spills, phis and the like have no place of their own: they get the address of the line before them, at the head of a block that of the first
    line with one."""
    result: list[Line] = []
    pc: int | None = None
    for at, line in enumerate(lines):
        if not line.text.startswith(" "):
            block = itertools.takewhile(lambda later: later.text.startswith(" "), lines[at + 1 :])
            first = next((later.pc for later in block if later.pc is not None), None)
            pc = first if first is not None or starts_function(line.text) else pc
            result.append(line)
        else:
            pc = pc if line.pc is None else line.pc
            result.append(Line(pc, line.text))
    return result
