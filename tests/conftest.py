"""Options and fixtures that the whole suite shares."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
CI_NEEDS_DEBIAN = "DBT_REQUIRE_DEBIAN"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bless", action="store_true", help="rewrite expected texts with what the code gives now")
    parser.addoption("--fuzz-seconds", type=float, default=0.0, help="go on with random input for this long; 0: the fixed seeds only")


@pytest.fixture
def bless(request: pytest.FixtureRequest) -> bool:
    """True if expected texts are to be rewritten."""
    return bool(request.config.getoption("--bless"))


@pytest.fixture
def fuzz_seconds(request: pytest.FixtureRequest) -> float:
    """How long a fuzz test goes on after its fixed seeds."""
    return float(request.config.getoption("--fuzz-seconds"))


@pytest.fixture(scope="session")
def guests() -> Path:
    """The directory of the prebuilt guest programs."""
    return REPOSITORY / "tests" / "guests"


def missing_for_debian() -> str:
    """Why the Debian programs cannot run here, or an empty string."""
    sysroot = os.environ.get("DBT_SYSROOT")
    if not sysroot:
        return "DBT_SYSROOT is not set: unpack one with tests/programs/fetch_sysroot.sh"
    if not Path(sysroot, "bin/busybox").exists():
        return f"DBT_SYSROOT={sysroot}: no Debian programs there"
    if not (shutil.which("qemu-arm") or shutil.which("qemu-arm-static")):
        return "qemu-arm is not installed (package qemu-user)"
    return ""


@pytest.fixture(scope="session")
def sysroot() -> Path:
    """The Debian armhf sysroot. Skips where there is none, unless $DBT_REQUIRE_DEBIAN says that this is an error."""
    missing = missing_for_debian()
    if missing and os.environ.get(CI_NEEDS_DEBIAN):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    return Path(os.environ["DBT_SYSROOT"]).resolve()
