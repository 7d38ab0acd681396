"""What kernels must know of record codes to walk over records."""

from __future__ import annotations

from dbt.abi.records import CODES, is_rare
from dbt.ir.optable import OPS
from runtime.kernels.build import kernel

GOTO = CODES["goto"]
_RARE_NUMBERS = [CODES[name] for name in OPS if is_rare(name)]
_RARE_FIRST, _RARE_LAST = min(_RARE_NUMBERS), max(_RARE_NUMBERS)
_NOT_RARE = tuple(sorted(set(range(_RARE_FIRST, _RARE_LAST)) - set(_RARE_NUMBERS)))
_NOT_RARE_FIRST, _NOT_RARE_LAST = _NOT_RARE[0], _NOT_RARE[-1]
assert list(_NOT_RARE) == list(range(_NOT_RARE_FIRST, _NOT_RARE_LAST + 1)), "rare codes are two ranges"


@kernel
def is_rare_code(code):
    """True for records that are followed by a payload."""
    return _RARE_FIRST <= code <= _RARE_LAST and not (_NOT_RARE_FIRST <= code <= _NOT_RARE_LAST)
