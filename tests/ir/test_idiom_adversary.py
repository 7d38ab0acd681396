"""``atomic_idiom`` against an adversary that writes the same word between any two operations.

Judged by what an exclusive pair means: if the store succeeded, the word went in one step from the value that was loaded to the value computed from it;
if it failed, this vCPU wrote nothing; everything else in the state is as in a run without an adversary whose word held the value loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from dbt.abi.archs import LAYOUTS
from dbt.ir.builder import Builder
from dbt.ir.passes import STANDARD, WITHOUT_IDIOM, run_passes
from dbt.ir.state import StateMap
from dbt.ir.text import parse_unit, print_unit
from dbt.ir.types import I8, I16, I32, I64, Type
from dbt.ir.unit import Inst, Unit
from dbt.ir.verify import check
from tests.reference_eval import Evaluator, Memory, State

LAYOUT = LAYOUTS["arm"]
STATE = StateMap(LAYOUT.slots)
WORD = 0x1000
LOADED, STATUS = "d0", "cf"  # slots that show the value loaded and the outcome; the status is 1 before
NOT_STORED = 1


class Adversary(Evaluator):
    """Before any operation perhaps writes the word, which ends the reservation. ``steps``: (before, after) of each change by the unit itself."""

    def __init__(self, regs: dict[str, int], old: int, rng: Random | None) -> None:
        state, memory = State("arm"), Memory()
        for name, value in regs.items():
            state[name] = value
        self.word = memory.map(WORD, old.to_bytes(8, "little"))
        super().__init__(state, memory)
        self.rng = rng
        self.values = [old, old ^ 1, *[regs[name] for name in ("r1", "r2")]]
        self.steps: list[tuple[bytes, bytes]] = []

    def _value(self, inst: Inst, args: list[int], pc: int) -> int:
        rng = self.rng
        if rng is not None and rng.random() < 0.2:
            self.word[:] = rng.choice(self.values).to_bytes(8, "little")
            self.state.reservation = None
        before = bytes(self.word)
        result = super()._value(inst, args, pc)
        if bytes(self.word) != before:
            self.steps.append((before, bytes(self.word)))
        return result


def random_pair(rng: Random) -> Unit:
    """A link, a few operations on its value, and a store under a condition or none, once."""
    unit = Unit("arm", "pair")
    b = Builder(unit, LAYOUT.slot_types)
    of: Type = rng.choice((I8, I16, I32, I32, I32, I64))
    b.mark(pc=0x8000, length=4, mode=0)
    address = b.getreg("r0")
    old = b.ldlink(of, address)
    b.put(b.bitcast(LAYOUT.slot_types[LOADED], old if of is I64 else b.zext(I64, old)), slot=LOADED)
    b.mark(pc=0x8004, length=4, mode=0)
    wide = old if of.bits >= 32 else b.zext(I32, old)
    others = [b.getreg(name) if wide.type is I32 else b.zext(I64, b.getreg(name)) for name in ("r1", "r2")]
    pool = [wide, *others]
    for _ in range(rng.choice((0, 1, 1, 1, 3))):
        operation = rng.choice((b.add, b.sub, b.and_, b.or_, b.xor))
        x, y = (wide, rng.choice(others)) if rng.random() < 0.6 else (rng.choice(pool), rng.choice(pool))
        pool.append(operation(x, y) if rng.random() < 0.8 else operation(y, x))
    if rng.random() < 0.3:
        pool.append(b.not_(pool[-1]))
    new = pool[-1]
    b.put(new if new.type is I32 else b.trunc(I32, new), slot="r4")
    shape = rng.choice(("straight", "straight", "equal", "equal", "less", "two", "slot"))
    if shape == "slot":
        b.brif(b.ult(wide, others[0]), then="b1", orelse="b2")
        b.start("b1")
        b.put(7, slot="r4")
        b.br(then="b2")
        b.start("b2")
        new = b.getreg("r4")
        new = new if wide.type is I32 else b.zext(I64, new)
    elif shape != "straight":
        b.brif((b.ult if shape == "less" else b.eq)(wide, others[0]), then="b1", orelse="b2")
        b.start("b1")
        if rng.random() < 0.5:
            new = rng.choice(others)
    _store(b, address, of, new)
    b.br(then="b3")
    if shape not in ("straight", "slot"):
        b.start("b2")
        if shape == "two":
            _store(b, address, of, others[1])
        b.br(then="b3")
    b.start("b3")
    b.mark(pc=0x8010, length=4, mode=0)
    b.goto(b.i32(0x9000), 0)
    return check(unit, LAYOUT.slots)


def _store(b: Builder, address: Inst, of: Type, new: Inst) -> None:
    b.mark(pc=0x8008, length=4, mode=0)
    b.put(b.stcond(address, new if new.type is of else b.trunc(of, new)), slot=STATUS)


def run(text: str, regs: dict[str, int], old: int, rng: Random | None = None) -> Adversary:
    made = Adversary(regs, old, rng)
    made.run(parse_unit(text), 0x8000)
    return made


def judge(original: str, text: str, seed: int) -> str:
    """Run *text* against the adversary and judge it by *original*; gives what happened to the store."""
    rng = Random(seed)
    size = next(inst.of.bits // 8 for inst in parse_unit(original).insts() if inst.op.name == "ldlink")
    small = rng.random() < 0.5
    regs = {name: rng.randrange(3) if small else rng.getrandbits(32) for name in ("r1", "r2", "r4")} | {"r0": WORD, STATUS: NOT_STORED}
    old = rng.choice((rng.getrandbits(64), regs["r1"], rng.randrange(3)))
    got = run(text, regs, old, rng)
    loaded = got.state[LOADED]
    expected = run(original, regs, loaded)
    stored = not got.state[STATUS]
    changes = [step for step in got.steps if step[0] != step[1]]
    assert len(changes) <= stored, f"seed {seed}: a store that failed has written\n{text}"
    if stored:
        assert not expected.state[STATUS], f"seed {seed}: stored where the guest does not\n{text}"
        new = bytes(expected.word)[:size]
        if changes:
            before, after = changes[0]
            assert (int.from_bytes(before[:size], "little"), after[:size]) == (loaded, new), f"seed {seed}: not one step\n{text}"
        else:
            assert new == loaded.to_bytes(size, "little"), f"seed {seed}: nothing stored\n{text}"
    got.state[STATUS] = expected.state[STATUS]
    assert not got.state.differences(expected.state), f"seed {seed}\n{original}\n{text}"
    return "stored" if stored else "failed"


def check_seed(seed: int) -> tuple[str, set[str]]:
    """Judge the pair of *seed*, and what the passes make of it; gives that one's fate and operations."""
    unit = random_pair(Random(seed))
    original = print_unit(unit)
    judge(original, original, seed)
    plain = print_unit(check(run_passes(parse_unit(original), STATE, WITHOUT_IDIOM), LAYOUT.slots))
    judge(original, plain, seed)
    fused = check(run_passes(parse_unit(original), STATE, STANDARD), LAYOUT.slots)
    names = {inst.op.name for inst in fused.insts()}
    return judge(original, print_unit(fused), seed), names


