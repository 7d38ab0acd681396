"""Explores all interleavings of vCPUs that run the kernel functions: see ``explore``."""
