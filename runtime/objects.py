"""Reads the x86-64 ELF relocatable objects that LLVM makes, and links each into one code and one data section.

What depends on the place alone stays as a short list of relocations, so that a linked object can be kept on disk (``dump``, ``load``) and
put anywhere later (``place``). External functions are reached through a jump stub and a slot in the data, however far away they are.

Relocations: System V ABI, AMD64 supplement, 4.4. No object may need more than the small position-independent code model.
"""

from __future__ import annotations

import struct
import zlib

TYPE_CHECKING = False  # as in typing, whose import costs more than loading an object
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

CODE, DATA = 0, 1
_ABSOLUTE = -1  # "section" of a symbol whose value is a number


class ObjectError(Exception):
    """An object that can't be read, linked or placed; the message says why."""


# (section, size, target, offset, addend): patch ``size`` bytes (4: relative to the patched place; 8: absolute) of ``section`` at ``offset`` with
# target + addend. The target is the start of section ``target`` (CODE or DATA), or external symbol number ``target - 2``.
Relocation: TypeAlias = "tuple[int, int, int, int, int]"


class LinkedObject:
    """Code and data bytes (the last ``bss`` bytes of the data area are zero and not in ``data``), symbols {name: (section, offset)} and what
    is left to relocate. ``faults`` has pairs of u32, offsets in the code: a load that may fault, where to go on then; in ascending order.
    Sections keep their alignment if both areas start at multiples of ``align``."""

    __slots__ = ("code", "data", "bss", "align", "symbols", "externals", "relocations", "distance", "faults")

    def __init__(self, code: bytes, data: bytes, bss: int, align: int, symbols: dict[str, tuple[int, int]], externals: list[str],
                 relocations: list[Relocation], distance: int = 0, faults: bytes = b"") -> None:
        self.code = code
        self.data = data
        self.bss = bss
        self.align = align
        self.symbols = symbols
        self.externals = externals
        self.relocations = relocations
        self.faults = faults
        self.distance = distance  # data address minus code address if settled, else 0

    @property
    def data_size(self) -> int:
        """Bytes of the data area, with the zero-filled part."""
        return len(self.data) + self.bss


# Linking ----------------------------------------------------------------------------------------------------------------
_EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
_SHDR = struct.Struct("<IIQQQQIIQQ")
_SYM = struct.Struct("<IBBHQQ")
_RELA = struct.Struct("<QQq")
_SHT_SYMTAB, _SHT_RELA, _SHT_NOBITS, _SHT_X86_64_UNWIND = 2, 4, 8, 0x70000001
_SHF_ALLOC, _SHF_EXECINSTR, _SHF_TLS = 2, 4, 0x400
_SHN_UNDEF, _SHN_ABS, _SHN_COMMON = 0, 0xFFF1, 0xFFF2
_STB_LOCAL = 0
_R_64, _R_PC32, _R_PLT32, _R_GOTPCREL, _R_32, _R_32S, _R_PC64, _R_GOTPCRELX, _R_REX_GOTPCRELX = 1, 2, 4, 9, 10, 11, 24, 41, 42
_JUMP_TABLES = ".rodata"  # of distances from the table to code: beside the code nothing of them is left to relocate
_FAULT_SECTION = ".faults"  # as in dbt.backend.llvm.convention, which the kernel image's loader does without
_PAIR = struct.Struct("<II")
_JUMP_THROUGH_SLOT = b"\xff\x25"  # jmp [rip + disp32]
_STUB_SIZE = 8
_MAX_ALIGN = 4096
_PADDING = b"\xcc"  # int3


