"""IEEE 754 arithmetic in integers, exact to the last bit and flag.

Operands and results are bit patterns of ``n`` bits (16, 32, 64). ``env`` is (pointer to the vCPU, mode): the mode holds FP_MODE_* bits, and exceptions
accumulate in the vCPU's fp_flags. The order of events is that of the ARM ARM's FPUnpack, FPProcessNaNs and FPRound; FP_MODE_NAN_X86,
FP_MODE_TINY_AFTER and the denormal rules that go with them are those of SSE (Intel SDM volume 1, 4.8.3 and 11.5).

Inside, a finite number other than zero is (sign, exp, sig): sig / 2^61 * 2^exp with bit 61 the leading one of sig; bit 0 is sticky. Two bits above it are
free, so that a sum of two fits, and nine below those of a double, which is more than rounding needs.
"""

from __future__ import annotations

from dbt.abi.cpu import (
    FP_DIVZERO,
    FP_INEXACT,
    FP_INPUT_DENORMAL,
    FP_INVALID,
    FP_MODE_ALT_HALF,
    FP_MODE_DEFAULT_NAN,
    FP_MODE_FLUSH_IN,
    FP_MODE_FLUSH_OUT,
    FP_MODE_NAN_X86,
    FP_MODE_RMODE,
    FP_MODE_TINY_AFTER,
    FP_OVERFLOW,
    FP_UNDERFLOW,
    header,
)  # fmt: skip
from runtime.kernels import host_flags, mem
from runtime.kernels.build import kernel
from runtime.kernels.sem import mask, recip_estimate, recip_sqrt_estimate, signbit, sx, wrap

_FP_FLAGS = header().offset("fp_flags")
_NEAREST, _UP, _DOWN, _ZERO_WARDS, _AWAY = 0, 1, 2, 3, 4  # _AWAY: nearest, ties away from zero
_ZERO, _FINITE, _INFINITE, _QUIET, _SIGNALLING = 0, 1, 2, 3, 4
_LEAD = 61
_TWO, _THREE, _HALF = 0x40000000, 0x40400000, 0x3F000000  # binary32


# Formats ----------------------------------------------------------------------------------------------------------------
@kernel(inline=True)
def fraction_bits(n):
    return 52 if n == 64 else 23 if n == 32 else 10


@kernel(inline=True)
def bias(n):
    return 1023 if n == 64 else 127 if n == 32 else 15


@kernel(inline=True)
def infinity(sign, n):
    return (sign << (n - 1)) | ((2 * bias(n) + 1) << fraction_bits(n))


@kernel(inline=True)
def quiet_bit(n):
    return 1 << (fraction_bits(n) - 1)


@kernel(inline=True)
def magnitude(a, n):
    return a & (signbit(n) - 1)


@kernel(inline=True)
def negative(a, n):
    return mem.lshr(a, n - 1) & 1


@kernel(inline=True)
def is_nan(a, n):
    return magnitude(a, n) > infinity(0, n)


@kernel(inline=True)
def is_signalling(a, n):
    return is_nan(a, n) and a & quiet_bit(n) == 0


@kernel(inline=True)
def is_infinite(a, n):
    return magnitude(a, n) == infinity(0, n)


# Environment ------------------------------------------------------------------------------------------------------------
@kernel(inline=True)
def accumulate(env, flags):
    cpu, _ = env
    mem.st64(cpu, _FP_FLAGS, mem.ld64(cpu, _FP_FLAGS) | flags)


@kernel(inline=True)
def rounding_mode(env, choice):
    """*choice*, or the mode of the environment if it is -1."""
    _, mode = env
    return mode & FP_MODE_RMODE if choice < 0 else choice


@kernel(inline=True)
def default_nan(env, n):
    _, mode = env
    return infinity(1 if mode & FP_MODE_NAN_X86 != 0 else 0, n) | quiet_bit(n)


@kernel(inline=True)
def invalid(env, n):
    """The result of an operation without one: default NaN, Invalid Operation."""
    accumulate(env, FP_INVALID)
    return default_nan(env, n)


