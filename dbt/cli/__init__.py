"""The command ``dbt``: picks the command, and turns everything that goes wrong into one line and an exit status.

``dbt run`` is parsed by ``dbt.cli.run_options`` alone, since importing click takes longer than a small guest program; everything else is click's.
"""

from __future__ import annotations

import errno
import gc
import os
import sys

USAGE = 2  # exit status for bad input
INTERRUPTED = 130  # 128 + SIGINT, as shells say it
BROKEN_PIPE = 141  # 128 + SIGPIPE


def main(arguments: list[str] | None = None) -> int:
    """Run the command line *arguments* (default: the process's) and return the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["run"] and "--no-cache" not in arguments:
        gc.disable()  # until the guest starts: what imports leave behind is used to the end
        from dbt.cli import bytecode

        bytecode.install()
    from runtime.linux.errors import UsageError

    try:
        if arguments[:1] == ["run"]:
            _run_guest(arguments[1:])
        from dbt.cli.commands import run_click

        status = run_click(arguments)
        sys.stdout.flush()
        return status
    except UsageError as e:
        return _complain(str(e))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _silence()
        return BROKEN_PIPE
    except OSError as e:
        if e.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS):
            raise
        _silence()
        return _complain(f"{e.filename or 'standard output'}: {e.strerror}: make room or write elsewhere")


def _run_guest(words: list[str]) -> None:
    """``dbt run``: does not come back, unless *words* ask for help. Ends without Python's tear-down, which other guest threads may not survive."""
    from dbt.cli import run_options

    asked = run_options.parse(words)
    if asked is not None:
        status = run_options.start(asked)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _complain(text: str) -> int:
    shown = text.encode(errors="surrogateescape").decode(errors="backslashreplace")  # names of files may be no UTF-8
    print(f"dbt: {' '.join(shown.split())}", file=sys.stderr)
    return USAGE


def _silence() -> None:
    """Standard output takes no more: let Python's last flush go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
