"""ARM (AArch32: A32 and T32) -> IR. ``frontend`` follows ``dbt.frontend.base.Frontend``."""

from dbt.frontend.arm.lift import ArmFrontend, frontend

__all__ = ["ArmFrontend", "frontend"]
