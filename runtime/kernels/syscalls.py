"""System calls that need no Python: made here, outside the interpreter lock, so that threads that wait and wake do not queue for it.

``runtime.linux.nativecalls`` fills the table of what may be made here; everything odd (a bad pointer, a rare operation) goes to Python, which gives the right
error. The host's call is made by the stub of ``runtime.linux.hoststub``, which does not start it when a signal is waiting. The vCPU is OUTSIDE meanwhile, so
nobody waits for one that is blocked; all the rest happens while it is RUNNING.
"""

from __future__ import annotations

from numba.core import types

from dbt.abi.exits import Exit
from dbt.abi.memory import PAGE_BITS, PAGE_READ, PAGE_VALID, PAGE_WRITE
from dbt.abi.syscalls import ARGUMENTS, ERESTART_RESTARTBLOCK, ERESTARTSYS, NUMBER_SHIFT, NUMBERS, Native
from runtime.kernels.build import kernel, llvm_text
from runtime.kernels.codepages import wrote
from runtime.kernels.mem import P, addp, g_ld32, g_ld64, g_st32, g_st64, ld8, ld64, ldp, p2i, sdiv, st64
from runtime.kernels.offsets import (
    CPU_EXIT_ARG,
    CPU_EXIT_REASON,
    CPU_GUEST_BASE,
    CPU_NATIVE_CALLS,
    CPU_PAGE_FLAGS,
    CPU_REQUEST,
    PROC_ADDRESS_MASK,
    PROC_HOST_CALL,
    PROC_NATIVE_SYSCALLS,
    PROC_PAGE_LIMIT,
    PROC_SYSCALL_SLOTS,
    TEMPS,
)
from runtime.kernels.rendezvous import enter_running, leave_running

_PLAIN, _READ, _WRITE, _SEEK = int(Native.PLAIN), int(Native.READ), int(Native.WRITE), int(Native.SEEK)
_CLOCK32, _CLOCK64, _TIME_OF_DAY = int(Native.CLOCK32), int(Native.CLOCK64), int(Native.TIME_OF_DAY)
_FUTEX32, _FUTEX64, _TIME_OF_DAY64 = int(Native.FUTEX32), int(Native.FUTEX64), int(Native.TIME_OF_DAY64)
_INTERRUPTED = int(Exit.INTERRUPTED)
_TO_PYTHON = -(1 << 62)  # in place of a result
_EINTR, _EFAULT, _EOVERFLOW = 4, 14, 75
_LOW = 0xFFFF_FFFF
_ARGUMENT_SLOTS = PROC_SYSCALL_SLOTS + 8
_RESULT_SLOT = _ARGUMENT_SLOTS + 8 * ARGUMENTS
_TIMESPEC = TEMPS  # a host timespec, in cells that no instruction uses now
_NSEC = _TIMESPEC + 8
_CLOCK_REALTIME = 0
# linux/futex.h
_COMMAND = 0x7F & ~0x80
_WAIT, _WAKE, _REQUEUE, _CMP_REQUEUE, _WAIT_BITSET, _WAKE_BITSET = 0, 1, 3, 4, 9, 10

# The stub's signature is that of a C function, which numba cannot call by address.
llvm_text("""
define i64 @host_call(ptr %stub, i64 %nr, i64 %a, i64 %b, i64 %c, i64 %d, i64 %e, i64 %f, i64 %request) {
  %result = tail call i64 %stub(i64 %nr, i64 %a, i64 %b, i64 %c, i64 %d, i64 %e, i64 %f, i64 %request)
  ret i64 %result
}
""")
host_call = types.ExternalFunction("host_call", types.int64(P, *[types.int64] * 8))
clock_gettime = types.ExternalFunction("clock_gettime", types.int32(types.int32, P))  # libc's: no system call for the usual clocks


@kernel
def _argument(cpu, proc, n):
    """Argument *n*, as an unsigned number of the guest's width (so a large one of 64 bits is negative here)."""
    return ld64(cpu, ld64(proc, _ARGUMENT_SLOTS + (n << 3))) & ld64(proc, PROC_ADDRESS_MASK)