@kernel(inline=True)
def is_denormal(a, n):
    return mem.ult(magnitude(a, n) - 1, (1 << fraction_bits(n)) - 1)


@kernel(inline=True)
def flush_in(env, a, n):
    """The operand as the operation sees it: a denormal may count as zero, and ARM reports that."""
    _, mode = env
    if mode & FP_MODE_FLUSH_IN == 0 or not is_denormal(a, n):
        return a
    if mode & FP_MODE_NAN_X86 == 0:
        accumulate(env, FP_INPUT_DENORMAL)
    return a & signbit(n)


@kernel(inline=True)
def report_denormals(env, a, b, n):
    """SSE reports that denormals are used, unless NaNs or an invalid operation come first."""
    _, mode = env
    if mode & (FP_MODE_NAN_X86 | FP_MODE_FLUSH_IN) == FP_MODE_NAN_X86 and (is_denormal(a, n) or is_denormal(b, n)):
        accumulate(env, FP_INPUT_DENORMAL)


@kernel
def nan_result(env, a, n):
    """What NaN operand *a* becomes as a result."""
    if is_signalling(a, n):
        accumulate(env, FP_INVALID)
    _, mode = env
    return default_nan(env, n) if mode & FP_MODE_DEFAULT_NAN != 0 else a | quiet_bit(n)


@kernel
def nan_of_two(env, a, b, n):
    """The NaN result of an operation on a and b, of which at least one is a NaN."""
    _, mode = env
    if mode & FP_MODE_NAN_X86 != 0:
        if is_signalling(b, n):
            accumulate(env, FP_INVALID)
        return nan_result(env, a if is_nan(a, n) else b, n)
    first = is_signalling(a, n) or (is_nan(a, n) and not is_signalling(b, n))
    return nan_result(env, a if first else b, n)


# Taking apart and putting together ----------------------------------------------------------------------------------------
@kernel(inline=True)
def unpack(a, n):
    """(sign, exp, sig) of a finite number other than zero."""
    m = fraction_bits(n)
    exp = mem.lshr(magnitude(a, n), m)
    fraction = a & ((1 << m) - 1)
    if exp == 0:
        shift = mem.clz64(fraction) - (63 - _LEAD)
        return negative(a, n), 1 - bias(n) + _LEAD - m - shift, fraction << shift
    return negative(a, n), exp - bias(n), (fraction | (1 << m)) << (_LEAD - m)


@kernel(inline=True)
def shift_jam(x, k):
    """x >> k with a sticky last bit (k >= 0)."""
    if k > 62:
        return 1 if x != 0 else 0
    return mem.lshr(x, k) | (1 if x & ((1 << k) - 1) != 0 else 0)


@kernel(inline=True)
def rounds_up(mode, sign, odd, rest, half):
    """True if the magnitude grows: *rest* is what is cut off, *half* its middle."""
    if mode == _NEAREST:
        return rest > half or (rest == half and odd != 0)
    if mode == _AWAY:
        return rest >= half
    return rest != 0 and ((mode == _UP and sign == 0) or (mode == _DOWN and sign != 0))


