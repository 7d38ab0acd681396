"""Quick code that an earlier process left: entered by blocks of the same records alone, never trusted, and nothing is made where it suffices."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from runtime import image, kept, paths
from runtime.compileserver.keeper import keep, pack, unpack
from runtime.compileserver.requests import KeepRequest
from runtime.kept import Kept
from runtime.own_files import forget_oldest
from runtime.quick import supported
from tests.engine.harness import Harness
from tests.engine.test_memory import arm
from tests.patience import SECONDS

pytestmark = pytest.mark.skipif(not supported(), reason="quick code is x86-64 code")
ROOT = Path(__file__).resolve().parents[2]
# mov r0, #9; mov r1, #0; add r1, r1, r0; ldr r3, [r2]; subs r0, r0, #1; bne to the add
LOOP = arm(0xE3A00009, 0xE3A01000, 0xE0811000, 0xE5923000, 0xE2500001, 0x1AFFFFFB)
OTHER = arm(0xE3A00009, 0xE3A01000, 0xE0811080, 0xE5923000, 0xE2500001, 0x1AFFFFFB)  # add r1, r1, r0, lsl #1
DATA = 0x20000


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Blocks are kept from their second execution on, and files are made at once."""

    def ask(self: Kept, left: str, regions: Collection[tuple[int, int]]) -> None:
        keep(KeepRequest(self.kind, self.version, self._engine.arch, self._engine.unchecked_loads, self.path, left, list(regions)))

    monkeypatch.setattr(kept, "cache_dir", lambda: str(tmp_path))
    monkeypatch.setattr(kept, "LEAST", 2)
    monkeypatch.setattr(Kept, "_ask", ask)
    yield tmp_path


def run(code: bytes = LOOP, memory: str = "host", mapped: bool = True) -> tuple[int, int, int]:
    """(blocks that got kept code, r1, r3) of a run with an engine of its own, which leaves its blocks. *mapped*: r2 points to something."""
    harness = Harness(memory=memory)
    program = Kept(harness.engine, b"program", "test")
    try:
        _, vcpu = harness.run(code, regs={"r2": DATA, "r3": 0}, memory={DATA: b"\x07"} if mapped else {})
        assert vcpu.pc == (harness.end if mapped else harness.end - 12)
        found = harness.engine.block.get("adopted"), vcpu.get("r1"), vcpu.get("r3")
        program.leave((), made=True)
        return found
    finally:
        harness.close()
        program.close()


def the_file(cache: Path) -> Path:
    (found,) = (cache / "quick").iterdir()
    return found


@pytest.mark.parametrize("memory", ["host", "tlb"])
def test_the_next_run_has_the_code(memory: str) -> None:
    assert run(memory=memory) == (0, 45, 7)
    assert run(memory=memory) == (1, 45, 7)


def test_a_load_that_faults_leaves_at_its_instruction() -> None:
    run()
    assert run(mapped=False) == (0, 9, 0), "the first block of that run ends behind the load: its records are not those that were kept"


def test_other_code_at_the_same_place_is_not_mistaken(cache: Path) -> None:
    run()
    assert run(OTHER) == (0, 90, 7)
    assert run(OTHER) == (1, 90, 7)
    assert run() == (1, 45, 7), "both are kept"
    _, left = kept.parts_before(str(the_file(cache)))
    assert len(unpack(left)) == 2 and pack(unpack(left)) == left


@pytest.mark.parametrize("at", [3, 9, 20, 50, 4096, 4100, 8192, 12288])
def test_damage_is_noticed(cache: Path, at: int) -> None:
    run()
    file = the_file(cache)
    data = bytearray(file.read_bytes())
    data[at] ^= 0x10
    file.write_bytes(data)
    assert run() == (0, 45, 7)
    assert run() == (1, 45, 7), "and the file is made again"


