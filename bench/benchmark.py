"""What one row of ``dbt bench run`` is: a piece of work, and who does it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

COLD, DBT, QEMU, UNICORN, NATIVE = "dbt cold", "dbt", "qemu", "unicorn", "native"


@dataclass(frozen=True)
class Timing:
    """One measurement: seconds, and peak resident memory in bytes of the guest's process and of the compile servers (None: not known, or there was none)."""

    seconds: float
    rss: int | None = None
    server_rss: int | None = None


@dataclass(frozen=True)
class Benchmark:
    """``subjects`` take one measurement each: COLD is dbt without anything known of the program, DBT with what earlier runs left. Those of ``once`` are
    measured a single time, however many runs are asked for."""

    suite: str
    group: str
    name: str
    subjects: Mapping[str, Callable[[], Timing]]
    once: Collection[str] = ()
