"""The modules that ``dbt run`` imports, in one file of the cache: a search, three files and a dozen system calls a module less at every start.

The file holds what Python's compiler made of each source file. It is named by the names, sizes and times of all of them and by the interpreter, and is made
again when one changes; a file that is damaged is not used. Modules that it lacks are imported as always.
"""

from __future__ import annotations

import marshal
import os
import sys
import zlib
from _blake2 import blake2b

from runtime.paths import cache_dir
from runtime.sources import ROOT, Source, facts, source_files

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_FOLDERS = ("dbt/abi", "runtime", "runtime/linux", "runtime/linux/syscalls")
_SINGLE = ("dbt/api.py", "dbt/cli/run_options.py", "dbt/backend/__init__.py", "dbt/backend/llvm/__init__.py", "dbt/backend/llvm/convention.py",
           "dbt/ir/__init__.py", "dbt/ir/types.py")  # fmt: skip
_INIT = "/__init__.py"
_SUFFIX = ".bytecode"
_ModuleSpec = type(sys.__spec__)


class Bundle:
    """Finder and loader of the modules in ``codes``: name -> source file and marshalled code."""

    def __init__(self, codes: dict[str, tuple[str, bytes]]) -> None:
        self._codes = codes

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        found = self._codes.get(name)
        if found is None:
            return None
        package = found[0].endswith(_INIT)
        spec = _ModuleSpec(name, self, origin=found[0], is_package=package)  # type: ignore[arg-type]
        spec.has_location = True  # for __file__
        if package:
            spec.submodule_search_locations = [os.path.dirname(found[0])]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """As usual."""

    def exec_module(self, module: ModuleType) -> None:
        exec(marshal.loads(self._codes[module.__name__][1]), module.__dict__)


def _sources() -> list[Source]:
    """The source files of the modules."""
    return source_files((*_SINGLE, *_FOLDERS))


def _key(sources: list[Source]) -> bytes:
    return blake2b(f"{ROOT} {sys.version} {sys.flags.optimize}\n".encode() + facts(sources), digest_size=16).digest()


def _read(path: str, key: bytes) -> dict[str, tuple[str, bytes]] | None:
    """What file *path* holds, if it is sound."""
    try:
        with open(path, "rb", buffering=0) as file:
            data = file.read()
    except OSError:
        return None
    body = data[20:]
    if data[:16] != key or int.from_bytes(data[16:20], "little") != zlib.crc32(body):
        return None
    return marshal.loads(body)  # type: ignore[no-any-return]


def _make(sources: list[Source]) -> dict[str, tuple[str, bytes]]:
    """Compile the source files."""
    codes = {}
    for name, _ in sources:
        path = os.path.join(ROOT, name)
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
        module = name.removesuffix(_INIT).removesuffix(".py").replace("/", ".")
        codes[module] = (path, marshal.dumps(code))
    return codes


def _keep(directory: str, path: str, key: bytes, codes: dict[str, tuple[str, bytes]]) -> None:
    from runtime.own_files import forget_others, replacing, write_all

    body = marshal.dumps(codes)
    os.makedirs(directory, exist_ok=True)
    with replacing(path) as file:
        write_all(file, key + zlib.crc32(body).to_bytes(4, "little") + body)
    forget_others(path)


def install() -> None:
    """Import from the bundle, from now on; makes it first if need be. A cache that can't be read or written costs time and nothing else."""
    if sys.implementation.name != "cpython":
        return
    try:
        sources = _sources()
        key = _key(sources)
        directory = os.path.join(cache_dir(), "bytecode")
        path = os.path.join(directory, key.hex() + _SUFFIX)
        codes = _read(path, key)
        if codes is None:
            codes = _make(sources)
            _keep(directory, path, key, codes)
    except OSError:
        return
    sys.meta_path.insert(0, Bundle(codes))
