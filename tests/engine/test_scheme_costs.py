"""What a program without exclusive accesses pays for their machinery: nothing in its compiled code, and none of its stores takes the slow path."""

from __future__ import annotations

from typing import Any

import pytest

from dbt.backend.llvm import object as backend
from tests.engine.harness import Harness
from tests.engine.test_memory import arm

DATA = 0x90000
ROUNDS = 5000
# 1: str r1, [r2], #4; strb r1, [r2]; stm r2, {r0, r1, r3}; ldr r4, [r2, #-4]; bic r2, r2, #0x700; subs r3, r3, #1; bne 1b
STORES = (0xE4821004, 0xE5C21000, 0xE882000B, 0xE5124004, 0xE3C22C07, 0xE2533001, 0x1AFFFFF8)


def objects(scheme: str, monkeypatch: pytest.MonkeyPatch) -> tuple[list[bytes], int]:
    """The objects that a loop of stores is compiled to under *scheme* while two vCPUs exist, and how many of its stores went to an exclusive page."""
    made: list[bytes] = []
    compile_object = backend.compile_object

    def record(*arguments: Any) -> bytes:
        made.append(compile_object(*arguments))
        return made[-1]

    monkeypatch.setattr(backend, "compile_object", record)
    harness = Harness(tier="1", atomics=scheme)
    try:
        harness.engine.new_vcpu()
        harness.map(DATA, 0x1000)
        for _ in range(2):
            harness.run(arm(*STORES), 0, {"r0": 1, "r1": 2, "r2": DATA, "r3": ROUNDS})
        return made, harness.vcpu.get("slow_stores")
    finally:
        harness.close()
        monkeypatch.setattr(backend, "compile_object", compile_object)


def test_compiled_stores_are_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the default scheme as under the one that has no exclusive pages; a scheme that tags its stores shows that the comparison tells."""
    excl, counted = objects("excl", monkeypatch)
    cas, _ = objects("cas", monkeypatch)
    hst, _ = objects("hst", monkeypatch)
    assert excl and excl == cas and excl != hst
    assert counted == 0
