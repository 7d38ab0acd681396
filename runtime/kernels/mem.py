"""What kernel code is made of: pointers, loads and stores, atomics and the integer operations that Python lacks.

Kernel code works on int64 bit patterns everywhere, because numba turns uint64 with int64 into float64. A pointer has the type
``P``; addresses are formed from a real base pointer and an offset in bytes (LLVM may misjudge ``inttoptr`` of a sum). Unless said otherwise
loads zero-extend, stores keep the low bits, and any alignment is accepted.

These functions exist inside compiled kernels only, unless ``NUMBA_DISABLE_JIT=1`` asks for those of ``runtime.kernels.plain``.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

from llvmlite import ir
from numba.core import cgutils, config, types
from numba.extending import intrinsic

from runtime.kernels import plain

P = types.CPointer(types.uint8)
I64 = types.int64
BOOL = types.boolean
VOID = types.void

_I1 = ir.IntType(1)
_I8 = ir.IntType(8)
_I64 = ir.IntType(64)
_I128 = ir.IntType(128)

Emit = Callable[..., Any]


def _intrinsic(name: str, doc: str, result: types.Type, args: tuple[types.Type, ...], emit: Emit) -> Any:
    """An intrinsic ``name(*args) -> result`` whose code is ``emit(builder, *values)`` (None for void)."""
    signature = result(*args)

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, values: Any) -> Any:
        made = emit(builder, *values)
        return context.get_dummy_value() if made is None else made

    def typing(typingctx: Any, *given: Any) -> Any:
        return (signature, codegen) if len(given) == len(args) else None

    typing.__name__ = typing.__qualname__ = name
    typing.__doc__ = doc
    typing.__signature__ = Signature([Parameter(f"a{i}", Parameter.POSITIONAL_OR_KEYWORD) for i in range(len(args) + 1)])  # type: ignore[attr-defined]
    return intrinsic(typing)


def _at(builder: ir.IRBuilder, base: Any, offset: Any, bits: int) -> Any:
    """Pointer to an integer of *bits* bits, *offset* bytes after *base*."""
    return builder.bitcast(builder.gep(base, [offset], source_etype=_I8), ir.IntType(bits).as_pointer())


def _fit(builder: ir.IRBuilder, value: Any, bits: int) -> Any:
    return value if bits == 64 else builder.trunc(value, ir.IntType(bits))


def _widen(builder: ir.IRBuilder, value: Any) -> Any:
    return value if value.type.width == 64 else builder.zext(value, _I64)


class _VolatileLoad(ir.LoadInstr):
    def descr(self, buf: list[str]) -> None:
        super().descr(buf)
        buf[-1] = buf[-1].replace("load ", "load volatile ", 1)


class _VolatileStore(ir.StoreInstr):
    def descr(self, buf: list[str]) -> None:
        super().descr(buf)
        buf[-1] = buf[-1].replace("store ", "store volatile ", 1)


def _load(bits: int) -> Any:
    def emit(builder: ir.IRBuilder, base: Any, offset: Any) -> Any:
        return _widen(builder, builder.load(_at(builder, base, offset, bits), align=1, typ=ir.IntType(bits)))

    return _intrinsic(f"ld{bits}", f"Load {bits} bits at (base, offset).", I64, (P, I64), emit)


def _store(bits: int) -> Any:
    def emit(builder: ir.IRBuilder, base: Any, offset: Any, value: Any) -> None:
        builder.store(_fit(builder, value, bits), _at(builder, base, offset, bits), align=1)

    return _intrinsic(f"st{bits}", f"Store the low {bits} bits of a value at (base, offset, value).", VOID, (P, I64, I64), emit)


def _guest_load(bits: int) -> Any:
    def emit(builder: ir.IRBuilder, base: Any, offset: Any) -> Any:
        load = _VolatileLoad(builder.block, _at(builder, base, offset, bits), typ=ir.IntType(bits))
        load.align = 1
        builder._insert(load)
        return _widen(builder, load)

    return _intrinsic(f"g_ld{bits}", f"Load {bits} bits of guest memory at (base, offset): never merged, invented or hoisted.", I64, (P, I64), emit)


def _guest_store(bits: int) -> Any:
    def emit(builder: ir.IRBuilder, base: Any, offset: Any, value: Any) -> None:
        store = _VolatileStore(builder.block, _fit(builder, value, bits), _at(builder, base, offset, bits))
        store.align = 1
        builder._insert(store)

    return _intrinsic(f"g_st{bits}", f"Store {bits} bits of guest memory at (base, offset, value): never merged or removed.", VOID, (P, I64, I64), emit)


ld8, ld16, ld32, ld64 = (_load(_bits) for _bits in (8, 16, 32, 64))
st8, st16, st32, st64 = (_store(_bits) for _bits in (8, 16, 32, 64))
g_ld8, g_ld16, g_ld32, g_ld64 = (_guest_load(_bits) for _bits in (8, 16, 32, 64))
g_st8, g_st16, g_st32, g_st64 = (_guest_store(_bits) for _bits in (8, 16, 32, 64))

# Pointers ---------------------------------------------------------------------------------------------------------------


def _ldp(builder: ir.IRBuilder, base: Any, offset: Any) -> Any:
    slot = builder.bitcast(builder.gep(base, [offset], source_etype=_I8), base.type.as_pointer())
    return builder.load(slot, align=8, typ=base.type)


def _stp(builder: ir.IRBuilder, base: Any, offset: Any, value: Any) -> None:
    slot = builder.bitcast(builder.gep(base, [offset], source_etype=_I8), base.type.as_pointer())
    builder.store(value, slot, align=8)


ldp = _intrinsic("ldp", "Load a pointer at (base, offset), 8-byte aligned.", P, (P, I64), _ldp)
stp = _intrinsic("stp", "Store a pointer at (base, offset, value), 8-byte aligned.", VOID, (P, I64, P), _stp)
addp = _intrinsic("addp", "The pointer offset bytes after base.", P, (P, I64), lambda b, p, offset: b.gep(p, [offset], source_etype=_I8))
p2i = _intrinsic("p2i", "The address a pointer holds.", I64, (P,), lambda b, p: b.ptrtoint(p, _I64))
i2p = _intrinsic("i2p", "The pointer to an address that came as a number.", P, (I64,), lambda b, x: b.inttoptr(x, _I8.as_pointer()))

# Atomics: naturally aligned, sequentially consistent unless the name says otherwise ----------------------------------------


def _atomic_load(builder: ir.IRBuilder, base: Any, offset: Any) -> Any:
    return builder.load_atomic(_at(builder, base, offset, 64), "acquire", 8, typ=_I64)


def _atomic_store(builder: ir.IRBuilder, base: Any, offset: Any, value: Any) -> None:
    builder.store_atomic(value, _at(builder, base, offset, 64), "release", 8)


def _rmw(kind: str, bits: int) -> Any:
    operation = {"umin": "umin", "umax": "umax", "smin": "min", "smax": "max"}.get(kind, kind)

    def emit(builder: ir.IRBuilder, base: Any, offset: Any, value: Any) -> Any:
        return _widen(builder, builder.atomic_rmw(operation, _at(builder, base, offset, bits), _fit(builder, value, bits), "seq_cst"))

    return _intrinsic(f"a_{kind}{bits}", f"Atomic {kind} of {bits} bits at (base, offset, operand); gives the old value.", I64, (P, I64, I64), emit)


def _cas(bits: int) -> Any:
    def emit(builder: ir.IRBuilder, base: Any, offset: Any, expected: Any, new: Any) -> Any:
        pair = builder.cmpxchg(_at(builder, base, offset, bits), _fit(builder, expected, bits), _fit(builder, new, bits), "seq_cst")
        return _widen(builder, builder.extract_value(pair, 0))

    doc = f"Atomic compare-and-swap of {bits} bits at (base, offset, expected, new); gives the old value."
    return _intrinsic(f"a_cas{bits}", doc, I64, (P, I64, I64, I64), emit)




def _cas_128(builder: ir.IRBuilder, base: Any, offset: Any, state: Any, expected: Any, new: Any, old: Any) -> None:
    def cell(at: Any) -> Any:
        return _at(builder, state, at, 128)

    wanted, stored = (builder.load(cell(at), align=8, typ=_I128) for at in (expected, new))
    pair = builder.cmpxchg(_at(builder, base, offset, 128), wanted, stored, "seq_cst")
    builder.store(builder.extract_value(pair, 0), cell(old), align=8)


a_cas128 = _intrinsic(
    "a_cas128", "Atomic compare-and-swap of 128 bits at (base, offset), from what (state, expected) to what (state, new) holds; the old value to (state, old).",
    VOID, (P, I64, P, I64, I64, I64), _cas_128,
)  # fmt: skip
a_ld64 = _intrinsic("a_ld64", "Acquire load of 64 bits at (base, offset).", I64, (P, I64), _atomic_load)
a_st64 = _intrinsic("a_st64", "Release store of 64 bits at (base, offset, value).", VOID, (P, I64, I64), _atomic_store)
a_add8, a_add16, a_add32, a_add64 = (_rmw("add", _bits) for _bits in (8, 16, 32, 64))
a_and8, a_and16, a_and32, a_and64 = (_rmw("and", _bits) for _bits in (8, 16, 32, 64))
a_or8, a_or16, a_or32, a_or64 = (_rmw("or", _bits) for _bits in (8, 16, 32, 64))
a_xor8, a_xor16, a_xor32, a_xor64 = (_rmw("xor", _bits) for _bits in (8, 16, 32, 64))
a_xchg8, a_xchg16, a_xchg32, a_xchg64 = (_rmw("xchg", _bits) for _bits in (8, 16, 32, 64))
a_umin8, a_umin16, a_umin32, a_umin64 = (_rmw("umin", _bits) for _bits in (8, 16, 32, 64))
a_umax8, a_umax16, a_umax32, a_umax64 = (_rmw("umax", _bits) for _bits in (8, 16, 32, 64))
a_smin8, a_smin16, a_smin32, a_smin64 = (_rmw("smin", _bits) for _bits in (8, 16, 32, 64))
a_smax8, a_smax16, a_smax32, a_smax64 = (_rmw("smax", _bits) for _bits in (8, 16, 32, 64))
a_cas8, a_cas16, a_cas32, a_cas64 = (_cas(_bits) for _bits in (8, 16, 32, 64))


def _fence(builder: ir.IRBuilder) -> None:
    builder.fence("seq_cst")


def _prefetch_write(builder: ir.IRBuilder, base: Any, offset: Any) -> None:
    pointer = builder.gep(base, [offset], source_etype=_I8)
    i32 = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [pointer.type, i32, i32, i32])
    builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0"), [pointer, i32(1), i32(3), i32(1)])


def _pause(builder: ir.IRBuilder) -> None:
    name = "llvm.x86.sse2.pause" if platform.machine() == "x86_64" else "llvm.donothing"
    builder.call(cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), []), name), [])


def _cycles(builder: ir.IRBuilder) -> Any:
    return builder.call(cgutils.get_or_insert_function(builder.module, ir.FunctionType(_I64, []), "llvm.readcyclecounter"), [])


cycles = _intrinsic("cycles", "The host's cycle counter.", I64, (), _cycles)
fence = _intrinsic("fence", "Sequentially consistent memory fence.", VOID, (), _fence)
prefetch_write = _intrinsic("prefetch_write", "Fetch the cache line at (base, offset) for writing, in the background.", VOID, (P, I64), _prefetch_write)
pause = _intrinsic("pause", "Tell the host core that this is a spin loop.", VOID, (), _pause)

# The host ----------------------------------------------------------------------------------------------------------------
_SYSCALLS = {  # machine -> assembly of a system call, and its operands: result and number, six arguments, what it destroys
    "x86_64": ("syscall", "={rax},{rax},{rdi},{rsi},{rdx},{r10},{r8},{r9},~{rcx},~{r11},~{memory}"),
    "aarch64": ("svc #0", "={x0},{x8},{x0},{x1},{x2},{x3},{x4},{x5},~{memory}"),
}
_TICKS = {"aarch64": ("mrs $0, cntvct_el0", "=r")}  # elsewhere LLVM knows a user-level counter


def _syscall(builder: ir.IRBuilder, *values: Any) -> Any:
    text, operands = _SYSCALLS[platform.machine()]
    return builder.asm(ir.FunctionType(_I64, [_I64] * 7), text, operands, values, True)


def _ticks(builder: ir.IRBuilder) -> Any:
    if platform.machine() in _TICKS:
        return builder.asm(ir.FunctionType(_I64, []), *_TICKS[platform.machine()], [], True)
    return _call(builder, "llvm.readcyclecounter", _I64)


syscall = _intrinsic("syscall", "Host system call (number, six arguments); the result, or -errno.", I64, (I64,) * 7, _syscall)
ticks = _intrinsic("ticks", "A clock of the host that counts up at a constant rate.", I64, (), _ticks)

# Integers ---------------------------------------------------------------------------------------------------------------


def _call(builder: ir.IRBuilder, name: str, type: ir.IntType, *values: Any) -> Any:
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(type, [v.type for v in values]), name)
    return builder.call(function, values)


def _high(extend: str) -> Emit:
    def emit(builder: ir.IRBuilder, a: Any, b: Any) -> Any:
        wide = getattr(builder, extend)
        product = builder.mul(wide(a, _I128), wide(b, _I128))
        return builder.trunc(builder.lshr(product, ir.Constant(_I128, 64)), _I64)

    return emit


def _expect(value: int) -> Emit:
    return lambda builder, condition: _call(builder, "llvm.expect.i1", _I1, condition, ir.Constant(_I1, value))


_ZERO_IS_DEFINED = ir.Constant(_I1, 0)

lshr = _intrinsic("lshr", "Logical shift right of x by n (0 to 63).", I64, (I64, I64), lambda b, x, n: b.lshr(x, n))
udiv = _intrinsic("udiv", "Unsigned quotient; the divisor must not be 0.", I64, (I64, I64), lambda b, x, y: b.udiv(x, y))
urem = _intrinsic("urem", "Unsigned remainder; the divisor must not be 0.", I64, (I64, I64), lambda b, x, y: b.urem(x, y))
sdiv = _intrinsic("sdiv", "Signed quotient towards zero; not for a divisor of 0, nor the least number by -1.", I64, (I64, I64), lambda b, x, y: b.sdiv(x, y))
srem = _intrinsic("srem", "Signed remainder as sdiv.", I64, (I64, I64), lambda b, x, y: b.srem(x, y))
umulh = _intrinsic("umulh", "High half of the unsigned 128-bit product.", I64, (I64, I64), _high("zext"))
smulh = _intrinsic("smulh", "High half of the signed 128-bit product.", I64, (I64, I64), _high("sext"))
ult = _intrinsic("ult", "True if a < b, unsigned.", BOOL, (I64, I64), lambda b, x, y: b.icmp_unsigned("<", x, y))
ule = _intrinsic("ule", "True if a <= b, unsigned.", BOOL, (I64, I64), lambda b, x, y: b.icmp_unsigned("<=", x, y))
clz64 = _intrinsic("clz64", "Leading zero bits; 64 for 0.", I64, (I64,), lambda b, x: _call(b, "llvm.ctlz.i64", _I64, x, _ZERO_IS_DEFINED))
ctz64 = _intrinsic("ctz64", "Trailing zero bits; 64 for 0.", I64, (I64,), lambda b, x: _call(b, "llvm.cttz.i64", _I64, x, _ZERO_IS_DEFINED))
popcnt64 = _intrinsic("popcnt64", "One bits.", I64, (I64,), lambda b, x: _call(b, "llvm.ctpop.i64", _I64, x))
bswap64 = _intrinsic("bswap64", "Bytes in reverse order.", I64, (I64,), lambda b, x: _call(b, "llvm.bswap.i64", _I64, x))
bitrev64 = _intrinsic("bitrev64", "Bits in reverse order.", I64, (I64,), lambda b, x: _call(b, "llvm.bitreverse.i64", _I64, x))
likely = _intrinsic("likely", "The condition, which is expected to be true.", BOOL, (BOOL,), _expect(1))
unlikely = _intrinsic("unlikely", "The condition, which is expected to be false.", BOOL, (BOOL,), _expect(0))

if config.DISABLE_JIT:
    globals().update(plain.functions())
