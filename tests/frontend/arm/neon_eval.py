"""A plain-Python evaluator of lifted instructions: integers, vectors and memory, no floating point.

The vocabulary below says what the words in the ``sem`` column of the vector rows mean, with Python's unbounded integers: written apart from the
numba kernels, so that each can be held against the other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from dbt.abi.archs import LAYOUTS
from dbt.abi.cpu import FP_SATURATED
from dbt.ir import sem
from dbt.ir.fold import evaluate
from dbt.ir.sem import sx, wrap
from dbt.ir.unit import Inst, Unit
from tests.frontend.arm.simd_oracle import DATA, State


class UnsupportedOp(Exception):
    """The instruction uses an operation that this evaluator does not know (floating point)."""


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


_WORDS: dict[str, Callable[..., int]] = {
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
_VOCABULARY = {name: getattr(sem, name) for name in dir(sem) if not name.startswith("_")} | _WORDS


@cache
def _lane_function(expression: str, extra: tuple[str, ...]) -> Callable[..., int]:
    names = ", ".join(("env", "n", "a", "b", "c", *extra))
    return eval(f"lambda {names}: {expression}", dict(_VOCABULARY))  # the rows of our own opcode table


def _lanes(value: int, bits: int, lane: int) -> list[int]:
    return [value >> at & (1 << lane) - 1 for at in range(0, bits, lane)]


def _join(lanes: list[int], lane: int) -> int:
    return sum(wrap(value, lane) << i * lane for i, value in enumerate(lanes))


def vector_op(inst: Inst, args: list[int], env: Env) -> int:
    """The value of a vector row."""
    op, bits, name = inst.op, inst.type.bits, inst.op.name
    attrs = dict(zip(op.attrs, inst.attrs, strict=True))
    a, b, c = (args + [0, 0, 0])[:3]
    lane = int(attrs.get("lane", 8))
    if "f_" in (op.sem or ""):
        raise UnsupportedOp(name)
    if op.kind == "bits":
        return wrap(_lane_function(op.sem, ())(env, bits, a, b, c), bits)
    if op.kind in ("lane", "widen", "narrow"):
        extra = {key: value for key, value in attrs.items() if key not in ("lane", "std")}
        function = _lane_function(op.sem, tuple(extra))
        source, result = {"lane": (lane, lane), "widen": (lane, 2 * lane), "narrow": (2 * lane, lane)}[op.kind]
        width = inst.args[0].type.bits
        columns = [_lanes(x, width, source) for x in args]
        columns += [[0] * len(columns[0])] * (3 - len(columns))
        return _join([function(env, lane, x, y, z, **extra) for x, y, z in zip(*columns, strict=True)], result)
    if name == "vdup":
        return _join([a] * (bits // lane), lane)
    if name == "vget":
        return _lanes(a, inst.args[0].type.bits, lane)[attrs["index"]]
    if name == "vset":
        lanes = _lanes(a, bits, lane)
        lanes[attrs["index"]] = wrap(b, lane)
        return _join(lanes, lane)
    if name == "vshuf":
        table = _lanes(a, bits, 8) + _lanes(b, bits, 8)
        return _join([table[i] for i in attrs["perm"]], 8)
    if name == "vtbl":
        table = (_lanes(b, 128, 8) + _lanes(c, 128, 8))[: 8 * attrs["count"]]
        return _join([table[i] if i < len(table) else old for i, old in zip(_lanes(a, 64, 8), _lanes(args[3], 64, 8), strict=True)], 8)
    if name == "vbsl":
        return a & b | ~a & c
    raise UnsupportedOp(name)


class Evaluator:
    """Runs the unit of one instruction on a :class:`State`."""

    def __init__(self) -> None:
        self.layout = LAYOUTS["arm"]
        self.cells = bytearray(self.layout.size)
        self.memory = bytearray()

    def get(self, slot: str, size: int = 0) -> int:
        offset, type = self.layout.slots[slot]
        return int.from_bytes(self.cells[offset : offset + (size or (type.bits + 7) // 8)], "little")

    def put(self, slot: str, value: int, size: int = 0) -> None:
        offset, type = self.layout.slots[slot]
        size = size or (type.bits + 7) // 8
        self.cells[offset : offset + size] = value.to_bytes(size, "little")

    def run(self, unit: Unit, before: State) -> State:
        """The state after *unit*, with the FPSCR bits that live outside fp_flags taken from their slots."""
        self._load_state(before)
        undefined = self._run(unit, before.pc)
        return self._store_state(before, undefined)

    def _load_state(self, state: State) -> None:
        for i, value in enumerate(state.core):
            self.put(f"r{i}", value)
        for i, value in enumerate(state.doubles):
            self.put(f"d{i}", value)
        for slot, value in flag_slots(state).items():
            self.put(slot, value)
        self.memory = bytearray(state.memory)

    def _store_state(self, before: State, undefined: bool) -> State:
        slots = {name: self.get(name) for name in ("nf", "zf", "cf", "vf", "qf", "fpscr_nzcv", "fpscr_ctl", "fp_flags")}
        core, doubles = [self.get(f"r{i}") for i in range(15)], [self.get(f"d{i}") for i in range(32)]
        return state_from_slots(core, doubles, slots, bytes(self.memory), before.pc, undefined)

    def _run(self, unit: Unit, pc: int) -> bool:
        """True if the instruction was undefined."""
        values: dict[Inst, int] = {}
        env = Env()
        block = next(iter(unit.blocks.values()))
        while True:
            for inst in block.insts:
                args = [values[arg] for arg in inst.args]
                name = inst.op.name
                if name == "br":
                    block = unit.blocks[str(inst.attrs[0])]
                    break
                if name == "brif":
                    block = unit.blocks[str(inst.attrs[0] if args[0] else inst.attrs[1])]
                    break
                if inst.op.terminator:
                    if env.saturated:
                        self.put("fp_flags", self.get("fp_flags") | FP_SATURATED)
                    return name == "exception"
                values[inst] = self._step(inst, args, env, pc)

    def _step(self, inst: Inst, args: list[int], env: Env, pc: int) -> int:
        name, size = inst.op.name, (inst.of.bits + 7) // 8
        if name == "const":
            return inst.attrs[0]
        if name == "pcadd":
            return wrap(pc + inst.attrs[0], inst.of.bits)
        if name == "get":
            return self.get(inst.attrs[0], size)
        if name == "put":
            self.put(inst.attrs[0], args[0], size)
            return 0
        if name == "ld":
            self._check(args[0], inst.attrs[0])
            return int.from_bytes(self.memory[args[0] - DATA : args[0] - DATA + size], "little")
        if name == "st":
            self._check(args[0], inst.attrs[0])
            self.memory[args[0] - DATA : args[0] - DATA + size] = args[1].to_bytes(size, "little")
            return 0
        if name == "bitcast":
            return args[0]
        if name == "vpair":
            return args[0] | args[1] << 64
        if name == "vhalf":
            return args[0] >> 64 * inst.attrs[0] & (1 << 64) - 1
        if inst.op.kind in ("lane", "bits", "widen", "narrow", "vector"):
            return vector_op(inst, args, env)
        if inst.op.kind != "scalar":
            raise UnsupportedOp(name)
        if inst.op.sem is not None and name in ("fneg", "fabs"):
            return args[0] ^ sem.signbit(inst.of.bits) if name == "fneg" else args[0] & ~sem.signbit(inst.of.bits)
        return evaluate(inst.op, inst.of, [arg.type for arg in inst.args], args, inst.attrs)

    @staticmethod
    def _check(address: int, align: int) -> None:
        if address % align:
            raise AssertionError(f"alignment fault at {address:#x} (align={align})")


def flag_slots(state: State) -> dict[str, int]:
    """The slots that hold the flags of CPSR and the parts of FPSCR, fp_mode included."""
    flags, fpscr = state.flags, state.fpscr
    mode = fpscr >> 22 & 3 | (12 if fpscr >> 24 & 1 else 0) | (16 if fpscr >> 25 & 1 else 0) | (128 if fpscr >> 26 & 1 else 0)
    return {
        "nf": flags & 1 << 31, "zf": 0 if flags >> 30 & 1 else 1, "cf": flags >> 29 & 1, "vf": flags >> 28 & 1, "qf": flags >> 27 & 1,
        "fpscr_nzcv": fpscr & 0xF0000000, "fpscr_ctl": fpscr & 0x07F70000, "fp_flags": fpscr & 0x0800009F, "fp_mode": mode,
    }  # fmt: skip


def state_from_slots(core: list[int], doubles: list[int], slots: dict[str, int], memory: bytes, pc: int, undefined: bool) -> State:
    """The opposite of :func:`flag_slots`."""
    flags = slots["nf"] & 1 << 31 | (slots["zf"] == 0) << 30 | slots["cf"] << 29 | slots["vf"] << 28 | slots["qf"] << 27
    return State(core, doubles, slots["fpscr_nzcv"] | slots["fpscr_ctl"] | slots["fp_flags"], flags, memory, pc, undefined)
