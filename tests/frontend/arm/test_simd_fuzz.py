"""Random VFP and Advanced SIMD instructions on both tiers against unicorn, for as long as --fuzz-seconds says."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from tests.frontend.arm.simd_differential import EngineRunner, check, rows
from tests.frontend.arm.simd_oracle import Oracle

ROWS = rows("vfp", "fp_", "asimd")
ROUNDS_AN_ENGINE = 50_000  # one instruction each, at an address of its own


@pytest.mark.fuzz
@pytest.mark.parametrize("tier", ["0", "1"])
def test_fuzz(tier: str, simd_oracle: Oracle, fuzz_rounds: Iterator[int]) -> None:
    for count, seed in enumerate(fuzz_rounds):
        if count % ROUNDS_AN_ENGINE == 0:
            runner = EngineRunner(tier)
        table, row = Random(seed).choice(ROWS)
        check(table, row, simd_oracle, lambda word, unit, before: runner.run(word, before), 1, seed)  # noqa: B023 - called at once
