"""What each attribute of the opcode table may hold: one row a name, for the verifier (``check``) and the random generator (``sample``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from dbt.ir.optable import Op
from dbt.ir.types import Type
from dbt.ir.unit import Inst
from dbt.ir.x87 import names

ORDERS = ("acquire", "release", "seq_cst")
HINTS = {"goto": ("jump", "call", "next"), "goto_ind": ("jump", "call", "ret")}
LANES = (8, 16, 32, 64)
# Rows that are defined for fewer lane widths than their kind.
LANES_OF = {
    **dict.fromkeys(("vpmul", "vpmull"), (8,)),
    **dict.fromkeys(("vsqdmulh", "vsqrdmulh"), (16, 32)),
    **dict.fromkeys(("vfrecpe", "vfrsqrte", "vfrecps", "vfrsqrts", "vurecpe", "vursqrte"), (32,)),
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """``check(inst, value)`` gives None or the sentence that says what is wrong; ``sample(rng, op name, type, lane)`` a legal value (None
    for attributes that name a slot, a block or a guest address, which only the generator of a unit can choose)."""

    check: Callable[[Inst, object], str | None]
    sample: Callable[[Random, str, Type, int], object] | None = None


def _one_of(*allowed: object) -> Attribute:
    def check(inst: Inst, value: object) -> str | None:
        return None if value in allowed else f"is {value!r}, not one of {', '.join(map(str, allowed))}"

    return Attribute(check, lambda rng, op, type, lane: rng.choice(allowed))


def _between(low: int, high: Callable[[Inst], int], sample_high: Callable[[str, Type, int], int]) -> Attribute:
    def check(inst: Inst, value: object) -> str | None:
        top = high(inst)
        return None if isinstance(value, int) and low <= value <= top else f"is {value!r}, not between {low} and {top}"

    return Attribute(check, lambda rng, op, type, lane: rng.randint(low, sample_high(op, type, lane)))


def _vector_bits(inst: Inst) -> int:
    """Width of the vector that the lanes of *inst* belong to: the narrower side of a widening or narrowing row."""
    if inst.op.kind in ("widen", "narrow") or (inst.op.kind == "vector" and not inst.op.types):
        return 64
    if inst.op.name in ("vget", "vhalf"):
        return inst.args[0].type.bits
    return inst.of.bits


def _value(inst: Inst, value: object) -> str | None:
    if not isinstance(value, int):
        return f"is {value!r}, not an int"
    if inst.op.name == "const" and not 0 <= value < 1 << inst.of.bits:
        return f"is {value:#x}, which does not fit {inst.of}"
    return None


def _word(inst: Inst, value: object) -> str | None:
    return None if isinstance(value, str) and value else f"is {value!r}, not a name"


def _hint(inst: Inst, value: object) -> str | None:
    allowed = HINTS[inst.op.name]
    return None if value in allowed else f"is {value!r}, not one of {', '.join(allowed)}"


def lanes(op: Op) -> tuple[int, ...]:
    """The lane widths that *op* is defined for; none for a row without lanes."""
    if "lane" not in op.attrs:
        return ()
    if op.name in LANES_OF:
        return LANES_OF[op.name]
    if op.name.startswith(("vf", "vitof")):
        return LANES[2:]
    return LANES[:3] if op.kind in ("widen", "narrow") else LANES


def _lane(inst: Inst, value: object) -> str | None:
    allowed = lanes(inst.op)
    return None if value in allowed else f"is {value!r}, not one of {', '.join(map(str, allowed))}"


def _index_top(inst: Inst) -> int:
    lane = 64 if inst.op.name == "vhalf" else inst.attr("lane")
    return _vector_bits(inst) // lane - 1 if isinstance(lane, int) and lane > 0 else 0


def _imm_top(inst: Inst) -> int:
    lane = inst.attrs[0] if "lane" in inst.op.attrs else None
    return lane if isinstance(lane, int) else (1 << 32) - 1


def _perm(inst: Inst, value: object) -> str | None:
    count = inst.of.bits // 8
    if not isinstance(value, tuple) or len(value) != count:
        return f"is {value!r}, not a tuple of {count} byte numbers"
    if not all(isinstance(byte, int) and 0 <= byte < 2 * count for byte in value):
        return f"names a byte outside 0 to {2 * count - 1}"
    return None


def _align(inst: Inst, value: object) -> str | None:
    return None if value in (1, 2, 4, 8, 16, 32) else f"is {value!r}, not a power of two up to 32"


def _what(inst: Inst, value: object) -> str | None:
    return None if value in names(inst.op.name) else f"is {value!r}, no operation of {inst.op.name}"


_BIT = _one_of(0, 1)
_ANY_WORD = Attribute(_word)
_NATURAL = _between(0, lambda inst: (1 << 64) - 1, lambda op, type, lane: 0xFFFF)

ATTRIBUTES: dict[str, Attribute] = {
    "value": Attribute(_value, lambda rng, op, type, lane: rng.getrandbits(type.bits) if op == "const" else rng.randint(-4096, 4096)),
    "slot": _ANY_WORD,
    "pc": _NATURAL,
    "length": _between(0, lambda inst: 15, lambda op, type, lane: 15),
    "mode": _between(0, lambda inst: 0xFFFF, lambda op, type, lane: 1),
    "align": Attribute(_align, lambda rng, op, type, lane: 1),
    "replay": Attribute(_one_of(0, 1).check, lambda rng, op, type, lane: 0),
    "index": _between(0, _index_top, lambda op, type, lane: max(0, 64 // (lane or 64) - 1)),
    "lane": Attribute(_lane, lambda rng, op, type, lane: lane),
    "imm": _between(0, _imm_top, lambda op, type, lane: lane or 0xFF),
    "perm": Attribute(_perm, lambda rng, op, type, lane: tuple([rng.randrange(type.bits // 4) for _ in range(type.bits // 8)])),
    "count": _between(1, lambda inst: 4, lambda op, type, lane: 4),
    "std": _BIT,
    "signed": _BIT,
    "signal": _BIT,
    "implicit": _BIT,
    "exact": _BIT,
    "equal": _BIT,
    "fbits": _between(0, lambda inst: 64, lambda op, type, lane: 8),
    "width": Attribute(_one_of(16, 32, 64).check, lambda rng, op, type, lane: rng.choice([width for width in (16, 32, 64) if width <= type.bits])),
    "round": _one_of(-1, 0, 1, 2, 3, 4),
    "order": _one_of(*ORDERS),
    "hint": Attribute(_hint, lambda rng, op, type, lane: rng.choice([hint for hint in HINTS[op] if hint != "next"])),
    "kind": _ANY_WORD,
    "what": Attribute(_what),
    "i": _between(0, lambda inst: 7, lambda op, type, lane: 7),
    "pops": _one_of(0, 1),
    "then": _ANY_WORD,
    "orelse": _ANY_WORD,
}
