"""execve of a guest program: the command line of the new translator, and what that does when it starts."""

from __future__ import annotations

import os
import sys

from runtime.linux.options import Options

# -I: the guest's environment (PYTHONPATH, PYTHONHOME...) is not ours. -S: site is slow; the search path is handed over in its place.
_BOOT = "import sys;sys.path[:]={path!r};from runtime.linux.respawn import main;main()"


def command(options: Options, ignored: list[int], host_path: str, execfn: bytes, exe: bytes, argv: list[bytes]) -> list[bytes]:
    """argv of the host process that runs the guest program *host_path* under the guest's name *exe*."""
    boot = _BOOT.format(path=[os.path.abspath(p) for p in sys.path])
    state = ",".join(map(str, ignored))
    head = [sys.executable, "-I", "-S", "-c", boot, options.to_text(), state, host_path]
    return [*(os.fsencode(item) for item in head), execfn, exe, *argv]


def main() -> None:
    """Entry of the respawned translator; never returns."""
    from runtime.linux.run import exit_with, run_program

    text, state, host_path, execfn, exe, *argv = sys.argv[1:]
    ignored = frozenset(int(n) for n in state.split(",") if n)
    exit_with(
        lambda: run_program(
            host_path,
            [os.fsencode(a) for a in argv],
            None,
            options=Options.from_text(text),
            execfn=os.fsencode(execfn),
            exe=os.fsencode(exe),
            ignored=ignored,
        )
    )
