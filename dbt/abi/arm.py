"""State of an ARM vCPU (ARMv7-A user level, AArch32).

Guest mode: bit 0 T (Thumb), bit 1 E (big-endian data), bits 8-15 ITSTATE. The PC is no slot: lifted code uses ``pcadd`` and
exits carry addresses. The condition flags are kept raw, as the field does: N is bit 31 of ``nf``, Z is ``zf == 0``; ``cf`` and ``vf`` are
0 or 1. FPSCR is kept in parts: the rounding and flush bits as ``fp_mode``, the cumulative bits as ``fp_flags``, the rest here.
"""

from __future__ import annotations

from dbt.abi.cpu import CpuLayout, header
from dbt.ir.types import F32, I1, I32, V64, V128, Type

MODE_THUMB = 1
MODE_BIG_ENDIAN = 2
MODE_IT_SHIFT = 8

_layout = header()
slots: dict[str, tuple[int, Type]] = {}


def _cell(name: str, type: Type) -> None:
    _layout.add(name, 8)
    slots[name] = (_layout.offset(name), type)


for _i in range(15):
    _cell(f"r{_i}", I32)  # r13 is SP, r14 is LR
for _name, _type in (
    ("nf", I32), ("zf", I32), ("cf", I1), ("vf", I1),
    ("qf", I1),  # sticky saturation (CPSR.Q)
    ("ge", I32),  # CPSR.GE in bits 0-3
    ("fpscr_nzcv", I32),  # bits 31-28 as in FPSCR, others 0
    ("fpscr_ctl", I32),  # FPSCR bits 15-26 (AHP, DN, FZ, RMode, Stride, Len) as last written; fp_mode follows it
    ("tpidruro", I32), ("tpidrurw", I32),
):  # fmt: skip
    _cell(_name, _type)
_layout.add("d", 8, 32, align=16)
for _i in range(32):
    _at = _layout.offset("d") + 8 * _i
    slots[f"d{_i}"] = (_at, V64)
    if _i % 2 == 0:
        slots[f"q{_i // 2}"] = (_at, V128)
    if _i < 16:
        slots[f"s{2 * _i}"] = (_at, F32)
        slots[f"s{2 * _i + 1}"] = (_at + 4, F32)
for _name in ("fp_mode", "fp_flags"):
    slots[_name] = (_layout.offset(_name), I32)

FLAG_SLOTS = ("nf", "zf", "cf", "vf")
# r7 is Thumb's frame pointer and syscall number, r13/r14 are in every call.
cpu = CpuLayout("arm", _layout, slots, pinned=("r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r13", "r14"), address_type=I32,
                flags=FLAG_SLOTS)
