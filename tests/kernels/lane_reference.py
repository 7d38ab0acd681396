"""What each lane opcode means, written with unbounded Python numbers: slow and plain. ``dbt.ir.optable`` gives the sentences."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import isqrt

from dbt.abi.cpu import FP_SATURATED


def signed(x: int, n: int) -> int:
    return x - (1 << n) if x >> (n - 1) else x


class Saturation:
    """Clamps, and remembers whether it had to."""

    def __init__(self) -> None:
        self.flags = 0

    def clamp(self, x: int, low: int, high: int) -> int:
        clamped = min(max(x, low), high)
        if clamped != x:
            self.flags = FP_SATURATED
        return clamped

    def u(self, x: int, n: int) -> int:
        return self.clamp(x, 0, (1 << n) - 1)

    def s(self, x: int, n: int) -> int:
        return self.clamp(x, -1 << (n - 1), (1 << (n - 1)) - 1)


def shifted(x: int, amount: int, rounding: bool) -> int:
    """x * 2^amount, rounded down or (rounding) to nearest with ties up."""
    if amount >= 0:
        return x << amount
    return (x + (1 << (-amount - 1) if rounding else 0)) >> -amount


def by_register(b: int) -> int:
    return signed(b & 0xFF, 8)


def polynomial(a: int, b: int) -> int:
    product = 0
    for i in range(b.bit_length()):
        if b >> i & 1:
            product ^= a << i
    return product


def leading(a: int, n: int) -> int:
    return n - a.bit_length()


def recpe(a: int) -> int:
    if a >> 31 == 0:
        return 0xFFFFFFFF
    middle = Fraction(2 * (a >> 23) + 1, 1024)
    return int(256 / middle + Fraction(1, 2)) << 23


def rsqrte(a: int) -> int:
    if a >> 30 == 0:
        return 0xFFFFFFFF
    step = 23 if a >> 31 == 0 else 24
    middle = (2 * (a >> step) + 1) << (step - 1)  # of 2^32
    # 256 / sqrt(middle / 2^32) to nearest, through an integer square root of its doubled square.
    return ((isqrt((512 * 512 << 32) // middle) + 1) // 2) << 23


# (a, b, n, imm, saturation) -> lane, any integer: the caller reduces it modulo the lane.
Lane = Callable[[int, int, int, int, Saturation], int]
LANES: dict[str, Lane] = {
    "vadd": lambda a, b, n, i, q: a + b,
    "vsub": lambda a, b, n, i, q: a - b,
    "vmul": lambda a, b, n, i, q: a * b,
    "vpmul": lambda a, b, n, i, q: polynomial(a, b),
    "vumax": lambda a, b, n, i, q: max(a, b),
    "vumin": lambda a, b, n, i, q: min(a, b),
    "vsmax": lambda a, b, n, i, q: max(signed(a, n), signed(b, n)),
    "vsmin": lambda a, b, n, i, q: min(signed(a, n), signed(b, n)),
    "vuabd": lambda a, b, n, i, q: abs(a - b),
    "vsabd": lambda a, b, n, i, q: abs(signed(a, n) - signed(b, n)),
    "vabs": lambda a, b, n, i, q: abs(signed(a, n)),
    "vuhadd": lambda a, b, n, i, q: (a + b) >> 1,
    "vurhadd": lambda a, b, n, i, q: (a + b + 1) >> 1,
    "vshadd": lambda a, b, n, i, q: (signed(a, n) + signed(b, n)) >> 1,
    "vsrhadd": lambda a, b, n, i, q: (signed(a, n) + signed(b, n) + 1) >> 1,
    "vuhsub": lambda a, b, n, i, q: (a - b) >> 1,
    "vshsub": lambda a, b, n, i, q: (signed(a, n) - signed(b, n)) >> 1,
    "vceq": lambda a, b, n, i, q: -(a == b),
    "vcugt": lambda a, b, n, i, q: -(a > b),
    "vcuge": lambda a, b, n, i, q: -(a >= b),
    "vcsgt": lambda a, b, n, i, q: -(signed(a, n) > signed(b, n)),
    "vcsge": lambda a, b, n, i, q: -(signed(a, n) >= signed(b, n)),
    "vtst": lambda a, b, n, i, q: -(a & b != 0),
    "vclz": lambda a, b, n, i, q: leading(a, n),
    "vcls": lambda a, b, n, i, q: leading(a ^ (-(a >> (n - 1)) & ((1 << n) - 1)), n) - 1,
    "vcnt": lambda a, b, n, i, q: a.bit_count(),
    "vshl": lambda a, b, n, i, q: a << i,
    "vshr": lambda a, b, n, i, q: a >> i,
    "vsar": lambda a, b, n, i, q: signed(a, n) >> i,
    "vrshr": lambda a, b, n, i, q: shifted(a, -i, True),
    "vrsar": lambda a, b, n, i, q: shifted(signed(a, n), -i, True),
    "vushlv": lambda a, b, n, i, q: shifted(a, by_register(b), False),
    "vsshlv": lambda a, b, n, i, q: shifted(signed(a, n), by_register(b), False),
    "vurshlv": lambda a, b, n, i, q: shifted(a, by_register(b), True),
    "vsrshlv": lambda a, b, n, i, q: shifted(signed(a, n), by_register(b), True),
    "vuqadd": lambda a, b, n, i, q: q.u(a + b, n),
    "vsqadd": lambda a, b, n, i, q: q.s(signed(a, n) + signed(b, n), n),
    "vuqsub": lambda a, b, n, i, q: q.u(a - b, n),
    "vsqsub": lambda a, b, n, i, q: q.s(signed(a, n) - signed(b, n), n),
    "vsqabs": lambda a, b, n, i, q: q.s(abs(signed(a, n)), n),
    "vsqneg": lambda a, b, n, i, q: q.s(-signed(a, n), n),
    "vsqdmulh": lambda a, b, n, i, q: q.s(2 * signed(a, n) * signed(b, n) >> n, n),
    "vsqrdmulh": lambda a, b, n, i, q: q.s((2 * signed(a, n) * signed(b, n) + (1 << (n - 1))) >> n, n),
    "vuqshlv": lambda a, b, n, i, q: q.u(shifted(a, by_register(b), False), n),
    "vsqshlv": lambda a, b, n, i, q: q.s(shifted(signed(a, n), by_register(b), False), n),
    "vuqrshlv": lambda a, b, n, i, q: q.u(shifted(a, by_register(b), True), n),
    "vsqrshlv": lambda a, b, n, i, q: q.s(shifted(signed(a, n), by_register(b), True), n),
    "vsqshlu": lambda a, b, n, i, q: q.u(signed(a, n) << i, n),
    "vurecpe": lambda a, b, n, i, q: recpe(a),
    "vursqrte": lambda a, b, n, i, q: rsqrte(a),
}
WIDEN: dict[str, Lane] = {
    "vuxtl": lambda a, b, n, i, q: a,
    "vsxtl": lambda a, b, n, i, q: signed(a, n),
    "vpmull": lambda a, b, n, i, q: polynomial(a, b),
}
NARROW: dict[str, Lane] = {
    "vxtn": lambda a, b, n, i, q: a,
    "vuqxtn": lambda a, b, n, i, q: q.u(a, n),
    "vsqxtn": lambda a, b, n, i, q: q.s(signed(a, 2 * n), n),
    "vsqxtun": lambda a, b, n, i, q: q.u(signed(a, 2 * n), n),
}
BITS: dict[str, Callable[[int, int, int], int]] = {
    "vand": lambda a, b, c: a & b,
    "vor": lambda a, b, c: a | b,
    "vxor": lambda a, b, c: a ^ b,
    "vandn": lambda a, b, c: a & ~b,
    "vnot": lambda a, b, c: ~a,
    "vbsl": lambda a, b, c: (a & b) | (~a & c),
}
ONLY_LANES = {"vpmul": (8,), "vpmull": (8,), "vurecpe": (32,), "vursqrte": (32,), "vsqdmulh": (16, 32), "vsqrdmulh": (16, 32), "vclz": (8, 16, 32),
              "vcls": (8, 16, 32), "vcnt": (8,)}


def split(x: int, n: int, count: int) -> list[int]:
    return [x >> (n * i) & ((1 << n) - 1) for i in range(count)]


def join(lanes: list[int], n: int) -> int:
    return sum((lane & ((1 << n) - 1)) << (n * i) for i, lane in enumerate(lanes))


def vector(lane_op: Lane, a: int, b: int, n_in: int, n_out: int, count: int, lane: int, imm: int) -> tuple[int, int]:
    """(result, fp_flags) of *count* lanes of *n_in* bits that become lanes of *n_out* bits."""
    saturation = Saturation()
    pairs = zip(split(a, n_in, count), split(b, n_in, count), strict=True)
    return join([lane_op(x, y, lane, imm, saturation) for x, y in pairs], n_out), saturation.flags
