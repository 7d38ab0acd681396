"""``dbt run``'s own option parser, and help."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dbt.cli import main
from dbt.cli.run_options import OPTIONS, parse

_COMMANDS = (
    "", "dump", "cache", "cache info", "cache clear", "bench", "bench run", "bench llsc", "bench scaling", "bench compare", "bench docs", "doctor",
)  # fmt: skip


def test_everything_after_the_program_is_the_guests() -> None:
    run = parse(["-L", "/root", "--tier=0", "prog", "--tier", "9", "-L"])
    assert run is not None
    assert (run.sysroot, run.tier, run.program, run.arguments) == ("/root", "0", "prog", ["--tier", "9", "-L"])


def test_joined_repeated_and_optional_values() -> None:
    run = parse(["-L/root", "-EA=1", "-E", "B=x=y", "-U", "C", "--stats", "--no-cache", "--", "-odd-name"])
    assert run is not None
    assert (run.sysroot, run.set_env, run.unset_env, run.stats, run.no_cache) == ("/root", ["A=1", "B=x=y"], ["C"], "-", True)
    assert run.program == "-odd-name"
    named = parse(["--stats=out.json", "p"])
    assert named is not None and named.stats == "out.json"


def test_help_asked_before_the_program_only() -> None:
    assert parse(["--help"]) is None
    run = parse(["prog", "--help"])
    assert run is not None and run.arguments == ["--help"]


def test_run_help_shows_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--help"]) == 0
    text = capsys.readouterr().out
    assert all(option.flag in text for option in OPTIONS)
    assert "Examples:" in text


@pytest.mark.parametrize("command", _COMMANDS)
def test_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert "Usage: dbt" in text and "-h, --help" in text


@pytest.mark.parametrize("command", [command for command in _COMMANDS if command not in ("cache info", "cache clear", "doctor")])
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([*command.split(), "--help"])
    assert "Examples:" in capsys.readouterr().out


def test_usage_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    """docs/usage.md has each long option of each command."""
    usage = (Path(__file__).resolve().parents[2] / "docs" / "usage.md").read_text()
    for command in ("run", *_COMMANDS):
        main([*command.split(), "--help"])
        for option in set(re.findall(r"--[a-z][a-z0-9-]+", capsys.readouterr().out)) - {"--version"}:
            assert option in usage, f"dbt {command} {option}"


def test_parsing_a_run_imports_no_click() -> None:
    import subprocess
    import sys

    heavy = ("click", "rich", "numpy", "llvmlite", "json")
    code = f"import sys; from dbt.cli import run_options; run_options.parse(['x']); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_defaults() -> None:
    run = parse(["prog"])
    assert run is not None
    assert (run.tier, run.atomics, run.sysroot, run.stats, run.trace, run.no_cache) == ("auto", "excl", None, None, None, False)
    assert {option.flag: option.choices for option in OPTIONS}["--tier"] == ("0", "quick", "1", "auto")
