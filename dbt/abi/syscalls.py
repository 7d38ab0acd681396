"""Which system calls native code makes by itself: the contract between ``runtime.kernels.syscalls`` and the operating-system layer.

The process block has a table of u64 words by guest system call number, filled by that layer: 0 sends the call to Python; else the kind (a row of ``Native``)
and, above ``NUMBER_SHIFT``, the host's number. Which slots hold the number, the arguments and the result is in the block too, so that kernels serve all guests.
"""

from __future__ import annotations

from dbt.abi.row import Row

NUMBERS = 512  # guest numbers from here on always go to Python
NUMBER_SHIFT = 8
ARGUMENTS = 6
ERESTARTSYS = 512  # the call did not start: a signal is there
ERESTART_RESTARTBLOCK = 516  # a signal ended a wait with a timeout: EINTR after a handler, whatever SA_RESTART says


class Native(Row):
    """How native code makes a system call. Arguments and results are as wide as the guest's addresses."""

    PYTHON = 0, "Not at all."
    PLAIN = 1, "The host's call with the same numbers: no pointers."
    READ = 2, "(descriptor, buffer, length): the host fills the buffer."
    WRITE = 3, "(descriptor, buffer, length)."
    SEEK = 4, "lseek with a signed 32-bit offset."
    CLOCK32 = 5, "clock_gettime into a timespec of two 32-bit words."
    CLOCK64 = 6, "clock_gettime into a timespec of two 64-bit words."
    TIME_OF_DAY = 7, "gettimeofday without a time zone."
    FUTEX32 = 8, "Waiting, waking and requeueing, with a 32-bit timespec."
    FUTEX64 = 9, "The same with a 64-bit timespec."
    TIME_OF_DAY64 = 10, "gettimeofday into a timeval of two 64-bit words."
