"""What ``--json`` prints keeps its shape: names may be added, none goes away or changes its type (docs/usage.md, *JSON*)."""

from __future__ import annotations

import json

import pytest

from dbt.cli import main


def printed(line: str, capsys: pytest.CaptureFixture[str]) -> object:
    assert main(line.split()) == 0
    return json.loads(capsys.readouterr().out)


def shape(value: object) -> object:
    """*value* with each plain value replaced by the name of its type; a list by the shape of its first item."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def test_dump(capsys: pytest.CaptureFixture[str]) -> None:
    found = printed("dump --isa t32 --hex 51e8002f --stage disasm,ir --json", capsys)
    assert isinstance(found, dict) and list(found) == ["source", "address", "isa", "stages"] and list(found["stages"]) == ["disasm", "ir"]
    for lines in found["stages"].values():
        assert {tuple(line) for line in lines} == {("pc", "text")}
        assert {type(line["pc"]) for line in lines} <= {int, type(None)}  # a label has no address


def test_cache(capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path_factory.mktemp("cache")
    (directory / "regions").mkdir()
    (directory / "regions" / "one").write_bytes(b"123")
    monkeypatch.setenv("DBT_CACHE_DIR", str(directory))
    assert printed("cache info --json", capsys) == {"directory": str(directory), "kinds": {"regions": {"files": 1, "bytes": 3}}}
    assert printed("cache clear --json", capsys) == {"files": 1, "bytes": 3}


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert shape(printed("doctor --json", capsys)) == [{"what": "str", "found": "str", "ok": "bool", "needed": "bool"}]
