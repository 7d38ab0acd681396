"""execve of a guest program by a new host process: the command line of the new translator, and what that does when it starts."""

from __future__ import annotations

import os
import sys

from runtime.linux.options import Options
from runtime.linux.program import Program

# -I: the guest's environment (PYTHONPATH, PYTHONHOME...) is not ours. -S: site is slow; the search path is handed over in its place.
_BOOT = "import sys;sys.path[:]={path!r};from runtime.linux.respawn import main;main()"


def command(options: Options, ignored: list[int], program: Program) -> list[bytes]:
    """argv of the host process that runs *program*; its environment is the guest's. *ignored*: see ``SignalTable.adopt``."""
    boot = _BOOT.format(path=[os.path.abspath(p) for p in sys.path])
    state = ",".join(map(str, ignored))
    head = [sys.executable, "-I", "-S", "-c", boot, options.to_text(), state, program.path]
    return [*(os.fsencode(item) for item in head), program.execfn, program.exe, *program.argv]


def main() -> None:
    """Entry of the respawned translator; never returns."""
    from runtime.linux.run import environment, exit_with, run

    text, state, path, execfn, exe, *argv = sys.argv[1:]
    ignored = frozenset(int(n) for n in state.split(",") if n)
    program = Program(path, [os.fsencode(a) for a in argv], environment(), os.fsencode(execfn), os.fsencode(exe))
    exit_with(lambda: run(program, Options.from_text(text), ignored))
