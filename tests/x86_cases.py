"""What the instruction cases need to know of x86: names of the state, the assembler, and the oracles: the host's processor, and unicorn.

State that cases name: general registers, flags (``eflags`` is all of them), ``fs_base``, ``gs_base``, ``xmm0`` to ``xmm15``, ``mxcsr``, ``st0`` to ``st7``
(``empty``, or 80 bits), ``fcw``, ``fsw`` (all but TOP), ``top``, and ``mm0`` to ``mm7``, which are the significands of ``st0`` to ``st7`` where TOP is 0.
TOP, FSW and the flags of MXCSR are 0 before, if not named. After ``=>``, ``push=1`` says that a register was empty and is now ST(0), so that names count from
there; ``pop=1`` that ST(0) is now empty, and what was ST(1) is ST(0).
"""

from __future__ import annotations

import functools
import re
import struct
from random import Random
from typing import Any

from dbt.abi.archs import LLSC
from dbt.abi.x86 import FCW_INITIAL, FSW_TOP_SHIFT, MXCSR_INITIAL, REGISTERS_32, REGISTERS_64, eflags, guest_mode, parts
from dbt.frontend.base import lift_insn
from dbt.frontend.x86 import FRONTENDS
from dbt.frontend.x86.decode import Encoding
from dbt.frontend.x86.tables import match
from dbt.ir.text import print_unit
from runtime.linux.x86.fxsave import MXCSR_MASK, fxrstor, fxsave
from runtime.vcpu import VCpu
from tests.frontend.x86 import oracle
from tests.instruction_cases import DATA_SIZE, EMPTY, Case, CaseEngine, CaseError, Result, State, Tier, assemble
from tests.reference_eval import State as Slots
from tests.x86_host import FX_BYTES, STATE, host, signal_of

ARCHES = {"i386": "i386", "x86-64": "x86_64"}
REGISTERS = {"i386": REGISTERS_32, "x86-64": REGISTERS_64}
FLAGS = {"cf": 0, "pf": 2, "af": 4, "zf": 6, "sf": 7, "df": 10, "of": 11}  # -> bit in EFLAGS
BASES = ("fs_base", "gs_base")
X87 = tuple(f"fpr{i}" for i in range(8))  # the registers by their own numbers
_BITS = {"i386": 32, "x86-64": 64}
_VECTORS = {"i386": 8, "x86-64": 16}
_CONTROL = {"mxcsr": MXCSR_INITIAL, "fcw": FCW_INITIAL, "fsw": 0, "top": 0}  # before, if not named
_FX = struct.Struct("<HHBxHQQII")  # FXSAVE: control, status, tags, opcode, pointers, MXCSR and its mask; 16 bytes each follow for ST(0) to ST(7), XMM0 to XMM15
_FX_ENTRY = 16
_MMX = 0xFFFF << 64  # sign and exponent of a register that MMX has written


def values(isa: str, name: str, value: int) -> dict[str, int]:
    """A name of the case as names of the state: ``eflags`` is all flags. Names of the x87's stack stay, until ``complete`` knows TOP."""
    if name == "eflags":
        return {flag: value >> bit & 1 for flag, bit in FLAGS.items()}
    if name in FLAGS:
        return {name: value & 1}
    if name in REGISTERS[isa] or name in BASES:
        return {name: value & (1 << _BITS[isa]) - 1}
    if match := re.fullmatch(r"xmm(\d+)", name):
        if int(match[1]) < _VECTORS[isa]:
            return {name: value & (1 << 128) - 1}
    elif re.fullmatch(r"st[0-7]", name):
        return {name: value if value == EMPTY else value & (1 << 80) - 1}
    elif re.fullmatch(r"mm[0-7]", name):
        return {f"st{name[2]}": _MMX | value & (1 << 64) - 1}
    elif name in _CONTROL or name in ("push", "pop"):
        return {name: value}
    raise CaseError(f"{name}: no part of the state")


