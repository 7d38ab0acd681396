"""Code and data above 4 GiB: every way to form an address, on both tiers, against unicorn."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from unicorn import UC_ARCH_X86, UC_MODE_64, Uc
from unicorn import x86_const as x86

from dbt.abi.exits import Exit
from dbt.abi.memory import PAGE_SIZE
from dbt.abi.x86 import REGISTERS_64
from tests.engine.harness import Harness
from tests.x86_cases import code

CODE = 0x2AA_5555_0000
DATA, DATA_SIZE = 0x3F1_2345_6000, 4 * PAGE_SIZE
MIDDLE = DATA + DATA_SIZE // 2
RUNS = 3  # the first ones of tier 1 may be tier 0's
PROGRAMS = {  # rsi, rdi, rbp and rsp point into the data, rcx is small
    "base and displacement": "mov rax, [rsi + 0x7f0]; mov [rdi - 0x7f0], rax; mov edx, [rbp + 4]; movzx ebx, byte ptr [rsp - 1]",
    "scaled index": "mov rax, [rsi + rcx * 8]; mov [rdi + rcx * 4 + 0x100], eax; lea rdx, [rbp + rcx * 2 - 5]; mov bx, [rdx]",
    "no base": "mov rax, rsi; shr rax, 3; mov r8, [rax * 8]; mov [rax * 8 + 16], r8",
    "rip": "lea rax, [rip]; mov rdx, [rip - 7]; mov r9d, [rip - 20]; lea r10, [rip + 0x7fffffff]",
    "absolute": f"movabs al, [{MIDDLE + 24:#x}]; movabs eax, [{MIDDLE + 32:#x}]; movabs [{MIDDLE + 48:#x}], rax",
    "push and pop": "push rsi; push qword ptr [rsi]; pop rax; pop qword ptr [rdi]; push r11; pop r12; sub rsp, 24; mov [rsp], rsp",
    "call and return": f"lea rax, [rip + 8]; push rax; ret; {'nop; ' * 6}mov rbx, rax; lea r8, [rip + 9]; call r8; {'nop; ' * 6}pop r9",
    "strings": "cld; mov ecx, 37; rep movsb; mov ecx, 5; rep stosq; lodsd; scasw; cmpsb; std; movsq; cld",
    "vectors": "movups xmm0, [rsi + 1]; movups [rdi + 3], xmm0; movsd xmm1, [rbp]; movsd [rbp + 16], xmm1; movaps xmm2, [rsi]; movaps [rdi], xmm2",
    "read, modify, write": "add [rsi], rax; lock xadd [rdi + 8], rdx; xchg [rbp], rbx; not qword ptr [rsi + 5]; sar dword ptr [rdi + 2], 3",
    "bit offsets": "mov rax, 12345; bts [rsi], rax; mov rdx, -4321; btr [rsi], rdx; bt [rdi], rax; setc bl",
    "32-bit addresses": "mov eax, 0x1000; lea edx, [rsi + 1]; lea r8d, [eax + ecx * 4]; mov r9d, esi",
    "across pages": f"mov rax, {MIDDLE - 3:#x}; mov rdx, [rax]; mov [rax + 1], rdx; movups xmm0, [rax - 5]; movups [rax - 4], xmm0; lock add [rax], rcx",
    "pairs": f"mov r8, {MIDDLE:#x}; mov rax, [r8]; mov rdx, [r8 + 8]; mov rbx, 1; lock cmpxchg16b [r8]; lock cmpxchg8b [r8 + 24]",
}


@pytest.fixture(scope="module", params=["0", "1", "1 tlb"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    tier, _, memory = request.param.partition(" ")
    made = Harness("x86_64", tier, memory=memory or "host")
    made.end = CODE + PAGE_SIZE
    made.map(DATA, DATA_SIZE)
    yield made
    made.close()


def start_state(rng: Random) -> dict[str, int]:
    registers = {name: rng.getrandbits(64) for name in REGISTERS_64}
    registers |= {name: MIDDLE + 64 * rng.randrange(-16, 16) for name in ("rsi", "rdi", "rbp", "rsp")}
    return registers | {"rcx": rng.randrange(16)}


def expected(text: bytes, start: int, registers: dict[str, int], data: bytes) -> tuple[dict[str, int], bytes]:
    """What unicorn makes of it."""
    uc = Uc(UC_ARCH_X86, UC_MODE_64)
    uc.mem_map(CODE, PAGE_SIZE)
    uc.mem_map(DATA, DATA_SIZE)
    uc.mem_write(start, text)
    uc.mem_write(DATA, data)
    numbers = {name: getattr(x86, f"UC_X86_REG_{name.upper()}") for name in REGISTERS_64}
    uc.reg_write(x86.UC_X86_REG_CR4, uc.reg_read(x86.UC_X86_REG_CR4) | 1 << 9)
    for name, value in registers.items():
        uc.reg_write(numbers[name], value)
    uc.emu_start(start, start + len(text))
    return {name: uc.reg_read(number) for name, number in numbers.items()}, bytes(uc.mem_read(DATA, DATA_SIZE))


@pytest.mark.parametrize("name", PROGRAMS)
def test_against_the_oracle(harness: Harness, name: str) -> None:
    rng = Random(name)
    text = code("x86-64", PROGRAMS[name])
    for _ in range(RUNS):
        registers, data = start_state(rng), rng.randbytes(DATA_SIZE)
        want, want_data = expected(text, harness.end - len(text), registers, data)
        harness.memory.write(DATA, data)
        flags = {"cf": 0, "pf": 1, "af": 1, "zf": 1, "sf": 0, "of": 0, "df": 0}  # as EFLAGS 2
        exit, vcpu = harness.run(text, 0, registers | flags)
        assert (exit, vcpu.pc) == (Exit.FETCH_FAULT, harness.end)
        got = {name: vcpu.get(name) for name in REGISTERS_64}
        assert {n: (hex(v), hex(want[n])) for n, v in got.items() if v != want[n]} == {}
        assert harness.memory.read(DATA, DATA_SIZE) == want_data
