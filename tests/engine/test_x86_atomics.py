"""Atomic instructions of x86 on vCPUs that run at the same time: aligned, split across pages, of 16 bytes; as operations of the host and as pairs of load-link
and store-conditional under every scheme."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import pytest

from dbt.abi.archs import X86_ATOMICS
from dbt.abi.exclusive import SCHEMES
from dbt.abi.exits import FAULT_ALIGN, FAULT_UNMAPPED, FAULT_WRITE, Exit
from dbt.abi.memory import PAGE_READ, PAGE_SIZE, PAGE_VALID
from runtime.vcpu import VCpu
from tests.engine.harness import Harness
from tests.engine.test_threads import run_all
from tests.x86_cases import code

SHARED = 0x1_2340_0000
SPLIT = SHARED + PAGE_SIZE - 3  # 3 bytes on one page, 5 on the next
TIMES = {"excl": 4_000, "cas": 4_000, "flush": 300, "hst": 300}
TIMES_SPLIT = 300
THREADS = 2

ADD = "again: mov eax, 1; lock xadd [rbx], rax; dec rdi; jnz again; ud2"
ADD_NARROW = "again: mov eax, 1; lock xadd dword ptr [rbx], eax; dec rdi; jnz again; ud2"
STEP = "again: lock adc qword ptr [rbx], 1; clc; dec rdi; jnz again; ud2"  # DEC leaves CF alone
TAKE = """again: mov eax, 1; xchg [rbx], eax; test eax, eax; jz got; jmp again
          got: inc qword ptr [rbx + 8]; mov dword ptr [rbx], 0; dec rdi; jnz again; ud2"""
COUNT = "again: inc dword ptr [rbx + 4]; dec rdi; jnz again; ud2"  # plain, beside what others change
# The value is 0 or all ones: anything else, also where the comparison failed, was torn. Ends with CF set if it was.
FLIP = """again: mov rdx, rax; not rdx; lock cmpxchg [rbx], rdx; mov rcx, rax; rol rcx, 8; cmp rcx, rax; jne torn; dec rdi; jnz again; clc; ud2
          torn: stc; ud2"""
# Counts in both halves of 16 bytes. Ends with CF set if they were seen to differ.
PAIR = """again: lea rbx, [rax + 1]; lea rcx, [rdx + 1]; lock cmpxchg16b [rsi]; jne other; mov rax, rbx; mov rdx, rcx; dec rdi; jz out
          other: cmp rax, rdx; je again; stc; ud2
          out: clc; ud2"""


def assembled(text: str) -> bytes:
    return code("x86-64", text.replace("\n", ";"))


@pytest.fixture(params=[("host", "excl"), *[("llsc", scheme) for scheme in SCHEMES]], ids="-".join)
def how(request: pytest.FixtureRequest) -> tuple[str, str]:
    found: tuple[str, str] = request.param
    return found


@pytest.fixture(params=["0", "1"], ids=["tier0", "tier1"])
def harness(request: pytest.FixtureRequest, how: tuple[str, str]) -> Iterator[Harness]:
    made = Harness("x86_64", request.param, atomics=how[1], x86_atomics=how[0], idiom=False)
    made.map(SHARED, 2 * PAGE_SIZE)
    yield made
    made.close()


def race(harness: Harness, *texts: str, **regs: int) -> list[VCpu]:
    """Run each text on a vCPU of its own to its end."""
    pieces = [assembled(text) for text in texts]
    start = harness.load(b"".join(pieces))
    vcpus = []
    for i in range(len(pieces)):
        vcpu = harness.engine.new_vcpu()
        vcpu.pc = start + sum(map(len, pieces[:i]))
        for name, value in regs.items():
            vcpu.put(name, value)
        vcpus.append(vcpu)
    assert run_all(harness, vcpus) == [Exit.EXCEPTION] * len(vcpus)
    return vcpus


@pytest.mark.parametrize("text", [ADD, STEP], ids=["xadd", "adc"])
def test_counting(harness: Harness, text: str) -> None:
    times = TIMES[harness.engine.scheme.name.lower()]
    race(harness, *[text] * THREADS, rbx=SHARED, rdi=times)
    assert harness.memory.u64(SHARED) == THREADS * times


def test_a_lock(harness: Harness) -> None:
    times = TIMES[harness.engine.scheme.name.lower()] // 10
    race(harness, *[TAKE] * THREADS, rbx=SHARED, rdi=times)
    assert harness.memory.u64(SHARED + 8) == THREADS * times


def test_plain_stores_beside_it(harness: Harness) -> None:
    times = TIMES[harness.engine.scheme.name.lower()]
    race(harness, ADD_NARROW, ADD_NARROW, COUNT, rbx=SHARED, rdi=times)
    assert (harness.memory.u32(SHARED), harness.memory.u32(SHARED + 4)) == (2 * times, times)


def test_split_across_pages_nothing_is_lost(harness: Harness) -> None:
    race(harness, *[ADD] * THREADS, rbx=SPLIT, rdi=TIMES_SPLIT)
    assert harness.memory.u64(SPLIT) == THREADS * TIMES_SPLIT
    assert harness.engine.block.get("sections") >= THREADS * TIMES_SPLIT, "each with the other vCPU held"


def test_split_across_pages_nothing_is_torn(harness: Harness) -> None:
    assert not any(vcpu.get("cf") for vcpu in race(harness, *[FLIP] * THREADS, rbx=SPLIT, rdi=TIMES_SPLIT))


def test_sixteen_bytes(harness: Harness) -> None:
    times = TIMES[harness.engine.scheme.name.lower()]
    assert not any(vcpu.get("cf") for vcpu in race(harness, *[PAIR] * THREADS, rsi=SHARED, rdi=times))
    assert (harness.memory.u64(SHARED), harness.memory.u64(SHARED + 8)) == (THREADS * times, THREADS * times)


def test_faults_store_nothing(harness: Harness) -> None:
    """Read-only or missing memory, also on the second page, under every instruction; and what is left when it can be done."""
    end = SHARED + 2 * PAGE_SIZE
    for address, missing in ((end, end), (end - 3, end), (end + 5, end + 5)):
        for text in ("lock xadd [rbx], rcx", "xchg [rbx], rcx", "lock cmpxchg [rbx], rcx", "lock neg qword ptr [rbx]"):
            made = code("x86-64", text)
            exit, vcpu = harness.run(made, 0, {"rbx": address, "rcx": 1, "rax": 0})
            assert (exit, vcpu.get("fault_addr"), vcpu.get("rcx")) == (Exit.MEMORY_FAULT, missing, 1), text
            assert vcpu.get("fault_info") & FAULT_UNMAPPED
    assert harness.memory.read(end - 3, 3) == bytes(3)
    harness.map(SHARED, PAGE_SIZE, PAGE_VALID | PAGE_READ)
    for address in (SHARED, SPLIT):
        exit, vcpu = harness.run(code("x86-64", "lock cmpxchg [rbx], rcx"), 0, {"rbx": address, "rax": 99})
        assert (exit, vcpu.get("fault_info") & FAULT_WRITE) == (Exit.MEMORY_FAULT, FAULT_WRITE), "written to whatever the outcome"
        assert not vcpu.get("fault_info") & FAULT_UNMAPPED


@pytest.mark.parametrize("size", [2, 4, 8])
@pytest.mark.parametrize("offset", [1, 5, 59, 63, PAGE_SIZE - 1])
def test_misaligned(harness: Harness, size: int, offset: int) -> None:
    name, part = {2: ("word", "cx"), 4: ("dword", "ecx"), 8: ("qword", "rcx")}[size]
    at, mask = SHARED + offset, (1 << 8 * size) - 1
    for text, old, new in (
        (f"lock xadd {name} ptr [rbx], {part}", 0x1122334455667788, 0x1122334455667788 + 0x0F0E0D0C0B0A0908),
        (f"xchg {name} ptr [rbx], {part}", 0x1122334455667788, 0x0F0E0D0C0B0A0908),
        (f"lock or {name} ptr [rbx], {part}", 0x1122334455667788, 0x1122334455667788 | 0x0F0E0D0C0B0A0908),
        (f"lock not {name} ptr [rbx]", 0x1122334455667788, ~0x1122334455667788),
        (f"lock sbb {name} ptr [rbx], {part}", 0x1122334455667788, 0x1122334455667788 - 0x0F0E0D0C0B0A0908),
    ):
        harness.memory.write(at - 1, b"\xee" + (old & mask).to_bytes(size, "little") + b"\xee")
        exit, vcpu = harness.run(code("x86-64", text), 0, {"rbx": at, "rcx": 0x0F0E0D0C0B0A0908, "cf": 0})
        assert exit == Exit.FETCH_FAULT
        assert harness.memory.read(at - 1, size + 2) == b"\xee" + (new & mask).to_bytes(size, "little") + b"\xee", text
        if "x" in text.split()[1] or text.startswith("xchg"):
            assert vcpu.get("rcx") & mask == old & mask


def test_sixteen_bytes_must_be_aligned(harness: Harness) -> None:
    exit, vcpu = harness.run(code("x86-64", "lock cmpxchg16b [rsi]"), 0, {"rsi": SHARED + 8})
    assert (exit, vcpu.pc) == (Exit.EXCEPTION, harness.end - 5)


def test_the_helper_of_sixteen_bytes_refuses_misaligned_ones() -> None:
    harness = Harness("x86_64")
    harness.map(SHARED, PAGE_SIZE)
    call = harness.engine.image.function("cas_128", None, ctypes.c_void_p, *[ctypes.c_int64] * 3)
    call(harness.vcpu.address, SHARED + 8, 0, 16 | 16 << 8)
    assert harness.vcpu.get("exit_reason") == Exit.MEMORY_FAULT
    assert harness.vcpu.get("fault_info") == FAULT_ALIGN | FAULT_WRITE
    harness.close()


def test_names_are_checked() -> None:
    assert X86_ATOMICS == ("host", "llsc")
    with pytest.raises(ValueError, match="x86 atomics 'none' are none of host, llsc"):
        Harness("x86_64", "0", x86_atomics="none")
