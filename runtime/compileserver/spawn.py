"""Starts a process that the guest does not see: not its child, not in its session, and not told of by a signal.

The caller makes a child that shares its memory (and waits for it, as with vfork) and sends no signal when it ends; the child leaves the session and makes a
child of its own, which runs the program and goes to init when the first ends, at once. Only native code may run in such children, hence the stub. The stub's
stack is the caller's: nobody between the system calls touches it.
"""

from __future__ import annotations

import ctypes
import mmap
import os

_WCLONE = -(1 << 31)  # __WCLONE: wait for a child that sends no signal

# spawn(path, argv, envp, error): the first child's id or -errno; execve's -errno is left in *error.
X86_64_SOURCE = """
  mov r8, rdi
  mov r9, rsi
  mov r10, rcx
  mov edi, 0x4100
  xor esi, esi
  mov eax, 56
  syscall
  test eax, eax
  jne parent
  mov eax, 112
  syscall
  mov edi, 0x4111
  xor esi, esi
  mov eax, 56
  syscall
  test eax, eax
  jne child
  mov rdi, r8
  mov rsi, r9
  mov eax, 59
  syscall
  mov [r10], rax
child:
  xor edi, edi
  mov eax, 60
  syscall
parent:
  ret
"""
X86_64_CODE = bytes.fromhex(
    "4989f84989f14989cabf0041000031f6b8380000000f0585c07532b8700000000f05bf1141000031f6b8380000000f0585c075104c89c74c89ceb83b0000000f0549890231ffb83c0000000f05c3"
)
_CODE = {"x86_64": X86_64_CODE}


class SpawnError(OSError):
    """The program could not be started."""


def spawn(path: str, argv: list[str], environment: dict[str, str]) -> None:
    """Run *path* (absolute) apart from this process. All signals must be blocked in the calling thread; the new process inherits that and the
    descriptors of this thread that are not close-on-exec."""
    code = _CODE.get(os.uname().machine)
    if code is None:
        raise SpawnError(0, "no stub for this host")
    memory = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    memory[: len(code)] = code
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(mmap.PAGESIZE), mmap.PROT_READ | mmap.PROT_EXEC):
        raise SpawnError(ctypes.get_errno(), "the system refuses executable memory")
    words = [os.fsencode(word) for word in argv]
    settings = [os.fsencode(f"{name}={value}") for name, value in environment.items()]
    error = ctypes.c_int64(0)
    p = ctypes.c_void_p
    run = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_char_p, p, p, p)(address)
    child = run(os.fsencode(path), (ctypes.c_char_p * (len(words) + 1))(*words, None), (ctypes.c_char_p * (len(settings) + 1))(*settings, None),
                ctypes.addressof(error))  # fmt: skip
    if child < 0:
        raise SpawnError(-child, os.strerror(-child))
    os.waitpid(child, _WCLONE)
    if error.value:
        raise SpawnError(-error.value, os.strerror(-error.value))
