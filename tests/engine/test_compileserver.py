"""The compile server: nobody sees it, nobody waits for it, and whatever happens to it costs regions and nothing else."""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import subprocess
import sys
import time
from _socket import AF_UNIX, SOCK_STREAM, socket, socketpair
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime import image, paths
from runtime.background import HOT, Background
from runtime.compileserver import client, maker, requests, spawn
from runtime.compileserver.channel import Channel, Closed, Message
from runtime.compileserver.requests import Failure, Made, NotSent, Request, unpack_answer, unpack_request
from runtime.compileserver.server import MOST_CRASHES, Server
from runtime.compileserver.worker import Make
from tests.backend.test_tier1 import LOOP, expected, run_loop
from tests.engine.children import status_of_child
from tests.engine.harness import Harness
from tests.patience import SECONDS

ROOT = Path(__file__).resolve().parents[2]
NEVER = 3600.0


def request(start: int = 0, kind: str = "", cached: bool = False) -> Request:
    return Request(kind, "", cached, "arm", False, True, False, 2, [(start, 0)], [(start, 0)], {}, {0: bytes(4096)})


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.005)


def children() -> set[int]:
    """This process's, ended ones too."""
    found = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(entry))
    return found


class Served:
    """A server in a process of its own, whose workers do what *make* does; and one connection to it."""

    def __init__(self, make: Make, listener: socket | None = None, seconds: float = NEVER, linger: float = NEVER) -> None:
        address = b""
        if listener is None:
            listener = socket(AF_UNIX, SOCK_STREAM)
            listener.bind(b"")
            listener.listen()
            address = listener.getsockname()
        self.pid = os.fork()
        if not self.pid:
            try:
                Server(listener, lambda: make, seconds=seconds, linger=linger).serve()
            finally:
                os._exit(0)
        listener.close()
        self.channel = self.connect(address) if address else None
        self.address = address

    def connect(self, address: bytes) -> Channel:
        made = socket(AF_UNIX, SOCK_STREAM)
        made.connect(address)
        return Channel(made)

    def answers(self, count: int) -> dict[int, Made | Failure]:
        assert self.channel is not None
        found: list[Message] = []
        while len(found) < count:
            assert self.channel.wait(SECONDS), "no answer"
            self.channel.flush()
            found += self.channel.receive()
        return {message.number: unpack_answer(message.body) for message in found}

    def ask(self, number: int, asked: Request, weight: int = 0) -> None:
        assert self.channel is not None
        self.channel.send(Message(number, weight, asked.pack()))

    def wait(self) -> None:
        """Until the server has ended by itself."""
        until(lambda: os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None)
        os.waitpid(self.pid, 0)
        self.pid = 0

    def stop(self) -> None:
        if self.channel is not None:
            self.channel.close()
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    made: list[Served] = []

    def start(make: Make, **options: object) -> Served:
        made.append(Served(make, **options))  # type: ignore[arg-type]
        return made[-1]

    yield start
    for served in made:
        served.stop()


# Pieces -----------------------------------------------------------------------------------------------------------------
def test_the_stub_is_what_its_source_says() -> None:
    keystone = pytest.importorskip("keystone")
    code, _ = keystone.Ks(keystone.KS_ARCH_X86, keystone.KS_MODE_64).asm(spawn.X86_64_SOURCE)
    assert bytes(code) == spawn.X86_64_CODE


