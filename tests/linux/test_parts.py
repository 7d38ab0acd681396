"""The parts that need no guest: native stubs, helper page, path translation, address-space map, the syscall table."""

from __future__ import annotations

import contextlib
import inspect
import os
import re
from importlib import import_module
from pathlib import Path

import pytest

from dbt.abi.exclusive import SHARED_FRAMES
from runtime.linux import hoststub
from runtime.linux.abi import Abi, abi_of
from runtime.linux.arm import kuser
from runtime.linux.hostnr import NR
from runtime.linux.mm import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, MREMAP_MAYMOVE, AddressSpace
from runtime.linux.sysroot import Sysroot


def test_host_stub_is_what_its_source_says() -> None:
    keystone = pytest.importorskip("keystone")
    code, _ = keystone.Ks(keystone.KS_ARCH_X86, keystone.KS_MODE_64).asm(hoststub.X86_64_SOURCE)
    assert bytes(code) == hoststub.X86_64_CODE
    assert hoststub.stub_code("x86_64", 0x1234).count((0x1234).to_bytes(8, "little")) == 1


def test_helper_page() -> None:
    keystone = pytest.importorskip("keystone")
    assembler = keystone.Ks(keystone.KS_ARCH_ARM, keystone.KS_MODE_ARM)
    lines = [line.split(":")[-1].strip() for line in kuser.SOURCE.splitlines()]
    page = kuser.helper_page()
    assert len(page) == 4096
    assert page[0xFFC] == 5, "__kuser_helper_version"
    for offset, text in ((0xF60, lines[2]), (0xFA0, "dmb ish"), (0xFC0, "dmb ish"), (0xFE0, "mrc p15, 0, r0, c13, c0, 3"), (0xFE4, "bx lr")):
        assert page[offset : offset + 4] == bytes(assembler.asm(text)[0]), text
    for thumb in (False, True):
        for rt in (False, True):
            entry = kuser.sigreturn_entry(thumb, rt)
            assert bool(entry & 1) == thumb
            code = page[entry - kuser.PAGE & ~1 :]
            assert code[0] == (173 if rt else 119)


@pytest.fixture(params=["arm", "i386", "x86_64"])
def abi(request: pytest.FixtureRequest) -> Abi:
    return abi_of(request.param)


def test_table_rows_have_handlers(abi: Abi) -> None:
    """Every row names a function that takes as many arguments as the row shows, or a host syscall."""
    for number, (name, target, kinds, _) in abi.rows().items():
        if target == "-":
            continue
        if target.startswith("~"):
            places = re.findall(r"(\d)[<>](#\d|\d+)", target)
            assert name in NR and places and all(int(argument) < len(kinds) for argument, _ in places), name
            continue
        group, _, function = target.partition(".")
        if not group:
            assert (function or name) in NR, name
            continue
        handler = getattr(import_module(f"runtime.linux.syscalls.{group}"), function or name)
        wanted = [p for p in inspect.signature(handler).parameters.values() if p.default is p.empty]
        if all(p.kind != p.VAR_POSITIONAL for p in wanted):
            assert len(wanted) == len(kinds.replace("_", "")) + 1, (number, name)


def test_open_flags(abi: Abi) -> None:
    flags = abi.open_flags
    for bit in range(24):
        assert flags.to_guest(flags.to_host(1 << bit)) == 1 << bit
    assert ARM_DIRECTORY != os.O_DIRECTORY and abi_of("arm").open_flags.to_host(ARM_DIRECTORY) == os.O_DIRECTORY


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("usr/bin", "etc", "lib"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "usr/bin/tool").write_text("")
    (tmp_path / "bin").symlink_to("usr/bin")
    (tmp_path / "lib/absolute").symlink_to("/usr/bin/tool")
    (tmp_path / "lib/relative").symlink_to("../usr/bin/tool")
    (tmp_path / "lib/loop").symlink_to("loop")
    (tmp_path / "etc/away").symlink_to("/nonexistent/place")
    return tmp_path


def test_sysroot(root: Path) -> None:
    s = Sysroot(str(root))
    here = str(root).encode()
    for path in (b"/usr/bin/tool", b"/bin/tool", b"/lib/absolute", b"/lib/relative", b"//bin/../bin/./tool"):
        assert s.host_path(path).endswith(b"/usr/bin/tool"), path
        assert s.host_path(path).startswith(here), path
    assert s.host_path(b"/lib/absolute", follow=False) == here + b"/lib/absolute"
    assert s.host_path(b"/no/such/file") == b"/no/such/file"
    assert s.host_path(b"/etc/away") == b"/nonexistent/place"
    assert s.host_path(b"relative") == b"relative"
    assert s.host_path(b"/proc/self/maps") == b"/proc/self/maps"
    assert s.host_path(b"/../../bin/tool") == here + b"/usr/bin/tool", "the sysroot's root is its own parent"
    s.host_path(b"/lib/loop")  # ends
    assert s.guest_path(here + b"/usr/bin/tool") == b"/usr/bin/tool"
    assert s.guest_path(b"/elsewhere") == b"/elsewhere"
    assert Sysroot(None).host_path(b"/bin/tool") == b"/bin/tool"


