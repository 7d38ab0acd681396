"""Guest memory accesses: the inlined TLB check, loads without a check, the slow path, and precise faults.

Loads (or stores) at constant distances from one address, with no change of guest state between them, share one check: a load-multiple costs one TLB
look-up. This file is the only one of the backend that knows how guest memory is reached; ``atomics`` builds on it.

With ``unchecked`` (user mode, where the host protects guest memory exactly as the guest does) a load checks at most its alignment, and whether an address of 64
bits lies in the guest's space. To LLVM it is a ``callbr`` with a second way out; the object's section ``FAULT_SECTION`` pairs the address of each such load
with that of its way out, and the host's fault handler sends the one to the other, where the guest state is at hand. Linux does the same for its accesses to
user memory.

With ``free_stores`` (while nobody watches stores: docs/exclusives.md) stores do the same, unless a fence follows.

What leaves the region there is shared: the loads up to the next store, and that store, leave with the state before the first of them, and the dispatcher has
tier 0 interpret from there (``Exit.REPLAY``), which faults where the guest does, or does not. Nothing was done since that tier 0 could not do again: a store, a
floating-point operation (its flags), a helper, all end such a stretch. The stores of one run (a store-multiple) are one stretch where they are free: nobody
can tell that the first of them are done twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from dbt.abi.exclusive import GRANULE, GRANULE_BITS, GRANULE_RECORD_BITS, GRANULES
from dbt.abi.memory import PAGE_BITS, PAGE_MASK, PAGE_SIZE, TLB_ENTRIES, TLB_ENTRY_BITS, TLB_EXCL, tlb_entry
from dbt.backend.llvm import exits, slow_paths
from dbt.backend.llvm.convention import FAULT_SECTION, TEXT_SYMBOL
from dbt.backend.llvm.text import CPU, GUEST, INVARIANT, LIKELY, UNLIKELY, llvm_type
from dbt.ir.addresses import bytes_of, split
from dbt.ir.types import Type
from dbt.ir.unit import Inst

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region

LONGEST_RUN = 32


class Access(NamedTuple):
    """One load or store of a run: its distance from the run's base, and the guest instruction it belongs to."""

    inst: Inst
    distance: int
    pc: int
    mode: int

    @property
    def value_type(self) -> Type:
        return self.inst.of


class Run:
    """Accesses under construction that share one check. Empty at first; ``takes`` says whether an instruction may stand before the check."""

    def __init__(self) -> None:
        self.accesses: list[Access] = []
        self.base: Inst | None = None
        self.align = 0

    def __bool__(self) -> bool:
        return bool(self.accesses)

    def takes(self, inst: Inst) -> bool:
        name = inst.op.name
        if name in ("ld", "st"):
            return self._fits(inst)
        return (name in ("get", "mark") or inst.op.pure) and not inst.op.terminator and not self._uses(inst)

    def _uses(self, inst: Inst) -> bool:
        """True if *inst* needs a value that the run has not loaded yet."""
        return any(access.inst in inst.args for access in self.accesses)

    def _fits(self, inst: Inst) -> bool:
        base, distance = split(inst.args[0])
        first = self.accesses[0].inst
        distances = [access.distance for access in self.accesses] + [distance]
        return (
            base is self.base
            and inst.op is first.op
            and inst.attr("align") == self.align
            and not self._uses(inst)
            and len(self.accesses) < LONGEST_RUN
            and max(distances) - min(distances) < PAGE_SIZE // 2
            and all(d % self.align == distance % self.align for d in distances)
        )

    def add(self, inst: Inst, pc: int, mode: int) -> None:
        base, distance = split(inst.args[0])
        if not self.accesses:
            self.base, self.align = base, int(inst.attr("align"))  # type: ignore[call-overload]
        self.accesses.append(Access(inst, distance, pc, mode))


def lower_run(r: Region, run: Run, fenced: bool = False) -> None:
    """Check once, then do all accesses through the host pointer; on a miss each goes through its helper. With *fenced* a full fence follows: a single
    aligned store and its fence are one instruction of the host (x86: XCHG)."""
    if run.accesses[0].inst.op.name == "st":
        if r.free_stores and not fenced:
            _lower_unchecked(r, run)
            r.restart_point = None
        else:
            _lower_stores(r, run, fenced)
        return
    if r.unchecked:
        _lower_unchecked(r, run)
    else:
        _lower_loads(r, run)
    if fenced:
        r.text.do("fence seq_cst")


