"""The pipeline: blocks, regions with their real control flow, stage names."""

from __future__ import annotations

from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from dbt import pipeline
from dbt.abi.archs import LAYOUTS
from dbt.frontend.base import frontend_for
from dbt.ir.cfg import loop_heads
from dbt.ir.text import print_unit
from dbt.ir.verify import check

BASE = 0x10000
SUM_LOOP = (
    0xE3A02000,  # 10000  mov r2, #0
    0xE4903004,  # 10004  ldr r3, [r0], #4
    0xE0822003,  # 10008  add r2, r2, r3
    0xE2511001,  # 1000c  subs r1, r1, #1
    0x1AFFFFFB,  # 10010  bne 10004
    0xE12FFF1E,  # 10014  bx lr
)
ARM = frontend_for("arm")
SLOTS = LAYOUTS["arm"].slots


def fetcher(words: tuple[int, ...] = SUM_LOOP, base: int = BASE) -> pipeline.Fetch:
    code = b"".join(word.to_bytes(4, "little") for word in words)
    return lambda address, count: code[address - base : address - base + count] if base <= address < base + len(code) else b""


def region(entries: list[int], blocks: list[int], words: tuple[int, ...] = SUM_LOOP, base: int = BASE) -> pipeline.Region:
    made = pipeline.lift_region(ARM, fetcher(words, base), [(pc, 0) for pc in entries], [(pc, 0) for pc in blocks])
    check(made.unit, SLOTS)
    return made


def test_block_is_position_independent_until_optimised() -> None:
    unit = pipeline.lift_block(ARM, fetcher(), 0x1000C, 0)
    check(unit, SLOTS)
    assert "pcadd.i32" in print_unit(unit)
    text = print_unit(check(pipeline.optimise(unit), SLOTS))
    assert "pcadd.i32" not in text
    assert "const.i32 0x10004" in text and "const.i32 0x10014" in text


def test_a_pair_that_waits_is_entered_at_its_load_link() -> None:
    """Who comes back from a system call in the loop need not interpret the load-link. A pair without a wait becomes straight code."""
    wait = (0xE1921F9F, 0xE3510000, 0x1AFFFFFC, 0xE1820F94, 0xE12FFF1E)  # 1: ldrex r1, [r2]; cmp r1, #0; bne 1b; strex r0, r4, [r2]; bx lr
    pair = (0xE1921F9F, 0xE1820F94, 0xE3500000, 0x1AFFFFFB, 0xE12FFF1E)  # 1: ldrex r1, [r2]; strex r0, r4, [r2]; cmp r0, #0; bne 1b; bx lr
    before = 0xE3A00000  # mov r0, #0
    assert region([BASE], [BASE + 4], (before, *wait)).unit.entries == ["at_10004"]
    assert region([BASE], [BASE + 4], (before, *pair)).unit.entries == []


def test_region_branches_inside_and_leaves_outside() -> None:
    made = region([BASE], [0x10004])
    assert list(made.unit.blocks)[:2] == ["at_10000", "at_10004"]
    assert made.entries == {(BASE, 0): "at_10000", (BASE + 4, 0): "at_10004"}, "the head of the loop is an entry too"
    assert made.unit.entries == ["at_10004"]
    assert made.ranges == [(BASE, 0x14)]
    assert loop_heads(made.unit) == {"at_10004"}
    text = print_unit(made.unit)
    assert "brif %" in text and "at_10004" in text.partition("brif")[2]
    assert text.count("  goto ") == 1  # to 10014, which the region lacks
    assert "pcadd" not in text


def test_block_stops_where_another_starts() -> None:
    """The first block would run on to the branch; the loop head is a block of its own, lifted once."""
    made = region([BASE], [0x10004, 0x10014])
    assert print_unit(made.unit).count("--- 0x10004") == 1
    assert made.ranges == [(BASE, 0x18)]
    assert "goto_ind" in print_unit(made.unit)


