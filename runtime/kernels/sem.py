"""The vocabulary of the opcode table's ``sem`` column as kernels: integer words, lane words and saturating words.

Values are bit patterns in int64: zero-extended if narrower than 64 bits. ``n`` is 8 to 64 (1 where a row has i1) and may be known
only at run time. ``env`` is (pointer to the vCPU, fp_mode); saturating words set FP_SATURATED in its fp_flags. The plain
Python reference of the scalar words is ``dbt.ir.sem``; the ``v*`` rows' meaning is that of the ARM instruction of that name.
"""

from __future__ import annotations

from dbt.abi.cpu import FP_SATURATED, header
from runtime.kernels import mem
from runtime.kernels.build import kernel

_FP_FLAGS = header().offset("fp_flags")


# Bits -------------------------------------------------------------------------------------------------------------------
@kernel(inline=True)
def wrap(x, n):
    return x & mem.lshr(-1, 64 - n)


@kernel(inline=True)
def sx(x, n):
    return (x << (64 - n)) >> (64 - n)


@kernel(inline=True)
def signbit(n):
    return 1 << (n - 1)


@kernel(inline=True)
def flag(condition):
    return 1 if condition else 0


@kernel(inline=True)
def mask(condition, n):
    return mem.lshr(-1, 64 - n) if condition else 0


@kernel(inline=True)
def choose(a, b, c):
    return b if a != 0 else c


@kernel(inline=True)
def ult(a, b):
    return 1 if mem.ult(a, b) else 0


@kernel(inline=True)
def ule(a, b):
    return 1 if mem.ule(a, b) else 0


# Arithmetic -------------------------------------------------------------------------------------------------------------
@kernel(inline=True)
def umulh(a, b, n):
    return mem.umulh(a, b) if n == 64 else mem.lshr(a * b, n & 63)


@kernel(inline=True)
def smulh(a, b, n):
    return mem.smulh(a, b) if n == 64 else wrap((sx(a, n) * sx(b, n)) >> (n & 63), n)


@kernel(inline=True)
def udiv(a, b, n):
    return mem.udiv(a, b) if b != 0 else 0


@kernel(inline=True)
def urem(a, b, n):
    return mem.urem(a, b) if b != 0 else a


@kernel(inline=True)
def sdiv(a, b, n):
    if b == 0:
        return 0
    x, y = sx(a, n), sx(b, n)
    return wrap(-x if y == -1 else mem.sdiv(x, y), n)


@kernel(inline=True)
def srem(a, b, n):
    if b == 0:
        return a
    x, y = sx(a, n), sx(b, n)
    return wrap(0 if y == -1 else mem.srem(x, y), n)


@kernel(inline=True)
def shl(a, b, n):
    return wrap(a << (b & 63), n) if mem.ult(b, n) else 0


@kernel(inline=True)
def shr(a, b, n):
    return mem.lshr(a, b & 63) if mem.ult(b, n) else 0


@kernel(inline=True)
def sar(a, b, n):
    return wrap(sx(a, n) >> (b if mem.ult(b, n) else n - 1), n)


@kernel(inline=True)
def rotr(a, b, n):
    amount = b & (n - 1)
    return wrap(mem.lshr(a, amount) | (a << ((n - amount) & 63)), n)


@kernel(inline=True)
def clz(a, n):
    return mem.clz64(a) - (64 - n)


@kernel(inline=True)
def ctz(a, n):
    return mem.ctz64(a) if a != 0 else n


@kernel(inline=True)
def popcnt(a, n):
    return mem.popcnt64(a)


@kernel(inline=True)
def bswap(a, n):
    return mem.lshr(mem.bswap64(a), 64 - n)


@kernel(inline=True)
def bitrev(a, n):
    return mem.lshr(mem.bitrev64(a), 64 - n)


# Carry and overflow come from the operands' and the sum's top bits, so that n may be 64.
@kernel(inline=True)
def carry(a, b, c, n):
    total = a + b + c
    return mem.lshr((a & b) | ((a | b) & ~total), n - 1) & 1


