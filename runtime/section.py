"""Exclusive sections: while one lasts, no vCPU executes guest instructions."""

from __future__ import annotations

import ctypes
from _thread import get_ident
from types import TracebackType

from runtime.process_block import ProcessBlock

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from typing import Any


class ExclusiveSection:
    """A context manager, one a process, entered again by the thread that is inside without harm. Entering waits until every vCPU has stopped at a poll or has
    left native code; leaving lets them go on. It is the innermost lock: whoever is inside waits for no other lock of Python's that somebody may hold while
    entering. The thread inside must not run a vCPU."""

    def __init__(self, block: ProcessBlock, image: Any) -> None:
        self._block = block.address
        p = ctypes.c_void_p
        self._begin = image.function("begin_section", None, p, waits=True)
        self._end = image.function("end_section", None, p)
        self._owner = 0  # thread identifier
        self._depth = 0

    def __enter__(self) -> ExclusiveSection:
        if self._owner != get_ident():
            self._begin(self._block)
            self._owner = get_ident()
        self._depth += 1
        return self

    def __exit__(self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = 0
            self._end(self._block)
