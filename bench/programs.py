"""The suites ``programs`` and ``startup``: Debian programs from a sysroot, timed as a whole.

Cold is a run with a cache that knows no program (``bench.caches``). Warm is a run after two others, when the compile server has made what those asked for.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench import host, rounds
from bench.benchmark import COLD, DBT, QEMU, Benchmark, Timing
from bench.caches import Cache
from runtime.linux.errors import UsageError

LONG = "long programs"
DATA = "data"  # the input file's name, in the working directory
MEGABYTE = 1_000_000
DISTINCT = 12 * MEGABYTE  # of the input file; what is longer repeats it


@dataclass(frozen=True)
class Program:
    """``path`` is below the sysroot. ``{n}`` in an argument or in ``stdin`` is ``size``, the work of about five seconds under qemu-arm, times the scale;
    the input file has ``megabytes`` times the scale."""

    name: str
    path: str
    args: tuple[str, ...]
    size: int = 0
    stdin: str = ""
    megabytes: float = 0

    def command(self, sysroot: str, scale: float) -> list[str]:
        return [os.path.join(sysroot, self.path), *(self._sized(word, scale) for word in self.args)]

    def input(self, scale: float) -> bytes:
        return self._sized(self.stdin, scale).encode()

    def _sized(self, text: str, scale: float) -> str:
        return text.replace("{n}", str(max(1, round(self.size * scale))))


_LUA = """
local function queens(n) local found, cols, up, down = 0, {}, {}, {}
  local function place(r) if r > n then found = found + 1 return end
    for c = 1, n do if not (cols[c] or up[r + c] or down[r - c + n]) then
      cols[c], up[r + c], down[r - c + n] = true, true, true place(r + 1) cols[c], up[r + c], down[r - c + n] = nil, nil, nil end end end
  place(1) return found end
