"""The guest process: what its threads share, and its ends: exit, exec, fork."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import sys
from _thread import allocate_lock

from runtime.linux.abi import abi_of
from runtime.linux.errors import GuestExit, GuestFormatError, Replace
from runtime.linux.hoststub import BLOCK_BYTES
from runtime.linux.mm import AddressSpace
from runtime.linux.program import Program
from runtime.linux.signals import ALL, SignalTable
from runtime.linux.sysroot import Sysroot
from runtime.own_files import LOWEST as OWN_FILES

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from runtime.engine import Engine
    from runtime.linux.host import Host
    from runtime.linux.options import Options
    from runtime.linux.signals import Action, ThreadSignals
    from runtime.linux.threads import Thread
    from runtime.linux.vfork import ChildWrites
    from runtime.linux.watchdog import Watchdog
    from runtime.linux.x86.descriptors import Descriptor
    from runtime.memory import GuestMemory

MAX_SCRIPT_DEPTH = 5
_PR_SET_NAME = 15


class Process:
    """One a host process. ``threads`` maps host thread ids to threads; ``lock`` guards it and the signal blocks."""

    def __init__(self, host: Host, engine: Engine, options: Options, program: Program, signals: SignalTable) -> None:
        host.forget_blocks()
        self.host = host
        self.engine = engine
        self.abi = abi_of(engine.arch)
        self.memory: GuestMemory = engine.memory
        self.options = options
        self.sysroot = Sysroot(options.sysroot)
        self.space = AddressSpace(engine.memory, host, self.abi.memory_map(engine.memory.size))
        self.space.before_shared_stores = engine.watch_stores
        self.signals = signals
        self.threads: dict[int, Thread] = {}
        self.ldt: dict[int, Descriptor] = {}  # modify_ldt's, by entry (x86)
        self.lock = allocate_lock()
        self.first_thread: Thread | None = None  # the one whose loop ``run`` called
        self.exe = program.exe  # the program's path as the guest sees it
        self.exe_host = os.path.realpath(os.fsencode(program.path))
        self.argv, self.envp, self.auxv = program.argv, program.envp, b""
        self.has_timers = False  # POSIX timers: only a new host process gets rid of them
        self.on_signal: Callable[[ThreadSignals, int, bytes, Action, int], None] | None = None  # told of each handler that starts
        self.unknown: dict[int, int] = {}  # syscall numbers we have no row for -> how often
        self.syscall_count = 0  # made by Python
        self.native_calls = 0  # made by native code, in threads that have left
        self.forked = False
        self.watchdog: Watchdog | None = None
        self.child_writes: ChildWrites | None = None  # in a child of vfork
        self.exit_hooks: list[Callable[[], None]] = []
        self._free_blocks: list[int] = []
        self._all_left = allocate_lock()  # held while the first thread waits for the others

        from runtime.linux.syscalls import Resolver

        self.resolver = Resolver(self)
        self.handlers = self.resolver.handlers
        self.resolve = self.resolver.resolve

    # Signal blocks

    def take_block(self) -> int:
        """A free signal block for a thread that starts."""
        with self.lock:
            if self._free_blocks:
                return self._free_blocks.pop()
            words = self.host.words
            block: int = words[1]
            words[1] = block + BLOCK_BYTES
            return block

    def give_block(self, block: int) -> None:
        self._free_blocks.append(block)

    # Ends

    def before_exit(self) -> None:
        """What must be said or kept before the host process goes."""
        self.tell_parent()
        hooks, self.exit_hooks = self.exit_hooks, []
        for hook in hooks:
            hook()
        self.engine.keep()

    def tell_parent(self) -> None:
        """In a child of vfork, before it leaves."""
        if self.child_writes is not None:
            self.child_writes.tell_parent()

    def is_alone(self, thread: Thread) -> bool:
        """True if *thread* is the only one. Waits for those that are just leaving: they may still write guest memory."""
        while True:
            others = [other for other in list(self.threads.values()) if other is not thread]
            if not others or not all(other.leaving for other in others):
                return not others
            self.host.quick(self.host.nr["sched_yield"])

    def exit(self, thread: Thread, status: int) -> NoReturn:
        """exit_group: ends all threads. In the first process's first thread ``run_program`` returns, elsewhere the host process ends here."""
        if not self.forked and thread is self.first_thread and self.is_alone(thread):
            raise GuestExit(status)
        self.before_exit()
        self.release_robust()
        os._exit(status)

    def release_robust(self) -> None:
        """The process ends, whatever its threads hold: mutexes that it shares with other processes are marked."""
        from runtime.linux.futex import exit_robust_list

        with self.engine.exclusive_section():
            for thread in list(self.threads.values()):
                exit_robust_list(thread)

    def thread_left(self) -> None:
        """A thread that is not the first has ended."""
        if self._all_left.locked() and not any(True for _ in self.threads):
            self._all_left.release()

    def exit_thread(self, thread: Thread, status: int) -> NoReturn:
        """exit: ends one thread; the process when it is the last one."""
        from runtime.linux.errors import ThreadExit

        if self.is_alone(thread):
            self.exit(thread, status)
        if thread.tid != os.getpid():
            raise ThreadExit
        self._all_left.acquire()
        thread.leave()
        if self.threads:
            self._all_left.acquire()  # the last thread releases it
        self.before_exit()
        os._exit(status)

    def crash(self) -> NoReturn:
        """A bug of ours on a thread that has no caller: say it and end the process."""
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
        os._exit(70)

    # fork

    def fork(self, thread: Thread, wait_for_exec: bool = False, shares_memory: bool = False) -> int:
        """fork; with *wait_for_exec* (vfork) the parent goes on when the child has run another program or ended, and with *shares_memory* it sees what the
        child wrote until then. Returns 0 in the child, its id in the parent, or -errno."""
        read_end = write_end = -1
        if wait_for_exec:
            read_end, write_end = _high_pipe()
        mask = thread.signals.mask
        thread.signals.apply_mask(ALL)
        thread.signals.collect()
        with self.space.lock:  # nobody is half-way through a change of the map
            self.engine.before_fork()
            try:
                pid = os.fork()
            except OSError as e:
                pid = -(e.errno or errno.EAGAIN)
            self.engine.after_fork(pid == 0, thread.vcpu)
        if pid == 0:
            self.forked = True
            if read_end >= 0:
                os.close(read_end)
            self.lock = allocate_lock()
            self._all_left = allocate_lock()
            self.threads = {}
            self._free_blocks = []
            thread.block = 0
            self.host.forget_blocks()
            thread.after_fork()
            self.threads[thread.tid] = thread
            if self.watchdog is not None:
                self.watchdog.start()
            if self.child_writes is not None:
                self.child_writes.detach()
            if shares_memory and write_end >= 0:
                from runtime.linux.vfork import ChildWrites

                self.child_writes = ChildWrites(self, write_end)
            thread.signals.apply_mask(mask)
            return 0
        thread.signals.apply_mask(mask)
        if write_end >= 0:
            from runtime.linux.vfork import wait_for_child

            os.close(write_end)
            if pid > 0:
                wait_for_child(self.memory, read_end)
            os.close(read_end)
        return pid

    # exec

    def execve(self, thread: Thread, path: bytes, argv: list[bytes], envp: list[bytes]) -> int:
        """Run another program in this process; returns only with -errno."""
        from runtime.linux.elf import guest_of, is_elf, read_elf
        from runtime.linux.procfs import host_target

        execfn = path
        for _ in range(MAX_SCRIPT_DEPTH):
            found = self.sysroot.host_path(host_target(self, path))
            try:
                fd = os.open(found, os.O_RDONLY | os.O_CLOEXEC)
            except OSError as e:
                return -(e.errno or errno.ENOENT)
            try:
                if os.path.isdir(fd) or not os.access(found, os.X_OK):
                    return -errno.EACCES
                head = os.pread(fd, 256, 0)
                if self._is_guest(guest_of(head), found):
                    name = os.fsdecode(found)
                    elf = read_elf(name, fd)
                    if elf.interp is not None and not os.path.exists(self.sysroot.host_path(elf.interp)):
                        return -errno.ENOENT
                    if not path.startswith(b"/"):
                        path = os.path.join(os.getcwdb(), path)
                    return self._replace(thread, Program(name, argv, envp, execfn, os.path.normpath(path)))
            except GuestFormatError:
                return -errno.ENOEXEC
            finally:
                os.close(fd)
            if head[:2] != b"#!":
                if not is_elf(head):
                    return -errno.ENOEXEC
                return self._host_execve(found, argv, envp)  # a program of the host itself
            line = head[2:].split(b"\n", 1)[0].strip(b" \t")
            interpreter, _, argument = line.partition(b" ") if b"\t" not in line else line.replace(b"\t", b" ", 1).partition(b" ")
            if not interpreter:
                return -errno.ENOEXEC
            argument = argument.strip(b" \t")
            argv = [interpreter, *([argument] if argument else []), path, *argv[1:]]
            path = interpreter
        return -errno.ELOOP

    def _is_guest(self, arch: str | None, path: bytes) -> bool:
        """True if the program at host path *path*, for *arch*, is to be translated: one of the host's own kind only if it belongs to the guest's world."""
        if arch is None:
            return False
        return arch in (self.engine.arch, "arm", "i386") or bool(self.sysroot.root) and path.startswith(self.sysroot.root + b"/")

    def _replace(self, thread: Thread, program: Program) -> int:
        """The new program takes over this host process, which saves the start of another Python. Where that could show, a new translator is started."""
        tier1 = self.engine.tier1
        if thread is self.first_thread and self.is_alone(thread) and not self.has_timers and (tier1 is None or tier1.may_compile):
            self.tell_parent()
            raise Replace(program)
        from runtime.linux.respawn import command

        arguments = command(self.options, self.signals.ignored(), program)
        self.before_exit()
        return self._host_execve(os.fsencode(sys.executable), arguments, program.envp)

    def give_way(self, thread: Thread) -> None:
        """What execve undoes, once ``Replace`` has unwound the thread."""
        thread.signals.collect()
        self.engine.keep()
        self.signals.forget_handlers()
        _close_on_exec()

    def name_thread(self, execfn: bytes) -> None:
        """What ps and /proc/self/comm show."""
        name = ctypes.create_string_buffer(execfn.rpartition(b"/")[2][:15])
        self.host.quick(self.host.nr["prctl"], _PR_SET_NAME, ctypes.addressof(name))

    def _host_execve(self, path: bytes, argv: list[bytes], envp: list[bytes]) -> int:
        def strings(items: list[bytes]) -> ctypes.Array[ctypes.c_char_p]:
            return (ctypes.c_char_p * (len(items) + 1))(*items, None)

        self.tell_parent()
        name, arguments, environment = ctypes.create_string_buffer(path), strings(argv), strings(envp)
        return self.host.quick(self.host.nr["execve"], ctypes.addressof(name), ctypes.addressof(arguments), ctypes.addressof(environment))


def _close_on_exec() -> None:
    """Close what execve closes."""
    import fcntl

    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if fcntl.fcntl(int(name), fcntl.F_GETFD) & fcntl.FD_CLOEXEC:
                os.close(int(name))


def _high_pipe() -> tuple[int, int]:
    """A close-on-exec pipe whose descriptors are out of the guest's way; (-1, -1) if there is none."""
    import fcntl

    try:
        low = os.pipe2(os.O_CLOEXEC)
    except OSError:
        return -1, -1
    try:
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, OWN_FILES) for fd in low]
        return high[0], high[1]
    except OSError:
        return -1, -1
    finally:
        os.close(low[0])
        os.close(low[1])
