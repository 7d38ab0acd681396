"""LLVM text to relocatable objects and assembly. The only file that uses llvmlite, imported on first compilation."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import llvmlite.binding as llvm

from dbt.backend.llvm import host_flags
from dbt.backend.llvm.features import BASE, Features

# Triples for looking at code of other hosts, and the features that make their output readable.
CROSS = {"arm": "armv7-unknown-linux-gnueabihf", "i386": "i686-unknown-linux-gnu", "aarch64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}

# Every access of the guest is a use of an address of its own: loop strength reduction makes a variable of each, and two where it is compared as well. Where the
# jumps of a guest's interpreter go lies far apart and is hard to foresee: a thin table of host addresses is better than a tree of comparisons.
OPTIONS = ("-disable-lsr", "-jump-table-density=1")

Lap = Callable[[str], None]  # is told the name of a stage when it ends


class CompileError(Exception):
    """LLVM refused a module: the message is LLVM's. A bug of ours; the region stays in tier 0."""


@lru_cache(maxsize=1)
def host() -> tuple[str, str, str]:
    """(triple, CPU, features) of this machine."""
    return llvm.get_default_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def features() -> Features:
    """What this machine has of :class:`Features`."""
    triple, _, listed = host()
    names = listed.split(",")
    if not triple.startswith(("x86_64", "i")):
        return BASE._replace(fma=True, rounding=True)
    return Features("+fma" in names, "+sse4.1" in names, "+ssse3" in names, "+sse4.2" in names, host_flags.PRESENT)


@lru_cache(maxsize=1)
def _set_options() -> None:
    """Set :data:`OPTIONS`, for all that this process compiles. LLVM ends the process if one comes twice: hence the cache."""
    for option in OPTIONS:
        llvm.set_option("", option)


@lru_cache(maxsize=8)
def machine(triple: str = "", level: int = 2) -> llvm.TargetMachine:
    """Target machine for *triple* ("" is this host, with all its CPU features) at codegen level *level*."""
    _set_options()
    if triple:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
        target, cpu, features = llvm.Target.from_triple(triple), "", ""
    else:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        llvm.initialize_native_asmparser()  # loads without a check are inline assembly
        name, cpu, features = host()
        if cpu.startswith("znver"):
            features += ",+slow-shld"  # six micro-operations on Zen: two shifts and an OR are faster; LLVM knows it of AMD's older processors
        target = llvm.Target.from_triple(name)
    return target.create_target_machine(cpu=cpu, features=features, opt=level, reloc="pic", codemodel="small")


def _untimed(stage: str) -> None:
    """Nobody wants to know how long the stages take."""


def optimised(text: str, triple: str = "", level: int = 2, lap: Lap = _untimed) -> llvm.ModuleRef:
    """Parse and run the three passes that pay for themselves; CompileError if LLVM finds fault with the text."""
    try:
        module = llvm.parse_assembly(text)
        module.verify()  # what it finds would end the process later
    except RuntimeError as error:
        raise CompileError(str(error)) from None
    lap("parse")
    target = machine(triple, level)
    module.triple = target.triple
    module.data_layout = str(target.target_data)  # what integers are legal: without it phis of loaded values are cut up
    builder = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=1))
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    if level:
        passes.add_instruction_combine_pass()
        passes.add_simplify_cfg_pass()
    passes.run(module, builder)
    lap("optimise")
    return module


def compile_object(text: str, level: int = 2, lap: Lap = _untimed) -> bytes:
    """LLVM text to an ELF object for this host."""
    code: bytes = machine("", level).emit_object(optimised(text, "", level, lap))
    lap("codegen")
    return code


def compile_assembly(text: str, host_arch: str = "", level: int = 2) -> str:
    """LLVM text to assembly for this host, or for one of :data:`CROSS`."""
    triple = CROSS.get(host_arch, host_arch)
    assembly: str = machine(triple, level).emit_assembly(optimised(text, triple, level))
    return assembly
