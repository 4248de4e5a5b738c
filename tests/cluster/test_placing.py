"""Where an actor comes to, and what is said of that."""

from __future__ import annotations

import socket
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
import trio
from dask.base import annotate
from distributed.security import Security

from cluster.conftest import local_cluster
from subint_magic import open_nursery
from subint_magic._child.values.share import share
from subint_magic.cluster.dask import DASK
from subint_magic.errors import RunError, SpawnError
from subint_magic.runtime.runs.values import pack_inputs
from subint_magic.spawn import spawn_method

if TYPE_CHECKING:
    from distributed import Client

    from subint_magic.runtime.nursery import ActorNursery

PATIENCE = 60.0


async def place(nursery: ActorNursery, name: str) -> str:
    return (await nursery.start_actor(name, spawn_method="dask")).place


async def test_it_is_on_the_worker_that_was_asked_for(client: Client):
    addresses = sorted(client.scheduler_info()["workers"])
    with trio.fail_after(PATIENCE):
        async with open_nursery() as nursery:
            for address in addresses:
                DASK.select(["--workers", address])
                assert await place(nursery, address) == f"{socket.gethostname()}, {address}"


@pytest.mark.parametrize("when", ["selected", "started"])
async def test_annotations_of_dask_hold(client: Client, when: str):
    address = sorted(client.scheduler_info()["workers"])[1]
    here = annotate(workers=[address])
    with here if when == "selected" else nullcontext():
        DASK.select([])
    with trio.fail_after(PATIENCE):
        async with open_nursery() as nursery:
            with here if when == "started" else nullcontext():
                places = [await place(nursery, name) for name in "abc"]
    assert places == 3 * [f"{socket.gethostname()}, {address}"]


async def test_resources_that_only_one_has():
    with local_cluster(2, resources={"GPU": 1}):
        DASK.select(["--resources", "GPU=1"])
        with trio.fail_after(PATIENCE):
            async with open_nursery() as nursery:
                await place(nursery, "a")


def test_options_that_are_wrong_are_one_line():
    with pytest.raises(SpawnError, match="dask: argument --resources: 'GPU=x' is not NAME=NUMBER"):
        DASK.select(["--resources", "GPU=x"])
    with pytest.raises(SpawnError, match="dask: unrecognized arguments: --nonsense"):
        DASK.select(["--nonsense"])
    with pytest.raises(SpawnError, match="this backend has no options, and was given: --workers x"):
        spawn_method("trio").select(["--workers", "x"])


async def test_map_uses_the_cores_of_the_cluster(client: Client):
    with trio.fail_after(PATIENCE):
        async with open_nursery() as nursery:
            found = await nursery.map(abs, range(-20, 0), spawn_method="dask")
    assert found == list(range(20, 0, -1))
    assert DASK.cores() == 2


async def test_what_is_shared_stays_here(client: Client):
    with trio.fail_after(PATIENCE), share(bytes(100_000)) as shared:
        async with open_nursery() as nursery:
            actor = await nursery.start_actor(spawn_method="dask")
            with pytest.raises(RunError, match="shared memory stays on this machine: give its"):
                await actor.run_cell("s", inputs=pack_inputs("a", {"s": shared}))
            assert (await actor.run_cell("1")).value == "1"


async def test_a_cluster_under_tls():
    with local_cluster(1, protocol="tls://", security=Security.temporary()):
        with trio.fail_after(PATIENCE):
            async with open_nursery() as nursery:
                actor = await nursery.start_actor(spawn_method="dask")
                assert "tls://" in actor.place
                data = bytes(range(256)) * 40_000
                assert await actor.call(bytes, data) == data
