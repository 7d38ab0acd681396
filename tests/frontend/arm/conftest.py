"""Engines and oracles are made once for all tests here."""

from __future__ import annotations

import pytest

from tests.frontend.arm.neon_eval import run, uses_floating_point
from tests.frontend.arm.simd_differential import EngineRunner, Run
from tests.frontend.arm.simd_oracle import Oracle


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
def simd_evaluator() -> Run:
    """The plain-Python evaluator; None for instructions with floating point."""
    return lambda word, unit, before: None if uses_floating_point(unit) else run(unit, before)
