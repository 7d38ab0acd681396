"""The process that compiles: whatever happens to it costs one region. Its server starts another."""

from __future__ import annotations

import os
import resource
import signal
from _socket import socket
from collections.abc import Callable

from runtime.compileserver.channel import Channel, Closed, Message
from runtime.compileserver.requests import ERROR, MEMORY, TOO_BIG, VERSION, Failure, KeepRequest, Made, Request, unpack_request

Make = Callable[[Request | KeepRequest], Made | Failure]

CPU_SECONDS = 20  # of processor time for one region
ADDRESS_SPACE = 3 << 30  # bytes of the whole process


def limit(what: int, value: int) -> None:
    """Set a soft limit, within the hard one."""
    _, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(what, (value, hard))


def _spent() -> int:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return int(usage.ru_utime + usage.ru_stime)


def work(connection: socket, prepare: Callable[[], Make]) -> None:
    """Answer requests until the server goes. ``prepare`` gives the function that answers; it imports the compiler."""
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_AS, ADDRESS_SPACE)
    limit(resource.RLIMIT_CPU, _spent() + CPU_SECONDS)
    make = prepare()
    channel = Channel(connection)
    try:
        while True:
            channel.wait()
            channel.flush()
            for message in channel.receive():
                limit(resource.RLIMIT_CPU, _spent() + CPU_SECONDS)
                channel.send(Message(message.number, 0, _answer(make, message.body).pack()))
    except Closed:
        os._exit(0)


def _answer(make: Make, body: bytes) -> Made | Failure:
    try:
        return make(unpack_request(body))
    except MemoryError:
        return Failure(MEMORY)
    except Exception as error:  # a bug of ours must cost speed, not the guest
        return Failure(ERROR, f"{type(error).__name__}: {error}")


def compiler() -> Make:
    """What a server's workers do: look into the code cache, else compile and keep what was made."""
    from runtime.codecache import Cached, CodeCache, fingerprint
    from runtime.compileserver.maker import TooBig, make

    versions: dict[str, str] = {}
    caches: dict[str, CodeCache] = {}

    def answer(request: Request | KeepRequest) -> Made | Failure:
        kind = request.kind
        if isinstance(request, KeepRequest):
            from runtime import kept
            from runtime.compileserver.keeper import keep

            if kept.version(kind) != request.version:
                return Failure(VERSION)
            keep(request)
            return Made([], [], b"")
        if kind not in versions:
            versions[kind] = fingerprint(kind)
        if versions[kind] != request.version:
            return Failure(VERSION)
        cache = None
        if request.cached:
            cache = caches.get(kind) or caches.setdefault(kind, CodeCache(kind))
            found = None if request.again else cache.find(request.entries[0], request.known)
            if found is not None:
                return Made(found.entries, found.ranges, found.blob)
        try:
            made = make(request)
        except TooBig as error:
            return Failure(TOO_BIG, str(error))
        if cache is not None:
            cache.add(Cached(made.entries, made.ranges, made.blob), [request.fetch(*r) for r in made.ranges])
        return made

    return answer
