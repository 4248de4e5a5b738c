"""How actors start and end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from subint_magic.errors import (
    ActorBusy,
    ActorConflict,
    ActorEnded,
)
from subint_magic.runtime.lifecycle import State
from subint_magic.runtime.nursery import open_nursery
from subint_magic.spawn import spawn_method
from subint_magic.testing.contract._base import TIMEOUT, Contract, Reader, expect_cancelled

if TYPE_CHECKING:
    from pathlib import Path

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.nursery import ActorNursery


class LifeContract(Contract):
    """How actors start and end."""

    async def test_hello_says_who_the_child_is(self, actor: Actor) -> None:
        hello = actor.hello
        assert hello is not None
        assert hello.python.startswith("3.")
        told = await actor.run_cell("import os; os.getpid()")
        assert told.value == str(hello.pid)
        assert (hello.pid, hello.interpreter) != (os.getpid(), 0), "it is not this interpreter"
        assert actor.state is State.IDLE

    async def test_close_ends_it_in_good_order(self, actor: Actor) -> None:
        await actor.close()
        assert actor.state is State.DONE
        await actor.close()
        with pytest.raises(ActorEnded, match=r"worker.*done"):
            await actor.run_cell("1")

    async def test_atexit_functions_run(self, actor: Actor, tmp_path: Path) -> None:
        mark = tmp_path / "mark"
        await actor.run_cell(f"import atexit; atexit.register(open, {str(mark)!r}, 'w')")
        await actor.close()
        assert mark.exists()

    async def test_cancel_while_idle(self, actor: Actor) -> None:
        await actor.cancel()
        assert actor.state is State.CANCELLED

    async def test_cancel_while_running(self, actor: Actor, nursery: ActorNursery) -> None:
        reader = Reader()
        async with trio.open_nursery() as tasks:
            tasks.start_soon(expect_cancelled, actor, "print('on'); \nwhile True: pass", reader)
            await reader.read_until("on\n")
            with pytest.raises(ActorBusy, match=r"worker.*running"):
                await actor.close()
            await actor.cancel()
        assert actor.state is State.CANCELLED
        assert not nursery.actors

    async def test_the_end_of_the_nursery_ends_it(self, start_method: str) -> None:
        with trio.fail_after(TIMEOUT):
            async with open_nursery() as nursery:
                idle = await nursery.start_actor(spawn_method=start_method)
                never_used = await nursery.start_actor(spawn_method=start_method)
                await idle.run_cell("1")
            assert idle.state is never_used.state is State.DONE

    async def test_an_error_in_the_block_ends_it(self, start_method: str) -> None:
        with trio.fail_after(TIMEOUT), pytest.raises(ZeroDivisionError):
            async with open_nursery() as nursery:
                actor = await nursery.start_actor(spawn_method=start_method)
                raise ZeroDivisionError
        assert actor.state is State.CANCELLED

    async def test_cancelling_the_start(self, start_method: str) -> None:
        with trio.fail_after(TIMEOUT):
            async with open_nursery() as nursery:
                with trio.CancelScope() as scope:
                    scope.cancel()
                    await nursery.start_actor("early", spawn_method=start_method)
                assert scope.cancelled_caught

    async def test_names_are_unique_while_they_live(
        self, actor: Actor, nursery: ActorNursery, start_method: str
    ) -> None:
        with pytest.raises(ActorConflict, match="worker"):
            await nursery.start_actor("worker", spawn_method=start_method)
        await actor.close()
        await nursery.start_actor("worker", spawn_method=start_method)

    async def test_a_child_that_loses_its_parent_ends(self, start_method: str) -> None:
        method = spawn_method(start_method)
        with trio.fail_after(TIMEOUT):
            async with method.proc(start_method, "orphan") as child:
                await child.stream.receive_some()  # its hello
                await child.stream.aclose()
                await child.wait()

    @pytest.mark.parametrize(
        "source",
        [
            "import atexit\n@atexit.register\ndef forever():\n    while True: pass",
            "import threading\ndef forever():\n    while True: pass\n"
            "threading.Thread(target=forever).start()",
        ],
        ids=["atexit", "thread"],
    )
    async def test_what_never_ends_is_ended_with_it(
        self, nursery: ActorNursery, start_method: str, source: str
    ) -> None:
        async with open_nursery(grace=0.3) as nursery:
            actor = await nursery.start_actor(spawn_method=start_method)
            await actor.run_cell(source)
            await actor.cancel()
            while nursery.abandoned:  # noqa: ASYNC110 - nobody but this test wants to know
                await trio.sleep(0.01)
