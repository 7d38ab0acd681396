"""Reference semantics: the vocabulary of the ``sem`` column for scalar integer rows, in plain Python.

Operands are non-negative ints holding the bit pattern. The numba twin is ``runtime.kernels.sem``; a test runs both on the
same inputs.
"""

from __future__ import annotations


def wrap(x: int, n: int) -> int:
    """*x* modulo 2^n."""
    return x & ((1 << n) - 1)


def sx(x: int, n: int) -> int:
    """*x* (n bits) read as a signed number."""
    return (x & ((1 << (n - 1)) - 1)) - (x & (1 << (n - 1)))


def signbit(n: int) -> int:
    return 1 << (n - 1)


def flag(condition: bool) -> int:
    return 1 if condition else 0


def mask(condition: bool, n: int) -> int:
    return (1 << n) - 1 if condition else 0


def choose(a: int, b: int, c: int) -> int:
    return b if a else c


def ult(a: int, b: int) -> int:
    return 1 if a < b else 0


def ule(a: int, b: int) -> int:
    return 1 if a <= b else 0


def umulh(a: int, b: int, n: int) -> int:
    return (a * b) >> n


def smulh(a: int, b: int, n: int) -> int:
    return wrap((sx(a, n) * sx(b, n)) >> n, n)


def udiv(a: int, b: int, n: int) -> int:
    return a // b if b else 0


def sdiv(a: int, b: int, n: int) -> int:
    if not b:
        return 0
    x, y = sx(a, n), sx(b, n)
    q = abs(x) // abs(y)
    return wrap(q if (x < 0) == (y < 0) else -q, n)


def urem(a: int, b: int, n: int) -> int:
    return a % b if b else a


def srem(a: int, b: int, n: int) -> int:
    if not b:
        return a
    x, y = sx(a, n), sx(b, n)
    r = abs(x) % abs(y)
    return wrap(-r if x < 0 else r, n)


def shl(a: int, b: int, n: int) -> int:
    return wrap(a << b, n) if b < n else 0


def shr(a: int, b: int, n: int) -> int:
    return a >> b if b < n else 0


def sar(a: int, b: int, n: int) -> int:
    return wrap(sx(a, n) >> min(b, n - 1), n)


def rotr(a: int, b: int, n: int) -> int:
    b %= n
    return wrap((a >> b) | (a << (n - b)), n)


def clz(a: int, n: int) -> int:
    return n - a.bit_length()


def ctz(a: int, n: int) -> int:
    return (a & -a).bit_length() - 1 if a else n


def popcnt(a: int, n: int) -> int:
    return a.bit_count()


def bswap(a: int, n: int) -> int:
    return int.from_bytes(a.to_bytes(n // 8, "little"), "big")


def bitrev(a: int, n: int) -> int:
    return int(format(a, f"0{n}b")[::-1], 2)


def carry(a: int, b: int, c: int, n: int) -> int:
    return (a + b + c) >> n


def addo(a: int, b: int, n: int) -> int:
    return adco(a, b, 0, n)


def subo(a: int, b: int, n: int) -> int:
    r = sx(a, n) - sx(b, n)
    return flag(r != sx(wrap(r, n), n))


def adco(a: int, b: int, c: int, n: int) -> int:
    r = sx(a, n) + sx(b, n) + c
    return flag(r != sx(wrap(r, n), n))
