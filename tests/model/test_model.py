"""Every interleaving of the scenarios keeps the contract. Store buffers are on: what happens without them happens with them too, when each empties at once.

The default suite explores what takes seconds; ``DBT_MODEL=full`` everything, three vCPUs among it.
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

_DEFAULT = [*scenarios.RENDEZVOUS, *scenarios.CODE, *scenarios.CONTRACT, *scenarios.EXCL,
            *[replace(by_name(name), scheme=scheme) for scheme in STRICT[1:] for name in scenarios.SOME]]  # fmt: skip
PREEMPTIONS, FULL_PREEMPTIONS = 1, 4
_THREE = [replace(s, scheme=scheme) for scheme in STRICT[:2] for s in scenarios.CONTRACT_LARGE if len(s.vcpus) == 3]
_LARGE = [*scenarios.RENDEZVOUS_OF_THREE, *scenarios.CODE_LARGE, *scenarios.EXCL_LARGE,
          *[replace(s, scheme=scheme) for scheme in STRICT for s in scenarios.CONTRACT_LARGE],
          *[replace(s, scheme=scheme) for scheme in STRICT[1:] for s in scenarios.CONTRACT if s.name not in scenarios.SOME]]  # fmt: skip


def name(scenario: Scenario) -> str:
    return f"{scenario.scheme}: {scenario.name}"


@pytest.mark.parametrize("scenario", _DEFAULT, ids=name)
def test_all_interleavings(scenario: Scenario) -> None:
    print(f"{name(scenario)}: {scenario.explore(tso=True)}")


@pytest.mark.parametrize("scenario", [*_THREE, scenarios.CODE_LARGE[1]], ids=name)
def test_three_vcpus(scenario: Scenario) -> None:
    """With as many preemptions as take seconds; all interleavings of three vCPUs under ``excl`` are more than anybody has visited."""
    bound = FULL_PREEMPTIONS if os.environ.get("DBT_MODEL") == "full" else PREEMPTIONS
    print(f"{name(scenario)}, {bound} preemptions: {scenario.explore(preemptions=bound, limit=20_000_000)}")


def test_three_vcpus_without_a_guard() -> None:
    """Two preemptions are enough to notice that a link does not wait: between the look at the TLB and the store, and between link and store-conditional."""
    mistake = next(row for row in MISTAKES if row.what == "the link does not wait for stores in flight")
    two = by_name(mistake.scenario)
    three = replace(two, name="same value, three vCPUs", vcpus=(*two.vcpus, (store(C, 0),)))
    with pytest.raises(Violation, match=mistake.says):
        three.explore(preemptions=2, mutations=mistake.guards)


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
