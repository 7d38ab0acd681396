"""A guest process's side of the compile server: finds or starts it, sends requests and collects answers without waiting for them.

The server's address is an abstract socket name that nobody can guess, the same for a tree of processes. Who finds nobody listening there listens and starts
a server with that socket; only one can.

All of it happens in one thread, whose table of descriptors is its own (``runtime.own_files.own_table``), so that neither the guest nor a forked child has the
connection.
"""

from __future__ import annotations

import errno
import os
import sys
from _socket import AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM, socket

from runtime.compileserver.channel import Channel, Message, same_user
from runtime.paths import adopt_tree, cache_dir

MOST_STARTS = 8  # servers that a process asks for: who kills more of them gets no more
_ATTEMPTS = 5  # two processes may both be about to start a server
_KEPT = ("LD_LIBRARY_PATH", "DBT_DEBUG")  # of the environment, which may be the guest's
_BOOT = "import sys;sys.path[:]={path!r};from runtime.compileserver.server import main;main()"

def address() -> str:
    """Where the compile server of this tree of processes listens."""
    return f"\0dbt-{adopt_tree()}-{os.geteuid()}"


class Unavailable(Exception):
    """There is no server, and none could be started; the message says why."""


class Client:
    """The connection of one process. ``starts``: servers that it has started."""

    def __init__(self, starts: int = 0) -> None:
        self.starts = starts
        self._channel: Channel | None = None

    @property
    def connected(self) -> bool:
        return self._channel is not None

    def send(self, message: Message) -> None:
        """Ask for a region; Closed if the server has gone, Unavailable if none can be had."""
        if self._channel is None:
            self._channel = Channel(self._connect())
        self._channel.send(message)

    def receive(self, seconds: float) -> list[Message]:
        """The answers that have come, waiting for the first at most so long; Closed if the server has gone."""
        if self._channel is None:
            return []
        if not self._channel.wait(seconds):
            return []
        self._channel.flush()
        return self._channel.receive()

    def of_child(self) -> Client:
        """The client of a forked child, whose table of descriptors does not have the connection: its number may be anybody's there."""
        if self._channel is not None:
            self._channel.detach()
        return Client(self.starts)

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _connect(self) -> socket:
        for _ in range(_ATTEMPTS):
            made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC)
            try:
                made.connect(address())
                if not same_user(made):
                    made.close()
                    raise Unavailable("somebody else listens where the compile server should")
                return made
            except OSError as error:
                made.close()
                if error.errno != errno.ECONNREFUSED:
                    raise Unavailable(f"compile server: {error.strerror}") from None
            self._start()
        raise Unavailable("the compile server does not start")

    def _start(self) -> None:
        """Have a server listen there, unless somebody else does it first."""
        if self.starts >= MOST_STARTS:
            raise Unavailable("too many compile servers have ended")
        from runtime.compileserver.spawn import spawn

        listener = socket(AF_UNIX, SOCK_STREAM)
        try:
            try:
                listener.bind(address())
                listener.listen(64)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return
                raise
            self.starts += 1
            os.set_inheritable(listener.fileno(), True)
            boot = _BOOT.format(path=[os.path.abspath(p) for p in sys.path])
            environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
            spawn(sys.executable, [sys.executable, "-I", "-S", "-c", boot, str(listener.fileno()), cache_dir()], environment)
        except OSError as error:
            raise Unavailable(f"compile server: {error.strerror}") from None
        finally:
            listener.close()
