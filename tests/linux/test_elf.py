"""Hostile and broken ELF files: each is one line, with the file and the reason."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.linux.elf import PF_R, PF_W, PF_X, PT_INTERP, PT_LOAD, Elf, read_elf
from runtime.linux.errors import GuestFormatError, UsageError
from tests.linux.conftest import HERE, ROOT
from tests.patience import SECONDS

BASE = 0x10000


def header(**changes: int) -> bytes:
    fields = {"type": 2, "machine": 40, "version": 1, "entry": BASE + 0x100, "phoff": 52, "shoff": 0, "flags": 0x05000000, "ehsize": 52, "phentsize": 32}
    fields |= {"phnum": 1, "shentsize": 0, "shnum": 0, "shstrndx": 0} | changes
    return b"\x7fELF\x01\x01\x01".ljust(16, b"\0") + struct.pack("<HHIIIIIHHHHHH", *fields.values())


def segment(**changes: int) -> bytes:
    fields = {"type": PT_LOAD, "offset": 0, "vaddr": BASE, "paddr": 0, "filesz": 0x200, "memsz": 0x200, "flags": PF_R | PF_X, "align": 0x1000} | changes
    return struct.pack("<8I", *fields.values())


GOOD = header() + segment()


def check(tmp_path: Path, data: bytes, size: int = 0x400) -> Elf:
    path = tmp_path / "program"
    path.write_bytes(data.ljust(size, b"\0"))
    fd = os.open(path, os.O_RDONLY)
    try:
        return read_elf(str(path), fd, "arm")
    finally:
        os.close(fd)


def test_good(tmp_path: Path) -> None:
    elf = check(tmp_path, GOOD)
    assert (elf.arch, elf.bits, elf.entry, elf.low, elf.high, elf.phdr_vaddr) == ("arm", 32, BASE + 0x100, BASE, BASE + 0x200, BASE + 52)
    assert elf.stack_exec, "no PT_GNU_STACK"


BAD = {
    "an empty file": (b"", 0),
    "a script, not an ELF file": b"#!/bin/sh\n",
    "a program for Windows": b"MZ\x90",
    "a WebAssembly module": b"\0asm",
    ": not an ELF file": b"echo\n",
    "truncated ELF header": (GOOD[:30], 30),
    "truncated: program headers": (GOOD[:60], 60),
    "bad ELF class": GOOD[:4] + b"\x07" + GOOD[5:],
    "big-endian": GOOD[:5] + b"\x02" + GOOD[6:],
    "unknown ELF version": header(version=2) + segment(),
    "machine AArch64 is not": header(machine=183) + segment(),
    "machine MIPS is not a supported guest (ARM, i386, x86-64 are)": header(machine=8) + segment(),
    "is for PowerPC64: big-endian": GOOD[:5] + b"\x02" + GOOD[6:18] + b"\0\x15" + GOOD[20:],
    "is for ARM: big-endian": GOOD[:5] + b"\x02" + GOOD[6:18] + b"\0\x28" + GOOD[20:],
    "machine RISC-V is not": header(machine=243) + segment(),
    "machine Alpha is not": header(machine=0x9026) + segment(),
    "machine 9999 is not": header(machine=9999) + segment(),
    "is for i386, not arm": header(machine=3) + segment(),
    "relocatable": header(type=1) + segment(),
    "bad ELF type": header(type=77) + segment(),
    "old ARM ABI": header(flags=0) + segment(),
    "BE8": header(flags=0x05800000) + segment(),
    "program headers of 33 bytes": header(phentsize=33) + segment(),
    "0 program headers": header(phnum=0) + segment(),
    "60000 program headers": header(phnum=60000) + segment(),
    "no loadable segment": header() + segment(type=4),
    "larger in the file than in memory": header() + segment(memsz=0x100),
    "segment 0 reaches beyond the end": header() + segment(filesz=0x4000, memsz=0x4000),
    "beyond the address space": header() + segment(vaddr=0xFFFFF000, memsz=0x2000),
    "alignment 0x1001": header() + segment(align=0x1001),
    "not aligned with its file offset": header() + segment(vaddr=BASE + 4),
    "not in address order": header(phnum=2) + segment(vaddr=0x20000) + segment(),
    "overlap at 0x10100": header(phnum=2) + segment() + segment(offset=0x100, vaddr=BASE + 0x100, filesz=0x10, memsz=0x10),
    "too large": header() + segment(vaddr=0, memsz=0xFFFFFFFF, filesz=0x200),
    "entry point 0x90000 is outside": header(entry=0x90000) + segment(),
    "entry point 0x10100 is outside": header() + segment(flags=PF_R | PF_W),
    "bad interpreter path": header(phnum=2) + segment() + segment(type=PT_INTERP, offset=0x3FFFFFFF, filesz=20),
}


@pytest.mark.parametrize("reason", BAD)
def test_bad(tmp_path: Path, reason: str) -> None:
    data = BAD[reason]
    data, size = data if isinstance(data, tuple) else (data, 0x400)
    with pytest.raises(GuestFormatError) as caught:
        check(tmp_path, data, size)
    assert reason in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "program: "))
    assert "\n" not in str(caught.value)


def test_random_damage_never_escapes(tmp_path: Path) -> None:
    """Every byte of the headers set to a few values: accepted or refused, nothing else."""
    for at in range(16, len(GOOD)):
        for value in (0, 1, 0x7F, 0xFF):
            data = bytearray(GOOD)
            data[at] = value
            try:
                check(tmp_path, bytes(data))
            except UsageError:
                continue


def dbt(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "dbt", "run", *words], cwd=ROOT, capture_output=True, timeout=SECONDS, check=False)


def refused(reason: str, *words: str) -> None:
    done = dbt(*words)
    assert done.returncode == 2
    assert reason in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert done.stdout == b""


def test_command_line_says_it_in_one_line(tmp_path: Path) -> None:
    program = tmp_path / "program"
    refused("No such file", str(program))
    program.write_bytes(GOOD.ljust(0x400, b"\0"))
    refused("no execute permission", str(program))
    x32 = tmp_path / "x32"
    x32.write_bytes((header(machine=62) + segment()).ljust(0x400, b"\0"))
    x32.chmod(0o755)
    refused("is for x32", str(x32))
    program.chmod(0o755)
    refused("is a directory", str(tmp_path))
    refused("not a directory", "-L", str(program), str(HERE / "faults.elf"))
    interpreted = header(phnum=2) + segment() + segment(type=PT_INTERP, offset=0x300, filesz=9)
    program.write_bytes(interpreted.ljust(0x300, b"\0") + b"/no/such".ljust(0x100, b"\0"))
    refused("interpreter", str(program))
    program.write_bytes((header() + segment(vaddr=0, memsz=0x300)).ljust(0x400, b"\0"))
    refused("entry point", str(program))
    program.write_bytes((header(entry=0x100) + segment(vaddr=0)).ljust(0x400, b"\0"))
    refused("cannot be mapped", str(program))
