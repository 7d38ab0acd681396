"""The translator as a library: what the command line does, as functions.

Bad input raises ``runtime.linux.errors.UsageError`` with one line of text. Heavy modules are imported by the function that needs them, so that
``run`` starts fast.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from dbt.abi.archs import FRONTENDS, X86_ATOMICS
from dbt.abi.exclusive import DEFAULT_SCHEME
from runtime.linux.errors import UsageError

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from typing import Any

    from dbt.views.dump import Dump


def run(program: str, arguments: Sequence[str] = (), *, sysroot: str | None = None, set_env: Mapping[str, str] | None = None, unset_env: Sequence[str] = (),
        tier: str = "auto", memory: str = "host", atomics: str = DEFAULT_SCHEME, stats: str | None = None, trace: Sequence[str] = (), cache: bool = True,
        idiom: bool = True, argv0: str | None = None, watchdog: float = 0, x86_atomics: str = X86_ATOMICS[0]) -> int:  # fmt: skip
    """Run a guest program in this process and give its exit status. A guest that dies by a signal takes the process with it.

    *stats*: None, ``"-"`` for standard error, or the path of a JSON file. *set_env* and *unset_env* change the guest's environment, which is
    otherwise this process's. *idiom*: exclusive pairs become atomic operations. *watchdog*: say every so many seconds what each guest thread is
    doing; 0: never. *x86_atomics* (of ``X86_ATOMICS``): "host", or "llsc" for pairs of load-link and store-conditional."""
    from runtime.linux.options import Options
    from runtime.linux.run import environment, override, run_program

    options = Options(
        sysroot=sysroot, tier=tier, memory=memory, atomics=atomics, trace=tuple(trace), stats=stats, cache=cache, idiom=idiom, watchdog=watchdog,
        x86_atomics=x86_atomics,
    )  # fmt: skip
    changes: dict[str, str | None] = {**dict.fromkeys(unset_env), **(set_env or {})}
    argv = [os.fsencode(word) for word in (argv0 or program, *arguments)]
    on_exit = None
    if stats is not None:
        from dbt.stats import reporter

        on_exit = reporter(stats)
    return run_program(program, argv, override(environment(), changes) if changes else None, options=options, on_exit=on_exit)


def dump(program: str | None = None, *, at: str | None = None, hex_bytes: str | None = None, isa: str | None = None, stages: str = "all",
         region: bool = False, idiom: bool = True, x86_atomics: str = X86_ATOMICS[0]) -> Dump:  # fmt: skip
    """Guest code of a program, or of bytes in hexadecimal, at the stages named (comma-separated, or ``all``). *idiom*: exclusive pairs become atomic
    operations. *x86_atomics* as for ``run``."""
    from dbt.abi.archs import LAYOUTS
    from dbt.pipeline import parse_stages
    from dbt.views import source
    from dbt.views.dump import dump as make

    if (program is None) == (hex_bytes is None):
        raise UsageError("dump: one of PROGRAM and --hex is needed: see dbt dump --help")
    if isa is not None and isa not in source.ISAS:
        raise UsageError(f"dump: --isa {isa}: unknown: choose one of {', '.join(source.ISAS)}")
    if x86_atomics not in X86_ATOMICS:
        raise UsageError(f"dump: --x86-atomics {x86_atomics}: unknown: choose one of {', '.join(X86_ATOMICS)}")
    try:
        wanted = parse_stages(stages)
    except ValueError as e:
        raise UsageError(f"dump: --stage {stages}: {e}") from None
    if not wanted:
        raise UsageError("dump: --stage: no stage named: see dbt dump --help")
    if hex_bytes is not None:
        bits = LAYOUTS[source.ISAS[isa or "a32"][0]].address_type.bits
        start = source.address(at, bits) if at else 0
        code = source.from_hex(hex_bytes, isa or "a32", start)
        return make(code, start, isa or "a32", wanted, region=region, whole=not region, idiom=idiom, x86_atomics=x86_atomics)
    assert program is not None
    code = source.from_program(program)
    address, mode = code.locate(at, isa)
    return make(code, address, mode, wanted, region=region, idiom=idiom, x86_atomics=x86_atomics)


def cache_info() -> dict[str, Any]:
    """Where the cache is, and files and bytes of each kind (first directory below it, or the file's suffix)."""
    from runtime.paths import cache_dir

    kinds: dict[str, dict[str, int]] = {}
    for path, size in _cache_files():
        relative = os.path.relpath(path, cache_dir())
        kind = relative.split(os.sep)[0] if os.sep in relative else os.path.splitext(relative)[1].lstrip(".") or relative
        row = kinds.setdefault(kind, {"files": 0, "bytes": 0})
        row["files"] += 1
        row["bytes"] += size
    return {"directory": cache_dir(), "kinds": dict(sorted(kinds.items()))}


def cache_clear() -> dict[str, int]:
    """Remove every file of the cache; gives how many and how large. Runs that use them go on: their mappings stay."""
    files = size = 0
    for path, length in _cache_files():
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as e:
            raise UsageError(f"cache clear: {path}: {e.strerror}: remove it by hand") from None
        files, size = files + 1, size + length
    return {"files": files, "bytes": size}


def _cache_files() -> list[tuple[str, int]]:
    from runtime.paths import cache_dir

    def fail(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise UsageError(f"cache: {error.filename}: {error.strerror}: set DBT_CACHE_DIR to a directory of your own")

    found = []
    for directory, _, names in os.walk(cache_dir(), onerror=fail):
        for name in names:
            path = os.path.join(directory, name)
            try:
                found.append((path, os.lstat(path).st_size))
            except FileNotFoundError:  # another process tidies up at the same time
                continue
    return found


class Check:
    """One row of ``doctor``: what was looked for, what was found, and whether nothing works without it."""

    __slots__ = ("what", "found", "ok", "needed")

    def __init__(self, what: str, found: str, ok: bool, needed: bool) -> None:
        self.what = what
        self.found = found
        self.ok = ok
        self.needed = needed


def _refused(directory: str) -> str:
    """Why no file can be made in *directory*, which is made if it is not there; or an empty string. Tried, since permissions do not tell all."""
    import tempfile

    try:
        os.makedirs(directory, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return ""
    except OSError as e:
        return e.strerror or "cannot be written"


def doctor() -> list[Check]:
    """Look for everything the translator uses."""
    import platform
    import shutil
    from importlib.metadata import PackageNotFoundError, version

    from runtime.paths import cache_dir

    machine = platform.machine()
    rows = [
        Check("host", f"{platform.system()} {machine}", platform.system() == "Linux" and machine == "x86_64", True),
        Check("python", platform.python_version(), True, True),
    ]
    for package in ("llvmlite", "numba", "capstone", "pyelftools", "click", "rich"):
        try:
            rows.append(Check(package, version(package), True, True))
        except PackageNotFoundError:
            rows.append(Check(package, "not installed", False, True))
    directory = cache_dir()
    refused = _refused(directory)
    rows.append(Check("cache", f"{directory}: {refused}: set DBT_CACHE_DIR to a directory of your own" if refused else directory, not refused, False))
    for arch in FRONTENDS:
        name = f"qemu-{arch}"
        qemu = shutil.which(name) or shutil.which(f"{name}-static")
        rows.append(Check(name, qemu or "not found (only for tests and bench)", qemu is not None, False))
    return rows
