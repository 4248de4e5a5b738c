"""What holds for actors whose code can start actors itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from subint_magic.runtime.events import DescendantMoved
from subint_magic.runtime.lifecycle import ENDED, State
from subint_magic.testing.contract._base import Contract, expect_cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.descendants import Descendant
    from subint_magic.runtime.events import Published
    from subint_magic.runtime.nursery import ActorNursery

_NEST = """
import subint_magic
async with subint_magic.open_nursery() as nursery:
    actor = await nursery.start_actor({name!r}, spawn_method={method!r})
    await actor.run_cell({source!r})
"""


class NestingContract(Contract):
    """What holds for actors whose code can start actors itself."""

    nested = "trio"
    """The key of the spawn method of what they start."""

    async def test_actors_that_it_has_started_are_known(
        self, nursery: ActorNursery, actor: Actor
    ) -> None:
        ends: list[Descendant] = []

        def note(event: Published) -> None:
            if isinstance(event, DescendantMoved):
                assert event.actor is actor
                ends.extend(each for each in event.moved if each.state in ENDED)

        nursery.listeners.append(note)
        busy = "import time\nwhile True: time.sleep(1e-3)"
        grandchild = _NEST.format(name="grandchild", method=self.nested, source=busy)
        source = _NEST.format(name="child", method=self.nested, source=grandchild)
        async with trio.open_nursery() as tasks:
            tasks.start_soon(expect_cancelled, actor, source, None)
            await until(nursery, lambda: len(_running(actor)) == 2)
            child, below = actor.descendants
            assert below.path[:-1] == child.path == child.path[:1]
            assert (child.name, child.spawn_method) == ("child", self.nested)
            assert actor.hello is not None
            assert child.source == "import subint_magic"
            assert (below.name, below.spawn_method) == ("grandchild", self.nested)
            assert below.source == "import time"
            assert len({(d.pid, d.interpreter) for d in (actor.hello, child, below)}) == 3
            assert actor.started <= child.started <= child.since <= trio.current_time()
            actor.interrupt()
            await until(nursery, lambda: not actor.descendants)
        assert {each.name for each in ends} == {"child", "grandchild"}
        assert actor.state is State.IDLE


def _running(actor: Actor) -> list[Descendant]:
    return [each for each in actor.descendants if each.state is State.RUNNING]


async def until(nursery: ActorNursery, condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds, which something that *nursery* publishes brings about."""
    changed = trio.Event()

    def listen(_: Published) -> None:
        if condition():
            changed.set()

    with nursery.heard_by(listen):
        if not condition():
            await changed.wait()
