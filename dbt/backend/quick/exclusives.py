"""Load-link, store-conditional and atomic operations: the helpers that tier 0 calls too."""

from __future__ import annotations

from dbt.abi.helpers import RMW_KINDS
from dbt.backend.quick.emitter import Emitter, Record


def _load_link(e: Emitter, r: Record) -> None:
    e.helper("ldlink", [e.argument(r.a), r.bits // 8])
    e.leave_if_faulted()
    e.result(r.d)


def _store_conditional(e: Emitter, r: Record) -> None:
    e.set_position()
    e.helper("stcond", [e.argument(r.a), e.argument(r.b), r.bits // 8])
    e.leave_if_faulted()
    e.result(r.d)


def _read_modify_write(e: Emitter, r: Record) -> None:
    kind = RMW_KINDS.index(r.name.removeprefix("rmw_"))
    e.set_position()
    e.helper("rmw", [e.argument(r.a), e.argument(r.b), r.bits // 8 | kind << 16 | r.c << 8])
    e.leave_if_faulted()
    e.result(r.d)


def _compare_and_swap(e: Emitter, r: Record) -> None:
    e.set_position()
    e.helper("cas", [e.argument(r.a), e.argument(r.b), e.argument(r.c & 0xFFFF), r.bits // 8 | r.c >> 16 << 8])
    e.leave_if_faulted()
    e.result(r.d)


_SIZES = (8, 16, 32, 64)
ROWS = {
    "ldlink": (_load_link, _SIZES),
    "stcond": (_store_conditional, _SIZES),
    "cas": (_compare_and_swap, _SIZES),
    **{f"rmw_{kind}": (_read_modify_write, _SIZES) for kind in RMW_KINDS},
}
