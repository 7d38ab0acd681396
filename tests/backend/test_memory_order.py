"""What docs/memory-order.md says: the host's ordering instructions stand where guest order needs them and nowhere else, and accesses keep their order."""

from __future__ import annotations

import re
import struct

import pytest

from dbt.abi.arm import cpu as LAYOUT
from dbt.abi.records import CODES
from dbt.backend.llvm import atomics
from dbt.backend.llvm import object as backend
from dbt.backend.llvm.region import Entry, lower
from dbt.backend.tier0.encode import encode
from dbt.frontend.base import frontend_for, lift_insn
from dbt.ir.text import parse_unit
from dbt.ir.unit import Unit
from dbt.pipeline import lift_region, optimise, passes

FRONTEND = frontend_for("arm")
BASE = 0x8000
LDR, STR = 0xE5921000, 0xE5831000  # ldr r1, [r2]; str r1, [r3]
LDRD, STRD = 0xE1C240D0, 0xE1C340F0  # ldrd r4, [r2]; strd r4, [r3]
VLDR, VST1 = 0xED920B00, 0xF4430A0F  # vldr d0, [r2]; vst1.8 {q8}, [r3]
LDA, STL, STLB = 0xE1921C9F, 0xE183FC91, 0xE1C3FC91
DMB, DMB_ST, DMB_LD, DSB, ISB = 0xF57FF05B, 0xF57FF05A, 0xF57FF059, 0xF57FF04F, 0xF57FF06F
ADD_LOOP = (0xE1921F9F, 0xE2811001, 0xE1820F91, 0xE3500000, 0x1AFFFFFA)  # 1: ldrex r1, [r2]; add r1, r1, #1; strex r0, r1, [r2]; cmp r0, #0; bne 1b
LDAEX_LOOP = (0xE1921E9F, 0xE2811001, 0xE1820E91, 0xE3500000, 0x1AFFFFFA)
CAS_LOOP = (0xE1921F9F, 0xE1510003, 0x1A000002, 0xE1820F94, 0xE3500000, 0x1AFFFFF9)
SWP = 0xE1021091
BX_LR = 0xE12FFF1E

COSTS = {  # guest code -> ordering instructions of the host on the hot path
    (LDR, STR, LDR, STR): [],
    (LDRD, STRD, VLDR, VST1): [],
    (STR, DMB, LDR): ["lock or"],
    (STR, DSB, LDR): ["lock or"],
    (STR, DMB_ST, STR): [],
    (LDR, DMB_LD, LDR): [],
    (LDR, ISB, LDR): [],
    (LDA, LDR): [],
    (STL,): ["xchg"],
    (STLB,): ["xchg"],
    (STL, LDA): ["xchg"],  # LDA may not pass STL
    (STR, STL, DMB, LDR): ["xchg"],
    ADD_LOOP: ["lock add"],
    (DMB, *ADD_LOOP, DMB): ["lock add"],
    LDAEX_LOOP: ["lock add"],
    (DMB, *CAS_LOOP, DMB): ["lock cmpxchg", "lock or"],
    (SWP,): ["xchg"],
}


def unit_of(words: tuple[int, ...]) -> Unit:
    code = struct.pack(f"<{len(words) + 1}I", *words, BX_LR)

    def fetch(pc: int, length: int) -> bytes:
        return code[pc - BASE :][:length] if pc >= BASE else b""

    starts = [(BASE + 4 * i, 0) for i, word in enumerate(words) if i and words[i - 1] >> 24 in (0x0A, 0x1A)]
    starts += [(BASE + 4 * words.index(loop[0]), 0) for loop in (ADD_LOOP, LDAEX_LOOP, CAS_LOOP) if loop[0] in words and len(words) > 3]
    return optimise(lift_region(FRONTEND, fetch, [(BASE, 0)], sorted(set(starts))).unit)


def assembly_of(words: tuple[int, ...]) -> str:
    return backend.compile_assembly(lower(unit_of(words), [Entry(f"at_{BASE:x}", BASE, 0)], LAYOUT, linear=True), "x86_64")


def ordering(assembly: str) -> list[str]:
    """Locked instructions, exchanges with memory and fences, in order; increments are additions."""
    found = re.findall(r"^\t(lock)?\s*(xchg|cmpxchg|xadd|add|inc|or|mfence)[bwlq]?\s+(.*)$", assembly, re.MULTILINE)
    named = []
    for lock, name, operands in found:
        if lock or name == "mfence" or (name == "xchg" and "(" in operands):
            named.append(f"{'lock ' if lock else ''}{ {'xadd': 'add', 'inc': 'add'}.get(name, name)}")
    return named


@pytest.mark.parametrize("words", COSTS, ids=lambda words: "-".join(f"{word:x}" for word in words))
def test_ordering_instructions(words: tuple[int, ...]) -> None:
    text = assembly_of(words)
    entry = text[text.index("entry_0:") :]
    hot = entry.split("callq", 1)[0]  # helpers are called from cold code alone
    assert ordering(hot) == COSTS[words]


def test_a_store_release_that_misses_is_fenced_too() -> None:
    cold = assembly_of((STL,)).split("callq", 1)[1]
    assert ordering(cold) == ["lock or"]


