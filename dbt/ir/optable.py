"""The one table of IR opcodes.

Each row gives an opcode's typing rule, attributes, effects, reference semantics and one line of documentation. The
builder, printer, parser, verifier, constant folder, tier-0 interpreter, LLVM lowering and docs/ir.md are all made from,
or checked against, this table.

Typing. ``T`` in ``args``/``result`` stands for the type the row is instantiated with (one of ``types``), printed as a
suffix: ``add.i32``. ``A`` is an address (i32 or i64), ``S`` any integer type given by the operand, ``F`` f32 or f64 given by
the operand; anything else is a concrete type.

Semantics. ``sem`` is an expression over ``a, b, c`` (operands as zero-extended bit patterns), ``n`` (bits of ``T``; for vector
opcodes the lane width), ``s`` (bits of the ``S`` or ``F`` operand), ``env`` (the FP environment) and the row's attributes. The
vocabulary of rows of kind ``scalar`` is ``dbt.ir.sem`` (plain Python, used for folding and as the reference) and its numba twin
``runtime.kernels.sem``; the words of the other kinds exist in the twin only. A row of kind ``lane`` applies ``sem`` to every
lane. A row with ``sem=None`` is built into the engines, and its ``doc`` is its contract.

Effects, one letter each: ``r`` reads guest memory, ``w`` writes guest memory, ``f`` may fault (the guest state must be exact at
this point), ``g`` reads a state slot, ``p`` writes a state slot, ``e`` reads the FP environment and accumulates FP status
flags, ``x`` reads and writes the x87 state (``dbt.ir.state.X87_SLOTS``), ``b`` barrier (never moved, merged or deleted), ``t`` terminator.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

INT = ("i32", "i64")
BITS = ("i1", "i8", "i16", "i32", "i64")
MEM = ("i8", "i16", "i32", "i64", "v64", "v128")
EXCL = ("i8", "i16", "i32", "i64")
ATOMIC = ("i8", "i16", "i32", "i64")
ANY = ("i1", "i8", "i16", "i32", "i64", "i128", "f32", "f64", "v64", "v128")
FP = ("f32", "f64")
VEC = ("v64", "v128")


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """One row: see the module's docstring for the columns."""

    name: str
    args: tuple[str, ...]
    result: str
    types: tuple[str, ...] = ()
    attrs: tuple[str, ...] = ()
    effects: str = ""
    sem: str | None = None
    kind: str = "scalar"
    commutes: bool = False
    doc: str = ""
    defaults: tuple[tuple[str, object], ...] = field(default=())

    @property
    def pure(self) -> bool:
        """True if equal operands give equal results and the op may be merged, moved or deleted."""
        return self.effects == ""

    @property
    def terminator(self) -> bool:
        return "t" in self.effects


OPS: dict[str, Op] = {}


def _op(name: str, sig: str, doc: str, *, types: tuple[str, ...] = (), attrs: str = "", effects: str = "", sem: str | None = None,
        kind: str = "scalar", commutes: bool = False, **defaults: Any) -> None:
    """Add a row; ``sig`` is written ``"T T -> T"``."""
    left, right = sig.split("->")
    if name in OPS:
        raise ValueError(f"opcode {name} stands twice in the table")
    OPS[name] = Op(name, tuple(left.split()), right.strip(), types, tuple(attrs.split()), effects, sem, kind, commutes, doc,
                   tuple(defaults.items()))


# Constants and guest state --------------------------------------------------------------------------------------------
_op("const", "-> T", "The constant `value`.", types=BITS + FP + VEC + ("i128",), attrs="value")
_op("pcadd", "-> T", "Address of the current guest instruction plus `value`, modulo the width. Keeps lifted ops independent of where they stand.",
    types=INT, attrs="value")
_op("get", "-> T", "Read state slot `slot` (same size as T; an i1 slot is one byte holding 0 or 1).", types=ANY, attrs="slot", effects="g")
_op("put", "T -> void", "Write state slot `slot`.", types=ANY, attrs="slot", effects="p")
_op("mark", "-> void", "Guest instruction boundary: the ops that follow belong to the instruction at `pc` of `length` bytes, fetched in guest mode `mode`.",
    attrs="pc length mode", effects="b")

