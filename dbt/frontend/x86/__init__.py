"""x86 (32-bit and 64-bit code) -> IR. ``FRONTENDS`` has one object following ``dbt.frontend.base.Frontend`` for each arch, and one more, with ``LLSC`` added to
the name, that makes atomic operations of load-link and store-conditional."""

from dbt.abi.archs import LLSC
from dbt.frontend.x86.lift import X86Frontend

FRONTENDS = {name + LLSC * llsc: X86Frontend(name, llsc) for name in ("i386", "x86_64") for llsc in (False, True)}
__all__ = ["FRONTENDS", "X86Frontend"]
