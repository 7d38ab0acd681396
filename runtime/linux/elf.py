"""A quick, suspicious reader of ELF file and program headers. All sizes and offsets are bytes.

Layouts: System V ABI, chapters 4 and 5. Nothing of the file is trusted: every finding is a ``GuestFormatError`` with the file and the reason.
"""

from __future__ import annotations

import os
from struct import Struct

from runtime.linux.errors import GuestFormatError, UsageError

PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_PHDR, PT_GNU_STACK = 1, 2, 3, 6, 0x6474E551
PF_X, PF_W, PF_R = 1, 2, 4
ET_EXEC, ET_DYN = 2, 3
EM_386, EM_ARM, EM_X86_64, EM_AARCH64 = 3, 40, 62, 183
EF_ARM_BE8 = 0x00800000
EF_ARM_EABIMASK = 0xFF000000
MACHINE_NAMES = {  # e_machine, as the System V ABI and its supplements register it
    2: "SPARC", EM_386: "i386", 4: "m68k", 6: "Intel MCU", 8: "MIPS", 15: "PA-RISC", 18: "SPARC", 20: "PowerPC", 21: "PowerPC64", 22: "S/390", EM_ARM: "ARM",
    41: "Alpha", 42: "SuperH", 43: "SPARC64", 50: "IA-64", EM_X86_64: "x86-64", 83: "AVR", 92: "OpenRISC", 93: "ARC", 94: "Xtensa", 105: "MSP430",
    113: "Nios II", 164: "Hexagon", EM_AARCH64: "AArch64", 189: "MicroBlaze", 190: "CUDA", 195: "ARCv2", 224: "AMD GPU", 243: "RISC-V", 247: "BPF",
    252: "C-SKY", 258: "LoongArch", 0x9026: "Alpha",
}  # fmt: skip
GUESTS = {EM_ARM: ("arm", 1), EM_386: ("i386", 1), EM_X86_64: ("x86_64", 2)}  # machine -> (arch, ELF class)
OTHER_KINDS = {  # beginnings of files that people take for programs of Linux
    b"#!": "a script, not an ELF file: run its interpreter, with the script's name as its argument",
    b"MZ": "a program for Windows, DOS or EFI, not an ELF file",
    b"\xcf\xfa\xed\xfe": "a program for macOS, not an ELF file",
    b"\xca\xfe\xba\xbe": "a program for macOS or a Java class, not an ELF file",
    b"\0asm": "a WebAssembly module, not an ELF file",
}
HEAD_BYTES = 4096
MAX_SEGMENTS = 128
_EHDR = {1: Struct("<HHIIIIIHHHHHH"), 2: Struct("<HHIQQQIHHHHHH")}
_PHDR32 = Struct("<IIIIIIII")  # type offset vaddr paddr filesz memsz flags align
_PHDR64 = Struct("<IIQQQQQQ")  # type flags offset vaddr paddr filesz memsz align


class Segment:
    """One program header."""

    __slots__ = ("type", "offset", "vaddr", "filesz", "memsz", "flags", "align")

    def __init__(self, type: int, offset: int, vaddr: int, filesz: int, memsz: int, flags: int, align: int) -> None:
        self.type, self.offset, self.vaddr, self.filesz, self.memsz, self.flags, self.align = type, offset, vaddr, filesz, memsz, flags, align

    @property
    def end(self) -> int:
        """Address after the segment's last byte in memory."""
        return self.vaddr + self.memsz


class Elf:
    """The headers of a checked ELF file: ``entry`` (0-based for ET_DYN), ``loads`` in address order, ``interp`` path or None."""

    __slots__ = ("path", "arch", "bits", "type", "entry", "phoff", "phentsize", "segments", "loads", "interp", "stack_exec", "flags")

    path: str
    arch: str
    bits: int
    type: int
    entry: int
    phoff: int
    phentsize: int
    segments: list[Segment]
    loads: list[Segment]
    interp: bytes | None
    stack_exec: bool
    flags: int

    @property
    def low(self) -> int:
        """First page's address."""
        return self.loads[0].vaddr & ~0xFFF

    @property
    def high(self) -> int:
        """Address after the last byte."""
        return max(s.end for s in self.loads)

    @property
    def phdr_vaddr(self) -> int:
        """Address of the program headers in memory, or 0 if no segment holds them."""
        for s in self.segments:
            if s.type == PT_PHDR:
                return s.vaddr
        for s in self.loads:
            if s.offset <= self.phoff < s.offset + s.filesz:
                return s.vaddr + self.phoff - s.offset
        return 0


def is_elf(head: bytes) -> bool:
    return head[:4] == b"\x7fELF"


def guest_of(head: bytes) -> str | None:
    """Arch of the guest whose program starts with *head*, or None (another kind of file). Looks at the identification only."""
    if not is_elf(head) or len(head) < 20 or head[5] != 1:
        return None
    arch, elf_class = GUESTS.get(int.from_bytes(head[18:20], "little"), ("", 0))
    return arch if head[4] == elf_class else None


def machine_name(machine: int) -> str:
    return MACHINE_NAMES.get(machine, str(machine))