@pytest.mark.parametrize("size", [0, 11, 51, 4096, -1])
def test_a_file_that_was_cut_short_is_not_used(cache: Path, size: int) -> None:
    run()
    file = the_file(cache)
    file.write_bytes(file.read_bytes()[:size])
    assert run() == (0, 45, 7)


def test_code_that_changes_is_left() -> None:
    run()
    harness = Harness()
    program = Kept(harness.engine, b"program", "test")
    try:
        for code, sum_, adopted in ((LOOP, 45, 1), (OTHER, 90, 1), (LOOP, 45, 2)):
            _, vcpu = harness.run(code, regs={"r2": DATA}, memory={DATA: b"\x07"})
            assert (vcpu.get("r1"), harness.engine.block.get("adopted")) == (sum_, adopted)
    finally:
        harness.close()
        program.close()


def test_a_directory_that_cannot_be_written_is_no_error(cache: Path) -> None:
    (cache / "quick").write_text("a file where the directory should be")
    assert run() == (0, 45, 7)


def test_regions_that_are_on_disk_are_entered_soon(cache: Path) -> None:
    harness = Harness()
    try:
        program = Kept(harness.engine, b"program", "test")
        harness.run(LOOP, regs={"r2": DATA}, memory={DATA: b"\x07"})
        loop = (harness.end - 16, 0)
        program.leave([loop], made=True)
        again = Kept(harness.engine, b"program", "test")
        assert again._knows(loop) and not again._knows((loop[0] + 4, 0))
    finally:
        harness.close()


def test_what_another_process_has_had_made_is_not_asked_for(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    harness = Harness()
    asked: list[str] = []
    monkeypatch.setattr(Kept, "_ask", lambda self, left, regions: asked.append(left))
    try:
        harness.run(LOOP, regs={"r2": DATA}, memory={DATA: b"\x07"})
        first, second = (Kept(harness.engine, b"program", "test") for _ in range(2))
        first.leave((), made=True)
        second.leave((), made=True)
        assert len(asked) == 1, "under way"
        Path(asked[0]).unlink()
        second.leave((), made=True)
        assert len(asked) == 2, "it came to nothing"
        Path(asked[0]).rename(second.path)
        second.leave((), made=True)
        assert len(asked) == 2, "there is a file that this process does not know"
    finally:
        harness.close()


def test_a_warm_start_makes_nothing(tmp_path: Path) -> None:
    """The compile server makes the file after the first run; the next one imports neither quick code nor the planner of regions."""
    image.load()
    os.symlink(Path(paths.cache_dir()) / "kernels", tmp_path / "kernels")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DBT_CACHE_DIR": str(tmp_path)}
    needless = ("dbt.backend.quick", "dbt.abi.records", "dbt.ir.optable", "runtime.regions", "runtime.lifter", "dbt.pipeline", "numba", "llvmlite", "capstone")
    program = (
        "import os, sys\nend = os._exit\n"
        f"def tell(status):\n    os.write(2, repr([m for m in {needless} if m in sys.modules]).encode())\n    end(status)\n"
        "os._exit = tell\nfrom runtime import kept\nkept.ENOUGH = 1  # its few blocks are worth it\n"
        f"from dbt.cli import main\nmain(['run', {str(ROOT / 'tests/guests/demo.elf')!r}, '5'])"
    )
    end = time.monotonic() + SECONDS
    while True:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
        if list(tmp_path.glob("quick/*.kept")) and done.stderr == "[]":
            return
        assert time.monotonic() < end, done.stderr
        time.sleep(0.2)


def test_the_newest_files_stay(tmp_path: Path) -> None:
    for age, name in enumerate(("new.kept", "old.kept", "oldest.kept", "oldest.left")):
        (tmp_path / name).write_bytes(bytes(100))
        os.utime(tmp_path / name, (0, 1000 - age))
    forget_oldest(str(tmp_path), kept.SUFFIX, 250)
    assert {file.name for file in tmp_path.iterdir()} == {"new.kept", "old.kept", "oldest.left"}
