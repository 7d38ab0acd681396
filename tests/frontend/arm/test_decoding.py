"""capstone's mnemonic of random encodings agrees with the row that decodes them."""

from __future__ import annotations

from random import Random

import capstone
import pytest

from dbt.frontend.arm.tables import A32_COND, T16, T32
from dbt.frontend.decode import DecodeTable, Row
from tests.frontend.arm.differential import insn_bytes
from tests.frontend.arm.test_differential import CASES

# Row name -> the mnemonics (without condition, width and S) that it may have; a row not named here has its own name before the first "_".
_SHIFTS = {"mov", "lsl", "lsr", "asr", "ror", "rrx"}
_MNEMONICS = {
    "mov_imm": {"mov"}, "mov_reg": _SHIFTS, "mov_rsr": _SHIFTS, "adr_add": {"adr", "add", "addw"}, "adr_sub": {"adr", "sub", "subw"},
    "add_sp_words": {"add", "adr"}, "movw": {"movw", "mov"}, "smla_xy": {"smlabb", "smlabt", "smlatb", "smlatt"},
    "smul_xy": {"smulbb", "smulbt", "smultb", "smultt"}, "smlal_xy": {"smlalbb", "smlalbt", "smlaltb", "smlaltt"}, "smlaw_y": {"smlawb", "smlawt"},
    "smulw_y": {"smulwb", "smulwt"}, "pkh": {"pkhbt", "pkhtb"}, "crc32": {"crc32b", "crc32h", "crc32w"}, "crc32c": {"crc32cb", "crc32ch", "crc32cw"},
    "bx": {"bx", "bxj"}, "blx_reg": {"blx"}, "cbz": {"cbz", "cbnz"}, "preload": {"pld", "pldw", "pli", "nop"},
    "ldm": {"ldm", "ldmib", "ldmda", "ldmdb", "pop"}, "stm": {"stm", "stmib", "stmda", "stmdb", "push"},
    "ldrex": {"ldrex", "ldrexb", "ldrexh", "ldrexd"}, "strex": {"strex", "strexb", "strexh", "strexd"},
    "ldaex": {"ldaex", "ldaexb", "ldaexh", "ldaexd"}, "stlex": {"stlex", "stlexb", "stlexh", "stlexd"},
    "lda": {"lda", "ldab", "ldah"}, "stl": {"stl", "stlb", "stlh"}, "swp": {"swp", "swpb"}, "dmb": {"dmb"},
    "dsb": {"dsb", "ssbb", "pssbb", "dfb"}, "isb": {"isb"},
    "yield_": {"yield", "wfe"}, "msr_reg": {"msr"}, "msr_imm": {"msr"}, "mrc_tpidrurw": {"mrc"}, "mrc_tpidruro": {"mrc"}, "mcr_tpidrurw": {"mcr"},
    "mcr_barrier": {"mcr", "dsb", "dmb", "isb"}, "rsb_imm": {"rsb", "neg"}, "rsb_reg": {"rsb"},
    "sub_imm": {"sub", "subw"}, "add_imm": {"add", "addw"},
    "cps": {"cps", "cpsie", "cpsid"}, "addw": {"addw", "add", "adr"}, "subw": {"subw", "sub", "adr"}, "udf": {"udf", "trap"},
}  # fmt: skip
_PUSH_POP = {"ldr_imm": "pop", "str_imm": "push"}
_UNNAMED = {"nop"}  # unallocated hints, that capstone shows as "hint"
_CONDITIONS = ("eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")


def _allowed(row: Row) -> set[str]:
    stem = row.name.partition("_")[0]
    names = set(_MNEMONICS.get(row.name, {stem}))
    if row.name in _PUSH_POP:
        names.add(_PUSH_POP[row.name])
    if row.name.startswith(("ldr", "str")):
        names.add(stem + "t")
    if row.name.startswith("sm"):
        names |= {stem + "x", stem + "r"}
    return names


def _spellings(names: set[str]) -> set[str]:
    return {name + s + condition + wide for name in names for s in ("", "s") for condition in ("", *_CONDITIONS) for wide in ("", ".w")}


@pytest.mark.parametrize(("table", "row"), [case for case in CASES if case[1].name not in _UNNAMED], ids=lambda x: x.name)
def test_mnemonic(table: DecodeTable, row: Row) -> None:
    thumb = table in (T16, T32)
    disassembler = capstone.Cs(capstone.CS_ARCH_ARM, (capstone.CS_MODE_THUMB if thumb else capstone.CS_MODE_ARM) + capstone.CS_MODE_V8)
    spellings = _spellings(_allowed(row))
    rng = Random(row.text)
    for _ in range(6):
        word = table.random_insn(rng, row)
        if table is A32_COND:
            word = word & 0x0FFFFFFF | 14 << 28
        code = insn_bytes(word, thumb, row.width)
        found = next(disassembler.disasm_lite(code, 0), None)
        if found is not None:  # capstone refuses many UNPREDICTABLE encodings
            assert found[2] in spellings, f"{row.text}: bytes {code.hex()} are {found[2]} {found[3]}"
