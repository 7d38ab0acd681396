"""Table of the Debian programs under dbt against the reference emulator of their architecture: ``python -m tests.programs.compare --tier 0 -k lua``.

The sysroot is ``--sysroot`` or $DBT_SYSROOT, of any architecture (make one with tests/programs/fetch_sysroot.sh). Exit status 1 if a case differs.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
from pathlib import Path

from tests.programs.cases import CASES
from tests.programs.guests import guest_of_sysroot
from tests.programs.reference import TIERS, NoReference, difference, reference, translated


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.programs.compare", description="Run the Debian programs under dbt and compare with qemu.")
    parser.add_argument("--tier", action="append", choices=TIERS, help="tier to test; may be repeated (default: all)")
    parser.add_argument("-k", default="*", metavar="PATTERN", help="only cases whose name contains PATTERN (a glob if it has a *)")
    parser.add_argument("--sysroot", default=os.environ.get("DBT_SYSROOT"), help="directory with the unpacked Debian packages")
    parser.add_argument("--timeout", type=float, default=60, metavar="SECONDS", help="limit for one run under dbt (default 60)")
    parser.add_argument("--reference-only", action="store_true", help="run qemu alone and show its results")
    parser.add_argument("-v", action="store_true", help="show standard error of the cases that differ")
    options = parser.parse_args()
    if not options.sysroot or not Path(options.sysroot).is_dir():
        parser.error(f"--sysroot: {options.sysroot or 'not given'}: no such directory (make one with tests/programs/fetch_sysroot.sh)")
    sysroot = Path(options.sysroot).resolve()
    pattern = options.k if "*" in options.k else f"*{options.k}*"
    cases = [case for case in CASES if fnmatch.fnmatch(case.name, pattern)]
    if not cases:
        parser.error(f"-k {options.k}: no such case")
    failed = 0
    for case in cases:
        try:
            want = reference(case, sysroot)
        except NoReference as missing:
            failed += 1 if options.reference_only else len(options.tier or TIERS)
            print(f"FAIL {missing}", flush=True)
            continue
        if options.reference_only:
            print(f"{case.name:26} {want.status!s:>4} {len(want.stdout):7} bytes {want.seconds:6.2f} s {want.stdout[:60]!r}{want.stderr[:80]!r}", flush=True)
            continue
        for tier in options.tier or TIERS:
            got = translated(case, sysroot, tier, options.timeout)
            said = difference(want, got)
            failed += bool(said)
            print(f"{'FAIL' if said else 'ok  '} {case.name:26} tier {tier:4} {got.seconds:6.2f} s  qemu {want.seconds:5.2f} s  {said}", flush=True)
            if said and options.v:
                sys.stdout.write(got.stderr.decode(errors="replace"))
    if not options.reference_only:
        runs = len(cases) * len(options.tier or TIERS)
        print(f"{runs - failed} of {runs} runs are equal to {guest_of_sysroot(sysroot).qemu}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