@kernel(inline=True)
def adco(a, b, c, n):
    total = a + b + c
    return mem.lshr((a ^ total) & (b ^ total), n - 1) & 1


@kernel(inline=True)
def addo(a, b, n):
    return adco(a, b, 0, n)


@kernel(inline=True)
def subo(a, b, n):
    return mem.lshr((a ^ b) & (a ^ (a - b)), n - 1) & 1


# Lanes ------------------------------------------------------------------------------------------------------------------
@kernel(inline=True)
def umax(a, b):
    return b if mem.ult(a, b) else a


@kernel(inline=True)
def umin(a, b):
    return a if mem.ult(a, b) else b


@kernel(inline=True)
def smax(a, b, n):
    return a if sx(a, n) > sx(b, n) else b


@kernel(inline=True)
def smin(a, b, n):
    return a if sx(a, n) < sx(b, n) else b


@kernel(inline=True)
def uabd(a, b):
    return b - a if mem.ult(a, b) else a - b


@kernel(inline=True)
def sabd(a, b, n):
    x, y = sx(a, n), sx(b, n)
    return wrap(x - y if x > y else y - x, n)


@kernel(inline=True)
def vabs(a, n):
    x = sx(a, n)
    return wrap(-x if x < 0 else x, n)


# Halving sums are formed from the common and the differing bits, so that no carry is lost.
@kernel(inline=True)
def uhadd(a, b, rounding, n):
    half = mem.lshr(a ^ b, 1)
    return (a | b) - half if rounding != 0 else (a & b) + half


@kernel(inline=True)
def shadd(a, b, rounding, n):
    x, y = sx(a, n), sx(b, n)
    half = (x ^ y) >> 1
    return wrap((x | y) - half if rounding != 0 else (x & y) + half, n)


@kernel(inline=True)
def uhsub(a, b, n):
    return wrap(mem.lshr(a, 1) - mem.lshr(b, 1) - (~a & b & 1), n)


@kernel(inline=True)
def shsub(a, b, n):
    x, y = sx(a, n), sx(b, n)
    return wrap((x >> 1) - (y >> 1) - (~x & y & 1), n)


@kernel(inline=True)
def cls(a, n):
    x = sx(a, n)
    return mem.clz64(x ^ (x >> 63)) - (64 - n) - 1


@kernel(inline=True)
def rshr(a, imm, n):
    return shr(a, imm, n) + (mem.lshr(a, imm - 1) & 1)


@kernel(inline=True)
def rsar(a, imm, n):
    x = sx(a, n)
    return wrap((x >> min(imm, 63)) + ((x >> (imm - 1)) & 1), n)


@kernel
def ushlv(a, b, rounding, n):
    amount = sx(b & 0xFF, 8)
    if amount >= 0:
        return shl(a, amount, n)
    if rounding != 0:
        return rshr(a, -amount, n) if -amount <= n else 0
    return shr(a, -amount, n)


@kernel
def sshlv(a, b, rounding, n):
    amount = sx(b & 0xFF, 8)
    if amount >= 0:
        return shl(a, amount, n)
    if rounding != 0:
        return rsar(a, -amount, n) if -amount <= n else 0
    return sar(a, -amount, n)


@kernel
def pmull(a, b, n):
    """Polynomial product; 2 * n bits are at most 64."""
    product = 0
    for i in range(n):
        if (mem.lshr(b, i) & 1) != 0:
            product ^= a << i
    return product


@kernel
def pmul(a, b, n):
    return wrap(pmull(a, b, n), n)


# Saturation -------------------------------------------------------------------------------------------------------------
@kernel
def saturated(env, value):
    """*value*, and the sticky flag."""
    cpu, _ = env
    mem.st64(cpu, _FP_FLAGS, mem.ld64(cpu, _FP_FLAGS) | FP_SATURATED)
    return value


