"""The options of ``dbt run``: declared once, parsed here, shown by ``dbt run --help``.

Options end at the first word that is none: that is the program, and everything after it is the guest's.
"""

from __future__ import annotations

from collections import namedtuple

from dbt.abi.archs import X86_ATOMICS
from dbt.abi.exclusive import DEFAULT_SCHEME, SCHEMES
from dbt.abi.options import MEMORIES, TIERS
from runtime.linux.errors import UsageError
from runtime.linux.options import TRACES

# kind: value, list (may be repeated), flag, optional (--name or --name=VALUE)
Option = namedtuple("Option", "flag name kind metavar choices help")

OPTIONS = (
    Option("-L", "sysroot", "value", "SYSROOT", (), "Directory that the guest's absolute paths are looked up in first."),
    Option("-E", "set_env", "list", "VAR=VALUE", (), "Set a variable in the guest's environment."),
    Option("-U", "unset_env", "list", "VAR", (), "Remove a variable from the guest's environment."),
    Option("--tier", "tier", "value", "|".join(TIERS), TIERS,
           "Interpret (0), make quick code of everything (quick), have LLVM compile everything (1), or all three, as code gets hotter (auto, the default)."),
    Option("--memory", "memory", "value", "|".join(MEMORIES), MEMORIES,
           "Compiled loads rely on the host's page protection (host, the default) or check a TLB."),
    Option("--atomics", "atomics", "value", "NAME", tuple(SCHEMES),
           "How exclusive accesses keep their contract: excl (the default), flush, cas or hst; see docs/exclusives.md."),
    Option("--x86-atomics", "x86_atomics", "value", "host|llsc", X86_ATOMICS,
           "What atomic instructions of x86 guests become: the host's (host, the default), or pairs of load-link and store-conditional (llsc)."),
    Option("--stats", "stats", "optional", "FILE.json", (), "Say on standard error, or in FILE.json, what the translator did."),
    Option("--trace", "trace", "value", "WHAT", (), f"Trace on standard error; WHAT is one or more, with commas, of {', '.join(TRACES)}."),
    Option("--no-cache", "no_cache", "flag", "", (), "Neither read nor write the code cache on disk."),
    Option("--no-idiom", "no_idiom", "flag", "", (), "Do not turn exclusive pairs into atomic operations of the host."),
    Option("--watchdog", "watchdog", "value", "SECONDS", (), "Every SECONDS say what each guest thread is doing: for a program that hangs."),
    Option("--argv0", "argv0", "value", "NAME", (), "What the guest sees as its own name (default: PROGRAM)."),
)
_BY_FLAG = {option.flag: option for option in OPTIONS}


class Run:
    """What ``dbt run`` was asked for: one attribute an option, ``program`` and ``arguments``."""

    sysroot: str | None
    set_env: list[str]
    unset_env: list[str]
    tier: str
    memory: str
    atomics: str
    x86_atomics: str
    stats: str | None
    trace: str | None
    no_cache: bool
    no_idiom: bool
    watchdog: str | None
    argv0: str | None
    program: str
    arguments: list[str]

    def __init__(self) -> None:
        for option in OPTIONS:
            setattr(self, option.name, [] if option.kind == "list" else False if option.kind == "flag" else None)
        self.tier = "auto"
        self.memory = "host"
        self.atomics = DEFAULT_SCHEME
        self.x86_atomics = X86_ATOMICS[0]


def parse(words: list[str]) -> Run | None:
    """The run that *words* ask for, or None if they ask for help. UsageError names what is wrong."""
    run = Run()
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        word = words[at]
        at += 1
        if word == "--":
            break
        if word in ("--help", "-h"):
            return None
        option, value = _option(word)
        if option.kind == "flag":
            setattr(run, option.name, True)
            continue
        if option.kind == "optional":
            setattr(run, option.name, value or "-")
            continue
        if value is None:
            if at == len(words):
                raise UsageError(f"run: {option.flag}: {option.metavar} is missing: see dbt run --help")
            value, at = words[at], at + 1
        if option.choices and value not in option.choices:
            raise UsageError(f"run: {option.flag} {value}: unknown: choose one of {', '.join(option.choices)}")
        if option.kind == "list":
            getattr(run, option.name).append(value)
        else:
            setattr(run, option.name, value)
    if at == len(words):
        raise UsageError("run: no program given: dbt run [OPTIONS] PROGRAM [ARGS...]")
    run.program, run.arguments = words[at], words[at + 1 :]
    _check(run)
    return run


def _option(word: str) -> tuple[Option, str | None]:
    """The option that *word* names and the value joined to it (``--tier=1``, ``-L/sysroot``), if any."""
    name, joined, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
    if name not in _BY_FLAG:
        raise UsageError(f"run: {name}: no such option: see dbt run --help (options of the guest come after PROGRAM)")
    option = _BY_FLAG[name]
    if joined and option.kind == "flag":
        raise UsageError(f"run: {word}: {name} takes no value")
    return option, value if joined else None


def _check(run: Run) -> None:
    for setting in run.set_env:
        if "=" not in setting[1:]:
            raise UsageError(f"run: -E {setting}: not a setting: write VAR=VALUE")
    for what in run.trace.split(",") if run.trace else ():
        if what not in TRACES:
            raise UsageError(f"run: --trace {what}: unknown: choose from {', '.join(TRACES)}")
    if run.watchdog is not None and not _seconds(run.watchdog):
        raise UsageError(f"run: --watchdog {run.watchdog}: not a time: give seconds, more than 0")


def _seconds(text: str) -> float:
    """The time that *text* says; 0 if it is none."""
    try:
        value = float(text)
    except ValueError:
        return 0
    return value if 0 < value < 1e9 else 0


def start(run: Run) -> int:
    """Run the guest; gives its exit status."""
    from dbt import api

    return api.run(
        run.program,
        run.arguments,
        sysroot=run.sysroot,
        set_env=dict(setting.split("=", 1) for setting in run.set_env),
        unset_env=run.unset_env,
        tier=run.tier,
        memory=run.memory,
        stats=run.stats,
        trace=tuple(run.trace.split(",")) if run.trace else (),
        cache=not run.no_cache,
        idiom=not run.no_idiom,
        argv0=run.argv0,
        watchdog=_seconds(run.watchdog) if run.watchdog else 0,
        atomics=run.atomics,
        x86_atomics=run.x86_atomics,
    )
