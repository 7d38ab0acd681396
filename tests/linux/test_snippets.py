"""Single instructions as user code of Linux: which signal, si_code, address, trap and error number, and what of the registers and memory they leave.

``snippets_ARCH.txt`` has a case a line, ``name | input | output``, of the program ``src/snippet.c``, which says what the two are. The outputs are the host's
(AMD EPYC, a kernel with UMIP), but for lines that begin with ``~``: where the guest's processor is another, or where ours are known to differ (docs/x86.md).
The host executes the guest's x87: the operands of its transcendental instructions have results that are exact, and so the same, on all processors.
``DBT_ALL_TIERS=1`` runs them in tiers quick and 1, too, and ``DBT_NATIVE=1`` on the host, to see that the lines are still true.
"""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.linux.conftest import HERE, Run
from tests.patience import SECONDS

ARCHES = ("i386", "x86_64")
Snippet = tuple[str, str, str, bool]  # name, input, output, whether the output is the host's


def cases(arch: str) -> list[Snippet]:
    lines = (HERE / f"snippets_{arch}.txt").read_text().splitlines()
    fields = [(line[2:].split(" | "), line[0] == " ") for line in lines]
    return [(name, code, output, of_host) for (name, code, output), of_host in fields]


def differences(chosen: list[Snippet], stdout: bytes, native: bool = False) -> str:
    """What is wrong with the program's output for the *chosen* cases."""
    found = []
    lines = stdout.decode().splitlines()
    for (name, code, output, of_host), line in zip(chosen, lines, strict=False):
        if line != output and (of_host or not native):
            found.append(f"{name} [{code}]:\n  {line}\n  is not\n  {output}")
    if len(lines) != len(chosen):
        found.append(f"{len(lines)} of {len(chosen)} cases ended")
    return "\n".join(found)


def text(chosen: list[Snippet]) -> bytes:
    return "".join(f"{code}\n" for _, code, _, _ in chosen).encode()


@pytest.mark.parametrize("arch", ARCHES)
def test_snippets(run: Run, arch: str) -> None:
    check(run, cases(arch), arch)


@pytest.mark.parametrize("run", ["1"], indirect=True)
@pytest.mark.parametrize("arch", ARCHES)
def test_compiled_floating_point(run: Run, arch: str) -> None:
    """What regions write inline of the x87, and what they leave the host to note of SSE."""
    check(run, [case for case in cases(arch) if case[0].startswith(("x87 ", "denormal"))], arch)


@pytest.mark.parametrize("run", ["quick"], indirect=True)
def test_jumps_of_quick_code(run: Run) -> None:
    """To addresses that do not fit into a jump tag, too."""
    check(run, [case for case in cases("x86_64") if case[0].startswith(("noncanon", "kernel"))], "x86_64")


@pytest.mark.skipif(os.environ.get("DBT_ALL_TIERS") != "1", reason="DBT_ALL_TIERS=1 compiles them all")
@pytest.mark.parametrize("run", ["quick", "1"], indirect=True)
@pytest.mark.parametrize("arch", ARCHES)
def test_compiled_snippets(run: Run, arch: str) -> None:
    check(run, cases(arch), arch)


def check(run: Run, chosen: list[Snippet], arch: str) -> None:
    done = run(f"{arch}/snippet.elf", input=text(chosen))
    found = differences(chosen, done.stdout)
    assert not found, found + done.stderr.decode(errors="replace")


@pytest.mark.skipif(os.environ.get("DBT_NATIVE") != "1", reason="DBT_NATIVE=1 runs them on the host")
@pytest.mark.parametrize("arch", ARCHES)
def test_the_host_says_the_same(arch: str) -> None:
    chosen = cases(arch)
    done = subprocess.run([HERE / arch / "snippet.elf"], input=text(chosen), capture_output=True, timeout=SECONDS, check=False)
    found = differences(chosen, done.stdout, native=True)
    assert not found, found
