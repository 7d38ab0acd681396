"""Where the guest code of a dump comes from: a program file or bytes given by hand."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from dbt.abi.arm import MODE_THUMB
from runtime.linux.elf import PF_X, Elf, read_elf
from runtime.linux.errors import UsageError

# --isa -> (arch, guest mode)
ISAS: dict[str, tuple[str, int]] = {"a32": ("arm", 0), "t32": ("arm", MODE_THUMB), "i386": ("i386", 0), "x86-64": ("x86_64", 0)}


@dataclass(frozen=True)
class Symbol:
    """``address`` without mode bits; ``isa`` as in ISAS; ``size`` in bytes, 0 if the file does not say."""

    name: str
    address: int
    size: int
    isa: str


@dataclass
class Source:
    """Guest memory as a dump sees it: pieces of (address, bytes). ``start`` is where to begin when nobody says otherwise."""

    name: str
    arch: str
    start: int
    isa: str
    pieces: list[tuple[int, bytes]]
    symbols: dict[str, Symbol] = field(default_factory=dict)
    modes: list[tuple[int, str]] = field(default_factory=list)  # (address, isa) of mapping symbols, ascending

    def fetch(self, address: int, count: int) -> bytes:
        """Up to *count* bytes at *address*; fewer where the code ends, none outside it."""
        for start, data in self.pieces:
            if start <= address < start + len(data):
                return data[address - start : address - start + count]
        return b""

    def locate(self, at: str | None, isa: str | None) -> tuple[int, str]:
        """(address, isa) of *at*, a symbol or an address (bit 0 of which means T32); *isa* overrides what the file says."""
        if isa is not None and ISAS[isa][0] != self.arch:
            raise UsageError(f"--isa {isa}: {self.name} is for {self.arch}: leave --isa out")
        if at is None:
            return self.start, isa or self.isa
        symbol = self.symbols.get(at)
        if symbol is not None:
            return symbol.address, isa or symbol.isa
        try:
            address = int(at, 0)
        except ValueError:
            near = ", ".join([name for name in self.symbols if at.lower() in name.lower()][:4])
            place = f"an address such as {self.start:#x}, its entry point"
            hint = f"did you mean {near}?" if near else f"give a symbol of the program or {place}" if self.symbols else f"it has none: give {place}"
            raise UsageError(f"--at {at}: no such symbol in {self.name}: {hint}") from None
        if address & 1 and self.arch == "arm":
            address, isa = address & ~1, isa or "t32"
        if not self.fetch(address, 1):
            spans = ", ".join(f"{start:#x} to {start + len(data) - 1:#x}" for start, data in self.pieces)
            raise UsageError(f"--at {at}: outside the code of {self.name}: it has {spans}")
        return address, isa or self.isa_at(address)

    def isa_at(self, address: int) -> str:
        """What the mapping symbols say about *address*, else the instruction set of the program's start."""
        return next((isa for start, isa in reversed(self.modes) if start <= address), self.isa)


def address(text: str, bits: int = 32) -> int:
    """A guest address of *bits* bits, decimal or with 0x; UsageError if *text* is none."""
    try:
        value = int(text, 0)
    except ValueError:
        raise UsageError(f"--at {text}: not an address: write one such as 0x10400") from None
    if not 0 <= value < 1 << bits:
        raise UsageError(f"--at {text}: outside the address space: {bits} bits")
    return value


def from_hex(text: str, isa: str, address: int) -> Source:
    """Bytes written in hexadecimal, in memory order."""
    try:
        data = bytes.fromhex(text.replace(",", " ").replace("0x", ""))
    except ValueError:
        raise UsageError(f'--hex "{text}": not bytes: write two hexadecimal digits a byte, in memory order, such as "51 e8 00 2f"') from None
    if not data:
        raise UsageError("--hex: no bytes: write two hexadecimal digits a byte")
    return Source("bytes", ISAS[isa][0], address, isa, [(address, data)])


def from_program(path: str) -> Source:
    """The code segments and symbols of a program. UsageError if it is no program of a guest that can be translated."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as e:
        raise UsageError(f"{path}: {e.strerror}: give the path of a guest program") from None
    try:
        elf = read_elf(path, fd)
        pieces = [(s.vaddr, os.pread(fd, s.filesz, s.offset)) for s in elf.loads if s.flags & PF_X]
    finally:
        os.close(fd)
    supported = sorted({arch for arch, _ in ISAS.values()})
    if elf.arch not in supported:
        raise UsageError(f"{path}: is for {elf.arch}: guests that can be translated are {', '.join(supported)}")
    start, isa = _place(elf.arch, elf.entry)
    source = Source(path, elf.arch, start, isa, pieces)
    _read_symbols(source, elf)
    return source


def _place(arch: str, value: int) -> tuple[int, str]:
    """(address, isa) of an entry point or the value of a function symbol: in ARM code bit 0 means T32."""
    if arch == "arm":
        return value & ~1, "t32" if value & 1 else "a32"
    return value, next(isa for isa, (of, _) in ISAS.items() if of == arch)


def _read_symbols(source: Source, elf: Elf) -> None:
    """Fill in the symbols, if the file has any that can be read."""
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    rows = []
    try:
        with open(elf.path, "rb") as file:
            for section in ELFFile(file).iter_sections():
                if isinstance(section, SymbolTableSection):
                    rows += [(s.name, s["st_value"], s["st_size"], s["st_info"]["type"]) for s in section.iter_symbols() if s["st_shndx"] != "SHN_UNDEF"]
    except Exception:  # the section headers are no part of what runs: whatever is wrong with them costs only the names
        return
    for name, value, size, kind in rows:
        if kind in ("STT_FUNC", "STT_GNU_IFUNC") and name:
            address, isa = _place(source.arch, value)
            source.symbols[name] = Symbol(name, address, size, isa)
        elif source.arch == "arm" and name[:2] in ("$a", "$t"):
            source.modes.append((value, "a32" if name[1] == "a" else "t32"))
    source.modes.sort()
