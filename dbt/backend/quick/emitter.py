"""What the rows share: where cells are, code off the main path, the data of the region, ways back to the dispatcher.

Registers are those of ``dbt.backend.llvm.convention``: R12 has the vCPU, ten registers have the pinned slots, always whole and zero-extended; RAX, RBX and R10
are free. All other cells stay in the vCPU block, so that the state is exact before every record, as in tier 0. RAX is known to hold the cell that was
computed last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from dbt.abi.archs import LAYOUTS
from dbt.abi.helpers import helper_offset
from dbt.abi.quick import quick_words
from dbt.backend.quick.assembler import CMP, NE, R8, R9, R11, R12, R13, R14, R15, RAX, RCX, RDI, RDX, RSI, Assembler, Data, Memory, Place

PINNED_REGISTERS = (R13, R14, R15, RDI, RSI, RDX, RCX, R8, R9, R11)  # preserve_nonecc after its first argument, R12
_ARGUMENTS = (RDI, RSI, RDX, RCX, R8)  # of helpers, the vCPU first
_LOST = R11  # the one of the pinned registers that preserve_mostcc leaves to the callee
NOTHING = -1


class Record(NamedTuple):
    """A tier-0 record: words as ``dbt.abi.records`` has them, ``bits`` of its type, whether word 2 is a number, and its offset from the block's first one."""

    name: str
    bits: int
    immediate: bool
    d: int
    a: int
    b: int
    c: int
    at: int


