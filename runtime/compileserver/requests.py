"""What is asked of who makes regions, and what comes back; ``pack`` and ``unpack`` are their form on the wire, between processes of the same translator."""

from __future__ import annotations

import marshal

from dbt.abi.archs import X86_ATOMICS
from dbt.abi.memory import PAGE_BITS, PAGE_MASK, PAGE_SIZE
from runtime.process_block import BLOCK_INSNS

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Start = tuple[int, int]  # (pc, mode) of a guest block

_LONGEST_INSN = 15  # bytes, of any guest
_LONGEST_BLOCK = BLOCK_INSNS * _LONGEST_INSN

# Why there is no region.
CRASH = "crash"  # the compiler's process ended
TIME = "time"  # it took too long
MEMORY = "memory"  # it needed too much
TOO_BIG = "too big"  # the region is
ERROR = "error"  # a bug of ours
LOST = "lost"  # the server went away with the request
VERSION = "version"  # the server is of another version of the translator
CAUSES = (CRASH, TIME, MEMORY, TOO_BIG, ERROR, LOST, VERSION)


class NotSent(LookupError):
    """Guest code that a request does not have."""


def pages_of(blocks: Iterable[Start], fetch: Callable[[int, int], bytes]) -> dict[int, bytes]:
    """The pages (by number) that *blocks* lie in, as they are now; an empty one can't be executed."""
    wanted = {page for pc, _ in blocks for page in (pc >> PAGE_BITS, ((pc & ~PAGE_MASK) + _LONGEST_BLOCK >> PAGE_BITS) + (pc >> PAGE_BITS))}
    return {page: fetch(page << PAGE_BITS, PAGE_SIZE) for page in sorted(wanted)}


class Request:
    """Everything that decides what code a region becomes. ``kind`` and ``version``: of the code cache that it belongs to; ``cached``: it is to be kept there;
    ``again``: made, though one that is entered at the same place may be there already. ``level`` is LLVM's; the other options are the engine's."""

    __slots__ = ("kind", "version", "cached", "arch", "unchecked", "idiom", "tagged", "level", "entries", "blocks", "guesses", "pages",
                 "x86_atomics", "free_stores", "again")

    def __init__(self, kind: str, version: str, cached: bool, arch: str, unchecked: bool, idiom: bool, tagged: bool, level: int, entries: list[Start],
                 blocks: list[Start], guesses: dict[Start, tuple[Start, ...]], pages: dict[int, bytes], x86_atomics: str = X86_ATOMICS[0],
                 free_stores: bool = False, again: bool = False) -> None:  # fmt: skip
        self.kind, self.version, self.cached, self.again = kind, version, cached, again
        self.arch, self.unchecked, self.idiom, self.tagged, self.level = arch, unchecked, idiom, tagged, level
        self.entries, self.blocks, self.guesses, self.pages = entries, blocks, guesses, pages
        self.x86_atomics, self.free_stores = x86_atomics, free_stores

    def fetch(self, pc: int, length: int) -> bytes:
        """As ``Engine.fetch`` at the time of the request; NotSent beyond its pages."""
        found = b""
        while length > 0:
            page = self.pages.get(pc >> PAGE_BITS)
            if page is None:
                raise NotSent(f"page {pc >> PAGE_BITS:#x} was not sent")
            offset = pc & ~PAGE_MASK
            part = page[offset : offset + length]
            if not part:
                break
            found += part
            length -= len(part)
            pc += len(part)
        return found

    def known(self, pc: int, length: int) -> bytes:
        """As ``fetch``, but nothing beyond its pages."""
        try:
            return self.fetch(pc, length)
        except NotSent:
            return b""

    def pack(self) -> bytes:
        return marshal.dumps(tuple([getattr(self, name) for name in self.__slots__]))


class KeepRequest:
    """Quick code for a program's next start: see ``runtime.kept``. *path*: the file to make; *left*: the file of what it is made of, together with what *path*
    was made of; *regions*: where regions that are on disk are entered."""

    __slots__ = ("kind", "version", "arch", "unchecked", "path", "left", "regions")
    cached = True

    def __init__(self, kind: str, version: str, arch: str, unchecked: bool, path: str, left: str, regions: list[Start]) -> None:
        self.kind, self.version, self.arch, self.unchecked = kind, version, arch, unchecked
        self.path, self.left, self.regions = path, left, regions

    def pack(self) -> bytes:
        return marshal.dumps(tuple([getattr(self, name) for name in self.__slots__]))


def unpack_request(data: bytes) -> Request | KeepRequest:
    found = marshal.loads(data)
    return KeepRequest(*found) if len(found) == len(KeepRequest.__slots__) else Request(*found)


class Made:
    """A region: entries in symbol order, guest ranges, the linked object as ``objects.dump`` writes it; how many guest instructions, idioms and remaining
    store-conditionals it has; the lines of LLVM text, and the seconds that each stage of its making took (none if it was made before)."""

    __slots__ = ("entries", "ranges", "blob", "insns", "idioms", "exclusives", "lines", "spent")

    def __init__(self, entries: list[Start], ranges: list[tuple[int, int]], blob: bytes, insns: int = 0, idioms: int = 0, exclusives: int = 0,
                 lines: int = 0, spent: dict[str, float] | None = None) -> None:  # fmt: skip
        self.entries, self.ranges, self.blob = entries, ranges, blob
        self.insns, self.idioms, self.exclusives = insns, idioms, exclusives
        self.lines, self.spent = lines, spent or {}

    def pack(self) -> bytes:
        return marshal.dumps(tuple([getattr(self, name) for name in self.__slots__]))


class Failure:
    """Why there is none: a row of CAUSES, and a sentence for who looks for the bug."""

    __slots__ = ("cause", "text")

    def __init__(self, cause: str, text: str = "") -> None:
        self.cause, self.text = cause, text

    def pack(self) -> bytes:
        return marshal.dumps((self.cause, self.text))


def unpack_answer(data: bytes) -> Made | Failure:
    found = marshal.loads(data)
    return Failure(*found) if len(found) == len(Failure.__slots__) else Made(*found)
