"""The decode tables of x86: rows of text, drawn with the operand codes of the SDM's opcode maps (vol. 2D, appendix A).

A table's text has a ``[module]`` line before the rows whose semantics functions live in that module, ``#`` comments, and rows::

    00            Eb,Gb     -> add    lock
    50+r          Zv        -> push   d64
    0F 40+c       Gv,Ev     -> cmovcc
    FF /4         Ev        -> jmp_indirect f64
    F2 0F 38 F0   Gd,Eb     -> crc32
    0F C7 /1 mem  M         -> cmpxchg8b lock

Left of the arrow: a mandatory prefix (``NP``: none of 66, F2, F3); escape bytes and opcode (``+r``: eight opcodes with a register in the low bits; ``+c``:
sixteen with a condition, passed as ``cc``); ``/n``: the reg field of ModRM; ``mem`` or ``reg``: its mod; ``rm=n``; then the operands
(``dbt.frontend.x86.operands``).
Right of it: the function, fixed arguments as ``name=value`` (a number or a name), and words: ``lock`` (LOCK is allowed with a memory destination), ``i386``
or ``x64`` (only there),
``d64`` (in 64-bit code the operand size is 64, or 16 with prefix 66), ``f64`` (it is 64 whatever the prefixes say).

Two rows that match the same instruction are an error, found when an opcode is first looked up and, for all, by the tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import import_module
from random import Random

from dbt.frontend.x86.decode import MAPS, Encoding
from dbt.frontend.x86.operands import OPERANDS, OperandCode, operand_code

_PACKAGE = "dbt.frontend.x86"
_TEXTS = ("general_rows", "two_byte_rows", "three_byte_rows", "simd_rows", "x87_rows")
_BYTE = re.compile(r"([0-9A-F]{2})(\+[rc])?")
_PREFIXES = {"NP": 0, "66": 0x66, "F2": 0xF2, "F3": 0xF3}
_WORDS = frozenset({"lock", "i386", "x64", "d64", "f64"})


class TableError(Exception):
    """A malformed or ambiguous row: the message quotes it and says what is wrong."""


class Row:
    """One line. ``prefix``, ``digit`` and ``rm`` are None and ``mod`` is empty where any value will do; ``mod`` is "mem" or "reg"."""

    __slots__ = (
        "text", "module", "name", "map", "first", "count", "step", "prefix", "digit", "mod", "rm", "codes", "operand_codes", "constants", "words", "_call",
    )  # fmt: skip

    def __init__(self, module: str, text: str) -> None:
        self.text, self.module = text, module
        left, arrow, right = text.partition("->")
        if not arrow or not right.split():
            raise TableError(f"row '{text}' has no '-> function'")
        self.prefix: int | None = None
        self.digit: int | None = None
        self.rm: int | None = None
        self.mod = self.step = ""
        self.codes: tuple[OperandCode, ...] = ()
        self.operand_codes: tuple[str, ...] = ()
        self.map, self.first = self._parse_left(left.split())
        self.count = {"": 1, "+r": 8, "+c": 16}[self.step]
        self.name, *extras = right.split()
        self.constants: dict[str, int | str] = {}
        words = set()
        for extra in extras:
            name, equals, value = extra.partition("=")
            if equals:
                self.constants[name] = value if value[0].isalpha() else int(value, 0)
            elif extra in _WORDS:
                words.add(extra)
            else:
                raise TableError(f"row '{text}': '{extra}' is neither name=value nor one of {', '.join(sorted(_WORDS))}")
        self.words = frozenset(words)
        self._call: Callable[..., None] | None = None

    def _parse_left(self, tokens: list[str]) -> tuple[str, int]:
        path = []
        if len(tokens) > 1 and tokens[0] in _PREFIXES and (tokens[0] == "NP" or _BYTE.fullmatch(tokens[1])):
            self.prefix = _PREFIXES[tokens.pop(0)]
        while tokens and (match := _BYTE.fullmatch(tokens[0])):
            path.append(match[1])
            self.step = match[2] or ""
            tokens.pop(0)
        if not path or "".join(path[:-1]) not in MAPS:
            raise TableError(f"row '{self.text}' does not start with an opcode")
        for token in tokens:
            if token in ("mem", "reg"):
                self.mod = token
            elif token[0] == "/":
                self.digit = int(token[1:])
            elif token.startswith("rm="):
                self.rm = int(token[3:])
            else:
                unknown = [code for code in token.split(",") if code not in OPERANDS]
                if unknown:
                    raise TableError(f"row '{self.text}': '{unknown[0]}' is no operand")
                self.operand_codes = tuple(token.split(","))
                self.codes = tuple([operand_code(code) for code in self.operand_codes])
        return "".join(path[:-1]), int(path[-1], 16)

    def matches(self, e: Encoding, long: bool) -> bool:
        if self.prefix is not None:
            given = e.prefix or (0x66 if e.operand_16 else 0)
            if given != self.prefix:
                return False
        if ("i386" if long else "x64") in self.words:
            return False
        return (
            (self.digit is None or e.reg & 7 == self.digit)
            and (not self.mod or (e.mod == 3) == (self.mod == "reg"))
            and (self.rm is None or e.rm & 7 == self.rm)
        )  # fmt: skip

    def excludes(self, other: Row) -> bool:
        """True if no instruction matches both rows (of the same opcode)."""
        if {"i386", "x64"} <= self.words | other.words:
            return True
        pairs = ((self.prefix, other.prefix), (self.digit, other.digit), (self.rm, other.rm), (self.mod or None, other.mod or None))
        return any(a is not None and b is not None and a != b for a, b in pairs)

    def arguments(self, e: Encoding) -> dict[str, int | str]:
        return {**self.constants, "cc": e.opcode & 15} if self.step == "+c" else self.constants

    @property
    def call(self) -> Callable[..., None]:
        """The semantics function; imports its module at first use."""
        if self._call is None:
            self._call = getattr(import_module(f"{_PACKAGE}.{self.module}"), self.name)
        return self._call

    def __repr__(self) -> str:
        return f"<{self.text}>"


def parse_rows(text: str) -> Iterator[Row]:
    """The rows of a table's text."""
    module = ""
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("["):
            module = line.strip("[]")
        elif line:
            yield Row(module, line)


