"""The object linker: real objects from LLVM, placed and called; damaged ones refused."""

from __future__ import annotations

import ctypes
import random

import llvmlite.binding as llvm
import pytest

from runtime import image as images
from runtime import objects

TEXT = """
@counter = global i64 5
@zeroed = global [100 x i64] zeroinitializer
@common = common global i64 0, align 8
@table = private constant [4 x i64] [i64 10, i64 20, i64 30, i64 40]
@pointer = global ptr @counter

declare ptr @memcpy(ptr, ptr, i64)
declare float @fmaf(float, float, float)
declare i64 @labs(i64) nobuiltin

define i64 @count(i64 %by) {
  %old = load i64, ptr @counter
  %new = add i64 %old, %by
  store i64 %new, ptr @counter
  ret i64 %new
}

define i64 @through_pointer() {
  %where = load ptr, ptr @pointer
  %value = load i64, ptr %where
  ret i64 %value
}

define i64 @look_up(i64 %index) {
  %slot = getelementptr [4 x i64], ptr @table, i64 0, i64 %index
  %value = load i64, ptr %slot
  ret i64 %value
}

define i64 @remember(i64 %index, i64 %value) {
  %slot = getelementptr [100 x i64], ptr @zeroed, i64 0, i64 %index
  %old = load i64, ptr %slot
  store i64 %value, ptr %slot
  %more = load i64, ptr @common
  %sum = add i64 %old, %more
  store i64 %value, ptr @common
  ret i64 %sum
}

define float @external(float %x, ptr %to, ptr %from, i64 %size) {
  %copied = call ptr @memcpy(ptr %to, ptr %from, i64 %size)
  %product = call float @fmaf(float %x, float %x, float 1.0)
  ret float %product
}

define ptr @address_of_function() {
  ret ptr @labs
}

define i64 @jumps(i64 %x) {
  switch i64 %x, label %other [ i64 0, label %a  i64 1, label %b  i64 2, label %c  i64 3, label %d  i64 4, label %e ]
a:
  %r0 = call i64 @count(i64 1)
  ret i64 %r0
b:
  %r1 = call i64 @count(i64 100)
  ret i64 %r1
c:
  %r2 = call i64 @look_up(i64 2)
  ret i64 %r2
d:
  %r3 = call i64 @remember(i64 5, i64 %x)
  ret i64 %r3
e:
  %r4 = call i64 @through_pointer()
  ret i64 %r4
other:
  ret i64 -1
}
"""
UNDEFINED = "declare i64 @nobody_has_this(i64)\ndefine i64 @f(i64 %x) {\n %r = call i64 @nobody_has_this(i64 %x)\n ret i64 %r\n}"


def compiled(text: str, **options: str) -> bytes:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()
    machine = llvm.Target.from_default_triple().create_target_machine(**{"reloc": "pic", "codemodel": "small", **options})
    return machine.emit_object(llvm.parse_assembly(text))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def obj() -> bytes:
    return compiled(TEXT)


def test_links_and_runs(obj: bytes) -> None:
    image = images.map_object(obj)
    number = ctypes.c_int64
    count = image.function("count", number, number)
    assert [count(3), count(-8)] == [8, 0]
    ctypes.c_int64.from_address(image.address("counter")).value = 77
    assert image.function("through_pointer", number)() == 77
    look_up = image.function("look_up", number, number)
    assert [look_up(i) for i in range(4)] == [10, 20, 30, 40]
    remember = image.function("remember", number, number, number)
    assert [remember(99, 5), remember(99, 6), remember(0, 1)] == [0, 10, 6]
    jumps = image.function("jumps", number, number)
    assert [jumps(i) for i in range(6)] == [78, 178, 30, 1, 178, -1]
    labs = ctypes.CFUNCTYPE(number, number)(image.function("address_of_function", ctypes.c_void_p)())
    assert labs(-9) == 9


def test_external_functions(obj: bytes) -> None:
    external = images.map_object(obj).function("external", ctypes.c_float, ctypes.c_float, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int64)
    buffer = ctypes.create_string_buffer(6)
    assert external(3.0, ctypes.cast(buffer, ctypes.c_char_p), b"hello", 5) == 10.0
    assert buffer.value == b"hello"


def test_undefined_symbol_is_named() -> None:
    linked = objects.link(compiled(UNDEFINED))
    with pytest.raises(objects.ObjectError, match="nobody_has_this"):
        objects.place(linked, 0x10000, 0x20000, images.resolve)


def test_code_that_is_not_position_independent() -> None:
    with pytest.raises(objects.ObjectError, match="position-independent|relocation type"):
        objects.link(compiled(TEXT, reloc="static"))


def test_too_far_apart(obj: bytes) -> None:
    with pytest.raises(objects.ObjectError, match="2 GiB"):
        objects.place(objects.link(obj), 0x10000, 1 << 40, images.resolve)


def test_settled_object_keeps_its_distance(obj: bytes) -> None:
    settled = objects.settle(objects.link(obj), 0x1000)
    with pytest.raises(objects.ObjectError, match="settled"):
        objects.place(settled, 0x10000, 0x12000, images.resolve)


def test_settled_equals_placed(obj: bytes) -> None:
    linked = objects.link(obj)
    assert objects.place(objects.settle(linked, 0x4000), 0x50000, 0x54000, images.resolve) == objects.place(linked, 0x50000, 0x54000, images.resolve)


def test_dump_and_load(obj: bytes) -> None:
    linked = objects.link(obj)
    again = objects.load(objects.dump(linked))
    for name in linked.__slots__:
        assert getattr(again, name) == getattr(linked, name), name
    assert objects.dump(again) == objects.dump(linked)


def test_damaged_dumps_are_refused(obj: bytes) -> None:
    blob = objects.dump(objects.link(obj))
    rng = random.Random(1)
    for _ in range(300):
        at = rng.randrange(len(blob))
        damaged = bytearray(blob)
        damaged[at] ^= 1 << rng.randrange(8)
        with pytest.raises(objects.ObjectError):
            objects.load(bytes(damaged))
    for cut in (0, 1, 7, 8, 40, len(blob) // 2, len(blob) - 1):
        with pytest.raises(objects.ObjectError):
            objects.load(blob[:cut])
    with pytest.raises(objects.ObjectError):
        objects.load(blob + b"x")


@pytest.mark.parametrize("blob", [b"", b"\x7fELF", bytes(64), b"\x7fELF\x01\x01" + bytes(100), b"\x7fELF\x02\x01" + bytes(100)])
def test_not_an_object(blob: bytes) -> None:
    with pytest.raises(objects.ObjectError):
        objects.link(blob)


def test_damaged_objects_never_crash(obj: bytes) -> None:
    rng = random.Random(2)
    for _ in range(300):
        damaged = bytearray(obj)
        for _ in range(4):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        try:
            objects.place(objects.link(bytes(damaged)), 0x10000, 0x20000, images.resolve)
        except objects.ObjectError:
            continue