def test_several_entries() -> None:
    made = region([0x10004, BASE], [0x10014])
    assert made.entries == {(0x10004, 0): "at_10004", (BASE, 0): "at_10000"}
    assert made.unit.entries == ["at_10000"]
    assert "at_10000: entry" in print_unit(made.unit)
    pipeline.optimise(made.unit)
    assert {"at_10004", "at_10000"} <= set(check(made.unit, SLOTS).blocks)


def test_same_pc_in_another_mode_is_another_block() -> None:
    made = pipeline.lift_region(ARM, fetcher(), [(BASE, 0), (BASE, 1)], [])
    assert made.entries == {(BASE, 0): "at_10000", (BASE, 1): "at_10000_1"}


def test_block_without_bytes_leaves_for_its_own_pc() -> None:
    """No branch to itself: the dispatcher finds out why nothing is there."""
    made = region([0x9000], [])
    assert made.ranges == []
    assert "goto %0, %1" in print_unit(made.unit)
    assert "const.i32 0x9000" in print_unit(made.unit)


def test_block_ends_with_its_page() -> None:
    made = region([0x10FFC], [0x11000], (0xE3A02000, 0xE3A02001, 0xE12FFF1E), 0x10FFC)
    assert made.ranges == [(0x10FFC, 12)]
    assert "--- 0x11000 length=4" in print_unit(made.unit)
    alone = region([0x10FFC], [], (0xE3A02000, 0xE3A02001, 0xE12FFF1E), 0x10FFC)
    assert alone.ranges == [(0x10FFC, 4)]
    assert "--- 0x11000 length=0" in print_unit(alone.unit)


def test_limit_of_instructions() -> None:
    made = pipeline.lift_region(ARM, fetcher(), [(BASE, 0)], [], limit=2)
    assert made.ranges == [(BASE, 8)]


def test_branch_to_itself() -> None:
    made = region([BASE], [], (0xEAFFFFFE,))  # b .
    assert loop_heads(made.unit) == {"at_10000"}


def test_region_needs_an_entry() -> None:
    with pytest.raises(ValueError, match="at least one entry"):
        pipeline.lift_region(ARM, fetcher(), [], [])


def test_loop_optimised() -> None:
    """The loop compares r1 directly; flags are only put for the way out."""
    text = print_unit(check(pipeline.optimise(region([BASE], [0x10004, 0x10014]).unit), SLOTS))
    loop = text.partition("at_10004:")[2].partition("at_10014:")[0]
    assert "eq.i32" in loop and "get.i32 zf" not in loop
    assert loop.count("get.i32 r2") == 1


def test_stages() -> None:
    assert pipeline.parse_stages("all") == tuple(pipeline.STAGES)
    assert pipeline.parse_stages("asm, ir") == ("ir", "asm")
    with pytest.raises(ValueError, match="no stage is called 'irr'; there are disasm, ir, ir-opt, llvm, asm and all"):
        pipeline.parse_stages("irr")


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match="no guest is called 'vax'"):
        frontend_for("vax")
    unit = pipeline.lift_block(ARM, fetcher(), BASE, 0)
    with pytest.raises(ValueError, match="no pass is called 'inline'; there are straighten"):
        pipeline.optimise(unit, ["inline"])


@pytest.mark.parametrize("name", ["demo", "matmul", "quicksort", "stages"])
def test_guest_code_stays_well_formed(guests: Path, name: str) -> None:
    """Blocks all over a program, the bytes between functions included, verify before and after the passes."""
    with (guests / f"{name}.elf").open("rb") as file:
        text = ELFFile(file).get_section_by_name(".text")
        base, data = text["sh_addr"], text.data()
    for pc in range(base, base + len(data), 20):
        made = pipeline.lift_region(ARM, lambda address, count: data[address - base : address - base + count] if address >= base else b"", [(pc, 0)], [])
        check(pipeline.optimise(check(made.unit, SLOTS)), SLOTS)
