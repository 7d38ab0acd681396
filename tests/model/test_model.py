"""Every interleaving of the scenarios keeps the contract. Store buffers are on: what happens without them happens with them too, when each empties at once.

The default suite explores what takes seconds; ``DBT_MODEL=full`` everything, three vCPUs among it.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from tests.model import scenarios
from tests.model.explore import Violation
from tests.model.scenario import Scenario
from tests.model.scenarios import STRICT, by_name

_DEFAULT = [*scenarios.RENDEZVOUS, *scenarios.CODE, *scenarios.CONTRACT, *scenarios.EXCL,
            *[replace(by_name(name), scheme=scheme) for scheme in STRICT[1:] for name in scenarios.SOME]]  # fmt: skip
_LARGE = [*scenarios.RENDEZVOUS_OF_THREE, *scenarios.CODE_LARGE, *scenarios.EXCL_LARGE,
          *[replace(s, scheme=scheme) for scheme in STRICT for s in scenarios.CONTRACT_LARGE],
          *[replace(s, scheme=scheme) for scheme in STRICT[1:] for s in scenarios.CONTRACT if s.name not in scenarios.SOME]]  # fmt: skip


def name(scenario: Scenario) -> str:
    return f"{scenario.scheme}: {scenario.name}"


@pytest.mark.parametrize("scenario", _DEFAULT, ids=name)
def test_all_interleavings(scenario: Scenario) -> None:
    print(f"{name(scenario)}: {scenario.explore(tso=True)}")


@pytest.mark.skipif(os.environ.get("DBT_MODEL") != "full", reason="minutes of exploration: DBT_MODEL=full")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", _LARGE, ids=name)
def test_large(scenario: Scenario) -> None:
    tso = len(scenario.vcpus) + len(scenario.hosts) < 3  # store buffers and three programs are too many states
    print(f"{name(scenario)}: {scenario.explore(tso=tso, limit=20_000_000)}")


@pytest.mark.parametrize("scenario", ["same value", "ABA"])
def test_compare_and_swap_is_blind(scenario: str) -> None:
    """The peers' scheme breaks the contract, and the model sees it."""
    with pytest.raises(Violation, match="another write came between"):
        replace(by_name(scenario), scheme="cas").explore(tso=True)


def test_store_buffers_are_modelled() -> None:
    """Both loads may miss both stores, unless there are fences (x86: Intel SDM volume 3, 8.2.3.4)."""
    plain, fenced = scenarios.STORE_BUFFER
    assert ((0,), (0,)) in plain.explore(tso=True).outcomes
    assert ((0,), (0,)) not in plain.explore(tso=False).outcomes
    assert ((0,), (0,)) not in fenced.explore(tso=True).outcomes
