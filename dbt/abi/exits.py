"""Why translated code stopped: one row a reason, with the sentence that explains it."""

from __future__ import annotations

from dbt.abi.row import Row


class Exit(Row):
    """Value of ``cpu.exit_reason`` when ``run`` returns to Python."""

    NONE = 0, "Nothing to report: the dispatcher goes on."
    LIFT = 1, "The instruction at pc has no template yet: lift it (its bytes are in guest memory)."
    FETCH_FAULT = 2, "pc is not executable or not mapped: fault_addr says where."
    SYSCALL = 3, "The guest made a system call; exit_arg is the immediate."
    EXCEPTION = 4, "The guest raised exception exit_arg (row of EXCEPTIONS), detail in exit_detail."
    MEMORY_FAULT = 5, "A load or store at pc faulted at fault_addr; fault_info holds FAULT_* bits."
    REQUEST = 6, "Somebody raised cpu.request: signals, stop; exit_arg holds the REQUEST_* bits."
    HALT = 7, "The guest waits for an event."
    YIELD = 8, "The guest lets another vCPU run."
    HOT = 9, "Blocks in the hot queue wait for tier 1 (synchronous tier-1 mode)."
    ARENA_FULL = 10, "No room for more tier-0 code or blocks: flush and go on."
    BUDGET = 11, "The instruction budget (cpu.budget) is used up."
    INTERRUPTED = 14, "A signal ended the system call at pc that native code made, or kept it from starting; exit_arg is the negative result."
    WATCH_STORES = 15, "Code of a page that may be written is about to be translated: compiled stores must look for it from now on."
    REPLAY = 13, ("A load, a store, or an atomic operation that stands for an exclusive pair, faulted in compiled code or would have: the dispatcher "
                  "has tier 0 execute the instructions at pc one by one.")  # fmt: skip


FAULT_WRITE = 1
FAULT_EXEC = 2
FAULT_ALIGN = 4
FAULT_UNMAPPED = 8  # else: mapped, but the permission is missing
FAULT_EXCLUSIVE = 16
FAULT_NONCANONICAL = 32  # bits 47 to 63 of the address differ: x86-64 raises #GP, not #PF

# Guest exceptions raised by lifted code: name -> (number, what it means).
EXCEPTIONS: dict[str, tuple[int, str]] = {
    "undefined": (1, "Undefined or unimplemented instruction."),
    "breakpoint": (2, "Breakpoint instruction (BKPT, INT3)."),
    "divide": (3, "Divide error (x86 #DE)."),
    "protection": (4, "General protection fault (x86 #GP) or privileged instruction."),
    "alignment": (5, "Alignment fault raised by the instruction itself."),
    "kernel_helper": (6, "Call into the Linux kernel helper page; imm is the entry's offset."),
    "overflow": (7, "Overflow trap (x86 INTO)."),
    "bound": (8, "Bound range exceeded (x86 BOUND)."),
    "fp": (9, "Unmasked floating-point exception (x86 #MF)."),
    "semihosting": (10, "ARM semihosting call."),
    "debug": (11, "Debug exception (x86 #DB): single step or INT1."),
    "simd": (12, "Unmasked SSE floating-point exception (x86 #XM)."),
    "stack": (13, "Stack fault (x86 #SS)."),
    "absent": (14, "Segment not present (x86 #NP)."),
    "selector": (15, "The descriptor of an x86 selector of the LDT, in slot error_code, is wanted in the slots ldt_*; the instruction then starts anew."),
}

REQUEST_SIGNAL = 1  # guest signals are pending for this vCPU
REQUEST_STOP = 2  # leave for good (exit_group, exec)
REQUEST_PAUSE = 4  # another vCPU waits for this one to pass a poll (dealt with in native code)
REQUEST_CODE = 8  # leave native code: the arena is about to be emptied
