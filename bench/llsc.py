"""``dbt bench llsc``: load-link/store-conditional under load, each scheme beside QEMU's user mode on the same guest program. For x86 the same kernels with
atomic instructions, as operations of the host and as pairs of load-link and store-conditional.

The guest (``bench/guests/src/llsc.c``) counts operations on 1 to 8 threads, and checks at the end that no update is lost. The guests of all subjects live at
the same time and are measured in turn, in slices of time so short that all see the machine in the same state; what is reported are ratios of slices close to
each other (``bench.paired``), for each state of the machine (``bench.slices``).
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from bench import host, paired, rounds
from bench.guests.build import ARM
from bench.paired import Ratio
from bench.slices import ALL, NEAR, Guest, Probe, Slice, States
from dbt.abi.exclusive import DEFAULT_SCHEME, SCHEMES
from runtime.linux.errors import UsageError

WARM_MS, MEASURE_MS = 5, 50  # of each slice
WARM_SLICES = 10  # of each process, not counted
COMPILE_MS = 2500  # of the run that fills the code cache
RANGE_WORDS = (1, 2, 128, 1024)
QEMU = "qemu-"  # and the architecture
SLOWEST = "flush"
BARE = "cas"  # has no exclusive pages, so programs without exclusive accesses pay nothing
ONE = "1 vCPU"
KERNELS = {  # name: the guest's kernel and the numbers of words that it is measured with
    "counter": ("range", RANGE_WORDS[:1]),
    "range": ("range", RANGE_WORDS[1:]),
    "twolock": ("twolock", (1,)),
    "ticket": ("ticket", (1,)),
    "stack": ("stack", (1,)),
    "private": ("private", (1,)),
    "neighbours": ("neighbours", (1,)),
    "plain": ("plain", (1,)),
    "stores": ("stores", (1,)),
    "fresh": ("fresh", (1,)),
    **{f"range-{words}": ("range", (words,)) for words in RANGE_WORDS},
}
NOT_EXCLUSIVE = ("plain", "stores")  # kernels without exclusive accesses
OWN_DATA = ("private", "neighbours", *NOT_EXCLUSIVE)  # kernels whose threads share no cache line: they should scale
STATISTICS = {  # column of the report: counter of ``dbt run --stats``, which is of the whole run
    "flushes": "tlb_flushes",
    "rendezvous": "rendezvous",
    "sections": "exclusive_sections",
    "median_wait_us": "rendezvous_us_median",
    "waiting_us": "rendezvous_us_total",
}


@dataclass(frozen=True)
class Case:
    """A kernel of the guest with its number of words and of threads."""

    kernel: str
    words: int
    vcpus: int

    @property
    def name(self) -> str:
        return f"{self.kernel}-{self.words}" if self.kernel == "range" else self.kernel


@dataclass(frozen=True)
class Subject:
    """What runs the guest: QEMU, or dbt with a scheme, with or without the atomic idioms, and with a setting of ``--x86-atomics`` ("": an ARM guest)."""

    scheme: str
    idiom: bool = True
    x86_atomics: str = ""

    @property
    def is_qemu(self) -> bool:
        return self.scheme.startswith(QEMU)

    @property
    def name(self) -> str:
        if self.is_qemu:
            return self.scheme
        return " ".join([self.scheme, *([self.x86_atomics] if self.x86_atomics else []), *([] if self.idiom else ["no-idiom"])])

    def command(self, stats: str) -> list[str]:
        if self.is_qemu:
            return [host.qemu(self.scheme.removeprefix(QEMU))]
        words = ("--x86-atomics", self.x86_atomics) if self.x86_atomics else ()
        return host.ours(f"--stats={stats}", "--atomics", self.scheme, *words, *(() if self.idiom else ("--no-idiom",)))


class Taken(NamedTuple):
    """A slice, and which probe of the report came before it; the next one came after it, and is there too."""

    slice: Slice
    probe: int


@dataclass
class Run:
    """One process of a subject: its slice of each round (None: not measured), what was wrong with the data, counters of the whole run. ``failed``: what ended
    it early. ``ended``: it was not interrupted."""

    taken: list[Taken | None] = field(default_factory=list)
    wrong: int = 0
    counters: dict[str, float | None] = field(default_factory=dict)
    failed: str | None = None
    ended: bool = True


def subjects(wanted: Sequence[str], idiom: bool | None, against: Sequence[str], arch: str = ARM) -> list[Subject]:
    """Schemes *wanted* (``all``: every one). *idiom* None: with idioms, and the default scheme also without. For x86 with pairs of load-link and
    store-conditional; and the default scheme also with the host's operations, which no scheme changes."""
    for name in wanted:
        if name != "all" and name not in SCHEMES:
            raise UsageError(f"bench llsc: --scheme {name}: no such scheme: choose from {', '.join(SCHEMES)}, or all")
    names = tuple(SCHEMES) if "all" in wanted else tuple(dict.fromkeys(wanted))
    pairs = "" if arch == ARM else "llsc"
    found = [Subject(name, idiom is not False, pairs) for name in names]
    if idiom is None and DEFAULT_SCHEME in names:
        found.insert(found.index(Subject(DEFAULT_SCHEME, True, pairs)) + 1, Subject(DEFAULT_SCHEME, False, pairs))
    if pairs and DEFAULT_SCHEME in names:
        found.insert(0, Subject(DEFAULT_SCHEME, True, "host"))
    return found + [Subject(QEMU + arch) for name in against if name == "qemu"]


