"""A child process that executes machine code and may die of it: the host's processor as an oracle."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from typing import Any


class NativeChild:
    """*serve* answers, in the child, what comes through a pipe, until it ends (EOFError). The child is forked when one is needed."""

    def __init__(self, serve: Callable[[Connection], None]) -> None:
        self._serve = serve
        self._pipe: Connection | None = None
        self._child = 0
        self.signal = 0  # that ended the last child

    def ask(self, *question: object) -> Any:
        """The answer, or None if the child died: ``signal`` says of what."""
        pipe = self._started()
        try:
            pipe.send(question)
            return pipe.recv()
        except (EOFError, ConnectionError):
            self.close()
            return None

    def close(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
            self.signal = -os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])

    def _started(self) -> Connection:
        if self._pipe is None:
            self._pipe, theirs = Pipe()
            self._child = os.fork()
            if self._child == 0:
                self._pipe.close()
                faulthandler.disable()  # pytest's, which would report every signal
                try:
                    self._serve(theirs)
                except EOFError:
                    os._exit(0)
                finally:
                    os._exit(1)
            theirs.close()
        return self._pipe
