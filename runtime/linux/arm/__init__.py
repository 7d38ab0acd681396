"""Linux on ARM (EABI)."""
