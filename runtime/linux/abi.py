"""What differs between Linux guests: one object an architecture (``runtime.linux.arm.abi``, ``runtime.linux.x86.i386``, ``runtime.linux.x86.x86_64``).

Everything else in ``runtime.linux`` serves all guests and asks ``thread.abi``. Sizes are bytes.
"""

from __future__ import annotations

from struct import Struct

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.mm import AddressSpace
    from runtime.linux.signals import Action
    from runtime.linux.syscalls.rows import Row
    from runtime.linux.threads import Thread
    from runtime.vcpu import VCpu


class MemoryMap:
    """Where a process's memory lies: user addresses end at ``limit``; position-independent programs start at ``pie_base``."""

    __slots__ = ("limit", "stack_top", "pie_base")

    def __init__(self, limit: int, stack_top: int, pie_base: int) -> None:
        self.limit, self.stack_top, self.pie_base = limit, stack_top, pie_base


class Fault:
    """A synchronous signal. ``address`` is si_addr; ``trap``, ``error`` and ``where`` (the address that failed, 0 if there is none) are what the machine
    context of the signal frame shows."""

    __slots__ = ("signo", "code", "address", "trap", "error", "where")

    def __init__(self, signo: int, code: int, address: int, trap: int, error: int = 0, where: int = 0) -> None:
        self.signo, self.code, self.address, self.trap, self.error, self.where = signo, code, address, trap, error, where


NO_FAULT = Fault(0, 0, 0, 0)  # in the frame of a signal that was sent


class OpenFlags:
    """Flags of open(2) as the guest numbers them; the others are the same on all machines."""

    def __init__(self, directory: int, nofollow: int, direct: int, largefile: int) -> None:
        import os

        # glibc's O_LARGEFILE is 0 on 64-bit hosts; the kernel reports its own number.
        host_largefile = {"x86_64": 0o100000, "aarch64": 0o400000}.get(os.uname().machine, 0)
        self._pairs = ((directory, os.O_DIRECTORY), (nofollow, os.O_NOFOLLOW), (direct, os.O_DIRECT), (largefile, host_largefile))
        self._guest_bits = directory | nofollow | direct | largefile
        self._host_bits = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_DIRECT | host_largefile

    def to_host(self, flags: int) -> int:
        """The guest's open flags with the host's numbers."""
        found = flags & ~self._guest_bits
        for guest, host in self._pairs:
            if flags & guest:
                found |= host
        return found

    def to_guest(self, flags: int) -> int:
        """The host's open flags (F_GETFL) with the guest's numbers."""
        found = flags & ~self._host_bits
        for guest, host in self._pairs:
            if flags & host:
                found |= guest
        return found


class Abi:
    """One guest architecture. Registers are numbers of cells from the slot ``first_register`` on."""

    arch: str  # key of dbt.abi.archs.LAYOUTS
    machine: str  # uname -m
    platform: bytes  # AT_PLATFORM
    hwcap: int  # AT_HWCAP
    hwcap2 = 0
    word: int  # bytes of a long and of a pointer
    word_code: str  # its letter in struct formats

    shm_align: int  # SHMLBA

    first_register: str
    register_count: int
    number: int  # register of the system call's number
    arguments: tuple[int, ...]  # registers of its arguments
    result: int  # register of its result
    sp: int
    native_registers: tuple[str, ...]  # slots of the number, the arguments and the result, for native code

    flock: Struct  # type whence start len pid, as fcntl's commands of longs have them...
    flock64: Struct  # ...and those of 64 bits
    epoll_event: Struct  # events data
    stat: Struct  # see pack_stat

    open_flags: OpenFlags

    def rows(self) -> dict[int, Row]:
        """The system calls by number."""
        raise NotImplementedError

    def memory_map(self, size: int) -> MemoryMap:
        """For a guest space of *size* bytes."""
        raise NotImplementedError

    # Processor state

    def start(self, vcpu: VCpu, entry: int, sp: int) -> None:
        """The state of a new program image's first thread."""
        raise NotImplementedError

    def rewind(self, vcpu: VCpu) -> None:
        """Back to the system call instruction that the vCPU has just executed."""
        raise NotImplementedError

    def set_tls(self, thread: Thread, tls: int) -> int:
        """What CLONE_SETTLS does to *thread*, which does not run yet: 0 or -errno. GuestFault if *tls* points nowhere."""
        raise NotImplementedError

    def clone_arguments(self, parent_tid: int, fourth: int, fifth: int) -> tuple[int, int, int]:
        """(parent_tid, tls, child_tid) from the last three arguments of clone."""
        return parent_tid, fourth, fifth

    def map_kernel_pages(self, space: AddressSpace) -> None:
        """What the kernel maps into every process besides the program."""

    # Faults

    def memory_fault(self, info: int, address: int) -> Fault:
        """Of a load or store: *info* holds the softmmu's FAULT_* bits."""
        raise NotImplementedError

    def access_fault(self, thread: Thread, info: int, address: int) -> Fault:
        """Of the instruction at *thread*'s pc."""
        return self.memory_fault(info, address)

    def fetch_fault(self, mapped: bool, address: int) -> Fault:
        raise NotImplementedError

    def answer(self, thread: Thread, name: str) -> bool:
        """True if exception *name* only asks for something, which it has now: the instruction starts anew."""
        return False

    def exception(self, thread: Thread, name: str, detail: int) -> Fault:
        """Of the guest exception *name* (a key of ``dbt.abi.exits.EXCEPTIONS``) at the vCPU's pc."""
        raise NotImplementedError

    # Signal frames

    def enter_handler(
        self, thread: Thread, signo: int, siginfo: bytes, action: Action, mask: int, stack: tuple[int, int, int], fault: Fault, sp: int
    ) -> None:
        """Push a frame below *sp* that resumes at the vCPU's present state with *mask*, and make the vCPU start the handler. *stack*: the alternate stack
        (ss_sp, ss_flags, ss_size). GuestFault, with the vCPU as it was, if the frame cannot be written."""
        raise NotImplementedError

    def leave_handler(self, thread: Thread, rt: bool) -> tuple[int, tuple[int, int, int]]:
        """sigreturn: restore the vCPU from the frame; (mask, alternate stack). GuestFault if it cannot be read."""
        raise NotImplementedError

    # Structures

    def pack_stat(self, device: int, ino: int, mode: int, nlink: int, uid: int, gid: int, rdevice: int, size: int, blksize: int, blocks: int,
                  times: tuple[int, ...]) -> bytes:
        """``struct stat64``, or ``stat`` of a 64-bit guest. *times*: seconds and nanoseconds of access, modification and change."""
        raise NotImplementedError

    def cpuinfo(self, processors: int) -> str:
        """/proc/cpuinfo."""
        raise NotImplementedError


def abi_of(arch: str) -> Abi:
    """The object of a guest architecture."""
    if arch == "arm":
        from runtime.linux.arm.abi import ARM

        return ARM
    if arch == "i386":
        from runtime.linux.x86.i386 import I386

        return I386
    from runtime.linux.x86.x86_64 import X86_64

    return X86_64