def complete(case: Case) -> None:
    """What the line says of the x87's stack, by the numbers of the registers."""
    before, after = case.before, case.after
    top = before.get("top", 0)
    pushed, popped = (after.pop(name, 0) or 0 for name in ("push", "pop"))
    now = after.get("top", top)
    assert now is not None
    now = (now - pushed + popped) & 7
    if pushed or popped:
        after["top"] = now
    before.update({X87[top - 1 - i & 7]: EMPTY for i in range(pushed)})
    after.update({X87[top + i & 7]: EMPTY for i in range(popped)})
    _number(before, top)
    _number(after, now)


def _number(named: dict[str, Any], top: int) -> None:
    """Take ST(i) by their numbers."""
    named.update({X87[top + i & 7]: named.pop(f"st{i}") for i in range(8) if f"st{i}" in named})


@functools.cache
def _assembler(isa: str) -> Any:
    import keystone

    return keystone.Ks(keystone.KS_ARCH_X86, keystone.KS_MODE_64 if isa == "x86-64" else keystone.KS_MODE_32)


def code(isa: str, what: str) -> bytes:
    return assemble(_assembler(isa), what, 0)


def random_values(isa: str, rng: Random) -> dict[str, int]:
    bits = _BITS[isa]
    found = {name: rng.getrandbits(bits) for name in REGISTERS[isa]}
    found |= {flag: rng.getrandbits(1) for flag in FLAGS if flag != "df"} | {"df": 0}
    found |= {f"xmm{i}": rng.getrandbits(128) for i in range(_VECTORS[isa])} | {name: rng.getrandbits(80) for name in X87} | _CONTROL
    return found | {name: rng.getrandbits(32) for name in BASES}


def _eflags(values: dict[str, int]) -> int:
    return sum(values[flag] << bit for flag, bit in FLAGS.items())


def _fx_image(values: dict[str, int]) -> bytes:
    """All but the general registers and flags as FXSAVE writes it."""
    top, tags = values["top"], sum(1 << i for i, name in enumerate(X87) if values[name] != EMPTY)
    image = _FX.pack(values["fcw"], values["fsw"] | top << FSW_TOP_SHIFT, tags, 0, 0, 0, values["mxcsr"], MXCSR_MASK)
    entries = [max(values[X87[top + i & 7]], 0) for i in range(8)] + [values.get(f"xmm{i}", 0) for i in range(16)]
    return (image + b"".join([entry.to_bytes(_FX_ENTRY, "little") for entry in entries])).ljust(FX_BYTES, b"\0")


def _fx_values(isa: str, image: bytes) -> dict[str, int]:
    control, status, tags, _, _, _, mxcsr, _ = _FX.unpack_from(image)
    entries = [int.from_bytes(image[at : at + _FX_ENTRY], "little") for at in range(_FX.size, _FX.size + _FX_ENTRY * 24, _FX_ENTRY)]
    top = status >> FSW_TOP_SHIFT & 7
    found = {X87[top + i & 7]: entries[i] & (1 << 80) - 1 if tags >> (top + i & 7) & 1 else EMPTY for i in range(8)}
    found |= {f"xmm{i}": entries[8 + i] for i in range(_VECTORS[isa])}
    return found | {"fcw": control, "fsw": status & ~(7 << FSW_TOP_SHIFT), "top": top, "mxcsr": mxcsr}


def _put_state(vcpu: VCpu, state: State) -> None:
    values = state.values
    fxrstor(vcpu, _fx_image(values))
    for slot in (*_registers(vcpu), *BASES):
        vcpu.put(slot, values[slot])
    for slot, part in parts(_eflags(values)).items():
        vcpu.put(slot, part)


def _registers(vcpu: VCpu) -> tuple[str, ...]:
    return REGISTERS[_isa(vcpu)]


def _isa(vcpu: VCpu) -> str:
    return next(isa for isa, arch in ARCHES.items() if arch == vcpu.layout.arch)


def _get_state(vcpu: VCpu) -> dict[str, int]:
    word = eflags({slot: vcpu.get(slot) for slot in parts(0)})
    found = {name: vcpu.get(name) for name in (*_registers(vcpu), *BASES)} | {flag: word >> bit & 1 for flag, bit in FLAGS.items()}
    return found | _fx_values(_isa(vcpu), fxsave(vcpu))


def _mode(case: Case, before: State) -> int:
    return guest_mode(_eflags(before.values), before.values["mxcsr"], odd_segments=0)


