"""``dbt bench docs``: the tables in docs/performance.md, made of reports that are kept beside it. So no figure is written twice, and none by hand.

A table stands between two comments, ``<!-- measured: NAME -->`` and ``<!-- end -->``, where NAME is a key of COMMANDS, or ``targets``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench import host, llsc_text, scaling, tables, targets
from bench import reports as report_files
from bench.reports import Report
from runtime.linux.errors import UsageError

DOCUMENT = host.REPOSITORY / "docs" / "performance.md"
REPORTS = host.REPOSITORY / "docs" / "measured"
COMMANDS = {  # report: the words after ``dbt bench`` that make it
    "kernels-arm": "run --suite kernels --against qemu,native",
    "unicorn": "run --suite kernels --against unicorn --runs 1",
    "kernels-i386": "run --suite kernels --arch i386 --against qemu,native",
    "kernels-x86_64": "run --suite kernels --arch x86_64 --against qemu,native",
    "system": "run --suite system",
    "startup": "run --suite startup",
    "startup-i386": "run --suite startup --arch i386",
    "startup-x86_64": "run --suite startup --arch x86_64",
    "programs": "run --suite programs --runs 1",
    "scaling": "scaling --runs 1",
    "llsc-counters": "llsc --scheme excl --kernel counter,range-1024 --vcpus 1,2,4,8 --against qemu --slices 15",
    "llsc-locks": "llsc --scheme excl --idiom --kernel twolock,ticket --vcpus 1,2,4,8 --against qemu --slices 20",
    "llsc-flush": "llsc --scheme excl,flush --kernel private,range-1024 --vcpus 1,2,4 --against qemu --slices 12",
    "llsc-plain": "llsc --scheme excl,cas --idiom --kernel plain,stores --vcpus 1,2 --slices 90",
}
_BLOCK = re.compile(r"<!-- measured: (.+?) -->\n.*?<!-- end -->", re.DOTALL)


_VIEWS: dict[str, Callable[[Report], str]] = {"run": tables.text, "scaling": scaling.text, "llsc": llsc_text.ratios}


def path(name: str) -> Path:
    """The file of the report *name*."""
    return REPORTS / f"{name}.json"


def kept() -> dict[str, Report]:
    """All reports that are kept."""
    return {name: report_files.read(str(path(name))) for name in COMMANDS if path(name).exists()}


def select(names: Sequence[str]) -> list[str]:
    """The reports *names*; all for none."""
    for name in names:
        if name not in COMMANDS:
            raise UsageError(f"bench docs: {name}: no such report: choose from {', '.join(COMMANDS)}")
    return [name for name in COMMANDS if not names or name in names]


def words(name: str) -> list[str]:
    """The command line after ``dbt bench`` that makes the report *name*, or goes on with one of this commit that is incomplete."""
    old = report_files.read(str(path(name))) if path(name).exists() else {}
    resume = ["--resume"] if old.get("missing") and old.get("commit") == host.commit() else []
    return [*COMMANDS[name].split(), "--json", str(path(name)), *resume]


def render(text: str, reports: Mapping[str, Report]) -> str:
    """*text* with its blocks made anew of *reports*."""

    def block(found: re.Match[str]) -> str:
        name = found[1]
        if name == "targets":
            content = targets.text(reports)
        elif name not in COMMANDS:
            raise UsageError(f"bench docs: {DOCUMENT.name}: measured: {name}: no such report: choose from targets, {', '.join(COMMANDS)}")
        else:
            content = f"    dbt bench {COMMANDS[name]}\n\n" + (_VIEWS[reports[name]["benchmark"]](reports[name]) if name in reports else "Not measured.\n")
        return f"<!-- measured: {name} -->\n{content}<!-- end -->"

    return _BLOCK.sub(block, text)


def rewrite() -> bool:
    """Renew the document; whether that changed it."""
    old = DOCUMENT.read_text()
    new = render(old, kept())
    DOCUMENT.write_text(new)
    return new != old
