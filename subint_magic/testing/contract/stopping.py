"""How runs are stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from subint_magic.errors import CellError, RunCancelled, RunTimedOut
from subint_magic.runtime.lifecycle import State
from subint_magic.testing.contract._base import Contract, Reader, expect_cancelled
from subint_magic.wire.messages import Rung

if TYPE_CHECKING:
    from subint_magic.runtime.actor import Actor


class StoppingContract(Contract):
    """How runs are stopped."""

    @pytest.mark.parametrize(
        "body",
        [
            "while True: pass",
            "while True:\n    try: n = 1\n    except Exception: pass",
            "sum(1 for _ in iter(int, 1))",
            "import trio\nawait trio.sleep_forever()",
        ],
        ids=["loop", "swallows-exception", "generator", "trio"],
    )
    async def test_interrupt_stops_the_run_and_keeps_the_actor(
        self, actor: Actor, body: str
    ) -> None:
        await actor.run_cell("x = 1")
        reader = Reader()
        source = (
            f"print('on')\ntry:\n    {body.replace(chr(10), chr(10) + '    ')}\nfinally: x += 1"
        )
        async with trio.open_nursery() as tasks:
            tasks.start_soon(expect_cancelled, actor, source, reader)
            await reader.read_until("on\n")
            assert actor.interrupt()
        assert actor.state is State.IDLE
        assert (await actor.run_cell("x")).value == "2"
        assert not actor.interrupt(), "nothing runs"

    async def test_a_further_interrupt_climbs_at_once(self, actor: Actor) -> None:
        reader = Reader()
        source = (
            "def f():\n    while True:\n        try:\n            print('on')\n"
            "            while True: len('x')\n        except BaseException: print('no')\n"
            "f()"
        )

        async def run() -> None:
            with pytest.raises(RunCancelled) as caught:
                await actor.run_cell(source, sink=reader, grace=1e6)
            assert caught.value.rung == Rung.INSIST

        assert actor.hello is not None
        async with trio.open_nursery() as tasks:
            tasks.start_soon(run)
            await reader.read_until("on")
            actor.interrupt()
            await reader.read_until("no")
            for _ in actor.hello.rungs[2:]:  # the first two are one, without a loop
                actor.interrupt()
        assert (await actor.run_cell("'alive'")).value == "'alive'"

    async def test_finally_blocks_have_the_whole_grace_period(self, actor: Actor) -> None:
        reader = Reader()
        source = (
            "import threading, time\nready = threading.Event()\n"
            "threading.Timer(0.5, ready.set).start()\n"
            "try:\n    print('on')\n    while True: pass\n"
            "finally:\n    print(ready.wait(), ready.is_set())\n    time.sleep(0.1)\n"
            "    print('clean')"
        )
        async with trio.open_nursery() as tasks:
            tasks.start_soon(expect_cancelled, actor, source, reader)
            await reader.read_until("on")
            actor.interrupt()
        assert reader.text == "on\nTrue True\nclean\n"

    @pytest.mark.parametrize(
        "body",
        [
            "while True: pass",
            "nursery.start_soon(spin)",
            "with trio.CancelScope(shield=True): await trio.sleep_forever()",
        ],
    )
    async def test_what_a_trio_nursery_wraps_is_still_an_interrupt(
        self, actor: Actor, body: str
    ) -> None:
        source = (
            "import trio\nasync def spin():\n    while True: pass\n"
            f"async with trio.open_nursery() as nursery:\n    {body}"
        )
        await actor.run_cell("import trio")
        with pytest.raises(RunTimedOut):
            await actor.run_cell(source, timeout=0.1, grace=0.4)
        assert (await actor.run_cell("await trio.sleep(0)\n'alive'")).value == "'alive'"

    async def test_a_stopped_asyncio_cell_has_ended(self, actor: Actor) -> None:
        source = (
            "import asyncio\ntry: await asyncio.sleep(1e6)\n"
            "except asyncio.CancelledError:\n"
            "    try: await asyncio.sleep(1e6)\n    finally: print('cleaned up')"
        )
        reader = Reader()
        await actor.run_cell("import asyncio\nawait asyncio.sleep(0)", loop="asyncio")
        with pytest.raises(RunTimedOut) as caught:
            await actor.run_cell(source, loop="asyncio", timeout=0.1, grace=0.4, sink=reader)
        assert caught.value.rung == Rung.EXCEPTION
        assert reader.text == "cleaned up\n"
        again = await actor.run_cell(
            "await asyncio.sleep(0)\nlen(asyncio.all_tasks())", loop="asyncio"
        )
        assert again.value == "1"

    async def test_asyncio_is_usable_after_the_roughest_stop(self, actor: Actor) -> None:
        source = (
            "import asyncio, time\nawait asyncio.sleep(0)\n"
            "while True:\n    try:\n        while True: time.sleep(0.001)\n"
            "    except BaseException: pass"
        )
        await actor.run_cell("import asyncio\nawait asyncio.sleep(0)", loop="asyncio")
        with pytest.raises(RunTimedOut) as caught:
            await actor.run_cell(source, loop="asyncio", timeout=0.1, grace=0.2)
        assert caught.value.rung == Rung.INSIST
        again = await actor.run_cell("await asyncio.sleep(0, 'fine')", loop="asyncio")
        assert again.value == "'fine'"
        await actor.close()
        assert actor.state is State.DONE

    async def test_a_timeout_does_not_hurry_an_interrupt(self, actor: Actor) -> None:
        reader = Reader()
        source = (
            "import time\ntry:\n    print('on')\n    while True: pass\n"
            "finally:\n    time.sleep(0.6)\n    print('clean')"
        )
        async with trio.open_nursery() as tasks:

            @tasks.start_soon
            async def run() -> None:
                with pytest.raises(RunCancelled) as caught:
                    await actor.run_cell(source, sink=reader, timeout=0.4)
                assert caught.value.by == "me"

            await reader.read_until("on")
            actor.interrupt("me")
        assert reader.text == "on\nclean\n"

    async def test_who_catches_it_is_told_of(self, actor: Actor) -> None:
        source = "try:\n    while True: pass\nexcept KeyboardInterrupt: pass\n'result'"
        reader = Reader()
        await actor.run_cell(source, timeout=0.1, sink=reader)
        assert reader.text == (
            "… this cell was told to stop by its timeout of 0.1 s and ended by itself.\n"
        )

    async def test_a_str_that_does_not_end(self, actor: Actor) -> None:
        source = "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E"
        with pytest.raises(CellError, match="failed"):
            await actor.run_cell(source, timeout=0.1, grace=0.3)
        assert (await actor.run_cell("'alive'")).value == "'alive'"

    async def test_a_timeout(self, actor: Actor) -> None:
        with pytest.raises(RunTimedOut, match=r"timeout of 0\.1 s") as caught:
            await actor.run_cell("while True: pass", timeout=0.1)
        assert caught.value.rung == Rung.EXCEPTION
        assert (await actor.run_cell("'alive'", timeout=1000)).value == "'alive'"

    async def test_interrupt_of_an_asyncio_cell(self, actor: Actor) -> None:
        reader = Reader()
        source = "import asyncio\nprint('on')\nawait asyncio.sleep(1e6)"

        async def run() -> None:
            with pytest.raises(RunCancelled):
                await actor.run_cell(source, loop="asyncio", sink=reader)

        async with trio.open_nursery() as tasks:
            tasks.start_soon(run)
            await reader.read_until("on\n")
            actor.interrupt()
        again = await actor.run_cell("await asyncio.sleep(0, 'fine')", loop="asyncio")
        assert again.value == "'fine'"

    async def test_trio_runs_again_after_it_was_cut_off(self, actor: Actor) -> None:
        # As if an interrupt had come just after this, before trio cleans up behind itself.
        cut_off = "from trio._core import _run\n_run.setup_runner(None, [], False, True)\n1 / 0"
        with pytest.raises(CellError, match="ZeroDivisionError"):
            await actor.run_cell(cut_off)
        again = await actor.run_cell("import trio; trio.run(trio.lowlevel.checkpoint); 'fine'")
        assert again.value == "'fine'"

    async def test_interrupt_before_the_cell_has_begun(self, actor: Actor) -> None:
        async with trio.open_nursery() as tasks:
            tasks.start_soon(expect_cancelled, actor, "while True: pass", None)
            await trio.testing.wait_all_tasks_blocked()
            assert actor.interrupt()
        assert (await actor.run_cell("'alive'")).value == "'alive'"

    async def test_many_interrupts_never_hit_the_next_cell(self, actor: Actor) -> None:
        for _ in range(30):
            reader = Reader()
            async with trio.open_nursery() as tasks:
                tasks.start_soon(expect_cancelled, actor, "print('on')\nwhile True: pass", reader)
                await reader.read_until("on")
                actor.interrupt()
            assert (await actor.run_cell("sum(range(1000))")).value == "499500"

    async def test_cancelling_the_caller_stops_the_run(self, actor: Actor) -> None:
        reader = Reader()
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as tasks:
                tasks.start_soon(_cancel_when, reader, "on\n", scope)
                await actor.run_cell("print('on')\nwhile True: pass", sink=reader)
        assert scope.cancelled_caught
        assert (await actor.run_cell("'alive'")).value == "'alive'"


async def _cancel_when(reader: Reader, text: str, scope: trio.CancelScope) -> None:
    """Cancel *scope* once *text* was printed."""
    await reader.read_until(text)
    scope.cancel()
