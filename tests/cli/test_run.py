"""``dbt run``: what belongs to the guest, and what goes on although something of ours fails."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from runtime import image
from runtime.paths import cache_dir
from tests.patience import SECONDS

REPOSITORY = Path(__file__).resolve().parents[2]


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "dbt", "run", *words]


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), cwd=REPOSITORY, env={**os.environ, **environment}, capture_output=True, text=True, timeout=SECONDS)


@pytest.fixture
def fib(guests: Path) -> str:
    return str(guests / "fib.elf")


def test_stats_file(fib: str, tmp_path: Path) -> None:
    where = tmp_path / "stats.json"
    done = run(f"--stats={where}", fib, "3")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(where.read_text())
    assert found["syscalls"] >= 2 and found["blocks"] > 0 and found["unknown_syscalls"] == {}


def test_stats_on_standard_error(fib: str) -> None:
    done = run("--stats", fib)
    assert done.stdout.startswith("fib ")
    assert all(line.startswith("dbt: ") for line in done.stderr.splitlines())
    assert "blocks" in done.stderr


def test_full_disk_for_stats_keeps_the_guests_status(fib: str) -> None:
    done = run("--stats=/dev/full", fib)
    assert (done.returncode, done.stderr) == (0, "dbt: --stats=/dev/full: No space left on device: nothing written\n")


# The builder gives what it has built before: half a minute less.
_QUICK_BUILDER = """
import sys
from runtime import image, objects
from runtime.kernels import build
built = objects.load(open(sys.argv.pop(1), "rb").read())
build.build = lambda: b""
image._settled = lambda obj: built
from dbt.cli import main
sys.exit(main())
"""


def test_no_cache_directory(fib: str) -> None:
    """The runtime's kernels are built for this one run."""
    image.load()
    kernels = os.path.join(cache_dir(), "kernels", f"{image.key()}.image")
    done = subprocess.run([sys.executable, "-c", _QUICK_BUILDER, kernels, "run", fib], cwd=REPOSITORY, env={**os.environ, "DBT_CACHE_DIR": "/proc/nowhere"},
                          capture_output=True, text=True, timeout=SECONDS)  # fmt: skip
    assert (done.returncode, done.stdout) == (0, run(fib).stdout)
    said = [line for line in done.stderr.splitlines() if not line.startswith("building runtime kernels")]
    assert len(said) == 1 and said[0].startswith("dbt: "), done.stderr


def test_cache_is_no_guests_business(fib: str, tmp_path: Path) -> None:
    """A relative name of the cache directory is one of where the command was given: the guest may change its directory."""
    environment = {**os.environ, "DBT_CACHE_DIR": "own", "XDG_CACHE_HOME": "", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", "import os; from runtime.paths import cache_dir; print(cache_dir())"],
                          cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout == f"{tmp_path}/own\n"
    environment |= {"DBT_CACHE_DIR": "", "HOME": ""}
    code = "import os, pwd; os.path.expanduser = lambda path: path; from runtime.paths import cache_dir; print(cache_dir())"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "/.cache/dbt-translator\n"


def test_no_cache_option_runs_the_same(fib: str) -> None:
    assert run("--no-cache", fib, "2").stdout == run(fib, "2").stdout


@pytest.fixture
def own_cache(tmp_path: Path) -> Path:
    """A cache with the kernels and nothing else."""
    image.load()
    kernels = tmp_path / "kernels"
    kernels.mkdir()
    shutil.copy(os.path.join(cache_dir(), "kernels", f"{image.key()}.image"), kernels)
    return tmp_path


def files_below(directory: Path) -> set[Path]:
    return {path for path in directory.rglob("*") if path.is_file()}


def test_no_cache_option_writes_nothing(fib: str, own_cache: Path) -> None:
    before = files_below(own_cache)
    assert run("--no-cache", fib, DBT_CACHE_DIR=str(own_cache)).returncode == 0
    assert files_below(own_cache) == before
    assert run(fib, DBT_CACHE_DIR=str(own_cache)).returncode == 0
    assert files_below(own_cache) > before


def test_a_run_goes_on_without_the_cache_that_it_began_with(guests: Path, own_cache: Path) -> None:
    environment = {**os.environ, "DBT_CACHE_DIR": str(own_cache)}
    words = command(str(guests / "demo.elf"), "3000")
    whole = subprocess.run(words, cwd=REPOSITORY, env=environment, capture_output=True, timeout=SECONDS)
    process = subprocess.Popen(words, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    first = process.stdout.readline()  # the guest runs
    subprocess.run([sys.executable, "-m", "dbt", "cache", "clear"], cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL, check=True, timeout=SECONDS)
    rest, err = process.communicate(timeout=SECONDS)
    assert (first + rest, err, process.returncode) == (whole.stdout, b"", 0)


def test_name_and_environment_of_the_guest() -> None:
    """What tests/linux/src/process.c prints as a child: argv[0], argv[2] and $GREETING."""
    words = (str(REPOSITORY / "tests" / "linux" / "process.elf"), "child", "word")
    assert run("--argv0", "other", "-E", "GREETING=a=b", *words).stdout == "child other word a=b\n"
    assert run("-U", "GREETING", *words, GREETING="taken away").stdout == f"child {words[0]} word (null)\n"
    assert run(*words, GREETING="kept").stdout == f"child {words[0]} word kept\n"


def test_a_system_call_that_is_not_known(tmp_path: Path) -> None:
    """It gives ENOSYS and is counted. The i386 program exits with what call 9999 gave."""
    call = b"\xb8\x0f\x27\0\0\xcd\x80"  # mov eax, 9999; int 0x80
    code = call + b"\x89\xc3\xb8\x01\0\0\0\xcd\x80"  # mov ebx, eax; mov eax, 1 (exit); int 0x80
    base, start, size = 0x10000, 52 + 32, 52 + 32 + len(code)
    header = b"\x7fELF\x01\x01\x01".ljust(16, b"\0") + struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, base + start, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    segment = struct.pack("<8I", 1, 0, base, base, size, size, 5, 4096)  # PT_LOAD, read and execute
    program = tmp_path / "unknown.elf"
    program.write_bytes(header + segment + code)
    program.chmod(0o755)
    done = run(f"--stats={tmp_path}/stats.json", str(program))
    assert (done.returncode, done.stdout, done.stderr) == (-errno.ENOSYS & 0xFF, "", "")
    assert json.loads((tmp_path / "stats.json").read_text())["unknown_syscalls"] == {"9999": 1}


def test_x86_atomics_become_pairs(tmp_path: Path) -> None:
    done = run("--x86-atomics", "llsc", f"--stats={tmp_path}/stats.json", "tests/linux/x86_64/lockfree.elf")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "stats.json").read_text())["exclusive_links"] > 0


def test_a_guest_from_python(fib: str) -> None:
    """The status comes back to the caller, who goes on."""
    code = f"from dbt import api; status = api.run({fib!r}, ['2'], tier='0'); print('status', status)"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=SECONDS)
    assert (done.stdout, done.stderr) == (run(fib, "2").stdout + "status 0\n", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_fatal_signals_are_the_guests(number: signal.Signals, guests: Path) -> None:
    process = subprocess.Popen(command(str(guests / "demo.elf"), "4000000000"), cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()  # the guest runs
    process.send_signal(number)
    _, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, err) == (-number, b"")