class Emitter:
    """One region under construction. ``faults``: loads that the host may refuse, and the labels to go on at then."""

    def __init__(self, arch: str, unchecked: bool) -> None:
        self.layout = LAYOUTS[arch]
        self.unchecked = unchecked
        self.asm = Assembler()
        self.data = bytearray()
        self.faults: list[tuple[int, str]] = []
        self.pinned = {self.layout.offset(name) // 8: register for name, register in zip(self.layout.pinned, PINNED_REGISTERS, strict=False)}
        self.held = NOTHING  # the cell that RAX holds
        self.pc = self.mode = 0  # of the guest instruction
        self.words = 0  # of the block: offset in the data
        self._cold: list[Callable[[], None]] = []
        self._leaving: dict[tuple[int, int], str] = {}  # pc and mode -> label of the way back there
        self._helpers: set[str] = set()  # that are called
        self._labels = 0

    def parts(self) -> tuple[int, ...]:
        """How much there is of everything that is more than code where it stands."""
        asm = self.asm
        return len(asm.references), asm.jumps, len(asm.labels), len(self.faults), len(self.data), len(self._cold)

    # Cells ------------------------------------------------------------------------------------------------------------
    def cell(self, number: int) -> Place:
        """Where a cell can be read."""
        if number == self.held:
            return RAX
        return self.pinned.get(number, Memory(R12, 8 * number))

    def field(self, name: str) -> Memory:
        """A header field or an area of the vCPU."""
        return Memory(R12, self.layout.offset(name))

    def read(self, register: int, number: int) -> None:
        """A whole cell into *register*."""
        place = self.cell(number)
        if place != register:
            self.asm.move(register, place, 64)
            if register == RAX:
                self.held = NOTHING if number in self.pinned else number

    def result(self, number: int, register: int = RAX) -> None:
        """The value of *register* becomes that of a cell."""
        home = self.pinned.get(number)
        if home is None:
            self.asm.store(Memory(R12, 8 * number), register)
            self.overwritten(number)
            if register == RAX:
                self.held = number
        else:
            if register == RAX:
                self.held = NOTHING
            if home != register:
                self.asm.move(home, register, 64)

    def overwritten(self, *numbers: int) -> None:
        """Cells that have changed in memory."""
        if self.held in numbers:
            self.held = NOTHING

    def save(self, number: int) -> None:
        """A pinned cell to its home."""
        self.asm.store(Memory(R12, 8 * number), self.pinned[number])

    def restore(self, number: int) -> None:
        self.asm.move(self.pinned[number], Memory(R12, 8 * number), 64)

    # Code off the main path -------------------------------------------------------------------------------------------
    def new_label(self) -> str:
        self._labels += 1
        return f"l{self._labels}"

    def later(self, write: Callable[[], None]) -> None:
        """Have code written behind the main path, for the guest instruction that it is at now."""
        pc, mode, words = self.pc, self.mode, self.words

        def run() -> None:
            self.pc, self.mode, self.words, self.held = pc, mode, words, NOTHING
            write()

        self._cold.append(run)

    def write_cold(self) -> None:
        """Write what has come for ``later`` since the last time."""
        for write in self._cold:  # which may add to it
            write()
        self._cold.clear()
        self._write_helpers()
        self.asm.settle()

    def word(self, value: int = 0) -> Data:
        """A new 64-bit word of the region's data."""
        self.data += value.to_bytes(8, "little")
        return Data(len(self.data) - 8)

    def block_words(self) -> None:
        """New words of ``quick_words`` for the block that follows."""
        self.words = len(self.data)
        self.data += bytes(quick_words.size)

    def block_word(self, name: str) -> Data:
        """Those of the block."""
        return Data(self.words + quick_words.offset(name))

    # Leaving ----------------------------------------------------------------------------------------------------------
    def set_field(self, name: str, value: int) -> None:
        if -1 << 31 <= value < 1 << 31:
            self.asm.store_immediate(self.field(name), value)
        else:
            self.asm.move_immediate(RAX, value)
            self.asm.store(self.field(name), RAX)
            self.held = NOTHING

    def set_position(self) -> None:
        """The vCPU is at the current guest instruction. Uses RAX."""
        self.set_field("pc", self.pc)
        self.set_field("mode", self.mode)

    def leaving(self) -> str:
        """Label of the way back to the dispatcher at the current guest instruction."""
        place = (self.pc, self.mode)
        label = self._leaving.get(place)
        if label is None:
            label = self._leaving[place] = self.new_label()

            def write() -> None:
                self.asm.label(label)
                self.set_position()
                self.asm.jump("leave")

            self.later(write)
        return label

    def leave(self, reason: int = 0) -> None:
        """Return to the dispatcher at the current guest instruction."""
        if reason:
            self.set_field("exit_reason", reason)
        self.asm.jump(self.leaving())

    def argument(self, number: int) -> Callable[[int], None]:
        """A whole cell as an argument of a helper."""

        def move(register: int) -> None:
            home = self.pinned.get(number)
            moved = home is not None and home not in _ARGUMENTS and home != _LOST
            self.asm.move(register, home if moved and home is not None else Memory(R12, 8 * number), 64)

        return move

    def helper(self, name: str, arguments: list[Callable[[int], None] | int]) -> None:
        """Call a helper: each argument is a number, or writes its value into the register it is given, from RAX, RBX, R10 or memory. The result is in RAX."""
        asm = self.asm
        self._helpers.add(name)
        asm.call_label("save")
        for register, argument in zip(_ARGUMENTS[1:], arguments, strict=False):
            if isinstance(argument, int):
                asm.move_immediate(register, argument)
            else:
                argument(register)
        asm.call_label(name)
        self.held = NOTHING

    def write_shared(self) -> None:
        """What all blocks have in common: the way back to the dispatcher, and saving what helpers change."""
        asm = self.asm
        asm.label("leave")
        for cell in self.pinned:
            self.save(cell)
        asm.ret()
        asm.label("save")
        for number in self._lost_cells():
            self.save(number)
        asm.ret()

    def _lost_cells(self) -> list[int]:
        """Pinned cells whose registers helpers change."""
        return [number for number, register in self.pinned.items() if register == _LOST or register in _ARGUMENTS]

    def _write_helpers(self) -> None:
        """The call of each helper that blocks have asked for since the last time, behind which the flags tell whether it has set an exit reason. The stack is
        aligned in there, by the return address."""
        asm = self.asm
        for name in sorted(self._helpers - asm.labels.keys()):
            asm.label(name)
            asm.move(_ARGUMENTS[0], R12, 64)
            asm.move(RAX, self.field("helpers"), 64)
            asm.call(Memory(RAX, helper_offset(name)))
            for number in self._lost_cells():
                self.restore(number)
            asm.op_immediate(CMP, self.field("exit_reason"), 0, 64)
            asm.ret()

    def leave_if_faulted(self) -> None:
        """Right after a helper: return to the dispatcher if it has set an exit reason."""
        self.asm.jump_if(NE, self.leaving())