def cases(kernels: Sequence[str], vcpus: Sequence[int]) -> list[Case]:
    for name in kernels:
        if name not in KERNELS:
            raise UsageError(f"bench llsc: --kernel {name}: no such kernel: choose from {', '.join(KERNELS)}")
    return list(dict.fromkeys(Case(KERNELS[name][0], words, count) for name in kernels or KERNELS for words in KERNELS[name][1] for count in vcpus))


class _Process:
    """The guest of one subject while it runs. A failure ends this process alone: the other rows are worth having."""

    def __init__(self, case: Case, subject: Subject, arch: str, directory: str, measure_ms: int = MEASURE_MS) -> None:
        self.run = Run()
        self._stats = Path(directory) / f"{subject.name} {case.vcpus}.json"
        self._guest: Guest | None = None

        def start() -> None:
            self._guest = Guest(subject.command(str(self._stats)), case.kernel, case.vcpus, case.words, WARM_MS, measure_ms, arch)

        self._attempt(start)

    def slice(self) -> Slice | None:
        found: list[Slice] = []
        self._attempt(lambda: found.append(self._guest.slice()) if self._guest else None)
        return found[0] if found else None

    def end(self) -> None:
        self._attempt(self._end)
        self.run.ended = True

    def _end(self) -> None:
        if self._guest is None:
            return
        self.run.wrong = self._guest.end()
        if self._stats.exists():
            counters = json.loads(self._stats.read_text())
            self.run.counters = {name: counters.get(key) for name, key in STATISTICS.items()}

    def _attempt(self, action: Callable[[], None]) -> None:
        if self.run.failed is None:
            try:
                action()
            except UsageError as e:
                self.run.failed, self._guest = str(e), None

    def kill(self) -> None:
        if self._guest:
            self._guest.kill()


def _fill_cache(case: Case, subject: Subject, arch: str) -> None:
    """A run without which the first that counts would be busy translating."""
    with tempfile.TemporaryDirectory(prefix="dbt-bench-") as directory:
        process = _Process(case, subject, arch, directory, COMPILE_MS)
        try:
            process.slice()
            process.end()
        finally:
            process.kill()


Key = tuple[Case, Subject]


class Session:
    """Measures each of the *chosen* cases by each subject: in *runs* processes, in *count* slices of each. ``report`` may be asked for when ``measure`` was
    interrupted: it has all slices until then."""

    def __init__(self, chosen: Sequence[Case], by: Sequence[Subject], runs: int, count: int, arch: str = ARM) -> None:
        self.chosen, self.by, self.runs, self.count, self.arch = chosen, by, runs, count, arch
        self._probes: list[float] = []
        self._found: dict[Key, list[Run]] = {(case, subject): [] for case in chosen for subject in by}

    def measure(self) -> None:
        """One run of each kernel before those that count fills the code cache."""
        fillers = {(case.kernel, subject): case for case in self.chosen for subject in self.by if not subject.is_qemu}
        names = dict.fromkeys(case.name for case in self.chosen)
        groups = [[(case, subject) for case in self.chosen if case.name == name for subject in self.by] for name in names]
        with rounds.progress(len(fillers) + len(groups) * self.runs * self.count) as step:
            for (kernel, subject), case in fillers.items():
                step(f"{kernel} {subject.name}: the code cache")
                _fill_cache(case, subject, self.arch)
            probe = Probe()
            for _ in range(self.runs):
                for keys in groups:
                    self._side_by_side(keys, probe, step)
            probe.end()

    def _side_by_side(self, keys: Sequence[Key], probe: Probe, step: Callable[[str], None]) -> None:
        """A process for each of *keys*, measured in rounds of one slice each; every other round goes the opposite way."""
        processes: list[_Process] = []
        with tempfile.TemporaryDirectory(prefix="dbt-bench-") as directory:
            try:
                for case, subject in keys:
                    processes.append(_Process(case, subject, self.arch, directory))
                    for _ in range(WARM_SLICES):
                        processes[-1].slice()
                self._probes.append(probe.nanoseconds())
                for key, process in zip(keys, processes, strict=True):
                    process.run.ended = False
                    self._found[key].append(process.run)
                for number in range(self.count):
                    step(f"{keys[0][0].name}, round {number + 1}")
                    for process in processes if number % 2 == 0 else reversed(processes):
                        found = process.slice()
                        self._probes.append(probe.nanoseconds())
                        process.run.taken.append(None if found is None else Taken(found, len(self._probes) - 2))
                for process in processes:
                    process.end()
            finally:
                for process in processes:
                    process.kill()

    def report(self) -> dict[str, Any]:
        """What was measured; without rows if nothing was."""
        found = {key: runs for key, runs in self._found.items() if any(run.taken for run in runs)}
        states = States(self._probes)
        versions = {"qemu": host.qemu_version(self.arch)} if any(subject.is_qemu for subject in self.by) else {}
        return {
            "benchmark": "llsc", "arch": self.arch, "host": host.describe() | versions, "commit": host.commit(), "runs": self.runs, "slices": self.count,
            "measure_ms": MEASURE_MS, "handover_ns": states.typical(), "ratios": _ratios(found, self._probes, states),
            "rows": [_row(*key, each, self._probes, states) for key, each in found.items()],
        }  # fmt: skip


