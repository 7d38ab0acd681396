"""The compile server: takes requests from guest processes, gives the hottest to its worker, and watches over that.

One process without threads, which imports nothing heavy: it answers even while its worker compiles, and dies of nothing that the worker dies of. It ends when
nobody has been connected for a while.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import resource
import select
import signal
import sys
import time
from _blake2 import blake2b
from _socket import AF_UNIX, SOCK_STREAM, dup, socket, socketpair
from collections.abc import Callable

from runtime.compileserver.channel import Channel, Closed, Message, same_user
from runtime.compileserver.requests import CRASH, MEMORY, TIME, Failure, unpack_request
from runtime.compileserver.worker import Make, compiler, limit, work
from runtime.paths import fix_cache_dir

LINGER = 2.0  # seconds without a connection until the server ends: a program that another one replaces comes back
AFTERWARDS = 10.0  # the same while there is work for the cache: what a program asked for serves its next run
SECONDS = 60.0  # of wall time for one region; the worker has a limit of processor time
MOST_CRASHES = 8  # workers that ended in a row: after that nothing is compiled
_OUT_OF_MEMORY = (b"out of memory", b"bad_alloc", b"llocation failed")  # what LLVM and C++ say before they abort
_LAST_WORDS = 4096  # bytes of them that are read


class _Job:
    """A request in the queue. Compared by weight, the heaviest first, then by age."""

    __slots__ = ("order", "client", "message", "key")

    def __init__(self, serial: int, client: Channel, message: Message) -> None:
        self.order = (-message.weight, serial)
        self.client = client
        self.message = message
        self.key = blake2b(message.body, digest_size=16).digest()

    def __lt__(self, other: _Job) -> bool:
        return self.order < other.order


class _Worker:
    """A worker process, as its server sees it. ``job`` is what it is at, until ``deadline``."""

    def __init__(self, prepare: Callable[[], Make]) -> None:
        ours, theirs = socketpair(AF_UNIX, SOCK_STREAM)
        self._words = os.memfd_create("words")
        self.pid = os.fork()
        if self.pid == 0:
            os.dup2(self._words, 2)
            end = os.dup(theirs.fileno())
            _close_all_but(end)
            work(socket(fileno=end), prepare)
        theirs.close()
        self.channel = Channel(ours)
        self.job: _Job | None = None
        self.deadline = 0.0
        self.late = False

    def give(self, job: _Job, seconds: float) -> None:
        self.job = job
        self.deadline = time.monotonic() + seconds
        self.channel.send(job.message)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def bury(self) -> Failure:
        """Forget the process, which has ended; gives why it did."""
        self.channel.close()
        status = os.waitpid(self.pid, 0)[1]
        words = os.pread(self._words, _LAST_WORDS, 0)
        os.close(self._words)
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if self.late or number == signal.SIGXCPU:
            return Failure(TIME)
        if any(word in words for word in _OUT_OF_MEMORY):
            return Failure(MEMORY)
        text = words.decode(errors="replace").strip()
        return Failure(CRASH, f"{signal.Signals(number).name if number else f'status {status >> 8}'} {text}".strip())


class Server:
    """Serves who connects to *listener*, if it is the same user. *prepare*: see ``worker.work``."""

    def __init__(self, listener: socket, prepare: Callable[[], Make], *, seconds: float = SECONDS, linger: float = LINGER) -> None:
        self._listener = listener
        self._prepare = prepare
        self._seconds = seconds
        self._linger = linger
        self._clients: dict[int, Channel] = {}
        self._queue: list[_Job] = []
        self._serial = 0
        self._failed: dict[bytes, Failure] = {}  # requests that ended a worker
        self._crashes = 0
        self._worker = _Worker(prepare)
        listener.setblocking(False)

    def serve(self) -> None:
        """Until nobody has been connected for a while."""
        left = time.monotonic()
        while True:
            now = time.monotonic()
            if self._clients:
                left = now
            elif now - left >= (AFTERWARDS if self._queue or self._worker.job is not None else self._linger):
                return
            self._wait(now)
            self._give_work()

    def _wait(self, now: float) -> None:
        """Until something happens, or it is time to look; deals with it."""
        worker = self._worker
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        for channel in (*self._clients.values(), worker.channel):
            poll.register(channel, select.POLLIN | (select.POLLOUT if channel.sending else 0))
        until = worker.deadline if worker.job is not None else now + self._linger
        ready = poll.poll(max(0.0, until - now) * 1000 + 1)
        if worker.job is not None and time.monotonic() >= worker.deadline:
            worker.late = True
            worker.kill()
        for fd, _ in ready:
            if fd == self._listener.fileno():
                self._accept()
            elif fd == worker.channel.fileno():
                self._hear_worker()
            elif fd in self._clients:
                self._hear_client(self._clients[fd])

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            number, _ = self._listener._accept()  # type: ignore[attr-defined]
            connection = socket(fileno=number)
            if not same_user(connection):
                connection.close()
                return
            self._clients[number] = Channel(connection)

    def _hear_client(self, client: Channel) -> None:
        try:
            client.flush()
            for message in client.receive():
                self._serial += 1
                job = _Job(self._serial, client, message)
                failure = self._failed.get(job.key)
                if failure is not None or self._crashes > MOST_CRASHES:
                    self._answer(job, (failure or Failure(CRASH)).pack())
                else:
                    heapq.heappush(self._queue, job)
        except Closed:
            self._drop(client)

    def _drop(self, client: Channel) -> None:
        """A process has ended: what it asked for is made for the cache alone."""
        self._clients.pop(client.fileno(), None)
        client.close()
        self._queue = [job for job in self._queue if job.client is not client or unpack_request(job.message.body).cached]
        heapq.heapify(self._queue)

    def _answer(self, job: _Job, body: bytes) -> None:
        if self._clients.get(job.client.fileno()) is not job.client:
            return
        try:
            job.client.send(Message(job.message.number, 0, body))
        except Closed:
            self._drop(job.client)

    def _hear_worker(self) -> None:
        worker = self._worker
        try:
            worker.channel.flush()
            for message in worker.channel.receive():
                job, worker.job = worker.job, None
                self._crashes = 0
                if job is not None:
                    self._answer(job, message.body)
        except Closed:
            failure = worker.bury()
            self._crashes += 1
            if worker.job is not None:
                self._failed[worker.job.key] = failure
                self._answer(worker.job, failure.pack())
            if self._crashes > MOST_CRASHES:
                for job in self._queue:
                    self._answer(job, failure.pack())
                self._queue.clear()
            self._worker = _Worker(self._prepare)

    def _give_work(self) -> None:
        if self._worker.job is None and self._queue:
            with contextlib.suppress(Closed):  # it has just ended: that is heard next
                self._worker.give(heapq.heappop(self._queue), self._seconds)


def _close_all_but(keep: int) -> None:
    os.closerange(3, keep)
    os.closerange(keep + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _start_afresh() -> None:
    """Undo what a guest process leaves to what it starts: blocked and ignored signals, limits, its directory."""
    for number in range(1, signal.NSIG):
        if signal.getsignal(number) == signal.SIG_IGN and number != signal.SIGPIPE:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for what in (resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_DATA, resource.RLIMIT_AS, resource.RLIMIT_NOFILE):
        _, hard = resource.getrlimit(what)
        if what != resource.RLIMIT_NOFILE or hard != resource.RLIM_INFINITY:
            limit(what, hard)
    os.chdir("/")
    with contextlib.suppress(OSError), open("/proc/self/comm", "w") as name:
        name.write("dbt-compile")


def main() -> None:
    """Entry of the process: arguments are the listening descriptor and the cache directory."""
    number, cache = int(sys.argv[1]), sys.argv[2]
    listener = socket(fileno=dup(number))
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(nothing, fd)
    _close_all_but(listener.fileno())
    fix_cache_dir(cache)
    _start_afresh()
    Server(listener, compiler).serve()
    os._exit(0)