def spawn_blocked(*words: str) -> None:
    """As the callers of spawn do: with all signals blocked. One to the stub's first child would run a handler in the memory that it shares with us."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        spawn.spawn(words[0], list(words), {})
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_a_spawned_program_is_nobody_s_child(tmp_path: Path) -> None:
    """Not a child, no SIGCHLD, a session of its own; and what can't be run is an error."""
    told: list[int] = []
    family = children()
    before = signal.signal(signal.SIGCHLD, lambda *_: told.append(1))
    try:
        out = tmp_path / "out"
        text = "import os, sys; f = open(sys.argv[1] + '.part', 'w'); print(os.getsid(0), os.getpid(), file=f); f.close(); os.rename(f.name, sys.argv[1])"
        spawn_blocked(sys.executable, "-I", "-S", "-c", text, str(out))
        until(out.exists)
        session, pid = map(int, out.read_text().split())
        assert (session != os.getsid(0), pid != os.getpid()) == (True, True)
        for _ in range(50):
            with pytest.raises(spawn.SpawnError, match="No such file"):
                spawn_blocked(str(tmp_path / "missing"))
        assert children() == family
        assert not told
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_messages_come_whole_and_in_order() -> None:
    here, there = socketpair(AF_UNIX, SOCK_STREAM)
    sender, receiver = Channel(here), Channel(there)
    sent = [Message(n, n << 33, bytes([n]) * size) for n, size in enumerate((0, 1, 100, 3_000_000, 5))]
    for message in sent:
        sender.send(message)
    got: list[Message] = []
    while len(got) < len(sent):
        assert receiver.wait(SECONDS)
        got += receiver.receive()
        sender.flush()
    assert [(m.number, m.weight, m.body) for m in got] == [(m.number, m.weight, m.body) for m in sent]
    assert receiver.receive() == []
    sender.close()
    with pytest.raises(Closed):
        receiver.receive()
    receiver.close()


def test_nonsense_on_a_channel_is_the_end_of_it() -> None:
    here, there = socketpair(AF_UNIX, SOCK_STREAM)
    here.send(b"GET / HTTP/1.0\r\n\r\n" + bytes(100))
    channel = Channel(there)
    with pytest.raises(Closed):
        channel.receive()
    channel.close()


def test_a_request_knows_the_pages_it_has() -> None:
    asked = unpack_request(Request("k", "v", True, "arm", False, True, False, 2, [(0x1FF8, 1)], [], {}, {1: bytes(4096), 2: b"\x01" * 4096, 3: b""}).pack())
    assert isinstance(asked, Request)
    assert asked.fetch(0x1FF8, 16) == bytes(8) + b"\x01" * 8
    assert asked.fetch(0x2FFC, 16) == b"\x01" * 4, "page 3 can't be executed"
    with pytest.raises(NotSent):
        asked.fetch(0x4000, 1)
    assert asked.known(0x4000, 1) == b""


def test_pages_of_blocks() -> None:
    asked: list[int] = []

    def fetch(address: int, length: int) -> bytes:
        asked.append(address)
        return bytes(length)

    assert sorted(requests.pages_of([(0x1000, 0), (0x1008, 0), (0x5FF0, 0)], fetch)) == [1, 5, 6]
    assert asked == [0x1000, 0x5000, 0x6000]


# The server -------------------------------------------------------------------------------------------------------------
def misbehave(asked: Request) -> Made | Failure:
    """What goes wrong is said by the request's kind."""
    if asked.kind == "abort":
        os.abort()
    if asked.kind == "exit":
        os._exit(3)
    if asked.kind == "hang":
        time.sleep(NEVER)
    if asked.kind == "memory":
        bytearray(1 << 62)
    if asked.kind == "llvm's memory":
        os.write(2, b"LLVM ERROR: out of memory\n")
        os.abort()
    if asked.kind == "bug":
        raise ValueError("a bug")
    return Made(asked.entries, [], b"made")


@pytest.mark.parametrize(("kind", "cause"), [("abort", "crash"), ("exit", "crash"), ("memory", "memory"), ("llvm's memory", "memory"), ("bug", "error")])
def test_a_region_that_ends_badly_costs_itself_alone(serve: Callable[..., Served], kind: str, cause: str) -> None:
    served = serve(misbehave)
    served.ask(1, request(kind=kind), weight=9)
    served.ask(2, request(), weight=8)
    found = served.answers(2)
    assert isinstance(found[1], Failure) and found[1].cause == cause
    assert isinstance(found[2], Made) and found[2].blob == b"made"


def test_a_hanging_worker_is_killed(serve: Callable[..., Served]) -> None:
    served = serve(misbehave, seconds=0.2)
    served.ask(1, request(kind="hang"), weight=1)
    found = served.answers(1)[1]
    assert isinstance(found, Failure) and found.cause == "time"


def test_a_request_that_ended_a_worker_is_not_tried_again(serve: Callable[..., Served], tmp_path: Path) -> None:
    def make(asked: Request) -> Made | Failure:
        with open(tmp_path / "tries", "ab") as file:
            file.write(b".")
        os.abort()

    served = serve(make)
    for number in range(3):
        served.ask(number, request())
        assert isinstance(served.answers(1)[number], Failure)
    assert (tmp_path / "tries").read_bytes() == b"."


