"""A scenario: guest programs, what memory holds at first, and what must hold at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.model.contract import Contract
from tests.model.explore import Explored, Explorer, Outcome
from tests.model.memory_map import GUEST, PAGE, PROC, MemoryMap
from tests.model.programs import Op, program
from tests.model.sources import Mutation
from tests.model.threads import World


class Ended:
    """An outcome, read by guest address."""

    def __init__(self, outcome: Outcome, memory: MemoryMap, world: World) -> None:
        self.seen = outcome.seen
        self._words, self._memory, self._sharing = outcome.words, memory, world.sharing
        self._blocks = PROC + world.kernels["runtime.kernels.offsets"].PROC_BLOCKS
        self._pages = PROC + world.kernels["runtime.kernels.offsets"].PROC_PAGE_RECORDS
        self._block: Any = world.kernels["runtime.process_block"]

    def _word(self, word: int) -> int:
        """A word that only one vCPU has used is looked at here too: it is shared."""
        if word not in self._words:
            self._sharing.found.add(word)
        return self._words.get(word, self._memory.initial(word))

    def u32(self, address: int) -> int:
        """Guest memory."""
        word = self._memory.canonical(GUEST + address & ~7)
        return self._word(word) >> 8 * (address & 7) & 0xFFFF_FFFF

    def page_field(self, frame: int, name: str) -> int:
        """What the protocol knows of a frame."""
        word = self._pages + frame * self._block.PAGE_RECORD_BYTES + self._block.page_record.offset(name)
        return self._word(word)

    def block_field(self, index: int, name: str) -> int:
        """Of a translated block, in the order in which they were made."""
        word = self._blocks + index * self._block.BLOCK_BYTES + self._block.block.offset(name)
        return self._word(word)


@dataclass(frozen=True)
class Scenario:
    """``vcpus`` are guest programs, ``hosts`` programs of threads without a vCPU. ``header``: fields of the process block; ``flags``: PAGE_* flags by page;
    ``frames`` and ``same``: see ``MemoryMap``. ``mutations``: of constants, to have rare things happen soon."""

    name: str
    vcpus: tuple[tuple[Op, ...], ...]
    hosts: tuple[tuple[Op, ...], ...] = ()
    scheme: str = "excl"
    check: Callable[[Ended], None] = lambda ended: None
    guest: Mapping[int, int] = field(default_factory=dict)
    header: Mapping[str, int] = field(default_factory=dict)
    flags: Mapping[int, int] = field(default_factory=dict)
    frames: Mapping[int, int] = field(default_factory=dict)
    same: Mapping[int, int] = field(default_factory=dict)
    mutations: tuple[Mutation, ...] = ()

    def explore(self, *, tso: bool = False, mutations: Iterable[Mutation] = (), limit: int = 2_000_000, reduced: bool = True) -> Explored:
        """Visit every interleaving; ``explore.Violation``. *reduced*: one order of steps that are independent will do."""
        world = World(tso=tso, mutations=(*self.mutations, *mutations))
        count = len(self.vcpus)
        schemes: Any = world.kernels["dbt.abi.exclusive"]
        memory = MemoryMap(world.kernels, count, guest=self.guest, header={"scheme": schemes.SCHEMES[self.scheme], **self.header}, flags=self.flags,
                           frames=self.frames, same=self.same, all_exclusive=self.scheme == "hst")
        world.use(memory, GUEST)
        engine: Any = world.kernels["tests.model.vcpu"]
        engine.prepare(world, [program(ops) for ops in (*self.vcpus, *self.hosts)])
        def physical(address: int) -> int:
            return self.frames.get(address // PAGE, address // PAGE) * PAGE + address % PAGE

        lives = [engine.vcpu] * count + [engine.host] * len(self.hosts)
        programs = [partial(live, world.number(memory.vcpu(i))) for i, live in enumerate(lives)]
        monitor = Contract(len(programs), physical)

        def check(outcome: Outcome) -> None:
            self.check(Ended(outcome, memory, world))

        return Explorer(world, programs, monitor, check=check, limit=limit, reduced=reduced, name=(self.name, self.scheme)).run()
