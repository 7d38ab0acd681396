"""Passes: free functions from unit to unit (they work in place and return their argument), and the registry that names them.

Every pass keeps the meaning of the unit: same memory accesses in the same order, same state at every exit, at every operation that may fault
and at every loop head (see ``dead_puts`` for what that costs and how to ask for less). ``atomic_idiom`` alone changes the accesses, to others that the
guest could not tell from its own. Each pass can be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dbt.ir.cfg import drop_unreachable
from dbt.ir.passes.atomic_idiom import atomic_idiom
from dbt.ir.passes.cse import cse
from dbt.ir.passes.dce import dce
from dbt.ir.passes.dead_puts import dead_puts
from dbt.ir.passes.fences import fences
from dbt.ir.passes.flags import flags
from dbt.ir.passes.fold import fold
from dbt.ir.passes.forward import forward
from dbt.ir.passes.own_stores import own_stores
from dbt.ir.passes.reloads import reloads, reloads_in_order
from dbt.ir.passes.straighten import straighten
from dbt.ir.passes.wait_loops import wait_loops
from dbt.ir.state import StateMap
from dbt.ir.unit import Unit

Pass = Callable[[Unit, StateMap], Unit]

PASSES: dict[str, Pass] = {
    "straighten": straighten,
    "own_stores": own_stores,
    "forward": forward,
    "fold": fold,
    "cse": cse,
    "reloads": reloads,
    "reloads_in_order": reloads_in_order,
    "flags": flags,
    "atomic_idiom": atomic_idiom,
    "wait_loops": wait_loops,
    "fences": fences,
    "dead_puts": dead_puts,
    "dce": dce,
}

# A lifted region is straight already; folded branches make new chains.
STANDARD = ("own_stores", "forward", "fold", "cse", "reloads", "flags", "atomic_idiom", "wait_loops", "straighten", "fences", "dead_puts", "dce")
WITHOUT_IDIOM = tuple([name for name in STANDARD if name not in ("own_stores", "atomic_idiom")])


def run_passes(unit: Unit, state: StateMap, names: Iterable[str] | None = None) -> Unit:
    """Run the passes *names* in the order given (default: :data:`STANDARD`); ValueError for a name that is no pass. Passes expect units
    without unreachable blocks, so those go first."""
    drop_unreachable(unit)
    for name in STANDARD if names is None else names:
        if name not in PASSES:
            raise ValueError(f"no pass is called {name!r}; there are {', '.join(PASSES)}")
        PASSES[name](unit, state)
    return unit