@kernel
def round_pack(env, sign, exp, sig, rounding, n):
    """The number (sign, exp, sig) as n bits, rounded in mode *rounding*; sig is any unsigned number but 0. Raises Overflow, Underflow, Inexact."""
    _, mode = env
    shift = mem.clz64(sig) - (63 - _LEAD)
    if shift >= 0:
        sig <<= shift
    else:
        sig = shift_jam(sig, -shift)
    m = fraction_bits(n)
    biased = exp - shift + bias(n)
    cut = _LEAD - m
    half = 1 << (cut - 1)
    tiny = biased <= 0
    if tiny:
        if mode & FP_MODE_TINY_AFTER != 0 and biased == 0:
            # Not tiny if rounding with an unbounded exponent reaches the least normal number.
            rest = sig & ((1 << cut) - 1)
            grown = (sig >> cut) + (1 if rounds_up(rounding, sign, (sig >> cut) & 1, rest, half) else 0)
            tiny = grown >> (m + 1) == 0
        if tiny and mode & FP_MODE_FLUSH_OUT != 0:
            accumulate(env, FP_UNDERFLOW | FP_INEXACT if mode & FP_MODE_TINY_AFTER != 0 else FP_UNDERFLOW)
            return sign << (n - 1)
        sig = shift_jam(sig, 1 - biased)
        biased = 1
    rest = sig & ((1 << cut) - 1)
    sig >>= cut
    if rounds_up(rounding, sign, sig & 1, rest, half):
        sig += 1
    packed = ((biased - 1) << m) + sig  # the leading one of sig, if it has one, counts the exponent up
    alternative = n == 16 and mode & FP_MODE_ALT_HALF != 0
    limit = 0x8000 if alternative else infinity(0, n)
    if biased > 2 * bias(n) + (1 if alternative else 0) or packed >= limit:
        if alternative:
            accumulate(env, FP_INVALID)
            packed = limit - 1
        else:
            accumulate(env, FP_OVERFLOW | FP_INEXACT)
            packed = infinity(0, n) - (0 if rounds_up(rounding, sign, 1, 1, 1) else 1)
    elif rest != 0:
        accumulate(env, FP_INEXACT | FP_UNDERFLOW if tiny else FP_INEXACT)
    return (sign << (n - 1)) | packed


@kernel(inline=True)
def zero_sum(env, n):
    """The zero that is the sum of numbers of opposite sign."""
    return signbit(n) if rounding_mode(env, -1) == _DOWN else 0


@kernel
def f_flags(env):
    cpu, _ = env
    host_flags.collect(cpu)
    return mem.ld64(cpu, _FP_FLAGS)


# Arithmetic -------------------------------------------------------------------------------------------------------------
@kernel
def f_add(env, a, b, n):
    a, b = flush_in(env, a, n), flush_in(env, b, n)
    if is_nan(a, n) or is_nan(b, n):
        return nan_of_two(env, a, b, n)
    report_denormals(env, a, b, n)
    if is_infinite(a, n):
        return invalid(env, n) if is_infinite(b, n) and a != b else a
    if is_infinite(b, n):
        return b
    if magnitude(a, n) == 0 and magnitude(b, n) == 0:
        return a if a == b else zero_sum(env, n)
    rounding = rounding_mode(env, -1)
    if magnitude(a, n) < magnitude(b, n):
        a, b = b, a
    sign, exp, sig = unpack(a, n)
    if magnitude(b, n) != 0:
        sign_b, exp_b, sig_b = unpack(b, n)
        sig_b = shift_jam(sig_b, exp - exp_b)
        sig = sig + sig_b if sign == sign_b else sig - sig_b
        if sig == 0:
            return zero_sum(env, n)
    return round_pack(env, sign, exp, sig, rounding, n)


@kernel
def f_sub(env, a, b, n):
    # A NaN keeps its sign.
    return f_add(env, a, b if is_nan(b, n) else b ^ signbit(n), n)


@kernel
def f_mul(env, a, b, n):
    a, b = flush_in(env, a, n), flush_in(env, b, n)
    if is_nan(a, n) or is_nan(b, n):
        return nan_of_two(env, a, b, n)
    report_denormals(env, a, b, n)
    sign = negative(a ^ b, n)
    if is_infinite(a, n) or is_infinite(b, n):
        return invalid(env, n) if magnitude(a, n) == 0 or magnitude(b, n) == 0 else infinity(sign, n)
    if magnitude(a, n) == 0 or magnitude(b, n) == 0:
        return sign << (n - 1)
    _, exp_a, sig_a = unpack(a, n)
    _, exp_b, sig_b = unpack(b, n)
    # 124 bits of product; the two bits more make the high half the product / 2^62.
    high = mem.umulh(sig_a << 1, sig_b << 1)
    low = (sig_a << 1) * (sig_b << 1)
    return round_pack(env, sign, exp_a + exp_b + 1, high | (1 if low != 0 else 0), rounding_mode(env, -1), n)


