"""Tier 0: interprets the records of blocks.

The loop is one function whose scalar cases are generated from the ``sem`` column of the opcode table, so that numba sees a chain of comparisons with
the code; ``jump_table`` has LLVM make one jump table of it. Memory accesses probe the TLB inline. Jumps between blocks stay inside: a goto holds a link to
its block, an indirect jump looks into the vCPU's jump cache.
"""

from __future__ import annotations

import re

from dbt.abi import memory, records
from dbt.abi.exits import Exit
from dbt.abi.helpers import RMW_KINDS
from dbt.abi.memory import JUMP_BITS, JUMP_ENTRIES, JUMP_ENTRY_BITS, PAGE_MASK
from dbt.abi.records import CODES, IMMEDIATE_FORMS, RECORD_BYTES, is_rare
from dbt.ir.optable import OPS, instances
from dbt.ir.types import TYPES
from runtime.kernels import exclusive, mem, offsets, rare, sem, softmmu
from runtime.kernels.blocks import find_block
from runtime.kernels.build import kernel
from runtime.kernels.codepages import TAG_PC, lock, unlock
from runtime.kernels.mem import ld64, lshr, st64
from runtime.kernels.offsets import (
    BLOCK_HOT_AT,
    BLOCK_NATIVE,
    BLOCK_TAG,
    CPU_EXIT_REASON,
    CPU_MODE,
    CPU_PC,
    JUMP_BLOCK,
    JUMP_CACHE,
    JUMP_NATIVE,
    JUMP_TAG,
    PROC_HOT,
    PROC_HOT_STOP,
    PROC_HOT_TAIL,
    PROC_RECORD_TAGS,
    PROC_RECORDS,
)
from runtime.process_block import HOT_SLOTS, NEVER_HOT

_HOT = int(Exit.HOT)


@kernel
def jump_to(cpu, pc, mode):
    """Go on at (pc, mode), which no tag can hold if the guest's addresses have 64 bits and it jumps astray."""
    st64(cpu, CPU_PC, pc)
    st64(cpu, CPU_MODE, mode)


@kernel
def set_pc(cpu, tag):
    jump_to(cpu, tag & TAG_PC, lshr(tag, 48))


@kernel
def leave_at(cpu, proc, record):
    """Make pc and mode those of the guest instruction that *record* belongs to."""
    set_pc(cpu, ld64(proc, PROC_RECORD_TAGS + ((record - PROC_RECORDS) >> 1)))


@kernel
def jump_entry(pc):
    """Offset of the jump-cache entry for *pc*."""
    return JUMP_CACHE + ((((pc ^ (pc >> JUMP_BITS)) >> 1) & (JUMP_ENTRIES - 1)) << JUMP_ENTRY_BITS)


@kernel
def remember_jump(cpu, proc, tag, block):
    """Enter *block* into the vCPU's jump cache."""
    entry = jump_entry(tag & TAG_PC)
    st64(cpu, entry + JUMP_TAG, tag)
    st64(cpu, entry + JUMP_NATIVE, ld64(proc, block + BLOCK_NATIVE))
    st64(cpu, entry + JUMP_BLOCK, block)


@kernel
def indirect(cpu, proc, tag):
    """Block for an indirect jump, by the jump cache or the hash; 0 if there is none yet."""
    entry = jump_entry(tag & TAG_PC)
    if ld64(cpu, entry + JUMP_TAG) == tag:
        return ld64(cpu, entry + JUMP_BLOCK)
    block = find_block(proc, tag)
    if block != 0:
        remember_jump(cpu, proc, tag, block)
    return block


@kernel
def push_hot(cpu, proc, block):
    """Put a block that has become hot in the hot queue; only its ``hot_at`` is looked at, so that it is there once."""
    lock(proc)
    if ld64(proc, block + BLOCK_HOT_AT) != NEVER_HOT:
        st64(proc, block + BLOCK_HOT_AT, NEVER_HOT)
        tail = ld64(proc, PROC_HOT_TAIL)
        st64(proc, PROC_HOT + ((tail & (HOT_SLOTS - 1)) << 3), block)
        mem.a_st64(proc, PROC_HOT_TAIL, tail + 1)
        if ld64(proc, PROC_HOT_STOP):
            set_pc(cpu, ld64(proc, block + BLOCK_TAG))
            st64(cpu, CPU_EXIT_REASON, _HOT)
    unlock(proc)


