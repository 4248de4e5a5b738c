"""Spares: when they are started and ended, and what whoever takes one gets."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from subint_magic.runtime.events import ActorMoved, Published
from subint_magic.runtime.lifecycle import State
from subint_magic.runtime.nursery import ActorNursery, ends_after, open_nursery
from subint_magic.runtime.spares import memory, pool
from subint_magic.runtime.spares.pool import BURST, CHECK, EXTRA, PATIENCE, RESERVE, REST
from subint_magic.testing.fake import HELLO, FakePeer, Script, fake_method
from subint_magic.wire.messages import Close, Configure, Done, Goodbye, Run


class Children:
    """Plays children, and counts them.

    Attributes:
        started: how many have been.
        alive: how many are.
        configured: what the last one was told, each time.
        may_boot: whether they say hello.
        may_end: whether they end their runs.
    """

    def __init__(self) -> None:
        self.started = 0
        self.alive = 0
        self.configured: list[Configure] = []
        self.may_boot = trio.Event()
        self.may_boot.set()
        self.may_end = trio.Event()
        self.may_end.set()
        self.method = fake_method(self.live)

    async def live(self, peer: FakePeer) -> None:
        self.started += 1
        self.alive += 1
        try:
            self.configured.append(await peer.hear(Configure))
            await self.may_boot.wait()
            await peer.say(HELLO)
            while True:
                message = await peer.hear(Configure | Run | Close)
                if isinstance(message, Close):
                    await peer.say(Goodbye())
                    return
                if isinstance(message, Configure):
                    self.configured.append(message)
                else:
                    await self.may_end.wait()
                    await peer.say(Done(message.run, "ok"))
        finally:
            self.alive -= 1


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Children:
    monkeypatch.setattr(pool, "get_start_method", lambda: "fake")
    monkeypatch.setattr(pool, "available_memory", lambda: RESERVE)
    return Children()


async def test_the_second_start_takes_a_spare(
    children: Children, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
):
    heard: list[Published] = []
    async with open_nursery(spares=1) as nursery:
        assert children.started == nursery.spares.ready == 0  # nothing before it is needed
        with nursery.heard_by(heard.append):
            await nursery.start_actor("a", spawn_method=children.method)
            await nursery.spares.fill(children.method)
            assert children.started == 2
            assert list(nursery.actors) == ["a"]
            assert {event.actor.name for event in heard if isinstance(event, ActorMoved)} == {"a"}
            heard.clear()

            monkeypatch.setattr(sys, "path", [*sys.path, "/new"])
            children.may_boot = trio.Event()  # whoever starts now is not ready
            actor = await nursery.start_actor("b", spawn_method=children.method)
            assert (actor.name, actor.state) == ("b", State.IDLE)
            assert list(nursery.actors) == ["a", "b"]
            assert [type(event) for event in heard] == [ActorMoved]
            await actor.run_cell("x")
            assert children.configured[-1].sys_path[-1] == b"/new"
        await trio.sleep(2 * PATIENCE)
        assert children.started == 3
        children.may_boot.set()
    assert children.alive == 0


async def test_a_spare_that_still_boots_is_not_waited_for(
    children: Children, autojump_clock: MockClock
):
    async with open_nursery(spares=1) as nursery:
        await nursery.start_actor(spawn_method=children.method)
        slow = children.may_boot = trio.Event()
        await trio.sleep(2 * PATIENCE)
        assert (children.started, nursery.spares.ready) == (2, 0)
        children.may_boot = trio.Event()
        children.may_boot.set()
        await nursery.start_actor("b", spawn_method=children.method)
        assert (children.started, nursery.spares.ready) == (3, 0)
        slow.set()
        await nursery.spares.fill(children.method)
        assert (children.started, nursery.spares.ready) == (3, 1)


async def test_preloaded_modules_are_there_before_it_counts(
    children: Children, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    async def loadable(modules: tuple[str, ...], _key: str) -> list[str]:
        return list(modules)

    monkeypatch.setattr(pool, "loadable", loadable)
    monkeypatch.setattr(pool, "preloaded", lambda: ("json",))
    children.may_end = trio.Event()  # that of the call which comes after the imports
    async with open_nursery(spares=1) as nursery:
        async with trio.open_nursery() as tasks:
            tasks.start_soon(nursery.spares.fill, children.method)
            await trio.testing.wait_all_tasks_blocked()
            assert children.configured[-1].preload == ["json"]
            assert nursery.spares.ready == 0
            children.may_end.set()
        assert nursery.spares.ready == 1
        actor = await nursery.start_actor(spawn_method=children.method)
        assert children.started == 1
        assert actor.last_run is None
        await nursery.spares.fill(children.method)
        monkeypatch.chdir(tmp_path)  # where other modules may be
        await nursery.start_actor(spawn_method=children.method)
        assert children.started == 3 + nursery.spares.ready


async def test_a_defect_ends_no_actor(
    children: Children,
    autojump_clock: MockClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    monkeypatch.setattr(pool, "available_memory", lambda: 1 // 0)
    async with open_nursery(spares=1) as nursery:
        actor = await nursery.start_actor(spawn_method=children.method)
        await nursery.spares.fill(children.method)
        assert "there are no spares before the next start" in caplog.text
        assert actor.state is State.IDLE


async def test_nobody_waits_for_spares_of_a_nursery_that_ends(
    children: Children, autojump_clock: MockClock
):
    children.may_boot = trio.Event()
    async with trio.open_nursery() as tasks:
        async with open_nursery(spares=1, grace=0) as nursery:
            tasks.start_soon(nursery.spares.fill, children.method)
            await trio.testing.wait_all_tasks_blocked()
        await nursery.spares.fill(children.method)


async def test_it_waits_for_cells_that_run_but_not_for_ever(
    children: Children, autojump_clock: MockClock
):
    children.may_end = trio.Event()
    async with open_nursery(spares=1) as nursery:
        actor = await nursery.start_actor(spawn_method=children.method)
        async with trio.open_nursery() as tasks:
            tasks.start_soon(actor.run_cell, "x")
            await trio.sleep(PATIENCE / 2)
            assert children.started == 1
            await trio.sleep(PATIENCE)
            assert children.started == 2
            children.may_end.set()


async def test_nothing_begins_in_the_moment_after_a_run(
    children: Children, autojump_clock: MockClock
):
    async with open_nursery(spares=1) as nursery:
        actor = await nursery.start_actor(spawn_method=children.method)
        with ends_after(actor):
            await actor.run_cell("x")
        assert actor.state is State.CLOSING
        await trio.sleep(REST / 2)
        assert (children.started, children.alive) == (1, 1)
        await trio.sleep(REST)
        assert (children.started, children.alive) == (2, 1)  # it has ended, and there is a spare
        assert nursery.spares.ready == 1


async def test_what_is_to_end_soon_can_be_ended_now(children: Children, autojump_clock: MockClock):
    async with open_nursery() as nursery:
        actor = await nursery.start_actor(spawn_method=children.method)
        other = await nursery.start_actor(spawn_method=children.method)
        before = trio.current_time()
        actor.request_end(linger=1000)
        await nursery.finish_closing()
        assert (actor.state, other.state) == (State.DONE, State.IDLE)
        other.request_end(linger=1000)
    assert trio.current_time() == before


async def test_one_cell_after_another_leads_to_a_spare(
    children: Children, autojump_clock: MockClock
):
    async with open_nursery(spares=1) as nursery:
        taken = 0
        for _ in range(100):
            taken += nursery.spares.ready
            actor = await nursery.start_actor(spawn_method=children.method)
            with ends_after(actor):
                await actor.run_cell("x")
            await trio.sleep(REST / 2)  # there is no rest
        assert taken >= 100 * REST / 2 // PATIENCE - 1


@pytest.mark.parametrize("_", range(10))  # in the one or the other order
async def test_a_spare_that_boots_ends_with_a_nursery_that_is_cancelled(
    children: Children, autojump_clock: MockClock, _: int
):
    begun = trio.current_time()
    with trio.move_on_after(1) as scope:
        async with open_nursery(spares=1, grace=0.1) as nursery:
            await nursery.start_actor(spawn_method=children.method)
            children.may_boot = trio.Event()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert trio.current_time() < begun + 3
    assert children.started == 2
    assert children.alive == 0


async def test_one_that_does_not_boot_is_given_up(
    children: Children, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
):
    async with open_nursery(spares=1, grace=0.1) as nursery:
        actor = await nursery.start_actor(spawn_method=children.method)
        children.may_boot = trio.Event()
        await nursery.spares.fill(children.method)
        assert nursery.spares.ready == 0
        assert "there are no spares before the next start" in caplog.text
        assert actor.state is State.IDLE


async def test_a_burst_leads_to_more_which_end_after_it(
    children: Children, autojump_clock: MockClock
):
    async with open_nursery(spares=1) as nursery:
        for expected in (1, 2, 3, 1 + EXTRA, 1 + EXTRA):
            await nursery.spares.fill(children.method)
            assert nursery.spares.ready == expected
            for _ in range(expected + 1):
                actor = await nursery.start_actor(spawn_method=children.method)
            for actor in nursery.actors.values():
                await actor.close()
        await nursery.spares.fill(children.method)
        await trio.sleep(BURST + 1)
        assert nursery.spares.ready == children.alive == 1
        # the next one is no burst
        await nursery.start_actor(spawn_method=children.method)
        await nursery.start_actor(spawn_method=children.method)
        assert nursery.spares.ready <= 1


async def test_memory_is_left_to_others(
    children: Children, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pool, "available_memory", lambda: RESERVE - 1)
    async with open_nursery(spares=1) as nursery:
        await nursery.start_actor(spawn_method=children.method)
        await nursery.spares.fill(children.method)
        assert children.started == 1
        monkeypatch.setattr(pool, "available_memory", lambda: RESERVE)
        await nursery.spares.fill(children.method)
        assert nursery.spares.ready == 1
        monkeypatch.setattr(pool, "available_memory", lambda: RESERVE - 1)
        await trio.sleep(CHECK + 1)
        assert nursery.spares.ready == 0


async def test_one_that_dies_is_not_told_of_nor_started_again_at_once(
    children: Children, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
):
    def dies_as_number(number: int) -> Script:
        async def script(peer: FakePeer) -> None:
            if children.started + 1 < number:
                await children.live(peer)
            else:
                children.started += 1

        return script

    method = fake_method(dies_as_number(2))
    async with open_nursery(spares=1) as nursery:
        await nursery.start_actor(spawn_method=method)
        await nursery.spares.fill(method)
        await trio.sleep(BURST)
        assert children.started == 2
        assert len(nursery.actors) == 1


@asynccontextmanager
async def with_a_spare(children: Children) -> AsyncIterator[ActorNursery]:
    async with open_nursery(spares=1) as nursery:
        await nursery.spares.fill(children.method)
        assert children.started == nursery.spares.ready == 1
        yield nursery


async def test_what_a_process_reads_at_its_start_makes_a_spare_unfit(
    children: Children, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
):
    async with with_a_spare(children) as nursery:
        monkeypatch.setenv("PYTHONHASHSEED", "7")
        await nursery.start_actor(spawn_method=children.method)
        await nursery.spares.fill(children.method)
        assert children.started == 3
        assert children.alive == 2


async def test_another_spawn_method_leaves_spares_alone(
    children: Children, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
):
    async with with_a_spare(children) as nursery:
        monkeypatch.setattr(pool, "get_start_method", lambda: "other")
        await nursery.start_actor(spawn_method=children.method)
        assert nursery.spares.ready == 1


async def test_how_many_can_be_changed(children: Children, autojump_clock: MockClock):
    async with with_a_spare(children) as nursery:
        await nursery.spares.renew(3, now=False)
        assert children.alive == 0
        await nursery.spares.fill(children.method)
        assert nursery.spares.ready == 3
        await nursery.spares.renew(3)
        await trio.sleep(PATIENCE)
        assert nursery.spares.ready == 3
        await nursery.spares.renew(0)
        assert children.alive == nursery.spares.ready == 0
        await nursery.start_actor(spawn_method=children.method)
        await nursery.spares.fill(children.method)
        assert nursery.spares.ready == 0


async def test_they_end_with_the_nursery_also_if_it_fails(
    children: Children, autojump_clock: MockClock
):
    with pytest.raises(ZeroDivisionError):
        async with with_a_spare(children):
            raise ZeroDivisionError
    assert children.alive == 0


def test_available_memory_is_that_of_the_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path)
    group = Path("/proc/self/cgroup").read_text().rpartition("0::/")[2].strip()
    folder = tmp_path / group
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {
        "memory.max": "1000\n",
        "memory.current": "700\n",
        "memory.stat": "anon 600\ninactive_file 50\n",
    }.items():
        (folder / name).write_text(text)
    assert memory.available_memory() == 350
    (folder / "memory.max").write_text("max\n")
    assert 350 < memory.available_memory() < 2**60  # that of the machine