@kernel
def f_div(env, a, b, n):
    a, b = flush_in(env, a, n), flush_in(env, b, n)
    if is_nan(a, n) or is_nan(b, n):
        return nan_of_two(env, a, b, n)
    sign = negative(a ^ b, n)
    if is_infinite(a, n) and is_infinite(b, n):
        return invalid(env, n)
    if magnitude(b, n) == 0:
        if magnitude(a, n) == 0:
            return invalid(env, n)
        if not is_infinite(a, n):
            accumulate(env, FP_DIVZERO)
        return infinity(sign, n)
    report_denormals(env, a, b, n)
    if is_infinite(a, n):
        return infinity(sign, n)
    if is_infinite(b, n) or magnitude(a, n) == 0:
        return sign << (n - 1)
    _, exp_a, sig_a = unpack(a, n)
    _, exp_b, sig_b = unpack(b, n)
    # Long division of 53 bits by 53 bits, ten bits of quotient a step: 60 after the point.
    divisor = sig_b >> (_LEAD - 52)
    quotient = mem.udiv(sig_a >> (_LEAD - 52), divisor)
    rest = mem.urem(sig_a >> (_LEAD - 52), divisor)
    for _ in range(6):
        rest <<= 10
        quotient = (quotient << 10) | mem.udiv(rest, divisor)
        rest = mem.urem(rest, divisor)
    return round_pack(env, sign, exp_a - exp_b + 1, quotient | (1 if rest != 0 else 0), rounding_mode(env, -1), n)


@kernel
def f_sqrt(env, a, n):
    a = flush_in(env, a, n)
    if is_nan(a, n):
        return nan_result(env, a, n)
    if magnitude(a, n) == 0:
        return a
    if negative(a, n) != 0:
        return invalid(env, n)
    report_denormals(env, a, a, n)
    if is_infinite(a, n):
        return a
    _, exp, sig = unpack(a, n)
    radicand = sig >> (_LEAD - 52) << (exp & 1)  # 1 to 4, 52 bits after the point
    rest = 0
    root = 0
    # Digit by digit: 56 bits of root, 55 of them after the point.
    for i in range(56):
        pair = (radicand >> (52 - 2 * i)) & 3 if i <= 26 else 0
        rest = (rest << 2) | pair
        trial = (root << 2) | 1
        root <<= 1
        if rest >= trial:
            rest -= trial
            root |= 1
    return round_pack(env, 0, (exp >> 1) + _LEAD - 56, (root << 1) | (1 if rest != 0 else 0), rounding_mode(env, -1), n)


@kernel
def nan_of_three(env, a, b, c, n):
    """The NaN result of a * b + c: ARM looks at the addend first and gives the default NaN if the product is invalid; SSE takes the first."""
    _, mode = env
    if mode & FP_MODE_NAN_X86 != 0:
        if is_signalling(a, n) or is_signalling(b, n) or is_signalling(c, n):
            accumulate(env, FP_INVALID)
        return nan_result(env, a if is_nan(a, n) else b if is_nan(b, n) else c, n)
    if is_signalling(c, n):
        return nan_result(env, c, n)
    if is_signalling(a, n) or is_signalling(b, n):
        return nan_of_two(env, a, b, n)
    if is_nan(c, n):
        if (is_infinite(a, n) and magnitude(b, n) == 0) or (is_infinite(b, n) and magnitude(a, n) == 0):
            return invalid(env, n)
        return nan_result(env, c, n)
    return nan_of_two(env, a, b, n)


@kernel(inline=True)
def shift_jam_128(high, low, k):
    """(high, low) >> k with a sticky last bit."""
    if k == 0:
        return high, low
    if k >= 64:
        return 0, shift_jam(high, k - 64) | (1 if low != 0 else 0)
    return mem.lshr(high, k), mem.lshr(low, k) | (high << (64 - k)) | (1 if low << (64 - k) != 0 else 0)


