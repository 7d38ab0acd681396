"""Advanced SIMD in plain Python: the vocabulary of the vector rows for ``tests.reference_eval``, and a run of one instruction on a :class:`State`.

The words are written with Python's unbounded integers, apart from the numba kernels, so that each can be held against the other. Floating point is not
among them.
"""

from __future__ import annotations

from collections.abc import Callable

from dbt.abi import fpscr
from dbt.abi.cpu import FP_SATURATED
from dbt.ir import sem
from dbt.ir.sem import sx, wrap
from dbt.ir.unit import Unit
from tests import reference_eval
from tests.frontend.arm.simd_oracle import DATA, State


class Env:
    """The FP environment as far as vector integers go: the cumulative saturation flag."""

    saturated = False


def _clamp(env: Env, x: int, low: int, high: int) -> int:
    if low <= x <= high:
        return x
    env.saturated = True
    return low if x < low else high


def _sat_u(env: Env, x: int, n: int) -> int:
    return _clamp(env, x, 0, (1 << n) - 1)


def _sat_s(env: Env, x: int, n: int) -> int:
    return wrap(_clamp(env, x, -1 << n - 1, (1 << n - 1) - 1), n)


def _shifted(value: int, count: int, rounding: int) -> int:
    """*value* * 2^(signed low byte of *count*), rounded down or to nearest."""
    by = sx(count & 0xFF, 8)
    return value << by if by >= 0 else value + (rounding << -by - 1) >> -by


def _pmull(a: int, b: int, n: int) -> int:
    product = 0
    for i in range(n):
        if b >> i & 1:
            product ^= a << i
    return product


def _uestimate(a: int) -> int:
    if not a >> 31:
        return 0xFFFFFFFF
    return (((1 << 19) // ((a >> 23) * 2 + 1) + 1) // 2 & 0x1FF) << 23


def _usqrt_estimate(a: int) -> int:
    if not a >> 30:
        return 0xFFFFFFFF
    a = a >> 23
    a = a * 2 + 1 if a < 256 else (a >> 1 << 1) * 2 + 2
    b = 512
    while a * (b + 1) * (b + 1) < 1 << 28:
        b += 1
    return ((b + 1) // 2 & 0x1FF) << 23


WORDS: dict[str, Callable[..., int]] = {
    "pmull": _pmull, "pmul": lambda a, b, n: wrap(_pmull(a, b, n), n),
    "umax": max, "umin": min, "uabd": lambda a, b: abs(a - b),
    "smax": lambda a, b, n: wrap(max(sx(a, n), sx(b, n)), n), "smin": lambda a, b, n: wrap(min(sx(a, n), sx(b, n)), n),
    "sabd": lambda a, b, n: abs(sx(a, n) - sx(b, n)), "vabs": lambda a, n: wrap(abs(sx(a, n)), n),
    "uhadd": lambda a, b, r, n: a + b + r >> 1, "shadd": lambda a, b, r, n: wrap(sx(a, n) + sx(b, n) + r >> 1, n),
    "uhsub": lambda a, b, n: wrap(a - b >> 1, n), "shsub": lambda a, b, n: wrap(sx(a, n) - sx(b, n) >> 1, n),
    "cls": lambda a, n: sem.clz(wrap(a ^ sx(a, n) >> 1, n) & ~(1 << n - 1), n) - 1,
    "rshr": lambda a, imm, n: a + (1 << imm - 1) >> imm, "rsar": lambda a, imm, n: wrap(sx(a, n) + (1 << imm - 1) >> imm, n),
    "ushlv": lambda a, b, r, n: wrap(_shifted(a, b, r), n), "sshlv": lambda a, b, r, n: wrap(_shifted(sx(a, n), b, r), n),
    "sat_u": _sat_u, "sat_s": _sat_s,
    "uqadd64": lambda env, a, b: _sat_u(env, a + b, 64), "sqadd64": lambda env, a, b: _sat_s(env, sx(a, 64) + sx(b, 64), 64),
    "uqsub64": lambda env, a, b: _sat_u(env, a - b, 64), "sqsub64": lambda env, a, b: _sat_s(env, sx(a, 64) - sx(b, 64), 64),
    "sqabs": lambda env, a, n: _sat_s(env, abs(sx(a, n)), n), "sqneg": lambda env, a, n: _sat_s(env, -sx(a, n), n),
    "sqdmulh": lambda env, a, b, r, n: _sat_s(env, 2 * sx(a, n) * sx(b, n) + (r << n - 1) >> n, n),
    "uqshlv": lambda env, a, b, r, n: _sat_u(env, _shifted(a, b, r), n), "sqshlv": lambda env, a, b, r, n: _sat_s(env, _shifted(sx(a, n), b, r), n),
    "sqshlu": lambda env, a, imm, n: _sat_u(env, sx(a, n) << imm, n),
    "uqxtn": lambda env, a, n: _sat_u(env, a, n), "sqxtn": lambda env, a, n: _sat_s(env, sx(a, 2 * n), n),
    "sqxtun": lambda env, a, n: _sat_u(env, sx(a, 2 * n), n),
    "urecpe": _uestimate, "ursqrte": _usqrt_estimate,
}  # fmt: skip
def uses_floating_point(unit: Unit) -> bool:
    """True if the unit has an operation that the vocabulary does not cover."""
    return any(inst.op.kind == "fp" or "f_" in (inst.op.sem or "") for inst in unit.insts())


def run(unit: Unit, before: State) -> State:
    """The state after the unit of one instruction, which must not use floating point."""
    state, memory, env = reference_eval.State("arm"), reference_eval.Memory(), Env()
    for slot, value in slots_of(before).items():
        state[slot] = value
    data = memory.map(DATA, before.memory)
    outcome = reference_eval.Evaluator(state, memory, WORDS, env).run(unit, before.pc)
    if outcome.exit == "fault":
        raise AssertionError(f"fault at {outcome.address:#x}")
    if env.saturated:
        state["fp_flags"] |= FP_SATURATED
    return state_of(state.__getitem__, bytes(data), before.pc, outcome.exit == "exception")


def slots_of(state: State) -> dict[str, int]:
    """The slots that hold *state*."""
    flags = state.flags
    return {
        **{f"r{i}": value for i, value in enumerate(state.core)}, **{f"d{i}": value for i, value in enumerate(state.doubles)},
        "nf": flags & 1 << 31, "zf": 0 if flags >> 30 & 1 else 1, "cf": flags >> 29 & 1, "vf": flags >> 28 & 1, "qf": flags >> 27 & 1,
        **fpscr.parts(state.fpscr),
    }  # fmt: skip


def state_of(get: Callable[[str], int], memory: bytes, pc: int, undefined: bool) -> State:
    """The opposite of :func:`slots_of`; *get* reads a slot."""
    core, doubles = [get(f"r{i}") for i in range(15)], [get(f"d{i}") for i in range(32)]
    flags = get("nf") & 1 << 31 | (get("zf") == 0) << 30 | get("cf") << 29 | get("vf") << 28 | get("qf") << 27
    return State(core, doubles, get("fpscr_nzcv") | get("fpscr_ctl") | get("fp_flags"), flags, memory, pc, undefined)
