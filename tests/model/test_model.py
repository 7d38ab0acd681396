"""Every interleaving of the scenarios keeps the contract. Store buffers are on: what happens without them happens with them too, when each empties at once.

The default suite explores what takes seconds; ``DBT_MODEL=full`` everything, with three vCPUs under each strict scheme.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from tests.model import scenarios
from tests.model.explore import Violation
from tests.model.memory_map import C
from tests.model.mistakes import MISTAKES
from tests.model.programs import store
from tests.model.scenario import Scenario
from tests.model.scenarios import STRICT, by_name

LIMIT = 200_000_000
_DEFAULT = [*scenarios.RENDEZVOUS, *scenarios.CODE, *scenarios.CONTRACT, *scenarios.SPLIT, *scenarios.EXCL,
            *[replace(by_name(name), scheme=scheme) for scheme in STRICT[1:] for name in scenarios.SOME],
            *[replace(scenario, scheme=scheme) for scheme in ("excl", "flush") for scenario in scenarios.HOST_WRITES]]  # fmt: skip
_LARGE = [*scenarios.CODE_LARGE, *scenarios.EXCL_LARGE, *scenarios.RENDEZVOUS_OF_THREE,
          *[replace(s, scheme=scheme) for scheme in STRICT[1:] for s in (*scenarios.CONTRACT, *scenarios.SPLIT) if s.name not in scenarios.SOME],
          *[replace(s, scheme=scheme) for s in (*scenarios.CONTRACT_LARGE, *scenarios.CONTRACT_OF_THREE) for scheme in STRICT]]  # fmt: skip


def name(scenario: Scenario) -> str:
    return f"{scenario.scheme}: {scenario.name}"


@pytest.mark.parametrize("scenario", _DEFAULT, ids=name)
def test_all_interleavings(scenario: Scenario) -> None:
    """Of two vCPUs, without reduction: that is as quick."""
    print(f"{name(scenario)}: {scenario.explore(tso=True, reduced=False)}")


def test_three_vcpus() -> None:
    """In program order, which is quicker; with store buffers see ``test_large``."""
    scenario = replace(by_name("counter and two stores"), scheme="hst")
    print(f"{name(scenario)}: {scenario.explore()}")


@pytest.mark.skipif(os.environ.get("DBT_MODEL") != "full", reason="minutes of exploration: DBT_MODEL=full")
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("scenario", _LARGE, ids=name)
def test_large(scenario: Scenario) -> None:
    print(f"{name(scenario)}: {scenario.explore(tso=True, limit=LIMIT)}")


@pytest.mark.parametrize("scenario", ["same value", "page becomes read-only", "grace period", "code and a store under way", "split addition and a store"])
@pytest.mark.parametrize("tso", [False, True], ids=["in order", "store buffers"])
def test_reduction_keeps_outcomes(scenario: str, tso: bool) -> None:
    """One order of independent steps is enough: the same ends, with the same contents of all shared words, are reached."""
    reduced, full = (by_name(scenario).explore(tso=tso, reduced=reduced) for reduced in (True, False))
    assert reduced.ends == full.ends
    assert reduced.states < full.states


def test_three_vcpus_without_a_guard() -> None:
    """A link that does not wait is noticed among three vCPUs."""
    mistake = next(row for row in MISTAKES if row.what == "the link does not wait for stores in flight")
    two = by_name(mistake.scenario)
    three = replace(two, name="same value, three vCPUs", vcpus=(*two.vcpus, (store(C, 0),)))
    with pytest.raises(Violation, match=mistake.says):
        three.explore(tso=True, mutations=mistake.guards)


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