def test_a_compiler_that_always_ends_badly_is_given_up(serve: Callable[..., Served], tmp_path: Path) -> None:
    def make(asked: Request) -> Made | Failure:
        with open(tmp_path / "tries", "ab") as file:
            file.write(b".")
        os.abort()

    served = serve(make)
    for number in range(MOST_CRASHES + 5):
        served.ask(number, request(start=4 * number))
    assert all(isinstance(found, Failure) and found.cause == "crash" for found in served.answers(MOST_CRASHES + 5).values())
    assert len((tmp_path / "tries").read_bytes()) == MOST_CRASHES + 1


def test_the_hottest_comes_first_and_the_dead_get_what_is_cached(serve: Callable[..., Served], tmp_path: Path) -> None:
    """The worker is held up until all have asked; another process asks for the hottest of all, and for one that its next run finds in the cache, and ends.
    A request that is known to end badly is answered at once, whatever waits: then all that came before it has been heard."""
    gate, started = tmp_path / "gate", tmp_path / "started"

    def make(asked: Request) -> Made | Failure:
        number = asked.entries[0][0]
        if number == 404:
            os.abort()
        if number == 100:
            started.touch()
            until(gate.exists)
        with open(tmp_path / "order", "a") as file:
            file.write(f"{number} ")
        return Made(asked.entries, [], b"")

    served = serve(make)
    served.ask(404, request(404))
    served.answers(1)
    served.ask(0, request(100), 1)
    until(started.exists)
    other = served.connect(served.address)
    other.send(Message(1, 1000, request(66).pack()))
    other.send(Message(2, 30, request(67, cached=True).pack()))
    for number, weight in ((1, 5), (2, 50), (3, 10), (4, 50)):
        served.ask(number, request(number), weight)
    served.ask(9, request(9), 0)
    served.ask(405, request(404))
    assert set(served.answers(1)) == {405}
    other.close()
    first, served.channel = served.channel, served.connect(served.address)
    served.ask(406, request(404))
    served.answers(1)
    gate.touch()
    served.ask(10, request(10), 0)
    served.answers(1)
    assert (tmp_path / "order").read_text().split() == ["100", "2", "4", "67", "3", "1", "9", "10"]
    assert first is not None
    first.close()


def test_a_server_that_nobody_needs_ends(serve: Callable[..., Served]) -> None:
    served = serve(misbehave, linger=0.05)
    assert served.channel is not None
    served.ask(1, request())
    served.answers(1)
    served.channel.close()
    served.wait()


# In an engine -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Iterator[Harness]:
    """An engine that is a tree of processes of its own."""
    monkeypatch.setattr(paths, "_tree", "")
    made = Harness("arm", "auto")
    yield made
    made.close()


def run_until(harness: Harness, happened: Callable[[Background], bool], code: bytes = LOOP) -> None:
    tier1 = harness.engine.tier1
    assert isinstance(tier1, Background)
    end = time.monotonic() + SECONDS
    while not happened(tier1) and time.monotonic() < end:
        assert run_loop(harness, 5000, code) == expected(5000, code[4])
    assert happened(tier1), tier1.stats()


def listening() -> socket:
    """A socket where the engine will look for its server."""
    made = socket(AF_UNIX, SOCK_STREAM)
    made.bind(client.address())
    made.listen()
    return made


def test_a_program_that_is_never_hot_starts_nothing(harness: Harness) -> None:
    threads = set(os.listdir("/proc/self/task"))
    few = HOT // 2
    assert run_loop(harness, few) == expected(few)
    assert harness.engine.stats()["compile_servers"] == 0
    assert set(os.listdir("/proc/self/task")) <= threads, "one of another test may be about to go"


def test_the_guest_does_not_see_it(harness: Harness) -> None:
    descriptors, family = sorted(os.listdir("/proc/self/fd")), children()
    run_until(harness, lambda tier1: bool(tier1.natives))
    assert harness.engine.stats()["compile_servers"] == 1
    assert (sorted(os.listdir("/proc/self/fd")), children()) == (descriptors, family)


