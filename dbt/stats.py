"""``dbt run --stats``: what the translator did, told when the guest ends."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.linux.process import Process


def collect(process: Process) -> dict[str, Any]:
    """All counters by name."""
    import resource

    native = process.native_calls + sum(vcpu.get("native_calls") for vcpu in process.engine.vcpus)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        **process.engine.stats(),
        "syscalls": process.syscall_count + native,
        "syscalls_native": native,
        "unknown_syscalls": {str(number): times for number, times in sorted(process.unknown.items())},
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
        "max_rss_bytes": usage.ru_maxrss * 1024,
    }


def as_text(found: dict[str, Any]) -> str:
    """A line a counter, and one for each row of a list."""
    width = max(map(len, found))
    lines = []
    for name, value in found.items():
        if isinstance(value, list):
            lines += [f"{name:{width}} {len(value)}", *[f"  {row}" for row in value]]
        else:
            lines.append(f"{name:{width}} {value}")
    return "".join(f"dbt: {line}\n" for line in lines)


def reporter(where: str) -> Callable[[Any], None]:
    """A hook for the end of the guest that writes to standard error (``"-"``) or the file *where*. Forked children report nothing."""
    start = time.monotonic()

    def report(process: Process) -> None:
        if process.forked:
            return
        found = {**collect(process), "wall_seconds": round(time.monotonic() - start, 3)}
        if where == "-":
            sys.stderr.write(as_text(found))
            return
        try:
            with open(where, "w") as file:
                json.dump(found, file, indent=1, default=lambda row: row.to_json())
                file.write("\n")
        except OSError as e:  # the guest has run: its exit status counts
            sys.stderr.write(f"dbt: --stats={where}: {e.strerror}: nothing written\n")

    return report
