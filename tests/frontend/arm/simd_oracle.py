"""Random machine states for VFP and Advanced SIMD instructions, and unicorn as the oracle that says what they become."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import unicorn
from unicorn import arm_const as uc

CODE = 0x10000
CODE_SIZE = 0x10000
DATA = 0x40000
DATA_SIZE = 0x2000

_CORE = [getattr(uc, f"UC_ARM_REG_R{i}") for i in range(15)]
_DOUBLES = [getattr(uc, f"UC_ARM_REG_D{i}") for i in range(32)]
_NZCV_AND_Q = 0xF8000000  # bits of CPSR
_BIG_ENDIAN = 1 << 9

# Singles worth meeting: zeros, denormals, limits, infinities, NaNs, numbers near the integers' ends and the half-way cases of rounding.
_SINGLES = (
    0x00000000, 0x00000001, 0x007FFFFF, 0x00800000, 0x00800001, 0x33800000, 0x3F000000, 0x3F7FFFFF, 0x3F800000, 0x3FC00000, 0x40200000, 0x46FFFE00,
    0x477FE000, 0x47FFFF00, 0x4B000001, 0x4EFFFFFF, 0x4F000000, 0x4F7FFFFF, 0x4F800000, 0x5F000000, 0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x7FA00000,
    0x7FC00000, 0x7FFFFFFF, 0x38800000, 0x387FC000, 0x33000000, 0x477FF000, 0x1E3CE508,
)  # fmt: skip
_DOUBLE_EXPONENTS = (0, 1, 0x380, 0x36A, 0x3FE, 0x3FF, 0x400, 0x40E, 0x40F, 0x41D, 0x41E, 0x41F, 0x43D, 0x47E, 0x47F, 0x7FE, 0x7FF)
_DOUBLE_FRACTIONS = (0, 1, 1 << 51, (1 << 52) - 1, 1 << 28, 1 << 29, 3 << 28, (1 << 52) - (1 << 29))


@dataclass
class State:
    """What an instruction may read or write: ``core`` is R0 to R14, ``flags`` N, Z, C, V and Q at their places in CPSR, ``memory`` the bytes from DATA."""

    core: list[int]
    doubles: list[int]
    fpscr: int
    flags: int
    memory: bytes
    pc: int = CODE
    undefined: bool = field(default=False, compare=False)

    def differences(self, other: State) -> list[str]:
        """What differs, a line each: ours, then the other's value."""
        found = [f"r{i}: {x:#x} {y:#x}" for i, (x, y) in enumerate(zip(self.core, other.core, strict=True)) if x != y]
        found += [f"d{i}: {x:#018x} {y:#018x}" for i, (x, y) in enumerate(zip(self.doubles, other.doubles, strict=True)) if x != y]
        for name in ("fpscr", "flags"):
            x, y = getattr(self, name), getattr(other, name)
            if x != y:
                found.append(f"{name}: {x:#x} {y:#x}")
        found += [f"[{DATA + i:#x}]: {x:#x} {y:#x}" for i, (x, y) in enumerate(zip(self.memory, other.memory, strict=True)) if x != y][:8]
        return found


def _double(rng: Random) -> int:
    """64 bits: random, small integers, or floating-point values of interest in every view."""
    kind = rng.randrange(6)
    if kind == 0:
        return rng.getrandbits(64)
    if kind == 1:
        return sum((rng.choice((0, 1, 2, 127, 128, 255, rng.getrandbits(8)))) << 8 * i for i in range(8))
    if kind == 2:
        return sum((rng.choice((0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7C00, 0x7C01, 0x7E00, 0x03FF, 0x3C00, rng.getrandbits(16)))) << 16 * i for i in range(4))
    if kind == 3:
        sign, exponent = rng.getrandbits(1), rng.choice((*_DOUBLE_EXPONENTS, rng.getrandbits(11)))
        fraction = rng.choice((*_DOUBLE_FRACTIONS, rng.getrandbits(52), rng.getrandbits(52) & rng.getrandbits(52)))
        return sign << 63 | exponent << 52 | fraction
    words = [rng.choice(_SINGLES) ^ rng.getrandbits(1) << 31 for _ in range(2)]
    if kind == 4:
        words[rng.randrange(2)] = rng.getrandbits(1) << 31 | rng.randrange(96, 160) << 23 | rng.getrandbits(23)
    return words[0] | words[1] << 32


def random_state(rng: Random, fpscr_mask: int = 0xFFC8009F) -> State:
    """Every core register points into the middle of the data area, at a multiple of 32."""
    core = [DATA + DATA_SIZE // 4 + 32 * rng.randrange(DATA_SIZE // 64) for _ in range(15)]
    fpscr = rng.getrandbits(32) & fpscr_mask & (0xFFC00000 if rng.getrandbits(1) else 0x0700001F)
    return State(core, [_double(rng) for _ in range(32)], fpscr, rng.getrandbits(32) & _NZCV_AND_Q, rng.randbytes(DATA_SIZE))


class Oracle:
    """unicorn's most capable ARM model, running one A32 instruction at a time."""

    def __init__(self) -> None:
        self.machine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_ARM)
        self.machine.ctl_set_cpu_model(uc.UC_CPU_ARM_MAX)
        self.machine.mem_map(CODE, CODE_SIZE)
        self.machine.mem_map(DATA, DATA_SIZE)
        self.machine.reg_write(uc.UC_ARM_REG_C1_C0_2, self.machine.reg_read(uc.UC_ARM_REG_C1_C0_2) | 0xF << 20)
        self.machine.reg_write(uc.UC_ARM_REG_FPEXC, 1 << 30)
        self._next = CODE

    def run(self, word: int, before: State, big_endian: bool = False) -> State:
        """The state after *word*; ``undefined`` is set if the instruction raised an exception. Also moves ``before.pc`` to where it ran."""
        machine = self.machine
        if self._next >= CODE + CODE_SIZE:
            self._next = CODE
            machine.ctl_remove_cache(CODE, CODE + CODE_SIZE)
        pc = before.pc = self._next
        self._next += 4
        machine.mem_write(pc, word.to_bytes(4, "little"))
        machine.mem_write(DATA, before.memory)
        for number, value in zip(_CORE, before.core, strict=True):
            machine.reg_write(number, value)
        for number, value in zip(_DOUBLES, before.doubles, strict=True):
            machine.reg_write(number, value)
        machine.reg_write(uc.UC_ARM_REG_FPSCR, before.fpscr)
        mode = machine.reg_read(uc.UC_ARM_REG_CPSR) & ~(_NZCV_AND_Q | _BIG_ENDIAN)
        machine.reg_write(uc.UC_ARM_REG_CPSR, mode | before.flags | (_BIG_ENDIAN if big_endian else 0))
        undefined = False
        try:
            machine.emu_start(pc, pc + 4, count=1)
        except unicorn.UcError as error:
            # UC_ERR_FETCH_UNMAPPED: the PC as a destination, which is UNPREDICTABLE here.
            if error.errno not in (unicorn.UC_ERR_EXCEPTION, unicorn.UC_ERR_INSN_INVALID, unicorn.UC_ERR_FETCH_UNMAPPED):
                raise
            undefined = True
        return State(
            [machine.reg_read(number) for number in _CORE],
            [machine.reg_read(number) for number in _DOUBLES],
            machine.reg_read(uc.UC_ARM_REG_FPSCR),
            machine.reg_read(uc.UC_ARM_REG_CPSR) & _NZCV_AND_Q,
            bytes(machine.mem_read(DATA, DATA_SIZE)),
            pc,
            undefined,
        )