# Integer arithmetic and logic -----------------------------------------------------------------------------------------
_op("add", "T T -> T", "Sum modulo 2^n.", types=INT, sem="wrap(a + b, n)", commutes=True)
_op("sub", "T T -> T", "Difference modulo 2^n.", types=INT, sem="wrap(a - b, n)")
_op("mul", "T T -> T", "Low half of the product.", types=INT, sem="wrap(a * b, n)", commutes=True)
_op("umulh", "T T -> T", "High half of the unsigned product.", types=INT, sem="umulh(a, b, n)", commutes=True)
_op("smulh", "T T -> T", "High half of the signed product.", types=INT, sem="smulh(a, b, n)", commutes=True)
_op("udiv", "T T -> T", "Unsigned quotient; 0 if the divisor is 0 (as UDIV of ARM).", types=INT, sem="udiv(a, b, n)")
_op("sdiv", "T T -> T", "Signed quotient towards zero; 0 if the divisor is 0; the most negative number divided by -1 gives itself.", types=INT,
    sem="sdiv(a, b, n)")
_op("urem", "T T -> T", "Unsigned remainder; the dividend if the divisor is 0.", types=INT, sem="urem(a, b, n)")
_op("srem", "T T -> T", "Signed remainder with the dividend's sign; the dividend if the divisor is 0.", types=INT, sem="srem(a, b, n)")
_op("and", "T T -> T", "Bitwise and.", types=BITS, sem="a & b", commutes=True)
_op("or", "T T -> T", "Bitwise or.", types=BITS, sem="a | b", commutes=True)
_op("xor", "T T -> T", "Bitwise exclusive or.", types=BITS, sem="a ^ b", commutes=True)
_op("not", "T -> T", "Bitwise complement.", types=("i1",) + INT, sem="wrap(~a, n)")
_op("neg", "T -> T", "Two's complement negation.", types=INT, sem="wrap(-a, n)")
_op("shl", "T T -> T", "Shift left by b (unsigned); 0 if b >= n.", types=INT, sem="shl(a, b, n)")
_op("shr", "T T -> T", "Logical shift right by b (unsigned); 0 if b >= n.", types=INT, sem="shr(a, b, n)")
_op("sar", "T T -> T", "Arithmetic shift right by b (unsigned); copies of the sign if b >= n.", types=INT, sem="sar(a, b, n)")
_op("rotr", "T T -> T", "Rotate right by b modulo n.", types=INT, sem="rotr(a, b, n)")
_op("clz", "T -> T", "Number of leading zero bits; n for 0.", types=INT, sem="clz(a, n)")
_op("ctz", "T -> T", "Number of trailing zero bits; n for 0.", types=INT, sem="ctz(a, n)")
_op("popcnt", "T -> T", "Number of one bits.", types=INT, sem="popcnt(a, n)")
_op("bswap", "T -> T", "Reverse the order of the bytes.", types=("i16",) + INT, sem="bswap(a, n)")
_op("bitrev", "T -> T", "Reverse the order of the bits.", types=INT, sem="bitrev(a, n)")
_op("carry", "T T i1 -> i1", "Carry out of a + b + c.", types=INT, sem="carry(a, b, c, n)")
_op("addo", "T T -> i1", "Signed overflow of a + b.", types=INT, sem="addo(a, b, n)", commutes=True)
_op("subo", "T T -> i1", "Signed overflow of a - b.", types=INT, sem="subo(a, b, n)")
_op("adco", "T T i1 -> i1", "Signed overflow of a + b + c.", types=INT, sem="adco(a, b, c, n)")
_op("eq", "T T -> i1", "1 if equal.", types=BITS, sem="flag(a == b)", commutes=True)
_op("ne", "T T -> i1", "1 if not equal.", types=BITS, sem="flag(a != b)", commutes=True)
_op("ult", "T T -> i1", "1 if a < b, unsigned.", types=INT, sem="ult(a, b)")
_op("ule", "T T -> i1", "1 if a <= b, unsigned.", types=INT, sem="ule(a, b)")
_op("slt", "T T -> i1", "1 if a < b, signed.", types=INT, sem="flag(sx(a, n) < sx(b, n))")
_op("sle", "T T -> i1", "1 if a <= b, signed.", types=INT, sem="flag(sx(a, n) <= sx(b, n))")
_op("select", "i1 T T -> T", "b if a else c.", types=ANY, sem="choose(a, b, c)")
_op("zext", "S -> T", "Zero-extend to a wider integer.", types=("i8", "i16", "i32", "i64"), sem="a")
_op("sext", "S -> T", "Sign-extend to a wider integer.", types=("i16", "i32", "i64"), sem="wrap(sx(a, s), n)")
_op("trunc", "S -> T", "Keep the low bits.", types=("i1", "i8", "i16", "i32"), sem="wrap(a, n)")
_op("bitcast", "X -> T", "The same bits as another type of the same width.", types=("i32", "i64", "i128", "f32", "f64", "v64", "v128"))
_op("vpair", "i64 i64 -> v128", "The vector with low half a and high half b.")
_op("vhalf", "v128 -> i64", "64-bit half `index` (0 low, 1 high).", attrs="index")