def test_a_child_compiles_too(harness: Harness) -> None:
    run_until(harness, lambda tier1: bool(tier1.natives))
    tier1 = harness.engine.tier1
    assert isinstance(tier1, Background)

    def child() -> bool:
        compiled = tier1.counts["regions_compiled"]
        run_until(harness, lambda tier1: tier1.counts["regions_compiled"] > compiled, LOOP[:4] + struct.pack("<I", 0xE2211009) + LOOP[8:])
        return tier1.client.starts == 1  # its parent's server

    assert status_of_child(harness.engine, child) == 0


@pytest.mark.parametrize(("kind", "cause"), [("abort", "crash"), ("llvm's memory", "memory"), ("bug", "error"), ("nonsense", "error")])
def test_failures_are_counted_and_the_program_goes_on(harness: Harness, serve: Callable[..., Served], kind: str, cause: str) -> None:
    def make(asked: Request) -> Made | Failure:
        asked.kind = kind
        return misbehave(asked)

    serve(make, listener=listening())
    run_until(harness, lambda tier1: tier1.causes[cause] > 0)
    stats = harness.engine.stats()
    assert stats["region_failures"] == {cause: stats["regions_failed"]}
    assert stats["compile_servers"] == 0
    assert run_loop(harness, 5000) == expected(5000)


def test_a_server_that_goes_is_replaced(harness: Harness, serve: Callable[..., Served]) -> None:
    """The first one ends with the request; the second one makes the region."""
    def make(asked: Request) -> Made | Failure:
        server = os.getppid()
        os.kill(server, signal.SIGKILL)
        until(lambda: os.getppid() != server)
        os._exit(0)

    serve(make, listener=listening())
    run_until(harness, lambda tier1: bool(tier1.natives))
    stats = harness.engine.stats()
    assert stats["region_failures"] == {"lost": 1}
    assert stats["compile_servers"] == 1


def test_without_a_server_tier_0_does_it(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    run_until(harness, lambda tier1: "No such file" in tier1._unavailable)
    assert run_loop(harness, 50_000) == expected(50_000)
    assert harness.engine.stats()["regions_compiled"] == 0


def test_code_that_changes_meanwhile_is_not_entered(harness: Harness, serve: Callable[..., Served], tmp_path: Path) -> None:
    """The region is made from what the code was."""
    gate = tmp_path / "gate"

    def make(asked: Request) -> Made | Failure:
        made = maker.make(asked)
        until(gate.exists)
        return made

    serve(make, listener=listening())
    run_until(harness, lambda tier1: len(tier1._asked) > 0)
    changed = LOOP[:4] + struct.pack("<I", 0xE2211009) + LOOP[8:]
    assert run_loop(harness, 100, changed) == expected(100, 9)
    tier1 = harness.engine.tier1
    assert isinstance(tier1, Background)
    dropped = tier1.counts["regions_dropped"]
    gate.touch()
    end = time.monotonic() + SECONDS
    while tier1.counts["regions_dropped"] == dropped and time.monotonic() < end:
        assert run_loop(harness, 100, changed) == expected(100, 9)
    assert tier1.counts["regions_dropped"] == dropped + 1
    assert not tier1.natives


# A program --------------------------------------------------------------------------------------------------------------
def servers(cache: Path) -> list[int]:
    """Processes of compile servers that use *cache*, workers too."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                words = Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if os.fsencode(cache) in words and any(b"compileserver" in word for word in words):
                found.append(int(entry))
    return found


def test_servers_that_are_killed_all_the_time_cost_no_more_than_time(tmp_path: Path) -> None:
    image.load()
    os.symlink(Path(paths.cache_dir()) / "kernels", tmp_path / "kernels")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DBT_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "dbt", "run", str(ROOT / "tests/guests/quicksort.elf")]
    reference = subprocess.run([*command[:-1], "--tier", "0", command[-1]], env=environment, capture_output=True)
    killed, end = 0, time.monotonic() + SECONDS
    while killed < 3:
        assert time.monotonic() < end, "no server starts"
        for file in tmp_path.glob("regions/*"):
            file.unlink()
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            while running.poll() is None:
                for pid in servers(tmp_path):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        killed += 1
                time.sleep(0.02)
            assert running.stdout is not None and running.stderr is not None
            assert (running.stdout.read(), running.stderr.read(), running.returncode) == (reference.stdout, reference.stderr, reference.returncode)
