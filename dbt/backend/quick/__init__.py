"""Tier-0 records to host code, one after the other: for blocks that are hot, until LLVM has made something better of them.

Takes about a microsecond a record and no analysis. x86-64 hosts only. ``assembler`` encodes, ``records`` says what each record becomes, ``region`` puts blocks
together with their ways in and out.
"""
