"""Flags of open(2): ARM numbers four of them differently from x86-64 (arch/arm/include/uapi/asm/fcntl.h)."""

from __future__ import annotations

import os

_GUEST = {"O_DIRECTORY": 0o40000, "O_NOFOLLOW": 0o100000, "O_DIRECT": 0o200000, "O_LARGEFILE": 0o400000}
# glibc's O_LARGEFILE is 0 on 64-bit hosts; the kernel reports its own number.
_HOST_LARGEFILE = {"x86_64": 0o100000, "aarch64": 0o400000}[os.uname().machine] if os.uname().machine in ("x86_64", "aarch64") else 0
_HOST: dict[str, int] = {name: getattr(os, name) for name in _GUEST if name != "O_LARGEFILE"} | {"O_LARGEFILE": _HOST_LARGEFILE}
_GUEST_BITS: int = sum(_GUEST.values())
_HOST_BITS: int = sum(_HOST.values())


def to_host(flags: int) -> int:
    """The guest's open flags with the host's numbers."""
    return (flags & ~_GUEST_BITS) | sum(_HOST[name] for name, bit in _GUEST.items() if flags & bit)


def to_guest(flags: int) -> int:
    """The host's open flags (F_GETFL) with the guest's numbers."""
    return (flags & ~_HOST_BITS) | sum(_GUEST[name] for name, bit in _HOST.items() if flags & bit)
