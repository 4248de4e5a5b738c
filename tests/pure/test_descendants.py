"""Actors that an actor has started: what it tells of them, and what is known here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgpack
import pytest
import trio

from subint_magic._child.output import kin
from subint_magic._child.output.kin import MOST, PAUSE, Kin
from subint_magic.errors import ActorDied
from subint_magic.runtime.descendants import reported
from subint_magic.runtime.events import DescendantMoved
from subint_magic.runtime.lifecycle import State
from subint_magic.runtime.nursery import open_nursery
from subint_magic.testing.fake import HELLO, FakePeer, fake_method
from subint_magic.wire.messages import Close, Descendant, Descendants, Done, Goodbye, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio.testing import MockClock

    from subint_magic.runtime.events import Published


class Ticking:
    """A `Kin` whose clock a test turns."""

    def __init__(self) -> None:
        self.now = 1.0
        self.woken = 0
        self.kin = Kin(self._wake, lambda: self.now)

    def _wake(self) -> None:
        self.woken += 1

    def take(self) -> list[Any]:
        self.now += PAUSE
        return self.kin.take()


@pytest.fixture
def ours() -> Iterator[Ticking]:
    """Make this interpreter that of an actor, as its bootstrap does."""
    ticking = Ticking()
    kin.ours = ticking.kin
    yield ticking
    kin.ours = None


async def idle(peer: FakePeer) -> None:
    await peer.say(HELLO)
    await peer.hear(Close)
    await peer.say(Goodbye())


# what an actor tells


def test_only_the_last_of_each_is_sent_and_not_too_often():
    ticking = Ticking()
    own = ticking.kin
    own.tell((1,), "first", lives=True)
    assert ticking.woken
    assert ticking.take() == ["first"]
    for number in range(10_000):
        own.tell((1,), number, lives=True)
    assert own.take() == []
    assert own.news
    assert ticking.take() == [9_999]
    assert not own.news
    assert ticking.take() == []


def test_a_flood_is_bounded():
    ticking = Ticking()
    own = ticking.kin
    for number in range(10 * MOST):
        own.tell((number,), number, lives=True)
    assert ticking.take() == list(range(MOST))
    for number in range(10 * MOST):
        own.tell((number,), -number, lives=False)
    assert ticking.take() == [-number for number in range(MOST)]
    own.tell((7, 1), "room again", lives=True)
    assert ticking.take() == ["room again"]


def test_who_came_and_went_between_two_messages_is_not_sent():
    ticking = Ticking()
    ticking.kin.tell((1,), "came", lives=True)
    ticking.kin.tell((1,), "went", lives=False)
    assert ticking.take() == []


def test_nothing_is_sent_after_the_last():
    own = Kin(lambda: None)
    own.tell((1,), "a", lives=True)
    assert own.take() == ["a"]
    own.tell((1,), "b", lives=True)
    own.open = False
    assert own.take(now=True) == ["b"]
    own.tell((1,), "c", lives=True)
    own.news[1,] = "of another thread at the same time", True
    assert own.take() == []


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_tells_nothing():
    own = Kin(lambda: None)
    if not (pid := os.fork()):
        own.tell((1,), "a", lives=True)
        os._exit(len(own.news))
    assert os.waitpid(pid, 0)[1] == 0


async def test_a_nursery_in_an_actor_tells_its_parent(autojump_clock: MockClock, ours: Ticking):
    async def child(peer: FakePeer) -> None:
        await peer.say(HELLO)
        await peer.hear(Run)
        below = Descendant((4, 2), "below", "subint", "idle", 8, 3, "")
        await peer.say(Descendants([below]), Done(1, "ok"))
        await peer.hear(Close)
        await peer.say(Goodbye())

    async with open_nursery() as nursery:
        method = fake_method(child)
        actor = await nursery.start_actor("x" * 999, spawn_method=method)
        ((path, *facts),) = ours.take()
        assert facts == ["x" * 200, method.key, "idle", 1, 1, ""]
        running: list[object] = []
        await actor.run_cell("\n1\n2", on_begin=lambda _: running.extend(ours.take()))
        assert running == [[path, *facts[:2], "running", 1, 1, "1"]]
        assert sorted(ours.take()) == [
            [path, *facts],
            [(*path, 4, 2), "below", "subint", "idle", 8, 3, ""],
        ]
    assert sorted(ours.take()) == [
        [path, *facts[:2], "done", 1, 1, ""],
        [(*path, 4, 2), "below", "subint", "cancelled", 8, 3, ""],
    ]


async def test_a_name_that_is_no_text_can_be_told(autojump_clock: MockClock, ours: Ticking):
    async with open_nursery() as nursery:
        await nursery.start_actor("\udc80", spawn_method=fake_method(idle))
        (fact,) = ours.take()
        assert msgpack.unpackb(msgpack.packb(fact))[1] == r"\udc80"


async def test_the_end_is_told_even_if_nobody_sees_it(autojump_clock: MockClock, ours: Ticking):
    """As when an interrupt has torn trio, and its actors with it."""
    with reported() as (tell,):
        async with open_nursery() as nursery:
            nursery.listeners[:] = [tell]
            await nursery.start_actor("a", spawn_method=fake_method(idle))
            nursery.listeners.clear()
        assert [fact[3] for fact in ours.take()] == ["idle"]
    assert [fact[3] for fact in ours.take()] == ["cancelled"]


# what is known here


async def test_what_is_known_of_them(autojump_clock: MockClock):
    def said(path: tuple[int, ...], state: State, source: str = "") -> Descendants:
        return Descendants([Descendant(path, "d", "trio", state.value, 7, 0, source)])

    now = [trio.Event() for _ in range(4)]

    async def child(peer: FakePeer) -> None:
        await peer.say(HELLO, said((2,), State.IDLE))
        await now[0].wait()
        await peer.say(said((1, 3), State.IDLE), said((1,), State.RUNNING, "x"))
        await now[1].wait()
        await peer.say(said((2,), State.RUNNING, "y"), said((1,), State.RUNNING, "x"))
        await now[2].wait()
        await peer.say(said((2,), State.DONE))
        await now[3].wait()

    events: list[DescendantMoved] = []
    moved = trio.Event()

    def listen(event: Published) -> None:
        if isinstance(event, DescendantMoved):
            events.append(event)
            moved.set()

    async with open_nursery(strict=False) as nursery:
        nursery.listeners.append(listen)
        actor = await nursery.start_actor("a", spawn_method=fake_method(child))
        start = trio.current_time()
        await trio.sleep(1)
        assert [(d.path, d.state, d.started) for d in actor.descendants] == [
            ((2,), State.IDLE, start)
        ]
        now[0].set()
        await trio.sleep(1)
        assert [d.path for d in actor.descendants] == [(1,), (1, 3), (2,)]
        now[1].set()
        await trio.sleep(1)
        assert [(d.path, d.started - start, d.since - start) for d in actor.descendants] == [
            ((1,), 1, 1),
            ((1, 3), 1, 1),
            ((2,), 0, 2),
        ]
        now[2].set()
        await trio.sleep(1)
        assert [d.path for d in actor.descendants] == [(1,), (1, 3)]
        assert [(d.path, d.state) for d in events[-1].moved] == [((2,), State.DONE)]
        now[3].set()
        assert await actor.wait_ended() is State.FAILED
        assert actor.descendants == ()
        assert [(d.path, d.state) for d in events[-1].moved] == [
            ((1,), State.CANCELLED),
            ((1, 3), State.CANCELLED),
        ]
        with pytest.raises(ActorDied):
            await actor.run_cell("x")