# Memory ---------------------------------------------------------------------------------------------------------------
_op("ld", "A -> T", "Little-endian load. `align`: 1 accepts any address, n > 1 raises an alignment fault unless the address is a multiple of n.",
    types=MEM, attrs="align", effects="rf", align=1)
_op("st", "A T -> void", "Little-endian store of b at a; `align` as for ld. Breaks the overlapping reservations of the other vCPUs.", types=MEM, attrs="align",
    effects="wf", align=1)
_op("ldlink", "A -> T", "Load-link: load and take this vCPU's reservation on the bytes read, replacing an older one. Misaligned: alignment fault.",
    types=EXCL, effects="rfb")
_op("stcond", "A T -> i1", "Store-conditional of b at a: stores and gives 0 if this vCPU still holds the reservation of the same address and size, else stores "
    "nothing and gives 1; the reservation is gone either way. Misaligned: alignment fault.", types=EXCL, effects="rwfb")
_op("clrex", "-> void", "Give up this vCPU's reservation.", effects="b")
for _name, _text in (("add", "a sum"), ("and", "and"), ("or", "or"), ("xor", "exclusive or"), ("xchg", "the operand"), ("umin", "unsigned minimum"),
                     ("umax", "unsigned maximum"), ("smin", "signed minimum"), ("smax", "signed maximum")):
    _op("rmw_" + _name, "A T -> T", f"Atomic read-modify-write and full fence: memory at a becomes {_text}; gives the old value. `replay`=1 (it stands for an "
        "exclusive pair): in place of a fault, the guest's instructions from the current `mark` on are interpreted one by one.", types=ATOMIC,
        attrs="align replay", effects="rwfb", align=1, replay=0)
_op("cas", "A T T -> T", "Atomic compare-and-swap and full fence, stored or not: if memory at a equals b it becomes c; gives the old value. `replay` as for "
    "rmw_add. An i128 must be aligned: `align`=16.", types=(*ATOMIC, "i128"), attrs="align replay", effects="rwfb", align=1, replay=0)
_op("fence", "-> void", "Memory fence; `order` is one of acquire, release, seq_cst.", attrs="order", effects="b")
_op("cycles", "-> i64", "A counter that only goes up, at a steady rate: the host's time-stamp counter.", effects="b")
_op("relax", "-> void", "Hint that the guest waits in a loop for another vCPU. Engines may ignore it.", effects="b")
_op("prefetch", "A -> void", "Hint that a will be accessed. Never faults; engines may ignore it.")

# Several steps of a repeated string instruction at once. Engines may do fewer than they are asked for, or none: the instruction then does its next step itself.
_STRING: dict[str, Any] = {"types": INT, "effects": "rwb", "kind": "string"}
_op("string_move", "A A T -> T", "Copy elements of `lane` bits from a to b in ascending order, one after another: at most c of them, as many as lie in one "
    "page each and neither fault nor concern the protocol of exclusive accesses or translated code. Gives their number.", attrs="lane", **_STRING)
