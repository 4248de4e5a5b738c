"""Values into cells and out of them."""

from __future__ import annotations

import os
import re
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from subint_magic._child.values.parcel import Parcel, pack
from subint_magic._child.values.share import share
from subint_magic.errors import (
    ActorEnded,
    CellError,
    InputError,
    OutputError,
    RunCancelled,
    RunTimedOut,
)
from subint_magic.testing.contract._base import ON_THIS_MACHINE, Contract, Reader

if TYPE_CHECKING:
    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.nursery import ActorNursery

LARGE = 2**23


def _main() -> dict[str, Any]:
    """Return what somebody has defined in ``__main__``, as a notebook does."""
    main: dict[str, Any] = {"__name__": "__main__"}
    exec(
        "def double(x): return factor * x\nfactor = 2\n"
        "class Point:\n    def __init__(self, x): self.x = x\n"
        "    def twice(self): return 2 * self.x\n"
        "from functools import cache\n@cache\ndef fib(n):\n"
        "    return n if n < 2 else fib(n - 1) + fib(n - 2)\n"
        "class Cached:\n    @cache\n    def own(self): return type(self) is Cached\n",
        main,
    )
    return main


class ValueContract(Contract):
    """Values into cells and out of them."""

    async def test_small_values(self, actor: Actor) -> None:
        values = {"a": 1, "b": ["é", None, {"k": 2.5}], "c": b"x"}
        result = await actor.run_cell("d = (a, b, c)\na", inputs=values, outputs=["d", "b"])
        assert result.value == "1"
        assert result.values == {"d": tuple(values.values()), "b": values["b"]}
        assert (await actor.run_cell("c")).value == "b'x'"  # it stays in the namespace
        assert actor.traffic.copied_in == 0  # that of the last run

    async def test_large_buffers_both_ways(self, actor: Actor) -> None:
        source = "view[0], array[0] = 1, 2\nassert data == bytes(len(data))\ntext += 'é'"
        inputs = {
            "data": bytes(LARGE),
            "view": memoryview(bytearray(LARGE)),
            "array": bytearray(LARGE),
            "text": "é" * LARGE,
        }
        result = await actor.run_cell(source, inputs=inputs, outputs=list(inputs))
        assert result.values["data"] == bytes(LARGE)
        assert result.values["text"] == "é" * (LARGE + 1)
        for name, first in (("view", 1), ("array", 2)):
            value: Any = result.values[name]
            assert (value[0], len(value)) == (first, LARGE)
            value[1] = 7  # it is ours to change
            assert inputs[name][0] == 0
        assert 5 * LARGE <= actor.traffic.copied_in < 5.1 * LARGE
        assert 5 * LARGE <= actor.traffic.copied_out < 5.1 * LARGE

    async def test_what_main_has_defined_goes_by_value(self, actor: Actor) -> None:
        main = _main()
        inputs = {"f": main["double"], "p": main["Point"](3), "Point": main["Point"]}
        source = "q = Point(f(p.twice()))\nclass Own: x = 1\nown = Own()\ng = lambda: own.x"
        result = await actor.run_cell(source, inputs=inputs, outputs=["q", "own", "g"])
        values: dict[str, Any] = result.values
        assert type(values["q"]) is main["Point"]
        assert (values["q"].x, values["own"].x, values["g"]()) == (12, 1, 1)

    async def test_cached_functions_go_by_value(self, actor: Actor) -> None:
        main = _main()
        inputs = {"fib": main["fib"], "Cached": main["Cached"], "c": main["Cached"]()}
        source = (
            "from functools import lru_cache\n@lru_cache(maxsize=9)\ndef fact(n):\n"
            "    return n * fact(n - 1) if n else 1\n"
            "checked = (fib(30), fib.__name__, type(c) is Cached, c.own())\nback = c"
        )
        result = await actor.run_cell(source, inputs=inputs, outputs=["fact", "checked", "back"])
        values: dict[str, Any] = result.values
        assert values["checked"] == (832040, "fib", True, True)
        assert type(values["back"]) is main["Cached"]
        fact = values["fact"]
        assert (fact(5), fact.cache_info().currsize, fact.cache_parameters()["maxsize"]) == (
            120,
            6,
            9,
        )
        assert fact.__wrapped__.__globals__["fact"] is fact
        assert await actor.call(main["fib"], 10) == 55

    @ON_THIS_MACHINE
    async def test_shared_memory_is_one(self, actor: Actor) -> None:
        with share(bytes(LARGE)) as shared:
            source = "s.memory[0] = 1\nnested = [s]"
            result = await actor.run_cell(source, inputs={"s": shared}, outputs=["nested"])
            back = result.values["nested"][0]  # type: ignore[index]
            assert shared.memory[0] == 1
            back.memory[1] = 2
            assert (await actor.run_cell("bytes(s.memory[:2])")).value == r"b'\x01\x02'"
        back.memory[2] = 3
        assert (await actor.run_cell("bytes(s.memory[:3])")).value == r"b'\x01\x02\x03'"
        back.close()
        assert (await actor.run_cell("s.close(); s")).value == f"<Shared {LARGE} 'B', closed>"

    async def test_what_cannot_be_pickled_is_not_sent(self, actor: Actor) -> None:
        with pytest.raises(InputError) as caught:
            await actor.run_cell("1", inputs={"a": 1, "b": [threading.Lock()]})
        assert caught.value.name == "b"
        assert str(caught.value) == (
            "input 'b' cannot be pickled: b[0] (a _thread.lock)."
            " Leave that out or make it in the cell."
        )
        with pytest.raises(InputError) as caught:
            await actor.run_cell("1", inputs={"gen": (x for x in [1])})
        assert str(caught.value) == (
            "input 'gen' cannot be pickled: it is a generator. A list of it can cross."
        )

    @ON_THIS_MACHINE
    async def test_closed_shared_memory_is_told(self, actor: Actor) -> None:
        with share(b"x") as shared:
            pass
        with pytest.raises(InputError) as given:
            await actor.run_cell("1", inputs={"s": shared})
        why = "is shared memory that is closed: share the array again."
        assert str(given.value) == f"input 's' {why}"
        with share(b"x") as shared, pytest.raises(OutputError) as lost:
            source = "t = [s]\ns.close()"
            await actor.run_cell(source, inputs={"s": shared}, outputs=["s", "t"])
        assert str(lost.value) == f"output 's' {why} Output 't' cannot be pickled: t[0] {why}"

    async def test_main_is_no_module_that_does_not_load(
        self, actor: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        main = _main()
        exec("class Odd:\n    def __reduce__(self): return 'odd'\nodd = Odd()", main)
        monkeypatch.setattr(sys.modules["__main__"], "odd", main["odd"], raising=False)
        with pytest.raises(InputError) as caught:
            await actor.run_cell("1", inputs={"x": main["odd"]})
        assert str(caught.value) == (
            "input 'x' cannot be loaded in the actor: module '__main__' has no attribute 'odd'."
        )

    async def test_what_cannot_be_loaded_is_told(self, actor: Actor) -> None:
        main = _main()
        exec("class Odd:\n    def __reduce__(self): return eval, ('1/0',)", main)
        with pytest.raises(InputError) as caught:
            await actor.run_cell("print('begun')", inputs={"a": 1, "b": main["Odd"]()})
        assert str(caught.value) == (
            "input 'b' cannot be loaded in the actor: ZeroDivisionError: division by zero."
        )
        with pytest.raises(CellError, match="NameError"):
            await actor.run_cell("a")

    async def test_outputs_that_do_not_come(self, actor: Actor) -> None:
        source = (
            "import threading\nclass Odd:\n    def __reduce__(self): return eval, ('1/0',)\n"
            "good, lock, odd = bytes(10**6), {'k': threading.Lock()}, Odd()"
        )
        with pytest.raises(OutputError) as caught:
            await actor.run_cell(source, outputs=["lock", "goood", "odd", "good"])
        assert caught.value.names == ["lock", "goood", "odd"]
        assert caught.value.values == {"good": bytes(10**6)}
        assert str(caught.value) == (
            "output 'lock' cannot be pickled: lock['k'] (a _thread.lock)."
            " Leave that out or give a part of it."
            " Output 'goood' was never set in the actor. Did you mean 'good'?"
            " Output 'odd' cannot be loaded here: ZeroDivisionError: division by zero."
            " These have come: good."
        )

    async def test_a_cell_that_fails_gives_nothing(self, actor: Actor) -> None:
        with pytest.raises(CellError, match="ZeroDivisionError"):
            await actor.run_cell("x = bytes(10**6)\n1/0", outputs=["x"])

    @pytest.mark.parametrize("when", ["loading", "pickling"])
    async def test_code_of_values_can_be_stopped(self, actor: Actor, when: str) -> None:
        reader = Reader()
        loop = "(print('there'), [None for _ in iter(int, 1)])"
        main = _main()
        exec(f"class Endless:\n    def __reduce__(self): return eval, ({loop!r},)", main)
        cell: dict[str, Any] = {"source": "1", "inputs": {"x": main["Endless"]()}}
        if when == "pickling":
            source = f"class Endless:\n    def __reduce__(self): {loop}\nx = Endless()"
            cell = {"source": source, "outputs": ["x"]}

        async def run() -> None:
            with pytest.raises(RunCancelled):
                await actor.run_cell(**cell, sink=reader)

        async with trio.open_nursery() as tasks:
            tasks.start_soon(run)
            await reader.read_until("there")
            actor.interrupt()
        assert (await actor.run_cell("1 + 1")).value == "2"

    @pytest.mark.usefixtures("no_leaks")
    @ON_THIS_MACHINE
    async def test_an_actor_ends_with_values_on_the_way(self, actor: Actor) -> None:
        async def run(inputs: Parcel) -> None:
            with pytest.raises((RunCancelled, ActorEnded)):
                await actor.run_cell("x *= 2", inputs=inputs, outputs=["x", "s"])

        with share(bytes(LARGE)) as shared:
            async with trio.open_nursery() as tasks:
                for _ in range(2):  # the second waits for its turn
                    tasks.start_soon(run, pack({"x": bytes(LARGE), "s": shared}))
                await trio.testing.wait_all_tasks_blocked()
                actor.request_cancel(grace=0)

    async def test_a_call_is_like_one_here(self, actor: Actor) -> None:
        main = _main()
        exec(
            "async def later(x):\n    import trio\n    await trio.sleep(0)\n    return x + 1\n"
            "class Mine(Exception): pass\ndef fail(x):\n    print('on stdout')\n    raise Mine(x)\n"
            "def stuck():\n    import threading\n    return threading.Lock()",
            main,
        )
        reader = Reader()
        assert await actor.call(main["double"], 21) == 42
        assert await actor.call(main["later"], 1) == 2
        assert await actor.call(len, bytes(LARGE)) == LARGE
        with pytest.raises(main["Mine"], match="why") as caught:
            await actor.call(main["fail"], "why", sink=reader)
        assert reader.text == "on stdout\n"
        assert caught.value.__cause__ is None
        assert caught.value.__traceback__ is not None
        assert caught.value.__traceback__.tb_next is not None
        assert caught.value.__traceback__.tb_next.tb_next is None  # one frame of ours
        (note,) = caught.value.__notes__
        assert note.startswith(f"\nIn actor {actor.name!r}:\nTraceback")
        assert re.findall(r"in (\S+)\n", note) == ["fail"]  # and none of ours there
        with pytest.raises(OutputError, match="is a _thread") as lost:
            await actor.call(main["stuck"])
        assert str(lost.value) == (
            "the result of stuck() cannot be pickled: it is a _thread.lock. Use it in the function."
        )
        with pytest.raises(InputError) as given:
            await actor.call(len, [threading.Lock()])
        assert str(given.value) == (
            "an argument of len() cannot be pickled: arguments[0][0] (a _thread.lock)."
            " Leave that out or make it in the function."
        )
        with pytest.raises(InputError) as given:
            await actor.call(lambda item: item, threading.Lock())
        assert str(given.value) == (
            "an argument of the function cannot be pickled: arguments[0] (a _thread.lock)."
            " Leave that out or make it in the function."
        )

    async def test_an_exception_that_cannot_cross_is_told(self, actor: Actor) -> None:
        main = _main()
        exec("def fail():\n    raise ValueError(iter(''), (i for i in ()))", main)
        with pytest.raises(CellError, match="ValueError") as caught:
            await actor.call(main["fail"])
        assert caught.value.__notes__[1] == (
            "\nIt is a CellError because ValueError cannot be pickled: error.args[1] (a generator)."
        )

    async def test_an_exception_that_cannot_be_rebuilt_is_told(self, actor: Actor) -> None:
        main = _main()
        source = "class Odd(Exception):\n    def __init__(self, a, b): super().__init__(a)\n"
        exec(f"{source}def fail(): raise Odd(1, 2)", main)
        with pytest.raises(CellError, match="Odd: 1") as caught:
            await actor.call(main["fail"])
        files = [entry.filename for entry in traceback.extract_tb(caught.value.__traceback__)]
        assert [os.path.basename(file) for file in files] == ["values.py", "actor.py"]
        why = "It is a CellError because Odd cannot be loaded here: TypeError: "
        assert caught.value.__notes__[1].startswith(f"\n{why}")
        assert why in "\n".join(caught.value._render_traceback_())

    async def test_a_call_can_be_stopped(self, actor: Actor) -> None:
        main = _main()
        exec("def spin():\n    print('there')\n    while True: pass", main)
        with pytest.raises(RunTimedOut):
            await actor.call(main["spin"], timeout=0.1, sink=Reader())
        reader = Reader()
        async with trio.open_nursery() as tasks:

            async def run() -> None:
                await actor.call(main["spin"], sink=reader)

            tasks.start_soon(run)
            await reader.read_until("there")
            tasks.cancel_scope.cancel()
        assert await actor.call(main["double"], 1) == 2

    async def test_map_keeps_the_order(self, nursery: ActorNursery, start_method: str) -> None:
        main = _main()
        exec("def fail(x):\n    while x: pass\n    raise KeyError('the first')", main)
        assert await nursery.map(main["double"], range(5), actors=2, spawn_method=start_method) == [
            *range(0, 10, 2)
        ]
        assert await nursery.map(main["double"], []) == []
        actors = [await nursery.start_actor(spawn_method=start_method) for _ in range(2)]
        with pytest.raises(KeyError, match="the first"):
            await nursery.map(main["fail"], [1, 0], actors=actors)
        assert await nursery.map(main["double"], [1, 2], actors=actors) == [2, 4]