def test_pairs_mean_what_they_did() -> None:
    fates: set[str] = set()
    forms: set[str] = set()
    for seed in range(400):
        fate, names = check_seed(seed)
        fates.add(fate)
        forms |= {name for name in names if name.startswith(("rmw_", "cas", "stcond"))}
    assert fates == {"stored", "failed"}
    assert forms == {"rmw_add", "rmw_and", "rmw_or", "rmw_xor", "rmw_xchg", "cas"}


def test_the_judge_sees_a_lost_update() -> None:
    """A load and a plain store in place of the pair: the adversary comes between."""
    unit = "unit case arch=arm\nb0:\n  mark pc=0x8000 length=4 mode=0\n  %0:i32 = get.i32 r0\n  %1:i32 = {load}.i32 %0\n  %2:i64 = zext.i64 %1\n"
    unit += "  %3:v64 = bitcast.v64 %2\n  put.v64 %3, d0\n  %4:i32 = get.i32 r1\n  %5:i32 = add.i32 %1, %4\n  %6:i1 = {store}put.i1 %6, cf\n"
    unit += "  %7:i32 = const.i32 0x9000\n  %8:i32 = const.i32 0x0\n  goto %7, %8\n"
    original = unit.format(load="ldlink", store="stcond.i32 %0, %5\n  ")
    wrong = unit.format(load="ld", store="const.i1 0x0\n  st.i32 %0, %5\n  ")
    with pytest.raises(AssertionError, match="not one step"):
        for seed in range(50):
            judge(original, wrong, seed)


@pytest.mark.fuzz
def test_fuzz(fuzz_rounds: Iterator[int]) -> None:
    for seed in fuzz_rounds:
        check_seed(seed)
