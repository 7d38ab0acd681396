"""Each mistake of docs/exclusives.md is noticed: with its guard removed, the exploration finds an interleaving that breaks the contract."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.model.explore import Violation
from tests.model.mistakes import MISTAKES, Mistake
from tests.model.scenarios import by_name


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake.number}: {mistake.what}")
def test_is_noticed(mistake: Mistake) -> None:
    with pytest.raises(Violation, match=mistake.says):
        replace(by_name(mistake.scenario), scheme=mistake.scheme).explore(tso=True, mutations=mistake.guards)
