"""``@subint``: functions of plain Python whose calls run in actors."""

from __future__ import annotations

import functools
import importlib
import operator
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest
import trio

from subint_magic import (
    ActorConflict,
    RunTimedOut,
    SubintFunction,
    UnknownSpawnMethod,
    get_start_method,
    map as subint_map,
    subint,
)
from subint_magic.runtime.functions import default

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from subint_magic.runtime.nursery import ActorNursery


@pytest.fixture(autouse=True)
def own_host(no_leaks: None) -> Iterator[None]:
    """End what the first call has started."""
    yield
    default.stop()


def in_main(source: str) -> SubintFunction[..., object]:
    """Return the function ``f`` of *source* as if a notebook had defined it."""
    main: dict[str, object] = {"__name__": "__main__", "subint": subint}
    exec(source, main)
    function = main["f"]
    assert isinstance(function, SubintFunction)
    return function


def test_a_call_blocks_and_returns():
    power = subint(pow)
    assert power(2, 10) == 1024
    assert power(2, exp=3) == 8
    assert (power.__name__, subint(timeout=3)(pow).__name__) == ("pow", "pow")


def test_inside_of_an_actor_it_is_the_plain_function():
    source = "@subint\ndef f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)"
    assert in_main(source)(12) == 144


def test_a_named_actor_is_kept():
    source = (
        "@subint(name='kept')\ndef f():\n    import sys\n"
        "    sys.count = getattr(sys, 'count', 0) + 1\n    return sys.count"
    )
    function = in_main(source)
    assert [function(), function()] == [1, 2]


def test_the_death_of_a_named_actor_is_told_to_the_next(capfd: pytest.CaptureFixture[str]):
    source = (
        "@subint(name='w', spawn_method='trio')\ndef f():\n    import os\n    return os.getpid()"
    )
    function = in_main(source)

    async def die(nursery: ActorNursery) -> None:
        actor = nursery.actors["w"]
        os.kill(pid, signal.SIGKILL)
        await actor.wait_ended()

    pid = function()
    default.find().host().start(die).result()
    assert function() != pid
    assert capfd.readouterr().err == (
        "actor 'w' died while idle: killed by SIGKILL.\nA new one takes its name.\n"
    )


def test_a_named_actor_on_another_method_is_a_conflict():
    in_main("@subint(name='w', spawn_method='trio')\ndef f(): pass")()
    with pytest.raises(ActorConflict) as caught:
        in_main("@subint(name='w', spawn_method='mp_spawn')\ndef f(): pass")()
    assert str(caught.value) == (
        "actor 'w' runs on 'trio', not 'mp_spawn':"
        " close it first (%subints close w) or choose another name."
    )


def test_a_named_actor_that_is_ending_is_waited_for():
    function = in_main("@subint(name='w')\ndef f(): return 1")

    async def begin_end(nursery: ActorNursery) -> None:
        nursery.actors["w"].request_end()

    assert function() == 1
    default.find().host().start(begin_end).result()
    assert function() == 1


def test_its_errors_are_those_of_the_function():
    with pytest.raises(KeyError, match="3") as caught:
        in_main("@subint\ndef f(x): raise KeyError(x)")(3)
    assert "In actor" in caught.value.__notes__[0]


def test_what_it_prints_is_printed_here(capsys: pytest.CaptureFixture[str]):
    in_main("@subint\ndef f(): print('there')")()
    assert capsys.readouterr().out == "there\n"


def test_items_are_taken_outside_of_trio():
    def items() -> Iterator[int]:
        assert not trio.lowlevel.in_trio_run()
        yield 2
        yield 3

    assert subint_map(operator.neg, items(), actors=1) == [-2, -3]


def test_map_of_an_async_function():
    source = "@subint\nasync def f(x):\n    import trio\n    await trio.sleep(0)\n    return x"
    function = in_main(source)
    assert subint_map(function, [1], actors=1) == function.map([1], actors=1) == [1]


def test_map_keeps_the_order():
    function = in_main("@subint\ndef f(x): return x * x")
    assert function.map(range(5), actors=2) == [0, 1, 4, 9, 16]


def test_it_says_what_it_is():
    function = in_main("@subint(spawn_method='trio')\ndef f(): pass")
    assert repr(function) == "<subint function f on 'trio'>"
    named = in_main("@subint(name='w', spawn_method='trio')\ndef f(): pass")
    assert repr(named) == "<subint function f in actor 'w' on 'trio'>"
    selected = get_start_method()
    assert repr(subint(functools.partial(pow, 2))) == f"<subint function partial on {selected!r}>"


