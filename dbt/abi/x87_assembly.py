"""The assembly that executes one x87 operation (``dbt.ir.x87``) on an x86-64 host, for kernels and generated code.

The operands are fixed: rdx the result (or a store's destination), rsi ST(0), rcx ST(i) or the operand in memory, all as addresses; ax becomes the status word.
The host's own registers are empty before and after. ax is written before the last operand is read, so no operand may share it.
"""

from __future__ import annotations

from dbt.ir.x87 import Operation, Shape

CONSTRAINTS = "=&{ax},{dx},{si},{cx}"
CLOBBERS = "~{memory},~{dirflag},~{fpsr},~{flags}"
_OUT, _A, _B = "%rdx", "%rsi", "%rcx"
_RM_RCX = 1  # ModRM: mod 0, rm rcx
_DROP, _STATUS, _RESULT = "fstp %st(0)", "fnstsw %ax", f"fstpt ({_OUT})"
_LOADED_A, _LOADED_B = f"fldt ({_A})", f"fldt ({_B})"
# Shape -> what is loaded, whether there is a result in ST(0), and how many registers remain. TWO and MOVE have no quick form.
_FRAMES: dict[Shape, tuple[tuple[str, ...], bool, int]] = {
    Shape.LOAD: ((), True, 0),
    Shape.CONSTANT: ((), True, 0),
    Shape.STORE: ((_LOADED_A,), False, 0),
    Shape.MEMORY: ((_LOADED_A,), True, 0),
    Shape.COMPARE_MEMORY: ((_LOADED_A,), False, 1),
    Shape.UNARY: ((_LOADED_A,), True, 0),
    Shape.TO_ST0: ((_LOADED_B, _LOADED_A), True, 1),
    Shape.TO_STI: ((_LOADED_B, _LOADED_A), True, 0),  # by instructions that pop
    Shape.COMPARE: ((_LOADED_B, _LOADED_A), False, 2),
    Shape.TEST: ((_LOADED_A,), False, 1),
}


def is_quick(operation: Operation) -> bool:
    """True if :func:`quick` can execute it."""
    return operation.shape in _FRAMES


def instruction(operation: Operation, quick: bool) -> str:
    """The instruction, as bytes: assemblers disagree about the names of some."""
    first, second = operation.quick if quick and operation.quick else (operation.first, operation.second)
    if operation.digit is not None:
        second = operation.digit << 3 | _RM_RCX
        if quick and operation.shape == Shape.COMPARE_MEMORY and operation.pops:
            second -= 1 << 3  # FCOM in place of FCOMP
    return f".byte {first:#x}, {second:#x}"


def quick(operation: Operation, unless: str = "") -> list[str]:
    """Load the operands, execute, store the result; but not if the status has a bit of register *unless*, if that is given."""
    before, has_result, rest = _FRAMES[operation.shape]
    lines = [*before, instruction(operation, True), _STATUS]
    if not has_result:
        return lines + [_DROP] * rest
    if unless:
        lines += [f"testl {unless}, %eax", "jnz 1f"]
    lines += [_RESULT] + [_DROP] * rest
    if unless:
        lines += ["2:", ".subsection 1", "1:"] + [_DROP] * (1 + rest) + ["jmp 2b", ".previous"]
    return lines


def whole(operation: Operation) -> list[str]:
    """Execute the very instruction on the state in 108 bytes at rsi. EFLAGS come back where C0, C2 and C3 are in a status word."""
    return [f"frstor ({_A})", instruction(operation, False), "lahf", f"fnsave ({_A})"]
