"""What there is to see, made of what a nursery publishes: children are played by coroutines."""

import pytest
import trio
from trio.testing import MockClock

from subint_magic.notebook.live.board import HISTORY, Board
from subint_magic.notebook.live.track import Track
from subint_magic.notebook.look.snapshot import Bar, Kind, Part
from subint_magic.runtime.actor import Actor
from subint_magic.runtime.lifecycle import State
from subint_magic.runtime.nursery import ActorNursery, open_nursery
from subint_magic.runtime.usage import Usage
from subint_magic.testing.fake import HELLO, FakePeer, fake_method
from subint_magic.wire.messages import (
    Close,
    Descendant,
    Descendants,
    Done,
    Goodbye,
    Interrupt,
    Output,
    Run,
    Rung,
    Stopping,
)


async def busy(peer: FakePeer) -> None:
    """Runs for ten seconds, until it is interrupted."""
    await trio.sleep(2)
    await peer.say(HELLO)
    with trio.move_on_after(1000):
        while True:
            run = await peer.hear(Run)
            await peer.say(
                Output(run.run, "stdout", "first\nsec"), Output(run.run, "stdout", "ond")
            )
            with trio.move_on_after(10) as patience:
                await peer.hear(Interrupt)
            if patience.cancelled_caught:
                await peer.say(Done(run.run, "ok"))
            else:
                await peer.say(Stopping(run.run, Rung.EXCEPTION))
                await trio.sleep(1)
                await peer.say(Done(run.run, "interrupted", rung=Rung.EXCEPTION))


async def parent(peer: FakePeer) -> None:
    """Starts an actor of its own, which starts another."""
    await peer.say(HELLO)
    child = Descendant((1,), "child", "trio", "idle", 7, 0, "")
    grandchild = Descendant((1, 4), "it", "trio", "running", 8, 0, "work()")
    await peer.say(Descendants([child]), Descendants([grandchild]))
    run = await peer.hear(Run)
    ended = Descendant((1, 4), "it", "trio", "done", 8, 0, "")
    await peer.say(Descendants([ended]), Done(run.run, "ok"))
    await peer.hear(Close)
    await peer.say(Goodbye())


async def start(nursery: ActorNursery, name: str = "a") -> Actor:
    return await nursery.start_actor(name, spawn_method=fake_method(busy))


def kinds(bar: Bar) -> list[tuple[Kind, float | None]]:
    """Return what it did, and for how long."""
    return [(p.kind, None if p.end is None else round(p.end - p.begin, 3)) for p in bar.parts]


async def test_a_run_from_the_start_of_its_actor_to_its_end(autojump_clock: MockClock):
    changes: list[bool] = []
    async with open_nursery() as nursery:
        board = Board(nursery, changes.append)
        assert board.snapshot().rows == ()
        actor = await start(nursery)
        async with trio.open_nursery() as tasks:
            tasks.start_soon(actor.run_cell, "\nwork()\nmore()")
            await trio.sleep(4)
            (row,) = board.snapshot().rows
            assert (row.name, row.depth, row.where) == ("a", 0, "interpreter 1")
            assert (row.kind, row.source, row.last_line) == (Kind.RUNNING, "work()", "second")
            assert (row.elapsed, row.age) == (4, 6)
            assert row.actions == ("interrupt", "cancel", "kill")
            assert board.busy
        (row,) = board.snapshot().rows
        assert (row.kind, row.elapsed, row.source) == (Kind.IDLE, None, "work()")
        assert row.actions == ("kill", "close")
        assert not board.busy
        (lane,) = board.snapshot().lanes
        (bar,) = lane.bars
        assert kinds(bar) == [(Kind.SPAWNING, 0), (Kind.BOOTING, 2), (Kind.RUNNING, 10)]
        assert (bar.source, bar.outcome, lane.ended) == ("work()", None, False)
        assert changes.count(False) == 2, "what is printed is not urgent"
        board.close()
        count = len(changes)
    assert len(changes) == count


