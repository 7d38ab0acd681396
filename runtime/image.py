"""The kernel image: found in the cache directory (or built there), mapped, and called through ctypes.

A warm start imports neither numba nor llvmlite. The file is named by everything that decides its content: the sources of the
kernels and of the layouts they use, the versions of numba and llvmlite, and the host CPU.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from _blake2 import blake2b

from runtime import objects
from runtime.paths import cache_dir
from runtime.sources import ROOT, only_ours, source_files

TYPE_CHECKING = False  # as in typing, whose import costs more than loading the image
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SOURCES = (
    "dbt/ir/optable.py", "dbt/ir/types.py", "dbt/backend/llvm/convention.py", "runtime/process_block.py", "runtime/linux/hostnr.py",
    "runtime/kernels", "dbt/abi",
)  # fmt: skip
_COMPILERS = ("numba", "llvmlite")
_CPU_KEYS = ("model name", "flags", "CPU implementer", "CPU part", "Features")


class ImageError(Exception):
    """The kernel image can't be built, kept or mapped; the message says what to do."""


# Which file -------------------------------------------------------------------------------------------------------------
def _compiler_versions() -> list[str]:
    """The names of the ``dist-info`` directories of numba and llvmlite: quicker than asking importlib.metadata."""
    found: dict[str, str] = {}
    for directory in sys.path:
        try:
            names = os.listdir(directory or ".")
        except OSError:
            continue
        for name in names:
            if name.endswith(".dist-info"):
                found.setdefault(name.partition("-")[0], name)
        if all(name in found for name in _COMPILERS):
            break
    return [found.get(name, "") for name in _COMPILERS]


def _host_cpu() -> str:
    """What decides the code that LLVM makes for this host: the first processor's lines in /proc/cpuinfo."""
    try:
        descriptor = os.open("/proc/cpuinfo", os.O_RDONLY)
    except OSError:
        return ""
    try:
        text = os.read(descriptor, 8192).decode(errors="replace").partition("\n\n")[0]
    finally:
        os.close(descriptor)
    return "\n".join(line for line in text.split("\n") if line.partition(":")[0].strip() in _CPU_KEYS)


def key() -> str:
    """Hexadecimal name of the image that fits this source, these compilers and this CPU."""
    digest = blake2b(digest_size=16)
    files = source_files(_SOURCES)
    for name, _ in files:
        with open(os.path.join(ROOT, name), "rb") as source:
            text = source.read()
        digest.update(b"%s %d\n" % (name.encode(), len(text)))
        digest.update(text)
    for fact in (only_ours(files), sys.implementation.cache_tag or "", os.uname().machine, *_compiler_versions(), _host_cpu()):
        digest.update(fact.encode() + b"\0")
    return digest.hexdigest()


# Mapping ----------------------------------------------------------------------------------------------------------------
_libc = ctypes.CDLL(None, use_errno=True)


def resolve(name: str) -> int | None:
    """Address of a function of libc or libm; None if neither has it."""
    for library in (_libc, ctypes.CDLL("libm.so.6")):
        try:
            return ctypes.cast(getattr(library, name), ctypes.c_void_p).value
        except AttributeError:
            continue
    return None


def _protect(address: int, size: int, protection: int) -> None:
    if _libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size), protection):
        raise ImageError(f"the system refuses executable memory: {os.strerror(ctypes.get_errno())}; check its security policy (SELinux, seccomp)")


def _pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE


class Image:
    """A mapped object. ``address`` and ``function`` give its symbols."""

    def __init__(self, linked: objects.LinkedObject) -> None:
        code_size = _pages(len(linked.code))
        self._linked = linked
        self._memory = mmap.mmap(-1, max(code_size + _pages(linked.data_size), mmap.PAGESIZE), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self.size = len(self._memory)
        self._starts = (self.base, self.base + code_size)
        code, data = objects.place(linked, *self._starts, resolve)
        self._memory[: len(code)] = code
        self._memory[code_size : code_size + len(data)] = data
        if code_size:
            _protect(self.base, code_size, mmap.PROT_READ | mmap.PROT_EXEC)

    def address(self, name: str) -> int:
        """Host address of symbol *name*; KeyError if the image has none."""
        section, offset = self._linked.symbols[name]
        return self._starts[section] + offset

    def function(self, name: str, restype: Any, *argtypes: Any, waits: bool = False) -> Callable[..., Any]:
        """The function *name* as a ctypes callable, which keeps the image mapped. It keeps the GIL unless it *waits* (for another thread, or as long as a guest
        runs): so a fork never finds a spin lock taken by a thread that the child does not have."""
        made: Any = (ctypes.CFUNCTYPE if waits else ctypes.PYFUNCTYPE)(restype, *argtypes)(self.address(name))
        made.image = self
        return made  # type: ignore[no-any-return]

    @property
    def symbols(self) -> list[str]:
        return sorted(self._linked.symbols)


def map_object(obj: bytes) -> Image:
    """Link and map a relocatable object that was just compiled."""
    return Image(_settled(obj))


def _settled(obj: bytes) -> objects.LinkedObject:
    linked = objects.link(obj)
    return objects.settle(linked, _pages(len(linked.code)))


# The file ---------------------------------------------------------------------------------------------------------------
def _read(path: str) -> objects.LinkedObject | None:
    """The image in file *path*; None if there is none that is sound."""
    try:
        with open(path, "rb") as file:
            return objects.load(file.read())
    except (OSError, objects.ObjectError):
        return None


def _write(path: str, blob: bytes) -> None:
    """Keep an image, in the place of the oldest of those that are no longer used."""
    from runtime.own_files import forget_others, replacing, write_all

    with replacing(path) as file:
        write_all(file, blob)
    forget_others(path)


def _lock(directory: str) -> int | None:
    """One builder at a time: a descriptor that holds the lock until it is closed, or None if there can be no lock file. The kernel lets go of
    the lock if its holder dies."""
    import fcntl

    try:
        os.makedirs(directory, exist_ok=True)
        descriptor = os.open(os.path.join(directory, "build.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stderr.write("waiting for another process that builds the runtime kernels ...\n")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _build_and_keep(directory: str, path: str) -> objects.LinkedObject:
    """Build the image and put it into the cache; a cache that can't be written costs only time."""
    try:
        from runtime.kernels.build import build
    except ImportError as missing:
        raise ImageError(f"the runtime's kernels must be built once, which needs numba and llvmlite: {missing}") from missing
    linked = _settled(build())
    try:
        _write(path, objects.dump(linked))
    except OSError as error:
        sys.stderr.write(f"dbt: the kernels can't be kept in {directory} ({error.strerror}): they will be built again at the next start\n")
    return linked


def _find_or_build() -> objects.LinkedObject:
    global _found_key
    directory = os.path.join(cache_dir(), "kernels")
    _found_key = key()
    path = os.path.join(directory, _found_key + ".image")
    linked = _read(path)
    if linked is not None:
        return linked
    lock = _lock(directory)
    try:
        linked = _read(path)
        return _build_and_keep(directory, path) if linked is None else linked
    finally:
        if lock is not None:
            os.close(lock)


_loaded: Image | None = None
_found_key = ""


def loaded_key() -> str:
    """``key`` of the kernels of this process, found once."""
    return _found_key or key()


def load() -> Image:
    """The kernels, mapped once a process; built first if the cache has none for this version and host."""
    global _loaded
    if _loaded is None:
        _loaded = Image(_find_or_build())
    return _loaded
