"""The x87 and SSE state of a vCPU as memory, for signal frames: FXSAVE's 512 bytes (SDM vol. 1, 10.5.1) and FNSAVE's 108 (SDM vol. 1, 8.1.10)."""

from __future__ import annotations

from struct import Struct

from dbt.abi.x86 import mxcsr, mxcsr_parts

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.vcpu import VCpu

FXSAVE_BYTES = 512
MXCSR_MASK = 0xFFFF
_HEAD = Struct("<HHBxHQQII")  # control, status, abridged tags, opcode, instruction and data pointer, mxcsr and its mask
_ENTRY = 16
_ST_AT, _XMM_AT = 32, 160
_FNSAVE = Struct("<IIIIIII")  # control, status, tags, pointers
_STACK_ENTRY = Struct("<QH")  # significand; sign and exponent
_TOP_SHIFT = 11
_EMPTY = 3  # tag


def _stack(vcpu: VCpu) -> list[tuple[int, int]]:
    """ST(0) to ST(7)."""
    top = vcpu.get("ftop")
    return [(vcpu.get(f"fpr{top + i & 7}m"), vcpu.get(f"fpr{top + i & 7}e")) for i in range(8)]


def _status(vcpu: VCpu) -> int:
    return vcpu.get("fsw") & ~(7 << _TOP_SHIFT) | vcpu.get("ftop") << _TOP_SHIFT


def fxsave(vcpu: VCpu) -> bytes:
    area = bytearray(FXSAVE_BYTES)
    flags = mxcsr({name: vcpu.get(name) for name in ("mxcsr", "fp_flags")})
    _HEAD.pack_into(area, 0, vcpu.get("fcw"), _status(vcpu), vcpu.get("ftw") & 0xFF, 0, 0, 0, flags, MXCSR_MASK)
    for i, entry in enumerate(_stack(vcpu)):
        _STACK_ENTRY.pack_into(area, _ST_AT + _ENTRY * i, *entry)
    for i in range(_vectors(vcpu)):
        at = _XMM_AT + _ENTRY * i
        area[at : at + _ENTRY] = vcpu.get(f"xmm{i}").to_bytes(_ENTRY, "little")
    return bytes(area)


def fxrstor(vcpu: VCpu, area: bytes) -> None:
    control, status, tags, _, _, _, flags, _ = _HEAD.unpack_from(area)
    _put_control(vcpu, control, status, tags)
    for i in range(8):
        _put_entry(vcpu, i, *_STACK_ENTRY.unpack_from(area, _ST_AT + _ENTRY * i))
    for name, value in mxcsr_parts(flags & MXCSR_MASK).items():
        vcpu.put(name, value)
    for i in range(_vectors(vcpu)):
        at = _XMM_AT + _ENTRY * i
        vcpu.put(f"xmm{i}", int.from_bytes(area[at : at + _ENTRY], "little"))


def fnsave(vcpu: VCpu) -> bytes:
    """FNSAVE's image; the tags of registers in use are those of FXSAVE, so all are "valid"."""
    tags = sum((0 if vcpu.get("ftw") >> i & 1 else _EMPTY) << 2 * i for i in range(8))
    head = _FNSAVE.pack(0xFFFF0000 | vcpu.get("fcw"), 0xFFFF0000 | _status(vcpu), 0xFFFF0000 | tags, 0, 0, 0, 0xFFFF0000)
    return head + b"".join(_STACK_ENTRY.pack(*entry) for entry in _stack(vcpu))


def _put_control(vcpu: VCpu, control: int, status: int, tags: int) -> None:
    vcpu.put("fcw", control)
    vcpu.put("fsw", status & ~(7 << _TOP_SHIFT))
    vcpu.put("ftop", status >> _TOP_SHIFT & 7)
    vcpu.put("ftw", tags)


def _put_entry(vcpu: VCpu, i: int, significand: int, exponent: int) -> None:
    """ST(i)."""
    number = vcpu.get("ftop") + i & 7
    vcpu.put(f"fpr{number}m", significand)
    vcpu.put(f"fpr{number}e", exponent)


def initialise(vcpu: VCpu) -> None:
    """The state that a handler starts with: as FNINIT and the reset of MXCSR leave it. Registers keep their contents, marked empty."""
    from dbt.abi.x86 import FCW_INITIAL, MXCSR_INITIAL

    _put_control(vcpu, FCW_INITIAL, 0, 0)
    for name, value in mxcsr_parts(MXCSR_INITIAL).items():
        vcpu.put(name, value)


def _vectors(vcpu: VCpu) -> int:
    return 16 if vcpu.layout.arch == "x86_64" else 8
