"""Makes the interpreter's chain of comparisons one jump table, which every case jumps through by itself.

numba has no switch: ``if code == A or code == B: ... elif ...`` becomes branches. LLVM gathers them in tables of 64 cases at most, and its combining of
comparisons, which comes first in its pipeline, leaves most of them as branches: some ten an opcode. Here the branches are gathered before anything is combined,
the tables are joined, and the table is completed: the value switched on is masked to the size of the table, so that no range check is left. LLVM's
code generator then copies the jump into every case (``DUPLICATION``), which gives the host's predictor a jump of its own for each kind of record.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import llvmlite.binding as llvm

# Options of LLVM for the whole process: blocks of up to 80 instructions that end in an indirect jump are copied, whatever the number of their neighbours.
DUPLICATION = ("--tail-dup-indirect-size=80", "--tail-dup-pred-size=100000", "--tail-dup-succ-size=100000")
_NEVER = "never"

_SWITCH = r"  switch i64 (?P<value>%\S+), label %(?P<next>\S+) \[\n(?P<cases>(?:    i64 .*\n)*)  \]\n"
_CHAIN = re.compile(
    _SWITCH + r"(?P<between>(?:(?!\}).*\n)*?)(?P=next): +; preds = %(?P<home>\S+)\n  switch i64 (?P=value), "
    r"label %(?P<last>\S+) \[\n(?P<more>(?:    i64 .*\n)*)  \]\n"
)
_WHOLE = re.compile(_SWITCH)


@cache
def allow_duplication() -> None:
    """Let LLVM copy the jump into every case, in all that this process compiles from now on."""
    for option in DUPLICATION:  # LLVM ends the process if one comes twice: hence the cache
        llvm.set_option("", option)


def gather(module: Any, machine: Any) -> Any:
    """*module* with the comparisons of its functions gathered in switches, and those of the interpreter in one."""
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=2))
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    passes.run(module, builder)
    joined = llvm.parse_assembly(join(str(module)))
    joined.verify()
    return joined


def join(text: str) -> str:
    """LLVM assembly *text* in which a switch whose default leads to nothing but another switch on the same value is one with it. A switch made of several,
    on a value masked to some low bits, has a case for each value."""
    while found := _CHAIN.search(text):
        rest_end = text.index("\n}\n", found.end())
        body = found["between"] + text[found.end() : rest_end]
        old, home = re.escape(found["next"]), found["home"]
        body = re.sub(rf"%{old} \]", f"%{home} ]", body)  # of phis
        body = re.sub(rf"(; preds = .*)%{old}\b", rf"\1%{home}", body)
        cases = f"{found['cases']}{found['more']}"
        following = f"switch i64 {found['value']}, label %{found['last']} ["
        joined = f"  {following}\n{cases}  ]\n"
        text = text[: found.start()] + joined + body + text[rest_end:]
        if not _chained(text, found.start()):
            text = _complete(text, found.start())
    return text


def _chained(text: str, at: int) -> bool:
    found = _CHAIN.search(text, at)
    return found is not None and found.start() == at


def _complete(text: str, at: int) -> str:
    """Give the switch at offset *at* a case for each value that its mask lets through."""
    found = _WHOLE.match(text, at)
    assert found is not None
    head = text.rindex("define ", 0, at)
    masked = re.search(rf"  {re.escape(found['value'])} = and i64 \S+, (\d+)\n", text[head:at])
    if masked is None:
        return text
    mask = int(masked[1])
    known = {int(number) for number in re.findall(r"    i64 (\d+), label", found["cases"])}
    if mask & mask + 1 or not known <= set(range(mask + 1)):
        return text
    cases = found["cases"] + "".join(f"    i64 {number}, label %{found['next']}\n" for number in range(mask + 1) if number not in known)
    end = text.index("\n}\n", found.end())
    switch = f"  switch i64 {found['value']}, label %{_NEVER} [\n{cases}  ]\n"
    return f"{text[:at]}{switch}{text[found.end() : end]}\n\n{_NEVER}:\n  unreachable{text[end:]}"
