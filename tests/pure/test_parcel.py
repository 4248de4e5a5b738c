"""Values packed and unpacked, and memory that is shared."""

from __future__ import annotations

import fnmatch
import functools
import gc
import os
import pickle
import sys
import threading
from array import array
from mmap import mmap
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from subint_magic import share
from subint_magic._child.values.files import Arrivals, File
from subint_magic._child.values.namespace import LoadError, Luggage
from subint_magic._child.values.parcel import INLINE, Packer, PackError, pack
from subint_magic._child.values.pickling import StaysHere
from subint_magic._child.values.unpacking import UnpackError, unpack

pytestmark = pytest.mark.usefixtures("no_leaks")

LARGE = 10**6


def there_and_back(**values: object) -> dict[str, Any]:
    return dict(unpack(pack(values)))


class Holder:
    def __init__(self, **things: object) -> None:
        self.__dict__.update(things)


def test_small_values_go_in_the_message():
    parcel = pack({"a": [1, "é", None], "b": b"x" * 1000})
    assert parcel.data is not None
    assert parcel.files == []
    assert dict(unpack(parcel)) == {"a": [1, "é", None], "b": b"x" * 1000}


def test_large_ones_go_in_one_file():
    parcel = pack({"a": bytes(LARGE), "b": np.ones(LARGE), "c": 1})
    assert (parcel.data, len(parcel.files)) == (None, 1)
    assert parcel.copied >= 9 * LARGE
    values = dict(unpack(parcel))
    assert values["a"] == bytes(LARGE)
    assert values["c"] == 1
    assert parcel.files == []


@pytest.mark.parametrize("size", [0, 1, INLINE - 100, INLINE, INLINE + 1, LARGE])
def test_buffers_of_all_kinds_and_sizes(size: int):
    values = {
        "bytes": b"x" * size,
        "bytearray": bytearray(b"y" * size),
        "str": "é" * size,
        "array": np.arange(size),
        "fortran": np.asfortranarray(np.ones((size, 2))),
        "strided": np.arange(2 * size)[::2],
        "frame": pd.DataFrame({"i": np.arange(size), "s": ["t"] * size}),
        "table": pa.table({"i": np.arange(size)}),
        "items": array("d", range(size)),
    }
    back = there_and_back(**values)
    for name in ("bytes", "bytearray", "str", "items"):
        assert back[name] == values[name]
        assert type(back[name]) is type(values[name])
    for name in ("array", "fortran", "strided"):
        assert np.array_equal(back[name], values[name])  # type: ignore[arg-type]
        back[name][:] = 0  # it can be written to
    pd.testing.assert_frame_equal(back["frame"], values["frame"])
    assert back["table"].equals(values["table"])


def test_memoryviews_stay_what_they_are():
    grid = memoryview(bytearray(8 * LARGE)).cast("d", (1000, 1000))
    back = there_and_back(
        grid=grid, strided=memoryview(b"abcd")[::2], constant=memoryview(bytes(LARGE)), no=b""
    )
    assert (back["grid"].shape, back["grid"].format) == ((1000, 1000), "d")
    back["grid"][1, 2] = 3.0
    assert bytes(back["strided"]) == b"ac"
    assert back["constant"].readonly


def root(array: Any) -> object:
    """Return the object that an array's memory belongs to."""
    while isinstance(array, np.ndarray):
        array = array.base
    return memoryview(array).obj


def test_many_small_buffers_do_not_hold_the_large_one():
    values = there_and_back(all=[np.ones(10), np.ones(LARGE)])["all"]
    small, large = map(root, values)
    assert isinstance(small, bytearray)
    assert isinstance(large, mmap)


def test_memory_is_given_back_as_large_bytes_are_read():
    parcel = pack({"a": b"x" * 2**25})
    file = parcel.files[0].dup()
    assert dict(unpack(parcel))["a"] == b"x" * 2**25
    assert os.fstat(file.fd).st_blocks * 512 < 2**20


def test_what_only_main_has_goes_by_value(monkeypatch: pytest.MonkeyPatch):
    main: dict[str, Any] = {"__name__": "__main__"}
    exec("def double(x): return factor * x\nfactor = 2\nclass Point: x = 1", main)
    back = there_and_back(f=main["double"], nested=[lambda: 3, main["Point"]()])
    assert back["f"] is not main["double"]
    assert back["f"](21) == 42
    assert back["nested"][0]() == 3
    assert back["nested"][1].x == 1


def main_class() -> type:
    space: dict[str, Any] = {"__name__": "__main__"}
    exec("import threading\nclass Model: pass\nModel.lock = threading.Lock()", space)
    return space["Model"]  # type: ignore[no-any-return]


LOCK = threading.Lock()


def dispatching() -> Any:
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(
        "import functools\n@functools.singledispatch\ndef area(x): return x\n"
        "def user(): return area",
        space,
    )
    return space


def closure() -> object:
    lock = LOCK
    return lambda: lock


