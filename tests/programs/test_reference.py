"""The runner of the Debian cases itself."""

from __future__ import annotations

import time

import pytest

from tests.patience import SECONDS
from tests.programs.cases import CASES, REPRESENTATIVES, Case
from tests.programs.reference import NoReference, Outcome, difference, meaningful, run

NOTHING = Case("nothing", "bin/true", ())


def test_an_expired_limit_ends_all_processes_and_is_a_difference() -> None:
    """The child in the background holds standard output open: the runner comes back only when it has ended too."""
    start = time.monotonic()
    got = run(["/bin/sh", "-c", "sleep 60 & sleep 60"], NOTHING, {}, timeout=0.5)
    assert time.monotonic() - start < 20
    assert got.status is None
    assert difference(Outcome(got.stdout, 0, b"", 0.0), got).startswith("time limit after")


def test_status_and_output_are_compared() -> None:
    one = run(["/bin/sh", "-c", "echo 1; exit 3"], NOTHING, {}, timeout=SECONDS)
    other = run(["/bin/sh", "-c", "echo 2; exit 3"], NOTHING, {}, timeout=SECONDS)
    killed = run(["/bin/sh", "-c", "kill -TERM $$"], NOTHING, {}, timeout=SECONDS)
    assert (one.status, killed.status) == (3, -15)
    assert not difference(one, one)
    assert difference(one, other).startswith("output differs at byte 0")
    assert difference(one, killed).startswith("exit status -15, not 3")


def test_a_reference_that_did_not_run_is_none() -> None:
    """Else a program that lacks a library passes under every translator."""
    lacking = Outcome(b"", 127, b"prog: error while loading shared libraries: libx.so.1: cannot open shared object file\n", 0.1)
    timed = Case("timed", "bin/true", (), sift=r"^done \d+")
    assert meaningful(NOTHING, Outcome(b"", 1, b"no such table\n", 0.1)).status == 1
    for case, outcome in ((NOTHING, lacking), (NOTHING, Outcome(b"1", None, b"", 240.0)), (timed, Outcome(b"", 0, b"", 0.1))):
        with pytest.raises(NoReference, match=case.name):
            meaningful(case, outcome)


def test_names_are_unique_and_representatives_exist() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert set(names) >= REPRESENTATIVES


def test_only_what_the_sift_finds_is_compared() -> None:
    timed = Case("timed", "bin/true", (), sift=r"^done \d+|^bad.*")
    assert timed.compared(b"took 3.14 s\ndone 7 of 9\n") == b"done 7"
    assert NOTHING.compared(b"all\n") == b"all\n"