class Flags:
    """Stands in for GuestMemory: page flags only."""

    base = 0
    section = contextlib.nullcontext()

    def __init__(self) -> None:
        self.pages: dict[int, int] = {}
        self.frames: dict[int, int] = {}

    def set_flags(self, address: int, length: int, flags: int, frame: int | None = None) -> None:
        for page in range(address, address + length, 4096):
            self.pages[page] = flags
            if frame is not None:
                self.frames[page] = frame + (page - address) // 4096 if frame else 0

    def frame(self, address: int) -> int:
        return self.frames[address]


class Quiet:
    """Stands in for Host: every syscall succeeds."""

    nr = NR

    def quick(self, *_: int) -> int:
        return 0


ARM_DIRECTORY = 0o40000  # arch/arm/include/uapi/asm/fcntl.h
MEMORY_MAP = abi_of("arm").memory_map(1 << 32)
TASK_SIZE = MEMORY_MAP.limit


def make_space() -> AddressSpace:
    return AddressSpace(Flags(), Quiet(), MEMORY_MAP)  # type: ignore[arg-type]


ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS


def test_two_mappings_of_a_file_have_the_same_frames(tmp_path: Path) -> None:
    space = make_space()
    frame = space.memory.frame
    (tmp_path / "a").write_bytes(bytes(8 * 4096))
    with open(tmp_path / "a", "r+b") as file:
        first = space.map(0, 8 * 4096, 3, MAP_SHARED, file.fileno(), 0)
        second = space.map(0, 4 * 4096, 3, MAP_SHARED, file.fileno(), 4 * 4096)
        private = space.map(0, 4096, 3, MAP_PRIVATE, file.fileno(), 0)
    assert frame(first) >= SHARED_FRAMES
    assert [frame(second + i * 4096) for i in range(4)] == [frame(first + (4 + i) * 4096) for i in range(4)]
    assert frame(private) == 0
    anonymous = space.map(0, 2 * 4096, 3, MAP_SHARED | MAP_ANONYMOUS)
    again = space.remap(anonymous, 0, 2 * 4096, MREMAP_MAYMOVE, 0)
    assert frame(anonymous) >= SHARED_FRAMES and frame(again + 4096) == frame(anonymous + 4096)
    space.unmap(first, 8 * 4096)
    assert frame(first) == 0


def test_map_splits_and_joins() -> None:
    space = make_space()
    at = space.map(0, 10 * 4096, 3, ANONYMOUS)
    assert at + 10 * 4096 == TASK_SIZE, "top down"
    assert space.map(0, 4096, 3, ANONYMOUS) == at - 4096
    assert len(space.areas) == 1, "alike neighbours are one area"
    assert space.protect(at + 4096, 4096, 1) == 0
    assert [a.prot for a in space.areas] == [3, 1, 3]
    assert space.unmap(at + 2 * 4096, 4096) == 0
    assert not space.covered(at, at + 10 * 4096)
    assert space.map(at + 2 * 4096, 4096, 3, ANONYMOUS | MAP_FIXED) == at + 2 * 4096
    assert space.protect(at + 4096, 4096, 3) == 0
    assert len(space.areas) == 1
    assert space.memory.pages[at] & 7 == 3  # type: ignore[attr-defined]
    assert space.unmap(0x10000, TASK_SIZE - 0x10000) == 0
    assert space.areas == [] and not any(space.memory.pages.values())  # type: ignore[attr-defined]


def test_map_against_a_page_by_page_model() -> None:
    """Random map, unmap and protect; the map must say the same as a dictionary of pages."""
    from random import Random

    random = Random(1)
    space, model = make_space(), {}
    low = 0x100000
    for _ in range(3000):
        start, pages, prot = random.randrange(64), random.randrange(1, 12), random.choice((0, 1, 3))
        addr = low + 4096 * start
        action = random.randrange(3)
        if action == 0:
            space.map(addr, 4096 * pages, prot, ANONYMOUS | MAP_FIXED)
            model.update(dict.fromkeys(range(start, start + pages), prot))
        elif action == 1:
            space.unmap(addr, 4096 * pages)
            for page in range(start, start + pages):
                model.pop(page, None)
        else:
            covered = all(page in model for page in range(start, start + pages))
            assert (space.protect(addr, 4096 * pages, prot) == 0) == covered
            if covered:
                model.update(dict.fromkeys(range(start, start + pages), prot))
        assert space.starts == [a.start for a in space.areas] == sorted(space.starts)
        found = {(page - low) // 4096: a.prot for a in space.areas for page in range(a.start, a.end, 4096)}
        assert found == model
        for before, after in zip(space.areas, space.areas[1:], strict=False):
            assert not before.joins(after), "alike neighbours are one area"
