"""A dynamic binary translator for ARM and x86 guests: guest bytes -> SSA IR -> native code."""

__version__ = "0.1.0"