class Processor:
    """The host's own. It says nothing of where branches go nor of other bases of segments, and of exceptions only which signal comes."""

    name = "host"

    def __init__(self, isa: str) -> None:
        self.isa = isa
        self.host = host(isa == "x86-64")

    def run(self, case: Case, before: State) -> Result | None:
        if self.host is None or case.exit == "syscall" or (case.exit == "next" and case.pc != len(case.code)) or not case.before.keys().isdisjoint(BASES):
            return None
        registers = [before.values.get(name, 0) for name in REGISTERS[self.isa]]
        state = STATE.pack(_fx_image(before.values), _eflags(before.values) | 2, *registers, *[0] * (16 - len(registers)))
        found = self.host.run(case.code, state, bytes(before.memory))
        if isinstance(found, int):
            return None if found == signal_of(case.exit) else Result(before, f"signal {found}", 0)
        image, flags, *registers = STATE.unpack(found[0])
        mask = (1 << _BITS[self.isa]) - 1
        values = before.values | {name: value & mask for name, value in zip(REGISTERS[self.isa], registers, strict=False)}
        values |= {flag: flags >> bit & 1 for flag, bit in FLAGS.items()} | _fx_values(self.isa, image)
        return Result(State(values, bytearray(found[1])), "next", len(case.code))


class Unicorn:
    """For what changes general registers, flags and memory, but for privileged instructions, which it allows. Its data area is larger than that of cases; the
    code stands elsewhere, which only counted pcs do not show."""

    name = "unicorn"

    def __init__(self, isa: str) -> None:
        self.isa = isa
        self.oracle = oracle.Oracle(ARCHES[isa])

    def _knows(self, case: Case) -> bool:
        if case.exit == "protection":
            return False
        row = match(Encoding(case.code, self.isa == "x86-64"), self.isa == "x86-64")
        other_bases = self.isa == "i386" and not case.before.keys().isdisjoint(BASES)  # which would need descriptors
        return row is None or not row.module.startswith(("simd", "x87", "fxsave")) and not other_bases

    def run(self, case: Case, before: State) -> Result | None:
        if not self._knows(case):
            return None
        slots = Slots(ARCHES[self.isa])
        for name in REGISTERS[self.isa]:
            slots[name] = before.values[name]
        if self.isa == "x86-64":
            self.oracle.preset = {oracle.x86.UC_X86_REG_FS_BASE: before.values["fs_base"], oracle.x86.UC_X86_REG_GS_BASE: before.values["gs_base"]}
        oracle.set_flags(slots, _eflags(before.values))
        memory = before.memory + bytes(oracle.DATA_SIZE - DATA_SIZE)
        why, pc, word, registers = self.oracle.run(case.code, slots, memory)
        while why == "goto" and pc == oracle.CODE and case.pc:  # after a step of a repeated string instruction
            for name, value in zip(REGISTERS[self.isa], registers, strict=True):
                slots[name] = value
            oracle.set_flags(slots, word)
            why, pc, word, registers = self.oracle.run(case.code, slots, memory)
        found = before.values | dict(zip(REGISTERS[self.isa], registers, strict=True)) | {flag: word >> bit & 1 for flag, bit in FLAGS.items()}
        return Result(State(found, memory[:DATA_SIZE]), "next" if why == "goto" else why, pc - oracle.CODE)


def _is_atomic(case: Case) -> bool:
    """True if ``--x86-atomics`` decides what the instruction becomes."""
    arch = ARCHES[case.isa]
    one, other = (print_unit(lift_insn(FRONTENDS[name], 0, case.code)[0]) for name in (arch, arch + LLSC))
    return one != other


def engines(case: Case) -> tuple[CaseEngine, ...]:
    """All that a case runs on."""
    ours = _tiers(case.isa) + (_tiers(case.isa, x86_atomics="llsc") if _is_atomic(case) else ())
    return *ours, *_oracles(case.isa)


@functools.cache
def _tiers(isa: str, **options: str) -> tuple[Tier, ...]:
    return tuple([Tier(tier, ARCHES[isa], _mode, _put_state, _get_state, **options) for tier in ("0", "quick", "1")])


@functools.cache
def _oracles(isa: str) -> tuple[CaseEngine, ...]:
    return Processor(isa), Unicorn(isa)
