"""What holds for actors that have a process of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from subint_magic.errors import ActorDied
from subint_magic.runtime.lifecycle import State
from subint_magic.runtime.nursery import open_nursery
from subint_magic.testing.contract._base import TIMEOUT, Reader, expect_cancelled
from subint_magic.testing.contract.deaths import DeathContract
from subint_magic.testing.contract.nesting import NestingContract, until

if TYPE_CHECKING:
    from pathlib import Path

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.nursery import ActorNursery


class ProcessContract(NestingContract, DeathContract):
    """What holds for actors that have a process of their own."""

    async def test_it_has_a_process_of_its_own(self, actor: Actor) -> None:
        assert actor.hello is not None
        assert actor.hello.pid != os.getpid()
        assert (await actor.run_cell("import os; os.getsid(0) == os.getpid()")).value == "True"

    async def test_what_others_write_to_its_fds_is_output(self, actor: Actor) -> None:
        reader = Reader()
        source = (
            "import os, subprocess, sys\nprint('one')\nsubprocess.run(['echo', 'two'])\n"
            "print('three')\nos.system('echo four >&2')\nprint('five')\nos.write(1, b'six\\n')"
        )
        await actor.run_cell(source, sink=reader)
        assert reader.text == "one\ntwo\nthree\nfour\nfive\nsix\n"

    async def test_a_flood_from_a_subprocess(self, actor: Actor) -> None:
        told = await actor.run_cell("import os; os.system('seq 100000')")
        assert told.stdout == "".join(f"{i}\n" for i in range(1, 100_001))

    async def test_the_end_is_heard(self, actor: Actor) -> None:
        reader = Reader()
        source = (
            "import atexit, threading\ngo = threading.Event()\n"
            "def thread():\n    go.wait()\n    print('thread')\n"
            "threading.Thread(target=thread).start()\n"
            "atexit.register(print, 'atexit')"
        )
        await actor.run_cell(source, sink=reader)
        await actor.run_cell("go.set()", sink=reader)
        await actor.close()
        assert "atexit\n" in reader.text

    async def test_a_fork_prints_and_ends(self, actor: Actor) -> None:
        reader = Reader()
        source = (
            "import os, warnings\n"
            "warnings.simplefilter('ignore')  # of forks: CPython prints it while the fork prints\n"
            "pid = os.fork()\nif pid:\n    os.waitpid(pid, 0)\nprint(pid > 0)\n"
        )
        await actor.run_cell(source, sink=reader)
        assert reader.text == "False\nTrue\n"

    async def test_a_signal_that_the_cell_does_not_take_is_forgotten(self, actor: Actor) -> None:
        reader = Reader()
        source = (
            "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])\n"
            "print('on')\nwhile signal.SIGINT not in signal.sigpending(): pass\n"
            "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
            "signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])"
        )
        async with trio.open_nursery() as tasks:
            tasks.start_soon(lambda: actor.run_cell(source, sink=reader))
            await reader.read_until("on\n")
            actor.interrupt()
        assert (await actor.run_cell("'kept'")).value == "'kept'"

    @pytest.mark.parametrize(
        "source",
        [
            "import trio\nprint('on')\ntrio.run(trio.sleep_forever)",
            "import asyncio\nprint('on')\nasyncio.run(asyncio.sleep(1e6))",
            "import time\nprint('on')\ntime.sleep(1e6)",
            "import select\nprint('on')\nselect.select([], [], [])",
        ],
        ids=["trio.run", "asyncio.run", "sleep", "select"],
    )
    async def test_interrupt_wakes_what_blocks(self, actor: Actor, source: str) -> None:
        for _ in range(2):  # what was stopped works again
            reader = Reader()
            async with trio.open_nursery() as tasks:
                tasks.start_soon(expect_cancelled, actor, source, reader)
                await reader.read_until("on\n")
                actor.interrupt()
        assert (await actor.run_cell("import trio; await trio.sleep(0); 1")).value == "1"

    async def test_what_it_has_started_ends_with_it(self, actor: Actor, tmp_path: Path) -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        source = (
            f"import subprocess\nfifo = open({str(fifo)!r}, 'w')\n"
            "subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=fifo)"
        )
        async with trio.open_nursery() as tasks:
            tasks.start_soon(_read_to_the_end, fifo)
            await actor.run_cell(source)
            await actor.close()

    async def test_a_process_that_cannot_be_stopped_is_killed(self, start_method: str) -> None:
        reader = Reader()
        source = (
            "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
            "print('on')\nwhile True: pass"
        )
        with trio.fail_after(TIMEOUT):
            async with open_nursery(grace=0.1) as nursery:
                actor = await nursery.start_actor(spawn_method=start_method)
                async with trio.open_nursery() as tasks:
                    tasks.start_soon(expect_cancelled, actor, source, reader)
                    await reader.read_until("on\n")
                    await actor.cancel()
                assert actor.state is State.KILLED

    async def test_sigint_for_our_process_group_does_not_reach_it(self, actor: Actor) -> None:
        assert (
            await actor.run_cell(f"import os; os.getpgid(0) == {os.getpgid(0)}")
        ).value == "False"

    async def test_a_death_takes_along_what_it_has_started(
        self, nursery: ActorNursery, actor: Actor
    ) -> None:
        source = (
            "import subint_magic, time\n@subint_magic.subint(name='child', spawn_method='trio')\n"
            "def sleep():\n    time.sleep(1e6)\nsleep()"
        )
        async with trio.open_nursery() as tasks:
            tasks.start_soon(_expect_death, actor, source)
            await until(nursery, lambda: [d.source for d in actor.descendants] == ["sleep(…)"])
            (child,) = actor.descendants
            assert actor.hello is not None
            assert child.pid is not None
            assert child.pid != actor.hello.pid
            end = os.pidfd_open(child.pid)
            os.kill(actor.hello.pid, signal.SIGKILL)
        assert actor.descendants == ()
        await trio.lowlevel.wait_readable(end)
        os.close(end)

    def test_child_stays_light(self) -> None:
        """What a child imports before its first cell, any cell pays for."""
        heavy = {"trio", "msgspec", "asyncio", "IPython", "traceback", "subprocess", "inspect"}
        code = "import sys, subint_magic._child.bootstrap; print(*sys.modules)"
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert not heavy & set(run.stdout.split())


async def _expect_death(actor: Actor, source: str) -> None:
    with pytest.raises(ActorDied):
        await actor.run_cell(source)


async def _read_to_the_end(fifo: Path) -> None:
    """Read until nobody is left who could write."""
    await trio.to_thread.run_sync(fifo.read_text)