def _lower_unchecked(r: Region, run: Run) -> None:
    """Accesses that can only fault: where the host has no such page, tier 0 starts anew from the region's restart point and faults as the guest does."""
    accesses = run.accesses
    values = [r.operand(access.inst.args[1]) if access.inst.op.name == "st" else "" for access in accesses]
    first = min(accesses, key=lambda access: access.distance)
    restart = r.restart(accesses[0].pc, accesses[0].mode)
    host = _guarded(r, accesses, first, run.align, restart)
    for access, value in zip(accesses, values, strict=True):
        pointer = r.text.at(host, access.distance - first.distance)
        if value:
            _attempt_store(r, pointer, access.value_type, value, restart)
        else:
            _attempt_load(r, access.inst, pointer, restart)


def _lower_loads(r: Region, run: Run) -> None:
    t = r.text
    accesses, align = run.accesses, run.align
    first = min(accesses, key=lambda access: access.distance)
    end = max(access.distance + bytes_of(access.value_type) for access in accesses)
    host, slow = check(r, r.operand(first.inst.args[0]), end - first.distance, align, "addr_read")
    fast_results = [_touch(r, t.at(host, access.distance - first.distance), access.value_type, align, "", "monotonic") for access in accesses]
    done, fast = t.new_label("done"), t.current
    t.do(f"br label %{done}")
    fault = FaultExit(r)
    t.label(slow)
    r.local, r.limit = {}, t.count
    slow_results = []
    for access in accesses:
        slow_results.append(_slow_load(r, access, r.extended(access.inst.args[0]), align))
        fault.check(access.pc, access.mode)
    fault.finish()
    r.local, slow_end = None, t.current
    t.do(f"br label %{done}")
    t.label(done)
    r.shared.join(r, fast, slow_end)
    for access, fast_result, slow_result in zip(accesses, fast_results, slow_results, strict=True):
        r.define(access.inst, t.value(f"phi {llvm_type(access.value_type)} [ {fast_result}, %{fast} ], [ {slow_result}, %{slow_end} ]"))
    r.restart_point = None


def _lower_stores(r: Region, run: Run, fenced: bool) -> None:
    t = r.text
    accesses, align = run.accesses, run.align
    values = [r.operand(access.inst.args[1]) for access in accesses]
    first = min(accesses, key=lambda access: access.distance)
    span = max(access.distance + bytes_of(access.value_type) for access in accesses) - first.distance
    address = r.operand(first.inst.args[0])
    if r.tagged:  # the tags need every address: write them where both ways come by, not on the first that asks
        for access in accesses:
            r.operand(access.inst.args[0])
    swapped = fenced and len(accesses) == 1 and align == bytes_of(accesses[0].value_type) <= 8
    ignored = TLB_EXCL if r.tagged else 0
    fault = FaultExit(r, accesses)
    if r.linear and (run.base, align) in r.shared.spans:
        host, slow = _check_shared(r, run, address, ignored)
    else:
        host, slow = check(r, address, span, align, "addr_write", ignored)
    order = "seq_cst" if swapped else "monotonic"
    for access, value in zip(accesses, values, strict=True):
        _touch(r, t.at(host, access.distance - first.distance), access.value_type, align, value, order)
    if r.tagged:
        for access in accesses:
            _leave_tags(r, access, align)
    done, fast = t.new_label("done"), t.current
    t.do(f"br label %{done}")
    t.label(slow)
    r.local, r.limit = {}, t.count
    for access, value in zip(accesses, values, strict=True):
        fault.check(access.pc, access.mode, _slow_store(r, access, value, align))
    fault.finish()
    r.local = None
    if swapped:
        t.do("fence seq_cst")
    slow_end = t.current
    t.do(f"br label %{done}")
    t.label(done)
    r.shared.join(r, fast, slow_end)
    r.restart_point = None
    if fenced and not swapped:
        t.do("fence seq_cst")


def _leave_tags(r: Region, access: Access, align: int) -> None:
    """Scheme hst: after the store, this vCPU's number goes into the record of each granule that was written."""
    t = r.text
    size = bytes_of(access.value_type)
    address = r.extended(access.inst.args[0])
    tag, records = r.load_field("hst_tag"), r.load_field("granules", "ptr")
    for place in sorted({0} if size <= min(align, GRANULE) else {0, min(size, GRANULE) & GRANULE, size - 1}):
        at = t.value(f"add i64 {address}, {place}") if place else address
        scaled = t.value(f"shl i64 {at}, {GRANULE_RECORD_BITS - GRANULE_BITS}")
        record = t.at(records, t.value(f"and i64 {scaled}, {(GRANULES - 1) << GRANULE_RECORD_BITS}"))
        t.do(f"store atomic i64 {tag}, ptr {record} release, align 8{GUEST}")


