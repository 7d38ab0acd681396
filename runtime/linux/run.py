"""``run_program``: load a guest program and run it, and what it replaces itself with, to the end."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable

from runtime.linux.errors import GuestExit, Replace, UsageError
from runtime.linux.host import Host
from runtime.linux.loader import load_program, map_stack, open_program
from runtime.linux.options import Options
from runtime.linux.program import Program, first_program
from runtime.linux.signals import ALL, SIG_SETMASK, SignalTable
from runtime.linux.stack import build_stack
from runtime.paths import adopt_tree, cache_dir, fix_cache_dir

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from typing import NoReturn

    from runtime.linux.process import Process


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
    on_exit: Callable[[Process], None] | None = None,
) -> int:
    """Run the guest program *path* (a host path) and return its exit status; a fatal signal ends this process with that signal.

    *argv* includes the program's name; *envp* is ours if None. *on_exit* is called with the process before it ends, wherever it ends. UsageError if the
    program cannot be run.
    """
    options = options or Options()
    return run(first_program(path, argv, environment() if envp is None else envp, options.sysroot), options, on_exit=on_exit)


def run(program: Program, options: Options, ignored: frozenset[int] = frozenset(), on_exit: Callable[[Process], None] | None = None) -> int:
    """Run *program*, and what it replaces itself with, to the end. *ignored*: signals that were ignored before Python started."""
    if options.cache_dir is None:
        options.cache_dir = cache_dir()
    fix_cache_dir(options.cache_dir)
    options.tree = adopt_tree(options.tree)
    host = Host()
    signals = SignalTable(host)
    inherited = Inherited(_signal_mask(host, ALL), signals, ignored)  # threads that the engine starts take no signals: they have no signal blocks
    try:
        while True:
            try:
                return _run_image(program, options, host, inherited, on_exit)
            except Replace as replace:
                program = replace.program
    finally:
        _discard_signals(host, signals)
        _signal_mask(host, inherited.mask)


def _discard_signals(host: Host, signals: SignalTable) -> None:
    """The guest has ended: what is still pending for it is lost, and its handlers, whose memory is gone, get no more."""
    import ctypes

    words = (ctypes.c_uint64 * 3)(ALL, 0, 0)  # a mask, and a timespec of no time
    at = ctypes.addressof(words)
    while host.quick(host.nr["rt_sigtimedwait"], at, 0, at + 8, 8) > 0:
        pass
    signals.forget_handlers()


class Inherited:
    """What a program image takes over from the one before."""

    __slots__ = ("mask", "signals", "ignored", "waiting", "forked")

    def __init__(self, mask: int, signals: SignalTable, ignored: frozenset[int]) -> None:
        self.mask, self.signals = mask, signals
        self.ignored: frozenset[int] | None = ignored  # until the first image has taken them over
        self.waiting: list[tuple[int, bytes]] = []
        self.forked = False


def _run_image(program: Program, options: Options, host: Host, inherited: Inherited, on_exit: Callable[[Process], None] | None) -> int:
    """One program image, from its file to its exit status; all signals are blocked on entry and on exit."""
    from runtime.engine import Engine
    from runtime.linux.process import Process
    from runtime.linux.threads import Thread

    fd, elf = open_program(program.path)
    engine = Engine(elf.arch, tier=options.tier, memory=options.memory, atomics=options.atomics, persistent=options.cache, idiom=options.idiom,
                    x86_atomics=options.x86_atomics)  # fmt: skip
    try:
        process = Process(host, engine, options, program, inherited.signals)
        process.forked = inherited.forked
        try:
            abi = process.abi
            loaded = load_program(process.space, fd, elf, process.sysroot, abi)
        finally:
            os.close(fd)
        map_stack(process.space, elf.stack_exec)
        sp, process.auxv = build_stack(process.memory, abi, process.space.stack_top, loaded, program.argv, program.envp, program.execfn)
        if inherited.ignored is not None:
            process.signals.adopt(inherited.ignored)
            inherited.ignored = None
        if on_exit is not None:
            process.exit_hooks.append(lambda: on_exit(process))
        if options.trace:
            from runtime.linux import trace

            trace.start(process, options.trace)
        if "syscall" not in options.trace:
            from runtime.linux import nativecalls

            nativecalls.install(process)
        if options.watchdog:
            from runtime.linux.watchdog import Watchdog

            process.watchdog = Watchdog(process, options.watchdog)
            process.watchdog.start()
        vcpu = engine.new_vcpu()
        thread = process.first_thread = Thread(process, vcpu, inherited.mask)
        thread.signals.waiting = inherited.waiting
        thread.bind()
        process.threads[thread.tid] = thread
        process.name_thread(program.execfn)
        engine.begin(process.exe_host)
        abi.start(vcpu, loaded.entry, sp)
        thread.signals.set_mask(inherited.mask)
        if not gc.isenabled():  # the command line's start: what there is now lives as long as the process
            gc.freeze()
            gc.enable()
        try:
            thread.run()
        except GuestExit as end:
            process.before_exit()
            return end.status
        except Replace:
            process.give_way(thread)
            inherited.mask, inherited.waiting, inherited.forked = thread.signals.mask, thread.signals.waiting, process.forked
            raise
        finally:
            _signal_mask(host, ALL)
            if process.watchdog is not None:
                process.watchdog.stop()
        raise AssertionError("a thread's loop ends by an exception")
    finally:
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