@kernel
def f_fma(env, a, b, c, n):
    a, b, c = flush_in(env, a, n), flush_in(env, b, n), flush_in(env, c, n)
    if is_nan(a, n) or is_nan(b, n) or is_nan(c, n):
        return nan_of_three(env, a, b, c, n)
    sign = negative(a ^ b, n)
    zero_product = magnitude(a, n) == 0 or magnitude(b, n) == 0
    if is_infinite(a, n) or is_infinite(b, n):
        if zero_product or (is_infinite(c, n) and negative(c, n) != sign):
            return invalid(env, n)
        report_denormals(env, a, b, n)
        report_denormals(env, c, c, n)
        return infinity(sign, n)
    report_denormals(env, a, b, n)
    report_denormals(env, c, c, n)
    if is_infinite(c, n):
        return c
    rounding = rounding_mode(env, -1)
    if zero_product:
        if magnitude(c, n) == 0:
            return c if negative(c, n) == sign else zero_sum(env, n)
        sign_c, exp_c, sig_c = unpack(c, n)
        return round_pack(env, sign_c, exp_c, sig_c, rounding, n)
    _, exp_a, sig_a = unpack(a, n)
    _, exp_b, sig_b = unpack(b, n)
    exp = exp_a + exp_b + 1
    high = mem.umulh(sig_a << 1, sig_b << 1)
    low = (sig_a << 1) * (sig_b << 1)
    if magnitude(c, n) != 0:
        sign_c, exp_c, high_c = unpack(c, n)
        low_c = 0
        if exp >= exp_c:
            high_c, low_c = shift_jam_128(high_c, low_c, exp - exp_c)
        else:
            high, low = shift_jam_128(high, low, exp_c - exp)
            exp = exp_c
        if sign == sign_c:
            total = low + low_c
            high += high_c + (1 if mem.ult(total, low) else 0)
            low = total
        else:
            high -= high_c + (1 if mem.ult(low, low_c) else 0)
            low -= low_c
            if high < 0:
                sign ^= 1
                high = ~high + (1 if low == 0 else 0)
                low = -low
            if high == 0 and low == 0:
                return zero_sum(env, n)
    # What is left may be anywhere in the 128 bits after a cancellation.
    lead = mem.clz64(high)
    if lead == 64:
        return round_pack(env, sign, exp - 64, low, rounding, n)
    if lead > 2:
        high = (high << (lead - 2)) | mem.lshr(low, 64 - (lead - 2))
        low <<= lead - 2
        exp -= lead - 2
    return round_pack(env, sign, exp, high | (1 if low != 0 else 0), rounding, n)


# Comparing --------------------------------------------------------------------------------------------------------------
@kernel(inline=True)
def order(a, n):
    """A signed number that sorts like the floating-point number a; both zeros give 0."""
    return -magnitude(a, n) if negative(a, n) != 0 else magnitude(a, n)


@kernel
def unordered(env, a, b, signal, n):
    """True if a or b is a NaN; raises Invalid Operation for a signalling one, or any if *signal* is not 0."""
    if not (is_nan(a, n) or is_nan(b, n)):
        return False
    if signal != 0 or is_signalling(a, n) or is_signalling(b, n):
        accumulate(env, FP_INVALID)
    return True


@kernel
def f_cmp(env, a, b, signal, n):
    a, b = flush_in(env, a, n), flush_in(env, b, n)
    if unordered(env, a, b, signal, n):
        return 3
    report_denormals(env, a, b, n)
    x, y = order(a, n), order(b, n)
    return 8 if x < y else 6 if x == y else 2


@kernel
def f_ceq(env, a, b, n):
    return mask(f_cmp(env, a, b, 0, n) == 6, n)


@kernel
def f_cgt(env, a, b, n):
    return mask(f_cmp(env, a, b, 1, n) == 2, n)


@kernel
def f_cge(env, a, b, n):
    relation = f_cmp(env, a, b, 1, n)
    return mask(relation == 2 or relation == 6, n)