def _check_shared(r: Region, run: Run, address: str, ignored: int) -> tuple[str, str]:
    """As ``check``, for a store whose group may have been checked already. Where the group's check fails, the slow path checks the store alone."""
    t = r.text
    assert run.base is not None
    key = run.base, run.align
    if key not in r.shared.known:
        low, end = r.shared.spans[key]
        base = r.operand(run.base)
        lowest = t.value(f"add i{run.base.type.bits} {base}, {low}") if low else base
        r.shared.known[key] = _hit(r, lowest, end - low, run.align, "addr_write", ignored)[0]
    ready, slow = t.new_label("ready"), t.new_label("slow")
    t.do(f"br i1 {r.shared.known[key]}, label %{ready}, label %{slow}{LIKELY}")
    t.label(ready)
    return _host(r, address), slow


def check(r: Region, address: str, span: int, align: int, tag_field: str, ignored: int = 0) -> tuple[str, str]:
    """Compare the TLB entry of *address* for *span* bytes; go on where it hits, but for the *ignored* flags. Returns (host pointer to *address*, label of the
    miss)."""
    t = r.text
    hit, entry, wide = _hit(r, address, span, align, tag_field, ignored)
    fast, slow = t.new_label("fast"), t.new_label("slow")
    t.do(f"br i1 {hit}, label %{fast}, label %{slow}{LIKELY}")
    t.label(fast)
    addend = "%guest" if r.linear else t.value(f"load ptr, ptr {t.at(entry, tlb_entry.offset('addend'))}, align 8{CPU}")
    return t.at(addend, wide), slow


def _hit(r: Region, address: str, span: int, align: int, tag_field: str, ignored: int) -> tuple[str, str, str]:
    """Compare the TLB entry of *address* for *span* bytes. Returns (i1, the entry, *address* as i64).

    The last aligned unit of the span is what is compared: it has the page of the first byte unless the span crosses into the next page, whose
    tag can't be in this entry. Another vCPU may set flags in the tag at any time, but waits until this one has passed a poll: a plain load will do.
    """
    t = r.text
    bits = r.layout.address_type.bits
    address_type = f"i{bits}"
    offset_mask = (TLB_ENTRIES - 1) << TLB_ENTRY_BITS
    index = t.value(f"and {address_type} {t.value(f'lshr {address_type} {address}, {PAGE_BITS - TLB_ENTRY_BITS}')}, {offset_mask}")
    wide_index, wide = (index, address) if bits == 64 else (t.value(f"zext i32 {index} to i64"), t.value(f"zext i32 {address} to i64"))
    entry = t.at("%tlb", wide_index)
    tag = t.value(f"load {address_type}, ptr {t.at(entry, tlb_entry.offset(tag_field))}, align 8{CPU}")
    if ignored:
        tag = t.value(f"and {address_type} {tag}, {~ignored}")
    last = address if span == align else t.value(f"add {address_type} {address}, {span - align}")
    want = t.value(f"and {address_type} {last}, {PAGE_MASK | (align - 1)}")
    return t.value(f"icmp eq {address_type} {tag}, {want}"), entry, wide


def _guarded(r: Region, accesses: Sequence[Access], first: Access, align: int, otherwise: str) -> str:
    """What accesses without a check must still look at: go on if the address of the *first* of them is a multiple of *align*, and those that must ask are in
    the guest's space, where an address of 32 bits is anyway; else at label *otherwise*. Returns the host pointer to the first."""
    t = r.text
    inst = first.inst.args[0]
    bits = inst.type.bits
    address = r.operand(inst)
    conditions = []
    if align > 1:
        conditions.append(f"icmp eq i{bits} {t.value(f'and i{bits} {address}, {align - 1}')}, 0")
    if bits == 64:
        conditions += [in_space(r, r.operand(access.inst.args[0])) for access in accesses if access.inst in r.bounds.asks]
    for condition in conditions:
        fast = t.new_label("fast")
        t.do(f"br i1 {t.value(condition)}, label %{fast}, label %{otherwise}{LIKELY}")
        t.label(fast)
    return t.at("%guest", r.extended(inst))


