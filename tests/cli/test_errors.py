"""Bad input gives one line on standard error and exit status 2, never a traceback."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dbt.cli import main
from tests.patience import SECONDS

REPOSITORY = Path(__file__).resolve().parents[2]

CASES = [
    ("dump", "PROGRAM and --hex"),
    ("dump {demo} --hex 00", "PROGRAM and --hex"),
    ("dump --hex zz", "not bytes"),
    ("dump --hex ,", "no bytes"),
    ("dump --isa mips --hex 00", "'mips' is not one of"),
    ("dump {demo} --stage nonsense", "no stage is called 'nonsense'"),
    ("dump {demo} --stage ,", "no stage named"),
    ("dump {demo} --at nowhere", "no such symbol"),
    ("dump {demo} --at 0x7fff0000", "outside the code"),
    ("dump {i386} --isa a32", "is for i386: leave --isa out"),
    ("dump {x86_64} --isa i386 --at 0x10400", "is for x86_64: leave --isa out"),
    ("dump {x86_64} --at main", "it has none: give an address such as 0x"),
    ("dump --isa x86_64 --hex 90", "'i386', 'x86-64'"),
    ("dump --hex 90 --x86-atomics best", "'best' is not one of 'host', 'llsc'"),
    ("dump --hex 00 --at 0x123456789", "outside the address space"),
    ("dump {text}", "not an ELF file"),
    ("dump {empty}", "an empty file"),
    ("dump {truncated}", "truncated"),
    ("dump missing", "No such file"),
    ("dump {directory}", "directory"),
    ("run", "no program given"),
    ("run --tier 7 {demo}", "--tier 7: unknown"),
    ("run --tier", "--tier: 0|quick|1|auto is missing"),
    ("run --atomics best {demo}", "--atomics best: unknown: choose one of excl, flush, cas, hst"),
    ("run --x86-atomics best {x86_64}", "--x86-atomics best: unknown: choose one of host, llsc"),
    ("run --frobnicate {demo}", "--frobnicate: no such option"),
    ("run -E NAME {demo}", "-E NAME: not a setting"),
    ("run --trace everything {demo}", "--trace everything: unknown"),
    ("run --no-cache=1 {demo}", "--no-cache takes no value"),
    ("run -L missing {demo}", "not a directory"),
    ("run missing", "No such file"),
    ("run {directory}", "is a directory"),
    ("run {text}", "not an ELF file"),
    ("run {script}", "run its interpreter"),
    ("run {truncated}", "truncated"),
    ("run {aarch64}", "machine AArch64"),
    ("run {locked}", "no execute permission"),
    ("run {dynamic}", "interpreter"),
    ("run -L {directory} {dynamic}", "a sysroot for arm?"),
    ("frobnicate", "No such command"),
    ("cache frobnicate", "No such command"),
    ("cache info --frobnicate", "No such option"),
    ("bench nothing", "No such command"),
    ("bench run fib --json {directory}/none/report.json", "no such directory"),
    ("bench llsc --json {directory}", "cannot be written"),
    ("bench run fib --resume", "give the report's file"),
    ("bench llsc --vcpus 0", "not a list of positive numbers"),
    ("run --watchdog nan {demo}", "not a time"),
    ("run caf\udce9", "caf\\xe9: No such file"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The words that stand in braces in CASES."""
    directory = tmp_path_factory.mktemp("bad")
    demo = REPOSITORY / "tests" / "guests" / "demo.elf"
    made = {
        "text": b"just some text, and long enough to be more than an ELF header's identification bytes\n",
        "script": b"#!/bin/sh\necho hello\n",
        "empty": b"",
        "truncated": demo.read_bytes()[:40],
        "locked": demo.read_bytes(),
        "dynamic": _with_interpreter(demo.read_bytes()),
        "aarch64": demo.read_bytes()[:18] + (183).to_bytes(2, "little") + demo.read_bytes()[20:],  # e_machine
    }
    for name, data in made.items():
        path = directory / name
        path.write_bytes(data)
        path.chmod(stat.S_IRUSR | (0 if name in ("locked", "text") else stat.S_IXUSR))
    x86 = {arch: str(REPOSITORY / "tests" / "linux" / arch / "lockfree.elf") for arch in ("i386", "x86_64")}
    return {**{name: str(directory / name) for name in made}, "demo": str(demo), "directory": str(directory), **x86}


def _with_interpreter(elf: bytes) -> bytes:
    """*elf* with its GNU_STACK program header made the interpreter's, naming a file that is nowhere."""
    data = bytearray(elf)
    start, count = int.from_bytes(data[28:32], "little"), int.from_bytes(data[44:46], "little")
    for at in range(start, start + 32 * count, 32):
        if int.from_bytes(data[at : at + 4], "little") == 0x6474E551:  # PT_GNU_STACK
            name = b"/lib/ld-nowhere.so\0"
            data[at : at + 32] = b"".join(n.to_bytes(4, "little") for n in (3, len(data), 0, 0, len(name), len(name), 4, 1))
            data += name
    return bytes(data)


@pytest.mark.parametrize(("line", "said"), CASES, ids=[line for line, _ in CASES])
def test_one_line(line: str, said: str, files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    status = main([word.format(**files) for word in line.split()])
    out, err = capsys.readouterr()
    assert status == 2
    assert out == ""
    lines = [text for text in err.splitlines() if not text.startswith("building runtime kernels")]  # once a machine, before anything runs
    assert len(lines) == 1 and lines[0].startswith("dbt: "), err
    assert said in lines[0]


def dbt(*words: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "dbt", *words], cwd=REPOSITORY, timeout=SECONDS, **options)  # type: ignore[call-overload, no-any-return]


def test_doctor_tries_the_cache(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """root may write anywhere, but not in /proc."""
    monkeypatch.setenv("DBT_CACHE_DIR", "/proc/nowhere")
    main(["doctor"])
    assert "none cache          /proc/nowhere: " in capsys.readouterr().out


def test_doctor_looks_for_the_reference_of_each_guest(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "/proc/nowhere")
    main(["doctor"])
    out = capsys.readouterr().out
    assert all(f"none qemu-{arch:9} not found" in out for arch in ("arm", "i386", "x86_64"))


def test_full_disk() -> None:
    with open("/dev/full", "wb") as full:
        done = dbt("dump", "tests/guests/demo.elf", "--stage", "disasm", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr == b"dbt: standard output: No space left on device: make room or write elsewhere\n"


def test_closed_pipe_is_quiet() -> None:
    read, write = os.pipe()
    os.close(read)
    done = dbt("dump", "tests/guests/demo.elf", "--stage", "disasm", stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_interrupt_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("dbt.api.dump", lambda *_, **__: signal.raise_signal(signal.SIGINT))
    assert main(["dump", "--hex", "00"]) == 130
    assert capsys.readouterr().err.strip() == ""