_op("string_fill", "A T T -> T", "Store the low `lane` bits of b in elements from a on: at most c, as for string_move. Gives their number.",
    attrs="lane", **_STRING)
_op("string_scan", "A T T -> T", "Count the elements of `lane` bits from a on that are like b (`equal`=1) or unlike it (0), up to the first other one: less "
    "than c, as many as lie in one page and can be read.", attrs="lane equal", **_STRING)
_op("string_compare", "A A T -> T", "The same of pairs of elements from a and from b on that are alike or unlike.", attrs="lane equal", **_STRING)

# Floating point (arguments and results are bit patterns; the environment is fp_mode/fp_flags of the state, or the ARM "standard FPSCR" with std=1) --------
_op("fadd", "T T -> T", "Sum.", types=FP, attrs="std", effects="e", sem="f_add(env, a, b, n)", kind="fp", std=0)
_op("fsub", "T T -> T", "Difference.", types=FP, attrs="std", effects="e", sem="f_sub(env, a, b, n)", kind="fp", std=0)
_op("fmul", "T T -> T", "Product.", types=FP, attrs="std", effects="e", sem="f_mul(env, a, b, n)", kind="fp", std=0)
_op("fdiv", "T T -> T", "Quotient.", types=FP, attrs="std", effects="e", sem="f_div(env, a, b, n)", kind="fp", std=0)
_op("fma", "T T T -> T", "a * b + c, rounded once (FPMulAdd with the addend last).", types=FP, attrs="std", effects="e", sem="f_fma(env, a, b, c, n)",
    kind="fp", std=0)
_op("fsqrt", "T -> T", "Square root.", types=FP, attrs="std", effects="e", sem="f_sqrt(env, a, n)", kind="fp", std=0)
_op("fmin", "T T -> T", "ARM FPMin: -0 < +0, a NaN wins.", types=FP, attrs="std", effects="e", sem="f_min(env, a, b, n)", kind="fp", std=0)
_op("fmax", "T T -> T", "ARM FPMax: -0 < +0, a NaN wins.", types=FP, attrs="std", effects="e", sem="f_max(env, a, b, n)", kind="fp", std=0)
_op("fneg", "T -> T", "Flip the sign bit (NaNs too).", types=FP, sem="a ^ signbit(n)")
_op("fabs", "T -> T", "Clear the sign bit (NaNs too).", types=FP, sem="a & ~signbit(n)")
_op("fcmp", "T T -> i32", "Compare: 8 less, 6 equal, 2 greater, 3 unordered (ARM's NZCV). `signal`=1 raises Invalid Operation for quiet NaNs too.", types=FP,
    attrs="signal std", effects="e", sem="f_cmp(env, a, b, signal, n)", kind="fp", signal=0, std=0)
_op("ftoi", "F -> T", "To an integer of `width` bits (16, 32, 64) scaled by 2^`fbits`, saturating, NaN gives 0; sign- or zero-extended to T. `round`: -1 as "
    "the environment says, 0 nearest even, 1 up, 2 down, 3 zero, 4 nearest away.", types=INT, attrs="signed width fbits round std", effects="e",
    sem="f_toi(env, a, signed, width, fbits, round, s, n)", kind="fp", fbits=0, round=-1, std=0)
_op("itof", "S -> T", "From a signed or unsigned integer scaled by 2^-`fbits`; `round` as for ftoi.", types=FP, attrs="signed fbits round std", effects="e",
    sem="f_fromi(env, a, signed, fbits, round, s, n)", kind="fp", fbits=0, round=-1, std=0)
_op("fcvt", "F -> T", "Between f32 and f64.", types=FP, attrs="std", effects="e", sem="f_cvt(env, a, s, n)", kind="fp", std=0)
_op("fcvt_h2f", "i32 -> T", "From binary16 (IEEE, or the alternative format if the environment says so) in the low 16 bits.", types=FP, attrs="std",
    effects="e", sem="f_from_half(env, a, n)", kind="fp", std=0)
