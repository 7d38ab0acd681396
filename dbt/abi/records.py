"""Tier-0 record format: how IR operations look to the interpreter.

A record is four little-endian int32 words over 64-bit state cells::

    word 0: code | dst cell << 16      word 1: a      word 2: b      word 3: c

Operands are cell numbers of the vCPU state (guest registers and temporaries alike); 128-bit values take two cells in a row. Values
narrower than 64 bits are kept zero-extended.

*Scalar* rows (and the ones built into the engine) have one code per type instance. The form ``name.type:i`` takes word 2 as a sign-extended immediate
in place of cell b (its value wrapped to the type). *Rare* rows (kinds other than ``scalar``: fp, lane, bits, widen, narrow, vector) have one code a row and are followed by
a payload record of eight int16: attribute i of the row in element i, the bits of T in element 6 (``PAYLOAD_N``) and the bits of the S, F or X operand in element 7
(``PAYLOAD_S``); ``vshuf`` has its 16 permutation bytes there instead, and its width in word 3. They are run by the kernel ``rare``, which tier 1 calls too (helper ``op``).
"""

from __future__ import annotations

from dbt.ir.optable import OPS, instances

RECORD_BYTES = 16
PAYLOAD_N = 6
PAYLOAD_S = 7

# Operators with an immediate form.
IMMEDIATE_FORMS = ("add", "sub", "and", "or", "xor", "shl", "shr", "sar", "rotr", "eq", "ne", "ult", "ule", "slt", "sle", "mul")


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
    return {name: number for number, name in enumerate(names, 1)}


CODES: dict[str, int] = _number()  # "add.i32" -> code; 0 is never a code
NAMES: dict[int, str] = {number: name for name, number in CODES.items()}
