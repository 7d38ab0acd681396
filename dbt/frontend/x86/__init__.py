"""x86 (32-bit and 64-bit code) -> IR. ``FRONTENDS`` has one object following ``dbt.frontend.base.Frontend`` for each arch."""

from dbt.frontend.x86.lift import X86Frontend

FRONTENDS = {"i386": X86Frontend("i386"), "x86_64": X86Frontend("x86_64")}
__all__ = ["FRONTENDS", "X86Frontend"]
