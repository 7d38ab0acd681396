"""What runs: vCPU state, kernels, dispatcher, code cache, Linux user mode. The only user of numba is ``runtime.kernels``."""
