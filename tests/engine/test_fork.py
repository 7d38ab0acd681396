"""A fork while other threads of the translator are in the middle of something: the child has what they held, and not them."""

from __future__ import annotations

import fcntl
import importlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbt.abi.exits import REQUEST_CODE, Exit
from runtime.background import Background
from runtime.own_files import open_apart
from tests.engine.children import status_of_child
from tests.engine.harness import Harness
from tests.engine.test_memory import arm

UDF = arm(0xE7F000F0)
IMPORTING = "a_module_that_is_slow_to_import"


@pytest.fixture
def harness() -> Iterator[Harness]:
    made = Harness(tier="auto")
    yield made
    made.close()


def test_a_child_can_import_what_another_thread_is_importing(harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module takes its time until the fork is done, but a second at most: the fork waits for it."""
    (tmp_path / f"{IMPORTING}.py").write_text("import sys\nsys.begun.set()\nsys.forked.wait(1)\n")
    begun, forked = threading.Event(), threading.Event()
    monkeypatch.setattr(sys, "begun", begun, raising=False)
    monkeypatch.setattr(sys, "forked", forked, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    importer = threading.Thread(target=importlib.import_module, args=(IMPORTING,))
    importer.start()
    begun.wait()
    try:
        assert status_of_child(harness.engine, lambda: importlib.import_module(IMPORTING) is not None, harness.vcpu) == 0
    finally:
        forked.set()
        importer.join()
        sys.modules.pop(IMPORTING, None)


def test_a_child_is_not_called_out_for_a_thread_it_does_not_have(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread is about to empty the arena, and has called all vCPUs out of native code."""
    engine, tried, forked = harness.engine, threading.Event(), threading.Event()
    empty = engine._try_reset

    def try_reset() -> bool:
        tried.set()
        return forked.is_set() and empty()

    monkeypatch.setattr(engine, "_try_reset", try_reset)
    pc = harness.load(UDF)
    resetter = threading.Thread(target=engine._reset_arena)
    resetter.start()
    tried.wait()
    assert harness.vcpu.get("request") & REQUEST_CODE
    harness.vcpu.pc = pc
    try:
        assert status_of_child(engine, lambda: engine.run(harness.vcpu) == Exit.EXCEPTION, harness.vcpu) == 0
    finally:
        forked.set()
        resetter.join()


def test_a_child_does_not_keep_a_lock_that_another_thread_had(harness: Harness, tmp_path: Path) -> None:
    """The lock of a cache file lasts until every copy of its descriptor is closed."""
    path = str(tmp_path / "lock")
    locked, forked = threading.Event(), threading.Event()

    def save() -> None:
        with open_apart(path, os.O_RDWR | os.O_CREAT) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            locked.set()
            forked.wait()

    saver = threading.Thread(target=save)
    saver.start()
    locked.wait()
    told, tell = os.pipe()
    free: list[bool] = []

    def release_and_try() -> None:
        """In the parent, while the child lives: it says so, and ends when the pipe is closed."""
        os.read(told, 1)
        forked.set()
        saver.join()
        with open(path) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                free.append(True)
            except BlockingIOError:
                free.append(False)
        os.close(end)

    wait, end = os.pipe()

    def child() -> bool:
        os.close(end)
        os.write(tell, b"!")
        return os.read(wait, 1) == b""

    trier = threading.Thread(target=release_and_try)
    trier.start()
    assert status_of_child(harness.engine, child, harness.vcpu) == 0
    trier.join()
    for file in (told, tell, wait):
        os.close(file)
    assert free == [True]


def test_a_child_does_not_keep_the_compile_thread_s_locks(harness: Harness) -> None:
    """The compile thread works on the engine's memory until the fork is done, but a moment at most; the child's end needs that lock too."""
    tier1 = harness.engine.tier1
    assert isinstance(tier1, Background)
    entered, forked = threading.Event(), threading.Event()

    def hold() -> None:
        with tier1.memory:
            entered.set()
            forked.wait(0.2)

    def child() -> bool:
        tier1.stop()
        return True

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait()
    assert status_of_child(harness.engine, child) == 0
    forked.set()
    holder.join()
