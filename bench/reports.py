"""Reports of the benchmarks as JSON files, made so that two of them can be compared by people too: a line a row."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from runtime.linux.errors import UsageError
from runtime.own_files import replacing, write_all

Report = dict[str, Any]


def dump(report: Report) -> str:
    lines = []
    for name, value in report.items():
        if isinstance(value, list) and value:
            items = ",\n".join("  " + json.dumps(item) for item in value)
            lines.append(f" {json.dumps(name)}: [\n{items}\n ]")
        else:
            lines.append(f" {json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def check(path: str) -> None:
    """UsageError if no report can be written to *path*."""
    directory = os.path.dirname(path) or "."
    if not os.path.isdir(directory):
        raise UsageError(f"bench: --json {path}: no such directory: make it first")
    if os.path.isdir(path) or not os.access(path if os.path.exists(path) else directory, os.W_OK):
        raise UsageError(f"bench: --json {path}: cannot be written: name another file")


def write(report: Report, path: str) -> None:
    """Replace the file *path* whole: it is valid at any moment."""
    try:
        if Path(path).exists() and not Path(path).is_file():  # a device or a pipe stays what it is
            Path(path).write_text(dump(report))
            return
        with replacing(path) as file:
            write_all(file, dump(report).encode())
    except OSError as e:
        raise UsageError(f"bench: --json {path}: {e.strerror}") from None


def read(path: str) -> Report:
    """A report that ``--json`` wrote."""
    try:
        found = json.loads(Path(path).read_text())
    except OSError as e:
        raise UsageError(f"bench: {path}: {e.strerror}") from None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not {"benchmark", "rows"} <= set(found):
        raise UsageError(f"bench: {path}: not a report that --json of dbt bench wrote")
    return found
