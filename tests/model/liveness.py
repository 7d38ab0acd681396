"""Which local variables of a Python function may still be read: variables that may not are no part of a program's local state.

A variable that the present statement reads may have been read already, and its value stand on the evaluation stack: it counts as live until the statement ends.
"""

from __future__ import annotations

import dis
from functools import cache
from types import CodeType

from tests.model.sources import RESULT, result_lines

_ENDS = ("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE")
_WRITES = ("STORE_FAST", "STORE_FAST_STORE_FAST", "DELETE_FAST")
Names = frozenset[str]


@cache
def live_variables(code: CodeType, at: int, line: int) -> tuple[str, ...]:
    """The names that a frame may still read which stands at offset *at*, in the statement at *line*; with the results of calls that this statement may need."""
    live = _read_later(code)[at] | _read_by_statement(code, line)
    names = (*code.co_varnames, *code.co_cellvars, *code.co_freevars)
    return tuple(name for name in names if (_is_needed(name, line) if name.startswith(RESULT) else name in live))


def _is_needed(result: str, line: int) -> bool:
    first, last = result_lines(result)
    return first <= line <= last


def _reads(instruction: dis.Instruction) -> Names:
    return _names(instruction) if "_FAST" in instruction.opname and instruction.opname not in _WRITES else frozenset()


def _names(instruction: dis.Instruction) -> Names:
    found = instruction.argval
    return frozenset(found if isinstance(found, tuple) else [found])


def _read_by_statement(code: CodeType, line: int) -> Names:
    """The lines of a statement are known by the names of the results of its calls (``sources``). A statement without such names has no call but its outermost,
    and then nothing is on the stack."""
    ranges = {result_lines(name) for name in code.co_varnames if name.startswith(RESULT)}
    lines = {line}.union(*(range(first, last + 1) for first, last in ranges if first <= line <= last))
    return frozenset().union(*(_reads(i) for i in dis.get_instructions(code) if i.positions and i.positions.lineno in lines))


@cache
def _read_later(code: CodeType) -> dict[int, Names]:
    """By the offset of an instruction (or of its inline caches, where a frame may stand too): the names that may be read after it, by the usual backward
    data flow. A loop's variable counts as read everywhere, because it shows the position of the loop's iterator, which has no name."""
    instructions = list(dis.get_instructions(code))
    place = {instruction.offset: n for n, instruction in enumerate(instructions)}
    writes: list[Names] = []
    after: list[list[int]] = []
    always = set(code.co_cellvars + code.co_freevars)
    for n, instruction in enumerate(instructions):
        name = instruction.opname
        writes.append(_names(instruction) if name in _WRITES else frozenset())
        if n and instructions[n - 1].opname == "FOR_ITER":
            always |= writes[n]
        goes_on = name not in _ENDS and not name.startswith(("JUMP_FORWARD", "JUMP_BACKWARD"))
        after.append([n + 1] if goes_on and n + 1 < len(instructions) else [])
        if instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs:
            after[-1].append(place[instruction.argval])
    before: list[Names] = [frozenset()] * len(instructions)
    changed = True
    while changed:
        changed = False
        for n in reversed(range(len(instructions))):
            found = _reads(instructions[n]) | (frozenset().union(*(before[m] for m in after[n])) - writes[n])
            if found != before[n]:
                before[n], changed = found, True
    later = {instruction.offset: frozenset().union(always, *(before[m] for m in after[n])) for n, instruction in enumerate(instructions)}
    for at in range(2, len(code.co_code), 2):
        later.setdefault(at, later[at - 2])
    return later