_opcodes: dict[str, dict[int, list[Row]]] = {}


def _load() -> dict[str, dict[int, list[Row]]]:
    if not _opcodes:
        made: dict[str, dict[int, list[Row]]] = {name: {} for name in MAPS}
        for module in _TEXTS:
            for row in parse_rows(import_module(f"{_PACKAGE}.{module}").ROWS):
                for opcode in range(row.first, row.first + row.count):
                    made[row.map].setdefault(opcode, []).append(row)
        for map, opcodes in made.items():
            for opcode, rows in opcodes.items():
                _check(map, opcode, rows)
        _opcodes.update(made)
    return _opcodes


def _check(map: str, opcode: int, rows: list[Row]) -> None:
    for i, row in enumerate(rows):
        for other in rows[:i]:
            if not row.excludes(other):
                raise TableError(f"'{row.text}' overlaps '{other.text}' at opcode {map} {opcode:02X}")


def match(e: Encoding, long: bool) -> Row | None:
    """The row of an instruction, or None if it is not allocated."""
    for row in _load()[e.map].get(e.opcode, ()):
        if row.matches(e, long):
            return row
    return None


def operand_size(e: Encoding, row: Row, long: bool) -> int:
    """The operand size in bits (SDM vol. 2A, 2.2.1.7 and appendix B.1.8 for the forced ones)."""
    if long:
        if e.wide or "f64" in row.words:
            return 64
        if "d64" in row.words:
            return 16 if e.operand_16 else 64
    return 16 if e.operand_16 and row.prefix != 0x66 else 32


def rows(long: bool) -> list[Row]:
    """All rows of 64-bit code if *long*, else of 32-bit code."""
    found = dict.fromkeys(row for opcodes in _load().values() for rows in opcodes.values() for row in rows)
    return [row for row in found if ("i386" if long else "x64") not in row.words]


def random_insn(rng: Random, row: Row, long: bool, attempts: int = 1000) -> bytes:
    """Random bytes that decode to *row*, with prefixes as often as they mean something; TableError if none turn up."""
    for _ in range(attempts):
        prefixes = [prefix for prefix, odds in ((0x66, 0.25), (0x67, 0.05), (0xF0, 0.1 if "lock" in row.words else 0)) if rng.random() < odds]
        if row.prefix:
            prefixes = [row.prefix, *[prefix for prefix in prefixes if prefix != 0x66 or row.prefix in (0xF2, 0xF3)]]
        elif row.prefix == 0:
            prefixes = [prefix for prefix in prefixes if prefix != 0x66]
        data = bytes(prefixes)
        if long and rng.random() < 0.6:
            data += bytes([0x40 | rng.randrange(16)])
        opcode = row.first + rng.randrange(row.count)
        data += bytes.fromhex(row.map) + bytes([opcode])
        rest = bytearray(rng.randbytes(15 - len(data)))
        if row.digit is not None:
            rest[0] = rest[0] & ~0x38 | row.digit << 3
        if row.rm is not None:
            rest[0] = rest[0] & ~7 | row.rm
        if row.mod == "reg" or (not row.mod and rng.random() < 0.3):
            rest[0] |= 0xC0
        data += bytes(rest)
        e = Encoding(data, long)
        if e.length <= len(data) and match(e, long) is row and not (e.lock and e.mod == 3):
            return data[: e.length]
    raise TableError(f"no encoding found for '{row.text}'")
