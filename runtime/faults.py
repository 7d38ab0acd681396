"""Host faults of loads that generated code makes without a check: the handler of SIGSEGV sends each to its slow path.

The handler looks the interrupted PC up in the table of the arena it lies in and moves it. Every other SIGSEGV is treated as if there were no handler: a
crash of ours ends the process, and so does the signal when somebody sends it, unless the guest ignores it. The kernel kills outright when a fault comes while
SIGSEGV is blocked, which is what the guest's own kernel does.

The code is kept as bytes, so that no assembler is needed at start; a test assembles the source and compares.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct

_MACHINE = "x86_64"
_MOST = 1 << 20  # loads in one table
_PAIR = struct.Struct("<II")
_TABLE = struct.Struct("<QQQQ")  # next table or 0, base of the code, its size in bytes, pairs; then the pairs: offsets of load and slow path, ascending
_ROOT = struct.Struct("<QQ")  # first table or 0; 1 if a SIGSEGV that was sent is ignored
_ROOT_PLACEHOLDER = 0x1122334455667788  # replaced by the root's address
_SIGSEGV = 11
_SA_SIGINFO, _SA_NODEFER = 4, 0x40000000

# handler(signal, siginfo, ucontext): siginfo.si_code is at 8, ucontext's RIP at 168.
X86_64_SOURCE = """
  movabs r8, 0x1122334455667788
  mov rdi, r8
  mov r8, [r8]
next:
  test r8, r8
  je foreign
  mov r9, [rdx+168]
  sub r9, [r8+8]
  cmp r9, [r8+16]
  jb search
  mov r8, [r8]
  jmp next
search:
  xor eax, eax
  mov ecx, [r8+24]
again:
  cmp eax, ecx
  jae foreign
  lea r10d, [rax+rcx]
  shr r10d, 1
  mov r11d, [r8+r10*8+32]
  cmp r11, r9
  je found
  ja lower
  lea eax, [r10+1]
  jmp again
lower:
  mov ecx, r10d
  jmp again
found:
  mov r11d, [r8+r10*8+36]
  add r11, [r8+8]
  mov [rdx+168], r11
  ret
foreign:
  mov r8d, [rsi+8]
  test r8d, r8d
  jg default
  cmp qword ptr [rdi+8], 0
  jne done
default:
  push 0
  push 0
  push 0
  push 0
  mov rsi, rsp
  xor edx, edx
  mov edi, 11
  mov r10d, 8
  mov eax, 13
  syscall
  add rsp, 32
  test r8d, r8d
  jg done
  mov eax, 39
  syscall
  mov rdi, rax
  mov eax, 186
  syscall
  mov rsi, rax
  mov edx, 11
  mov eax, 234
  syscall
done:
  ret
"""
X86_64_CODE = bytes.fromhex(
    "49b888776655443322114c89c74d8b004d85c0744f4c8b8aa80000004d2b48084d3b481072054d8b00ebe531c0418b481839c8732f448d140841d1ea478b5cd0"
    "204d39cb740d7706418d4201ebe34489d1ebde478b5cd0244d0358084c899aa8000000c3448b46084585c07f0748837f080075486a006a006a006a004889e631"
    "d2bf0b00000041ba08000000b80d0000000f054883c4204585c07f20b8270000000f054889c7b8ba0000000f054889c6ba0b000000b8ea0000000f05c3"
)

_libc = ctypes.CDLL(None, use_errno=True)


class _Handler:
    """What the process has once: the handler's code and the root of its tables. Both stay for as long as the process lives."""

    def __init__(self) -> None:
        self._root = mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        root = ctypes.addressof(ctypes.c_char.from_buffer(self._root))
        self._code = mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._code.write(X86_64_CODE.replace(_ROOT_PLACEHOLDER.to_bytes(8, "little"), root.to_bytes(8, "little")))
        self._entry = ctypes.addressof(ctypes.c_char.from_buffer(self._code))
        if _libc.mprotect(ctypes.c_void_p(self._entry), ctypes.c_size_t(mmap.PAGESIZE), mmap.PROT_READ | mmap.PROT_EXEC):
            raise OSError(ctypes.get_errno(), "the system refuses executable memory")
        self._install()

    def _install(self) -> None:
        """glibc's struct sigaction: handler, 128 bytes of mask, flags, restorer (filled in by glibc)."""
        action = struct.pack("<Q128xi4xQ", self._entry, _SA_SIGINFO | _SA_NODEFER, 0)
        if _libc.sigaction(_SIGSEGV, action, None):
            raise OSError(ctypes.get_errno(), "no handler for SIGSEGV")

    @property
    def first(self) -> int:
        """The table that is searched first."""
        return int(_ROOT.unpack_from(self._root)[0])

    @first.setter
    def first(self, table: int) -> None:
        _ROOT.pack_into(self._root, 0, table, _ROOT.unpack_from(self._root)[1])

    def ignore(self, ignored: bool) -> None:
        _ROOT.pack_into(self._root, 0, self.first, ignored)


_handler: _Handler | None = None


def supported() -> bool:
    """True if this host can do it."""
    return os.uname().machine == _MACHINE


def owns(signo: int) -> bool:
    """True if the host's disposition of signal *signo* is this module's."""
    return signo == _SIGSEGV and _handler is not None


def ignore_sent(ignored: bool) -> None:
    """Whether a SIGSEGV that somebody sends is ignored (else it ends the process). Only where ``owns`` holds."""
    assert _handler is not None
    _handler.ignore(ignored)


class FaultTable:
    """The loads of one arena, whose code starts at host address *base* and has at most *size* bytes."""

    def __init__(self, base: int, size: int) -> None:
        global _handler
        if _handler is None:
            _handler = _Handler()
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
        self._map = mmap.mmap(-1, _TABLE.size + _MOST * _PAIR.size, flags)
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self._count = ctypes.c_uint64.from_buffer(self._map, 24)
        _TABLE.pack_into(self._map, 0, _handler.first, base, size, 0)
        _handler.first = self._address

    def add(self, code_at: int, faults: bytes) -> bool:
        """Add the pairs of a region whose code starts *code_at* bytes into the arena, behind all others; False if the table is full."""
        count = self._count.value
        added = b"".join([_PAIR.pack(load + code_at, slow + code_at) for load, slow in _PAIR.iter_unpack(faults)])
        if count + len(added) // _PAIR.size > _MOST:
            return False
        at = _TABLE.size + count * _PAIR.size
        self._map[at : at + len(added)] = added
        self._count.value = count + len(added) // _PAIR.size
        return True

    def clear(self) -> None:
        """Forget all loads. Only while no vCPU is inside their regions."""
        self._count.value = 0
