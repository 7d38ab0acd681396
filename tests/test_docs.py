"""README and docs are run: every ``console`` block gives what it says.

A line that starts with ``$ `` is a command for sh, run in the repository; the lines up to the next one are its output, in which a line ``...`` stands for
any lines. ``console host`` blocks depend on the host CPU or the machine: they must succeed, and ``make bless`` renews them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.patience import SECONDS

REPOSITORY = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")])
FENCE = re.compile(r"^```console( host)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANY = "...\n"


@dataclass(frozen=True)
class Step:
    """A command and the output that the document shows for it; ``host``: it depends on the machine."""

    command: str
    output: str
    host: bool


def steps(block: str, host: bool) -> list[Step]:
    found = []
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        found.append(Step(command, output, host))
    return found


def matches(expected: str, got: str) -> bool:
    """True if *got* is *expected*, in which a line ``...`` stands for any lines."""
    pieces = [re.escape(piece) for piece in ("\n" + expected).split("\n" + ANY)]
    return re.fullmatch("\n(?:.*\n)*".join(pieces), "\n" + got) is not None


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of the commands: ``dbt`` and ``python`` are this interpreter's."""
    directory = tmp_path_factory.mktemp("bin")
    for name, words in (("dbt", "-m dbt"), ("python", "")):
        (directory / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        (directory / name).chmod(0o755)
    return {**os.environ, "PATH": f"{directory}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}


def run(step: Step, environment: dict[str, str]) -> str:
    command = ["sh", "-c", step.command]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, f"{step.command}\n{done.stderr}"
    return done.stdout


def renewed(block: str, host: bool, environment: dict[str, str]) -> str:
    """*block* with the present output of each command that is shown in full."""
    text = ""
    for step in steps(block, host):
        output = run(step, environment)
        text += f"$ {step.command}\n{step.output if ANY in step.output else output}"
    return text


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_console_blocks(path: Path, bless: bool, environment: dict[str, str]) -> None:
    text = path.read_text()
    if bless:
        path.write_text(FENCE.sub(lambda m: f"```console{m[1] or ''}\n{renewed(m[2], bool(m[1]), environment)}```", text))
        return
    for host, block in FENCE.findall(text):
        for step in steps(block, bool(host)):
            got = run(step, environment)
            assert step.host or matches(step.output, got), f"{path.name}: $ {step.command}\n{got}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
        assert "://" in target or (path.parent / target).exists(), f"{path.name}: {target}"


def test_files_named_in_docs_exist() -> None:
    for path in DOCUMENTS:
        for name in re.findall(r"`((?:dbt|runtime|tests|bench|docs)/[\w./]+\.(?:py|md|sh|elf|c|s))`", path.read_text()):
            assert (REPOSITORY / name).exists(), f"{path.name} names {name}"
