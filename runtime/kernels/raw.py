"""Guest memory accesses after all checks: loads and stores of 1 to 8 bytes, and the host's atomic operations by width."""

from __future__ import annotations

from typing import Any

from dbt.abi.helpers import RMW_KINDS
from runtime.kernels import mem
from runtime.kernels.build import kernel
from runtime.kernels.mem import a_cas8, a_cas16, a_cas32, a_cas64, g_ld8, g_ld16, g_ld32, g_ld64, g_st8, g_st16, g_st32, g_st64, lshr


@kernel
def raw_load(base, address, size):
    if size == 1:
        return g_ld8(base, address)
    if size == 2:
        return g_ld16(base, address)
    if size == 4:
        return g_ld32(base, address)
    return g_ld64(base, address)


@kernel
def raw_store(base, address, value, size):
    if size == 1:
        g_st8(base, address, value)
    elif size == 2:
        g_st16(base, address, value)
    elif size == 4:
        g_st32(base, address, value)
    else:
        g_st64(base, address, value)


@kernel
def store_part(base, address, value, count):
    """Store the low *count* bytes (1 to 8) of a value: at once if that is a size there is, else in the largest aligned pieces."""
    if count & (count - 1) == 0:
        raw_store(base, address, value, count)
        return
    done = 0
    while done < count:
        piece = 4 if (address + done) & 3 == 0 else 2 if (address + done) & 1 == 0 else 1
        while piece > count - done:
            piece >>= 1
        raw_store(base, address + done, lshr(value, 8 * done), piece)
        done += piece


@kernel
def compare_and_swap(base, address, expected, new, size):
    """Host compare-and-swap; gives the old value, zero-extended."""
    if size == 1:
        return a_cas8(base, address, expected, new)
    if size == 2:
        return a_cas16(base, address, expected, new)
    if size == 4:
        return a_cas32(base, address, expected, new)
    return a_cas64(base, address, expected, new)


def rmw_source(bits: int) -> str:
    """Source of ``rmw{bits}(base, address, operand, kind)``: the host's atomic operation for each row of RMW_KINDS."""
    lines = [f"def rmw{bits}(base, address, operand, kind):"]
    for number, kind in enumerate(RMW_KINDS[:-1]):
        lines += [f"    if kind == {number}:", f"        return a_{kind}{bits}(base, address, operand)"]
    return "\n".join([*lines, f"    return a_{RMW_KINDS[-1]}{bits}(base, address, operand)", ""])


def _made(bits: int) -> Any:
    scope = dict(vars(mem))
    exec(compile(rmw_source(bits), f"<atomic operations of {bits} bits>", "exec"), scope)
    return kernel(scope[f"rmw{bits}"])


_rmw8, _rmw16, _rmw32, _rmw64 = (_made(bits) for bits in (8, 16, 32, 64))


@kernel
def read_modify_write(base, address, operand, kind, size):
    """Host atomic operation (row of RMW_KINDS); gives the old value, zero-extended."""
    if size == 1:
        return _rmw8(base, address, operand, kind)
    if size == 2:
        return _rmw16(base, address, operand, kind)
    if size == 4:
        return _rmw32(base, address, operand, kind)
    return _rmw64(base, address, operand, kind)