@pytest.mark.parametrize(
    ("value", "why", "way_out"),
    [
        (LOCK, "it is a _thread.lock", "itself"),
        (Holder(lock=LOCK), "x.lock (a _thread.lock)", "attribute"),
        (
            [1, {"k": (0, Holder(a=Holder(b=LOCK)))}],
            "x[1]['k'][1].a.b (a _thread.lock)",
            "attribute",
        ),
        ({1: {frozenset([2]): iter("")}, 3: LOCK}, "x[3] (a _thread.lock)", "item"),
        (lambda: LOCK, "LOCK in x (a _thread.lock)", "item"),
        (Holder(f=closure()), "lock in x.f (a _thread.lock)", "item"),
        (functools.cache(closure()), "lock in x (a _thread.lock)", "item"),  # type: ignore[arg-type]
        ((i for i in ()), "it is a generator", "list"),
        (Holder(pairs=zip(i for i in ())), "x.pairs (a zip)", "list"),
        (dispatching()["area"], "it is a functools.singledispatch function", "itself"),
        (dispatching()["user"], "area in x (a functools.singledispatch function)", "item"),
        (main_class(), "x.lock (a _thread.lock)", "item"),
    ],
    ids=[
        "itself",
        "attribute",
        "deep",
        "item",
        "global",
        "closure",
        "cached",
        "generator",
        "iterator",
        "dispatching",
        "uses dispatching",
        "class",
    ],
)
def test_the_part_that_blocks_is_named(value: object, why: str, way_out: str):
    with pytest.raises(PackError) as caught:
        pack({"ok": bytes(LARGE), "x": value})
    error = caught.value
    assert (error.name, str(error)) == ("x", f"cannot be pickled: {why}")
    assert error.way_out == way_out


class Shown(StaysHere):
    refusal = "is not to go: look at it"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (Shown(), "is not to go: look at it"),
        ([Shown()], "cannot be pickled: x[0] is not to go: look at it"),
    ],
    ids=["itself", "part"],
)
def test_what_never_crosses_says_so_itself(value: object, why: str):
    with pytest.raises(PackError) as caught:
        pack({"x": value})
    assert (str(caught.value), caught.value.way_out) == (why, "")
    assert isinstance(pickle.loads(pickle.dumps(Shown())), Shown)  # elsewhere it can be pickled


def test_cached_functions_go_by_value():
    main: dict[str, Any] = {"__name__": "__main__"}
    exec(
        "import functools\n@functools.lru_cache(maxsize=7, typed=True)\ndef fib(n: int):\n"
        "    'Rabbits.'\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\nfib.own = 5\n"
        "class Point:\n    @functools.cache\n    def same(self): return type(self) is Point\n"
        "length = functools.cache(len)",
        main,
    )
    back = there_and_back(all=[main["fib"], main["Point"](), main["length"]], f=main["fib"])
    fib, point, length = back["all"]
    assert (fib(30), fib.cache_info().currsize) == (832040, 7)
    assert fib.__wrapped__.__globals__["fib"] is fib
    assert fib.cache_parameters() == {"maxsize": 7, "typed": True}
    assert (fib.__name__, fib.__doc__, fib.own) == ("fib", "Rabbits.", 5)
    assert fib.__module__ == "__main__"
    assert point.same()
    assert length("abc") == 3
    assert back["f"](10) == 55
    importable: Any = fnmatch._compile_pattern  # type: ignore[attr-defined]
    assert there_and_back(f=importable)["f"] is importable


def test_main_is_no_module_that_does_not_load(monkeypatch: pytest.MonkeyPatch):
    class Named:
        __module__ = "__main__"

        def __reduce__(self) -> str:
            return "named"

    named = Named()
    monkeypatch.setattr(sys.modules["__main__"], "named", named, raising=False)
    parcel = pack({"x": named})
    monkeypatch.undo()
    error = dict(unpack(parcel))["x"]
    assert isinstance(error, UnpackError)
    assert str(error) == "module '__main__' has no attribute 'named'"
    assert not error.missing


def test_other_reasons_are_told_on_one_line():
    class Odd:
        def __reduce__(self) -> str:
            raise ValueError("not\nme")

    with pytest.raises(PackError) as caught:
        pack({"x": [Odd()]})
    kind = "test_parcel.test_other_reasons_are_told_on_one_line.<locals>.Odd"
    assert str(caught.value).startswith("cannot be pickled: ValueError: not me (in x[0], a ")
    assert str(caught.value).endswith(f"{kind})")


def test_one_that_cannot_be_packed_does_not_hurt_the_others():
    packer = Packer()
    packer.add("a", bytes(LARGE))
    with pytest.raises(PackError):
        packer.add("b", [bytes(LARGE), LOCK])
    packer.add("c", np.ones(LARGE))
    values = dict(unpack(packer.parcel()))
    assert list(values) == ["a", "c"]
    assert np.array_equal(values["c"], np.ones(LARGE))  # type: ignore[arg-type]


class Unloadable:
    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("1/0",)


