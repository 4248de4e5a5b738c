"""trio as a guest of a loop in another thread; the actors are played."""

import threading
from collections.abc import Iterator

import pytest
import trio

from subint_magic.errors import HostEnded, RunCancelled
from subint_magic.runtime.host import Host, LoopThread
from subint_magic.runtime.nursery import ActorNursery
from subint_magic.testing.fake import HELLO, FakePeer, fake_method
from subint_magic.wire.messages import Close, Done, Goodbye, Interrupt, Run


@pytest.fixture
def loop_thread() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.stop()


@pytest.fixture
def host(loop_thread: LoopThread) -> Iterator[Host]:
    host = Host(loop_thread.loop)
    yield host
    host.stop()


def never(_: object = None) -> None:
    pytest.fail("nobody interrupted")


async def add(_: ActorNursery, a: int, b: int) -> int:
    await trio.lowlevel.checkpoint()
    return a + b


async def fail(_: ActorNursery) -> None:
    raise LookupError


async def forever(_: ActorNursery) -> None:
    await trio.sleep_forever()


def test_a_task_gives_its_result(host: Host):
    assert host.running
    assert host.start(add, 1, 2).wait(never) == 3


def test_a_task_gives_its_error(host: Host):
    with pytest.raises(LookupError):
        host.start(fail).wait(never)
    assert host.start(add, 1, 2).wait(never) == 3, "the host goes on"


def test_many_tasks_at_once(host: Host):
    tasks = [host.start(add, i, i) for i in range(200)]
    assert [task.wait(never) for task in tasks] == [2 * i for i in range(200)]


def test_tasks_from_many_threads(host: Host):
    results: list[int] = []
    threads = [
        threading.Thread(target=lambda i=i: results.append(host.start(add, i, 0).wait(never)))
        for i in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == list(range(20))


def test_stopping_ends_who_waits_and_refuses_what_comes_later(loop_thread: LoopThread):
    host = Host(loop_thread.loop)
    waiting = host.start(forever)
    host.stop()
    assert not host.running
    with pytest.raises(HostEnded):
        waiting.wait(never)
    with pytest.raises(HostEnded):
        host.start(add, 1, 2)
    with pytest.raises(HostEnded):
        host.call_soon(never)
    host.stop()


def test_one_loop_can_host_again(loop_thread: LoopThread):
    for _ in range(3):
        host = Host(loop_thread.loop)
        assert host.start(add, 1, 2).wait(never) == 3
        host.stop()


def test_stopping_ends_actors_in_good_order(loop_thread: LoopThread):
    heard: list[str] = []
    running = threading.Event()

    async def child(peer: FakePeer) -> None:
        await peer.say(HELLO)
        run = await peer.hear(Run)
        running.set()
        await peer.hear(Interrupt)
        heard.append("interrupt")
        await peer.say(Done(run.run, "interrupted"))
        await peer.hear(Close)
        heard.append("close")
        await peer.say(Goodbye())

    async def run_cell(nursery: ActorNursery) -> None:
        actor = await nursery.start_actor(spawn_method=fake_method(child))
        await actor.run_cell("x")

    host = Host(loop_thread.loop)
    task = host.start(run_cell)
    assert running.wait(10)
    host.stop()
    assert heard == ["interrupt", "close"]
    with pytest.raises(RunCancelled, match="the end of its actor"):
        task.wait(never)