_op("fcvt_f2h", "F -> i32", "To binary16, zero-extended.", attrs="std", effects="e", sem="f_to_half(env, a, s)", kind="fp", std=0)
_op("frint", "T -> T", "Round to an integral value; `round` as for ftoi; `exact`=1 raises Inexact.", types=FP, attrs="round exact std", effects="e",
    sem="f_rint(env, a, round, exact, n)", kind="fp", round=-1, exact=0, std=0)
_op("fflags", "-> i32", "fp_flags, with what the host's own flags say of denormal operands: a `get` of the slot in compiled code of x86 does not have that.",
    effects="e", sem="f_flags(env)", kind="fp")

# Vectors: `lane` is the lane width in bits; sem is per lane -------------------------------------------------------------
_op("vdup", "S -> T", "Every lane is the low `lane` bits of a.", types=VEC, attrs="lane", kind="vector")
_op("vget", "X -> T", "Lane `index` of a vector, zero-extended.", types=INT, attrs="lane index", kind="vector")
_op("vset", "T S -> T", "a with lane `index` replaced by the low bits of b.", types=VEC, attrs="lane index", kind="vector")
_op("vshuf", "T T -> T", "Byte i of the result is byte `perm`[i] of a followed by b (8+8 or 16+16 bytes).", types=VEC, attrs="perm", kind="vector")
_op("vsigns", "X -> i32", "The top bits of a vector's lanes: bit i is that of lane i.", attrs="lane", kind="vector")
_op("vtbl", "T v128 v128 T -> T", "Table look-up: byte i of a indexes the first `count`*8 bytes of b followed by c; out of range gives byte i of d.",
    types=VEC, attrs="count", kind="vector")
_op("pcmpstr", "v128 v128 i32 i32 -> i32", "x86 PCMPxSTRx with immediate `imm`: bit i tells of element i of the text b, compared with a; bit 16 is set if b "
    "ends in its vector, bit 17 if a does. c and d are the lengths, at most as many as there are elements; `implicit`: an element of 0 ends a text.",
    attrs="imm implicit", kind="vector")
_op("vbsl", "T T T -> T", "Bitwise select: (a & b) | (~a & c).", types=VEC, kind="vector")
for _name, _expr, _text in (("vand", "a & b", "and"), ("vor", "a | b", "or"), ("vxor", "a ^ b", "exclusive or"),
                            ("vandn", "a & ~b", "and with complement of b")):
    _op(_name, "T T -> T", f"Bitwise {_text}.", types=VEC, sem=_expr, kind="bits", commutes=_name != "vandn")
_op("vnot", "T -> T", "Bitwise complement.", types=VEC, sem="~a", kind="bits")


def _lane(name: str, arity: int, sem: str, doc: str, commutes: bool = False, **kw: Any) -> None:
    _op(name, "T " * arity + "-> T", doc, types=VEC, attrs="lane", sem=sem, kind="lane", commutes=commutes, **kw)