def in_space(r: Region, address: str) -> str:
    """The comparison that says whether the i64 *address* lies in the guest's space."""
    end = r.text.value(f"load i64, ptr {r.field('space_end')}, align 8{CPU}{INVARIANT}")
    return f"icmp ult i64 {address}, {end}"


def _host(r: Region, address: str) -> str:
    """Host pointer to guest *address* where guest memory is one host range."""
    bits = r.layout.address_type.bits
    return r.text.at("%guest", address if bits == 64 else r.text.value(f"zext i{bits} {address} to i64"))


class Form(NamedTuple):
    """How an access is written: mnemonics of load and store, register constraint and the modifiers of its name, and the LLVM types that the register holds
    after a load (which extends integers with zeros) and before a store (fewer than 32 bits are extended)."""

    load: str
    store: str
    register: str
    load_modifier: str
    store_modifier: str
    loaded: str
    stored: str


_FORMS = {
    "i8": Form("movzbl", "movb", "r", "k", "b", "i64", "i32"), "i16": Form("movzwl", "movw", "r", "k", "w", "i64", "i32"),
    "i32": Form("movl", "movl", "r", "k", "k", "i64", "i32"), "i64": Form("movq", "movq", "r", "q", "q", "i64", "i64"),
    "f32": Form("movss", "movss", "x", "", "", "float", "float"), "f64": Form("movsd", "movsd", "x", "", "", "double", "double"),
    "v64": Form("movsd", "movsd", "x", "", "", "double", "double"), "v128": Form("movups", "movups", "x", "", "", "<4 x i32>", "<4 x i32>"),
}  # fmt: skip


def _attempt(r: Region, result: str, instruction: str, constraints: str, operands: str, slow: str) -> str:
    """One access of the host: *instruction* in inline assembly, whose host fault goes on at *slow*. LLVM neither merges nor moves it: a ``callbr`` ends its
    block. *result* is its LLVM type; gives what it loads."""
    t = r.text
    note = f".pushsection {FAULT_SECTION},\\22\\22,@progbits\\0A.long 1b - {TEXT_SYMBOL}, ${{2:l}} - {TEXT_SYMBOL}\\0A.popsection"
    fast = t.new_label("done")
    call = f'callbr {result} asm sideeffect "1: {instruction}\\0A{note}", "{constraints},!i"({operands}) to label %{fast} [label %{slow}]'
    value = ""
    if result == "void":
        t.do(call)
    else:
        value = t.value(call)
    t.label(fast)
    return value


def _mnemonic(r: Region, form: Form, name: str) -> str:
    return "v" + name if r.features.fma and form.register == "x" else name


def _named(number: int, modifier: str) -> str:
    """Register operand *number* in the text of inline assembly."""
    return f"${{{number}:{modifier}}}" if modifier else f"${number}"


def _attempt_load(r: Region, inst: Inst, pointer: str, slow: str) -> None:
    """Load what *inst* loads from *pointer*; a host fault goes on at *slow*."""
    t, type = r.text, inst.of
    form = _FORMS[type.name]
    instruction = f"{_mnemonic(r, form, form.load)} $1, {_named(0, form.load_modifier)}"
    loaded = _attempt(r, form.loaded, instruction, f"={form.register},*m", f"ptr elementtype({llvm_type(type)}) {pointer}", slow)
    if type.name in ("i8", "i16", "i32"):
        r.widened[inst] = loaded
        loaded = t.value(f"trunc i64 {loaded} to {llvm_type(type)}")
    else:
        loaded = t.cast(loaded, form.loaded, llvm_type(type))
    r.define(inst, loaded)


def _attempt_store(r: Region, pointer: str, type: Type, value: str, slow: str) -> None:
    """Store *value* at *pointer*; a host fault goes on at *slow*."""
    t, form = r.text, _FORMS[type.name]
    if type.bits < 32:
        value = t.value(f"zext {llvm_type(type)} {value} to i32")
    else:
        value = t.cast(value, llvm_type(type), form.stored)
    instruction = f"{_mnemonic(r, form, form.store)} {_named(1, form.store_modifier)}, $0"
    _attempt(r, "void", instruction, f"=*m,{form.register}", f"ptr elementtype({llvm_type(type)}) {pointer}, {form.stored} {value}", slow)