# The generated loop -----------------------------------------------------------------------------------------------------
_HEAD = """
def interpret(cpu, block):
    proc = ldp(cpu, CPU_PROC)
    mask = ld64(proc, PROC_ADDRESS_MASK)
    while True:
        record = ld64(proc, block + BLOCK_CODE)
        if unlikely((record == 0) | ((a_ld64(cpu, CPU_REQUEST) | ld64(cpu, CPU_COUNT_MODE)) != 0)):
            set_pc(cpu, ld64(proc, block + BLOCK_TAG))
            if record == 0 or a_ld64(cpu, CPU_REQUEST) != 0:
                return
            if ld64(cpu, CPU_COUNT_MODE) & 1:
                budget = ld64(cpu, CPU_BUDGET)
                if budget <= 0:
                    st64(cpu, CPU_EXIT_REASON, EXIT_BUDGET)
                    return
                st64(cpu, CPU_BUDGET, budget - ld64(proc, block + BLOCK_INSNS_COUNT))
        count = ld64(proc, block + BLOCK_COUNT) + 1
        st64(proc, block + BLOCK_COUNT, count)
        if unlikely(count >= ld64(proc, block + BLOCK_HOT_AT)):
            push_hot(cpu, proc, block)
            if ld64(cpu, CPU_EXIT_REASON) != 0:
                return
        while True:
            w = ld64(proc, record)
            v = ld64(proc, record + 8)
            code = w & CODE_MASK
            d = (w >> 13) & 0x7FFF8
            a = (w >> 32) << 3
            b = (v << 32) >> 32
            c = v >> 32
"""

_CONTROL = """
goto:
    block = c
    if unlikely(block == 0):
        block = find_block(proc, ld64(proc, record + 4) | (d >> 3) << 48)
        if block == 0:
            jump_to(cpu, ld64(proc, record + 4), d >> 3)
            return
        st32(proc, record + 12, block)
        st64(proc, PROC_LINKED, ld64(proc, PROC_LINKED) + 1)
    elif unlikely(ld64(proc, block + BLOCK_DEAD) != 0):
        st32(proc, record + 12, 0)
    break
goto_ind:
    mode = b if c else ld64(cpu, b << 3)
    tag = ld64(cpu, a) | mode << 48
    st64(proc, block + BLOCK_WENT, tag)
    block = indirect(cpu, proc, tag)
    if block == 0:
        jump_to(cpu, ld64(cpu, a), mode)
        return
    if ld64(proc, block + BLOCK_DEAD) != 0:
        block = find_block(proc, tag)
        if block == 0:
            jump_to(cpu, ld64(cpu, a), mode)
            return
        remember_jump(cpu, proc, tag, block)
    break
br:
    record += (w >> 32) << 4
    continue
brif:
    record += (b if ld64(cpu, a) else c) << 4
    continue
syscall:
    set_pc(cpu, ld64(cpu, a) | (d >> 3) << 48)
    st64(cpu, CPU_EXIT_ARG, b)
    st64(cpu, CPU_EXIT_REASON, EXIT_SYSCALL)
    return
exception:
    set_pc(cpu, ld64(cpu, a) | (d >> 3) << 48)
    st64(cpu, CPU_EXIT_ARG, b)
    st64(cpu, CPU_EXIT_DETAIL, c)
    st64(cpu, CPU_EXIT_REASON, EXIT_EXCEPTION)
    return
halt:
    set_pc(cpu, ld64(cpu, a) | (d >> 3) << 48)
    st64(cpu, CPU_EXIT_REASON, EXIT_HALT)
    return
yield:
    set_pc(cpu, ld64(cpu, a) | (d >> 3) << 48)
    st64(cpu, CPU_EXIT_REASON, EXIT_YIELD)
    return
mov:
    st64(cpu, d, ld64(cpu, a))
mov2:
    high = ld64(cpu, a + 8)
    st64(cpu, d, ld64(cpu, a))
    st64(cpu, d + 8, high)
vpair:
    high = ld64(cpu, b << 3)
    st64(cpu, d, ld64(cpu, a))
    st64(cpu, d + 8, high)
const.i64:
    st64(cpu, d, ld64(proc, record + 4))
get8:
    st64(cpu, d, ld8(cpu, w >> 32))
get16:
    st64(cpu, d, ld16(cpu, w >> 32))
get32:
    st64(cpu, d, ld32(cpu, w >> 32))
put8:
    st8(cpu, b, ld64(cpu, a))
put16:
    st16(cpu, b, ld64(cpu, a))
put32:
    st32(cpu, b, ld64(cpu, a))
clrex:
    clrex(cpu)
cycles:
    st64(cpu, d, cycles())
fence:
    if a:
        fence()
"""

