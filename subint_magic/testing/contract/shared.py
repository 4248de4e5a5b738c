"""What holds for actors that share the kernel's process."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import psutil
import pytest

from subint_magic.errors import CellError
from subint_magic.runtime.nursery import open_nursery
from subint_magic.testing.contract._base import Contract

if TYPE_CHECKING:
    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.nursery import ActorNursery

REFUSED = [
    "os._exit(3)",
    "os.abort()",
    "os.kill(os.getpid(), 9)",
    "os.kill(0, 9)",
    "os.kill(-1, 9)",
    "os.kill(-os.getpgrp(), 9)",
    "os.killpg(0, 9)",
    "os.killpg(os.getpgrp(), 9)",
    "signal.raise_signal(signal.SIGKILL)",
    "signal.pthread_kill(threading.get_ident(), signal.SIGKILL)",
    "signal.alarm(1)",
    "signal.setitimer(signal.ITIMER_REAL, 1)",
    "os.fork()",
    "os.forkpty()",
    "os.execv('/bin/true', ['true'])",
    "os.execve('/bin/true', ['true'], env={})",
    "os.execlp('true', 'true')",
    "os.spawnlp(os.P_WAIT, 'true', 'true')",
    "posix._exit(3)",
    "_signal.raise_signal(9)",
    "_thread.interrupt_main()",
]
"""What would act on the process that the actor shares."""

_KEPT_BY_A_FILTER = """
import warnings
class OurWarning(UserWarning):
    memory = bytearray(10 * 2**20)
    memory[::4096] = bytes(len(memory[::4096]))
warnings.filterwarnings("error", category=OurWarning)
"""

IMPORTS = "import os, posix, signal, _signal, subprocess, sys, threading, _thread\n"


class SharedProcessContract(Contract):
    """What holds for actors that share the kernel's process."""

    async def test_it_lives_in_this_process(self, actor: Actor) -> None:
        assert actor.hello is not None
        assert actor.hello.pid == os.getpid()

    async def test_its_memory_is_given_back(self, nursery: ActorNursery, start_method: str) -> None:
        async def live() -> None:
            actor = await nursery.start_actor(spawn_method=start_method)
            await actor.run_cell(_KEPT_BY_A_FILTER)
            await actor.close()

        process = psutil.Process()
        for _ in range(2):
            await live()
        before = process.memory_info().rss
        for _ in range(8):
            await live()
        assert process.memory_info().rss - before < 40 * 2**20

    @pytest.mark.parametrize("call", REFUSED)
    async def test_what_would_act_on_the_process_is_refused(self, actor: Actor, call: str) -> None:
        name = call.partition("(")[0]
        with pytest.raises(CellError) as caught:
            await actor.run_cell(f"{IMPORTS}{call}")
        error = str(caught.value)
        assert error.count("RuntimeError: ") == 1
        assert " the kernel, which this sub-interpreter shares: use a process for it (%%" in error
        if name.startswith(("os.kill", "signal.")):
            assert f"RuntimeError: {name}() " in error
        assert (await actor.run_cell("'alive'")).value == "'alive'"

    async def test_signals_to_others_are_sent(self, actor: Actor) -> None:
        source = (
            f"{IMPORTS}child = subprocess.Popen(['sleep', 'infinity'], start_new_session=True)\n"
            "os.kill(os.getpid(), 0); os.killpg(os.getpgrp(), 0); os.kill(child.pid, 0)\n"
            "{kill}\nchild.wait()"
        )
        for kill in ("child.kill()", "os.kill(-child.pid, 9)", "os.killpg(child.pid, 9)"):
            assert (await actor.run_cell(source.replace("{kill}", kill))).value == "-9"

    async def test_subprocesses_work(self, actor: Actor) -> None:
        source = f"{IMPORTS}subprocess.run(['sh', '-c', 'echo here; exit 7'], stdout=-1)"
        told = await actor.run_cell(source)
        assert told.value is not None
        assert "returncode=7" in told.value
        assert "here" in told.value
        assert (await actor.run_cell("os.system('exit 7') >> 8")).value == "7"

    async def test_sys_exit_ends_the_run_only(self, actor: Actor) -> None:
        with pytest.raises(CellError, match="SystemExit: 3"):
            await actor.run_cell("import sys; sys.exit(3)")
        assert (await actor.run_cell("'alive'")).value == "'alive'"

    async def test_this_interpreter_keeps_its_functions(self, start_method: str) -> None:
        functions = (os._exit, os.kill, os.fork, signal.raise_signal, signal.pthread_kill)
        async with open_nursery() as nursery:
            actor = await nursery.start_actor(spawn_method=start_method)
            await actor.run_cell(f"{IMPORTS}signal.valid_signals()")
        now = (os._exit, os.kill, os.fork, signal.raise_signal, signal.pthread_kill)
        assert now == functions
        os.kill(os.getpid(), signal.SIGURG)  # which by default does nothing
        signal.raise_signal(signal.SIGURG)