@kernel
def sat_u(env, x, n):
    """The number x clamped to n unsigned bits (n < 64)."""
    if x < 0:
        return saturated(env, 0)
    top = (1 << n) - 1
    return saturated(env, top) if x > top else x


@kernel
def sat_s(env, x, n):
    """The number x clamped to n signed bits (n < 64)."""
    top = (1 << (n - 1)) - 1
    if x > top:
        return saturated(env, top)
    if x < -top - 1:
        return saturated(env, top + 1)
    return wrap(x, n)


@kernel(inline=True)
def signed_limit(negative, n):
    """The least number of n signed bits if negative, else the greatest."""
    return signbit(n) if negative else signbit(n) - 1


@kernel
def uqadd64(env, a, b):
    return saturated(env, -1) if mem.ult(a + b, a) else a + b


@kernel
def uqsub64(env, a, b):
    return saturated(env, 0) if mem.ult(a, b) else a - b


@kernel
def sqadd64(env, a, b):
    return saturated(env, signed_limit(a < 0, 64)) if addo(a, b, 64) != 0 else a + b


@kernel
def sqsub64(env, a, b):
    return saturated(env, signed_limit(a < 0, 64)) if subo(a, b, 64) != 0 else a - b


@kernel
def sqneg(env, a, n):
    return saturated(env, signbit(n) - 1) if a == signbit(n) else wrap(-a, n)


@kernel
def sqabs(env, a, n):
    return sqneg(env, a, n) if sx(a, n) < 0 else a


@kernel
def sqdmulh(env, a, b, rounding, n):
    if a == b and a == signbit(n):
        return saturated(env, signbit(n) - 1)
    return wrap((2 * sx(a, n) * sx(b, n) + (rounding << (n - 1))) >> n, n)


@kernel
def uqshlv(env, a, b, rounding, n):
    amount = sx(b & 0xFF, 8)
    if amount < 0 or a == 0:
        return ushlv(a, b, rounding, n)
    moved = shl(a, amount, n)
    if amount >= n or mem.lshr(moved, amount) != a:
        return saturated(env, mask(True, n))
    return moved


@kernel
def sqshlv(env, a, b, rounding, n):
    amount = sx(b & 0xFF, 8)
    if amount < 0 or a == 0:
        return sshlv(a, b, rounding, n)
    moved = shl(a, amount, n)
    if amount >= n or sx(moved, n) >> amount != sx(a, n):
        return saturated(env, signed_limit(sx(a, n) < 0, n))
    return moved


@kernel
def sqshlu(env, a, imm, n):
    return saturated(env, 0) if sx(a, n) < 0 else uqshlv(env, a, imm, 0, n)


@kernel
def uqxtn(env, a, n):
    return saturated(env, mask(True, n)) if mem.ult(mask(True, n), a) else a


@kernel
def sqxtn(env, a, n):
    return sat_s(env, sx(a, 2 * n), n)


@kernel
def sqxtun(env, a, n):
    return sat_u(env, sx(a, 2 * n), n)


# Estimates (ARM ARM, RecipEstimate and RecipSqrtEstimate): integers of nine bits with a binary point before them --------------------
@kernel
def recip_estimate(a):
    """Nine bits of 1 / a for a of 256 to 511 (0.5 to 1)."""
    return (mem.udiv(1 << 19, 2 * a + 1) + 1) >> 1


@kernel
def recip_sqrt_estimate(a):
    """Nine bits of 1 / sqrt(a) for a of 128 to 511 (0.25 to 1)."""
    a = 2 * a + 1 if a < 256 else ((a >> 1 << 1) + 1) * 2
    b = 512
    while a * (b + 1) * (b + 1) < 1 << 28:
        b += 1
    return (b + 1) >> 1


@kernel
def urecpe(a):
    return recip_estimate(mem.lshr(a, 23)) << 23 if (a >> 31) & 1 != 0 else 0xFFFFFFFF


@kernel
def ursqrte(a):
    return recip_sqrt_estimate(mem.lshr(a, 23)) << 23 if (a >> 30) & 3 != 0 else 0xFFFFFFFF