def _row(case: Case, subject: Subject, runs: Sequence[Run], probes: Sequence[float], states: States) -> dict[str, Any]:
    taken = [each for run in runs for each in run.taken if each]
    operations = sum(each.slice.operations for each in taken)
    return {
        "case": case.name, **asdict(case), "subject": subject.name, **asdict(subject),
        "ops_per_second": statistics.median(each.slice.ops_per_second for each in taken) if taken else 0.0,
        "samples": [each.slice.ops_per_second for each in taken], "states": [_state(case, each, probes, states) for each in taken],
        "failed": next((run.failed for run in runs if run.failed), None), "interrupted": not all(run.ended for run in runs),
        "wrong": max(run.wrong for run in runs),
        "failure_rate": sum(each.slice.failures for each in taken) / max(1, operations),
        **{name: _median([run.counters.get(name) for run in runs]) for name in STATISTICS},
    }  # fmt: skip


def _state(case: Case, taken: Taken, probes: Sequence[float], states: States) -> str | None:
    """Of the machine in a slice: a single thread has no other to be near."""
    return NEAR if case.vcpus == 1 else states.of(probes[taken.probe], probes[taken.probe + 1])


def _ratios(found: dict[Key, list[Run]], probes: Sequence[float], states: States) -> list[dict[str, Any]]:
    """Each subject beside QEMU; the default scheme beside the slowest, and beside the one that costs nothing where there are no exclusive accesses; several
    threads with data of their own beside one."""
    rows = []
    for case, subject in found:
        others = {each.name: (case, each) for _, each in found if each.is_qemu}
        if subject.scheme == DEFAULT_SCHEME and subject.idiom and subject.x86_atomics != "host":
            others[SLOWEST] = case, replace(subject, scheme=SLOWEST)
            if case.kernel in NOT_EXCLUSIVE:
                others[BARE] = case, replace(subject, scheme=BARE)
        if case.kernel in OWN_DATA:
            others[ONE] = replace(case, vcpus=1), subject
        for name, other in others.items():
            if other in found and other != (case, subject):
                for state, result in _compare(found[case, subject], found[other], case, probes, states).items():
                    rows.append({"case": case.name, "vcpus": case.vcpus, "subject": subject.name, "reference": name, "state": state, **asdict(result)})
    return rows


def _compare(runs: Sequence[Run], others: Sequence[Run], case: Case, probes: Sequence[float], states: States) -> dict[str, Ratio]:
    """Ratios of slices to the nearest ones of the other that were taken in the same state of the machine, by state, and of all."""

    def known(run: Run) -> list[tuple[int, str | None, float]]:
        return [(number, _state(case, taken, probes, states), taken.slice.ops_per_second) for number, taken in enumerate(run.taken) if taken]

    ratios = [paired.nearest(known(mine), known(theirs)) for mine, theirs in zip(runs, others, strict=True)]
    found = {state: paired.ratio([[value for at, value in run if state in (ALL, at)] for run in ratios]) for state in states.names(case.vcpus)}
    return {state: result for state, result in found.items() if result}


def _median(values: Sequence[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return statistics.median(present) if present else None