def guest_accesses(text: str) -> list[str]:
    """Kinds and widths of the accesses to guest memory and the fences that are instructions, in the order of the LLVM text."""
    kind = re.search(r'^(!\d+) = !\{!"guest"', text, re.MULTILINE)
    assert kind is not None
    tag = re.search(rf"^(!\d+) = !\{{{kind[1]}, {kind[1]}, i64 0\}}", text, re.MULTILINE)
    assert tag is not None
    found = []
    for line in text.splitlines():
        if re.search(rf"!tbaa {tag[1]}$|\bfence (acquire|release|seq_cst)", line):
            match = re.search(r"(fence \w+|(?:load|store) (?:atomic|volatile) [^,%]+|atomicrmw \w+|cmpxchg)", line)
            assert match is not None, line
            if [match[1]] != found[-1:] or not match[1].startswith("fence"):  # LLVM drops a fence behind its like
                found.append(match[1])
    return found


def test_llvm_keeps_the_order_of_accesses() -> None:
    """Loads, stores and fences of several widths: the passes may not merge, drop or move one."""
    words = (LDR, STR, LDRD, STRD, LDR, LDR, STR, STR, DMB_LD, LDA, STR, DMB_ST, STL, LDR, VLDR, DMB, VST1, *ADD_LOOP, LDR)
    text = lower(unit_of(words), [Entry(f"at_{BASE:x}", BASE, 0)], LAYOUT, linear=True)
    before = guest_accesses(text)
    assert len(before) >= len(words) - 4
    assert guest_accesses(str(backend.optimised(text))) == before


def test_every_access_is_volatile_or_atomic() -> None:
    words = (LDR, STR, LDRD, STRD, VLDR, VST1, LDA, STL)
    text = lower(unit_of(words), [Entry(f"at_{BASE:x}", BASE, 0)], LAYOUT, linear=True)
    lines = [line for line in text.splitlines() if "!tbaa !3" in line]
    assert len(lines) == len(words)
    assert all(re.search(r"(load|store) (atomic|volatile)", line) for line in lines)


@pytest.mark.parametrize(("alone", "loads"), [(False, 3), (True, 2)])
def test_no_load_of_x86_overtakes_another(alone: bool, loads: int) -> None:
    """A load of what was just loaded may go, and one behind a store; with another load between, only where no other vCPU can tell."""
    made = bytes.fromhex("8b03 8b4b08 8b13 8933 8b3b c3")  # x y x, x=esi, x; where x is at rbx and y at rbx + 8
    frontend = frontend_for("x86_64")
    unit = lift_region(frontend, lambda pc, length: made[pc - BASE :][:length], [(BASE, 0)], []).unit
    before = sum(inst.op.name == "ld" for block in unit.blocks.values() for inst in block.insts)
    optimise(unit, passes("x86_64", alone=alone))
    left = sum(inst.op.name == "ld" for block in unit.blocks.values() for inst in block.insts)
    assert (before, left) == (5, loads + 1)  # and RET's


def test_doublewords_are_one_access() -> None:
    """LDRD, STRD and the exclusives of 64 bits are single-copy atomic when aligned (LPAE)."""
    hot = assembly_of((LDRD, STRD)).split("callq", 1)[0]
    assert len(re.findall(r"\tmovq\s+\(%r\w+,%r\w+\), %r", hot)) == 1
    assert len(re.findall(r"\tmovq\s+%r\w+, \(%r\w+,%r\w+\)", hot)) == 1


def test_a_poll_is_a_fence_for_the_compiler_alone() -> None:
    loop = (LDR, 0xE3510000, 0x0AFFFFFC)  # 1: ldr r1, [r2]; cmp r1, #0; beq 1b
    text = lower(unit_of(loop), [Entry(f"at_{BASE:x}", BASE, 0)], LAYOUT, linear=True)
    poll = text[text.index(f"poll_at_{BASE:x}:") :]
    assert atomics.COMPILER_FENCE in poll.split("load volatile")[0]
    assert ordering(assembly_of(loop)) == []


@pytest.mark.parametrize(("word", "full"), [(DMB, [1]), (DSB, [1]), (DMB_ST, [0]), (DMB_LD, [0]), (ISB, [0]), (LDA, [0]), (STL, [0, 1]), (LDR, [])])
def test_tier_0_has_the_same_fences(word: int, full: list[int]) -> None:
    """Records of fences: 1 for a full one, which is an instruction of the host, 0 for one that is none on a host with total store order."""
    unit, lifted = lift_insn(FRONTEND, 0, word.to_bytes(4, "little"))
    records = encode(unit, lifted.length, lifted.next_mode, lifted.ends).records
    rows = [struct.unpack_from("<HHiii", records, at) for at in range(0, len(records), 16)]
    assert [row[2] for row in rows if row[0] == CODES["fence"]] == full


LOAD_AND_FENCE = """unit load_and_fence arch=arm
at_8000:
  --- 0x8000 length=4 mode=0
  %0:i32 = get.i32 r2
  %1:i32 = ld.i32 %0
  fence order=seq_cst
  put.i32 %1, r1
  %2:i32 = const.i32 0x8004
  %3:i32 = const.i32 0x0
  goto %2, %3
"""


def test_a_fence_right_after_a_load_is_sound_code() -> None:
    """The value of the load comes together from the fast path and the slow one before the fence."""
    assert "lock" in backend.compile_assembly(lower(parse_unit(LOAD_AND_FENCE), [Entry("at_8000", BASE, 0)], LAYOUT, linear=True), "x86_64", 0)
