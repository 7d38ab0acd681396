"""A process that compiles regions for a tree of guest processes, so that they wait neither for LLVM nor for Python, and outlive both.

``client`` (in a guest process) sends a :class:`~runtime.compileserver.requests.Request` through a ``channel`` to the ``server``, which hands it to its
``worker``; the worker's ``maker`` makes the region. ``spawn`` starts the server out of the guest's sight.
"""
