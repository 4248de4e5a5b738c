"""What lies on the cluster already, as an input."""

from __future__ import annotations

from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

import dask.bag
import pytest
import trio

from cluster.conftest import local_cluster
from subint_magic import open_nursery
from subint_magic.cluster.dask import DASK
from subint_magic.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client

PATIENCE = 60.0

WHERE = "import os; where = os.getpid()"


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with local_cluster(2) as client:
        yield client


def make(size: int) -> bytes:
    return bytes(range(256)) * size


def staged() -> list[Path]:
    return list(Path(gettempdir()).glob("subint_magic-*"))


def fail() -> None:
    raise ValueError("no such data")


@pytest.mark.parametrize("size", [1, 10_000], ids=["small", "large"])
@pytest.mark.parametrize("via", ["subint", "trio"])
async def test_a_future_is_read_on_the_worker(client: Client, size: int, via: str):
    DASK.select(["--via", via])
    future = client.submit(make, size)
    with trio.fail_after(PATIENCE):
        async with open_nursery() as nursery:
            actor = await nursery.start_actor(spawn_method="dask")
            before = actor.traffic.copied_in
            result = await actor.run_cell("n = len(x)", inputs={"x": future}, outputs=["n"])
            assert result.values == {"n": 256 * size}
            assert actor.traffic.copied_in - before < 1000
            # it is where it was, for who wants it again
            assert await actor.call(len, future) == 256 * size
    assert staged() == []


async def test_a_persisted_collection_is_computed_there(client: Client):
    bag = dask.bag.from_sequence(range(10), npartitions=3).map(float).persist()
    with trio.fail_after(PATIENCE):
        async with open_nursery() as nursery:
            actor = await nursery.start_actor(spawn_method="dask")
            assert (await actor.run_cell("sum(x)", inputs={"x": bag})).value == "45.0"


async def test_what_could_not_be_made_is_told(client: Client):
    future = client.submit(fail)
    with trio.fail_after(PATIENCE):
        async with open_nursery() as nursery:
            actor = await nursery.start_actor("a", spawn_method="dask")
            with pytest.raises(InputError) as caught:
                await actor.run_cell("x", inputs={"x": future})
            assert "input 'x' is on a Dask cluster, and cannot be read there: no such data." in str(
                caught.value
            )
            assert (await actor.run_cell("6 * 7")).value == "42"
    assert staged() == []


async def test_an_actor_that_is_here_cannot_read_it(client: Client):
    future = client.submit(make, 1)
    with trio.fail_after(PATIENCE):
        async with open_nursery() as nursery:
            actor = await nursery.start_actor("a", spawn_method="trio")
            with pytest.raises(InputError, match=r"input 'x' is on a Dask cluster\. Take an"):
                await actor.run_cell("x", inputs={"x": future})
            with pytest.raises(InputError, match=r"an argument of len\(\) is on a Dask cluster"):
                await actor.call(len, future)
            assert (await actor.run_cell("6 * 7")).value == "42"
