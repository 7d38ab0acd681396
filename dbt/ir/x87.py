"""The operations of the x87 rows of the opcode table: what their attribute ``what`` may name.

Each is named after its instruction and holds that instruction's encoding: ``D8 C1`` (the other register is ST(1)) or ``DC /0`` (a memory operand). An x87
instruction of the host *is* the semantics of the guest's (SDM vol. 1, chapter 8; vol. 2), so a host of another architecture has to write them out.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

C0, C1, C2, C3 = 0x100, 0x200, 0x400, 0x4000  # condition codes in the status word
_ALL = C0 | C1 | C2 | C3


class Shape(IntEnum):
    """What an operation reads and where its result goes. All but TWO and MOVE give one result or a comparison."""

    LOAD = 0  # memory to a new ST(0)
    CONSTANT = 1  # to a new ST(0)
    STORE = 2  # ST(0) to memory
    MEMORY = 3  # ST(0) and memory to ST(0)
    COMPARE_MEMORY = 4
    UNARY = 5  # ST(0) to ST(0)
    TO_ST0 = 6  # ST(0) and ST(i) to ST(0)
    TO_STI = 7  # ST(0) and ST(i) to ST(i)
    COMPARE = 8  # ST(0) and ST(i)
    TEST = 9  # ST(0) alone
    MOVE = 10  # copies and exchanges registers
    TWO = 11  # ST(0) to a new ST(0) and ST(1)


class Operation(NamedTuple):
    """One operation. ``digit`` is the reg field of a memory form, else None and ``second`` the second byte. ``pops``: registers popped; ``codes``: the
    condition codes it writes; ``quick``: the encoding of an instruction with the same result and flags that suits the kernels better, where there is one."""

    row: str
    shape: Shape
    first: int
    second: int
    digit: int | None = None
    pops: int = 0
    codes: int = C1
    quick: tuple[int, int] | None = None


OPERATIONS: dict[str, Operation] = {}


def _add(row: str, shape: Shape, names: str, pops: int = 0, codes: int = C1, quick: tuple[int, int] | None = None) -> None:
    """Rows of text: ``name first second`` or ``name first /digit``."""
    for line in names.strip().splitlines():
        name, first, second = line.split()
        digit = int(second[1:]) if second[0] == "/" else None
        OPERATIONS[name] = Operation(row, shape, int(first, 16), 0 if digit is not None else int(second, 16), digit, pops, codes, quick)


_add("x87_load", Shape.LOAD, """
f32 D9 /0
f64 DD /0
f80 DB /5
i16 DF /0
i32 DB /0
i64 DF /5
bcd DF /4
""")
_add("x87_store", Shape.STORE, """
to_f32 D9 /3
to_f64 DD /3
to_f80 DB /7
to_i16 DF /3
to_i32 DB /3
to_i64 DF /7
to_bcd DF /6
trunc_i16 DF /1
trunc_i32 DB /1
trunc_i64 DD /1
""")
MEMORY_FORMATS = {"f32": 0xD8, "f64": 0xDC, "i16": 0xDE, "i32": 0xDA}
for _format, _first in MEMORY_FORMATS.items():
    for _name, _digit in (("fadd", 0), ("fmul", 1), ("fsub", 4), ("fsubr", 5), ("fdiv", 6), ("fdivr", 7)):
        OPERATIONS[f"{_name}_{_format}"] = Operation("x87_memory", Shape.MEMORY, _first, 0, _digit)
    for _name, _digit, _pops in (("fcom", 2, 0), ("fcomp", 3, 1)):
        OPERATIONS[f"{_name}_{_format}"] = Operation("x87_memory", Shape.COMPARE_MEMORY, _first, 0, _digit, _pops, _ALL)
_add("x87_stack", Shape.TO_ST0, """
fadd D8 C1
fmul D8 C9
fsub D8 E1
fsubr D8 E9
fdiv D8 F1
fdivr D8 F9
fscale D9 FD
""")
_add("x87_stack", Shape.TO_ST0, """
fprem D9 F8
fprem1 D9 F5
""", codes=_ALL)
for _name, _second in (("fadd", 0xC1), ("fmul", 0xC9), ("fsub", 0xE9), ("fsubr", 0xE1), ("fdiv", 0xF9), ("fdivr", 0xF1)):
    OPERATIONS[_name + "_to"] = Operation("x87_stack", Shape.TO_STI, 0xDC, _second, quick=(0xDE, _second))
    OPERATIONS[_name + "p"] = Operation("x87_stack", Shape.TO_STI, 0xDE, _second, pops=1)
_add("x87_stack", Shape.TO_STI, """
fyl2x D9 F1
fpatan D9 F3
fyl2xp1 D9 F9
""", pops=1)
_add("x87_stack", Shape.COMPARE, "fcom D8 D1", codes=_ALL)
_add("x87_stack", Shape.COMPARE, "fcomp D8 D9", 1, _ALL, (0xD8, 0xD1))
_add("x87_stack", Shape.COMPARE, "fcompp DE D9", 2, _ALL, (0xD8, 0xD1))
_add("x87_stack", Shape.COMPARE, "fucom DD E1", codes=_ALL)
_add("x87_stack", Shape.COMPARE, "fucomp DD E9", 1, _ALL, (0xDD, 0xE1))
_add("x87_stack", Shape.COMPARE, "fucompp DA E9", 2, _ALL, (0xDD, 0xE1))
# The four that write EFLAGS: the quick encodings give the same as C0, C2 and C3, which are where LAHF has CF, PF and ZF.
_add("x87_stack", Shape.COMPARE, "fcomi DB F1", 0, quick=(0xD8, 0xD1))
_add("x87_stack", Shape.COMPARE, "fcomip DF F1", 1, quick=(0xD8, 0xD1))
_add("x87_stack", Shape.COMPARE, "fucomi DB E9", 0, quick=(0xDD, 0xE1))
_add("x87_stack", Shape.COMPARE, "fucomip DF E9", 1, quick=(0xDD, 0xE1))
_add("x87_stack", Shape.TEST, """
ftst D9 E4
fxam D9 E5
""", codes=_ALL)
_add("x87_stack", Shape.UNARY, """
fchs D9 E0
fabs D9 E1
fsqrt D9 FA
frndint D9 FC
f2xm1 D9 F0
""")
_add("x87_stack", Shape.UNARY, """
fsin D9 FE
fcos D9 FF
""", codes=C1 | C2)
_add("x87_stack", Shape.TWO, """
fxtract D9 F4
fptan D9 F2
fsincos D9 FB
""")
_add("x87_stack", Shape.MOVE, """
fxch D9 C9
fld D9 C1
fst DD D1
""")
_add("x87_stack", Shape.MOVE, "fstp DD D9", 1)
_add("x87_stack", Shape.CONSTANT, """
fld1 D9 E8
fldl2t D9 E9
fldl2e D9 EA
fldpi D9 EB
fldlg2 D9 EC
fldln2 D9 ED
fldz D9 EE
""")
NUMBERS = {name: number for number, name in enumerate(OPERATIONS)}


def names(row: str) -> tuple[str, ...]:
    """What the attribute ``what`` of opcode *row* may be."""
    return tuple([name for name, operation in OPERATIONS.items() if operation.row == row])
