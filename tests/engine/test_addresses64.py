"""x86-64 addresses: what lies above 4 GiB, at the end of the guest's space, beyond it, and what is no address at all."""

from __future__ import annotations

import ctypes
import resource
import subprocess
import sys
from collections.abc import Iterator

import pytest

from dbt.abi.exits import EXCEPTIONS, FAULT_EXEC, FAULT_NONCANONICAL, FAULT_UNMAPPED, FAULT_WRITE, Exit
from dbt.abi.memory import PAGE_READ, PAGE_SIZE, PAGE_VALID, SPACE_BITS_64
from tests.engine.harness import Harness

HIGH = 0x2AA_AAAA_A000
CANONICAL_END = 1 << 47
LOAD = bytes.fromhex("488b03")  # mov rax, [rbx]
LOAD_BYTE = bytes.fromhex("0fb603")  # movzx eax, byte [rbx]
LOAD_VECTOR = bytes.fromhex("0f1003")  # movups xmm0, [rbx]
LOAD_NEAR_END = bytes.fromhex("488b83f8ffffff488b03")  # mov rax, [rbx-8]; mov rax, [rbx]
STORE = bytes.fromhex("48890b")  # mov [rbx], rcx
STORE_VECTOR = bytes.fromhex("0f110b")  # movups [rbx], xmm1
ADD = bytes.fromhex("f0480fc10b")  # lock xadd [rbx], rcx
COUNT = bytes.fromhex("48ffc6")  # inc rsi
JUMP = bytes.fromhex("ffe3")  # jmp rbx
LOADS = {"load": LOAD, "byte": LOAD_BYTE, "vector": LOAD_VECTOR, "two loads": LOAD_NEAR_END}
STORES = {"store": STORE, "vector store": STORE_VECTOR, "atomic": ADD}


