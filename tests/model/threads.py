"""A vCPU's program as a finite automaton over the results of its shared accesses.

The program is a Python function that calls kernel functions; it runs in a greenlet that stops at each shared access. What it does next depends on nothing but
its own state, so it is enough to run it once for each local state: the automaton has a node for each state in which the program stands before an access, and an
edge for each result seen. The explorer (``explore``) then moves through the automata of all vCPUs without running any code twice.

**Local state.** Two moments of a program are the same node if the frames of its Python stack agree in code, position and live local variables, and the private
words it has written agree too. Results that Python keeps on a frame's evaluation stack are among the variables: ``sources`` sees to that. So a spin loop
closes on itself.

**Private words.** An access to a word that no other vCPU touches, or that nobody writes, commutes with everything the others do and is no step of its own.
Which words are shared is not assumed: every access is recorded, and when a word counted as private turns out to be touched by two vCPUs, one of them writing,
the exploration starts again with that word shared.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from types import FrameType, ModuleType
from typing import Any, NamedTuple, Protocol

import greenlet

from runtime.kernels import plain
from tests.model.liveness import live_variables
from tests.model.sources import Mutation, Sources, compile_kernel

WORD = 8
_MASK = (1 << 64) - 1
_PARKED = 256  # live greenlets kept, so that an edge out of a recent node needs no replay


class ModelError(Exception):
    """The model was used wrongly, or the code under test does what the model cannot follow."""


class Failed(Exception):
    """A vCPU's program found something wrong."""


class Access(NamedTuple):
    """One step: an access to an aligned word at ``shift`` bits, under ``mask``; or an event, which only the contract's monitor sees."""

    kind: str  # load, store, rmw, cas, fence, wait, wake, step, event, end, error
    word: int = 0
    shift: int = 0
    mask: int = 0
    operand: int = 0
    new: int = 0
    change: Callable[[int, int], int] | None = None
    event: tuple[Any, ...] = ()

    def stored(self, whole: int) -> int:
        """The word after a store into *whole*."""
        return whole & ~(self.mask << self.shift) | (self.operand & self.mask) << self.shift

    def exchanged(self, whole: int) -> tuple[int, int, bool]:
        """Of an atomic operation on *whole*: the old value, the word afterwards, whether it stored."""
        old = whole >> self.shift & self.mask
        if self.kind == "cas":
            if old != self.operand & self.mask:
                return old, whole, False
            new = self.new
        else:
            assert self.change is not None
            new = int(self.change(old, self.operand))
        return old, whole & ~(self.mask << self.shift) | (new & self.mask) << self.shift, True


class Sharing:
    """Which words are shared, and what each vCPU has done to the others."""

    def __init__(self, always: Callable[[int], bool]) -> None:
        self.shared: set[int] = set()
        self.found: set[int] = set()
        self._always = always
        self._users: dict[int, tuple[int, int]] = {}

    def is_shared(self, word: int) -> bool:
        return word in self.shared or self._always(word)

    def note(self, thread: int, word: int, write: bool) -> None:
        """A private access: remember it, and find out whether the word is private at all."""
        users, writers = self._users.get(word, (0, 0))
        bit = 1 << thread
        users |= bit
        writers |= bit if write else 0
        self._users[word] = users, writers
        if writers and users & (users - 1):
            self.found.add(word)


class Node:
    """A local state before the access ``access``; ``seen`` is what the program has observed so far."""

    __slots__ = ("access", "edges", "live", "number", "path", "phase", "seen")

    def __init__(self, number: int, access: Access, phase: tuple[Any, ...], seen: tuple[Any, ...], path: tuple[int, ...]) -> None:
        self.number, self.access, self.phase, self.seen, self.path = number, access, phase, seen, path
        self.edges: dict[int, Node] = {}
        self.live: Run | None = None


def _locals(frame: FrameType) -> tuple[Any, ...]:
    """The live variables of a frame; those that have no value yet are None."""
    values = frame.f_locals
    return tuple(_value(values.get(name)) for name in live_variables(frame.f_code, frame.f_lasti, frame.f_lineno))