_lane("vadd", 2, "wrap(a + b, n)", "Sum.", True)
_lane("vsub", 2, "wrap(a - b, n)", "Difference.")
_lane("vmul", 2, "wrap(a * b, n)", "Low half of the product.", True)
_lane("vpmul", 2, "pmul(a, b, n)", "Polynomial product over {0,1}, low half (lane 8).", True)
_lane("vumax", 2, "umax(a, b)", "Unsigned maximum.", True)
_lane("vumin", 2, "umin(a, b)", "Unsigned minimum.", True)
_lane("vsmax", 2, "smax(a, b, n)", "Signed maximum.", True)
_lane("vsmin", 2, "smin(a, b, n)", "Signed minimum.", True)
_lane("vuabd", 2, "uabd(a, b)", "Unsigned absolute difference.", True)
_lane("vsabd", 2, "sabd(a, b, n)", "Signed absolute difference, as an unsigned number.", True)
_lane("vabs", 1, "vabs(a, n)", "Absolute value, wrapping.")
_lane("vuhadd", 2, "uhadd(a, b, 0, n)", "Unsigned halving add.", True)
_lane("vurhadd", 2, "uhadd(a, b, 1, n)", "Unsigned rounding halving add.", True)
_lane("vshadd", 2, "shadd(a, b, 0, n)", "Signed halving add.", True)
_lane("vsrhadd", 2, "shadd(a, b, 1, n)", "Signed rounding halving add.", True)
_lane("vuhsub", 2, "uhsub(a, b, n)", "Unsigned halving subtract.")
_lane("vshsub", 2, "shsub(a, b, n)", "Signed halving subtract.")
_lane("vceq", 2, "mask(a == b, n)", "All ones where equal.", True)
_lane("vcugt", 2, "mask(ult(b, a) != 0, n)", "All ones where a > b, unsigned.")
_lane("vcuge", 2, "mask(ule(b, a) != 0, n)", "All ones where a >= b, unsigned.")
_lane("vcsgt", 2, "mask(sx(a, n) > sx(b, n), n)", "All ones where a > b, signed.")
_lane("vcsge", 2, "mask(sx(a, n) >= sx(b, n), n)", "All ones where a >= b, signed.")
_lane("vtst", 2, "mask((a & b) != 0, n)", "All ones where a & b is not zero.", True)
_lane("vclz", 1, "clz(a, n)", "Leading zeros.")
_lane("vcls", 1, "cls(a, n)", "Leading sign bits after the first.")
_lane("vcnt", 1, "popcnt(a, n)", "One bits.")
for _name, _expr, _text in (("vshl", "shl(a, imm, n)", "left"), ("vshr", "shr(a, imm, n)", "right, logical"), ("vsar", "sar(a, imm, n)", "right, arithmetic")):
    _op(_name, "T -> T", f"Shift {_text} by `imm` (0 to lane).", types=VEC, attrs="lane imm", sem=_expr, kind="lane")
_op("vrshr", "T -> T", "Rounding logical shift right by `imm` (1 to lane).", types=VEC, attrs="lane imm", sem="rshr(a, imm, n)", kind="lane")
_op("vrsar", "T -> T", "Rounding arithmetic shift right by `imm` (1 to lane).", types=VEC, attrs="lane imm", sem="rsar(a, imm, n)", kind="lane")
_lane("vushlv", 2, "ushlv(a, b, 0, n)", "Unsigned shift left by the signed low byte of each lane of b (negative: right).")
_lane("vsshlv", 2, "sshlv(a, b, 0, n)", "Signed shift by the signed low byte of each lane of b.")
_lane("vurshlv", 2, "ushlv(a, b, 1, n)", "As vushlv, rounding right shifts.")
_lane("vsrshlv", 2, "sshlv(a, b, 1, n)", "As vsshlv, rounding right shifts.")

# Saturating vector ops set bit 27 (QC) of fp_flags when a lane saturates.
_SAT: dict[str, Any] = {"effects": "e"}
_lane("vuqadd", 2, "sat_u(env, a + b, n) if n < 64 else uqadd64(env, a, b)", "Unsigned saturating add.", True, **_SAT)
_lane("vsqadd", 2, "sat_s(env, sx(a, n) + sx(b, n), n) if n < 64 else sqadd64(env, a, b)", "Signed saturating add.", True, **_SAT)
_lane("vuqsub", 2, "sat_u(env, a - b, n) if n < 64 else uqsub64(env, a, b)", "Unsigned saturating subtract.", **_SAT)
_lane("vsqsub", 2, "sat_s(env, sx(a, n) - sx(b, n), n) if n < 64 else sqsub64(env, a, b)", "Signed saturating subtract.", **_SAT)
_lane("vsqabs", 1, "sqabs(env, a, n)", "Signed saturating absolute value.", **_SAT)
_lane("vsqneg", 1, "sqneg(env, a, n)", "Signed saturating negation.", **_SAT)
_lane("vsqdmulh", 2, "sqdmulh(env, a, b, 0, n)", "High half of the doubled signed product (lanes 16, 32).", True, **_SAT)
_lane("vsqrdmulh", 2, "sqdmulh(env, a, b, 1, n)", "As vsqdmulh, rounding.", True, **_SAT)
_lane("vuqshlv", 2, "uqshlv(env, a, b, 0, n)", "Unsigned saturating shift by the signed low byte of each lane of b.", **_SAT)
_lane("vsqshlv", 2, "sqshlv(env, a, b, 0, n)", "Signed saturating shift by the signed low byte of each lane of b.", **_SAT)
_lane("vuqrshlv", 2, "uqshlv(env, a, b, 1, n)", "As vuqshlv, rounding right shifts.", **_SAT)
_lane("vsqrshlv", 2, "sqshlv(env, a, b, 1, n)", "As vsqshlv, rounding right shifts.", **_SAT)
_op("vsqshlu", "T -> T", "Signed to unsigned saturating shift left by `imm`.", types=VEC, attrs="lane imm", sem="sqshlu(env, a, imm, n)", kind="lane", **_SAT)

