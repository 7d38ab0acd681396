"""The file with the modules that ``dbt run`` imports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dbt.cli import bytecode

PROGRAM = """
import sys
from dbt.cli import bytecode
bytecode.install()
import runtime.linux.mm, runtime.linux.syscalls, dbt.abi.arm
print(type(runtime.linux.mm.__loader__).__name__, runtime.linux.mm.__file__, runtime.linux.syscalls.__path__[0], dbt.abi.arm.__name__)
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DBT_CACHE_DIR", str(tmp_path))
    return tmp_path


def imported() -> list[str]:
    return subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=os.environ).stdout.split()


def kept(cache: Path) -> list[Path]:
    return list((cache / "bytecode").glob("*.bytecode"))


def test_modules_come_from_the_file_and_know_their_source(cache: Path) -> None:
    first = imported()
    assert len(kept(cache)) == 1
    made = kept(cache)[0].stat().st_mtime_ns
    assert imported() == first
    assert kept(cache)[0].stat().st_mtime_ns == made
    root = Path(bytecode.__file__).parents[2]
    assert first == ["Bundle", str(root / "runtime/linux/mm.py"), str(root / "runtime/linux/syscalls"), "dbt.abi.arm"]


@pytest.mark.parametrize("change", [lambda data: b"", lambda data: data[:1000], lambda data: data[:5000] + bytes([data[5000] ^ 1]) + data[5001:]])
def test_a_damaged_file_is_made_again(cache: Path, change: object) -> None:
    first = imported()
    path = kept(cache)[0]
    sound = path.read_bytes()
    path.write_bytes(change(sound))  # type: ignore[operator]
    assert imported() == first
    assert path.read_bytes() == sound


def test_a_directory_that_cannot_be_written_is_no_error(cache: Path) -> None:
    (cache / "bytecode").write_text("a file where the directory should be")
    assert imported()[0] == "SourceFileLoader"


def test_the_name_follows_the_sources() -> None:
    sources = bytecode._sources()
    before = bytecode._key(sources)
    assert bytecode._key(bytecode._sources()) == before
    assert bytecode._key(sources[:-1]) != before


def test_a_run_imports_only_what_it_needs() -> None:
    """A warm start: neither what builds, lifts and compiles, nor what the command line's other commands need."""
    needless = (
        "numba", "llvmlite", "numpy", "capstone", "click", "rich", "typing", "dataclasses", "re", "inspect", "json", "subprocess", "socket",
        "dbt.pipeline", "dbt.ir.unit", "dbt.ir.optable", "dbt.frontend.base", "dbt.abi.records", "dbt.backend.tier0", "runtime.lifter",
        "runtime.shape_learning", "runtime.regions", "runtime.kernels", "dbt.stats", "dbt.backend.quick",
    )  # fmt: skip
    guest = Path(__file__).parents[1] / "guests" / "demo.elf"
    program = (
        "import os, sys\nend = os._exit\nbefore = set(sys.modules)  # what an editable installation imports by itself\n"
        f"def tell(status):\n    os.write(2, repr([m for m in {needless} if m in sys.modules and m not in before]).encode())\n    end(status)\n"
        f"os._exit = tell\nfrom dbt.cli import main\nmain(['run', '--tier', '0', {str(guest)!r}, '1'])"
    )
    for _ in range(2):  # the first run fills the cache
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ)
    assert done.stderr == "[]"
