"""Single instructions as user code of Linux: which signal, si_code, address, trap and error number, and what of the registers and memory they leave.

``snippets_ARCH.txt`` has a case a line, ``name | input | output``, of the program ``src/snippet.c``, which says what the two are. The outputs are the host's
(AMD EPYC, a kernel with UMIP), but for lines that begin with ``~``: where the guest's processor is another, or where ours are known to differ (docs/x86.md).
``DBT_ALL_TIERS=1`` runs them in tier 1, too, and ``DBT_NATIVE=1`` on the host, to see that the lines are still true.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.linux.conftest import HERE, Run

ARCHES = ("i386", "x86_64")


def cases(arch: str) -> Iterator[tuple[str, str, str, bool]]:
    """Name, input, output, and whether the output is the host's."""
    for line in (HERE / f"snippets_{arch}.txt").read_text().splitlines():
        name, code, output = line[2:].split(" | ")
        yield name, code, output, line[0] == " "


def differences(arch: str, stdout: bytes, native: bool = False) -> list[str]:
    found = []
    lines = stdout.decode().splitlines()
    for (name, code, output, of_host), line in zip(cases(arch), lines, strict=False):
        if line != output and (of_host or not native):
            found.append(f"{name} [{code}]:\n  {line}\n  is not\n  {output}")
    return found if len(lines) == len(list(cases(arch))) else [*found, f"it ended after {len(lines)} cases"]


def text(arch: str) -> bytes:
    return "".join(f"{code}\n" for _, code, _, _ in cases(arch)).encode()


@pytest.mark.parametrize("arch", ARCHES)
def test_snippets(run: Run, arch: str) -> None:
    check(run, arch)


@pytest.mark.skipif(os.environ.get("DBT_ALL_TIERS") != "1", reason="DBT_ALL_TIERS=1 compiles them all")
@pytest.mark.parametrize("arch", ARCHES)
def test_compiled_snippets(run: Run, arch: str) -> None:
    check(run, arch, "--tier", "1")


def check(run: Run, arch: str, *options: str) -> None:
    done = run(f"{arch}/snippet.elf", input=text(arch), options=options)
    found = differences(arch, done.stdout)
    assert not found, "\n".join(found) + done.stderr.decode(errors="replace")


@pytest.mark.skipif(os.environ.get("DBT_NATIVE") != "1", reason="DBT_NATIVE=1 runs them on the host")
@pytest.mark.parametrize("arch", ARCHES)
def test_the_host_says_the_same(arch: str) -> None:
    done = subprocess.run([HERE / arch / "snippet.elf"], input=text(arch), capture_output=True, timeout=60, check=False)
    assert not differences(arch, done.stdout, native=True), "\n".join(differences(arch, done.stdout, native=True))