@kernel
def extreme(env, a, b, greater, n):
    """FPMax if *greater*, else FPMin."""
    a, b = flush_in(env, a, n), flush_in(env, b, n)
    if is_nan(a, n) or is_nan(b, n):
        return nan_of_two(env, a, b, n)
    report_denormals(env, a, b, n)
    x, y = order(a, n), order(b, n)
    if x == y:
        return a & b if greater != 0 else a | b  # differ at most in the sign of zero
    return a if (x > y) == (greater != 0) else b


@kernel
def f_min(env, a, b, n):
    return extreme(env, a, b, 0, n)


@kernel
def f_max(env, a, b, n):
    return extreme(env, a, b, 1, n)


# Converting -------------------------------------------------------------------------------------------------------------
@kernel
def to_integer(exp, sig, sign, rounding):
    """sig / 2^61 * 2^exp rounded to an integer: (magnitude, 1 if that is inexact). exp is at most 63."""
    k = _LEAD - exp
    if k <= 0:
        return sig << -k, 0
    if k > _LEAD + 1:
        return (1 if rounds_up(rounding, sign, 0, 1, 2) else 0), 1
    whole = mem.lshr(sig, k)
    rest = sig & ((1 << k) - 1)
    if rounds_up(rounding, sign, whole & 1, rest, 1 << (k - 1)):
        whole += 1
    return whole, (1 if rest != 0 else 0)


@kernel
def f_toi(env, a, signed, width, fbits, choice, s, n):
    a = flush_in(env, a, s)
    if is_nan(a, s):
        accumulate(env, FP_INVALID)
        return 0
    if magnitude(a, s) == 0:
        return 0
    sign, exp, sig = unpack(a, s)
    exp += fbits
    limit = signbit(width) - 1 + sign if signed != 0 else mask(sign == 0, width)
    whole, inexact = limit, 0
    overflow = exp > 63
    if not overflow:
        whole, inexact = to_integer(exp, sig, sign, rounding_mode(env, choice))
        overflow = mem.ult(limit, whole)
    if overflow:
        accumulate(env, FP_INVALID)
        whole = limit
    elif inexact != 0:
        accumulate(env, FP_INEXACT)
    whole = -whole if sign != 0 else whole
    return wrap(sx(whole, width) if signed != 0 else wrap(whole, width), n)


@kernel
def f_fromi(env, a, signed, fbits, choice, s, n):
    sign = negative(a, s) if signed != 0 else 0
    whole = -sx(a, s) if sign != 0 else wrap(a, s)
    if whole == 0:
        return 0
    return round_pack(env, sign, _LEAD - fbits, whole, rounding_mode(env, choice), n)


@kernel
def convert_nan(env, a, s, n):
    """A NaN of s bits as one of n bits: the top of the fraction is kept."""
    if is_signalling(a, s):
        accumulate(env, FP_INVALID)
    _, mode = env
    if mode & FP_MODE_DEFAULT_NAN != 0:
        return default_nan(env, n)
    fraction = a & ((1 << fraction_bits(s)) - 1)
    move = fraction_bits(n) - fraction_bits(s)
    fraction = fraction << move if move >= 0 else fraction >> -move
    return infinity(negative(a, s), n) | fraction | quiet_bit(n)


@kernel
def f_cvt(env, a, s, n):
    a = flush_in(env, a, s)
    if is_nan(a, s):
        return convert_nan(env, a, s, n)
    report_denormals(env, a, a, s)
    sign = negative(a, s)
    if is_infinite(a, s):
        return infinity(sign, n)
    if magnitude(a, s) == 0:
        return sign << (n - 1)
    sign, exp, sig = unpack(a, s)
    return round_pack(env, sign, exp, sig, rounding_mode(env, -1), n)