def test_methods_run_in_actors():
    main: dict[str, Any] = {"__name__": "__main__", "subint": subint}
    exec(
        "class Adder:\n    def __init__(self, n): self.n = n\n"
        "    @subint(name='w')\n    def add(self, x, *, y=0): return self.n + x + y\n"
        "    @subint(name='w')\n    def twice(self, x): return 2 * self.add(x)\n"
        "    @classmethod\n    @subint(name='w')\n    def named(cls): return cls.__name__\n",
        main,
    )
    adder = main["Adder"](3)
    assert (adder.add(1), adder.add(x=1, y=1), adder.twice(1)) == (4, 5, 8)
    assert adder.add.map([1, 2], actors=1) == [4, 5]
    assert main["Adder"].add(adder, 1) == 4
    assert main["Adder"].named() == "Adder"
    assert adder.add.__name__ == "add"
    assert repr(adder.add).startswith("<subint function Adder.add in actor 'w' on ")


def test_methods_of_classes_of_a_module_run_in_actors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "adders.py").write_text(
        "from subint_magic import subint\nclass Adder:\n    n = 3\n"
        "    @subint(spawn_method='trio')\n    def add(self, x): return self.n + x\n"
    )
    adder = importlib.import_module("adders").Adder()
    assert (adder.add(1), adder.add.map([2], actors=1)) == (4, [5])


@pytest.mark.parametrize(
    ("wrong", "what", "write"),
    [
        ("trio", "the string 'trio'", "@subint(spawn_method='trio')"),
        ("auto", "the string 'auto'", "@subint(spawn_method='auto')"),
        ("worker", "the string 'worker'", "@subint(name='worker')"),
        (
            5,
            "an object of type int",
            "@subint, or @subint(name=…, spawn_method=…, timeout=…)",
        ),
    ],
)
def test_what_is_no_function_is_said_at_once(wrong: Any, what: str, write: str):
    for decorate in (subint, subint(name="w")):
        with pytest.raises(TypeError) as caught:
            decorate(wrong)
        assert str(caught.value) == f"subint decorates a function, not {what}: write {write}"
    with pytest.raises(TypeError) as caught:
        subint_map(wrong, [1])
    assert str(caught.value) == (
        f"map calls a function, not an object of type {type(wrong).__name__}:"
        " write map(function, items)"
    )


def test_an_unknown_spawn_method_is_said_at_once():
    for wrong in (
        lambda: subint(spawn_method="nope"),
        lambda: subint_map(len, [], spawn_method="nope"),
    ):
        with pytest.raises(UnknownSpawnMethod) as caught:
            wrong()
        assert str(caught.value) == (
            "unknown spawn method 'nope'. Valid keys: subint, subint_legacy, trio, mp_spawn,"
            " mp_forkserver, dask, auto."
        )


def test_map_of_a_function_that_is_decorated_keeps_what_it_does_not_change():
    function = in_main(
        "@subint(name='w', spawn_method='trio', timeout=60)\n"
        "def f(x):\n    import os\n    return os.getpid()"
    )
    assert subint_map(function, [1], actors=1) != [os.getpid()]
    with pytest.raises(RunTimedOut):
        subint_map(in_main("@subint\ndef f(x):\n    while x: pass"), [1], timeout=0.05)


@pytest.mark.parametrize("actors", [0, -1])
def test_map_takes_one_actor_at_least(actors: int):
    with pytest.raises(ValueError, match=f"map takes one actor at least, not {actors}"):
        subint(len).map([""], actors=actors)


def test_it_can_be_timed_out():
    for name, note in (
        (None, "its actor ends with it"),
        ("w", "the actor and its namespace are kept"),
    ):
        source = f"@subint(timeout=0.05, name={name!r})\ndef f(x):\n    while True: pass"
        with pytest.raises(RunTimedOut) as caught:
            in_main(source)(1)
        assert caught.value.note == note
    with pytest.raises(RunTimedOut) as caught:
        in_main("@subint(timeout=0.05)\ndef f(x):\n    while True: pass").map([1], actors=1)
    assert caught.value.note == "its actor ends with it"


class Stream:
    """Stands in for stdout, and interrupts this program once something is printed there."""

    def write(self, text: str) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def flush(self) -> None:
        pass


def test_an_interrupt_stops_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdout", Stream())
    function = in_main("@subint(name='kept')\ndef f(x):\n    print('there')\n    while x: pass")
    with pytest.raises(KeyboardInterrupt):
        function(1)
    monkeypatch.undo()
    assert function(0) is None


async def test_it_does_not_block_trio():
    with pytest.raises(RuntimeError, match=r"use `await actor\.call"):
        subint(os.getpid)()
