"""The new program's first stack: strings, auxiliary vector, environment and argument pointers (System V ABI, process initialisation)."""

from __future__ import annotations

import os
import struct

from runtime.linux.errors import UsageError
from runtime.linux.loader import STACK_BYTES, Loaded

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.abi import Abi
    from runtime.memory import GuestMemory

AT_NULL, AT_PHDR, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_BASE, AT_FLAGS, AT_ENTRY = 0, 3, 4, 5, 6, 7, 8, 9
AT_UID, AT_EUID, AT_GID, AT_EGID, AT_PLATFORM, AT_HWCAP, AT_CLKTCK, AT_SECURE, AT_RANDOM, AT_HWCAP2, AT_EXECFN = 11, 12, 13, 14, 15, 16, 17, 23, 25, 26, 31


def build_stack(
    memory: GuestMemory, abi: Abi, top: int, loaded: Loaded, argv: list[bytes], envp: list[bytes], execfn: bytes
) -> tuple[int, bytes]:
    """Write the stack below *top*; returns (stack pointer, the auxiliary vector's bytes)."""
    word, code = abi.word, abi.word_code
    strings = bytearray()
    size = sum(len(s) + 1 for s in (*argv, *envp, execfn, abi.platform)) + 16
    if size + word * (len(argv) + len(envp)) > STACK_BYTES // 4:
        raise UsageError("argument list and environment too long for the guest's stack")
    start = top - word - size  # the last word stays 0

    def put(data: bytes) -> int:
        at = start + len(strings)
        strings.extend(data)
        return at

    random = put(os.urandom(16))
    platform = put(abi.platform + b"\0")
    args = [put(s + b"\0") for s in argv]
    environment = [put(s + b"\0") for s in envp]
    name = put(execfn + b"\0")
    elf = loaded.elf
    pairs = (
        (AT_PHDR, loaded.phdr), (AT_PHENT, elf.phentsize), (AT_PHNUM, len(elf.segments)), (AT_PAGESZ, 4096), (AT_BASE, loaded.interp_base),
        (AT_FLAGS, 0), (AT_ENTRY, loaded.program_entry), (AT_UID, os.getuid()), (AT_EUID, os.geteuid()), (AT_GID, os.getgid()), (AT_EGID, os.getegid()),
        (AT_SECURE, 0), (AT_HWCAP, abi.hwcap), (AT_HWCAP2, abi.hwcap2), (AT_CLKTCK, os.sysconf("SC_CLK_TCK")), (AT_RANDOM, random), (AT_PLATFORM, platform),
        (AT_EXECFN, name), (AT_NULL, 0),
    )  # fmt: skip
    auxv = b"".join(struct.pack(f"<2{code}", tag, value) for tag, value in pairs)
    words = [len(args), *args, 0, *environment, 0]
    table = struct.pack(f"<{len(words)}{code}", *words) + auxv
    sp = (start - len(table)) & ~15
    memory.write(sp, table)
    memory.write(start, bytes(strings))
    return sp, auxv