async def test_an_interrupt_is_to_be_seen_and_what_came_of_it(autojump_clock: MockClock):
    async with open_nursery() as nursery:
        board = Board(nursery, lambda _: None)
        actor = await start(nursery)
        async with trio.open_nursery() as tasks:
            tasks.start_soon(nursery_run, actor)
            await trio.sleep(4)
            actor.interrupt("a click")
            board.note(actor, "asked")
            await trio.sleep(0.5)
            (row,) = board.snapshot().rows
            assert (row.kind, row.note) == (Kind.STOPPING, "asked")
        (row,) = board.snapshot().rows
        assert (row.kind, row.note) == (Kind.IDLE, ""), "a note is of the state in which it came"
        (bar,) = board.snapshot().lanes[0].bars
        assert kinds(bar)[2:] == [(Kind.RUNNING, 4), (Kind.STOPPING, 1)]
        actor.request_cancel()
        await actor.wait_ended()
        snapshot = board.snapshot()
        assert snapshot.rows == ()
        (row,) = snapshot.history
        assert (row.kind, row.id, row.actions) == (Kind.CANCELLED, "", ())
        how = "its last run was stopped: KeyboardInterrupt was raised in it"
        assert row.outcome == f"cancelled; {how}"
        (lane,) = snapshot.lanes
        assert lane.ended
        assert lane.bars[-1].outcome is None, "the run had ended before"
        board.note(actor, "too late")
        assert board.actor("a1") is None


async def nursery_run(actor: Actor) -> None:
    try:
        await actor.run_cell("work()")
    except Exception:  # noqa: BLE001 - it was stopped
        pass


async def test_who_waits_is_counted_and_has_a_bar(autojump_clock: MockClock):
    async with open_nursery() as nursery:
        board = Board(nursery, lambda _: None)
        actor = await start(nursery)

        async def cell(source: str, patience: float = 1000) -> None:
            turn = nursery.turns.take("a")
            with trio.move_on_after(patience), turn.kept():
                await turn.come.wait()
                await actor.run_cell(source)

        async with trio.open_nursery() as tasks:
            tasks.start_soon(cell, "first")
            await trio.sleep(1)
            tasks.start_soon(cell, "second")
            tasks.start_soon(cell, "none", 1)
            await trio.sleep(3)
            assert board.snapshot().rows[0].waiting == 1
            running, waiting = board.snapshot().lanes[0].bars
            assert kinds(running)[-1] == (Kind.RUNNING, None)
            assert kinds(waiting) == [(Kind.QUEUED, None)]
        assert board.snapshot().rows[0].waiting == 0
        await cell("third")
        _, second, third = board.snapshot().lanes[0].bars
        assert kinds(second) == [(Kind.QUEUED, 9), (Kind.RUNNING, 10)]
        assert kinds(third) == [(Kind.RUNNING, 10)], "it has not waited"
        actor.request_cancel(grace=0)


async def test_the_actors_of_an_actor_are_below_it(autojump_clock: MockClock):
    async with open_nursery() as nursery:
        board = Board(nursery, lambda _: None)
        actor = await nursery.start_actor("a", spawn_method=fake_method(parent))
        await trio.sleep(1)
        rows = board.snapshot().rows
        assert [(row.depth, row.name, row.where) for row in rows] == [
            (0, "a", "interpreter 1"),
            (1, "child", "pid 7"),
            (2, "it", "pid 8"),
        ]
        assert (rows[2].kind, rows[2].source, rows[2].elapsed) == (Kind.RUNNING, "work()", 1)
        assert rows[2].actions == ()
        assert [lane.name for lane in board.snapshot().lanes] == ["a", "a/child", "a/it"]
        await actor.run_cell("x")
        assert [row.name for row in board.snapshot().rows] == ["a", "child"]
        assert [row.name for row in board.snapshot().history] == ["a/it"]
    assert [row.name for row in board.snapshot().history] == ["a", "a/child", "a/it"]