@kernel
def _signed(value):
    return (value << 32) >> 32


@kernel
def _inside(proc, address, size):
    """1 if *size* bytes at *address* lie inside the guest's address space."""
    limit = ld64(proc, PROC_PAGE_LIMIT) << PAGE_BITS
    return 1 if 0 <= address <= limit and 0 <= size <= limit - address else 0


@kernel
def _may(cpu, proc, address, size, need):
    """1 if the guest may access *size* bytes (at most a page) at *address* in the way that the PAGE_* flags *need* say."""
    if _inside(proc, address, size) == 0:
        return 0
    last = address + size - 1
    flags = ldp(cpu, CPU_PAGE_FLAGS)
    if ld8(flags, address >> PAGE_BITS) & need != need or ld8(flags, last >> PAGE_BITS) & need != need:
        return 0
    return 1


@kernel
def _call(cpu, proc, number, a, b, c, d, e, f):
    leave_running(cpu, proc)
    result = host_call(ldp(proc, PROC_HOST_CALL), number, a, b, c, d, e, f, p2i(addp(cpu, CPU_REQUEST)))
    enter_running(cpu, proc)
    return result


@kernel
def _buffer_call(cpu, proc, number, reads):
    """read or write. The host's kernel checks the pages of the buffer; here it must lie inside the guest."""
    address, length = _argument(cpu, proc, 1), _argument(cpu, proc, 2)
    if _inside(proc, address, length) == 0:
        return -_EFAULT
    got = _call(cpu, proc, number, _argument(cpu, proc, 0), ld64(cpu, CPU_GUEST_BASE) + address, length, 0, 0, 0)
    if reads != 0 and got > 0:
        wrote(proc, address, got)
    return got


@kernel
def _seek(cpu, proc, number):
    got = _call(cpu, proc, number, _argument(cpu, proc, 0), _signed(_argument(cpu, proc, 1)), _argument(cpu, proc, 2), 0, 0, 0)
    return -_EOVERFLOW if got >= 1 << 31 else got


@kernel
def _put_time(cpu, proc, address, wide):
    """Store the seconds and the fraction in the temporary cells as the guest's structure."""
    base = ldp(cpu, CPU_GUEST_BASE)
    if wide != 0:
        g_st64(base, address, ld64(cpu, _TIMESPEC))
        g_st64(base, address + 8, ld64(cpu, _NSEC))
    else:
        g_st32(base, address, ld64(cpu, _TIMESPEC))
        g_st32(base, address + 4, ld64(cpu, _NSEC))
    wrote(proc, address, 16 if wide != 0 else 8)
    return 0


@kernel
def _clock(cpu, proc, wide):
    address = _argument(cpu, proc, 1)
    if _may(cpu, proc, address, 16 if wide != 0 else 8, PAGE_VALID | PAGE_WRITE) == 0:
        return _TO_PYTHON
    if clock_gettime(_signed(_argument(cpu, proc, 0)), addp(cpu, _TIMESPEC)) != 0:
        return _TO_PYTHON
    return _put_time(cpu, proc, address, wide)


@kernel
def _time_of_day(cpu, proc, wide):
    address = _argument(cpu, proc, 0)
    if _argument(cpu, proc, 1) != 0 or _may(cpu, proc, address, 16 if wide != 0 else 8, PAGE_VALID | PAGE_WRITE) == 0:
        return _TO_PYTHON
    clock_gettime(_CLOCK_REALTIME, addp(cpu, _TIMESPEC))
    st64(cpu, _NSEC, sdiv(ld64(cpu, _NSEC), 1000))
    return _put_time(cpu, proc, address, wide)


