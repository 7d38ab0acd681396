"""Guest disassembly, for people: the only user of capstone."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import capstone

from dbt.abi.arm import MODE_BIG_ENDIAN, MODE_IT_SHIFT, MODE_THUMB
from dbt.pipeline import Fetch
from dbt.views.lines import Line

_MARKED = 0x8  # lowest mask bits of an IT instruction for a block of one


@cache
def _handle(thumb: bool) -> capstone.Cs:
    return capstone.Cs(capstone.CS_ARCH_ARM, (capstone.CS_MODE_THUMB if thumb else capstone.CS_MODE_ARM) | capstone.CS_MODE_V8)


def instruction(arch: str, mode: int, pc: int, data: bytes) -> str:
    """The text of one instruction, or its bytes where they do not decode."""
    if arch != "arm":
        raise ValueError(f"no disassembler for {arch}")
    prefix = b""
    if mode & MODE_THUMB and mode >> MODE_IT_SHIFT:  # inside an IT block: capstone learns the condition from an IT put before it
        prefix = (0xBF00 | (mode >> MODE_IT_SHIFT & 0xF0) | _MARKED).to_bytes(2, "little")
    found = list(_handle(bool(mode & MODE_THUMB)).disasm_lite(prefix + data, pc - len(prefix)))[len(prefix) // 2 :]
    if len(found) != 1 or found[0][1] != len(data):
        return "<does not decode>"
    _, _, mnemonic, operands = found[0]
    return f"{mnemonic} {operands}".strip() + (" ; big-endian data" if mode & MODE_BIG_ENDIAN else "")


def bytes_text(data: bytes) -> str:
    """The bytes of an instruction in memory order."""
    return data.hex(" ")


def view(arch: str, marks: Iterable[tuple[int, int, int]], fetch: Fetch) -> list[Line]:
    """One line for each (pc, length, mode): the bytes and the instruction."""
    lines = []
    for pc, length, mode in marks:
        data = fetch(pc, length)
        lines.append(Line(pc, f"{bytes_text(data):<12} {instruction(arch, mode, pc, data)}"))
    return lines
