"""Tier-0 records to host code, one after the other: for blocks that are hot, until LLVM has made something better of them.

Takes about a microsecond a record and no analysis. x86-64 hosts only. ``assembler`` encodes, ``emitter`` knows where cells are, ``integers``, ``moves``,
``accesses``, ``exclusives`` and ``exits`` say what each record becomes, ``region`` puts blocks together with their ways in and out.
"""
