"""Runs threaded programs again and again, to find hangs and rare differences: ``python -m tests.programs.repeat --runs 50 pigz-threads``.

Every run is compared with the reference emulator's. When a run takes longer than the limit, the translator says what each guest thread was doing
(``--watchdog``), and the run is ended. Without names all threaded cases run. Exit status 1 if a run differs or hangs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from pathlib import Path

from tests.programs.cases import CASES, THREADED, Case
from tests.programs.reference import TIERS, difference, reference, translated

_LAST_WORDS = 15  # seconds between the description of a hang and the end of the run


def repeat(case: Case, sysroot: Path, tier: str, runs: int, limit: float) -> list[str]:
    """What went wrong, one text a bad run; prints a line for the case."""
    want = reference(case, sysroot)
    found, seconds = [], []
    for number in range(1, runs + 1):
        got = translated(case, sysroot, tier, limit + _LAST_WORDS, ("--watchdog", str(limit)))
        seconds.append(got.seconds)
        said = difference(want, got)
        if said:
            found.append(f"run {number}: {said}\n{got.stderr.decode(errors='replace')}")
    spread = f"{min(seconds):.2f} / {statistics.median(seconds):.2f} / {max(seconds):.2f} s"
    verdict = f"{'FAIL' if found else 'ok  '} {case.name:20} tier {tier:4} {runs - len(found)} of {runs} runs equal"
    print(f"{verdict}, {spread} (qemu {want.seconds:.2f} s)", flush=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.programs.repeat", description="Run threaded Debian programs many times under dbt.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"cases (default: {' '.join(THREADED)})")
    parser.add_argument("--runs", type=int, default=50, help="runs of each case (default 50)")
    parser.add_argument("--tier", choices=TIERS, default="auto")
    parser.add_argument("--limit", type=float, default=120, metavar="SECONDS", help="a run that takes longer hangs (default 120)")
    parser.add_argument("--sysroot", default=os.environ.get("DBT_SYSROOT"), help="directory with the unpacked Debian packages")
    options = parser.parse_args()
    if not options.sysroot or not Path(options.sysroot).is_dir():
        parser.error(f"--sysroot: {options.sysroot or 'not given'}: no such directory (make one with tests/programs/fetch_sysroot.sh)")
    by_name = {case.name: case for case in CASES}
    unknown = [name for name in options.names if name not in by_name]
    if unknown:
        parser.error(f"{unknown[0]}: no such case; threaded ones are {', '.join(THREADED)}")
    failed = []
    for name in options.names or THREADED:
        failed += repeat(by_name[name], Path(options.sysroot).resolve(), options.tier, options.runs, options.limit)
    for text in failed:
        print(text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