# Widening (v64 -> v128, `lane` is the source lane) and narrowing (v128 -> v64, `lane` is the destination lane).
_op("vuxtl", "v64 -> v128", "Zero-extend every lane to twice its width.", attrs="lane", sem="a", kind="widen")
_op("vsxtl", "v64 -> v128", "Sign-extend every lane to twice its width.", attrs="lane", sem="wrap(sx(a, n), 2 * n)", kind="widen")
_op("vpmull", "v64 v64 -> v128", "Polynomial product of every lane, full width (lane 8).", attrs="lane", sem="pmull(a, b, n)", kind="widen", commutes=True)
_op("vxtn", "v128 -> v64", "Keep the low half of every lane.", attrs="lane", sem="wrap(a, n)", kind="narrow")
_op("vuqxtn", "v128 -> v64", "Unsigned saturating narrow.", attrs="lane", sem="uqxtn(env, a, n)", kind="narrow", **_SAT)
_op("vsqxtn", "v128 -> v64", "Signed saturating narrow.", attrs="lane", sem="sqxtn(env, a, n)", kind="narrow", **_SAT)
_op("vsqxtun", "v128 -> v64", "Signed to unsigned saturating narrow.", attrs="lane", sem="sqxtun(env, a, n)", kind="narrow", **_SAT)

# Vector floating point; `lane` 32 (64 for x86). std as for the scalar ops.


def _vfp(name: str, arity: int, sem: str, doc: str, attrs: str = "lane std", commutes: bool = False, **defaults: Any) -> None:
    values: dict[str, Any] = {"std": 1, **defaults}
    _op(name, "T " * arity + "-> T", doc, types=VEC, attrs=attrs, effects="e", sem=sem, kind="lane", commutes=commutes, **values)


_vfp("vfadd", 2, "f_add(env, a, b, n)", "Lane-wise fadd.")
_vfp("vfsub", 2, "f_sub(env, a, b, n)", "Lane-wise fsub.")
_vfp("vfmul", 2, "f_mul(env, a, b, n)", "Lane-wise fmul.")
_vfp("vfdiv", 2, "f_div(env, a, b, n)", "Lane-wise fdiv.")
_vfp("vfsqrt", 1, "f_sqrt(env, a, n)", "Lane-wise fsqrt.")
_vfp("vfma", 3, "f_fma(env, a, b, c, n)", "Lane-wise a * b + c, rounded once.")
_vfp("vfmin", 2, "f_min(env, a, b, n)", "Lane-wise fmin.")
_vfp("vfmax", 2, "f_max(env, a, b, n)", "Lane-wise fmax.")
_vfp("vfceq", 2, "f_ceq(env, a, b, n)", "All ones where equal (quiet).")
_vfp("vfcgt", 2, "f_cgt(env, a, b, n)", "All ones where a > b (signalling).")
_vfp("vfcge", 2, "f_cge(env, a, b, n)", "All ones where a >= b (signalling).")
_vfp("vftoi", 1, "f_toi(env, a, signed, n, fbits, round, n, n)", "Lane-wise ftoi.", "lane signed fbits round std", fbits=0, round=3)
_vfp("vitof", 1, "f_fromi(env, a, signed, fbits, round, n, n)", "Lane-wise itof.", "lane signed fbits round std", fbits=0, round=0)
_vfp("vfrint", 1, "f_rint(env, a, round, exact, n)", "Lane-wise frint.", "lane round exact std", round=-1, exact=0)
_vfp("vfrecpe", 1, "f_recpe(env, a)", "ARM FPRecipEstimate (lane 32).")
_vfp("vfrsqrte", 1, "f_rsqrte(env, a)", "ARM FPRSqrtEstimate (lane 32).")
_vfp("vfrecps", 2, "f_recps(env, a, b)", "ARM FPRecipStep: 2 - a * b, product rounded (lane 32).")
_vfp("vfrsqrts", 2, "f_rsqrts(env, a, b)", "ARM FPRSqrtStep: (3 - a * b) / 2, product rounded (lane 32).")
_lane("vurecpe", 1, "urecpe(a)", "ARM UnsignedRecipEstimate (lane 32).")
_lane("vursqrte", 1, "ursqrte(a)", "ARM UnsignedRSqrtEstimate (lane 32).")
_op("vfcvt_h2f", "v64 -> v128", "Four binary16 to four f32.", attrs="std", effects="e", sem="f_from_half(env, a, 32)", kind="vector", std=1)
_op("vfcvt_f2h", "v128 -> v64", "Four f32 to four binary16.", attrs="std", effects="e", sem="f_to_half(env, a, 32)", kind="vector", std=1)

