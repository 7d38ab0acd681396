"""Tables of system calls, as text: a line a call, ``NUMBER NAME HANDLER KINDS [R]``.

Handler: ``group.function`` (``group.`` for a function of the syscall's name), ``.`` for the host's own syscall of that name (``.name`` for another),
``-`` for ENOSYS on purpose, ``~`` for the host's own with guest addresses (``runtime.linux.syscalls.direct``). Kinds, one letter an argument (also what tracing
prints): f descriptor, i signed, u unsigned, o octal, x flags or pointer, s path, ``_`` the hole before an aligned 64-bit pair. R: goes on after a
handler with SA_RESTART (signal(7)).
"""

from __future__ import annotations

# Linux numbers new calls the same on all architectures since 5.1, and began with those of 32-bit ones that have 64-bit times.
TIME64 = """
403 clock_gettime64 time. ix
404 clock_settime64 time. ix
406 clock_getres_time64 time. ix
407 clock_nanosleep_time64 time. ixxx
408 timer_gettime64 time. ix
409 timer_settime64 time. ixxx
410 timerfd_gettime64 time. fx
411 timerfd_settime64 time. fxxx
412 utimensat_time64 time. fsxx
413 pselect6_time64 poll. ixxxxx
414 ppoll_time64 poll. xuxxu
417 recvmmsg_time64 socket. fxuxx R
418 mq_timedsend_time64 ipc. fxuux R
419 mq_timedreceive_time64 ipc. fxuxx R
420 semtimedop_time64 ipc. ixux
421 rt_sigtimedwait_time64 signal. xxxu
422 futex_time64 futex. xiuxxu R
423 sched_rr_get_interval_time64 sched. ix
"""
SINCE_5_1 = """
424 pidfd_send_signal signal. fixx
425 io_uring_setup - ux
426 io_uring_enter - fuuxxu
427 io_uring_register - fuxu
434 pidfd_open . ix
435 clone3 - xu
436 close_range io. uux
437 openat2 paths. fsxu R
438 pidfd_getfd . ffx
439 faccessat2 paths. fsox
441 epoll_pwait2 poll. fxixxu
448 process_mrelease . fx
449 futex_waitv - xuxxi
"""

Row = tuple[str, str, str, bool]  # name, handler, kinds, restartable


def parse(text: str) -> dict[int, Row]:
    """The rows by number."""
    rows = {}
    for line in text.split("\n"):
        if line:
            number, name, target, kinds, *restart = line.split(" ")
            rows[int(number, 0)] = (name, target, "" if kinds == "-" else kinds, bool(restart))
    return rows
