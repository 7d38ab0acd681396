"""The C programs of ``src``: their output says what they saw. The expected texts were compared with the reference emulator's; where that differs, a comment
here says why ours is right."""

from __future__ import annotations

import re
import signal

import pytest

from tests.linux.conftest import Run
from tests.linux.outcomes import NOTHING_LOST, RACES, STATUS, Fault, text


@pytest.mark.parametrize("name", STATUS)
def test_program(run: Run, name: str) -> None:
    """memory: qemu-arm 7.2 does not know MAP_FIXED_NOREPLACE, and its mprotect takes unmapped pages; Linux does, and refuses. process: qemu-arm runs only host
    programs by execve, unless the host's kernel knows it."""
    done = run(f"./{name}.elf")
    assert (done.stdout.decode(), done.returncode) == (text(name), STATUS[name])


@pytest.mark.parametrize(("name", "outcome"), [("lockfree", NOTHING_LOST), ("storm", RACES)])
def test_races(run: Run, name: str, outcome: str) -> None:
    done = run(f"./{name}.elf")
    assert (done.stdout.decode(), done.returncode) == (outcome, 0)


FAULTS = {
    0: Fault(signal.SIGSEGV, 1, 0x123),  # store to an unmapped page: SEGV_MAPERR
    1: Fault(signal.SIGSEGV, 2, 0x045, 0),  # store to a read-only page: SEGV_ACCERR
    2: Fault(signal.SIGSEGV, 1, 0x000, 1),  # load across the end: the first byte that is missing
    3: Fault(signal.SIGSEGV, 1, 0x000, at_pc=True),  # jump to an unmapped page
    4: Fault(signal.SIGSEGV, 2, 0x000, 0, at_pc=True),  # jump to a page without execute permission
    5: Fault(signal.SIGILL, 1, None, at_pc=True),  # ILL_ILLOPC, as the kernel (qemu-arm says ILL_ILLOPN)
    6: Fault(signal.SIGTRAP, 1, None, at_pc=True),
    7: Fault(signal.SIGBUS, 1, 0x002, 0),  # LDRD has to be aligned to a word
    8: Fault(signal.SIGBUS, 1, 0x001, 0),  # LDREX too
    9: Fault(signal.SIGSEGV, 1, None),  # stack overflow
    11: Fault(signal.SIGSEGV, 2, 0x000, 0),  # PROT_NONE
}


@pytest.mark.parametrize("kind", FAULTS)
def test_fault_with_handler(run: Run, kind: int) -> None:
    FAULTS[kind].check(run("./faults.elf", str(kind)))


FATAL = {0: signal.SIGSEGV, 3: signal.SIGSEGV, 5: signal.SIGILL, 6: signal.SIGTRAP, 7: signal.SIGBUS, 12: signal.SIGABRT}


@pytest.mark.parametrize(("kind", "signo"), FATAL.items())
def test_fatal_signal(run: Run, kind: int, signo: int) -> None:
    """Without a handler the process dies by the very signal; faults are told in one line."""
    done = run("./faults.elf", str(kind), "fatal")
    assert done.returncode == -signo
    assert b"Traceback" not in done.stderr
    if signo != signal.SIGABRT:
        assert re.fullmatch(rb"dbt: .*faults.elf: SIG\w+ at pc 0x[0-9a-f]+, address 0x[0-9a-f]+\n", done.stderr)


def test_syscall_reads_and_writes_across_the_end(run: Run) -> None:
    done = run("./faults.elf", "13")
    assert done.stdout == bytes(8192) + b"-1\n"


def test_trace_shows_syscalls(run: Run) -> None:
    done = run("./faults.elf", "13", options=("--trace", "syscall"))
    assert b'write(1, 0x' in done.stderr
    assert b"= -1 EFAULT" in done.stderr
    assert b"exit_group(0) = ?" in done.stderr


def test_trace_shows_what_the_translator_does(run: Run) -> None:
    done = run("./signals.elf", options=("--trace", "signal,lift,compile", "--tier", "1", "--no-cache"))
    lines = done.stderr.decode().splitlines()
    assert any(re.fullmatch(r"\[\d+\] signal SIG\w+ code -?\d+ at pc 0x[0-9a-f]+: handler 0x[0-9a-f]+", line) for line in lines)
    assert any(re.fullmatch(r"lift [0-9a-f ]+ mode 0x[0-9a-f]+: \d+ records", line) for line in lines)
    made = r"compiled: \d+ instructions, \d+ lines of LLVM text; ms: lift \d+, .*codegen \d+, link \d+"
    assert any(re.fullmatch(rf"compile 0x[0-9a-f]+: \d+ guest bytes, {made}", line) for line in lines)
