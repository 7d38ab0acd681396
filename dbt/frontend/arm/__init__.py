"""ARM (AArch32: A32 and T32) -> IR. ``frontend`` follows ``dbt.frontend.base.Frontend``; ``FRONTENDS`` has it by the name of its arch."""

from dbt.frontend.arm.lift import ArmFrontend, frontend

FRONTENDS = {frontend.arch: frontend}
__all__ = ["FRONTENDS", "ArmFrontend", "frontend"]