local words = {}
for i = 1, {n} do queens(6) words[i % 1000] = string.format('%d:%s', i, ('x'):rep(i % 10)) .. #words end
table.sort(words) print(#words, words[1])
"""
_PYTHON = """
import re
class Shape:
    def __init__(self, side): self.side = side
    def area(self): return self.side * self.side
total, seen = 0, {}
for i in range({n}):
    total += Shape(i % 100).area()
    seen[f"key{i % 5000}"] = (i, str(i))
    if i % 100 == 0: total += sum(x for x in range(200) if x % 3) + len(re.sub("[aeiou]", "", "load link store conditional"))
print(total, len(seen), 3 ** 5000 % 10 ** 9)
"""
_SQL = """
create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < {n}) insert into t select i, printf('%05d', (i * 7919) % 100007), i / 7.0 from n;
create index tb on t(b); select count(*), sum(a), min(b), max(b) from t; select b, count(*) from t where c > 100 group by b order by 2 desc, 1 limit 3;
select count(*) from t x join t y on x.b = y.b where x.a % 10 = 0;
"""
_AWK = (
    "BEGIN { for (i = 0; i < {n}; i++) { s = (s * 31 + i) % 65537; k[s % 997]++; "
    'if (i % 50 == 0) t += length(sprintf("%d-%s", s, substr("conditional", s % 5 + 1))) } print s, t, length(k) }'
)
_SHELL = "i=0; s=0; while [ $i -lt {n} ]; do s=$(( (s + i * i) % 7919 )); case $s in *7) s=$((s + 1));; esac; i=$((i + 1)); done; echo $s"
PROGRAMS = (
    Program("xz -6", "usr/bin/xz", ("-T1", "-6", "-c", DATA), megabytes=2),
    Program("gzip -9", "bin/gzip", ("-9", "-n", "-c", DATA), megabytes=24),
    Program("bzip2", "bin/bzip2", ("-c", DATA), megabytes=18),
    Program("zstd -15", "usr/bin/zstd", ("-q", "-15", "--single-thread", "-c", DATA), megabytes=5),
    Program("sha512sum", "usr/bin/sha512sum", (DATA,), megabytes=130),
    Program("openssl aes-128-cbc", "usr/bin/openssl", ("enc", "-aes-128-cbc", "-pbkdf2", "-k", "key", "-S", "0011223344556677", "-in", DATA), megabytes=80),
    Program("lua", "usr/bin/lua5.4", ("-e", _LUA), size=4000),
    Program("python3.11", "usr/bin/python3.11", ("-S", "-E", "-c", _PYTHON), size=250_000),
    Program("sqlite3", "usr/bin/sqlite3", (":memory:",), size=80_000, stdin=_SQL),
    Program("gawk", "usr/bin/gawk", (_AWK,), size=900_000),
    Program("busybox sh", "bin/busybox", ("sh", "-c", _SHELL), size=90_000),
)
_SMALL_SQL = (
    "create table t(a integer primary key,b text,c real); with recursive n(i) as (select 1 union all select i+1 from n where i<2000) insert into t select i,"
    "printf('%05d',(i*7919)%10007),i/7.0 from n; create index tb on t(b); select count(*),sum(a),min(b),max(b) from t; select a,b from t order by b limit 3;"
)
STARTUP = (
    Program("busybox echo", "bin/busybox", ("echo", "hello")),
    Program("python3.11 print(1)", "usr/bin/python3.11", ("-S", "-E", "-c", "print(1)")),
    Program("sqlite3 script", "usr/bin/sqlite3", (":memory:",), stdin=_SMALL_SQL),
)
FILLING_RUNS = 2  # before the warm ones: the first asks for what is hot, the second for what is hot besides


def missing(sysroot: str) -> list[str]:
    """Names of the programs that *sysroot* does not have."""
    return [program.name for program in (*PROGRAMS, *STARTUP) if not os.path.exists(os.path.join(sysroot, program.path))]


def benchmarks(suite: str, sysroot: str, against: Collection[str], scale: float, arch: str) -> list[Benchmark]:
    """Rows of the suite ``programs`` or ``startup``; *scale* multiplies the work of the first. *sysroot* has programs for *arch*."""
    chosen, group, once = (PROGRAMS, LONG, (COLD,)) if suite == "programs" else (STARTUP, "start-up", ())
    absent = missing(sysroot)
    return [Benchmark(suite, group, program.name, _subjects(program, sysroot, against, scale, arch), once) for program in chosen if program.name not in absent]


def _subjects(program: Program, sysroot: str, against: Collection[str], scale: float, arch: str) -> dict[str, Callable[[], Timing]]:
    command, given = program.command(sysroot, scale), program.input(scale)
    kept: list[Cache] = []  # the cache of the warm runs: that of the first cold one
    fillings = 0
    outputs: set[bytes] = set()

    def timed(prefix: list[str], environment: dict[str, str]) -> Timing:
        with tempfile.TemporaryDirectory(prefix="dbt-bench-") as directory:
            if program.megabytes:
                (Path(directory) / DATA).write_bytes(_data(round(program.megabytes * scale * MEGABYTE)))
            sample = rounds.run([*prefix, *command], environment, stdin=given, cwd=directory)
        outputs.add(sample.output)
        if len(outputs) > 1:
            raise UsageError(f"bench: {program.name}: {Path(prefix[0]).name} gave another output than the runs before")
        return Timing(sample.seconds, sample.rss)

    def ours(cache: Cache) -> Timing:
        found = timed(host.ours("-L", sysroot), cache.environment())
        servers = cache.settle()
        return Timing(found.seconds, found.rss, servers.rss if servers else None)

    def cold() -> Timing:
        nonlocal fillings
        cache = Cache()
        if kept:
            found = timed(host.ours("-L", sysroot), cache.environment())
            cache.end_servers()  # what they make serves nobody
            return found
        kept.append(cache)
        fillings = 1
        return ours(cache)

    def warm() -> Timing:
        nonlocal fillings
        if not kept:  # a report that is resumed has the cold figure
            cold()
        while fillings < FILLING_RUNS:
            ours(kept[0])
            fillings += 1
        return ours(kept[0])

    subjects: dict[str, Callable[[], Timing]] = {COLD: cold, DBT: warm}
    if QEMU in against:
        subjects[QEMU] = lambda: timed([host.qemu(arch), *host.qemu_options(arch, sysroot)], host.environment())
    return subjects


@cache
def _data(size: int) -> bytes:
    """*size* bytes that pack about as well as text: the same ones every time."""
    numbers = random.Random(1)
    words = [numbers.randbytes(numbers.randint(1, 4)).hex().encode() for _ in range(2000)]
    text = b" ".join(words[min(int(numbers.expovariate(0.004)), len(words) - 1)] for _ in range(min(size, DISTINCT) // 5))
    return (text * (size // len(text) + 1))[:size]
