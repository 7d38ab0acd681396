"""Puts a program and its dynamic loader into the address space, as the kernel's ``binfmt_elf`` does, at fixed addresses."""

from __future__ import annotations

import errno
import os

from runtime.linux.areas import page_up
from runtime.linux.elf import ET_DYN, PF_R, PF_W, PF_X, Elf, read_elf
from runtime.linux.errors import GuestFormatError, UsageError
from runtime.linux.mm import (
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_FIXED_NOREPLACE,
    MAP_PRIVATE,
    PROT_EXEC,
    PROT_READ,
    PROT_WRITE,
    AddressSpace,
)
from runtime.linux.sysroot import Sysroot

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.abi import Abi

STACK_BYTES = 8 << 20
STACK_GUARD = 1 << 20


class Loaded:
    """A program in memory. ``entry`` is where the guest starts (the dynamic loader's entry if there is one)."""

    __slots__ = ("elf", "entry", "program_entry", "bias", "interp_base", "phdr")

    def __init__(self, elf: Elf, entry: int, program_entry: int, bias: int, interp_base: int, phdr: int) -> None:
        self.elf, self.entry, self.program_entry, self.bias, self.interp_base, self.phdr = elf, entry, program_entry, bias, interp_base, phdr


def open_program(path: str, arch: str | None = None) -> tuple[int, Elf]:
    """Open and check a program file. UsageError if it is missing, may not be executed or is not for *arch* (for any guest if None)."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as e:
        raise UsageError(f"{path}: {e.strerror}") from None
    try:
        if os.path.isdir(path):
            raise UsageError(f"{path}: is a directory")
        elf = read_elf(path, fd, arch)
        if not os.access(path, os.X_OK):
            raise UsageError(f"{path}: no execute permission (chmod +x)")
        return fd, elf
    except BaseException:
        os.close(fd)
        raise


def load_program(space: AddressSpace, fd: int, elf: Elf, sysroot: Sysroot, abi: Abi) -> Loaded:
    """Map the program open as *fd* and, if it names one, its interpreter; set the heap's start and map the kernel's own pages."""
    space.top = space.stack_top - STACK_BYTES - STACK_GUARD
    space.read_implies_exec = elf.stack_exec
    bias = space.pie_base - elf.low if elf.type == ET_DYN else 0
    _map_segments(space, fd, elf, bias)
    space.brk_start = space.brk_end = page_up(elf.high + bias)
    program_entry = entry = elf.entry + bias
    interp_base = 0
    if elf.interp is not None:
        path = os.fsdecode(sysroot.host_path(elf.interp))
        try:
            interp_fd, interp = open_program(path, elf.arch)
        except GuestFormatError:
            raise
        except UsageError as e:
            root = os.fsdecode(sysroot.root)
            hint = f"is {root} a sysroot for {elf.arch}?" if root else "give the folder with the guest's libraries as -L SYSROOT"
            raise UsageError(f"{elf.path}: cannot load its interpreter: {e}: {hint}") from None
        try:
            if interp.type == ET_DYN:
                interp_base = space.gap(page_up(interp.high) - interp.low) - interp.low
            _map_segments(space, interp_fd, interp, interp_base)
        finally:
            os.close(interp_fd)
        entry = interp.entry + interp_base
    abi.map_kernel_pages(space)
    phdr = elf.phdr_vaddr
    return Loaded(elf, entry, program_entry, bias, interp_base, phdr + bias if phdr else 0)


def _map_segments(space: AddressSpace, fd: int, elf: Elf, bias: int) -> None:
    for index, s in enumerate(elf.loads):
        prot = (PROT_READ if s.flags & PF_R else 0) | (PROT_WRITE if s.flags & PF_W else 0) | (PROT_EXEC if s.flags & PF_X else 0)
        start = s.vaddr + bias
        page = start & ~0xFFF
        file_end = start + s.filesz
        shared_page = index and page < page_up(elf.loads[index - 1].end + bias)
        if shared_page:  # two segments on one page: the kernel maps the later one over the earlier one
            fixed = MAP_FIXED
        else:
            fixed = MAP_FIXED_NOREPLACE
        if s.filesz:
            _check(elf, start, space.map(page, file_end - page, prot, MAP_PRIVATE | fixed, fd, s.offset - (start - page)))
        bss = page_up(file_end) if s.filesz else page
        if s.end + bias > bss:
            _check(elf, start, space.map(bss, s.end + bias - bss, prot, MAP_PRIVATE | MAP_ANONYMOUS | (MAP_FIXED_NOREPLACE if s.filesz else fixed)))
        if s.filesz and s.memsz > s.filesz and file_end & 0xFFF:
            if not prot & PROT_WRITE:
                raise GuestFormatError(elf.path, f"segment at {s.vaddr:#x} has zero-filled data but is not writable")
            space.memory.write(file_end, bytes(page_up(file_end) - file_end))  # to the page's end, as in the kernel: ld.so uses the rest as its heap


def _check(elf: Elf, address: int, got: int) -> None:
    if got < 0:
        raise GuestFormatError(elf.path, f"segment at {address:#x} cannot be mapped: {errno.errorcode.get(-got, -got)}")


def map_stack(space: AddressSpace, executable: bool) -> None:
    """Map the main thread's stack."""
    prot = PROT_READ | PROT_WRITE | (PROT_EXEC if executable else 0)
    space.map(space.stack_top - STACK_BYTES, STACK_BYTES, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, name=b"[stack]")
