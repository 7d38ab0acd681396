"""Vector rows by instructions that only x86 hosts have. On a host without them they are left to the helper ``op``."""

from __future__ import annotations

from dbt.backend.llvm.scalars import Lowering
from dbt.backend.llvm.text import Text, lanes, llvm_type
from dbt.backend.llvm.vectors import splat
from dbt.ir.unit import Inst

_BYTES = lanes(128, 8)
_TABLE = 16  # bytes that PSHUFB looks into
_NOTHING = 0x80  # an index with this bit gives 0
_WORDS = 1  # bit 0 of the immediate of PCMPxSTRM: elements are words


def _within_nibble(inst: Inst) -> bool:
    """The bytes of *inst* are 0 to 15, or have the top bit set: an AND with a constant has seen to it."""
    return inst.op.name == "vand" and any(arg.op.name == "const" and not arg.attrs[0] & int("70" * 16, 16) for arg in inst.args)  # type: ignore[operator]


def _quadword(t: Text, operand: str, source: Inst) -> str:
    """A v64 or v128 as 16 bytes; anything above a v64."""
    type = lanes(source.type.bits, 8)
    value = t.cast(operand, llvm_type(source.type), type)
    if source.type.bits == 128:
        return value
    return t.value(f"shufflevector {type} {value}, {type} poison, <16 x i32> <{', '.join(f'i32 {k}' for k in range(16))}>")


def _look_up(t: Text, i: Inst, v: list[str]) -> str:
    """PSHUFB in each half of the table; an index outside of it is made to give 0, by an addition that saturates."""
    count = int(i.attr("count"))  # type: ignore[call-overload]
    index = _quadword(t, v[0], i.args[0])

    def half(table: int, order: str) -> str:
        if table or not _within_nibble(i.args[0]):
            order = t.value(f"call {_BYTES} @llvm.uadd.sat.v16i8({_BYTES} {order}, {_BYTES} {splat(_BYTES, _NOTHING - _TABLE)})")
        bytes_there = t.cast(v[1 + table], llvm_type(i.args[1].type), _BYTES)
        return t.value(f"call {_BYTES} @llvm.x86.ssse3.pshuf.b.128({_BYTES} {bytes_there}, {_BYTES} {order})")

    found = half(0, index)
    if count > 2:
        found = t.value(f"or {_BYTES} {found}, {half(1, t.value(f'sub {_BYTES} {index}, {splat(_BYTES, _TABLE)}'))}")
    default = i.args[3]
    zero = default.op.name == "const" and not default.attrs[0]
    if not zero or count % 2:
        inside = t.value(f"icmp ult {_BYTES} {index}, {splat(_BYTES, 8 * count)}")
        other = "zeroinitializer" if zero else _quadword(t, v[3], default)
        found = t.value(f"select <16 x i1> {inside}, {_BYTES} {found}, {_BYTES} {other}")
    if i.of.bits == 128:
        return t.cast(found, _BYTES, llvm_type(i.of))
    low = t.value(f"shufflevector {_BYTES} {found}, {_BYTES} poison, <8 x i32> <{', '.join(f'i32 {k}' for k in range(8))}>")
    return t.cast(low, lanes(64, 8), llvm_type(i.of))


def _compare_texts(t: Text, i: Inst, v: list[str]) -> str:
    """PCMPxSTRM with the mask as bits; which text ends is told by its length, or by an element of 0."""
    imm, implicit = int(i.attr("imm")), bool(i.attr("implicit"))  # type: ignore[call-overload]
    count = 8 if imm & _WORDS else 16
    first, second = (t.cast(v[k], llvm_type(i.args[k].type), _BYTES) for k in (0, 1))
    options = f"i8 {imm & 0x3F}"
    if implicit:
        mask = t.value(f"call {_BYTES} @llvm.x86.sse42.pcmpistrm128({_BYTES} {first}, {_BYTES} {second}, {options})")
    else:
        mask = t.value(f"call {_BYTES} @llvm.x86.sse42.pcmpestrm128({_BYTES} {first}, i32 {v[2]}, {_BYTES} {second}, i32 {v[3]}, {options})")
    bits = t.value(f"extractelement <4 x i32> {t.cast(mask, _BYTES, '<4 x i32>')}, i64 0")
    for text, length, place in ((second, v[3], 16), (first, v[2], 17)):
        if implicit:
            type = lanes(128, 128 // count)
            zeros = t.value(f"icmp eq {type} {t.cast(text, _BYTES, type)}, zeroinitializer")
            ends = t.value(f"icmp ne i{count} {t.value(f'bitcast <{count} x i1> {zeros} to i{count}')}, 0")
        else:
            ends = t.value(f"icmp ult i32 {length}, {count}")
        bits = t.value(f"or i32 {bits}, {t.value(f'select i1 {ends}, i32 {1 << place}, i32 0')}")
    return bits


ROWS: dict[str, Lowering] = {"vtbl": _look_up, "pcmpstr": _compare_texts}
NEEDS = {"vtbl": "byte_shuffle", "pcmpstr": "text"}  # row -> what it asks of ``features.Features``
