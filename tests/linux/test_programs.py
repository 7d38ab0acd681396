"""The C programs of ``src``: their output says what they saw. The expected texts were compared with the reference emulator's; where that differs, a comment
here says why ours is right."""

from __future__ import annotations

import re
import signal

import pytest

from tests.linux.conftest import HERE, Run


def test_memory(run: Run) -> None:
    """qemu-arm 7.2 does not know MAP_FIXED_NOREPLACE, and its mprotect takes unmapped pages; Linux does, and refuses."""
    done = run("./memory.elf")
    assert done.stdout.decode() == (HERE / "memory.txt").read_text()
    assert done.returncode == 0


def test_processes(run: Run) -> None:
    """qemu-arm runs only host programs by execve, unless the host's kernel knows it."""
    done = run("./process.elf")
    assert done.stdout.decode() == (HERE / "process.txt").read_text()
    assert done.returncode == 0


def test_signals(run: Run) -> None:
    done = run("./signals.elf")
    assert done.stdout.decode() == (HERE / "signals.txt").read_text()
    assert done.returncode == 0


def test_threads(run: Run) -> None:
    done = run("./threads.elf")
    assert done.stdout.decode() == (HERE / "threads.txt").read_text()
    assert done.returncode == 7


def test_lock_free_operations(run: Run) -> None:
    done = run("./lockfree.elf")
    assert (done.stdout.decode(), done.returncode) == ("bytes 0 halves 0\nadded 0 wide 0 swapped 0 guarded 0 split 0\nstack lost 0 twice 0 empty 0\n", 0)


# number of the fault -> signal, si_code, offset of si_addr in its page, page (-1: not one of the program's two), si_addr is the pc
FAULTS = {
    0: (signal.SIGSEGV, 1, 0x123, -1, False),  # store to an unmapped page: SEGV_MAPERR
    1: (signal.SIGSEGV, 2, 0x045, 0, False),  # store to a read-only page: SEGV_ACCERR
    2: (signal.SIGSEGV, 1, 0x000, 1, False),  # load across the end: the first byte that is missing
    3: (signal.SIGSEGV, 1, 0x000, -1, True),  # jump to an unmapped page
    4: (signal.SIGSEGV, 2, 0x000, 0, True),  # jump to a page without execute permission
    5: (signal.SIGILL, 1, None, -1, True),  # ILL_ILLOPC, as the kernel (qemu-arm says ILL_ILLOPN)
    6: (signal.SIGTRAP, 1, None, -1, True),
    7: (signal.SIGBUS, 1, 0x002, 0, False),  # LDRD has to be aligned to a word
    8: (signal.SIGBUS, 1, 0x001, 0, False),  # LDREX too
    9: (signal.SIGSEGV, 1, None, -1, False),  # stack overflow
    11: (signal.SIGSEGV, 2, 0x000, 0, False),  # PROT_NONE
}


@pytest.mark.parametrize("kind", FAULTS)
def test_fault_with_handler(run: Run, kind: int) -> None:
    signo, code, offset, page, at_pc = FAULTS[kind]
    done = run("./faults.elf", str(kind))
    said = re.fullmatch(r"signal (\d+) code (-?\d+) addr (\w+) page (-?\d+) pc-addr (-?\d+)\n", done.stdout.decode())
    assert said, done
    assert (int(said[1]), int(said[2]), int(said[4]), int(said[5])) == (signo, code, page, 0 if at_pc else -1)
    assert offset is None or int(said[3], 0) == offset
    assert done.returncode == signo


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
    assert any(re.fullmatch(r"compile 0x[0-9a-f]+: \d+ guest bytes, compiled", line) for line in lines)


def test_signal_races(run: Run) -> None:
    """A lost wake-up would hang here."""
    done = run("./storm.elf")
    pipe = "pipe 1000 100500 ticks 1"
    assert done.stdout.decode().splitlines() == ["ping-pong 500 1", pipe, "calls 0 ticks 1", pipe, "threads 9000 handled 1"]
    assert done.returncode == 0
