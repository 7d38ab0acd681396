"""Single instructions: what they do to a named state, and nothing else (the frame rule); what they emit where the oracle has no say."""

from __future__ import annotations

import re

import pytest

from dbt.abi.arm import MODE_BIG_ENDIAN, MODE_IT_SHIFT, MODE_THUMB
from dbt.frontend.arm import frontend
from dbt.frontend.base import lift_insn
from tests.frontend.arm.oracle import DATA, set_apsr
from tests.frontend.arm.test_sequences import assemble
from tests.reference_eval import Evaluator, Memory, Outcome, State

PC = 0x10000

# mode | assembly or bytes | state before | state after: registers, flags as "nzcvq" letters (upper case: set), m[offset] bytes of the data area
CASES = """
a32 | add r0, r1, r2          | r1=1 r2=2                    | r0=3
a32 | adds r0, r1, r2         | r1=0xffffffff r2=1           | r0=0 nZCv
a32 | subs r0, r1, #1         | r1=0x80000000                | r0=0x7fffffff nzCV
a32 | cmp r1, #1              | r1=0                         | Nzcv
a32 | ands r0, r1, #0xf0      | r1=0xff nzCV                 | r0=0xf0 nzCV
a32 | ands r0, r1, #0x80000000 | r1=0xffffffff nzcV          | r0=0x80000000 NzCV
a32 | movs r0, r1, lsr #32    | r1=0x80000000                | r0=0 nZC
a32 | movs r0, r1, rrx        | r1=3 C                       | r0=0x80000001 NzC
a32 | movs r0, r1, lsl r2     | r1=1 r2=33 C                 | r0=0 nZc
a32 | movs r0, r1, lsl r2     | r1=1 r2=256 C                | r0=1 nzC
a32 | addeq r0, r1, r2        | r1=1 r2=2                    |
a32 | addeq r0, r1, r2        | r1=1 r2=2 Z                  | r0=3
a32 | add r0, pc, #4          |                              | r0=0x1000c
a32 | qadd r0, r1, r2         | r1=0x7fffffff r2=1           | r0=0x7fffffff Q
a32 | bytes 11f210e7          | r1=0x80000000 r2=0xffffffff  | r0=0x80000000
a32 | bytes 11f230e7          | r1=7 r2=0                    | r0=0
a32 | ldr r0, [r1], #4        | r1=0x40000 m0=78563412       | r0=0x12345678 r1=0x40004
a32 | ldrd r2, r3, [r1]       | r1=0x40000 m0=0100000002000000 | r2=1 r3=2
a32 | strh r0, [r1, #2]!      | r1=0x40000 r0=0x1234         | r1=0x40002 m2=3412
a32 | ldmib r1, {r2, r3}      | r1=0x40000 m4=0100000002000000 | r2=1 r3=2
a32 | stmdb sp!, {r0, lr}     | r13=0x40010 r0=1 r14=2       | r13=0x40008 m8=0100000002000000
a32 | mrc p15, 0, r0, c13, c0, 2 | tpidrurw=5                | r0=5
a32 | mrc p15, 0, r0, c13, c0, 3 | tpidruro=6                | r0=6
a32 | mcr p15, 0, r0, c13, c0, 2 | r0=7                      | tpidrurw=7
a32 | bytes 030043e1          | r3=5                         | exception undefined
a32be | ldr r0, [r1]          | r1=0x40000 m0=78563412       | r0=0x78563412
a32be | ldrh r0, [r1]         | r1=0x40000 m0=7856           | r0=0x7856
a32be | ldrd r2, r3, [r1]     | r1=0x40000 m0=0000000100000002 | r2=1 r3=2
t32 | adds r0, r1, r2         | r1=1 r2=2                    | r0=3 nzcv
t32 | ldr r0, [r1, r2, lsl #2] | r1=0x40000 r2=1 m4=01000000 | r0=1
t32 | movw r0, #0xabcd        |                              | r0=0xabcd
t32 | movt r0, #0xabcd        | r0=0x1234                    | r0=0xabcd1234
t32 | bfi r0, r1, #4, #8      | r0=0xffffffff r1=0           | r0=0xfffff00f
""".strip().splitlines()

_MODES = {"a32": 0, "t32": MODE_THUMB, "a32be": MODE_BIG_ENDIAN}
_FLAGS = {"n": ("nf", 0x80000000, 0), "z": ("zf", 0, 1), "c": ("cf", 1, 0), "v": ("vf", 1, 0), "q": ("qf", 1, 0)}


def lift_and_run(text: str, mode: int, state: State, memory: Memory, pc: int = PC) -> Outcome:
    code = bytes.fromhex(text.removeprefix("bytes ")) if text.startswith("bytes ") else assemble(text, mode, pc)
    unit, _ = lift_insn(frontend, mode, code)
    return Evaluator(state, memory).run(unit, pc)


