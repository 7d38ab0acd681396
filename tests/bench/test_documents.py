"""The tables in docs/performance.md are those of the reports that are kept beside it, and say whether targets are reached."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench import documents, reports, targets
from bench.benchmark import COLD, DBT, QEMU
from bench.kernels import INTEGER
from runtime.linux.errors import UsageError


def report(**changes: Any) -> dict[str, Any]:
    row = {"suite": "startup", "group": "start-up", "name": "busybox echo", "seconds": {COLD: 0.5, DBT: 0.05}, "ratios": {}, "cold_ratios": {},
           "rss": {DBT: 1e6}, "server_rss": 0, "samples": {}}  # fmt: skip
    return {"benchmark": "run", "host": {"cpu": "a processor"}, "commit": "c0ffee", "arch": "arm", "scale": 1.0, "runs": 1, "missing": 0, "rows": [row],
            "means": []} | changes  # fmt: skip


def test_document_is_made_of_the_kept_reports() -> None:
    """If this fails: dbt bench docs."""
    text = documents.DOCUMENT.read_text()
    assert documents.render(text, documents.kept()) == text


def test_blocks_are_renewed_and_the_rest_stays() -> None:
    text = "before\n<!-- measured: startup -->\nstale figures\n<!-- end -->\nbetween\n<!-- measured: system -->\n<!-- end -->\nafter\n"
    made = documents.render(text, {"startup": report()})
    assert made.startswith("before\n<!-- measured: startup -->\n    dbt bench run --suite startup\n\n| startup |") and made.endswith("<!-- end -->\nafter\n")
    assert "| busybox echo | 0.500 s | 0.050 s |" in made and "commit c0ffee, a processor" in made
    assert "stale figures" not in made and "\nbetween\n" in made and "Not measured.\n<!-- end -->" in made
    assert documents.render(made, {"startup": report()}) == made


def test_block_of_no_report() -> None:
    with pytest.raises(UsageError, match="measured: nothing: no such report"):
        documents.render("<!-- measured: nothing -->\n<!-- end -->", {})


def test_targets() -> None:
    mean = {"group": INTEGER, "ratios": {QEMU: 2.0}, "cold_ratios": {}}
    lines = targets.text({"startup": report(), "kernels-arm": report(means=[mean])}).splitlines()
    assert "| integer kernels against qemu-arm | 1.8 | 3 | 2.00 | must reached |" in lines
    assert "| busybox echo, warm | 0.15 s | 0.06 s | 0.05 s | aim reached |" in lines
    assert "| long programs against qemu-arm, warm | 1.2 | 2 |  | not measured |" in lines
    mean["ratios"] = {QEMU: 1.7}
    assert "| 1.70 | **missed** |" in targets.text({"kernels-arm": report(means=[mean])})


def test_incomplete_report_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "REPORTS", tmp_path)
    monkeypatch.setattr("bench.host.commit", lambda: "c0ffee")
    fresh = ["run", "--suite", "startup", "--json", str(tmp_path / "startup.json")]
    assert documents.words("startup") == fresh
    for changes, more in (({"missing": 2}, ["--resume"]), ({}, []), ({"missing": 2, "commit": "older"}, [])):
        reports.write(report(**changes), str(documents.path("startup")))
        assert documents.words("startup") == fresh + more
    assert set(documents.kept()) == {"startup"} and json.loads(documents.path("startup").read_text())["commit"] == "older"


def test_selection() -> None:
    assert documents.select(["startup"]) == ["startup"] and documents.select([]) == list(documents.COMMANDS)
    with pytest.raises(UsageError, match="no such report"):
        documents.select(["nothing"])
