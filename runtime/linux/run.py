"""``run_program``: load a guest program and run it to its end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NoReturn

from runtime.linux.errors import GuestExit, ThreadExit, UsageError
from runtime.linux.host import Host
from runtime.linux.loader import load_program, map_stack, open_program
from runtime.linux.options import Options
from runtime.linux.signals import ALL, SIG_SETMASK
from runtime.linux.stack import build_stack

ARCH = "arm"


def environment() -> list[bytes]:
    """This process's environment as it was given, in order and with its oddities."""
    try:
        with open("/proc/self/environ", "rb", buffering=0) as file:
            return [item for item in file.readall().split(b"\0") if item]
    except OSError:
        return [key + b"=" + value for key, value in os.environb.items()]


def override(envp: list[bytes], changes: dict[str, str | None]) -> list[bytes]:
    """*envp* with variables set, or taken out where the value is None."""
    names = {os.fsencode(name) + b"=" for name in changes}
    kept = [item for item in envp if not any(item.startswith(name) for name in names)]
    return kept + [os.fsencode(f"{name}={value}") for name, value in changes.items() if value is not None]


def run_program(
    path: str,
    argv: list[bytes],
    envp: list[bytes] | None = None,
    *,
    options: Options | None = None,
    execfn: bytes | None = None,
    exe: bytes | None = None,
    ignored: frozenset[int] = frozenset(),
    on_exit: Callable[[object], None] | None = None,
) -> int:
    """Run the guest program *path* (a host path) and return its exit status; a fatal signal ends this process with that signal.

    *argv* includes the program's name; *envp* is ours if None. *execfn* and *exe* are the names the guest sees (default: from *path*). *ignored*: signals
    that were ignored before Python started. *on_exit* is called with the process before it ends, wherever it ends. UsageError if the program cannot be run.
    """
    options = options or Options()
    if options.sysroot is not None and not os.path.isdir(options.sysroot):
        raise UsageError(f"{options.sysroot}: the sysroot (-L) is not a directory")
    fd, elf = open_program(path, ARCH)
    from runtime.engine import Engine
    from runtime.linux.process import Process
    from runtime.linux.threads import Thread

    host = Host()
    mask = _signal_mask(host, ALL)  # threads that the engine starts take no signals: only guest threads have signal blocks
    engine = Engine(ARCH, tier=options.tier, persistent=options.cache)
    try:
        process = Process(host, engine, options)
        try:
            loaded = load_program(process.space, fd, elf, process.sysroot)
        finally:
            os.close(fd)
        process.signals.adopt(ignored)
        process.exe_host = os.path.realpath(os.fsencode(path))
        process.exe = exe or process.sysroot.guest_path(os.path.abspath(os.fsencode(path)))
        process.argv, process.envp = argv, environment() if envp is None else envp
        top = map_stack(process.space, elf.stack_exec)
        sp, process.auxv = build_stack(process.memory, top, loaded, argv, process.envp, execfn or os.fsencode(path))
        if on_exit is not None:
            process.exit_hooks.append(lambda: on_exit(process))
        if options.trace and "syscall" in options.trace:
            from runtime.linux.trace import trace_syscalls

            trace_syscalls(process)
        vcpu = engine.new_vcpu()
        thread = Thread(process, vcpu, mask)
        thread.bind()
        process.threads[thread.tid] = thread
        vcpu.put("r13", sp)
        vcpu.pc = loaded.entry & ~1
        vcpu.mode = loaded.entry & 1
        _signal_mask(host, mask)
        try:
            thread.run()
        except GuestExit as end:
            process.before_exit()
            return end.status
        except ThreadExit:
            return 0
        raise AssertionError("a thread's loop ends by an exception")
    finally:
        _signal_mask(host, mask)
        engine.close()


def _signal_mask(host: Host, mask: int) -> int:
    """Set the calling thread's host signal mask; gives the one before."""
    import ctypes

    masks = (ctypes.c_uint64 * 2)(mask, 0)
    at = ctypes.addressof(masks)
    host.quick(host.nr["rt_sigprocmask"], SIG_SETMASK, at, at + 8, 8)
    return masks[1]


def exit_with(run: Callable[[], int]) -> NoReturn:
    """End the process with the status that *run* returns; a usage error is one line and status 2. Does not wait for Python's tear-down."""
    try:
        status = run()
    except UsageError as error:
        sys.stderr.write(f"dbt: {error}\n")
        status = 2
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
