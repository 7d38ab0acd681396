"""What a run was asked for: kept together because a new program image (execve) must get the same."""

from __future__ import annotations

from dbt.abi.archs import X86_ATOMICS
from dbt.abi.exclusive import DEFAULT_SCHEME

TRACES = {
    "syscall": "one line a system call: name, arguments, result",
    "signal": "one line a signal that is delivered: number, code, pc, handler",
    "lift": "one line an instruction that is lifted for the first time: bytes, guest mode, records",
    "compile": "one line a region that tier 1 enters: pc, guest bytes, where it came from, what each stage of its making took",
}


class Options:
    """``tier`` "0", "1" or "auto"; ``memory`` "host" or "tlb"; ``atomics`` a key of ``dbt.abi.exclusive.SCHEMES``; ``x86_atomics`` of ``X86_ATOMICS``;
    ``trace`` and ``stats`` as on the command line; ``cache_dir`` is None for the usual place; ``idiom``: exclusive pairs become atomic operations; ``watchdog``
    in seconds, 0 for none; ``tree`` names the tree of processes that share a compile server, None for a new one."""

    __slots__ = ("sysroot", "tier", "trace", "stats", "cache", "cache_dir", "memory", "idiom", "watchdog", "atomics", "x86_atomics", "tree")

    def __init__(
        self,
        sysroot: str | None = None,
        tier: str = "auto",
        trace: tuple[str, ...] = (),
        stats: str | None = None,
        cache: bool = True,
        cache_dir: str | None = None,
        memory: str = "host",
        idiom: bool = True,
        watchdog: float = 0,
        atomics: str = DEFAULT_SCHEME,
        x86_atomics: str = X86_ATOMICS[0],
        tree: str | None = None,
    ) -> None:
        self.memory = memory
        self.sysroot, self.tier, self.trace, self.stats, self.cache, self.cache_dir = sysroot, tier, trace, stats, cache, cache_dir
        self.idiom = idiom
        self.watchdog = watchdog
        self.atomics = atomics
        self.x86_atomics = x86_atomics
        self.tree = tree

    def to_text(self) -> str:
        """As a Python literal, read back by ``from_text``."""
        return repr({name: getattr(self, name) for name in self.__slots__})

    @classmethod
    def from_text(cls, text: str) -> Options:
        import ast

        return cls(**ast.literal_eval(text))
