"""``@subint``: functions of plain Python whose calls run in actors."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from subint_magic import ActorConflict, RunTimedOut, SubintFunction, subint
from subint_magic.runtime.functions import default

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def test_map_keeps_the_order():
    function = in_main("@subint\ndef f(x): return x * x")
    assert function.map(range(5), actors=2) == [0, 1, 4, 9, 16]


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
