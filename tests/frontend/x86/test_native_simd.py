"""SSE instructions that the other oracle gets wrong, against the host's processor."""

from __future__ import annotations

import platform
import struct
from random import Random

import pytest

from tests.engine.harness import Harness
from tests.frontend.x86.native import X87, Native

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the oracle is an x86-64 host")
DATA = 0x40000
_LOAD, _STORE = bytes.fromhex("0f1001 0f104910"), bytes.fromhex("0f1101")  # movups xmm0, [rcx]; movups xmm1, [rcx + 16]; movups [rcx], xmm0
_NO_X87 = X87(0x37F, 0, 0xFFFF, tuple([(0, 0)] * 8))


@pytest.mark.parametrize(("opcode", "kind"), [(0x40, "f"), (0x41, "d")], ids=["dpps", "dppd"])
def test_dot_products(opcode: int, kind: str) -> None:
    rng, native, harness = Random(opcode), Native(), Harness("x86_64")
    harness.map(DATA, 0x1000)
    count = 32 // struct.calcsize(kind)
    for _ in range(40):
        code = _LOAD + bytes([0x66, 0x0F, 0x3A, opcode, 0xC1, rng.getrandbits(8)]) + _STORE
        memory = struct.pack(f"<{count}{kind}", *[rng.choice((rng.uniform(-9, 9), rng.uniform(-1e20, 1e20), 0.0, -0.0, 1.0)) for _ in range(count)])
        outcome = native.run(code, _NO_X87, memory, 0x202, 0)
        assert outcome is not None
        harness.run(code, regs={"rcx": DATA}, memory={DATA: memory})
        assert harness.memory.read(DATA, 32) == outcome[1], f"{code.hex()} of {memory.hex()}"
    harness.close()
    native.close()
