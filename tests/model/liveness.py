"""Which local variables of a Python function may still be read: variables that may not are no part of a program's local state.

A variable that the present statement reads may have been read already, and its value stand on the evaluation stack: it counts as live until the statement ends.
"""

from __future__ import annotations

import dis
from functools import cache
from types import CodeType

from tests.model.sources import RESULT, result_lines

_ENDS = ("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE")


def _names(instruction: dis.Instruction) -> frozenset[str]:
    found = instruction.argval
    return frozenset(found if isinstance(found, tuple) else [found])


@cache
def read_by_statement(code: CodeType, line: int) -> frozenset[str]:
    """The names that the statement at *line* reads. Only statements with calls are known, by the names of the calls' results (``sources``)."""
    lines = {line}
    for first, last in {result_lines(name) for name in code.co_varnames if name.startswith(RESULT)}:
        if first <= line <= last:
            lines.update(range(first, last + 1))
    reads = [instruction for instruction in dis.get_instructions(code) if "_FAST" in instruction.opname and instruction.opname != "STORE_FAST"]
    return frozenset().union(*(_names(read) for read in reads if read.positions and read.positions.lineno in lines))


@cache
def live_variables(code: CodeType) -> dict[int, frozenset[str]]:
    """By the offset of an instruction (or of its inline caches, where a frame may stand too): the names that may be read after it, by the usual backward data flow. A loop's variable counts as read everywhere, because
    it shows the position of the loop's iterator, which has no name."""
    instructions = list(dis.get_instructions(code))
    place = {instruction.offset: n for n, instruction in enumerate(instructions)}
    reads: list[frozenset[str]] = []
    writes: list[frozenset[str]] = []
    after: list[list[int]] = []
    always = set(code.co_cellvars + code.co_freevars)
    for n, instruction in enumerate(instructions):
        name = instruction.opname
        is_write = name in ("STORE_FAST", "STORE_FAST_STORE_FAST", "DELETE_FAST")
        reads.append(_names(instruction) if "_FAST" in name and not is_write else frozenset())
        writes.append(_names(instruction) if is_write else frozenset())
        if is_write and n and instructions[n - 1].opname == "FOR_ITER":
            always |= _names(instruction)
        goes_on = name not in _ENDS and not name.startswith(("JUMP_FORWARD", "JUMP_BACKWARD"))
        after.append([n + 1] if goes_on and n + 1 < len(instructions) else [])
        if instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs:
            after[-1].append(place[instruction.argval])
    live: list[frozenset[str]] = [frozenset()] * len(instructions)
    changed = True
    while changed:
        changed = False
        for n in reversed(range(len(instructions))):
            found = reads[n] | (frozenset().union(*(live[m] for m in after[n])) - writes[n])
            if found != live[n]:
                live[n], changed = found, True
    found = {instruction.offset: frozenset().union(always, *(live[m] for m in after[n])) for n, instruction in enumerate(instructions)}
    for at in range(2, len(code.co_code), 2):
        found.setdefault(at, found[at - 2])
    return found
