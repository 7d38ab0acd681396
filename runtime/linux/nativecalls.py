"""Which of the guest's system calls native code makes by itself: fills the table of ``runtime.kernels.syscalls``."""

from __future__ import annotations

import ctypes

from dbt.abi.syscalls import ARGUMENTS, NUMBER_SHIFT, NUMBERS, Native
from runtime.linux.hostnr import NR
from runtime.linux.syscalls.table import ROWS
from runtime.process_block import proc

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.process import Process

# Guest system calls by name, besides those that the table of system calls passes through as they are.
_KINDS = {
    "read": (Native.READ, "read"),
    "write": (Native.WRITE, "write"),
    "lseek": (Native.SEEK, "lseek"),
    "clock_gettime": (Native.CLOCK32, "clock_gettime"),
    "clock_gettime64": (Native.CLOCK64, "clock_gettime"),
    "gettimeofday": (Native.TIME_OF_DAY, "gettimeofday"),
    "futex": (Native.FUTEX32, "futex"),
    "futex_time64": (Native.FUTEX64, "futex"),
}
_REGISTERS = {"arm": ("r7", "r0", "r1", "r2", "r3", "r4", "r5", "r0")}  # number, arguments, result
_PLAIN_ARGUMENTS = 3  # that native code passes on


def _kind(name: str, target: str, kinds: str) -> tuple[Native, str]:
    if name in _KINDS:
        return _KINDS[name]
    if target.startswith(".") and len(kinds) <= _PLAIN_ARGUMENTS:
        return Native.PLAIN, target[1:] or name
    return Native.PYTHON, ""


def install(process: Process) -> None:
    """Let native code make the calls that it can. Not while system calls are traced."""
    block, layout = process.engine.block, process.engine.layout
    words = (ctypes.c_uint64 * (2 + ARGUMENTS)).from_address(block.address + proc.offset("syscall_slots"))
    words[:] = [layout.offset(name) for name in _REGISTERS[process.engine.arch]]
    block.put("host_call", process.host.call_at)
    table = (ctypes.c_uint64 * NUMBERS).from_address(block.address + proc.offset("native_syscalls"))
    for number, (name, target, kinds, _) in ROWS.items():
        kind, host_name = _kind(name, target, kinds)
        if kind != Native.PYTHON and number < NUMBERS and host_name in NR:
            table[number] = kind | NR[host_name] << NUMBER_SHIFT


def leave_to_python(process: Process, kind: Native) -> None:
    """Have the calls of *kind* made by Python after all."""
    table = (ctypes.c_uint64 * NUMBERS).from_address(process.engine.block.address + proc.offset("native_syscalls"))
    for number, word in enumerate(table):
        if word & (1 << NUMBER_SHIFT) - 1 == kind:
            table[number] = 0
