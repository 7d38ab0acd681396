"""Guests that run side by side and are measured in turn, a short slice of time each; between the slices their threads sleep.

The guest (``bench/guests/src/llsc.c``) measures a slice when it reads a byte. A probe, itself such a guest, passes a word from one processor to another before
and after each slice: how long that takes tells how far apart the two processors are just then.
"""

from __future__ import annotations

import os
import select
import signal
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from bench import host, paired
from bench.guests import build
from runtime.linux.errors import UsageError

GUEST = "llsc"  # of each architecture: ``build.program``
DAMAGED = 1  # the guest's exit status when its data is wrong
MOST_SLICES = 1 << 20
TIMEOUT = 300  # seconds for a slice, and for the end; the first may wait until kernels are built
PROBE_WARM_MS, PROBE_MS = 1, 4
NEAR, FAR, ALL = "near", "far", "all"
NOT_PARALLEL = 16  # times the shortest handovers: one of the threads had no processor


@dataclass(frozen=True)
class Slice:
    """What a guest did in one slice of time."""

    operations: int
    microseconds: int
    failures: int

    @property
    def ops_per_second(self) -> float:
        return self.operations * 1e6 / max(1, self.microseconds)


def parse(line: str) -> dict[str, int]:
    """The numbers of one of the guest's lines."""
    return {name: int(value) for name, _, value in (word.partition("=") for word in line.split()) if value.isdigit()}


class Guest:
    """A running guest. UsageError from any method: it has ended too early, or does not answer."""

    def __init__(self, emulator: Sequence[str], kernel: str, vcpus: int, words: int, warm_ms: int, measure_ms: int, arch: str = build.ARM) -> None:
        self._words = [str(build.program(GUEST, arch)), kernel, str(vcpus), str(words), str(warm_ms), str(measure_ms), "0", str(MOST_SLICES)]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in kill
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [*emulator, *self._words], stdin=pipe, stdout=pipe, stderr=self._errors, env=host.environment(), start_new_session=True, bufsize=0
        )
        self._read = b""

    def slice(self) -> Slice:
        fields = self._ask(b"s")
        return Slice(fields["ops"], fields["us"], fields["failures"])

    def end(self) -> int:
        """Let it end: how many of its data are wrong."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        wrong = self._line()["wrong"]
        try:
            self._process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            raise self._error(f"no end within {TIMEOUT} s") from None
        if self._process.returncode not in (0, DAMAGED):
            raise self._error(f"exit status {self._process.returncode}")
        self.kill()
        return wrong

    def kill(self) -> None:
        """End it in any case."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            assert stream is not None
            stream.close()

    def _ask(self, request: bytes) -> dict[str, int]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(request)
        except BrokenPipeError:
            raise self._error("it has ended") from None
        return self._line()

    def _line(self) -> dict[str, int]:
        out = self._process.stdout
        assert out is not None
        while b"\n" not in self._read:
            if not select.select([out], [], [], TIMEOUT)[0]:
                raise self._error(f"no answer within {TIMEOUT} s")
            found = out.read(4096)
            if not found:
                raise self._error("it has ended")
            self._read += found
        line, _, self._read = self._read.partition(b"\n")
        fields = parse(line.decode())
        if "us" not in fields:
            raise self._error(line.decode())
        return fields

    def _error(self, why: str) -> UsageError:
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip()[-200:]
        self.kill()
        return UsageError(f"bench: {' '.join(self._words[1:])}: {why}{': ' if said else ''}{said}")


class Probe:
    """How far apart the two processors of threads 0 and 1 are: nanoseconds that a word takes from one to the other."""

    def __init__(self) -> None:
        self._guest = Guest(host.ours(), "handover", 2, 1, PROBE_WARM_MS, PROBE_MS)

    def nanoseconds(self) -> float:
        found = self._guest.slice()
        return found.microseconds * 1e3 / max(1, found.operations)

    def end(self) -> None:
        self._guest.end()


class States:
    """The states that all probes of a report tell apart: *near* and *far* processors, or one state for all."""

    def __init__(self, probes: Sequence[float]) -> None:
        shortest = statistics.quantiles(probes, n=20)[0] if len(probes) > 1 else sum(probes)
        self.limit = NOT_PARALLEL * shortest
        self._probes = [value for value in probes if value <= self.limit]
        self.border = paired.split(self._probes)

    def names(self, vcpus: int) -> tuple[str, ...]:
        """What to tell apart where so many vCPUs run."""
        return (ALL, NEAR, FAR) if self.border is not None and vcpus > 1 else (ALL,)

    def typical(self) -> dict[str, float]:
        """Median nanoseconds of a handover in each state."""
        sides = {NEAR: [v for v in self._probes if v <= (self.border or 0)], FAR: [v for v in self._probes if v > (self.border or 0)]}
        return {name: statistics.median(values) for name, values in sides.items() if values}

    def of(self, before: float, after: float) -> str | None:
        """The state of a slice between two probes; None if it changed, or if the threads did not run at once."""
        if max(before, after) > self.limit:
            return None
        if self.border is None:
            return FAR
        sides = {FAR if value > self.border else NEAR for value in (before, after)}
        return sides.pop() if len(sides) == 1 else None
