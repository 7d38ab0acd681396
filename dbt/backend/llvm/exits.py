"""Ways out of a region: to another region, to the dispatcher, to the operating-system layer.

Whoever returns stores the pinned slots (function ``@leave`` of the module), ``cpu.pc`` and ``cpu.mode``; whoever tail-calls passes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dbt.abi.exits import EXCEPTIONS, Exit
from dbt.abi.memory import JUMP_BITS, JUMP_ENTRIES, JUMP_ENTRY_BITS, jump_entry
from dbt.backend.llvm.convention import CALLING_CONVENTION, CHAIN_SYMBOL
from dbt.backend.llvm.text import CPU, LIKELY
from dbt.ir.unit import Inst

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region


def _literal(operand: str) -> bool:
    return operand.lstrip("-").isdigit()


def _wide(r: Region, inst: Inst) -> str:
    """An i32 or i64 value as i64."""
    operand = r.operand(inst)
    return operand if inst.type.bits == 64 or _literal(operand) else r.text.value(f"zext i{inst.type.bits} {operand} to i64")


def tail_call(r: Region, target: str, arguments: str) -> None:
    r.text.do(f"musttail call {CALLING_CONVENTION} void {target}({arguments})")
    r.text.do("ret void")


def leave(r: Region, pc: str, mode: str) -> None:
    """Return to the dispatcher, to resume at *pc* in *mode* (i64 operands), with the state as it is now."""
    r.store_state()
    _return(r, pc, mode, r.pinned_arguments())


def _return(r: Region, pc: str, mode: str, arguments: str) -> None:
    r.store_field("pc", pc)
    r.store_field("mode", mode)
    tail_call(r, "@leave", arguments)


def _goto(r: Region, inst: Inst) -> None:
    """Jump through the exit's chain slot; while it is 0, ask the dispatcher to fill it."""
    pc, mode = _wide(r, inst.args[0]), _wide(r, inst.args[1])
    if not (_literal(pc) and _literal(mode)):
        _goto_ind(r, inst)
        return
    t = r.text
    r.store_state()
    arguments = r.pinned_arguments()
    slot = f"getelementptr inbounds (i8, ptr @{CHAIN_SYMBOL}, i64 {8 * r.chains})"
    r.chains += 1
    target = t.value(f"load atomic ptr, ptr {slot} monotonic, align 8")
    chained, unchained = t.new_label("chained"), t.new_label("unchained")
    t.do(f"br i1 {t.value(f'icmp ne ptr {target}, null')}, label %{chained}, label %{unchained}{LIKELY}")
    t.label(chained)
    tail_call(r, target, arguments)
    t.label(unchained)
    r.store_field("chain_from", slot, "ptr")
    _return(r, pc, mode, arguments)


def _goto_ind(r: Region, inst: Inst) -> None:
    """Look (pc, mode) up in the jump cache; a miss asks the helper, and what has no native entry goes to the dispatcher."""
    t = r.text
    pc, mode = _wide(r, inst.args[0]), _wide(r, inst.args[1])
    r.store_state()
    arguments = r.pinned_arguments()
    mixed = t.value(f"xor i64 {pc}, {t.value(f'lshr i64 {pc}, {JUMP_BITS}')}")
    # (mixed >> 1 & (entries - 1)) << entry bits, in two instructions
    scaled = t.value(f"shl i64 {mixed}, {JUMP_ENTRY_BITS - 1}")
    index = t.value(f"and i64 {scaled}, {(JUMP_ENTRIES - 1) << JUMP_ENTRY_BITS}")
    entry = t.at(r.field("jump_cache"), index)
    tag = t.value(f"load i64, ptr {t.at(entry, jump_entry.offset('tag'))}, align 8{CPU}")
    want = t.value(f"or i64 {pc}, {t.value(f'shl i64 {mode}, 48')}")
    native = t.value(f"load ptr, ptr {t.at(entry, jump_entry.offset('native'))}, align 8{CPU}")
    equal = t.value(f"icmp eq i64 {tag}, {want}")
    usable = t.value(f"select i1 {equal}, i1 {t.value(f'icmp ne ptr {native}, null')}, i1 false")
    hit, miss, away, found = (t.new_label(stem) for stem in ("hit", "miss", "away", "found"))
    t.do(f"br i1 {usable}, label %{hit}, label %{miss}{LIKELY}")
    t.label(hit)
    tail_call(r, native, arguments)
    t.label(miss)
    looked_up = r.call_helper("jump_miss", pc, mode, result="ptr")
    t.do(f"br i1 {t.value(f'icmp ne ptr {looked_up}, null')}, label %{found}, label %{away}{LIKELY}")
    t.label(found)
    tail_call(r, looked_up, arguments)
    t.label(away)
    _return(r, pc, mode, arguments)


def _stop(reason: Exit) -> Callable[[Region, Inst], None]:
    """Return with an exit reason; the row's last attribute goes to ``exit_arg``."""

    def lower(r: Region, inst: Inst) -> None:
        pc, mode = _wide(r, inst.args[0]), _wide(r, inst.args[1])
        r.store_field("exit_reason", str(int(reason)))
        if reason is Exit.EXCEPTION:
            r.store_field("exit_arg", str(EXCEPTIONS[str(inst.attr("kind"))][0]))
            r.store_field("exit_detail", str(inst.attr("imm")))
        elif reason is Exit.SYSCALL:
            r.store_field("exit_arg", str(inst.attr("imm")))
        leave(r, pc, mode)

    return lower


ROWS: dict[str, Callable[[Region, Inst], None]] = {
    "goto": _goto,
    "goto_ind": _goto_ind,
    "syscall": _stop(Exit.SYSCALL),
    "exception": _stop(Exit.EXCEPTION),
    "halt": _stop(Exit.HALT),
    "yield": _stop(Exit.YIELD),
}
