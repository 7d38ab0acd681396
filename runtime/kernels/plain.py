"""Kernels in plain Python, for a debugger: with ``NUMBA_DISABLE_JIT=1`` in the environment these functions take the place of those of
``runtime.kernels.mem``, and ``@kernel`` leaves its function alone. Slow, and for one thread only: the atomics are not.

Numbers are ``I64``, whose arithmetic wraps as in compiled kernels. A pointer is its address.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

_MASK = (1 << 64) - 1


class I64(int):
    """A 64-bit two's complement number. Operations with plain ints give an I64 too."""

    __slots__ = ()

    def __new__(cls, value: int) -> I64:
        value &= _MASK
        return int.__new__(cls, value - (1 << 64) if value >> 63 else value)


def _wrapped(name: str) -> Callable[..., Any]:
    operation = getattr(int, name)

    def method(self: int, *other: int) -> Any:
        result = operation(self, *other)
        return result if result is NotImplemented else I64(result)

    return method


for _name in ("add", "sub", "mul", "and", "or", "xor", "lshift", "rshift", "floordiv", "mod"):
    setattr(I64, f"__{_name}__", _wrapped(f"__{_name}__"))
    setattr(I64, f"__r{_name}__", _wrapped(f"__r{_name}__"))
for _name in ("neg", "invert"):
    setattr(I64, f"__{_name}__", _wrapped(f"__{_name}__"))

_libc = ctypes.CDLL(None, use_errno=True)


def _syscall(*arguments: int) -> I64:
    result = _libc.syscall(*[ctypes.c_long(unsigned(a)) for a in arguments])
    return I64(-ctypes.get_errno() if result == -1 else result)


_CELLS = {8: ctypes.c_uint8, 16: ctypes.c_uint16, 32: ctypes.c_uint32, 64: ctypes.c_uint64}
Functions = dict[str, Callable[..., Any]]


def unsigned(x: int, bits: int = 64) -> int:
    return int(x) & ((1 << bits) - 1)


def signed(x: int, bits: int) -> int:
    x = unsigned(x, bits)
    return x - (1 << bits) if x >> (bits - 1) else x


def changes(bits: int) -> dict[str, Callable[[int, int], int]]:
    """The new value of each atomic read-modify-write of *bits* bits, given the old one and the operand; its low bits count."""
    return {
        "add": lambda a, b: a + b,
        "and": lambda a, b: a & b,
        "or": lambda a, b: a | b,
        "xor": lambda a, b: a ^ b,
        "xchg": lambda a, b: b,
        "umin": lambda a, b: min(unsigned(a, bits), unsigned(b, bits)),
        "umax": lambda a, b: max(unsigned(a, bits), unsigned(b, bits)),
        "smin": lambda a, b: min(signed(a, bits), signed(b, bits)),
        "smax": lambda a, b: max(signed(a, bits), signed(b, bits)),
    }


def _memory(bits: int) -> Functions:
    cell = _CELLS[bits]

    def load(base: int, offset: int) -> I64:
        return I64(cell.from_address(unsigned(base + offset)).value)

    def store(base: int, offset: int, value: int) -> None:
        cell.from_address(unsigned(base + offset)).value = unsigned(value, bits)

    def rmw(change: Callable[[int, int], int]) -> Callable[[int, int, int], I64]:
        def function(base: int, offset: int, operand: int) -> I64:
            old = load(base, offset)
            store(base, offset, change(old, operand))
            return old

        return function

    def cas(base: int, offset: int, expected: int, new: int) -> I64:
        old = load(base, offset)
        if old == unsigned(expected, bits):
            store(base, offset, new)
        return old

    made: Functions = {f"a_{name}{bits}": rmw(change) for name, change in changes(bits).items()}
    return {**made, f"ld{bits}": load, f"st{bits}": store, f"g_ld{bits}": load, f"g_st{bits}": store, f"a_cas{bits}": cas}


def _cas_128(base: int, offset: int, state: int, expected: int, new: int, old: int) -> None:
    found = ctypes.string_at(unsigned(base + offset), 16)
    if found == ctypes.string_at(unsigned(state + expected), 16):
        ctypes.memmove(unsigned(base + offset), unsigned(state + new), 16)
    ctypes.memmove(unsigned(state + old), found, 16)


def functions() -> Functions:
    """Everything that ``runtime.kernels.mem`` offers to kernels, by name."""
    made: Functions = {}
    for bits in _CELLS:
        made |= _memory(bits)
    return {
        **made,
        "ldp": made["ld64"],
        "stp": made["st64"],
        "a_ld64": made["ld64"],
        "a_st64": made["st64"],
        "a_cas128": _cas_128,
        "addp": lambda p, offset: I64(p + offset),
        "p2i": I64,
        "i2p": I64,
        "fence": lambda: None,
        "cycles": lambda: I64(perf_counter_ns()),
        "pause": lambda: None,
        "prefetch_write": lambda base, offset: None,
        "syscall": _syscall,
        "ticks": lambda: I64(time.monotonic_ns()),
        "likely": bool,
        "unlikely": bool,
        "lshr": lambda x, n: I64(unsigned(x) >> n),
        "udiv": lambda x, y: I64(unsigned(x) // unsigned(y)),
        "urem": lambda x, y: I64(unsigned(x) % unsigned(y)),
        "sdiv": lambda x, y: I64(abs(int(x)) // abs(int(y)) * (1 if (x < 0) == (y < 0) else -1)),
        "srem": lambda x, y: I64(abs(int(x)) % abs(int(y)) * (-1 if x < 0 else 1)),
        "umulh": lambda x, y: I64(unsigned(x) * unsigned(y) >> 64),
        "smulh": lambda x, y: I64(int(x) * int(y) >> 64),
        "ult": lambda x, y: unsigned(x) < unsigned(y),
        "ule": lambda x, y: unsigned(x) <= unsigned(y),
        "clz64": lambda x: I64(64 - unsigned(x).bit_length()),
        "ctz64": lambda x: I64((unsigned(x) & -unsigned(x)).bit_length() - 1 if x else 64),
        "popcnt64": lambda x: I64(unsigned(x).bit_count()),
        "bswap64": lambda x: I64(int.from_bytes(unsigned(x).to_bytes(8, "little"), "big")),
        "bitrev64": lambda x: I64(int(f"{unsigned(x):064b}"[::-1], 2)),
    }
