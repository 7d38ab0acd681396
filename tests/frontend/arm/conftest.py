"""Engines and oracles are made once for all tests here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.frontend.arm.neon_eval import Evaluator, UnsupportedOp
from tests.frontend.arm.simd_differential import EngineRunner
from tests.frontend.arm.simd_oracle import Oracle, State


@pytest.fixture(scope="session")
def simd_oracle() -> Oracle:
    return Oracle()


@pytest.fixture(scope="session")
def tier0() -> EngineRunner:
    """The interpreter."""
    return EngineRunner("0")


@pytest.fixture(scope="session")
def tier1() -> EngineRunner:
    """Generated code, which is compiled at first execution."""
    return EngineRunner("1")


@pytest.fixture(scope="session")
def simd_evaluator() -> Callable[..., State | None]:
    """The plain-Python evaluator; None for instructions with floating point."""
    evaluator = Evaluator()

    def run(word: int, unit: object, before: State) -> State | None:
        try:
            return evaluator.run(unit, before)
        except UnsupportedOp:
            return None

    return run
