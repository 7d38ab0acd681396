"""Which blocks a region takes in."""

from __future__ import annotations

from collections.abc import Mapping

from runtime.regions import COPIES, MAX_INSNS, MOST_INSNS, NEARLY, Flow, Source, plan

Start = tuple[int, int]  # (pc, mode) of a block

SIZE = 8  # guest instructions of each block here


class Chain(Source):
    """Blocks 0, 1, 2..., each of which goes to the next one; *weights* and whether others are entered there by number."""

    most_blocks = 1 << 10

    def __init__(self, weights: Mapping[int, int], entered: frozenset[int] = frozenset()) -> None:
        self.weights, self.others = weights, entered

    def flow(self, start: Start) -> Flow | None:
        return Flow(SIZE, ((start[0] + SIZE, 0),), None)

    def weight(self, start: Start) -> int:
        return self.weights.get(start[0] // SIZE, 0)

    def entered(self, start: Start) -> bool:
        return start[0] // SIZE in self.others


def taken(source: Source) -> int:
    """Instructions of the region that is grown from block 0."""
    return SIZE * len(plan(source, (0, 0)).blocks)


def test_what_is_as_hot_belongs_together() -> None:
    assert taken(Chain(dict.fromkeys(range(1000), 5000))) == MOST_INSNS
    assert taken(Chain({n: 5000 if n * SIZE < 2 * MAX_INSNS else 5000 // NEARLY - 1 for n in range(1000)})) == 2 * MAX_INSNS
    assert taken(Chain({0: 5000, **dict.fromkeys(range(1, 1000), 5000 // NEARLY - 1)})) == MAX_INSNS


def test_a_region_ends_where_another_one_is_entered() -> None:
    weights = dict.fromkeys(range(1000), 5000)
    assert taken(Chain(weights, frozenset(range(1, 1000)))) == COPIES
    assert taken(Chain(weights, frozenset({COPIES // SIZE - 1, 10}))) == 10 * SIZE


class Interpreter(Source):
    """A block whose indirect jump leads to one of four others, which lead back."""

    most_blocks = 48
    places: tuple[Start, ...] = ((16, 0), (32, 0), (48, 0), (64, 0))

    def flow(self, start: Start) -> Flow | None:
        return Flow(SIZE, (), None, self.places[2]) if start == (0, 0) else Flow(SIZE, ((0, 0),), None)

    def cases(self, start: Start, flow: Flow) -> tuple[Start, ...]:
        return (*self.places[:2], self.places[3]) if start == (0, 0) else ()

    def weight(self, start: Start) -> int:
        return 0 if start == self.places[3] else 5000


def test_all_cases_of_a_jump_are_taken_in_if_they_are_hot() -> None:
    made = plan(Interpreter(), (0, 0))
    one, two, three, four = Interpreter.places
    assert set(made.blocks) == {(0, 0), one, two, three}
    assert made.guesses == {(0, 0): (three, one, two, four)}
    assert made.entries == [(0, 0), three], "the others are entered through the jump"
