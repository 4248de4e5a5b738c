"""What the parts of the contract share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from subint_magic.errors import (
    RunCancelled,
)
from subint_magic.runtime.nursery import open_nursery
from subint_magic.wire.messages import Output

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.nursery import ActorNursery
    from subint_magic.runtime.runs.run import Event


TIMEOUT = 30.0
"""Seconds after which a test has failed; none comes near."""


ON_THIS_MACHINE = pytest.mark.skip_spawn_backend(
    "dask", reason="another machine has memory, paths and variables of its own"
)


class Reader:
    """A sink that a test can wait on."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._came = trio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._came.set()

    @property
    def text(self) -> str:
        """All that was printed, whatever the stream."""
        return "".join(event.text for event in self.events if isinstance(event, Output))

    @property
    def joined(self) -> list[Event]:
        """The events, with what was printed to one stream in pieces put together.

        A ``print()`` writes its text and its newline; on a busy machine these come apart.
        """
        joined: list[Event] = []
        for event in self.events:
            match joined[-1:], event:
                case [Output(run, stream, before)], Output(same, also, text) if (run, stream) == (
                    same,
                    also,
                ):
                    joined[-1] = Output(run, stream, before + text)
                case _:
                    joined.append(event)
        return joined

    async def read_until(self, text: str) -> None:
        """Wait until *text* was printed."""
        await self._wait(lambda: text in self.text)

    async def read_any(self, kind: type[Event]) -> None:
        """Wait for an event of *kind*."""
        await self._wait(lambda: any(isinstance(event, kind) for event in self.events))

    async def _wait(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._came = trio.Event()
            await self._came.wait()


class Contract:
    """The fixtures."""

    @pytest.fixture
    async def nursery(self) -> AsyncGenerator[ActorNursery]:
        """An open nursery, with a time limit on all that happens in it."""
        with trio.fail_after(TIMEOUT):
            async with open_nursery() as nursery:
                yield nursery

    @pytest.fixture
    async def actor(self, nursery: ActorNursery, start_method: str) -> Actor:
        """An idle actor."""
        return await nursery.start_actor("worker", spawn_method=start_method)


async def expect_cancelled(actor: Actor, source: str, sink: Callable[[Event], None] | None) -> None:
    """Run *source*, which must be stopped."""
    with pytest.raises(RunCancelled, match=actor.name):
        await actor.run_cell(source, sink=sink)
