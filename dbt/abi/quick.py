"""What a block of quick code has in the data beside it: words that the runtime fills in when a block of tier 0 gets this code."""

from __future__ import annotations

from dbt.abi.layout import Layout

# All zero: no block has this code.
quick_words = Layout("quick_words")
for _name in (
    "valid",  # 1 while the block has this code and the guest's bytes are those that it was made of
    "gate",  # host address of better code for the block, or 0
    "block",  # host address of the block of tier 0...
    "records",  # ...and of its first record
):
    quick_words.add(_name, 8)
