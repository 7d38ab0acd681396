"""The x87 rows inline: the quick case of ``runtime.kernels.x87``, which the helper ``op`` takes over where it does not apply.

It applies with 64 bits of precision, rounding to nearest, no exception pending, full source registers and an empty one for a push. An operation that finds an
unmasked exception pending leaves at its instruction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dbt.abi.x86 import FCW_INITIAL, FCW_PRECISION, FCW_ROUNDING, FSW_FLAGS, FSW_SUMMARY
from dbt.abi.x87_assembly import CLOBBERS, CONSTRAINTS, is_quick, quick
from dbt.backend.llvm import fallback
from dbt.backend.llvm.memory import FaultExit
from dbt.backend.llvm.text import CPU, LIKELY
from dbt.ir.types import VOID
from dbt.ir.unit import Inst
from dbt.ir.x87 import C0, C1, OPERATIONS, Operation, Shape

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region

_HOW = FCW_PRECISION | FCW_ROUNDING
_TWO_SOURCES = (Shape.TO_ST0, Shape.TO_STI, Shape.COMPARE)


class _Quick:
    """One operation being written: ``slow`` is the label of what is to be done where the quick case does not apply."""

    def __init__(self, r: Region, slow: str) -> None:
        self.r, self.t, self.slow = r, r.text, slow
        self.status = r.load_field("fsw")
        self.top, self.tags = r.load_field("ftop"), r.load_field("ftw")

    def number(self, i: int) -> str:
        """Physical number of ST(i)."""
        t = self.t
        return t.value(f"and i64 {t.value(f'add i64 {self.top}, {i & 7}')}, 7") if i else self.top

    def bit(self, number: str) -> str:
        return self.t.value(f"shl i64 1, {number}")

    def register(self, number: str) -> str:
        """Address of register *number*."""
        t = self.t
        return t.at(t.at("%cpu", self.r.layout.layout.offset("fpr")), t.value(f"shl i64 {number}, 4"))

    def go_unless(self, *bad: str) -> None:
        """Go on if all of the i64 *bad* are 0, precision and rounding are the usual, and nothing is pending."""
        t = self.t
        control = self.r.load_field("fcw")
        how = t.value(f"and i64 {t.value(f'xor i64 {control}, {FCW_INITIAL & _HOW}')}, {_HOW}")
        total = t.value(f"or i64 {how}, {t.value(f'and i64 {self.status}, {FSW_SUMMARY}')}")
        for value in bad:
            total = t.value(f"or i64 {total}, {value}")
        self._go_if_zero(total)

    def _go_if_zero(self, value: str) -> None:
        t = self.t
        good = t.new_label("quick")
        t.do(f"br i1 {t.value(f'icmp eq i64 {value}, 0')}, label %{good}, label %{self.slow}{LIKELY}")
        t.label(good)

    def missing(self, *numbers: str) -> str:
        """The bits of registers *numbers* that hold nothing."""
        t = self.t
        wanted = self.bit(numbers[0])
        for number in numbers[1:]:
            wanted = t.value(f"or i64 {wanted}, {self.bit(number)}")
        return t.value(f"and i64 {wanted}, {t.value(f'xor i64 {self.tags}, -1')}")

    def execute(self, operation: Operation, out: str, a: str, b: str) -> str:
        """The host's instruction; on where it raised no new flag. Gives the status word, as i64."""
        t = self.t
        news = t.value(f"and i64 {t.value(f'xor i64 {self.status}, -1')}, {FSW_FLAGS}")
        lines = "\\0A".join(quick(operation, "${4:k}"))
        word = t.value(f'call i16 asm sideeffect "{lines}", "{CONSTRAINTS},r,{CLOBBERS}"(ptr {out}, ptr {a}, ptr {b}, i64 {news})')
        wide = t.value(f"zext i16 {word} to i64")
        self._go_if_zero(t.value(f"and i64 {wide}, {news}"))
        return wide

    def codes(self, word: str, codes: int) -> str:
        """The guest's status with the condition codes of *word*."""
        t = self.t
        return t.value(f"or i64 {t.value(f'and i64 {self.status}, {~codes}')}, {t.value(f'and i64 {word}, {codes}')}")

    def pop(self, count: int) -> None:
        tags, top, t = self.tags, self.top, self.t
        if not count:
            return
        for _ in range(count):
            tags = t.value(f"and i64 {tags}, {t.value(f'xor i64 {self.bit(top)}, -1')}")
            top = t.value(f"and i64 {t.value(f'add i64 {top}, 1')}, 7")
        self.r.store_field("ftw", tags)
        self.r.store_field("ftop", top)

    def push(self, number: str) -> None:
        self.r.store_field("ftw", self.t.value(f"or i64 {self.tags}, {self.bit(number)}"))
        self.r.store_field("ftop", number)

    def scratch(self) -> str:
        return self.r.field("fout_low")


def _load(q: _Quick, inst: Inst, operands: list[str]) -> str:
    t = q.t
    new = q.number(-1)
    q.go_unless(t.value(f"and i64 {q.tags}, {q.bit(new)}"))
    operation = OPERATIONS[str(inst.attr("what"))]
    source = q.scratch()
    if operands:
        t.do(f"store i64 {operands[0]}, ptr {source}, align 8{CPU}")
        t.do(f"store i64 {operands[1]}, ptr {t.at(source, 8)}, align 8{CPU}")
    word = q.execute(operation, q.register(new), source, source)
    q.push(new)
    q.r.store_field("fsw", q.codes(word, C1))
    return "0"