@kernel
def f_from_half(env, a, n):
    """Half-precision denormals are never flushed."""
    _, mode = env
    a = a & 0xFFFF
    sign = negative(a, 16)
    if mode & FP_MODE_ALT_HALF == 0:
        if is_nan(a, 16):
            return convert_nan(env, a, 16, n)
        if is_infinite(a, 16):
            return infinity(sign, n)
    if magnitude(a, 16) == 0:
        return sign << (n - 1)
    sign, exp, sig = unpack(a, 16)
    return round_pack(env, sign, exp, sig, _NEAREST, n)


@kernel
def f_to_half(env, a, s):
    cpu, mode = env
    a = flush_in(env, a, s)
    sign = negative(a, s)
    if mode & FP_MODE_ALT_HALF != 0 and magnitude(a, s) >= infinity(0, s):
        accumulate(env, FP_INVALID)  # the alternative format has neither NaNs nor infinities
        return (sign << 15) | (0 if is_nan(a, s) else 0x7FFF)
    if is_nan(a, s):
        return convert_nan(env, a, s, 16)
    if is_infinite(a, s):
        return infinity(sign, 16)
    if magnitude(a, s) == 0:
        return sign << 15
    sign, exp, sig = unpack(a, s)
    return round_pack((cpu, mode & ~FP_MODE_FLUSH_OUT), sign, exp, sig, rounding_mode(env, -1), 16)


@kernel
def f_rint(env, a, choice, exact, n):
    a = flush_in(env, a, n)
    if is_nan(a, n):
        return nan_result(env, a, n)
    if magnitude(a, n) == 0 or magnitude(a, n) >= (bias(n) + fraction_bits(n)) << fraction_bits(n):
        return a
    sign, exp, sig = unpack(a, n)
    whole, inexact = to_integer(exp, sig, sign, rounding_mode(env, choice))
    if inexact != 0 and exact != 0:
        accumulate(env, FP_INEXACT)
    return round_pack(env, sign, _LEAD, whole, _NEAREST, n) if whole != 0 else sign << (n - 1)


# ARM's estimates and Newton steps (binary32) ------------------------------------------------------------------------------
@kernel
def f_recpe(env, a):
    a = flush_in(env, a, 32)
    sign = negative(a, 32)
    if is_nan(a, 32):
        return nan_result(env, a, 32)
    if is_infinite(a, 32):
        return sign << 31
    exp = magnitude(a, 32) >> 23
    if exp == 0:
        accumulate(env, FP_DIVZERO)
        return infinity(sign, 32)
    if exp >= 253:
        accumulate(env, FP_UNDERFLOW)
        return sign << 31
    estimate = recip_estimate(256 | ((a >> 15) & 0xFF))
    return (sign << 31) | ((253 - exp) << 23) | ((estimate & 0xFF) << 15)


@kernel
def f_rsqrte(env, a):
    a = flush_in(env, a, 32)
    if is_nan(a, 32):
        return nan_result(env, a, 32)
    if magnitude(a, 32) == 0:
        accumulate(env, FP_DIVZERO)
        return infinity(negative(a, 32), 32)
    if negative(a, 32) != 0:
        return invalid(env, 32)
    if is_infinite(a, 32):
        return 0
    exp = a >> 23
    scaled = 256 | ((a >> 15) & 0xFF) if exp & 1 == 0 else 128 | ((a >> 16) & 0x7F)
    return (((380 - exp) >> 1) << 23) | ((recip_sqrt_estimate(scaled) & 0xFF) << 15)


@kernel
def step_product(env, a, b):
    """a * b for the Newton steps: infinity times zero is zero."""
    zero_a, zero_b = magnitude(flush_in(env, a, 32), 32) == 0, magnitude(flush_in(env, b, 32), 32) == 0
    if (is_infinite(a, 32) and zero_b) or (is_infinite(b, 32) and zero_a):
        return 0
    return f_mul(env, a, b, 32)


@kernel
def f_recps(env, a, b):
    return f_sub(env, _TWO, step_product(env, a, b), 32)


@kernel
def f_rsqrts(env, a, b):
    return f_mul(env, f_sub(env, _THREE, step_product(env, a, b), 32), _HALF, 32)
