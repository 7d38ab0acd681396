"""Tier-0 record format: how IR operations look to the interpreter.

A record is four little-endian int32 words over 64-bit state cells::

    word 0: code | dst cell << 16      word 1: a      word 2: b      word 3: c

Operands are cell numbers of the vCPU state (guest registers and temporaries alike); 128-bit values take two cells in a row. Values
narrower than 64 bits are kept zero-extended.

*Scalar* rows (and the ones built into the engine) have one code per type instance. The form ``name.type:i`` takes word 2 as a sign-extended immediate in
place of cell b (its value wrapped to the type). *Rare* rows (kinds other than ``scalar``: fp, lane, bits, widen, narrow, vector, x87, string) have one code
a row and are followed by a payload record of eight int16: attribute i of the row in element i, the bits of T in element 6 (``PAYLOAD_N``) and the bits of
the S, F or X operand in element 7 (``PAYLOAD_S``); ``vshuf`` has its 16 permutation bytes there instead, and its width in word 3. A fourth operand
(``vtbl``) is the cell in element 5 (``PAYLOAD_D``); x87 rows have the number of their operation (``dbt.ir.x87``), the register, the operation's shape, how
many registers it pops and the condition codes that it writes. They are run by the kernel ``rare``, which tier 1 calls too (helper ``op``).

Rows that are built into the engine use the words thus (a, b, c are words 1 to 3; deltas count records, from the record itself):

========================  ==================================================================================================================
const.i64                 dst = the 64 bits in words 1 and 2 (constants of all types)
pcadd.T                   templates only: words 1 and 2 are the distance from the instruction; becomes const.i64 in a block
mov, mov2                 dst = cell a (mov2: two cells)
get8/16/32, put8/16/32    dst = the bits at byte offset a of the state; state at byte offset b = cell a
sext.T                    word 2 is the width of the operand
select.T                  dst = cell b if cell a else cell c
vpair                     dst and dst + 1 = cells a and b, both read first
ld.T                      dst = memory at cell a + b (a signed number; the sum wraps at the guest's address width), alignment rule in c
st.T                      as ld.T; the value is cell dst
ldlink.T, stcond.T        address in cell a; value in cell b, status in dst
rmw_*.T                   address in cell a, operand in cell b, alignment rule in c
cas.T                     address, expected, new in cells a, b, c & 0xffff; alignment rule in c >> 16
fence                     a is 1 for seq_cst, else 0
br                        a is the delta
brif                      cell a; b and c are the deltas if true and if false
goto                      mode in dst, words 1 and 2 the target pc (templates: its distance from the instruction); c is the byte offset of the target
                          block in the process block once linked, else 0
goto_ind                  pc in cell a; mode in cell b, or b itself if c is 1
syscall, exception,       pc in cell a, mode in dst; syscall: b the immediate; exception: b its number, c the detail
halt, yield
========================  ==================================================================================================================
"""

from __future__ import annotations

from dbt.abi.record import RECORD_BYTES
from dbt.ir.optable import OPS, instances

__all__ = ["CODES", "CODE_MASK", "ENGINE_CODES", "IMMEDIATE_FORMS", "NAMES", "PAYLOAD_D", "PAYLOAD_N", "PAYLOAD_S", "RECORD_BYTES", "is_rare"]

PAYLOAD_D = 5
PAYLOAD_N = 6
PAYLOAD_S = 7

# Operators with an immediate form.
IMMEDIATE_FORMS = ("add", "sub", "and", "or", "xor", "shl", "shr", "sar", "rotr", "eq", "ne", "ult", "ule", "slt", "sle", "mul")

# Codes that are no rows of the opcode table.
ENGINE_CODES = ("mov", "mov2", "get8", "get16", "get32", "put8", "put16", "put32")


def is_rare(name: str) -> bool:
    """True for rows run by the ``rare`` kernel, with a payload record."""
    return OPS[name].kind != "scalar"


def _number() -> dict[str, int]:
    names = []
    for op in OPS.values():
        if is_rare(op.name):
            names.append(op.name)
            continue
        for suffix in instances(op):
            name = f"{op.name}.{suffix}" if suffix else op.name
            names.append(name)
            if op.name in IMMEDIATE_FORMS:
                names.append(name + ":i")
    names.extend(ENGINE_CODES)
    return {name: number for number, name in enumerate(names, 1)}


CODES: dict[str, int] = _number()  # "add.i32" -> code; 0 is never a code
CODE_MASK = 0x1FF  # the bits of a code: the size of the interpreter's jump table
assert max(CODES.values()) <= CODE_MASK
NAMES: dict[int, str] = {number: name for name, number in CODES.items()}
