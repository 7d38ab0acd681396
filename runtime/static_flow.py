"""Where guest blocks go as the code itself says, for planning regions before anything was executed."""

from __future__ import annotations

from dbt.frontend.base import Frontend
from dbt.pipeline import Fetch, Start, lift_block
from runtime.regions import Flow, Source


class Static(Source):
    """Lifts blocks to see where they go. Regions stay small, as most of what can be reached never runs."""

    most_blocks = 8

    def __init__(self, frontend: Frontend, fetch: Fetch) -> None:
        self.frontend = frontend
        self.fetch = fetch

    def weight(self, start: Start) -> int:
        return 1

    def flow(self, start: Start) -> Flow | None:
        pc, mode = start
        if len(self.fetch(pc, self.frontend.min_length)) < self.frontend.min_length:
            return None
        targets: list[Start] = []
        after = None
        at, end, insns = pc, pc, 0
        for inst in lift_block(self.frontend, self.fetch, pc, mode).insts():
            name = inst.op.name
            if name == "mark":
                at, length = int(inst.attrs[0]), int(inst.attrs[1])  # type: ignore[call-overload]
                end, insns = at + length, insns + 1
            elif name == "goto" and all(arg.op.name in ("const", "pcadd") for arg in inst.args):
                address, new_mode = inst.args
                offset = at if address.op.name == "pcadd" else 0
                targets.append(((offset + int(address.attrs[0])) % (1 << address.type.bits), int(new_mode.attrs[0])))  # type: ignore[call-overload]
                if inst.attrs[0] == "call":
                    after = (end, mode)
            elif name == "syscall" or (name == "goto_ind" and inst.attrs[0] == "call"):
                after = (end, mode)
        return Flow(insns, tuple(dict.fromkeys(targets)), after)
