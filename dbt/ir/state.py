"""Where state slots overlap. A *slot table* maps a slot's name to its (byte offset, type); ``dbt.abi`` declares one for each guest."""

from __future__ import annotations

from collections.abc import Mapping

from dbt.ir.types import Type

Slots = Mapping[str, tuple[int, Type]]

FP_ENV_SLOTS = ("fp_mode", "fp_flags")  # what an operation with effect ``e`` reads; it also writes the second
# What an operation with effect ``x`` reads and writes (as far as the guest has it).
X87_SLOTS = ("fcw", "fsw", "ftop", "ftw", "fout_low", "fout_high", *(f"fpr{i}{part}" for i in range(8) for part in "me"))


def slot_bytes(type: Type) -> int:
    """Size of a slot of *type* in bytes (an i1 takes one)."""
    return (type.bits + 7) // 8


class StateMap:
    """Overlaps of a slot table, ready for passes.

    ``masks``: slot -> bit set of the pieces it covers (a piece is a byte range that no slot border divides). ``overlaps``: slot -> all
    slots that share a byte with it, itself included. ``everything``: all pieces. ``env_reads``: pieces
    that effect ``e`` reads; ``env_written``: slots that it changes; ``x87_reads``, ``x87_written``: the same of effect ``x``.
    """

    __slots__ = ("slots", "masks", "overlaps", "everything", "env_reads", "env_written", "x87_reads", "x87_written")

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        ranges = {name: (offset, offset + slot_bytes(type)) for name, (offset, type) in slots.items()}
        borders = sorted({border for pair in ranges.values() for border in pair})
        piece = {border: at for at, border in enumerate(borders)}
        self.masks: dict[object, int] = {name: (1 << piece[end]) - (1 << piece[start]) for name, (start, end) in ranges.items()}
        users: dict[int, list[str]] = {}
        for name, (start, end) in ranges.items():
            for at in range(piece[start], piece[end]):
                users.setdefault(at, []).append(name)
        self.overlaps = {
            name: tuple(dict.fromkeys(user for at in range(piece[start], piece[end]) for user in users[at])) for name, (start, end) in ranges.items()
        }
        self.everything = (1 << len(borders)) - 1
        self.env_reads = 0
        for name in FP_ENV_SLOTS:
            self.env_reads |= self.masks.get(name, 0)
        self.env_written = self.overlaps.get(FP_ENV_SLOTS[1], ())
        self.x87_reads = 0
        for name in X87_SLOTS:
            self.x87_reads |= self.masks.get(name, 0)
        self.x87_written = tuple(dict.fromkeys(other for name in X87_SLOTS for other in self.overlaps.get(name, ())))
