"""trio as a guest of a loop in another thread; the actors are played."""

import asyncio
import threading
from collections.abc import Awaitable, Iterator

import pytest
import trio

from subint_magic.errors import HostEnded, RunCancelled
from subint_magic.runtime.host import Host, HostTask, LoopThread
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
    assert host.start(add, 1, 2).wait() == 3


def test_a_task_gives_its_error(host: Host):
    with pytest.raises(LookupError):
        host.start(fail).wait()
    assert host.start(add, 1, 2).wait() == 3, "the host goes on"


def test_many_tasks_at_once(host: Host):
    tasks = [host.start(add, i, i) for i in range(200)]
    assert [task.wait() for task in tasks] == [2 * i for i in range(200)]


def test_tasks_that_come_at_once_take_their_turns_in_order(host: Host, loop_thread: LoopThread):
    seen: list[int] = []

    def begin(nursery: ActorNursery, i: int) -> Awaitable[None]:
        turn = nursery.turns.take("x")

        async def body() -> None:
            with turn.kept():
                await turn.come.wait()
                seen.append(i)

        return body()

    host.wait_started()
    held = threading.Event()
    loop_thread.loop.call_soon_threadsafe(held.wait)  # so that trio gets them in one batch
    tasks = [HostTask[None]() for _ in range(100)]
    for i, task in enumerate(tasks):
        host.begin(task, begin, i)
    held.set()
    for task in tasks:
        task.result()
    assert seen == list(range(100))


def test_the_thread_that_waits_makes_calls(host: Host):
    task: HostTask[int] = HostTask()
    caller: list[str] = []

    async def body(_: ActorNursery) -> int:
        called = trio.Event()
        token = trio.lowlevel.current_trio_token()

        def call() -> None:
            caller.append(threading.current_thread().name)
            token.run_sync_soon(called.set)

        task.call_waiter(call)
        await called.wait()
        return 1

    host.begin(task, body)
    assert task.wait() == 1
    task = HostTask()
    host.begin(task, body)
    assert asyncio.run(task.wait_async(never)) == 1
    assert caller == [threading.current_thread().name] * 2


def test_a_wait_may_end_before_the_task(host: Host):
    task = host.start(forever)
    with pytest.raises(TimeoutError):
        task.join(0)
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(task.join_async(), 0.01))
    assert not task.done

    async def main() -> None:
        await task.join_async()

    with pytest.raises(RuntimeError, match="only an asyncio loop can await this"):
        trio.run(main)


def test_tasks_from_many_threads(host: Host):
    results: list[int] = []
    threads = [
        threading.Thread(target=lambda i=i: results.append(host.start(add, i, 0).wait()))
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
        waiting.wait()
    with pytest.raises(HostEnded):
        host.start(add, 1, 2)
    with pytest.raises(HostEnded):
        host.call_soon(never)
    host.stop()


def test_one_loop_can_host_again(loop_thread: LoopThread):
    for _ in range(3):
        host = Host(loop_thread.loop)
        assert host.start(add, 1, 2).wait() == 3
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
        task.wait()