async def test_one_that_was_abandoned_stays_until_its_call_returns(autojump_clock: MockClock):
    freed = trio.Event()

    async def stuck(peer: FakePeer) -> None:
        await peer.say(HELLO)
        with trio.CancelScope(shield=True):
            await freed.wait()

    async with open_nursery() as nursery:
        board = Board(nursery, lambda _: None)
        method = fake_method(stuck, killable=False)
        actor = await nursery.start_actor("a", spawn_method=method)
        assert board.snapshot().rows[0].actions == ("close",), "nothing can kill it"
        actor.request_cancel()
        await actor.wait_ended()
        (row,) = board.snapshot().rows
        assert (row.kind, row.actions) == (Kind.ABANDONED, ())
        assert not board.busy
        freed.set()
        await trio.testing.wait_all_tasks_blocked()
        assert board.snapshot().rows == ()
        assert board.snapshot().history[0].kind is Kind.ABANDONED


async def test_history_is_short_and_keeps_no_actor(autojump_clock: MockClock):
    async with open_nursery() as nursery:
        board = Board(nursery, lambda _: None)
        for number in range(HISTORY + 2):
            actor = await start(nursery, f"a{number}")
            actor.request_cancel(grace=0)
            await actor.wait_ended()
        names = [row.name for row in board.snapshot().history]
        assert names == [f"a{number}" for number in range(HISTORY + 1, 1, -1)]
        assert board.unmeasured == {}


async def test_an_actor_is_measured_until_it_rests(autojump_clock: MockClock):
    async with open_nursery() as nursery:
        board = Board(nursery, lambda _: None)
        actor = await start(nursery)
        assert list(board.unmeasured) == [actor]
        board.take_usage(actor, Usage(1.5, 2**20))
        assert list(board.unmeasured) == []
        async with trio.open_nursery() as tasks:
            tasks.start_soon(actor.run_cell, "x")
            await trio.sleep(1)
            board.take_usage(actor, Usage(2.5, None))
            assert list(board.unmeasured) == [actor]
            (row,) = board.snapshot().rows
            assert (row.cpu, row.memory) == (2.5, None)
        actor.request_cancel(grace=0)


async def test_what_is_printed_is_shown_without_colours(autojump_clock: MockClock):
    async def child(peer: FakePeer) -> None:
        await peer.say(HELLO, Output(0, "stdout", "one\r\x1b[31mtwo\x1b[0m\x07\n"))
        await peer.sleep_forever()

    async with open_nursery() as nursery:
        board = Board(nursery, lambda _: None)
        await nursery.start_actor("a", spawn_method=fake_method(child))
        await trio.sleep(1)
        assert board.snapshot().rows[0].last_line == "two "


def test_runs_back_to_back_are_bars_of_their_own():
    track = Track()
    track.enter(Kind.SPAWNING, 0)
    track.enter(Kind.IDLE, 1)
    track.enter(Kind.RUNNING, 5, "one")  # long after the start
    track.enter(Kind.RUNNING, 6, "two")
    track.enter(Kind.FAILED, 7)
    assert track.lane("a", "trio").bars == (
        Bar((Part(Kind.SPAWNING, 0, 1),)),
        Bar((Part(Kind.RUNNING, 5, 6),), "one"),
        Bar((Part(Kind.RUNNING, 6, 7),), "two", Kind.FAILED),
    )


def test_the_end_of_one_that_rests_takes_no_time():
    track = Track()
    track.enter(Kind.IDLE, 0)
    track.enter(Kind.CLOSING, 1)
    track.enter(Kind.CANCELLING, 1)
    track.enter(Kind.CANCELLED, 2)
    assert track.lane("a", "trio").bars == ()


async def test_a_listener_that_fails_ends_nothing_but_itself(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
):
    heard: list[object] = []

    def fail(_event: object) -> None:
        raise ValueError("a defect")

    async with open_nursery() as nursery:
        nursery.listeners += [fail, heard.append]
        with nursery.heard_by(fail):
            actor = await start(nursery)
            assert actor.state is State.IDLE
            assert fail not in nursery.listeners
        actor.request_cancel(grace=0)
    assert heard
    assert "a listener failed, and hears no more" in caplog.text


def test_each_state_of_an_actor_has_a_kind():
    assert set(State) <= set(Kind)