def _touch(r: Region, pointer: str, type: Type, align: int, value: str, order: str) -> str:
    """Access host memory so that LLVM neither merges, invents nor moves it; *value* is empty for a load. *order* is LLVM's, for aligned integers."""
    llvm = llvm_type(type)
    atomic = align >= bytes_of(type) and type.name.startswith("i")
    kind = "atomic " if atomic else "volatile "
    how = f" {order}, align {align}" if atomic else f", align {align}"
    if value:
        r.text.do(f"store {kind}{llvm} {value}, ptr {pointer}{how}{GUEST}")
        return ""
    return r.text.value(f"load {kind}{llvm}, ptr {pointer}{how}{GUEST}")


def _slow_load(r: Region, access: Access, address: str, align: int) -> str:
    type = access.value_type
    if type.bits == 128:
        cell = _temporary_cell(r)
        r.call_helper("ld_slow_128", address, str(align), str(cell))
        return r.text.value(f"load {llvm_type(type)}, ptr {r.text.at('%cpu', 8 * cell)}, align 8{CPU}")
    result = r.call_helper("ld_slow", address, str(bytes_of(type) | align << 8))
    return narrow(r, result, type)


def _slow_store(r: Region, access: Access, value: str, align: int) -> str:
    """Returns the i1 that says whether it faulted."""
    type, t = access.value_type, r.text
    address = r.extended(access.inst.args[0])
    if type.bits == 128:
        cell = _temporary_cell(r)
        t.do(f"store {llvm_type(type)} {value}, ptr {t.at('%cpu', 8 * cell)}, align 8{CPU}")
        r.store_field("pc", str(access.pc))  # the writer's, for the statistics of exclusive accesses
        r.call_helper("st_slow_128", address, str(align), str(cell))
        return t.value(f"icmp ne i64 {r.load_field('exit_reason')}, 0")
    return slow_paths.store(r, address, widen(r, value, type), access.pc, bytes_of(type), align)


def _temporary_cell(r: Region) -> int:
    return r.layout.layout["temps"].cell


def widen(r: Region, operand: str, type: Type) -> str:
    """A value of at most 64 bits as i64, zero-extended."""
    if type.bits == 64:
        return r.text.cast(operand, llvm_type(type), "i64")
    bits = r.text.cast(operand, llvm_type(type), f"i{type.bits}")
    return r.text.value(f"zext i{type.bits} {bits} to i64")


def narrow(r: Region, operand: str, type: Type) -> str:
    """The low bits of an i64 as a value of *type*."""
    bits = operand if type.bits == 64 else r.text.value(f"trunc i64 {operand} to i{type.bits}")
    return r.text.cast(bits, f"i{type.bits}", llvm_type(type))


class FaultExit:
    """Where accesses that go through a helper leave to when it reports a fault. The accesses of one run share an exit of their own, with the state before
    the run and the pc of the access that faulted; a single store goes to the region's restart point."""

    def __init__(self, r: Region, stores: Sequence[Access] = ()) -> None:
        self.r = r
        self.shared = len(stores) == 1
        self.label = r.restart(stores[0].pc, stores[0].mode) if self.shared else r.text.new_label("fault")
        self.arrivals: list[tuple[str, int, int]] = []
        self.seen = r.snapshot()

    def check(self, pc: int, mode: int, faulted: str = "") -> None:
        """After a helper call: leave if it reported a fault, as the i1 *faulted* says (default: look at the exit reason)."""
        t = self.r.text
        faulted = faulted or t.value(f"icmp ne i64 {self.r.load_field('exit_reason')}, 0")
        fine = t.new_label("fine")
        self.arrivals.append((t.current, pc, mode))
        t.do(f"br i1 {faulted}, label %{self.label}, label %{fine}{UNLIKELY}")
        t.label(fine)

    def finish(self) -> None:
        """No more arrivals: the exit itself is written with the cold code."""
        r = self.r

        def write() -> None:
            r.text.label(self.label)
            exits.leave(r, self._choose(1), self._choose(2))

        if not self.shared:
            r.later(write, self.seen)

    def _choose(self, column: int) -> str:
        values = {arrival[column] for arrival in self.arrivals}
        if len(values) == 1:
            return str(values.pop())
        return self.r.text.value("phi i64 " + ", ".join(f"[ {arrival[column]}, %{arrival[0]} ]" for arrival in self.arrivals))
