"""Which of the guest's system calls native code makes by itself: fills the table of ``runtime.kernels.syscalls``."""

from __future__ import annotations

import ctypes

from dbt.abi.syscalls import ARGUMENTS, NUMBER_SHIFT, NUMBERS, Native
from runtime.linux.hostnr import NR
from runtime.process_block import proc

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.process import Process

# Handlers of the table that native code stands in for, besides calls that the table passes through as they are. A pair differs by the guest's word: 4, 8 bytes.
_KINDS = {
    "io.read": ((Native.READ, Native.READ), "read"),
    "io.write": ((Native.WRITE, Native.WRITE), "write"),
    "io.lseek": ((Native.SEEK, Native.PLAIN), "lseek"),
    "time.clock_gettime": ((Native.CLOCK32, Native.CLOCK32), "clock_gettime"),
    "time.clock_gettime64": ((Native.CLOCK64, Native.CLOCK64), "clock_gettime"),
    "time.gettimeofday": ((Native.TIME_OF_DAY, Native.TIME_OF_DAY64), "gettimeofday"),
    "futex.futex": ((Native.FUTEX32, Native.FUTEX32), "futex"),
    "futex.futex_time64": ((Native.FUTEX64, Native.FUTEX64), "futex"),
}
_PLAIN_ARGUMENTS = 3  # that native code passes on


def _kind(name: str, target: str, kinds: str, word: int) -> tuple[Native, str]:
    found = _KINDS.get(target + name if target.endswith(".") else target)
    if found is not None:
        return found[0][word == 8], found[1]
    if target.startswith(".") and len(kinds) <= _PLAIN_ARGUMENTS:
        return Native.PLAIN, target[1:] or name
    return Native.PYTHON, ""


def install(process: Process) -> None:
    """Let native code make the calls that it can. Not while system calls are traced."""
    block, layout = process.engine.block, process.engine.layout
    words = (ctypes.c_uint64 * (2 + ARGUMENTS)).from_address(block.address + proc.offset("syscall_slots"))
    words[:] = [layout.offset(name) for name in process.abi.native_registers]
    block.put("host_call", process.host.call_at)
    table = (ctypes.c_uint64 * NUMBERS).from_address(block.address + proc.offset("native_syscalls"))
    for number, (name, target, kinds, _) in process.abi.rows().items():
        kind, host_name = _kind(name, target, kinds, process.abi.word)
        if kind != Native.PYTHON and number < NUMBERS and host_name in NR:
            table[number] = kind | NR[host_name] << NUMBER_SHIFT


def leave_to_python(process: Process, kind: Native) -> None:
    """Have the calls of *kind* made by Python after all."""
    table = (ctypes.c_uint64 * NUMBERS).from_address(process.engine.block.address + proc.offset("native_syscalls"))
    for number, word in enumerate(table):
        if word & (1 << NUMBER_SHIFT) - 1 == kind:
            table[number] = 0
