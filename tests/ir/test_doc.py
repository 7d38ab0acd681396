"""docs/ir.md is what the opcode table says today."""

from __future__ import annotations

from pathlib import Path

from dbt.ir.doc import SECTIONS, document
from dbt.ir.optable import OPS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ir.md"


def test_page_is_current(bless: bool) -> None:
    if bless:
        PAGE.write_text(document())
    assert PAGE.read_text() == document(), "run: python -m dbt.ir.doc > docs/ir.md"


def test_every_row_is_on_the_page() -> None:
    text = document()
    assert all(f"| `{name}` |" in text for name in OPS)
    assert all(first in OPS for first in SECTIONS.values())
