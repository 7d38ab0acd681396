"""What goes wrong before a guest runs, each as one line for the user; and how a guest ends."""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.program import Program


class UsageError(Exception):
    """Bad input from the user: the text says what, where and what to do. The command line prints it and exits with status 2."""


class GuestFormatError(UsageError):
    """A file that is no program for this guest: the text names the file and the reason."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


class GuestExit(BaseException):
    """Unwinds the main thread's loop when the guest called exit; ``status`` is 0 to 255."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Replace(BaseException):
    """Unwinds the main thread's loop when the guest called execve: ``program`` takes its place in this host process."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.program = program


class ThreadExit(BaseException):
    """Unwinds one guest thread's loop when that thread ended."""
