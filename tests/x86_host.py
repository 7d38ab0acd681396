"""The host's own processor as the oracle of x86 cases: a child process loads the whole user state, executes one instruction, and stores the state again.

Instructions of i386 run in 32-bit code, which every x86-64 processor has and the kernel allows by the selector USER_CS_32. Memory is where cases have it.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import platform
import signal
import struct
from multiprocessing.connection import Connection
from typing import Any

from dbt.abi.x86 import REGISTERS_32, REGISTERS_64, USER_CS_32, USER_CS_64, USER_DS
from tests.instruction_cases import DATA, DATA_SIZE
from tests.native_child import NativeChild

_CODE, _SIZE = 0x60000, 0x3000  # ours in the child: this page of code, one with the guest's state, and one for the host's with a little stack
_INSTRUCTION, _EPILOGUE, _BITS_32 = _CODE + 0x400, _CODE + 0x600, _CODE + 0x800
_FX, _FLAGS, _REGISTERS = _CODE + 0x1000, _CODE + 0x1200, _CODE + 0x1208
_HOST_FX, _HOST_SP, _STACK = _CODE + 0x2000, _CODE + 0x2200, _CODE + 0x3000
_SAVED = ("rbx", "rbp", "r12", "r13", "r14", "r15")
FX_BYTES = 512
STATE = struct.Struct(f"<{FX_BYTES}sQ16Q")  # FXSAVE's format, flags, rAX to R15
_MAP_FIXED_NOREPLACE = 0x100000
_SIGNALS = {
    "undefined": signal.SIGILL, "divide": signal.SIGFPE, "simd": signal.SIGFPE, "fp": signal.SIGFPE, "fault": signal.SIGSEGV, "protection": signal.SIGSEGV,
    "overflow": signal.SIGSEGV, "bound": signal.SIGSEGV, "breakpoint": signal.SIGTRAP, "debug": signal.SIGTRAP,
}  # fmt: skip


@functools.cache
def _assemble(bits: int, address: int, text: str) -> bytes:
    import keystone

    made, _ = keystone.Ks(keystone.KS_ARCH_X86, keystone.KS_MODE_64 if bits == 64 else keystone.KS_MODE_32).asm(text, address)
    return bytes(made)


def _load(names: tuple[str, ...]) -> str:
    """Registers from their places, by the stack pointer, which comes last: keystone gets loads from constant addresses wrong."""
    sp = names[4]
    moves = [f"mov {name}, [{sp} + {8 * i}]" for i, name in enumerate(names) if name != sp]
    return "; ".join([f"lea {sp}, [{_REGISTERS:#x}]", *moves, f"mov {sp}, [{sp} + {8 * names.index(sp)}]"])


def _store(names: tuple[str, ...]) -> str:
    """Neither MOV nor LEA writes flags."""
    moves = [f"mov [{_REGISTERS + 8 * i:#x}], {name}" for i, name in enumerate(names)]
    return "; ".join([*moves, f"lea {names[4]}, [{_STACK:#x}]"])


def _program(long: bool) -> list[tuple[int, bytes]]:
    """(address, code) of all but the instruction: a function without arguments that begins at _CODE."""
    pushes, pops = [f"push {name}" for name in _SAVED], [f"pop {name}" for name in reversed(_SAVED)]
    enter = [*pushes, f"mov [{_HOST_SP:#x}], rsp", f"fxsave64 [{_HOST_FX:#x}]", f"fxrstor64 [{_FX:#x}]", f"lea rsp, [{_STACK:#x}]"]
    leave = ["cld", f"fxsave64 [{_FX:#x}]", f"fxrstor64 [{_HOST_FX:#x}]", f"lea rsp, [{_HOST_SP:#x}]", "pop rsp", *pops, "ret"]
    if long:
        enter += [f"push qword ptr [{_FLAGS:#x}]", "popfq", _load(REGISTERS_64), f"jmp {_INSTRUCTION:#x}"]
        leave = [_store(REGISTERS_64), "pushfq", f"pop qword ptr [{_FLAGS:#x}]", *leave]
        return [(_CODE, _assemble(64, _CODE, "; ".join(enter))), (_EPILOGUE, _assemble(64, _EPILOGUE, "; ".join(leave)))]
    enter += [f"mov eax, {USER_DS}; mov ds, eax; mov es, eax; push {USER_CS_32}; push {_BITS_32:#x}", "retfq"]
    inside = f"push dword ptr [{_FLAGS:#x}]; popfd; {_load(REGISTERS_32)}; jmp {_INSTRUCTION:#x}"
    outside = _assemble(32, _EPILOGUE, f"{_store(REGISTERS_32)}; pushfd; pop dword ptr [{_FLAGS:#x}]")
    back = _EPILOGUE + len(outside) + 7
    outside += b"\xea" + back.to_bytes(4, "little") + USER_CS_64.to_bytes(2, "little")  # a far jump
    outside += _assemble(64, back, "; ".join(["xor eax, eax; mov ds, eax; mov es, eax", *leave]))
    return [(_CODE, _assemble(64, _CODE, "; ".join(enter))), (_BITS_32, _assemble(32, _BITS_32, inside)), (_EPILOGUE, outside)]


def _map(libc: ctypes.CDLL, address: int, size: int) -> None:
    libc.mmap.restype, libc.mmap.argtypes = ctypes.c_size_t, (ctypes.c_size_t, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_FIXED_NOREPLACE
    if libc.mmap(address, size, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC, flags, -1, 0) != address:
        raise OSError(f"the pages at {address:#x} are taken")


def _serve(long: bool, pipe: Connection) -> None:
    libc = ctypes.CDLL(None)
    _map(libc, DATA, DATA_SIZE)
    _map(libc, _CODE, _SIZE)
    for address, code in _program(long):
        ctypes.memmove(address, code, len(code))
    function = ctypes.CFUNCTYPE(None)(_CODE)
    while True:
        code, state, data = pipe.recv()
        jump = b"\xe9" + (_EPILOGUE - _INSTRUCTION - len(code) - 5).to_bytes(4, "little", signed=True)
        ctypes.memmove(_INSTRUCTION, code + jump, len(code) + len(jump))
        ctypes.memmove(_FX, state, len(state))
        ctypes.memmove(DATA, data, len(data))
        function()
        pipe.send((ctypes.string_at(_FX, STATE.size), ctypes.string_at(DATA, DATA_SIZE)))


class Host:
    def __init__(self, long: bool) -> None:
        self._child = NativeChild(functools.partial(_serve, long))

    def run(self, code: bytes, state: bytes, data: bytes) -> tuple[bytes, bytes] | int:
        """State and memory afterwards, or the number of the signal that ended the child."""
        found: tuple[bytes, bytes] | None = self._child.ask(code, state, data)
        return self._child.signal if found is None else found

    def works(self) -> bool:
        """True if a NOP comes through: the kernel may not allow 32-bit code."""
        return isinstance(self.run(b"\x90", STATE.pack(_INITIAL_FX, 2, *[0] * 16), bytes(DATA_SIZE)), tuple)


_INITIAL_FX = struct.pack("<HHBxHQQII", 0x37F, 0, 0, 0, 0, 0, 0x1F80, 0xFFFF).ljust(FX_BYTES, b"\0")


def signal_of(exit: str) -> int | None:
    """The signal that Linux makes of an exception by its name in cases."""
    return _SIGNALS.get(exit)


@functools.cache
def host(long: bool) -> Any:
    """The oracle, or None if this machine has none."""
    found = Host(long)
    return found if platform.machine() == "x86_64" and found.works() else None
