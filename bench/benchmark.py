"""What one row of ``dbt bench run`` is: a piece of work, and who does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

DBT, QEMU, UNICORN, NATIVE = "dbt", "qemu", "unicorn", "native"
PEERS = (QEMU, UNICORN, NATIVE)  # what ``--against`` takes


@dataclass(frozen=True)
class Timing:
    """One measurement: seconds, and peak resident memory in bytes (None: not known). ``warm_up``: seconds that the same work took longer the first time."""

    seconds: float
    rss: int | None = None
    warm_up: float | None = None


@dataclass(frozen=True)
class Benchmark:
    """``subjects`` take one measurement each; DBT is always among them. ``condition`` is ``warm`` (caches hold what an earlier run left) or ``cold``."""

    suite: str
    group: str
    name: str
    condition: str
    subjects: Mapping[str, Callable[[], Timing]]

    @property
    def label(self) -> str:
        return f"{self.name} {self.condition}"


def once(action: Callable[[], object]) -> Callable[[], None]:
    """*action*, which only the first call does."""
    done = False

    def first() -> None:
        nonlocal done
        if not done:
            done = True
            action()

    return first
