"""The shape store: shapes (``dbt.frontend.form``) in the process block, learnt when they are met and kept beside the kernels for all programs.

To learn a shape takes as long as to lift a dozen of its members, so it is learnt when ``WORTH_LEARNING`` of them had to be lifted: whatever comes, shapes cost
at most twice what the better choice would have. The shapes that programs have most often are learnt when the first program of an arch runs, once a machine.
"""

from __future__ import annotations

import ctypes
import os
import struct

from dbt.abi.memory import PAGE_SIZE
from dbt.abi.record import RECORD_BYTES
from runtime.area_file import AreaFile
from runtime.paths import cache_dir
from runtime.process_block import FORM_FIELD_COUNT, FORM_PIECES, ProcessBlock, form, proc, shape, template

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from dbt.frontend.form import Form, FormField
    from runtime.shape_learning import Learnt

    Pack = Callable[[int, bytes], bytes]  # (mode, instruction) -> its packed template; any exception means that it has none

WORTH_LEARNING = 10  # members of a shape that had to be lifted
_WORD = (1 << 64) - 1
_FORM = struct.Struct("<8x4Q")  # length, fixed, count; check comes later
_FORM_FIELD = struct.Struct(f"<{2 + FORM_PIECES}Q")
_SHAPE = struct.Struct("<24x3Q4I")  # fixed, pattern, mode, form, template_bytes, holes; check, next and size come later
_HOLE = struct.Struct("<Qq")
_LEAST = -(-template.size // RECORD_BYTES) * RECORD_BYTES  # bytes of an entry, as runtime.kernels.templates.sound has it
assert _FORM.size + _FORM_FIELD.size * FORM_FIELD_COUNT == form.size and _SHAPE.size == shape.size
assert proc.offset("shape_hash") % PAGE_SIZE == 0, "the file is mapped there"


def _pack_field(field: FormField) -> bytes:
    pieces = [mask << 32 | left << 8 | shift for shift, mask, left in field.pieces]
    assert len(pieces) <= FORM_PIECES and all(shift // 64 == (shift + mask.bit_length() - 1) // 64 for shift, mask, _ in field.pieces)
    return _FORM_FIELD.pack(field.special, field.group, *pieces, *[0] * (FORM_PIECES - len(pieces)))


def _pack_form(made: Form) -> bytes:
    head = _FORM.pack(made.length, made.fixed & _WORD, made.fixed >> 64, len(made.fields))
    return (head + b"".join([_pack_field(field) for field in made.fields])).ljust(form.size, b"\0")


def _pack_shape(made: Form, number: int, mode: int, insn: int, learnt: Learnt | None) -> bytes:
    """The shape of *insn*, whose form has that number; None for *learnt* says that its members must be lifted."""
    fixed, pattern = made.shape(insn)
    base, holes = learnt or (b"", ())
    head = _SHAPE.pack(fixed & _WORD, fixed >> 64, pattern, mode, number, len(base), len(holes))
    packed = head + base + b"".join([_HOLE.pack(hole.offset | hole.bytes << 32 | hole.field << 40, hole.factor) for hole in holes])
    return packed.ljust(max(-(-len(packed) // RECORD_BYTES) * RECORD_BYTES, _LEAST), b"\0")


class ShapeStore:
    """Shapes of one arch in the process block, and their file. *print_* is the ``sources_fingerprint``, or None to keep nothing. ``first``: there is no
    sound file yet, and one can be written."""

    def __init__(self, arch: str, block: ProcessBlock, image: Any, print_: bytes | None) -> None:
        self.block = block
        p, n = ctypes.c_void_p, ctypes.c_int64
        self._add_form = image.function("add_form", n, p, p)
        self._add_shape = image.function("add_shape", n, p, p, n)
        self._find = image.function("find_shape", n, p, n, n, n, n)
        self._numbers: dict[Form, int] = {}
        self._met: dict[tuple[Form, int, int, int], int] = {}
        self._file: AreaFile | None = None
        self.first = False
        if print_ is not None:
            directory = os.path.join(cache_dir(), "kernels")
            fields = ("shape_hash", "shapes_area", "shape_end", "shapes")
            self._file = AreaFile(block, fields, directory, arch, ".shapes", print_)
            if not self._file.load():
                self.first = os.access(directory, os.W_OK)
            elif not image.function("forms_sound", n, p)(block.address):
                block.put("shape_end", proc.offset("shapes_area"))
                ctypes.memset(block.address + proc.offset("shape_hash"), 0, proc.offset("shapes_area") - proc.offset("shape_hash"))

    @property
    def count(self) -> int:
        return self.block.get("shapes")

    def met(self, made: Form, mode: int, data: bytes, pack: Pack) -> None:
        """An instruction of form *made* had to be lifted: learn its shape, if there have been enough of it."""
        key = (made, mode, *made.shape(int.from_bytes(data, "little")))
        times = self._met.get(key, 0) + 1
        self._met[key] = times
        if times == WORTH_LEARNING:
            self.learn(made, mode, data, pack)

    def learn(self, made: Form, mode: int, data: bytes, pack: Pack, checks: int = 0) -> bool:
        """Learn the shape of an instruction, unless it is known; *checks* members (0: the usual number) must come out as predicted. False if its members must
        be lifted one by one."""
        from runtime.shape_learning import CHECKS, learn

        insn = int.from_bytes(data, "little")
        if self._find(self.block.address, mode, insn & _WORD, insn >> 64, len(data)):
            return True
        number = self._numbers.get(made)
        if number is None:
            number = self._numbers[made] = self._form_number(made)
        if number < 0:
            return False
        learnt = learn(made, insn, lambda member: pack(mode, member.to_bytes(made.length, "little")), checks or CHECKS)
        packed = _pack_shape(made, number, mode, insn, learnt)
        self._add_shape(self.block.address, packed, len(packed))
        return learnt is not None

    def _form_number(self, made: Form) -> int:
        """Number of a form, which is added if need be; -1 if there is no room."""
        packed = _pack_form(made)
        for number in range(self.block.get("forms_used")):
            at = self.block.address + proc.offset("forms") + number * form.size
            if ctypes.string_at(at + 8, form.size - 8) == packed[8:]:
                return number
        return int(self._add_form(self.block.address, packed))

    def save(self) -> None:
        """Write the file if there are new shapes. What another process has saved meanwhile stays, and ours is learnt again."""
        if self._file is not None:
            self._file.save()