def test_one_that_cannot_be_loaded_does_not_hurt_the_others():
    back = there_and_back(a=np.ones(LARGE), b=[np.ones(LARGE), Unloadable()], c=np.ones(LARGE))
    assert isinstance(back["b"], UnpackError)
    assert str(back["b"]) == "ZeroDivisionError: division by zero"
    assert np.array_equal(back["c"], np.ones(LARGE))


def test_a_namespace_is_set_as_a_whole_or_not_at_all():
    namespace: dict[str, Any] = {}
    luggage = Luggage(pack({"a": 1, "b": Unloadable()}), gives=True)
    with pytest.raises(LoadError):
        luggage.load(namespace)
    told = luggage.close({})
    assert told is not None
    assert told["parcel"] is None
    assert [problem["name"] for problem in told["problems"]] == ["b"]
    assert namespace == {}
    luggage = Luggage(pack({"a": 1}), gives=False)
    luggage.load(namespace)
    assert luggage.close({}) is None
    assert namespace == {"a": 1}


@pytest.mark.parametrize("large", [b"", bytes(LARGE)], ids=["small", "large"])
def test_what_is_there_is_taken_and_the_rest_explained(large: bytes):
    luggage = Luggage(None, gives=True)
    names = {"a": large, "lock": LOCK, "_x": 1}
    luggage.pack(names, ["a", "lock", "b"], lambda: names)
    told = luggage.close({})
    assert told is not None
    assert dict(unpack(told["parcel"])) == {"a": large}
    assert told["problems"] == [
        {"name": "lock", "why": "cannot be pickled: it is a _thread.lock", "way_out": "itself"},
        {"name": "b", "known": ["a", "lock"]},
    ]


def test_luggage_that_is_not_used_leaves_nothing():
    with share(b"x") as shared:
        Luggage(pack({"a": bytes(LARGE), "s": shared}), gives=True).close({})


def test_lost_files_are_an_error():
    parcel = pack({"a": bytes(LARGE)})
    parcel.close()
    with pytest.raises(OSError, match="got lost"):
        dict(unpack(parcel))


def test_files_that_nobody_takes_are_closed():
    arrivals = Arrivals()
    arrivals.add([os.dup(0), os.dup(0)])
    arrivals.add_chunk(b"x", last=False)
    assert len(arrivals.take(1)) == 1
    arrivals.close()
    assert arrivals.take(1) == []


def test_without_memfd_a_file_without_a_name_serves(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(os, "memfd_create")
    assert there_and_back(a=b"x" * LARGE) == {"a": b"x" * LARGE}


# shared memory


def test_what_is_shared_is_seen_by_all():
    with share(np.ones((2, 3))) as shared:
        back = there_and_back(a=[shared, shared], b=shared)
        first, second = back["a"][0], back["b"]
        assert back["a"][1] is first
        first.array[0, 0] = 7
        second.memory[1, 2] = 8
        assert shared.array.tolist() == [[7, 1, 1], [1, 1, 8]]
    assert second.array[0, 0] == 7  # each holder closes for itself
    first.close()
    assert second.array[0, 0] == 7


def test_arrays_outlive_the_close():
    with share(np.arange(10)) as shared:
        view = shared.array
    view[0] = 5
    assert view.sum() == 50
    with pytest.raises(ValueError, match="this shared memory is closed"):
        shared.array  # noqa: B018
    with pytest.raises(PackError) as caught:
        pack({"s": shared})
    assert str(caught.value) == "is shared memory that is closed: share the array again"


@pytest.mark.parametrize(
    "value",
    [
        np.array(["2020-01-01"], "M8[s]"),
        np.zeros(2, [("a", "i4"), ("b", "f8")]),
        np.arange(3, dtype=">i4"),
        np.zeros(()),
        np.zeros((0, 3)),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.arange(10)[::2],
        np.array([True, False]),
    ],
    ids=str,
)
def test_shape_and_dtype_are_kept(value: Any):
    with share(value) as shared, there_and_back(x=shared)["x"] as back:
        assert back.array.dtype == value.dtype
        assert np.array_equal(back.array, value)
        assert back.memory.nbytes == back.nbytes == value.nbytes


@pytest.mark.parametrize("value", [b"abc", b"", bytearray(b"abc"), array("d", [1, 2])], ids=str)
def test_anything_with_a_buffer_can_be_shared(value: Any):
    with share(value) as shared:
        assert shared.memory == memoryview(value)
        assert not shared.memory.readonly


def test_what_cannot_be_shared():
    with pytest.raises(TypeError, match="a list has no buffer and cannot be shared"):
        share([1])
    with pytest.raises(TypeError, match="an array of Python objects cannot be shared"):
        share(np.array([object()]))
    with share(b"x") as shared, pytest.raises(TypeError, match="only goes to actors and back"):
        pickle.dumps(shared)


def test_the_memory_goes_with_its_last_holder():
    shared = share(np.ones(LARGE))
    file = shared.dup_file()
    view = shared.array
    del shared
    assert file.size == 8 * LARGE
    del view
    gc.collect()
    file.close()
    assert isinstance(file, File)
