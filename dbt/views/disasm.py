"""Guest disassembly, for people: the only user of capstone."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import capstone

from dbt.abi.arm import MODE_BIG_ENDIAN, MODE_IT_SHIFT, MODE_THUMB
from dbt.pipeline import Fetch
from dbt.views.lines import Line

_MARKED = 0x8  # lowest mask bits of an IT instruction for a block of one
_X86_MODES = {"i386": capstone.CS_MODE_32, "x86_64": capstone.CS_MODE_64}
_DOES_NOT_DECODE = "<does not decode>"


@cache
def _arm(thumb: bool) -> capstone.Cs:
    return capstone.Cs(capstone.CS_ARCH_ARM, (capstone.CS_MODE_THUMB if thumb else capstone.CS_MODE_ARM) | capstone.CS_MODE_V8)


@cache
def _x86(arch: str) -> capstone.Cs:
    return capstone.Cs(capstone.CS_ARCH_X86, _X86_MODES[arch])


def instruction(arch: str, mode: int, pc: int, data: bytes) -> str:
    """The text of one instruction, or that its bytes do not decode."""
    if arch == "arm":
        return _arm_instruction(mode, pc, data)
    return _text(list(_x86(arch).disasm_lite(data, pc)), data)


def _arm_instruction(mode: int, pc: int, data: bytes) -> str:
    prefix = b""
    if mode & MODE_THUMB and mode >> MODE_IT_SHIFT:  # inside an IT block: capstone learns the condition from an IT put before it
        prefix = (0xBF00 | (mode >> MODE_IT_SHIFT & 0xF0) | _MARKED).to_bytes(2, "little")
    found = list(_arm(bool(mode & MODE_THUMB)).disasm_lite(prefix + data, pc - len(prefix)))[len(prefix) // 2 :]
    text = _text(found, data)
    return text + (" ; big-endian data" if mode & MODE_BIG_ENDIAN and text != _DOES_NOT_DECODE else "")


def _text(found: list[tuple[int, int, str, str]], data: bytes) -> str:
    """The one instruction that capstone found and that takes all of *data*."""
    if len(found) != 1 or found[0][1] != len(data):
        return _DOES_NOT_DECODE
    _, _, mnemonic, operands = found[0]
    return f"{mnemonic} {operands}".strip()


def bytes_text(data: bytes) -> str:
    """The bytes of an instruction in memory order."""
    return data.hex(" ")


def view(arch: str, marks: Iterable[tuple[int, int, int]], fetch: Fetch) -> list[Line]:
    """One line for each (pc, length, mode): the bytes and the instruction."""
    rows = [(pc, fetch(pc, length), mode) for pc, length, mode in marks]
    width = max([12, *[len(bytes_text(data)) for _, data, _ in rows]])
    return [Line(pc, f"{bytes_text(data):<{width}} {instruction(arch, mode, pc, data)}") for pc, data, mode in rows]
