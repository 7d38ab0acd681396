"""The host's own processor as the oracle: single x87 instructions between FRSTOR and FNSAVE, in a child process that may die of them."""

from __future__ import annotations

import ctypes
import mmap
import struct
from multiprocessing.connection import Connection
from random import Random
from typing import NamedTuple

from tests.native_child import NativeChild

AREA = 0x1000  # bytes of memory the instruction may use
_IMAGE_BYTES = 108
_IMAGE = struct.Struct("<HxxHxxHxx4I")
REGISTER = struct.Struct("<QH")


class X87(NamedTuple):
    """Control, status with TOP, tag word (two bits a register), and the registers from ST(0) on as (significand, sign and exponent)."""

    control: int
    status: int
    tags: int
    registers: tuple[tuple[int, int], ...]

    @property
    def top(self) -> int:
        return self.status >> 11 & 7

    def image(self) -> bytes:
        return _IMAGE.pack(self.control, self.status, self.tags, 0, 0, 0, 0) + b"".join([REGISTER.pack(*register) for register in self.registers])

    @classmethod
    def from_image(cls, image: bytes) -> X87:
        control, status, tags, *_ = _IMAGE.unpack_from(image)
        return cls(control, status, tags, tuple([REGISTER.unpack_from(image, _IMAGE.size + REGISTER.size * i) for i in range(8)]))


def _machine_code(instruction: bytes) -> bytes:
    """A function (image, memory operand, EFLAGS to load and store, rAX to load and store): the instruction finds its operand at [rcx]."""
    return (
        b"\x53\x48\x89\xd3"  # push rbx; mov rbx, rdx
        b"\x49\x89\xf8\x49\x89\xca"  # mov r8, rdi; mov r10, rcx
        b"\x48\x89\xf1"  # mov rcx, rsi
        b"\x49\x8b\x02"  # mov rax, [r10]
        b"\x41\xdd\x20"  # frstor [r8]
        b"\xff\x33\x9d"  # push [rbx]; popf
        + instruction
        + b"\x9c\x8f\x03"  # pushf; pop [rbx]
        b"\x41\xdd\x30"  # fnsave [r8]
        b"\x49\x89\x02"  # mov [r10], rax
        b"\x5b\xc3"  # pop rbx; ret
    )


def _serve(pipe: Connection) -> None:
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(address)
    while True:
        instruction, image, memory, eflags, rax = pipe.recv()
        code.seek(0)
        code.write(_machine_code(instruction))
        state, operand = ctypes.create_string_buffer(image, _IMAGE_BYTES), ctypes.create_string_buffer(memory, len(memory))
        words = (ctypes.c_uint64 * 2)(eflags, rax)
        function(ctypes.addressof(state), ctypes.addressof(operand), ctypes.addressof(words), ctypes.addressof(words) + 8)
        pipe.send((state.raw, operand.raw, words[0], words[1]))


class Native:
    """``run`` gives None if the instruction killed the child, which is what an exception does."""

    def __init__(self) -> None:
        self._child = NativeChild(_serve)
        self.close = self._child.close

    def run(self, instruction: bytes, before: X87, memory: bytes, eflags: int, rax: int) -> tuple[X87, bytes, int, int] | None:
        """State, memory operand, EFLAGS and rAX afterwards."""
        answer = self._child.ask(instruction, before.image(), memory, eflags, rax)
        if answer is None:
            return None
        image, operand, flags, after = answer
        return X87.from_image(image), operand, flags, after


_SIGNIFICANDS = (0, 1, 1 << 62, 1 << 63, (1 << 63) + 1, 3 << 62, (3 << 62) + 5, (1 << 64) - 1, (1 << 63) - 1)
_EXPONENTS = (0, 1, 2, 0x3FFE, 0x3FFF, 0x4000, 0x403D, 0x403E, 0x403F, 0x7FFE, 0x7FFF)


def random_number(rng: Random) -> tuple[int, int]:
    """A register: special patterns, numbers that one meets, and any bits."""
    kind = rng.random()
    sign = rng.getrandbits(1) << 15
    if kind < 0.3:
        return rng.choice(_SIGNIFICANDS), rng.choice(_EXPONENTS) | sign
    if kind < 0.5:
        number = rng.choice((1, 2, 3, 10, 100, rng.getrandbits(20) + 1, rng.getrandbits(52) + 1))
        return number << 64 - number.bit_length(), 0x3FFF + number.bit_length() - 1 - rng.choice((0, 0, 1, 3)) | sign
    exponent = 0x3FFF + rng.randrange(-70, 70) if kind < 0.9 else rng.getrandbits(15)
    return rng.getrandbits(63) | 1 << 63, exponent | sign


def random_x87(rng: Random) -> X87:
    """Mostly masked exceptions and no flags, TOP anywhere, mostly full registers."""
    registers = tuple([random_number(rng) for _ in range(8)])
    control = 0x37F
    if rng.random() < 0.5:
        control = 0x7F | rng.choice((0, 2, 3)) << 8 | rng.getrandbits(2) << 10
    if rng.random() < 0.2:
        control &= ~rng.getrandbits(6)
    status = rng.getrandbits(3) << 11 | rng.getrandbits(16) & 0x4700
    if rng.random() < 0.5:
        status |= rng.getrandbits(6) & control  # flags of masked exceptions, or one would be pending
    tags = 0
    for i in range(8):
        if rng.random() < 0.3:
            tags |= 3 << 2 * i
    return X87(control, status, tags, registers)
