"""Templates on disk: found again, shared, and never trusted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime import shapes, templates
from runtime.lifter import Lifter
from runtime.process_block import proc
from tests.engine.harness import Harness
from tests.engine.test_memory import arm

CODE = arm(0xE3A00005, 0xE2801007, 0xE0512000)  # mov r0, #5; add r1, r0, #7; subs r2, r1, r0
HEADER_BYTES = 4096


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(Lifter, "learn_popular", lambda self: None)
    monkeypatch.setattr(templates, "cache_dir", lambda: str(tmp_path))
    monkeypatch.setattr(shapes, "cache_dir", lambda: str(tmp_path))
    yield tmp_path


def run(code: bytes = CODE) -> tuple[int, int]:
    """(instructions lifted, r2) of a run with an engine of its own."""
    harness = Harness(persistent=True)
    try:
        _, vcpu = harness.run(code)
        assert vcpu.pc == harness.end
        return harness.engine.lifted, vcpu.get("r2")
    finally:
        harness.close()


def the_file(cache: Path) -> Path:
    (found,) = (cache / "templates").glob("*.templates")
    return found


def test_a_second_run_lifts_nothing(cache: Path) -> None:
    assert run() == (3, 7)
    assert run() == (0, 7)
    assert run(CODE + arm(0xE0822002)) == (1, 14)  # add r2, r2, r2
    assert run(CODE + arm(0xE0822002)) == (0, 14)


def _truncate(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flip(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :]


AREA = HEADER_BYTES + proc.offset("templates_area") - proc.offset("template_hash")
DAMAGE = {
    "empty": lambda data: b"", "truncated": _truncate, "longer": lambda data: data + b"x", "magic": _flip(0), "fingerprint": _flip(9), "end": _flip(25),
    "checksum": _flip(AREA), "chain": _flip(AREA + 9), "size": _flip(AREA + 17), "bytes": _flip(AREA + 25), "records": _flip(AREA + 90),
    "zeroes": lambda data: data[:HEADER_BYTES] + bytes(len(data) - HEADER_BYTES),
    "ones": lambda data: data[:HEADER_BYTES] + b"\xff" * (len(data) - HEADER_BYTES),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_costs_a_lift_and_nothing_else(cache: Path, damage: Callable[[bytes], bytes]) -> None:
    run()
    path = the_file(cache)
    path.write_bytes(damage(path.read_bytes()))
    lifted, result = run()
    assert result == 7
    assert lifted > 0
    assert run() == (0, 7), "and the file is sound again"


def test_two_processes_add_to_the_same_file(cache: Path) -> None:
    first = Harness(persistent=True)
    second = Harness(persistent=True)
    first.run(CODE)
    second.run(arm(0xE0822002))
    first.close()
    second.close()
    assert run()[0] == 0
    assert run(CODE + arm(0xE0822002))[0] == 0


def test_a_directory_that_cannot_be_written_is_no_error(cache: Path) -> None:
    (cache / "templates").write_text("a file where the directory should be")
    assert run() == (3, 7)


def test_warm_start_imports_nothing_heavy() -> None:
    program = (
        "import sys; from runtime.engine import Engine; e = Engine('arm', tier='0'); e.close();"
        "print([m for m in ('numba', 'llvmlite', 'numpy', 'capstone') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ)
    assert result.stdout.strip() == "[]"
