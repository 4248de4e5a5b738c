"""What may go wrong between a kernel and a cluster: nothing hangs, and the error says where."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing
from distributed import LocalCluster

from subint_magic import open_nursery
from subint_magic.cluster import hosting
from subint_magic.cluster.dask import DASK, PLACE_TIMEOUT
from subint_magic.errors import ActorDied, ActorEnded, RunCancelled, SpawnError
from subint_magic.runtime.events import ActorMoved
from subint_magic.runtime.lifecycle import State
from subint_magic.testing.contract._base import Reader

if TYPE_CHECKING:
    from distributed import Client

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.events import Published
    from subint_magic.runtime.nursery import ActorNursery

PATIENCE = 60.0

STUCK = "import re\nprint('ready', flush=True)\nre.match('(a+)+$', 'a' * 40 + 'b')"

# what an actor does when its worker is killed
DOING = {
    "runs": "print('ready', flush=True)\nwhile True: pass",
    "prints": "while True: print('ready', flush=True)",
    "sends a large value": "print('ready', flush=True)\nx = bytes(10**8)",
}


def address_of(actor: Actor) -> str:
    return actor.place.rpartition(" ")[2]


def pid_of_worker(client: Client, address: str) -> int:
    return client.run(os.getpid, workers=[address])[address]


async def actors_on_two_workers(nursery: ActorNursery) -> tuple[Actor, Actor]:
    one = await nursery.start_actor("one", spawn_method="dask")
    other = await nursery.start_actor("other", spawn_method="dask")
    assert address_of(one) != address_of(other), "Dask spreads actors"
    return one, other


@pytest.mark.parametrize("doing", DOING)
async def test_a_worker_is_killed(client: Client, doing: str):
    with trio.fail_after(PATIENCE):
        async with open_nursery(strict=False, grace=2) as nursery:
            one, other = await actors_on_two_workers(nursery)
            pid = await trio.to_thread.run_sync(pid_of_worker, client, address_of(one))
            reader = Reader()
            caught: list[ActorDied] = []

            async def run() -> None:
                outputs = ["x"] if "x =" in DOING[doing] else []
                with pytest.raises(ActorDied) as error:
                    await one.run_cell(DOING[doing], sink=reader, outputs=outputs)
                caught.append(error.value)

            async with trio.open_nursery() as tasks:
                tasks.start_soon(run)
                await reader.read_until("ready")
                os.kill(pid, signal.SIGKILL)
            assert address_of(one) in str(caught[0])
            assert one.place in str(caught[0])
            assert one.state is State.FAILED
            assert (await other.run_cell("6 * 7")).value == "42"
            again = await nursery.start_actor("one", spawn_method="dask")
            assert (await again.run_cell("1")).value == "1"


@pytest.mark.parametrize("via", ["subint", "trio"])
async def test_a_worker_is_killed_while_its_actor_boots(client: Client, via: str):
    DASK.select(["--via", via])
    addresses = sorted(client.scheduler_info()["workers"])
    pid = await trio.to_thread.run_sync(pid_of_worker, client, addresses[0])
    with trio.fail_after(PATIENCE):
        async with open_nursery(strict=False, grace=2) as nursery:
            DASK.select(["--via", via, "--workers", addresses[1]])
            other = await nursery.start_actor("other", spawn_method="dask")
            DASK.select(["--via", via, "--workers", addresses[0]])

            def kill_worker(event: Published) -> None:
                if isinstance(event, ActorMoved) and event.actor.state is State.BOOTING:
                    os.kill(pid, signal.SIGKILL)

            with nursery.heard_by(kill_worker), pytest.raises(ActorDied) as caught:
                await nursery.start_actor("one", spawn_method="dask")
            assert addresses[0] in str(caught.value)
            assert (await other.run_cell("6 * 7")).value == "42"


async def test_a_worker_is_killed_while_its_actor_is_idle(client: Client):
    with trio.fail_after(PATIENCE):
        async with open_nursery(strict=False, grace=2) as nursery:
            one, other = await actors_on_two_workers(nursery)
            os.kill(await trio.to_thread.run_sync(pid_of_worker, client, address_of(one)), 9)
            assert await one.wait_ended() is State.FAILED
            assert (await other.run_cell("6 * 7")).value == "42"


def hang() -> None:
    time.sleep(1000)


async def test_a_worker_is_killed_while_it_makes_an_input(client: Client):
    with trio.fail_after(PATIENCE):
        async with open_nursery(strict=False, grace=2) as nursery:
            actor = await nursery.start_actor("a", spawn_method="dask")
            address = address_of(actor)
            future = client.submit(hang, workers=[address], allow_other_workers=True)
            ended: list[ActorDied] = []

            async def run() -> None:
                try:
                    await actor.run_cell("x", inputs={"x": future})
                except ActorDied as error:
                    ended.append(error)

            async with trio.open_nursery() as tasks:
                tasks.start_soon(run)
                pid = await trio.to_thread.run_sync(pid_of_worker, client, address)
                os.kill(pid, signal.SIGKILL)
            assert "its worker was lost" in str(ended[0])


async def test_the_scheduler_is_gone(client: Client):
    with trio.fail_after(PATIENCE):
        async with open_nursery(strict=False, grace=2) as nursery:
            one, other = await actors_on_two_workers(nursery)
            await trio.to_thread.run_sync(client.shutdown)
            assert await one.wait_ended() is State.FAILED
            assert await other.wait_ended() is State.FAILED
            with pytest.raises(ActorDied, match="the Dask client was closed, or has lost its"):
                await nursery.start_actor("next", spawn_method="dask")  # on no other cluster


async def test_the_client_is_closed(client: Client):
    with trio.fail_after(PATIENCE):
        async with open_nursery(strict=False, grace=2) as nursery:
            one, other = await actors_on_two_workers(nursery)
            await trio.to_thread.run_sync(client.close)
            assert await one.wait_ended() is State.FAILED
            assert await other.wait_ended() is State.FAILED


async def test_the_cluster_is_scaled_down(client: Client):
    with trio.fail_after(PATIENCE):
        async with open_nursery(strict=False, grace=2) as nursery:
            one, other = await actors_on_two_workers(nursery)
            assert isinstance(client.cluster, LocalCluster)
            await trio.to_thread.run_sync(client.cluster.scale, 1)
            ended: list[Actor] = []
            async with trio.open_nursery() as waiting:

                async def wait(actor: Actor) -> None:
                    assert await actor.wait_ended() is State.FAILED
                    ended.append(actor)
                    waiting.cancel_scope.cancel()

                waiting.start_soon(wait, one)
                waiting.start_soon(wait, other)
            (lost,) = ended
            kept = other if lost is one else one
            assert (await kept.run_cell("6 * 7")).value == "42"


@pytest.mark.parametrize("via", ["subint", "trio"])
async def test_a_stuck_loop_in_c(client: Client, via: str):
    DASK.select(["--via", via])
    with trio.fail_after(PATIENCE):
        async with open_nursery(strict=False, grace=2) as nursery:
            one = await nursery.start_actor("one", spawn_method="dask")
            pid = await trio.to_thread.run_sync(pid_of_worker, client, address_of(one))
            reader = Reader()
            async with trio.open_nursery() as tasks:

                async def stop() -> None:
                    await reader.read_until("ready")
                    one.request_cancel(grace=0.5)

                tasks.start_soon(stop)
                with pytest.raises(RunCancelled):
                    await one.run_cell(STUCK, sink=reader)
            assert await trio.to_thread.run_sync(pid_of_worker, client, address_of(one)) == pid
            again = await nursery.start_actor("again", spawn_method="dask")
            assert (await again.run_cell("1")).value == "1"


def be_impatient(lease: float) -> None:
    hosting.LEASE = lease


async def test_a_kernel_that_was_silent_is_told_when_it_is_back(client: Client):
    await trio.to_thread.run_sync(client.run, be_impatient, 1.0)
    with trio.fail_after(PATIENCE):
        async with open_nursery(strict=False, grace=2) as nursery:
            one = await nursery.start_actor("one", spawn_method="dask")
            # Its next call waits for news for longer than the lease.
            assert await one.wait_ended() is State.FAILED
            with pytest.raises(ActorDied, match="the kernel was not heard for 1 s"):
                await one.run_cell("1")


async def test_a_start_that_waits_for_a_place_can_be_stopped(client: Client):
    addresses = sorted(client.scheduler_info()["workers"])
    futures = [client.submit(hang, workers=[address], pure=False) for address in addresses]
    with trio.fail_after(PATIENCE):
        begun = trio.current_time()
        async with (
            open_nursery(strict=False, grace=2) as nursery,
            trio.open_nursery() as tasks,
        ):
            tasks.start_soon(start_in_vain, nursery)
            await trio.testing.wait_all_tasks_blocked()
            nursery.actors["one"].request_cancel()
        assert trio.current_time() - begun < PLACE_TIMEOUT
    client.cancel(futures)


async def start_in_vain(nursery: ActorNursery) -> None:
    with pytest.raises(ActorEnded):
        await nursery.start_actor("one", spawn_method="dask")


async def test_versions_that_differ(client: Client, monkeypatch: pytest.MonkeyPatch):
    ours = hosting.this_side()
    monkeypatch.setattr(
        hosting, "this_side", lambda: {**ours, "python": "CPython 3.1", "host": "here"}
    )
    async with open_nursery(strict=False, grace=2) as nursery:
        with pytest.raises(ActorDied) as caught:
            await nursery.start_actor("one", spawn_method="dask")
    message = str(caught.value)
    assert f"the worker on {ours['host']} differs from here" in message
    assert f"Python CPython 3.1 / {ours['python']}" in message


def test_no_cluster_there():
    begun = time.monotonic()
    with pytest.raises(SpawnError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1 "):
        DASK.select(["--scheduler", "tcp://127.0.0.1:1"])
    assert time.monotonic() - begun < 30


KERNEL = """
import os, sys, trio
from subint_magic import open_nursery
from subint_magic.cluster.dask import DASK, PLACE_TIMEOUT

async def main():
    async with open_nursery(strict=False, grace=2) as nursery:
        actor = await nursery.start_actor("one", spawn_method="dask")
        print("ready", flush=True)
        await actor.run_cell("while True: pass")

DASK.select(["--scheduler", sys.argv[1]])
trio.run(main)
"""


def interpreters() -> int:
    import _interpreters

    return len(_interpreters.list_all())


def test_a_kernel_that_is_killed_leaves_nothing(client: Client):
    before = client.run(interpreters)
    kernel = subprocess.Popen(
        [sys.executable, "-c", KERNEL, client.scheduler.address], stdout=subprocess.PIPE
    )
    try:
        assert kernel.stdout is not None
        assert kernel.stdout.readline() == b"ready\n"
        assert client.run(interpreters) != before
    finally:
        kernel.kill()
        kernel.communicate()
    deadline = time.monotonic() + 30
    while client.run(interpreters) != before:
        assert time.monotonic() < deadline