def _value(value: Any) -> Any:
    """A local variable as a part of a key."""
    if value is None or isinstance(value, int | str | bytes):
        return value
    if isinstance(value, tuple):
        return value
    if isinstance(value, list):
        return tuple(map(_value, value))
    if isinstance(value, range):
        return value
    if isinstance(value, Opaque):
        return type(value)  # a program meets one of each
    if isinstance(value, ModuleType) or callable(value):
        return id(value)
    raise ModelError(f"a local variable of a vCPU's program is a {type(value).__name__}, which the model cannot compare")


class Opaque:
    """Base of objects whose contents are no part of a program's local state."""


class Thread(Opaque):
    """What a program is given: marks phases for the monitor and notes what the guest observes. ``index`` is the vCPU's number."""

    def __init__(self, index: int, run: Run) -> None:
        self.index = index
        self._run = run

    def event(self, *event: Any) -> None:
        """Tell the monitor."""
        self._run.stop(Access("event", event=event))

    def step(self) -> None:
        """A step of its own that does nothing: what follows happens at any moment from here on."""
        self._run.stop(Access("step"))

    def phase(self, *phase: Any) -> None:
        """From here on, accesses belong to this phase."""
        self._run.phase = phase

    def saw(self, *what: Any) -> None:
        """A result that the final check wants to know."""
        self._run.seen += (what if len(what) > 1 else what[0],)


class Run:
    """One execution of a program, as far as it has come."""

    def __init__(self, automaton: Automaton) -> None:
        self.automaton = automaton
        self.index = automaton.index
        self.phase: tuple[Any, ...] = ()
        self.seen: tuple[Any, ...] = ()
        self.written: dict[int, int] = {}
        self.first_half: int | None = None  # of an access that crosses words, while it stands before the second
        self.thread = Thread(automaton.index, self)
        self._hub = greenlet.getcurrent()
        self._greenlet = greenlet.greenlet(self._main)

    def _main(self) -> Access:
        try:
            self.automaton.program(self.thread)
        except Failed as e:
            return Access("error", event=(str(e),))
        return Access("end")

    def resume(self, *result: int) -> Access:
        """Go on with the result of the access the run stands before; gives the next one."""
        world = self.automaton.world
        world.running = self
        try:
            return self._greenlet.switch(*result)  # type: ignore[no-any-return]
        finally:
            world.running = None

    def key(self) -> Any:
        """The local state, in a form that can be compared."""
        frames = []
        frame = self._greenlet.gr_frame
        while frame is not None:
            if frame.f_code.co_filename != __file__:
                frames.append((id(frame.f_code), frame.f_lasti, _locals(frame)))
            frame = frame.f_back
        return tuple(frames), frozenset(self.written.items()), self.phase, self.seen, self.first_half

    def stop(self, access: Access) -> int:
        """Let the explorer decide when *access* happens; gives its result."""
        return int(self._hub.switch(access))

    def private(self, access: Access) -> int:
        """Do an access that concerns nobody else."""
        world = self.automaton.world
        whole = self.written.get(access.word)
        if whole is None:
            whole = world.memory.initial(access.word)
        result, after, stores = access.exchanged(whole) if access.kind in ("rmw", "cas") else (whole >> access.shift & access.mask, whole, False)
        if access.kind == "store":
            after, stores = access.stored(whole), True
        world.sharing.note(self.index, access.word, stores or access.kind == "rmw")
        if stores:
            self.written[access.word] = after
        return result


