"""The programs of ``src`` built for i386 and x86-64: the same texts as on ARM but for the machine's name, and the faults that x86 has. Checked against the
host itself, which runs both kinds."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.linux.conftest import HERE, Run
from tests.linux.outcomes import NOTHING_LOST, RACES, STATUS, Fault, text
from tests.patience import SECONDS

MACHINES = {"i386": "i686", "x86_64": "x86_64"}
SI_KERNEL = 128


@pytest.fixture(params=MACHINES)
def arch(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("name", STATUS)
def test_program(run: Run, arch: str, name: str) -> None:
    done = run(f"./{name}.elf", cwd=HERE / arch)
    assert (done.stdout.decode(), done.returncode) == (text(name, MACHINES[arch]), STATUS[name])


@pytest.mark.parametrize(("name", "outcome"), [("lockfree", NOTHING_LOST), ("storm", RACES)])
def test_races(run: Run, arch: str, name: str, outcome: str) -> None:
    """lockfree: one counter lies across two pages."""
    done = run(f"{arch}/{name}.elf")
    assert (done.stdout.decode(), done.returncode) == (outcome, 0)


@pytest.mark.parametrize("scheme", ["excl", "cas"])
def test_races_of_pairs(run: Run, arch: str, scheme: str) -> None:
    """The counters and the lock-free stack, with each atomic instruction made a pair of load-link and store-conditional."""
    done = run(f"{arch}/lockfree.elf", "3", "1000", options=("--x86-atomics", "llsc", "--no-idiom", "--atomics", scheme))
    assert (done.stdout.decode(), done.returncode) == (NOTHING_LOST, 0)


@pytest.mark.parametrize(("program", "spawns", "machine"), [("./process.elf", "i386/process.elf", "armv7l"), ("i386/process.elf", "./process.elf", "i686")])
def test_one_guest_starts_another(run: Run, program: str, spawns: str, machine: str) -> None:
    """The program spawns what its argv[0] names, and itself: both are translated."""
    done = run(program, options=("--argv0", spawns, "--trace", "syscall"))
    wanted = text("process", machine).replace("child ./process.elf", f"child {spawns}")
    assert (done.stdout.decode(), done.returncode) == (wanted, 0)
    assert done.stderr.count(b"exit_group(5) = ?") == 2


FAULTS = {
    0: Fault(signal.SIGSEGV, 1, 0x123),  # store to an unmapped page: SEGV_MAPERR
    1: Fault(signal.SIGSEGV, 2, 0x045, 0),  # store to a read-only page: SEGV_ACCERR
    2: Fault(signal.SIGSEGV, 1, 0x000, 1),  # load across the end: the first byte that is missing
    3: Fault(signal.SIGSEGV, 1, 0x000, at_pc=True),  # jump to an unmapped page
    4: Fault(signal.SIGSEGV, 2, 0x000, 0, at_pc=True),  # jump to a page without execute permission
    5: Fault(signal.SIGILL, 2, None, at_pc=True),  # #UD: ILL_ILLOPN
    6: Fault(signal.SIGTRAP, SI_KERNEL, 0x000),  # #BP
    7: Fault(signal.SIGSEGV, SI_KERNEL, 0x000),  # MOVAPS of a misaligned operand: #GP
    9: Fault(signal.SIGSEGV, 1, None),  # stack overflow
    11: Fault(signal.SIGSEGV, 2, 0x000, 0),  # PROT_NONE
    14: Fault(signal.SIGFPE, 1, None, at_pc=True),  # #DE: FPE_INTDIV
    15: Fault(signal.SIGSEGV, SI_KERNEL, 0x000),  # HLT: #GP
    16: Fault(signal.SIGSEGV, SI_KERNEL, 0x000),  # INT of a gate that user code may not use: #GP
    17: Fault(signal.SIGSEGV, SI_KERNEL, 0x000),  # INTO: #OF
    18: Fault(signal.SIGSEGV, SI_KERNEL, 0x000),  # BOUND: #BR
    19: Fault(signal.SIGSEGV, SI_KERNEL, 0x000),  # an address that is not canonical: #GP
}
ONLY = {17: "i386", 18: "i386", 19: "x86_64"}
CASES = [(arch, kind) for arch in MACHINES for kind in FAULTS if ONLY.get(kind, arch) == arch]


@pytest.mark.parametrize(("arch", "kind"), CASES)
def test_fault_with_handler(run: Run, arch: str, kind: int) -> None:
    FAULTS[kind].check(run(f"{arch}/faults.elf", str(kind)))


@pytest.mark.parametrize(("arch", "kind"), CASES)
def test_the_host_says_the_same(arch: str, kind: int) -> None:
    """Where the host's kernel runs such programs."""
    program = Path(HERE, arch, "faults.elf")
    try:
        done = subprocess.run([program, str(kind)], capture_output=True, timeout=SECONDS, check=False)
    except OSError:
        pytest.skip(f"the host runs no {arch} programs")
    FAULTS[kind].check(done)


@pytest.mark.parametrize(("kind", "signo"), [(0, signal.SIGSEGV), (5, signal.SIGILL), (6, signal.SIGTRAP), (14, signal.SIGFPE), (12, signal.SIGABRT)])
def test_fatal_signal(run: Run, arch: str, kind: int, signo: int) -> None:
    done = run(f"{arch}/faults.elf", str(kind), "fatal")
    assert done.returncode == -signo
    assert b"Traceback" not in done.stderr


def test_syscall_reads_and_writes_across_the_end(run: Run, arch: str) -> None:
    done = run(f"{arch}/faults.elf", "13")
    assert done.stdout == bytes(8192) + b"-1\n"
