"""Native code of the runtime, written for numba: see ``build`` for how it becomes one image, and ``mem`` for what it is made of."""
