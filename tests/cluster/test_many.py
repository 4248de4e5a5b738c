"""Two hundred named actors on eight workers."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

import pytest
import trio

from cluster.conftest import local_cluster
from subint_magic import open_nursery
from subint_magic.runtime.lifecycle import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from subint_magic.runtime.actor import Actor

PATIENCE = 240.0

ACTORS = 200
WORKERS = 8


@pytest.fixture
def _files() -> Iterator[None]:
    """Each actor keeps some connections open: docs/dask.md."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
@pytest.mark.usefixtures("_files")
async def test_many_named_actors_answer_and_end():
    with local_cluster(WORKERS) as client, trio.fail_after(PATIENCE):
        # On a machine with two cores it takes longer than the usual grace to end all at once.
        async with open_nursery(grace=30) as nursery:
            actors: list[Actor] = []

            async def start(number: int) -> None:
                actors.append(await nursery.start_actor(f"a{number}", spawn_method="dask"))

            async with trio.open_nursery() as starting:
                for number in range(ACTORS):
                    starting.start_soon(start, number)
            assert len(actors) == ACTORS

            async def count_up(actor: Actor, times: int) -> None:
                await actor.run_cell("n = 0")
                for number in range(1, times + 1):
                    assert (await actor.run_cell("n += 1; n")).value == str(number)

            # All at once, then one while the others are there.
            async with trio.open_nursery() as asking:
                for actor in actors:
                    asking.start_soon(count_up, actor, 2)
            await count_up(actors[0], 50)

            # One answers while every other one is busy.
            async with trio.open_nursery() as busy:
                for actor in actors[1:]:
                    busy.start_soon(actor.run_cell, "import time; time.sleep(3600)")
                await count_up(actors[0], 10)
                busy.cancel_scope.cancel()
        assert {actor.state for actor in actors} == {State.DONE}
        assert client.status == "running"
