"""How instructions leave: targets, modes and hints of the exits, faults, undefined encodings. What they compute is in tests/cases."""

from __future__ import annotations

import pytest

from dbt.abi.arm import MODE_BIG_ENDIAN, MODE_IT_SHIFT, MODE_THUMB
from dbt.frontend.arm import frontend
from dbt.frontend.base import lift_insn
from tests.frontend.arm.oracle import DATA, set_apsr
from tests.frontend.arm.test_sequences import assemble
from tests.reference_eval import Evaluator, Memory, Outcome, State

PC = 0x10000

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