_FAULT = """    if unlikely(ld64(cpu, CPU_EXIT_REASON) != 0):
        leave_at(cpu, proc, record)
        return
"""

_PROBE = """    address = (ld64(cpu, a) + b) & mask
    entry = TLB + ((lshr(address, PAGE_BITS) & (TLB_ENTRIES - 1)) << TLB_ENTRY_BITS)
"""

_LOAD = _PROBE + """    if likely(ld64(cpu, entry + TLB_READ) == address & ({same} | (c - 1))):
        st64(cpu, d, g_ld{bits}(ldp(cpu, entry + TLB_ADDEND), address))
    else:
        value = ld_slow(cpu, address, {bytes} | c << 8)
        if unlikely(ld64(cpu, CPU_EXIT_REASON) != 0):
            leave_at(cpu, proc, record)
            return
        st64(cpu, d, value)
"""

_STORE = _PROBE + """    if likely(a_ld64(cpu, entry + TLB_WRITE) == address & ({same} | (c - 1))):
        g_st{bits}(ldp(cpu, entry + TLB_ADDEND), address, ld64(cpu, d))
    else:
        leave_at(cpu, proc, record)  # the writer's pc, for the statistics
        st_slow(cpu, address, ld64(cpu, d), {bytes} | c << 8)
""" + _FAULT.replace("\n    ", "\n        ").replace("    if", "        if", 1)

_LOAD_128 = _PROBE + """    if likely(ld64(cpu, entry + TLB_READ) == address & ({same} | (c - 1))):
        host = ldp(cpu, entry + TLB_ADDEND)
        high = g_ld64(host, address + 8)
        st64(cpu, d, g_ld64(host, address))
        st64(cpu, d + 8, high)
    else:
        ld_slow_128(cpu, address, c, d >> 3)
""" + _FAULT.replace("\n    ", "\n        ").replace("    if", "        if", 1)

_STORE_128 = _PROBE + """    if likely(a_ld64(cpu, entry + TLB_WRITE) == address & ({same} | (c - 1))):
        host = ldp(cpu, entry + TLB_ADDEND)
        g_st64(host, address, ld64(cpu, d))
        g_st64(host, address + 8, ld64(cpu, d + 8))
    else:
        leave_at(cpu, proc, record)
        st_slow_128(cpu, address, c, d >> 3)
""" + _FAULT.replace("\n    ", "\n        ").replace("    if", "        if", 1)


_X87 = """    x87.run(cpu, addp(proc, record), code, d, a, b << 3)
""" + _FAULT + """    record += RECORD_BYTES
"""


def _cases() -> dict[str, str]:
    """Code name -> body (lines indented by four)."""
    cases: dict[str, str] = {}
    name = ""
    for line in _CONTROL.strip("\n").split("\n"):
        if not line.startswith(" "):
            name = line.rstrip(":")
            cases[name] = ""
        else:
            cases[name] += line + "\n"
    for op in OPS.values():
        if op.kind == "x87":
            cases[op.name] = _X87
        if is_rare(op.name):
            continue
        for suffix in instances(op):
            code = f"{op.name}.{suffix}" if suffix else op.name
            if code in cases:
                continue
            body = _scalar(op.name, suffix)
            if body:
                cases[code] = body
            if op.name in IMMEDIATE_FORMS:
                cases[code + ":i"] = _immediate(op.name, suffix)
    return cases


