"""Compiled regions on disk: found by content, never trusted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runtime import codecache
from runtime.codecache import Cached, CodeCache
from runtime.own_files import OTHERS_KEPT

CODE = {0x1000: b"\x01\x02\x03\x04", 0x2000: b"\x05\x06"}
CACHED = Cached([(0x1000, 0), (0x1002, 1)], [(0x1000, 4), (0x2000, 2)], b"object")


def fetch(pc: int, length: int) -> bytes:
    return CODE[pc][:length]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CodeCache:
    monkeypatch.setenv("DBT_CACHE_DIR", str(tmp_path))
    made = CodeCache("arm")
    made.add(CACHED, list(CODE.values()))
    return made


def test_found_by_another_process(cache: CodeCache) -> None:
    assert cache.find((0x1000, 0), fetch) == CodeCache("arm").find((0x1000, 0), fetch) == CACHED
    assert cache.find((0x1000, 1), fetch) is None


def test_other_guest_bytes_are_another_program(cache: CodeCache) -> None:
    assert cache.find((0x1000, 0), lambda pc, n: b"\0" * n) is None
    assert cache.find((0x1000, 0), lambda pc, n: b"") is None


@pytest.mark.parametrize("at", [0, 9, 20, 40, 60])
def test_damage_is_ignored_and_new_regions_are_kept(cache: CodeCache, at: int) -> None:
    data = bytearray(Path(cache.path).read_bytes())
    data[at] ^= 0x40
    Path(cache.path).write_bytes(bytes(data))
    again = CodeCache("arm")
    assert again.find((0x1000, 0), fetch) is None
    again.add(CACHED, list(CODE.values()))
    assert CodeCache("arm").find((0x1000, 0), fetch) == CACHED


def test_truncated_file(cache: CodeCache) -> None:
    os.truncate(cache.path, os.path.getsize(cache.path) - 3)
    again = CodeCache("arm")
    assert again.find((0x1000, 0), fetch) is None
    again.add(CACHED, list(CODE.values()))
    assert again.find((0x1000, 0), fetch) == CACHED


def test_size_cap_drops_the_older_half(cache: CodeCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecache, "MAX_BYTES", 4096)
    for i in range(200):
        cache.add(Cached([(0x4000 + i, 0)], CACHED.ranges, CACHED.blob), list(CODE.values()))
    assert os.path.getsize(cache.path) <= 4096
    assert cache.find((0x4000 + 199, 0), fetch) is not None
    assert cache.find((0x1000, 0), fetch) is None


def test_files_of_old_versions_go(cache: CodeCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest of them stay, and so do those of another kind of code."""
    CodeCache("arm-other").add(CACHED, list(CODE.values()))
    for version in range(OTHERS_KEPT + 3):
        monkeypatch.setattr(codecache, "fingerprint", lambda kind, version=version: f"version{version}")
        made = CodeCache("arm")
        made.add(CACHED, list(CODE.values()))
        os.utime(made.path, (version, version))
    files = sorted(name.partition("version")[2] for name in os.listdir(cache.directory) if "version" in name)
    assert files == [f"{version}.regions" for version in range(3, OTHERS_KEPT + 3)]
    assert len(os.listdir(cache.directory)) == OTHERS_KEPT + 2


def test_unwritable_directory_costs_nothing(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    cache = CodeCache("arm", str(blocker / "regions"))
    cache.add(CACHED, list(CODE.values()))
    assert cache.find((0x1000, 0), fetch) is None
