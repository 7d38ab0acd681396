"""Messages over a stream socket that nobody waits for.

A message is a head (bytes of the body, number, weight) and a body. The number tells which request an answer belongs to; the weight is how hot it is.
"""

from __future__ import annotations

import os
import select
import struct
from _socket import SO_PEERCRED, SOL_SOCKET

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from _socket import socket

_HEAD = struct.Struct("<IIQ")
_READ = 1 << 18
_PEER = struct.Struct("3i")  # SO_PEERCRED: pid, uid, gid
MOST_BODY = 64 << 20  # bytes: more is not from us


class Closed(Exception):
    """The other side has gone, or talks nonsense."""


def same_user(connection: socket) -> bool:
    """True if the process at the other end is of our user."""
    return _PEER.unpack(connection.getsockopt(SOL_SOCKET, SO_PEERCRED, _PEER.size))[1] == os.geteuid()  # type: ignore[no-any-return]


class Message:
    __slots__ = ("number", "weight", "body")

    def __init__(self, number: int, weight: int, body: bytes) -> None:
        self.number, self.weight, self.body = number, weight, body


class Channel:
    """One end of a connection; takes over the socket."""

    def __init__(self, socket: socket) -> None:
        self._socket = socket
        socket.setblocking(False)
        self._in = bytearray()
        self._out = bytearray()

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def sending(self) -> bool:
        """True if something waits to be sent: ``flush`` when the socket takes more."""
        return bool(self._out)

    def send(self, message: Message) -> None:
        """Send what can be sent at once. Closed if the other side has gone."""
        self._out += _HEAD.pack(len(message.body), message.number, message.weight) + message.body
        self.flush()

    def flush(self) -> None:
        try:
            while self._out:
                del self._out[: self._socket.send(self._out)]
        except BlockingIOError:
            pass
        except OSError as error:
            raise Closed(os.strerror(error.errno or 0)) from None

    def wait(self, seconds: float | None = None) -> bool:
        """Until something has come, or as much as waits to be sent can be sent; False if nothing happened in that time (None: for ever)."""
        poll = select.poll()
        poll.register(self, select.POLLIN | (select.POLLOUT if self._out else 0))
        return bool(poll.poll(None if seconds is None else seconds * 1000))

    def receive(self) -> list[Message]:
        """The messages that have come. Closed if the other side has gone and nothing is left to read."""
        try:
            while part := self._socket.recv(_READ):
                self._in += part
        except BlockingIOError:
            closed = False
        except OSError:
            closed = True
        else:
            closed = True
        found = []
        while len(self._in) >= _HEAD.size:
            size, number, weight = _HEAD.unpack_from(self._in)
            if size > MOST_BODY:
                raise Closed("not one of our messages")
            end = _HEAD.size + size
            if len(self._in) < end:
                break
            found.append(Message(number, weight, bytes(self._in[_HEAD.size : end])))
            del self._in[:end]
        if closed and not found:
            raise Closed("end of file")
        return found

    def detach(self) -> None:
        """Forget the socket without closing it."""
        self._socket.detach()

    def close(self) -> None:
        self._socket.close()
