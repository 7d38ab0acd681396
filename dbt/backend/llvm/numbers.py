"""One floating-point number, or a vector of them: LLVM types and tests of what kind of number each is."""

from __future__ import annotations

from dataclasses import dataclass

from dbt.backend.llvm.text import Text

_EXPONENT_BITS = {32: 8, 64: 11}


@dataclass(frozen=True, slots=True)
class Numbers:
    """``count`` numbers of ``bits`` bits. Tests give an i1 for each (LLVM type ``truth``)."""

    bits: int
    count: int

    def _of(self, scalar: str) -> str:
        return scalar if self.count == 1 else f"<{self.count} x {scalar}>"

    @property
    def real(self) -> str:
        return self._of("float" if self.bits == 32 else "double")

    @property
    def integer(self) -> str:
        return self._of(f"i{self.bits}")

    @property
    def truth(self) -> str:
        return self._of("i1")

    @property
    def wide(self) -> Numbers:
        """As many numbers in double precision."""
        return Numbers(64, self.count)

    @property
    def suffix(self) -> str:
        """As in the names of intrinsics."""
        return f"f{self.bits}" if self.count == 1 else f"v{self.count}f{self.bits}"

    def splat(self, value: int) -> str:
        """The integer *value* for each number."""
        return str(value) if self.count == 1 else f"splat (i{self.bits} {value})"

    def number(self, value: str) -> str:
        """The floating-point constant *value* for each."""
        return value if self.count == 1 else f"splat ({'float' if self.bits == 32 else 'double'} {value})"

    @property
    def smallest(self) -> int:
        """Bits of the smallest normal number."""
        return 1 << self.bits - 1 - _EXPONENT_BITS[self.bits]

    @property
    def infinity(self) -> int:
        return ((1 << _EXPONENT_BITS[self.bits]) - 1) * self.smallest

    def magnitude(self, t: Text, operand: str) -> str:
        """Bits without the sign."""
        return t.value(f"and {self.integer} {t.cast(operand, self.real, self.integer)}, {self.splat((1 << self.bits - 1) - 1)}")

    def normal(self, t: Text, operand: str) -> str:
        """The magnitude lies between the smallest normal number and infinity, both excluded."""
        magnitude = self.magnitude(t, operand)
        if self.count == 1:
            above = t.value(f"sub {self.integer} {magnitude}, {self.smallest + 1}")
            return t.value(f"icmp ult {self.integer} {above}, {self.infinity - self.smallest - 1}")
        above = t.value(f"icmp sgt {self.integer} {magnitude}, {self.splat(self.smallest)}")  # signed compares are what vector hosts have
        return self.both(t, above, t.value(f"icmp slt {self.integer} {magnitude}, {self.splat(self.infinity)}"))

    def not_denormal(self, t: Text, operand: str) -> str:
        magnitude = self.magnitude(t, operand)
        large = t.value(f"icmp sgt {self.integer} {magnitude}, {self.splat(self.smallest - 1)}")
        return t.value(f"or {self.truth} {large}, {t.value(f'icmp eq {self.integer} {magnitude}, {self.splat(0)}')}")

    def is_zero(self, t: Text, operand: str) -> str:
        return t.value(f"icmp eq {self.integer} {self.magnitude(t, operand)}, {self.splat(0)}")

    def power(self, exponent: int) -> int:
        """Bits of 2 to the power *exponent*."""
        return (exponent + (1 << _EXPONENT_BITS[self.bits] - 1) - 1) * self.smallest

    def same_magnitude(self, t: Text, first: str, second: str) -> str:
        return t.value(f"icmp eq {self.integer} {self.magnitude(t, first)}, {self.magnitude(t, second)}")

    def is_number(self, t: Text, operand: str) -> str:
        """No NaN."""
        return t.value(f"icmp slt {self.integer} {self.magnitude(t, operand)}, {self.splat(self.infinity + 1)}")

    def both(self, t: Text, *conditions: str) -> str:
        """The conjunction, number by number."""
        result = conditions[0]
        for condition in conditions[1:]:
            result = t.value(f"and {self.truth} {result}, {condition}")
        return result

    def every(self, t: Text, condition: str) -> str:
        """i1: *condition* holds for all."""
        if self.count == 1:
            return condition
        return t.value(f"icmp eq i{self.count} {t.value(f'bitcast {self.truth} {condition} to i{self.count}')}, -1")