@kernel
def _timeout(cpu, proc, address, wide):
    """Host address of the guest's timespec at *address* in the host's form, or 0 if it cannot be read. The host's kernel rejects what is no time."""
    if _may(cpu, proc, address, 16 if wide != 0 else 8, PAGE_VALID | PAGE_READ) == 0:
        return 0
    base = ldp(cpu, CPU_GUEST_BASE)
    if wide != 0:
        st64(cpu, _TIMESPEC, g_ld64(base, address))
        st64(cpu, _NSEC, g_ld32(base, address + 8))  # a 32-bit guest's padding counts for nothing
    else:
        st64(cpu, _TIMESPEC, _signed(g_ld32(base, address)))
        st64(cpu, _NSEC, g_ld32(base, address + 4))
    return p2i(addp(cpu, _TIMESPEC))


@kernel
def _futex(cpu, proc, number, wide):
    operation, fourth = _argument(cpu, proc, 1), _argument(cpu, proc, 3)
    command = operation & _COMMAND
    base, address = ld64(cpu, CPU_GUEST_BASE), _argument(cpu, proc, 0)
    if _inside(proc, address, 4) == 0:
        return _TO_PYTHON
    second = 0
    if command in (_WAIT, _WAIT_BITSET):
        if fourth != 0:
            fourth = _timeout(cpu, proc, fourth, wide)
            if fourth == 0:
                return _TO_PYTHON
    elif command in (_REQUEUE, _CMP_REQUEUE):
        second = _argument(cpu, proc, 4)
        if _inside(proc, second, 4) == 0:
            return _TO_PYTHON
        second += base
    elif command in (_WAKE, _WAKE_BITSET):
        fourth = 0
    else:
        return _TO_PYTHON
    got = _call(cpu, proc, number, base + address, operation, _argument(cpu, proc, 2), fourth, second, _argument(cpu, proc, 5))
    if got == -_EINTR and fourth != 0:
        return -ERESTART_RESTARTBLOCK
    return got


@kernel
def _make(cpu, proc, kind, number):
    """The call's result, -errno or ``_TO_PYTHON``."""
    if kind == _FUTEX32:
        return _futex(cpu, proc, number, 0)
    if kind == _FUTEX64:
        return _futex(cpu, proc, number, 1)
    if kind == _PLAIN:
        first, second, third = _argument(cpu, proc, 0), _argument(cpu, proc, 1), _argument(cpu, proc, 2)
        return _call(cpu, proc, number, first, second, third, 0, 0, 0)
    if kind == _READ:
        return _buffer_call(cpu, proc, number, 1)
    if kind == _WRITE:
        return _buffer_call(cpu, proc, number, 0)
    if kind == _SEEK:
        return _seek(cpu, proc, number)
    if kind == _CLOCK32:
        return _clock(cpu, proc, 0)
    if kind == _CLOCK64:
        return _clock(cpu, proc, 1)
    if kind == _TIME_OF_DAY:
        return _time_of_day(cpu, proc, 0)
    if kind == _TIME_OF_DAY64:
        return _time_of_day(cpu, proc, 1)
    return _TO_PYTHON


@kernel
def native_call(cpu, proc):
    """Make the system call that the vCPU stopped for, if that can be done here. Gives 1, with the result in the guest's register, when the vCPU may go on;
    else 0, and the exit reason is SYSCALL as before or INTERRUPTED. The vCPU is RUNNING."""
    number = ld64(cpu, ld64(proc, PROC_SYSCALL_SLOTS)) & _LOW
    if number >= NUMBERS:
        return 0
    row = ld64(proc, PROC_NATIVE_SYSCALLS + (number << 3))
    if row == 0:
        return 0
    result = _make(cpu, proc, row & ((1 << NUMBER_SHIFT) - 1), row >> NUMBER_SHIFT)
    if result == _TO_PYTHON:
        return 0
    st64(cpu, CPU_NATIVE_CALLS, ld64(cpu, CPU_NATIVE_CALLS) + 1)
    if result in (-ERESTARTSYS, -_EINTR, -ERESTART_RESTARTBLOCK):
        st64(cpu, CPU_EXIT_ARG, result)
        st64(cpu, CPU_EXIT_REASON, _INTERRUPTED)
        return 0
    st64(cpu, ld64(proc, _RESULT_SLOT), result & ld64(proc, PROC_ADDRESS_MASK))
    return 1