def _apply(text: str, state: State, data: bytearray) -> None:
    for word in text.split():
        name, equals, value = word.partition("=")
        if not equals:
            for letter in word:
                slot, on, off = _FLAGS[letter.lower()]
                state[slot] = on if letter.isupper() else off
        elif name[0] == "m":
            data[int(name[1:]) : int(name[1:]) + len(value) // 2] = bytes.fromhex(value)
        else:
            state[name] = int(value, 0)


def _normal(state: State) -> dict[str, object]:
    """The slots, with N and Z as flags."""
    values: dict[str, object] = {slot: state[slot] for slot in state.layout.slots}
    values["nf"], values["zf"] = state["nf"] >> 31, state["zf"] == 0
    return values


@pytest.mark.parametrize("case", CASES, ids=lambda case: re.sub(r"\s+", " ", case))
def test_case(case):
    isa, text, before, after = [part.strip() for part in case.split("|")]
    state, memory = State("arm"), Memory()
    data = memory.map(DATA, bytes(64))
    set_apsr(state, 0)
    _apply(before, state, data)
    expected, expected_data = state.copy(), bytearray(data)
    outcome = lift_and_run(text, _MODES[isa], state, memory)
    if after.startswith("exception"):
        assert outcome.attrs["kind"] == after.split()[1]
        assert outcome.address == PC
    else:
        assert (outcome.exit, outcome.attrs.get("hint")) == ("goto", "next")
        _apply(after, expected, expected_data)
    assert _normal(state) == _normal(expected)
    assert data == expected_data


# Exits: assembly, mode, state -> terminator, address, mode, hint
_EXITS = [
    ("b #0x10010", 0, "", "goto", 0x10010, 0, "jump"),
    ("bl #0x10010", 0, "", "goto", 0x10010, 0, "call"),
    ("beq #0x10010", 0, "Z", "goto", 0x10010, 0, "jump"),
    ("beq #0x10010", 0, "", "goto", 0x10004, 0, "jump"),
    ("blx #0x10010", 0, "", "goto", 0x10010, 1, "call"),
    ("bx lr", 0, "r14=0x20001", "goto_ind", 0x20000, 1, "ret"),
    ("bx r3", 0, "r3=0x20000", "goto_ind", 0x20000, 0, "jump"),
    ("blx r3", 0, "r3=0x20001", "goto_ind", 0x20000, 1, "call"),
    ("mov pc, lr", 0, "r14=0x20000", "goto_ind", 0x20000, 0, "ret"),
    ("pop {r4, pc}", 0, "r13=0x40000 m4=01000200", "goto_ind", 0x20000, 1, "ret"),
    ("ldr pc, [sp], #4", 0, "r13=0x40000 m0=01000200", "goto_ind", 0x20000, 1, "ret"),
    ("ldr pc, [r1]", 0, "r1=0x40000 m0=00000200", "goto_ind", 0x20000, 0, "jump"),
    ("bx lr", 2, "r14=0x20001", "goto_ind", 0x20000, 3, "ret"),
    ("pop {r4, pc}", 1, "r13=0x40000 m4=00000200", "goto_ind", 0x20000, 0, "ret"),
    ("bl #0x10010", 1, "", "goto", 0x10010, 1, "call"),
    ("blx #0x10010", 1, "", "goto", 0x10010, 0, "call"),
    ("cbz r0, #0x10010", 1, "r0=0", "goto", 0x10010, 1, "jump"),
    ("cbnz r0, #0x10010", 1, "r0=0", "goto", 0x10002, 1, "jump"),
    ("tbb [r1, r2]", 1, "r1=0x40000 r2=1 m1=05", "goto_ind", 0x1000E, 1, "jump"),
    ("svc #5", 0, "", "syscall", 0x10004, 0, None),
    ("svc #5", 1, "", "syscall", 0x10002, 1, None),
    ("wfi", 1, "", "halt", 0x10002, 1, None),
]


@pytest.mark.parametrize(("text", "mode", "before", "exit", "address", "new_mode", "hint"), _EXITS, ids=lambda x: str(x))
def test_exits(text, mode, before, exit, address, new_mode, hint):
    state, memory = State("arm"), Memory()
    data = memory.map(DATA, bytes(64))
    set_apsr(state, 0)
    _apply(before, state, data)
    outcome = lift_and_run(text, mode, state, memory)
    assert (outcome.exit, outcome.address, outcome.mode, outcome.attrs.get("hint")) == (exit, address, new_mode, hint)
    if hint == "call":
        length = 2 if mode & MODE_THUMB and text == "blx r3" else 4
        assert state["r14"] == PC + length | mode & MODE_THUMB


def test_blx_from_thumb_at_an_unaligned_address():
    outcome = lift_and_run("bytes 00f006e8", MODE_THUMB, State("arm"), Memory(), PC + 2)
    assert (outcome.address, outcome.mode) == (PC + 4 + 12, 0)


def test_setend_changes_the_mode_of_what_follows():
    outcome = lift_and_run("setend be", 0, State("arm"), Memory())
    assert outcome.mode == MODE_BIG_ENDIAN


def test_a_branch_ends_the_it_block():
    state = State("arm")
    state["r14"] = 0x20001
    unit, lifted = lift_insn(frontend, MODE_THUMB | 0xE8 << MODE_IT_SHIFT, bytes.fromhex("7047"))
    assert lifted.ends
    assert Evaluator(state, Memory()).run(unit, PC).mode == MODE_THUMB


@pytest.mark.parametrize("text", ["ldr r0, [r1]", "ldmia r1!, {r0, r2}", "ldrd r2, r3, [r1], #8", "pop {r0, pc}", "stmdb r1!, {r0, r2}", "ldrex r0, [r1]"])
def test_a_fault_leaves_the_registers(text):
    state = State("arm")
    state["r1"] = state["r13"] = 0x50000 - 4
    memory = Memory()
    memory.map(0x50000 - 8, bytes(8))
    state["r1"] = 0x50000 if text[0] != "s" else 0x50000 - 4
    before = state.copy()
    outcome = lift_and_run(text, 0, state, memory)
    assert outcome.exit == "fault"
    assert not state.differences(before)


@pytest.mark.parametrize(("text", "mode"), [("bytes ffffffff", 0), ("bytes f0deffff", MODE_THUMB), ("bytes 00e8", MODE_THUMB), ("bytes 1000", 0)])
def test_what_cannot_be_decoded_is_undefined(text, mode):
    outcome = lift_and_run(text, mode, State("arm"), Memory())
    assert (outcome.exit, outcome.attrs["kind"], outcome.address) == ("exception", "undefined", PC)
