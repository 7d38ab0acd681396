"""How the commands that click parses show examples and print JSON."""

from __future__ import annotations

import json

import click


def examples(text: str) -> str:
    """A help epilog with the lines of *text* kept as they are."""
    return "\b\nExamples:\n" + "\n".join("  " + line for line in text.strip().splitlines())


def print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=1))