def _align(value: int, to: int) -> int:
    return -(-value // to) * to


def _name(strings: bytes, at: int) -> str:
    return strings[at : strings.index(0, at)].decode()


class _Linker:
    """One object on its way: areas under construction, where each ELF section went, slots and stubs made so far."""

    def __init__(self, obj: bytes) -> None:
        if len(obj) < _EHDR.size or obj[:6] != b"\x7fELF\x02\x01":
            raise ObjectError("not a 64-bit little-endian ELF object")
        header = _EHDR.unpack_from(obj)
        if header[1] != 1 or header[2] != 62:
            raise ObjectError(f"not a relocatable x86-64 object (type {header[1]}, machine {header[2]})")
        shoff, shnum, shstrndx = header[6], header[12], header[13]
        self.obj = obj
        self.sections = list(_SHDR.iter_unpack(obj[shoff : shoff + shnum * _SHDR.size]))
        names = self.sections[shstrndx]
        self.names = obj[names[4] : names[4] + names[5]]
        self.areas = (bytearray(), bytearray())
        self.bss = 0
        self.align = 16
        self.homes: dict[int, tuple[int, int]] = {}  # ELF section index -> (area, offset)
        self.slots: dict[tuple[int, int], int] = {}  # (target, value) -> offset of its slot in the data
        self.stubs: dict[int, int] = {}  # external target -> offset of its stub in the code
        self.externals: list[str] = []
        self.relocations: list[Relocation] = []

    def raise_alignment(self, align: int) -> None:
        if align > _MAX_ALIGN:
            raise ObjectError(f"damaged object: alignment of {align:#x} bytes")
        self.align = max(self.align, align)

    def lay_out(self) -> None:
        """Give every section that stays in memory its place; zero-filled ones come last, and are placed after the slots are known."""
        for index, (name, kind, flags, _, offset, size, _, _, align, _) in enumerate(self.sections):
            if not flags & _SHF_ALLOC or kind in (_SHT_NOBITS, _SHT_X86_64_UNWIND) or _name(self.names, name) == ".eh_frame":
                continue
            if flags & _SHF_TLS:
                raise ObjectError("thread-local data is not supported")
            self.raise_alignment(align)
            which = CODE if flags & _SHF_EXECINSTR or _name(self.names, name) == _JUMP_TABLES else DATA
            area = self.areas[which]
            at = _align(len(area), align or 1)
            area += (_PADDING if which == CODE else b"\0") * (at - len(area))
            area += self.obj[offset : offset + size]
            self.homes[index] = (which, at)

    def zero_filled(self, size: int, align: int) -> int:
        """Reserve zero-filled bytes; gives their offset relative to the start of the zero-filled part."""
        self.raise_alignment(align)
        at = _align(self.bss, align or 1)
        self.bss = at + size
        return at

    def read_symbols(self) -> tuple[list[tuple[int, int]], dict[str, tuple[int, int]]]:
        """All symbols as (target, value), and the global ones by name. Zero-filled data has the target ``_BSS`` until its place is known."""
        symbols: list[tuple[int, int]] = []
        exported: dict[str, tuple[int, int]] = {}
        for index, (_, kind, flags, _, _, size, _, _, align, _) in enumerate(self.sections):
            if kind == _SHT_NOBITS and flags & _SHF_ALLOC:
                self.homes[index] = (_BSS, self.zero_filled(size, align))
        table = next((s for s in self.sections if s[1] == _SHT_SYMTAB), None)
        if table is None:
            return symbols, exported
        strtab = self.sections[table[6]]
        strings = self.obj[strtab[4] : strtab[4] + strtab[5]]
        for name, info, _, shndx, value, size in _SYM.iter_unpack(self.obj[table[4] : table[4] + table[5]]):
            if shndx in self.homes:
                area, start = self.homes[shndx]
                symbol = (area, start + value)
            elif shndx == _SHN_COMMON:
                symbol = (_BSS, self.zero_filled(size, value))
            elif shndx == _SHN_ABS:
                symbol = (_ABSOLUTE, value)
            elif shndx == _SHN_UNDEF and name:
                symbol = (len(self.externals) + 2, 0)
                self.externals.append(_name(strings, name))
            else:
                symbol = (_ABSOLUTE, 0)  # the null symbol, or one of a section that is not kept
            symbols.append(symbol)
            if info >> 4 != _STB_LOCAL and symbol[0] in (CODE, DATA, _BSS):
                exported[_name(strings, name)] = symbol
        return symbols, exported

    def slot(self, target: int, value: int) -> int:
        """Offset in the data of the 8 bytes that will hold the address of (target, value)."""
        at = self.slots.get((target, value))
        if at is None:
            data = self.areas[DATA]
            data += bytes(_align(len(data), 8) - len(data))
            at = self.slots[target, value] = len(data)
            data += bytes(8)
            self.relocations.append((DATA, 8, target, at, value))
        return at

    def stub(self, target: int) -> int:
        """Offset in the code of a jump to an external symbol."""
        at = self.stubs.get(target)
        if at is None:
            code = self.areas[CODE]
            code += _PADDING * (_align(len(code), _STUB_SIZE) - len(code))
            at = self.stubs[target] = len(code)
            code += _JUMP_THROUGH_SLOT + bytes(4) + 2 * _PADDING
            place = at + len(_JUMP_THROUGH_SLOT)
            self.relocations.append((CODE, 4, DATA, place, self.slot(target, 0) - 4))
        return at

    def relocate(self, symbols: list[tuple[int, int]]) -> None:
        for _, kind, _, _, offset, size, _, info, _, _ in self.sections:
            if kind != _SHT_RELA or info not in self.homes:
                continue
            area, start = self.homes[info]
            for place, number_kind, addend in _RELA.iter_unpack(self.obj[offset : offset + size]):
                target, value = symbols[number_kind >> 32]
                self.one(area, start + place, number_kind & 0xFFFFFFFF, target, value, addend)

    def one(self, area: int, place: int, kind: int, target: int, value: int, addend: int) -> None:
        if kind == _R_64:
            if target == _ABSOLUTE:
                self.areas[area][place : place + 8] = struct.pack("<Q", (value + addend) % (1 << 64))
            else:
                self.relocations.append((area, 8, target, place, value + addend))
            return
        if kind in (_R_GOTPCREL, _R_GOTPCRELX, _R_REX_GOTPCRELX):
            target, value = DATA, self.slot(target, value)
        elif kind in (_R_PC32, _R_PLT32):
            if target >= 2:
                target, value = CODE, self.stub(target)
        elif kind in (_R_32, _R_32S):
            raise ObjectError("the object is not position-independent (R_X86_64_32): compile it with reloc=pic and the small code model")
        else:
            raise ObjectError(f"relocation type {kind} is not supported")
        if target == area:
            self.areas[area][place : place + 4] = struct.pack("<i", value + addend - place)
        else:
            self.relocations.append((area, 4, target, place, value + addend))

    def finish(self, exported: dict[str, tuple[int, int]]) -> LinkedObject:
        """Put the zero-filled part behind the data and make every offset final."""
        code, data = self.areas
        start = _align(len(data), self.align) if self.bss else len(data)
        data += bytes(start - len(data))
        left: list[Relocation] = []
        for section, size, target, offset, addend in self.relocations:
            if target == _BSS:
                target, addend = DATA, addend + start
                if size == 4 and section == DATA:
                    data[offset : offset + 4] = struct.pack("<i", addend - offset)
                    continue
            left.append((section, size, target, offset, addend))
        symbols = {name: (DATA, start + value) if area == _BSS else (area, value) for name, (area, value) in exported.items()}
        return LinkedObject(bytes(code), bytes(data), self.bss, self.align, symbols, self.externals, left, faults=self.faults())

    def faults(self) -> bytes:
        """The pairs of the object's fault section, sorted and counted from the start of the code."""
        code = 0
        pairs = b""
        for index, (name, _, _, _, offset, size, _, _, _, _) in enumerate(self.sections):
            which = _name(self.names, name)
            if which == ".text" and index in self.homes:
                code = self.homes[index][1]
            elif which == _FAULT_SECTION:
                pairs = self.obj[offset : offset + size]
        return b"".join(sorted((_PAIR.pack(at + code, to + code) for at, to in _PAIR.iter_unpack(pairs)), key=_PAIR.unpack))


_BSS = -2  # target of zero-filled data while linking


def link(obj: bytes) -> LinkedObject:
    """Link the relocatable object *obj*; ObjectError if it is none or asks for something unusual."""
    try:
        linker = _Linker(obj)
        linker.lay_out()
        symbols, exported = linker.read_symbols()
        linker.relocate(symbols)
        return linker.finish(exported)
    except (struct.error, IndexError, ValueError) as damage:
        raise ObjectError(f"damaged object: {damage}") from damage


# Placing ----------------------------------------------------------------------------------------------------------------
def _patch(area: bytearray, offset: int, size: int, value: int) -> None:
    if size == 8:
        area[offset : offset + 8] = (value % (1 << 64)).to_bytes(8, "little")
    elif -(1 << 31) <= value < 1 << 31:
        area[offset : offset + 4] = (value % (1 << 32)).to_bytes(4, "little")
    else:
        raise ObjectError("code and data are more than 2 GiB apart")


def settle(linked: LinkedObject, distance: int) -> LinkedObject:
    """Fix the data *distance* bytes after the code: only absolute addresses are left to relocate, so placing gets quicker."""
    areas = (bytearray(linked.code), bytearray(linked.data))
    starts = (0, distance)
    left = []
    for reloc in linked.relocations:
        section, size, target, offset, addend = reloc
        if size == 8:
            left.append(reloc)
        else:
            _patch(areas[section], offset, size, starts[target] + addend - starts[section] - offset)
    return LinkedObject(bytes(areas[0]), bytes(areas[1]), linked.bss, linked.align, linked.symbols, linked.externals, left, distance, linked.faults)


def place(linked: LinkedObject, code_address: int, data_address: int, resolve: Callable[[str], int | None]) -> tuple[bytearray, bytearray]:
    """The code and data bytes for these addresses. ``resolve`` gives the address of an external symbol, or None; ObjectError names those that
    nobody has. The caller zeroes the ``bss`` bytes after the data."""
    if linked.distance and data_address - code_address != linked.distance:
        raise ObjectError(f"the object was settled for a distance of {linked.distance:#x} between code and data")
    addresses = [resolve(name) for name in linked.externals]
    missing = [name for name, address in zip(linked.externals, addresses, strict=True) if address is None]
    if missing:
        raise ObjectError(f"undefined symbol: {', '.join(missing)}")
    starts = [code_address, data_address, *addresses]
    areas = (bytearray(linked.code), bytearray(linked.data))
    for section, size, target, offset, addend in linked.relocations:
        value = starts[target] + addend  # type: ignore[operator]
        if size == 4:
            value -= starts[section] + offset  # type: ignore[operator]
        _patch(areas[section], offset, size, value)
    return areas


# On disk ----------------------------------------------------------------------------------------------------------------
_MAGIC = b"DBTOBJ02"
_HEADER = struct.Struct("<8sIIIIIIIIIIQ")  # magic, CRC-32 of what follows it, then the sizes and counts below
_RECORD = struct.Struct("<BBHIq")
_SYMBOL = struct.Struct("<BI")


def dump(linked: LinkedObject) -> bytes:
    """A stable byte form, with a checksum."""
    symbols = sorted(linked.symbols.items())
    names = "\n".join([name for name, _ in symbols] + linked.externals).encode()
    table = b"".join([_SYMBOL.pack(area, offset) for _, (area, offset) in symbols])
    relocations = b"".join([_RECORD.pack(*reloc) for reloc in linked.relocations])
    body = linked.code + linked.data + names + table + relocations + linked.faults
    counts = (len(linked.code), len(linked.data), linked.bss, linked.align, len(names), len(symbols), len(linked.relocations), len(linked.externals),
              len(linked.faults), linked.distance)
    header = _HEADER.pack(_MAGIC, 0, *counts)
    checksum = zlib.crc32(body, zlib.crc32(header[12:]))
    return _HEADER.pack(_MAGIC, checksum, *counts) + body


def load(blob: bytes) -> LinkedObject:
    """The object that ``dump`` wrote; ObjectError if *blob* is damaged, cut short or something else."""
    if len(blob) < _HEADER.size or blob[:8] != _MAGIC:
        raise ObjectError("not a linked object")
    _, checksum, code, data, bss, align, names, symbols, relocations, externals, faults, distance = _HEADER.unpack_from(blob)
    if len(blob) != _HEADER.size + code + data + names + symbols * _SYMBOL.size + relocations * _RECORD.size + faults:
        raise ObjectError("wrong length of a linked object")
    if zlib.crc32(memoryview(blob)[12:]) != checksum:
        raise ObjectError("wrong checksum of a linked object")
    at = _HEADER.size
    code_at, data_at, names_at, symbols_at = at, at + code, at + code + data, at + code + data + names
    relocations_at = symbols_at + symbols * _SYMBOL.size
    faults_at = len(blob) - faults
    words = blob[names_at:symbols_at].decode().split("\n") if names else []
    table = list(_SYMBOL.iter_unpack(blob[symbols_at:relocations_at]))
    return LinkedObject(
        blob[code_at:data_at], blob[data_at:names_at], bss, align, dict(zip(words[:symbols], table, strict=True)), words[symbols : symbols + externals],
        list(_RECORD.iter_unpack(blob[relocations_at:faults_at])), distance, blob[faults_at:],
    )
