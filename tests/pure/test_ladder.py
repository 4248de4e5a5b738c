"""The stop ladder against a child that a coroutine plays: which rung, and when."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from subint_magic.errors import ActorEnded, RunCancelled, RunTimedOut
from subint_magic.runtime.ladder import INSISTENCE, PROMPT, climb
from subint_magic.runtime.lifecycle import State
from subint_magic.runtime.nursery import open_nursery
from subint_magic.runtime.runs.run import CellRun
from subint_magic.runtime.supervisor import FAREWELL
from subint_magic.testing.fake import HELLO, FakePeer, fake_method
from subint_magic.wire.messages import Close, Done, Goodbye, Hello, Interrupt, Run, Rung, Stopping

if TYPE_CHECKING:
    from collections.abc import Collection

    from trio.testing import MockClock

    from subint_magic.testing.fake import Script

GRACE = 2.0

PROCESS = [Rung.LOOP, Rung.EXCEPTION, Rung.INSIST]
SUBINT = [Rung.LOOP, Rung.EXCEPTION, Rung.WAKE, Rung.INSIST]

kinds = pytest.mark.parametrize("rungs", [PROCESS, SUBINT], ids=["process", "subint"])


class Climber:
    """Plays a child whose cell ends by one rung, and notes when each was asked for."""

    def __init__(
        self,
        rungs: list[Rung],
        *,
        ends_by: Rung | None = None,
        has_loop: bool = False,
        silent: bool = False,
    ) -> None:
        self.heard: list[tuple[Rung, float]] = []
        self._hello = Hello(HELLO.protocol, 1, 1, 1, "3.14.0", rungs)
        self._ends_by = ends_by
        self._has_loop = has_loop
        self._silent = silent

    async def __call__(self, peer: FakePeer) -> None:
        await peer.say(self._hello)
        run = await peer.hear(Run)
        start = trio.current_time()
        try:
            while True:
                rung = (await peer.hear(Interrupt)).rung
                self.heard.append((rung, round(trio.current_time() - start, 3)))
                if rung is Rung.LOOP and not self._has_loop:
                    rung = Rung.EXCEPTION
                if rung is self._ends_by:
                    break
                if not self._silent:
                    await peer.say(Stopping(run.run, rung))
        except EOFError:
            await peer.sleep_forever()
        await peer.say(Done(run.run, "interrupted", rung=rung))
        await peer.hear(Close)
        await peer.say(Goodbye())


async def stop(
    child: Script, *, killable: bool = True, again_at: Collection[float] = (), grace: float = GRACE
) -> tuple[RunCancelled, State]:
    """Run a cell, interrupt it at once and at the times *again_at*; return how it ended."""
    async with open_nursery(grace=GRACE) as nursery:
        actor = await nursery.start_actor("a", spawn_method=fake_method(child, killable=killable))
        async with trio.open_nursery() as tasks:

            @tasks.start_soon
            async def interrupts() -> None:
                await trio.testing.wait_all_tasks_blocked()
                actor.interrupt("me")
                for when in again_at:
                    await trio.sleep_until(begun + when)
                    actor.interrupt("me, again")

            begun = trio.current_time()
            with pytest.raises(RunCancelled) as caught:
                await actor.run_cell("x", grace=grace)
        return caught.value, actor.state


@kinds
async def test_the_first_rung_that_helps_is_told(autojump_clock: MockClock, rungs: list[Rung]):
    for rung in rungs:
        child = Climber(rungs, ends_by=rung, has_loop=True)
        error, state = await stop(child)
        assert (error.rung, error.by) == (rung, "me")
        assert error.note == "the actor and its namespace are kept"
        assert state is State.IDLE
        assert [heard for heard, _ in child.heard] == rungs[: rungs.index(rung) + 1]


async def test_times_with_a_loop_that_turns(autojump_clock: MockClock):
    child = Climber(SUBINT, has_loop=True)
    error, state = await stop(child)
    assert child.heard == [
        (Rung.LOOP, 0),
        (Rung.EXCEPTION, GRACE / 2),
        (Rung.WAKE, GRACE / 2 + PROMPT),
        (Rung.INSIST, GRACE),
    ]
    assert error.seconds == pytest.approx(GRACE + INSISTENCE + FAREWELL)
    assert (error.rung, state) == (Rung.END, State.KILLED)


async def test_times_without_a_loop(autojump_clock: MockClock):
    child = Climber(SUBINT)
    await stop(child)
    assert child.heard == [(Rung.LOOP, 0), (Rung.WAKE, PROMPT), (Rung.INSIST, GRACE)]


async def test_times_of_a_process(autojump_clock: MockClock):
    child = Climber(PROCESS)
    await stop(child)
    assert child.heard == [(Rung.LOOP, 0), (Rung.INSIST, GRACE)], "finally blocks get all the time"


async def test_times_of_a_child_that_answers_nothing(autojump_clock: MockClock):
    child = Climber(SUBINT, silent=True)
    await stop(child)
    assert child.heard == [
        (Rung.LOOP, 0),
        (Rung.EXCEPTION, PROMPT),
        (Rung.WAKE, 2 * PROMPT),
        (Rung.INSIST, GRACE),
    ]


@kinds
@pytest.mark.parametrize("grace", [0, 0.05, 0.5, 30])
async def test_the_whole_ladder_is_bounded_by_the_grace_period(
    autojump_clock: MockClock, rungs: list[Rung], grace: float
):
    for child in (Climber(rungs), Climber(rungs, has_loop=True), Climber(rungs, silent=True)):
        error, _ = await stop(child, grace=grace)
        assert error.seconds == pytest.approx(grace + INSISTENCE + FAREWELL, abs=PROMPT + 1e-6)


@pytest.mark.parametrize("killable", [True, False])
async def test_at_its_end_the_actor_ends(autojump_clock: MockClock, killable: bool):
    error, state = await stop(Climber(SUBINT), killable=killable)
    assert state is (State.KILLED if killable else State.ABANDONED)
    assert error.note == f"the actor was {state}"


async def test_asking_again_climbs_at_once(autojump_clock: MockClock):
    child = Climber(SUBINT, has_loop=True)
    error, state = await stop(child, again_at=[0.01, 0.02, 0.03, 0.04])
    assert child.heard == [
        (Rung.LOOP, 0),
        (Rung.EXCEPTION, 0.01),
        (Rung.WAKE, 0.02),
        (Rung.INSIST, 0.03),
    ]
    assert error.by == "me", "who asked first"
    assert error.seconds == pytest.approx(0.04 + FAREWELL)
    assert state is State.KILLED


async def test_each_request_climbs_one_rung_also_at_once(autojump_clock: MockClock):
    child = Climber(SUBINT, has_loop=True)
    await stop(child, again_at=[0.5, 0.5])
    assert child.heard == [
        (Rung.LOOP, 0),
        (Rung.EXCEPTION, 0.5),
        (Rung.WAKE, 0.5),
        (Rung.INSIST, GRACE),
    ]


async def test_asking_again_skips_what_was_tried(autojump_clock: MockClock):
    child = Climber(PROCESS)
    await stop(child, again_at=[0.01, 0.02])
    assert child.heard == [(Rung.LOOP, 0), (Rung.INSIST, 0.01)]


async def test_a_timeout(autojump_clock: MockClock):
    child = Climber(PROCESS, ends_by=Rung.EXCEPTION)
    async with open_nursery(grace=GRACE) as nursery:
        actor = await nursery.start_actor("a", spawn_method=fake_method(child))
        start = trio.current_time()
        with pytest.raises(RunTimedOut, match=r"timeout of 5 s within 0\.00 s") as caught:
            await actor.run_cell("x", timeout=5)
        assert trio.current_time() - start == pytest.approx(5)
        assert (caught.value.timeout, caught.value.rung) == (5, Rung.EXCEPTION)
        assert actor.state is State.IDLE


async def test_a_timeout_does_not_count_the_wait_for_the_turn(autojump_clock: MockClock):
    async def slow(peer: FakePeer) -> None:
        await peer.say(HELLO)
        for _ in range(2):
            run = await peer.hear(Run)
            await trio.sleep(4)
            await peer.say(Done(run.run, "ok"))
        await peer.hear(Close)
        await peer.say(Goodbye())

    async with open_nursery(grace=GRACE) as nursery:
        actor = await nursery.start_actor("a", spawn_method=fake_method(slow))
        async with trio.open_nursery() as tasks:
            for _ in range(2):
                tasks.start_soon(partial(actor.run_cell, "x", timeout=5))


async def test_an_abandoned_actor_is_there_until_its_call_returns(autojump_clock: MockClock):
    returns = trio.Event()

    async def child(peer: FakePeer) -> None:
        await peer.say(HELLO)
        await returns.wait()

    method = fake_method(child, killable=False)
    async with open_nursery(grace=GRACE) as nursery:
        actor = await nursery.start_actor("a", spawn_method=method)
        await actor.cancel()
        assert nursery.actors == {}
        assert nursery.abandoned == [actor]
        with pytest.raises(ActorEnded):
            await actor.run_cell("x")
        other = await nursery.start_actor("a", spawn_method=fake_method(Climber(PROCESS)))
        assert nursery.actors == {"a": other}
        returns.set()
        await trio.testing.wait_all_tasks_blocked()
        assert nursery.abandoned == []
        await other.cancel()


async def test_no_block_waits_for_an_abandoned_actor(autojump_clock: MockClock):
    async def child(peer: FakePeer) -> None:
        await peer.say(HELLO)
        await peer.sleep_forever()

    start = trio.current_time()
    async with open_nursery(grace=GRACE) as nursery:
        actor = await nursery.start_actor("a", spawn_method=fake_method(child, killable=False))
        await actor.cancel()
    assert trio.current_time() - start == pytest.approx(GRACE + FAREWELL)


async def test_an_answer_that_is_here_before_the_climb_begins(autojump_clock: MockClock):
    run = CellRun("a", 1, "x", None, GRACE)
    run.request_stop("the test", None)
    run.tried(Rung.EXCEPTION)
    posted: list[object] = []
    async with trio.open_nursery() as tasks:
        rungs = [Rung.LOOP, Rung.EXCEPTION, Rung.INSIST]
        tasks.start_soon(climb, run, rungs, GRACE, posted.append)
        await trio.sleep(GRACE - PROMPT)
        assert posted == []  # no higher rung before its time
        await trio.sleep(2 * PROMPT)
        assert posted == [Interrupt(1, Rung.INSIST)]
        tasks.cancel_scope.cancel()
