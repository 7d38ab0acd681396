"""Measures one command: ``python -ISB launch.py DESCRIPTOR COMMAND...``, a process of its own for each measurement.

Linux counts what a process had in memory before exec to the peak of the program that it becomes, so all that a grown benchmark started would
have the benchmark's own peak. This process is small. It writes wall seconds, processor seconds, peak memory in bytes and the wait status to DESCRIPTOR.
"""

import os
import signal
import sys
import time

NOT_STARTED = 127  # exit status of a command that cannot be executed, as shells say it


def main() -> None:
    result, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(result, False)
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores these two, and what it starts inherits that
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            os.write(2, f"{command[0]}: {error.strerror}".encode())
            os._exit(NOT_STARTED)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    os.write(result, f"{seconds} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss * 1024} {status}".encode())


if __name__ == "__main__":
    main()