# x87: `what` names an operation of dbt/ir/x87.py; the registers are those of the state, found through TOP. Each first raises the guest exception `fp` if an
# unmasked exception is pending (#MF).


def _x87(name: str, sig: str, doc: str, attrs: str, **defaults: Any) -> None:
    _op(name, sig, doc, attrs=attrs, effects="fxb", kind="x87", **defaults)


_x87("x87_load", "i64 i64 -> void", "Push the number that memory operand a holds in the format `what`; b has bits 64 to 79 where there are any.", "what")
_x87("x87_memory", "i64 -> void", "Arithmetic or comparison `what` of ST(0) with memory operand a.", "what")
_x87("x87_stack", "-> i64", "Instruction `what`, without a memory operand; its register is ST(`i`). Gives C0, C2 and C3 in bits 8, 10 and 14 where it "
     "compares.", "what i", i=0)
_x87("x87_move_if", "i1 -> void", "FCMOV: ST(0) becomes ST(`i`) if a.", "i")
_x87("x87_store", "-> i64", "ST(0) in the format `what`, for a store; bits 64 to 79 are left in slot `fout_high`, the new status for x87_commit.", "what")
_x87("x87_commit", "-> void", "After the store of what x87_store gave: write the status and pop `pops` registers.", "pops", pops=0)

# Control flow: inside a unit --------------------------------------------------------------------------------------------
_op("br", "-> void", "Continue at block `then`.", attrs="then", effects="t")
_op("brif", "i1 -> void", "Continue at block `then` if a, else at block `orelse`.", attrs="then orelse", effects="t")
# Control flow: leaving the unit. The new guest mode is the operand b; `goto*` addresses have no mode bits in them.
_op("goto", "A i32 -> void", "Leave for guest address a (a `const` or `pcadd`) in guest mode b; `hint` is one of jump, call (the next instruction is the "
    "return address), next (fall through to the instruction that follows; only at the end of a one-instruction unit).", attrs="hint", effects="tb", hint="jump")
_op("goto_ind", "A i32 -> void", "Leave for guest address a, known only at run time, in guest mode b; `hint` is one of jump, call, ret.", attrs="hint",
    effects="tb", hint="jump")
_op("syscall", "A i32 -> void", "Leave for a system call with number immediate `imm`; execution resumes at guest address a in mode b.", attrs="imm",
    effects="tb", imm=0)
_op("exception", "A i32 -> void", "Raise guest exception `kind` (a name of dbt.abi.exits.EXCEPTIONS) with detail `imm`; pc is a, mode b.", attrs="kind imm",
    effects="tb", imm=0)
_op("halt", "A i32 -> void", "Stop this vCPU until an event (WFI, HLT); resumes at a in mode b.", effects="tb")
_op("yield", "A i32 -> void", "Let another vCPU run (YIELD, WFE, PAUSE); resumes at a in mode b.", effects="tb")


def instances(op: Op) -> tuple[str, ...]:
    """The type suffixes of *op* (("",) for a row without ``types``)."""
    return op.types or ("",)
