"""Finding, keeping and rebuilding the kernel image; the build itself is replaced by a tiny one."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from runtime import image as images
from runtime import sources
from runtime.kernels import build
from tests.patience import SECONDS

from .test_objects import compiled

ANSWER = "define i64 @answer() {\n ret i64 42\n}"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache directory, and a build that counts its calls in ``builds``."""
    monkeypatch.setenv("DBT_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(images, "_loaded", None)
    (tmp_path / "builds").write_text("")

    def fake() -> bytes:
        with open(tmp_path / "builds", "a") as log:
            log.write("x")
        return compiled(ANSWER)

    monkeypatch.setattr(build, "build", fake)
    return tmp_path


def builds(cache: Path) -> int:
    return len((cache / "builds").read_text())


def start(monkeypatch: pytest.MonkeyPatch) -> int:
    """What a new process would do."""
    monkeypatch.setattr(images, "_loaded", None)
    return images.load().function("answer", ctypes.c_int64)()


def kept(cache: Path) -> list[Path]:
    return sorted((cache / "kernels").glob("*.image"))


def test_built_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [start(monkeypatch), start(monkeypatch)] == [42, 42]
    assert builds(cache) == 1
    assert [path.stem for path in kept(cache)] == [images.key()]


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_damaged_file_is_rebuilt(cache: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | None) -> None:
    start(monkeypatch)
    path = kept(cache)[0]
    sound = path.read_bytes()
    middle = len(sound) // 2
    path.write_bytes(damage if damage is not None else sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :])
    assert start(monkeypatch) == 42
    assert builds(cache) == 2
    assert path.read_bytes() == sound


def test_unwritable_cache_costs_only_time(cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (cache / "kernels").write_text("a file where the directory should be")
    assert [start(monkeypatch), start(monkeypatch)] == [42, 42]
    assert builds(cache) == 2
    assert "can't be kept" in capsys.readouterr().err


def test_old_images_are_forgotten(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache / "kernels").mkdir()
    for i in range(9):
        old = cache / "kernels" / f"{i}.image"
        old.write_text("old")
        os.utime(old, (i, i))
    start(monkeypatch)
    assert [path.stem for path in kept(cache) if path.read_bytes() == b"old"] == ["5", "6", "7", "8"]


def test_key_follows_the_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    before = images.key()
    assert images.key() == before
    monkeypatch.setattr(images, "_host_cpu", lambda: "another processor")
    assert images.key() != before
    monkeypatch.undo()
    monkeypatch.setattr(images, "_compiler_versions", lambda: ["numba-999.dist-info", "llvmlite-999.dist-info"])
    assert images.key() != before


def test_what_has_changed_under_a_process_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would build from the modules that it has, and name the result after those on disk."""
    before = images.key()
    files = sources.source_files(("dbt/abi",))
    known = sources.facts(files)
    monkeypatch.setattr(sources, "_started", 0.0)
    assert images.key() != before
    assert sources.facts(files) != known
    monkeypatch.setattr("os.getpid", lambda: 1)
    assert images.key() != before
    monkeypatch.setattr("time.time", lambda: 1.0)  # before any of the files was made
    assert images.key() == before
    assert sources.facts(files) == known


PROCESS = """
import sys, time
from runtime import image
from runtime.kernels import build
def slow():
    with open(sys.argv[1] + "/builds", "a") as log:
        log.write("x")
    time.sleep(1)
    with open(sys.argv[1] + "/answer.o", "rb") as obj:
        return obj.read()
build.build = slow
image.load()
"""


def test_several_processes_build_once(cache: Path) -> None:
    (cache / "answer.o").write_bytes(compiled(ANSWER))
    processes = [subprocess.Popen([sys.executable, "-c", PROCESS, str(cache)], env={**os.environ, "PYTHONPATH": os.getcwd()}) for _ in range(3)]
    assert [process.wait(SECONDS) for process in processes] == [0, 0, 0]
    assert builds(cache) == 1


FULL = """
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
"""


def test_full_disk_costs_only_time(cache: Path) -> None:
    """No room for the image (the limit of file sizes stands for that): the process goes on, and nothing is left behind that the next one could take for an
    image."""
    obj = compiled(ANSWER)
    (cache / "answer.o").write_bytes(obj)

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, resource.RLIM_INFINITY))

    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", FULL + PROCESS, str(cache)], env=environment, preexec_fn=full, capture_output=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    assert b"can't be kept" in done.stderr
    assert [path.name for path in (cache / "kernels").iterdir() if path.stat().st_size] == []
    subprocess.run([sys.executable, "-c", PROCESS, str(cache)], env=environment, check=True, timeout=SECONDS)
    assert (builds(cache), len(kept(cache))) == (2, 1)


def test_warm_start_imports_no_compiler(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start(monkeypatch)
    code = "import sys; from runtime import image; image.load(); print([m for m in ('numba', 'llvmlite', 'numpy', 'capstone') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.getcwd()}, capture_output=True, text=True, timeout=SECONDS)
    assert done.stdout.strip() == "[]", done.stderr
