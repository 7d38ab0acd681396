"""System calls as text, in the way of strace: ``--trace syscall``."""

from __future__ import annotations

import errno
import os

from runtime.linux.syscalls.common import signed
from runtime.memory import GuestFault

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.process import Process
    from runtime.linux.syscalls import Handler
    from runtime.linux.threads import Thread

_SHOWN = 64  # bytes of a string
_NO_RETURN = ("exit", "exit_group", "execve", "rt_sigreturn", "sigreturn")


def _string(t: Thread, addr: int) -> str:
    if not addr:
        return "NULL"
    try:
        text = t.memory.read_cstr(addr)
    except GuestFault:
        return f"{addr:#x}"
    return '"' + text[:_SHOWN].decode("ascii", "backslashreplace") + ('"...' if len(text) > _SHOWN else '"')


def _argument(t: Thread, kind: str, value: int) -> str:
    if kind == "s":
        return _string(t, value)
    if kind in "fi":
        return "AT_FDCWD" if kind == "f" and signed(value) == -100 else str(signed(value))
    if kind == "u":
        return str(value)
    if kind == "o":
        return f"{value:#o}"
    return f"{value:#x}" if value > 9 else str(value)


def _result(value: int | None) -> str:
    if value is None:
        return "?"
    if -4096 < value < 0:
        return f"-1 {errno.errorcode.get(-value, 'ERESTARTSYS')}"
    return f"{value:#x}" if value > 0xFFFFF else str(value)


def trace_syscalls(process: Process) -> None:
    """Trace every syscall of *process* from now on."""

    def wrap(number: int, name: str, kinds: str, handler: Handler) -> Handler:
        def traced(t: Thread, *args: int) -> int | None:
            shown = ", ".join(_argument(t, kind, value) for kind, value in zip(kinds.replace("_", ""), args, strict=False))
            head = f"[{t.tid}] {name}({shown}) = "
            if name in _NO_RETURN:
                os.write(2, f"{head}?\n".encode())
            try:
                result = handler(t, *args)
            except GuestFault as fault:
                os.write(2, f"{head}-1 EFAULT ({fault})\n".encode())
                raise
            except OSError as error:
                os.write(2, f"{head}-1 {errno.errorcode.get(error.errno or 0, '?')}\n".encode())
                raise
            if name not in _NO_RETURN:
                os.write(2, f"{head}{_result(result)}\n".encode())
            return result

        return traced

    process.resolver.wrap = wrap
