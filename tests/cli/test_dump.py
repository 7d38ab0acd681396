"""``dbt dump``: expected texts in dump/*.expected, each under the command that gives it; and what every stage must have."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from dbt.cli import main

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
PROMPT = "$ dbt "


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Standard output of ``dbt`` in this process; it must succeed."""
    status = main(list(arguments))
    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    return out


@pytest.mark.parametrize("path", sorted((HERE / "dump").glob("*.expected")), ids=lambda path: path.stem)
def test_expected(path: Path, bless: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    command, _, expected = path.read_text().partition("\n")
    got = run(capsys, *shlex.split(command.removeprefix(PROMPT)))
    if bless:
        path.write_text(f"{command}\n{got}")
    else:
        assert got == expected


def test_llvm_and_asm_name_every_instruction(guests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = json.loads(run(capsys, "dump", str(guests / "stages.elf"), "--at", "add_exclusive", "--region", "--no-idiom", "--json"))
    assert list(made["stages"]) == ["disasm", "ir", "ir-opt", "llvm", "asm"]
    instructions = [line["pc"] for line in made["stages"]["disasm"]]
    for stage in ("llvm", "asm"):
        found = {line["pc"] for line in made["stages"][stage]} - {None}
        assert found <= set(instructions)
        assert set(instructions[1:4]) <= found, "link, add and conditional store leave host code"
    assert any("define" in line["text"] for line in made["stages"]["llvm"])
    assert any("leave" in line["text"] for line in made["stages"]["asm"])


def test_every_line_of_code_has_a_guest_address(guests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = json.loads(run(capsys, "dump", str(guests / "demo.elf"), "--at", "crc32_update", "--region", "--json"))
    for stage, lines in made["stages"].items():
        texts = [line["text"] for line in lines]
        rest = re.compile(r"(entry_\d+|flags|leave|store_\w+|op_\d+):|define .*@(?!region)")  # functions beside the region's own
        end = next((i for i, text in enumerate(texts) if rest.match(text)), len(texts))
        assert all(line["pc"] is not None for line in lines[:end] if line["text"].startswith(" ")), stage


@pytest.mark.parametrize("isa", ["i386", "x86-64"])
def test_host_code_of_an_x86_loop_makes_no_flags(isa: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each branch is a comparison of the host; only the way out, at the RET, stores flags."""
    loop = "03 04 8b  83 e9 01  75 f8  39 d0  77 f4"  # again: add eax, [rbx + rcx * 4]; sub ecx, 1; jne again; cmp eax, edx; ja again
    made = json.loads(run(capsys, "dump", "--isa", isa, "--hex", f"31 c0  {loop}  c3", "--at", "0x1000", "--region", "--stage", "asm", "--json"))
    texts = {line["pc"]: [other["text"] for other in made["stages"]["asm"] if other["pc"] == line["pc"]] for line in made["stages"]["asm"]}
    stores_flags = {pc for pc, lines in texts.items() if pc is not None and any(text.split()[:1] in (["setb"], ["seto"]) for text in lines)}
    assert 0x1002 in texts
    assert stores_flags == {0x100E}


def test_columns_show_each_instruction_once(guests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, "dump", str(guests / "stages.elf"), "--at", "sum_a32", "--layout", "columns", "--stage", "disasm,ir-opt")
    assert text.count("ldr r3, [r0], #4") == 2  # its own column, and the heading in the IR


def test_address_selects_the_instruction_set(guests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stages = str(guests / "stages.elf")
    by_name = run(capsys, "dump", stages, "--at", "swap_t32", "--stage", "disasm")
    assert run(capsys, "dump", stages, "--at", "0x20159", "--stage", "disasm") == by_name  # bit 0 set
    assert run(capsys, "dump", stages, "--at", "0x20158", "--stage", "disasm") == by_name  # the file's mapping symbol
    assert run(capsys, "dump", stages, "--at", "0x20158", "--isa", "a32", "--stage", "disasm") != by_name


def test_demo_shows_a_loop(guests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The Makefile names the hot block by its address: it must still be one after a rebuild of the guests."""
    address = re.search(r"^HOT_BLOCK := (0x[0-9a-f]+)", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert address is not None
    text = run(capsys, "dump", str(guests / "demo.elf"), "--at", address[1], "--stage", "disasm")
    assert f"bne #{address[1]}" in text
