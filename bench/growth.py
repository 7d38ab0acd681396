"""Guest programs of any size, made here: A32 code in the smallest static ELF file. For ``dbt bench scaling``."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

BASE = 0x10000
EXIT_GROUP = 248
EI_CLASS32, EI_LITTLE, EV_CURRENT, ET_EXEC, EM_ARM, EF_ARM_EABI5_HARD = 1, 1, 1, 2, 40, 0x05000400
PT_LOAD, READ_EXECUTE = 1, 5
_HEADER = struct.Struct("<4s12B HHIIIIIHHHHHH")
_SEGMENT = struct.Struct("<8I")

# Encodings of ARM DDI 0406C, A8.8; condition AL.
RETURN = 0xE12FFF1E  # bx lr
CALL_SYSTEM = 0xEF000000  # svc #0
FUNCTION_INSTRUCTIONS = 7  # of each of functions()
COUNTER = 4  # the register that counts the rounds


def movw(register: int, value: int) -> int:
    return 0xE3000000 | value >> 12 << 16 | register << 12 | value & 0xFFF


def movt(register: int, value: int) -> int:
    return 0xE3400000 | value >> 12 << 16 | register << 12 | value & 0xFFF


def add_immediate(register: int, value: int) -> int:
    return 0xE2800000 | register << 16 | register << 12 | value


def add(register: int, other: int) -> int:
    return 0xE0800000 | register << 16 | register << 12 | other


def eor_rotated(register: int, count: int) -> int:
    """register ^= register rotated right by *count* (1 to 31)."""
    return 0xE0200060 | register << 16 | register << 12 | count << 7 | register


def test_bit(register: int, bit: int) -> int:
    """tst with a bit of the lowest eight."""
    return 0xE3100000 | register << 16 | 1 << bit


def branch(condition: int, distance: int, link: bool = False) -> int:
    """b or bl to *distance* instructions after this one. Conditions: 0 eq, 1 ne, 14 always."""
    return condition << 28 | (0xB if link else 0xA) << 24 | (distance - 2) & 0xFFFFFF


def functions(count: int, rounds: int) -> list[int]:
    """*count* functions without a common instruction that matters, all called once a round."""
    bodies = [
        [movw(1, i & 0xFFFF), movt(1, i >> 16), add(0, 1), eor_rotated(0, i % 31 + 1), add_immediate(2, i % 255 + 1), movw(3, (i * 7919) & 0xFFFF), RETURN]
        for i in range(count)
    ]
    size = FUNCTION_INSTRUCTIONS
    assert all(len(body) == size for body in bodies)
    calls = [branch(14, count - i + _CLOSING + _TAIL + size * i, link=True) for i in range(count)]
    code = _rounds(rounds, calls)
    return code + [word for body in bodies for word in body]


def loop(instructions: int, rounds: int) -> list[int]:
    """One loop of about *instructions* in blocks of four, each with a branch over one of them."""
    body = []
    for i in range(max(1, instructions // 4)):
        body += [test_bit(0, i % 8), branch(0, 2), add_immediate(0, i % 255 + 1), eor_rotated(0, i % 31 + 1)]
    return _rounds(rounds, body)


_CLOSING, _TAIL = 2, 3  # instructions that close a round, and that end the program


def _rounds(rounds: int, body: Sequence[int]) -> list[int]:
    """*body* for *rounds* rounds, then the end of the program."""
    start = [movw(0, 1), movw(COUNTER, rounds & 0xFFFF), movt(COUNTER, rounds >> 16)]
    subtract = 0xE2500001 | COUNTER << 16 | COUNTER << 12  # subs counter, counter, #1
    end = [movw(0, 0), movw(7, EXIT_GROUP), CALL_SYSTEM]
    assert len(end) == _TAIL
    return [*start, *body, subtract, branch(1, -len(body) - 1), *end]


def write(code: Sequence[int], path: Path) -> None:
    """Write an executable file that starts with the first instruction of *code*."""
    at = _HEADER.size + _SEGMENT.size
    size = at + 4 * len(code)
    identity = (EI_CLASS32, EI_LITTLE, EV_CURRENT, *(0 for _ in range(9)))
    header = _HEADER.pack(
        b"\x7fELF", *identity, ET_EXEC, EM_ARM, EV_CURRENT, BASE + at, _HEADER.size, 0, EF_ARM_EABI5_HARD, _HEADER.size, _SEGMENT.size, 1, 0, 0, 0
    )
    segment = _SEGMENT.pack(PT_LOAD, 0, BASE, BASE, size, size, READ_EXECUTE, 0x1000)
    path.write_bytes(header + segment + struct.pack(f"<{len(code)}I", *code))
    path.chmod(0o755)
