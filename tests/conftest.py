"""Options and fixtures that the whole suite shares."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from runtime import paths
from tests.programs.guests import Guest

REPOSITORY = Path(__file__).resolve().parents[1]
FUZZ_SLACK = 60  # seconds, for making engines and for the last round
CI_NEEDS_DEBIAN = "DBT_REQUIRE_DEBIAN"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bless", action="store_true", help="rewrite expected texts with what the code gives now")
    parser.addoption("--fuzz-seconds", type=float, default=0.0, help="run the fuzz tests, which share this time")


def pytest_configure(config: pytest.Config) -> None:
    """A guest that is run in the test process would end it, with the guest's exit status and without a word about the tests left out."""
    end, session = os._exit, os.getpid()

    def exit_unless_testing(status: int) -> NoReturn:
        if os.getpid() == session:
            raise RuntimeError(f"the test process was about to end with status {status}")
        end(status)

    os._exit = exit_unless_testing


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The one-line instruction cases of tests/cases."""
    if file_path.suffix == ".test" and file_path.parent.name == "cases":
        return CaseFile.from_parent(parent, path=file_path)
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Fuzz tests run for as long as was asked for, and not at all if it was not."""
    fuzz = [item for item in items if item.get_closest_marker("fuzz")]
    seconds = config.getoption("--fuzz-seconds")
    for item in fuzz:
        item.add_marker(pytest.mark.timeout(seconds / len(fuzz) + FUZZ_SLACK))
    if not seconds and fuzz:
        config.hook.pytest_deselected(items=fuzz)
        items[:] = [item for item in items if item not in fuzz]


class CaseFile(pytest.File):
    """A file of instruction cases: an item a line."""

    def collect(self) -> Iterator[pytest.Item]:
        for number, text in instruction_cases().read(self.path):
            yield CaseItem.from_parent(self, name=f"{number}: {text}", line=number, text=text)


class CaseItem(pytest.Item):
    """One line. The seed of its random state comes from its text, so that a failure comes again."""

    def __init__(self, *, line: int, text: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.line, self.text = line, text

    def runtest(self) -> None:
        cases = instruction_cases()
        try:
            case = cases.parse(self.text)
        except cases.CaseError as e:
            pytest.fail(str(e), pytrace=False)
        for seed in (zlib.crc32(self.text.encode()), zlib.crc32(self.text.encode(), 1)):
            found = cases.check(case, seed)
            if found:
                pytest.fail("\n".join([self.text, f"seed {seed}", *found]), pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.line - 1, self.name


def instruction_cases() -> Any:
    """The module, imported only where there are cases to run."""
    from tests import instruction_cases

    return instruction_cases


@pytest.fixture(autouse=True)
def cache_directory_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest that ran in this process has fixed the cache directory: the next test starts without."""
    monkeypatch.setattr(paths, "_fixed", None)


@pytest.fixture
def bless(request: pytest.FixtureRequest) -> bool:
    """True if expected texts are to be rewritten."""
    return bool(request.config.getoption("--bless"))


@pytest.fixture
def fuzz_seconds(request: pytest.FixtureRequest) -> float:
    """How long one fuzz test goes on: its share of the time."""
    fuzz = sum(item.get_closest_marker("fuzz") is not None for item in request.session.items)
    return float(request.config.getoption("--fuzz-seconds")) / fuzz


@pytest.fixture
def fuzz_rounds(fuzz_seconds: float) -> Iterator[Iterator[int]]:
    """Seeds for a fuzz test, new ones in each run, until its time is over. The seed of the round that fails is printed."""
    seed = first = time.time_ns() // 1_000_000
    end = time.monotonic() + fuzz_seconds

    def seeds() -> Iterator[int]:
        nonlocal seed
        while time.monotonic() < end:
            seed += 1
            yield seed

    yield seeds()
    print(f"{seed - first} rounds, last seed {seed}")


@pytest.fixture(scope="session")
def guests() -> Path:
    """The directory of the prebuilt guest programs."""
    return REPOSITORY / "tests" / "guests"


def sysroot_of(guest: Guest) -> Path:
    """The sysroot of a Debian architecture. Skips where there is none, unless $DBT_REQUIRE_DEBIAN says that this is an error."""
    missing = guest.missing()
    if missing and os.environ.get(CI_NEEDS_DEBIAN):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    return Path(os.environ[guest.variable]).resolve()