def _memory(q: _Quick, inst: Inst, operands: list[str]) -> str:
    t = q.t
    operation = OPERATIONS[str(inst.attr("what"))]
    q.go_unless(q.missing(q.top))
    source, first = q.scratch(), q.register(q.top)
    t.do(f"store i64 {operands[0]}, ptr {source}, align 8{CPU}")
    word = q.execute(operation, first, first, source)
    q.r.store_field("fsw", q.codes(word, operation.codes))
    q.pop(operation.pops)
    return "0"


def _stack(q: _Quick, inst: Inst, operands: list[str]) -> str:
    operation = OPERATIONS[str(inst.attr("what"))]
    if operation.shape is Shape.CONSTANT:
        return _load(q, inst, [])
    other = q.number(int(inst.attr("i")))  # type: ignore[call-overload]
    q.go_unless(q.missing(q.top, other) if operation.shape in _TWO_SOURCES else q.missing(q.top))
    a, b = q.register(q.top), q.register(other)
    word = q.execute(operation, b if operation.shape is Shape.TO_STI else a, a, b)
    q.r.store_field("fsw", q.codes(word, operation.codes))
    q.pop(operation.pops)
    return word


def _move(q: _Quick, inst: Inst, operands: list[str]) -> str:
    """FXCH, FLD, FST and FSTP of registers."""
    t, r = q.t, q.r
    what = str(inst.attr("what"))
    other = q.number(int(inst.attr("i")))  # type: ignore[call-overload]
    new = q.number(-1)
    if what == "fld":
        q.go_unless(q.missing(other), t.value(f"and i64 {q.tags}, {q.bit(new)}"))
        _copy(q, q.register(new), _read(q, q.register(other)))
        q.push(new)
    else:
        q.go_unless(q.missing(q.top, other) if what == "fxch" else q.missing(q.top))
        a, b = q.register(q.top), q.register(other)
        values = _read(q, a), _read(q, b)
        _copy(q, b, values[0])
        if what == "fxch":
            _copy(q, a, values[1])
        else:
            q.tags = t.value(f"or i64 {q.tags}, {q.bit(other)}")
            r.store_field("ftw", q.tags)
            q.pop(OPERATIONS[what].pops)
    r.store_field("fsw", t.value(f"and i64 {q.status}, {~C1}"))
    return "0"


def _read(q: _Quick, at: str) -> tuple[str, str]:
    t = q.t
    return t.value(f"load i64, ptr {at}, align 8{CPU}"), t.value(f"load i16, ptr {t.at(at, 8)}, align 8{CPU}")


def _copy(q: _Quick, to: str, value: tuple[str, str]) -> None:
    t = q.t
    t.do(f"store i64 {value[0]}, ptr {to}, align 8{CPU}")
    t.do(f"store i16 {value[1]}, ptr {t.at(to, 8)}, align 8{CPU}")


def _store(q: _Quick, inst: Inst, operands: list[str]) -> str:
    q.go_unless(q.missing(q.top))
    out = q.scratch()
    word = q.execute(OPERATIONS[str(inst.attr("what"))], out, q.register(q.top), out)
    q.r.store_field("fsw_next", q.codes(word, C1))
    return q.t.value(f"load i64, ptr {out}, align 8{CPU}")


def _commit(r: Region, inst: Inst) -> None:
    q = _Quick(r, "")
    r.store_field("fsw", r.load_field("fsw_next"))
    q.pop(int(inst.attr("pops")))  # type: ignore[call-overload]


def _writer(inst: Inst) -> Callable[[_Quick, Inst, list[str]], str] | None:
    """What writes the quick case of *inst*; None if it has none. The kernel looks at what FPREM gives."""
    if inst.op.name == "x87_move_if":
        return None
    operation = OPERATIONS[str(inst.attr("what"))]
    if operation.shape is Shape.TO_ST0 and operation.codes & C0:
        return None
    if operation.shape is Shape.MOVE:
        return _move
    return _WRITERS[inst.op.name] if is_quick(operation) else None


_WRITERS = {"x87_load": _load, "x87_memory": _memory, "x87_stack": _stack, "x87_store": _store}


def _lower(r: Region, inst: Inst) -> None:
    t = r.text
    operands = [r.operand(arg) for arg in inst.args]
    slow, done = t.new_label("whole"), t.new_label("done")
    arrivals = []
    writer = _writer(inst)
    if writer is not None:
        value = writer(_Quick(r, slow), inst, operands)
        arrivals.append((value, t.current))
        t.do(f"br label %{done}")
        t.label(slow)
    value = fallback.call(r, inst, operands)
    fault = FaultExit(r)
    fault.check(r.pc, r.mode)
    fault.finish()
    arrivals.append((value, t.current))
    t.do(f"br label %{done}")
    t.label(done)
    if inst.type is not VOID:
        r.define(inst, t.value("phi i64 " + ", ".join(f"[ {value}, %{label} ]" for value, label in arrivals)))


ROWS: dict[str, Callable[[Region, Inst], None]] = {
    **dict.fromkeys(("x87_load", "x87_memory", "x87_stack", "x87_move_if", "x87_store"), _lower), "x87_commit": _commit,
}  # fmt: skip