def _scalar(name: str, suffix: str) -> str:
    """Body for one instance of a scalar row; "" for rows that never become records of their own."""
    op = OPS[name]
    bits = TYPES[suffix].bits if suffix else 0
    if bits == 128 and op.sem is not None:
        return ""  # encoded as two of 64 bits
    if op.sem is not None:
        operands = ["ld64(cpu, a)", "ld64(cpu, b << 3)", "ld64(cpu, c << 3)"][: len(op.args)]
        lines = [f"    {letter} = {cell}\n" for letter, cell in zip(("x", "y", "z"), operands, strict=False)]
        return "".join(lines) + f"    st64(cpu, d, {_expression(op.sem, bits)})\n"
    parameters = {"bits": min(bits, 64), "bytes": bits // 8, "same": PAGE_MASK | (bits // 8 - 1)}
    if name in ("ld", "st"):
        text = {("ld", True): _LOAD_128, ("st", True): _STORE_128, ("ld", False): _LOAD, ("st", False): _STORE}[name, bits == 128]
        return text.format(**parameters)
    size = bits // 8
    if name == "ldlink":
        return f"    value = ldlink(cpu, ld64(cpu, a), {size})\n{_FAULT}    st64(cpu, d, value)\n"
    if name == "stcond":
        return f"    leave_at(cpu, proc, record)\n    value = stcond(cpu, ld64(cpu, a), ld64(cpu, b << 3), {size})\n{_FAULT}    st64(cpu, d, value)\n"
    if name.startswith("rmw_"):
        kind = RMW_KINDS.index(name[4:])
        call = f"rmw(cpu, ld64(cpu, a), ld64(cpu, b << 3), {size | kind << 16} | c << 8)"
        return f"    leave_at(cpu, proc, record)\n    value = {call}\n{_FAULT}    st64(cpu, d, value)\n"
    if name == "cas" and bits == 128:
        call = f"cas_128(cpu, ld64(cpu, a), b | (c & 0xFFFF) << 16 | (d >> 3) << 32, {size} | (c >> 16) << 8)"
        return f"    leave_at(cpu, proc, record)\n    {call}\n{_FAULT}"
    if name == "cas":
        call = f"cas(cpu, ld64(cpu, a), ld64(cpu, b << 3), ld64(cpu, (c & 0xFFFF) << 3), {size} | (c >> 16) << 8)"
        return f"    leave_at(cpu, proc, record)\n    value = {call}\n{_FAULT}    st64(cpu, d, value)\n"
    return ""


def _immediate(name: str, suffix: str) -> str:
    bits = TYPES[suffix].bits
    wrapped = "b" if bits == 64 else f"b & {(1 << bits) - 1}"
    return f"    x = ld64(cpu, a)\n    y = {wrapped}\n    st64(cpu, d, {_expression(str(OPS[name].sem), bits)})\n"


def _expression(text: str, bits: int) -> str:
    """A row's ``sem`` over the interpreter's variables: operands x, y, z, the width as a number. ``s`` (sext) is word 2."""
    names = {"a": "x", "b": "y", "c": "z", "n": str(bits), "s": "b"}
    return re.sub(r"\b[abcns]\b", lambda found: names[found.group()], text)


def source() -> str:
    """Python source of ``interpret``."""
    same: dict[str, list[str]] = {}  # rows of several types often have one body
    for name, body in _cases().items():
        same.setdefault(body, []).append(name)
    lines = [_HEAD]
    keyword = "if"
    for body, names in same.items():
        condition = " or ".join([f"code == {CODES[name]}" for name in names])
        lines.append(f"            {keyword} {condition}:  # {', '.join(names)}\n")
        lines += [f"            {line}\n" for line in body.rstrip("\n").split("\n")]
        keyword = "elif"
    lines.append(f"            else:\n                rare(cpu, addp(proc, record))\n                record += {RECORD_BYTES}\n")
    lines.append(f"            record += {RECORD_BYTES}\n")
    return "".join(lines)


def _make() -> object:
    scope: dict[str, object] = {}
    for module in (rare, mem, sem, memory, records, offsets, exclusive, softmmu):
        scope.update({name: value for name, value in vars(module).items() if not name.startswith("__")})
    scope.update({name: value for name, value in globals().items() if name not in scope})
    scope.update({f"EXIT_{row.name}": int(row) for row in Exit})
    exec(compile(source(), "<tier 0 interpreter>", "exec"), scope)
    return kernel(scope["interpret"])


interpret = _make()
