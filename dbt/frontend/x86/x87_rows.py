"""The x87 opcodes D8 to DF and FWAIT (SDM vol. 2D, tables A-7 to A-22); the format is explained in ``dbt.frontend.x86.tables``.

Arithmetic, comparisons and constants are rows of ``dbt.ir.x87``, which has their encodings; stores pop or not, and control instructions have no row there.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbt.ir.x87 import OPERATIONS

_MEMORY = {"f32": "Md", "i32": "Md", "f64": "Mq", "i64": "Mq", "i16": "Mw", "f80": "M", "bcd": "M"}  # format -> operand code
_FUNCTIONS = {"x87_load": "load", "x87_memory": "memory", "x87_stack": "stack"}
_EFLAGS = ("fcomi", "fcomip", "fucomi", "fucomip")


def _arithmetic() -> Iterator[str]:
    for name, operation in OPERATIONS.items():
        function = _FUNCTIONS.get(operation.row)
        if function is None:
            continue
        opcode = f"{operation.first:02X}"
        if operation.digit is not None:
            yield f"{opcode} /{operation.digit} mem {_MEMORY[name.rpartition('_')[2]]} -> {function} what={name}"
        elif name in _EFLAGS:
            yield f"{opcode} /{operation.second >> 3 & 7} reg St -> compare_to_eflags what={name}"
        elif (operation.first != 0xD9 or name in ("fxch", "fld")) and operation.pops < 2:
            yield f"{opcode} /{operation.second >> 3 & 7} reg St -> stack what={name}"
        else:
            yield f"{opcode} /{operation.second >> 3 & 7} reg rm={operation.second & 7} -> stack_fixed what={name}"


ROWS = "[x87]\n" + "\n".join(_arithmetic()) + """
# other encodings of the same, which the SDM leaves out
DC /2 reg St -> stack what=fcom
DC /3 reg St -> stack what=fcomp
DE /2 reg St -> stack what=fcomp
DD /1 reg St -> stack what=fxch
DF /1 reg St -> stack what=fxch
DF /2 reg St -> stack what=fstp
DF /3 reg St -> stack what=fstp

D9 /2 mem Md -> store what=to_f32
D9 /3 mem Md -> store what=to_f32 pops=1
DD /2 mem Mq -> store what=to_f64
DD /3 mem Mq -> store what=to_f64 pops=1
DB /7 mem M  -> store what=to_f80 pops=1
DF /2 mem Mw -> store what=to_i16
DF /3 mem Mw -> store what=to_i16 pops=1
DB /2 mem Md -> store what=to_i32
DB /3 mem Md -> store what=to_i32 pops=1
DF /7 mem Mq -> store what=to_i64 pops=1
DF /6 mem M  -> store what=to_bcd pops=1
DF /1 mem Mw -> store what=trunc_i16 pops=1
DB /1 mem Md -> store what=trunc_i32 pops=1
DD /1 mem Mq -> store what=trunc_i64 pops=1

DA /0 reg St -> fcmov cc=2
DA /1 reg St -> fcmov cc=4
DA /2 reg St -> fcmov cc=6
DA /3 reg St -> fcmov cc=10
DB /0 reg St -> fcmov cc=3
DB /1 reg St -> fcmov cc=5
DB /2 reg St -> fcmov cc=7
DB /3 reg St -> fcmov cc=11

[x87_control]
D9 /2 reg rm=0 -> fnop
D9 /6 reg rm=6 -> turn by=-1
D9 /6 reg rm=7 -> turn by=1
DD /0 reg St   -> ffree
DF /0 reg St   -> ffree pops=1
D9 /5 mem Mw   -> fldcw
D9 /7 mem Mw   -> fnstcw
DD /7 mem Mw   -> fnstsw
DF /4 reg rm=0 AX -> fnstsw
DB /4 reg rm=2 -> fnclex
DB /4 reg rm=3 -> fninit
D9 /4 mem M    -> fldenv
D9 /6 mem M    -> fnstenv
DD /4 mem M    -> frstor
DD /6 mem M    -> fnsave
9B             -> fwait
[miscellaneous]
# FENI, FDISI and FSETPM of older coprocessors
DB /4 reg rm=0 -> nop
DB /4 reg rm=1 -> nop
DB /4 reg rm=4 -> nop
"""
