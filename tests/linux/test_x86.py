"""The programs of ``src`` built for i386 and x86-64: the same texts as on ARM but for the machine's name, and the faults that x86 has. Checked against the
host itself, which runs both kinds."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.linux.conftest import HERE, Run
from tests.patience import SECONDS

MACHINES = {"i386": "i686", "x86_64": "x86_64"}
SI_KERNEL = 128


@pytest.fixture(params=MACHINES)
def arch(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("name", ["memory", "process", "signals", "threads"])
def test_program(run: Run, arch: str, name: str) -> None:
    done = run(f"./{name}.elf", cwd=HERE / arch)
    assert done.stdout.decode() == (HERE / f"{name}.txt").read_text().replace("armv7l", MACHINES[arch])
    assert done.returncode == (7 if name == "threads" else 0)


def test_signal_races(run: Run, arch: str) -> None:
    """A lost wake-up would hang here."""
    done = run(f"{arch}/storm.elf")
    pipe = "pipe 1000 100500 ticks 1"
    assert done.stdout.decode().splitlines() == ["ping-pong 500 1", pipe, "calls 0 ticks 1", pipe, "threads 9000 handled 1"]
    assert done.returncode == 0


@pytest.mark.parametrize(("program", "spawns", "machine"), [("./process.elf", "i386/process.elf", "armv7l"), ("i386/process.elf", "./process.elf", "i686")])
def test_one_guest_starts_another(run: Run, program: str, spawns: str, machine: str) -> None:
    """The program spawns what its argv[0] names, and itself: both are translated."""
    done = run(program, options=("--argv0", spawns, "--trace", "syscall"))
    wanted = (HERE / "process.txt").read_text().replace("armv7l", machine).replace("child ./process.elf", f"child {spawns}")
    assert (done.stdout.decode(), done.returncode) == (wanted, 0)
    assert done.stderr.count(b"exit_group(5) = ?") == 2


NOTHING_LOST = "bytes 0 halves 0\nadded 0 wide 0 swapped 0 guarded 0 split 0\nstack lost 0 twice 0 empty 0\n"


def test_lock_free_operations(run: Run, arch: str) -> None:
    """One counter lies across two pages."""
    done = run(f"{arch}/lockfree.elf")
    assert (done.stdout.decode(), done.returncode) == (NOTHING_LOST, 0)


# number of the fault -> signal, si_code, offset of si_addr in its page (None: any), page (-1: not one of the program's two), si_addr is the pc
FAULTS = {
    0: (signal.SIGSEGV, 1, 0x123, -1, False),  # store to an unmapped page: SEGV_MAPERR
    1: (signal.SIGSEGV, 2, 0x045, 0, False),  # store to a read-only page: SEGV_ACCERR
    2: (signal.SIGSEGV, 1, 0x000, 1, False),  # load across the end: the first byte that is missing
    3: (signal.SIGSEGV, 1, 0x000, -1, True),  # jump to an unmapped page
    4: (signal.SIGSEGV, 2, 0x000, 0, True),  # jump to a page without execute permission
    5: (signal.SIGILL, 2, None, -1, True),  # #UD: ILL_ILLOPN
    6: (signal.SIGTRAP, SI_KERNEL, 0x000, -1, False),  # #BP
    7: (signal.SIGSEGV, SI_KERNEL, 0x000, -1, False),  # MOVAPS of a misaligned operand: #GP
    9: (signal.SIGSEGV, 1, None, -1, False),  # stack overflow
    11: (signal.SIGSEGV, 2, 0x000, 0, False),  # PROT_NONE
    14: (signal.SIGFPE, 1, None, -1, True),  # #DE: FPE_INTDIV
    15: (signal.SIGSEGV, SI_KERNEL, 0x000, -1, False),  # HLT: #GP
    16: (signal.SIGSEGV, SI_KERNEL, 0x000, -1, False),  # INT of a gate that user code may not use: #GP
    17: (signal.SIGSEGV, SI_KERNEL, 0x000, -1, False),  # INTO: #OF
    18: (signal.SIGSEGV, SI_KERNEL, 0x000, -1, False),  # BOUND: #BR
    19: (signal.SIGSEGV, SI_KERNEL, 0x000, -1, False),  # an address that is not canonical: #GP
}
ONLY = {17: "i386", 18: "i386", 19: "x86_64"}
CASES = [(arch, kind) for arch in MACHINES for kind in FAULTS if ONLY.get(kind, arch) == arch]


@pytest.mark.parametrize(("arch", "kind"), CASES)
def test_fault_with_handler(run: Run, arch: str, kind: int) -> None:
    check_fault(run(f"{arch}/faults.elf", str(kind)), kind)


def check_fault(done: subprocess.CompletedProcess[bytes], kind: int) -> None:
    signo, code, offset, page, at_pc = FAULTS[kind]
    said = re.fullmatch(r"signal (\d+) code (-?\d+) addr (\w+) page (-?\d+) pc-addr (-?\d+)\n", done.stdout.decode())
    assert said, done
    assert (int(said[1]), int(said[2]), int(said[4]), int(said[5])) == (signo, code, page, 0 if at_pc else -1)
    assert offset is None or int(said[3], 0) == offset
    assert done.returncode == signo


@pytest.mark.parametrize(("arch", "kind"), CASES)
def test_the_host_says_the_same(arch: str, kind: int) -> None:
    """Where the host's kernel runs such programs."""
    program = Path(HERE, arch, "faults.elf")
    try:
        done = subprocess.run([program, str(kind)], capture_output=True, timeout=SECONDS, check=False)
    except OSError:
        pytest.skip(f"the host runs no {arch} programs")
    check_fault(done, kind)


@pytest.mark.parametrize(("kind", "signo"), [(0, signal.SIGSEGV), (5, signal.SIGILL), (6, signal.SIGTRAP), (14, signal.SIGFPE), (12, signal.SIGABRT)])
def test_fatal_signal(run: Run, arch: str, kind: int, signo: int) -> None:
    done = run(f"{arch}/faults.elf", str(kind), "fatal")
    assert done.returncode == -signo
    assert b"Traceback" not in done.stderr


def test_syscall_reads_and_writes_across_the_end(run: Run, arch: str) -> None:
    done = run(f"{arch}/faults.elf", "13")
    assert done.stdout == bytes(8192) + b"-1\n"