def read_elf(path: str, fd: int, arch: str | None = None) -> Elf:
    """Check the file open as *fd* and return its headers. *arch*: the guest it must be for (any supported one if None)."""

    def need(ok: bool, reason: str) -> None:
        if not ok:
            raise GuestFormatError(path, reason)

    try:
        size = os.fstat(fd).st_size
        head = os.pread(fd, HEAD_BYTES, 0)
    except OSError as e:
        raise UsageError(f"{path}: cannot be read: {e.strerror}") from None
    need(bool(head), "an empty file")
    need(is_elf(head), next((kind for start, kind in OTHER_KINDS.items() if head.startswith(start)), "not an ELF file"))
    need(len(head) >= 52, "truncated ELF header")
    elf_class, data = head[4], head[5]
    need(elf_class in (1, 2), f"bad ELF class {elf_class}")
    need(data == 1, f"is for {machine_name(int.from_bytes(head[18:20], 'big'))}: big-endian ELF files are not supported")
    ehdr = _EHDR[elf_class]
    need(len(head) >= 16 + ehdr.size, "truncated ELF header")
    etype, machine, version, entry, phoff, _, eflags, _, phentsize, phnum, _, _, _ = ehdr.unpack_from(head, 16)
    need(head[6] == 1 and version == 1, "unknown ELF version")
    found = GUESTS.get(machine)
    need(found is not None, f"machine {machine_name(machine)} is not a supported guest ({', '.join(map(machine_name, GUESTS))} are)")
    need(arch is None or found[0] == arch, f"is for {MACHINE_NAMES[machine]}, not {arch}")  # type: ignore[index]
    need(machine != EM_X86_64 or elf_class == 2, "is for x32 (x86-64 with 32-bit addresses), which is not a supported guest")
    need(found[1] == elf_class, f"wrong ELF class for {MACHINE_NAMES[machine]}")  # type: ignore[index]
    need(etype in (ET_EXEC, ET_DYN), "is no program: relocatable or core file" if etype in (1, 4) else f"bad ELF type {etype}")
    if machine == EM_ARM:
        need(eflags & EF_ARM_EABIMASK != 0, "uses the old ARM ABI: EABI programs only")
        need(not eflags & EF_ARM_BE8, "is a big-endian (BE8) program")
    phdr = _PHDR32 if elf_class == 1 else _PHDR64
    need(phentsize == phdr.size, f"program headers of {phentsize} bytes each")
    need(0 < phnum <= MAX_SEGMENTS, f"{phnum} program headers")
    need(phoff + phnum * phentsize <= size, "truncated: program headers beyond the end of the file")
    table = head if phoff + phnum * phentsize <= len(head) else b"\0" * phoff + os.pread(fd, phnum * phentsize, phoff) if phoff < 1 << 20 else b""
    need(len(table) >= phoff + phnum * phentsize, "program headers too far into the file")

    elf = Elf()
    elf.path, elf.arch, elf.bits, elf.type, elf.entry, elf.phoff, elf.phentsize = path, found[0], 32 * elf_class, etype, entry, phoff, phentsize  # type: ignore[index]
    elf.interp, elf.flags = None, eflags
    elf.stack_exec = machine != EM_X86_64  # 32-bit programs without a PT_GNU_STACK have an executable stack
    elf.segments, elf.loads = [], []
    limit = 1 << (32 if elf_class == 1 else 47)
    for i in range(phnum):
        fields = phdr.unpack_from(table, phoff + i * phentsize)
        if elf_class == 1:
            s = Segment(fields[0], fields[1], fields[2], fields[4], fields[5], fields[6], fields[7])
        else:
            s = Segment(fields[0], fields[2], fields[3], fields[5], fields[6], fields[1], fields[7])
        elf.segments.append(s)
        if s.type == PT_LOAD:
            need(s.filesz <= s.memsz, f"segment {i} is larger in the file than in memory")
            need(s.offset + s.filesz <= size, f"truncated: segment {i} reaches beyond the end of the file")
            need(s.end <= limit, f"segment {i} reaches beyond the address space")
            need(s.align == 0 or s.align & (s.align - 1) == 0, f"segment {i} has alignment {s.align:#x}")
            need((s.vaddr - s.offset) & 0xFFF == 0, f"segment {i} is not aligned with its file offset")
            if s.memsz:
                elf.loads.append(s)
        elif s.type == PT_INTERP:
            need(1 < s.filesz <= 4096 and s.offset + s.filesz <= size, "bad interpreter path")
            name = os.pread(fd, s.filesz, s.offset)
            need(name.endswith(b"\0") and b"\0" not in name[:-1] and len(name) > 1, "bad interpreter path")
            elf.interp = name[:-1]
        elif s.type == PT_GNU_STACK:
            elf.stack_exec = bool(s.flags & PF_X)
    need(bool(elf.loads), "has no loadable segment")
    for before, after in zip(elf.loads, elf.loads[1:], strict=False):
        need(before.vaddr <= after.vaddr, "segments are not in address order")
        need(before.end <= after.vaddr, f"segments overlap at {after.vaddr:#x}")
    need(elf.high - elf.low < limit - (1 << 20), "is too large for the address space")
    target = entry & ~1 if machine == EM_ARM else entry
    need(any(s.vaddr <= target < s.end and s.flags & PF_X for s in elf.loads), f"entry point {entry:#x} is outside the program's code")
    return elf