class Automaton:
    """All local states of one vCPU's program, found as they are asked for."""

    def __init__(self, world: World, index: int, program: Callable[[Thread], None]) -> None:
        self.world, self.index, self.program = world, index, program
        self.nodes: list[Node] = []
        self.steps = 0  # accesses executed, replays included
        self._known: dict[Any, Node] = {}
        self._parked: deque[Node] = deque()
        run = Run(self)
        self._arrive(run, run.resume(), ())

    def _arrive(self, run: Run, access: Access, path: tuple[int, ...]) -> Node:
        """The node for the state that *run* stands in."""
        self.steps += 1
        key = (access.kind, run.phase, run.seen, access.event) if access.kind in ("end", "error") else run.key()
        node = self._known.get(key)
        if node is None:
            node = self._known[key] = Node(len(self.nodes), access, run.phase, run.seen, path)
            self.nodes.append(node)
        if node.live is None and access.kind not in ("end", "error"):
            node.live = run
            self._parked.append(node)
            if len(self._parked) > _PARKED:
                self._parked.popleft().live = None
        return node

    def _replayed(self, path: tuple[int, ...]) -> Run:
        run = Run(self)
        run.resume()
        for result in path:
            run.resume(result)
        self.steps += len(path)
        return run

    def step(self, node: Node, result: int) -> Node:
        """Where the access of *node* with this result leads."""
        found = node.edges.get(result)
        if found is None:
            run, node.live = node.live, None
            if run is None:
                run = self._replayed(node.path)
            found = node.edges[result] = self._arrive(run, run.resume(result), (*node.path, result))
        return found


class MemoryMap(Protocol):
    """What a world has to know about its memory."""

    def initial(self, word: int) -> int: ...
    def is_guest(self, word: int) -> bool: ...
    def is_ignored(self, word: int) -> bool: ...
    def canonical(self, word: int) -> int: ...
    def name(self, word: int) -> str: ...


class World(Opaque):
    """The memory that all programs run on, and the kernels that run on it."""

    number = plain.I64

    def __init__(self, *, tso: bool = False, mutations: Iterable[Mutation] = ()) -> None:
        self.kernels = Sources(self.issue, mutations)
        self.compile = compile_kernel
        self.tso = tso
        self.running: Run | None = None
        self.memory: MemoryMap
        self.guest_base = self.number(0)
        self.sharing: Sharing

    def use(self, memory: MemoryMap, guest_base: int) -> None:
        """Say what memory there is."""
        self.memory, self.guest_base = memory, self.number(guest_base)
        self.sharing = Sharing(memory.is_guest)

    @property
    def thread(self) -> Thread:
        """The program that runs."""
        assert self.running is not None
        return self.running.thread

    def issue(self, kind: str, address: int = 0, bits: int = 64, operand: int = 0, new: int = 0, change: Callable[[int, int], int] | None = None) -> int:
        """An access by the running program; crosses a word only as two steps, as hosts do between cache lines."""
        run = self.running
        if run is None:
            raise ModelError(f"a {kind} outside of a vCPU's program")
        if kind in ("wait", "wake"):
            bits = 32
        if kind == "fence":
            return run.stop(Access(kind)) if self.tso else 0
        address, operand, new = int(address) & _MASK, int(operand) & _MASK, int(new) & _MASK  # plain numbers: I64 is slow
        inside = address % WORD
        if inside + bits // 8 > WORD:
            if kind not in ("load", "store"):  # no such atomic operation on any host
                raise ModelError(f"misaligned {kind} of {bits} bits at {address:#x}")
            low = 8 * (WORD - inside)
            run.first_half = self._do(run, Access(kind, address - inside, 8 * inside, (1 << low) - 1, operand & ((1 << low) - 1)))
            result = run.first_half | self._do(run, Access(kind, address - inside + WORD, 0, (1 << (bits - low)) - 1, operand >> low)) << low
            run.first_half = None
            return result
        return self._do(run, Access(kind, address - inside, 8 * inside, (1 << bits) - 1, operand, new, change))

    def _do(self, run: Run, access: Access) -> int:
        word = self.memory.canonical(access.word)
        if word != access.word:
            access = access._replace(word=word)
        if self.memory.is_ignored(access.word):
            return 0
        return run.stop(access) if self.sharing.is_shared(access.word) else run.private(access)