@pytest.fixture(scope="module", params=["0", "1", "1 tlb"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    tier, _, memory = request.param.partition(" ")
    made = Harness("x86_64", tier, memory=memory or "host")
    made.map(HIGH, 2 * PAGE_SIZE)
    made.map(HIGH + 4 * PAGE_SIZE, PAGE_SIZE, PAGE_VALID | PAGE_READ)
    made.map(made.memory.size - PAGE_SIZE, PAGE_SIZE)
    yield made
    made.close()


@pytest.mark.parametrize("offset", [0, 1, 7, PAGE_SIZE - 8, PAGE_SIZE - 7, PAGE_SIZE - 1])
def test_load_and_store_above_4_gib(harness: Harness, offset: int) -> None:
    at = HIGH + offset
    for code in (STORE + LOAD, ADD + LOAD):
        harness.memory.write(HIGH, bytes(2 * PAGE_SIZE))
        exit, vcpu = harness.run(code, 0, {"rbx": at, "rcx": 0x1122334455667788})
        assert (exit, vcpu.get("rax")) == (Exit.FETCH_FAULT, 0x1122334455667788)
        assert harness.memory.u64(at) == 0x1122334455667788
        assert not harness.memory.check(at & 0xFFFF_FFFF, 8), "nothing is mapped at the low half of the address"


def test_the_end_of_the_space(harness: Harness) -> None:
    end = harness.memory.size
    _, vcpu = harness.run(STORE + LOAD, 0, {"rbx": end - 8, "rcx": 77})
    assert vcpu.get("rax") == 77
    for code in (LOAD, LOAD_VECTOR):
        exit, vcpu = harness.run(COUNT + code, 0, {"rbx": end - 7, "rsi": 5})
        assert (exit, vcpu.pc, vcpu.get("rsi")) == (Exit.MEMORY_FAULT, harness.end - len(code), 6)
        assert (vcpu.get("fault_addr"), vcpu.get("fault_info")) == (end, FAULT_UNMAPPED)
    harness.memory.write(end - 8, b"abcdefgh")
    for code in (STORE, STORE_VECTOR, ADD):
        exit, vcpu = harness.run(code, 0, {"rbx": end - 7, "rcx": 1})
        assert (exit, vcpu.get("fault_addr"), vcpu.get("fault_info")) == (Exit.MEMORY_FAULT, end, FAULT_UNMAPPED | FAULT_WRITE)
    assert harness.memory.read(end - 8, 8) == b"abcdefgh"


def walk(step: int) -> bytes:
    """1: mov rax, [rbx]; add rbx, step; inc rsi; dec rcx; jnz 1b"""
    return bytes.fromhex("488b03 4883c3") + step.to_bytes(1, "little", signed=True) + bytes.fromhex("48ffc6 48ffc9 75f1")


WALKS = {
    "up": (HIGH, 8, 2 * PAGE_SIZE // 8, HIGH + 2 * PAGE_SIZE),
    "down": (HIGH + PAGE_SIZE, -8, 1 + PAGE_SIZE // 8, HIGH - 8),
    "out of the space": ((1 << SPACE_BITS_64) - 64, 16, 4, 1 << SPACE_BITS_64),
    "below the space": (16, -8, 3, (1 << 64) - 8),
    "nowhere": (0, 0, 7, None),
}  # start, step, accesses that succeed, the first that does not


@pytest.mark.parametrize("name", WALKS)
def test_a_pointer_runs_through_memory(harness: Harness, name: str) -> None:
    """Where the loop asks only once, the access that leaves what is mapped faults as the guest's."""
    start, step, good, bad = WALKS[name]
    if start < PAGE_SIZE:
        harness.map(0, PAGE_SIZE)
    elif start > HIGH + PAGE_SIZE:
        start, bad = start - (1 << SPACE_BITS_64) + harness.memory.size, harness.memory.size
    exit, vcpu = harness.run(walk(step), 0, {"rbx": start, "rsi": 0, "rcx": good + (bad is not None)})
    if bad is None:
        assert (exit, vcpu.get("rsi")) == (Exit.FETCH_FAULT, good)
        return
    assert (exit, vcpu.pc, vcpu.get("rsi"), vcpu.get("rcx")) == (Exit.MEMORY_FAULT, harness.end - len(walk(step)), good, 1)
    assert (vcpu.get("rbx"), vcpu.get("fault_addr"), vcpu.get("fault_info")) == (bad, bad, FAULT_UNMAPPED)


BAD = {
    "beyond the space": ((1 << SPACE_BITS_64) + 8, 0),
    "the last of user space": (CANONICAL_END - PAGE_SIZE, 0),
    "the first that is not canonical": (CANONICAL_END, FAULT_NONCANONICAL),
    "the twin of a mapped one": (HIGH | 1 << 60, FAULT_NONCANONICAL),
    "the twin in bit 47": (HIGH | 1 << 47, FAULT_NONCANONICAL),
    "the last that is not canonical": ((1 << 64) - CANONICAL_END - 16, FAULT_NONCANONICAL),
    "the kernel's": ((1 << 64) - CANONICAL_END, 0),
    "the last page": ((1 << 64) - PAGE_SIZE, 0),
    "letters": (0x4141414141414141, FAULT_NONCANONICAL),
}


@pytest.mark.parametrize("name", BAD)
def test_addresses_that_are_not_the_guests(harness: Harness, name: str) -> None:
    address, canonical = BAD[name]
    for code, write in [*((code, 0) for code in LOADS.values()), *((code, FAULT_WRITE) for code in STORES.values())]:
        exit, vcpu = harness.run(COUNT + code, 0, {"rbx": address, "rsi": 5, "rax": 3, "rcx": 1})
        assert (exit, vcpu.pc, vcpu.get("rsi"), vcpu.get("rax")) == (Exit.MEMORY_FAULT, harness.end - len(code), 6, 3), code.hex()
        assert vcpu.get("fault_addr") == (address - 8 & (1 << 64) - 1 if code == LOAD_NEAR_END else address), code.hex()
        if code != LOAD_NEAR_END:
            assert vcpu.get("fault_info") == FAULT_UNMAPPED | write | canonical, code.hex()


@pytest.mark.parametrize("name", BAD)
def test_a_pointer_that_runs_astray(harness: Harness, name: str) -> None:
    address, canonical = BAD[name]
    for step in (8, -8):
        exit, vcpu = harness.run(walk(step), 0, {"rbx": address, "rsi": 5, "rax": 3, "rcx": 9})
        assert (exit, vcpu.pc, vcpu.get("rsi"), vcpu.get("rax")) == (Exit.MEMORY_FAULT, harness.end - len(walk(step)), 5, 3)
        assert (vcpu.get("fault_addr"), vcpu.get("fault_info")) == (address, FAULT_UNMAPPED | canonical)


def test_memory_of_the_host_is_out_of_reach(harness: Harness) -> None:
    secret = ctypes.create_string_buffer(b"a secret of the translator", 64)
    address = ctypes.addressof(secret) - harness.memory.base & (1 << 64) - 1
    for code in (*LOADS.values(), *STORES.values()):
        exit, vcpu = harness.run(code, 0, {"rbx": address, "rax": 3})
        assert (exit, vcpu.get("rax")) == (Exit.MEMORY_FAULT, 3)
    assert secret.value == b"a secret of the translator"


def test_the_top_of_memory_wraps(harness: Harness) -> None:
    exit, vcpu = harness.run(LOAD, 0, {"rbx": (1 << 64) - 4})
    assert (exit, vcpu.get("fault_addr"), vcpu.get("fault_info")) == (Exit.MEMORY_FAULT, (1 << 64) - 4, FAULT_UNMAPPED)


@pytest.mark.parametrize("name", BAD)
def test_jumps_astray(harness: Harness, name: str) -> None:
    """To no canonical address: an exception of the jump itself."""
    target, canonical = BAD[name]
    exit, vcpu = harness.run(COUNT + JUMP, 0, {"rbx": target, "rsi": 1})
    if canonical == FAULT_NONCANONICAL:
        assert (exit, vcpu.pc, vcpu.get("rsi")) == (Exit.EXCEPTION, harness.end - len(JUMP), 2)
        assert vcpu.get("exit_arg") == EXCEPTIONS["protection"][0]
    else:
        assert (exit, vcpu.pc, vcpu.get("rsi")) == (Exit.FETCH_FAULT, target, 2)
        assert (vcpu.get("fault_addr"), vcpu.get("fault_info")) == (target, FAULT_EXEC | FAULT_UNMAPPED)


@pytest.mark.parametrize("tier", ["0", "1"])
def test_code_far_apart_in_one_bucket(tier: str) -> None:
    """Pages whose numbers agree in their low bits share a list of blocks: a store to one forgets its blocks, not the other's."""
    harness = Harness("x86_64", tier)
    far = (HIGH, HIGH + (1 << 32), HIGH + (3 << 32))
    for n, page in enumerate(far):
        harness.end = page + PAGE_SIZE
        code = bytes.fromhex("b8") + n.to_bytes(4, "little") + bytes.fromhex("48ffc6")  # mov eax, n; inc rsi
        exit, vcpu = harness.run(code, 0, {"rsi": 1})
        assert (exit, vcpu.get("rax"), vcpu.get("rsi")) == (Exit.FETCH_FAULT, n, 2)
    for changed, page in enumerate(far):
        store = bytes.fromhex("c60342")  # mov byte [rbx], 0x42: the number of that page's instruction
        harness.end = page - PAGE_SIZE
        harness.run(store, 0, {"rbx": page + PAGE_SIZE - 7})
        for n, other in enumerate(far):
            vcpu = harness.vcpu
            vcpu.pc = other + PAGE_SIZE - 8
            harness.engine.run(vcpu)
            assert vcpu.get("rax") == (0x42 if n <= changed else n)
    harness.close()


_LIMITED = """
from tests.engine.harness import Harness
harness = Harness("x86_64", "1")
size = harness.memory.size
harness.map(size - 4096, 4096)
exit, vcpu = harness.run(bytes.fromhex("48890b488b03"), 0, {"rbx": size - 8, "rcx": 77})
assert vcpu.get("rax") == 77
exit, vcpu = harness.run(bytes.fromhex("488b03"), 0, {"rbx": size})
print(size, exit.name, hex(vcpu.get("fault_addr") - size))
"""


@pytest.mark.parametrize(("limit", "bits"), [(-1, SPACE_BITS_64), (1 << 46, 45), (80 << 30, 36), (16 << 30, 33)])
def test_the_space_is_as_large_as_the_process_may_have(limit: int, bits: int) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _LIMITED], capture_output=True, text=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)), check=False
    )
    assert ran.stdout.split() == [str(1 << bits), "MEMORY_FAULT", "0x0"], ran.stderr


def test_no_space_at_all() -> None:
    limit = 4 << 30
    ran = subprocess.run(
        [sys.executable, "-c", _LIMITED], capture_output=True, text=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)), check=False
    )
    assert "cannot reserve 8192 MiB of address space for the guest: raise the limit (ulimit -v)" in ran.stderr
