"""Every way for the process of an actor to die, at every time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from subint_magic.errors import (
    ActorDied,
)
from subint_magic.runtime.lifecycle import State
from subint_magic.runtime.nursery import open_nursery
from subint_magic.testing.contract._base import ON_THIS_MACHINE, TIMEOUT, Contract, Reader

if TYPE_CHECKING:
    from pathlib import Path

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.nursery import ActorNursery


HOW = {
    "exit": "os._exit(3)",
    "abort": "os.abort()",
    "segfault": "ctypes.string_at(0)",
    "killed": "",  # from outside, as the system does when memory is short
}
"""Code that ends its process."""

ENDS: dict[str, tuple[int | None, int | None]] = {
    "exit": (3, None),
    "abort": (None, 6),
    "segfault": (None, 11),
    "killed": (None, 9),
}
"""Exit code and signal."""

_ON = "on the way"
_SAY = f"print('last words', file=sys.stderr, flush=True); print({_ON!r}, flush=True)"

WHEN = {
    "running": _SAY + "\n{code}",
    "printing": (
        "def flood():\n    while True: print('x' * 80)\n"
        f"threading.Thread(target=flood, daemon=True).start()\n{_SAY}\n{{code}}"
    ),
    # More than the socket holds is on its way when the end comes.
    "large output": _SAY + "\nsys.stdout.write('x' * 10**7)\n{code}",
    "large result": (
        "class Large:\n    def __repr__(self): return 'x' * 10**6\n"
        f"{_SAY}\nfor _ in range(10): sys.displayhook(Large())\n{{code}}"
    ),
}
"""Cells that come to a *code*."""


def _kill(actor: Actor) -> None:
    assert actor.hello is not None
    os.kill(actor.hello.pid, 9)


class DeathContract(Contract):
    """How the death of a process is told."""

    @pytest.mark.parametrize("when", WHEN)
    @pytest.mark.parametrize("how", HOW)
    async def test_death_during_a_run(
        self, actor: Actor, nursery: ActorNursery, how: str, when: str
    ) -> None:
        reader = Reader()
        code = HOW[how] or "signal.pause()"  # then it waits for the end that comes from outside
        source = "import ctypes, os, signal, sys, threading\n" + WHEN[when].format(code=code)
        told: list[ActorDied] = []

        async def run() -> None:
            with pytest.raises(ActorDied, match=r"worker.*while running a cell") as caught:
                await actor.run_cell(source, sink=reader)
            told.append(caught.value)

        async with trio.open_nursery() as tasks:
            tasks.start_soon(run)
            if not HOW[how]:
                await reader.read_until(_ON)
                _kill(actor)
        (error,) = told
        assert (error.exit_code, error.signal) == ENDS[how]
        assert "last words" in error.stderr
        assert actor.state is State.FAILED
        assert "worker" not in nursery.actors
        with pytest.raises(ActorDied):
            await actor.run_cell("1")
        again = await nursery.start_actor("worker", spawn_method=actor.spawn_method)
        assert (await again.run_cell("1")).value == "1"

    @pytest.mark.parametrize("how", HOW)
    async def test_death_while_idle(
        self, actor: Actor, nursery: ActorNursery, how: str, tmp_path: Path
    ) -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        await actor.run_cell(
            "import ctypes, os, sys, threading\ndef end():\n"
            f"    open({str(fifo)!r}).close()\n    os.write(2, b'last words')\n    {HOW[how]}\n"
            "threading.Thread(target=end, daemon=True).start()"
        )
        if HOW[how]:
            await trio.to_thread.run_sync(fifo.write_text, "")  # lets the thread go on
        else:
            _kill(actor)
        assert await actor.wait_ended() is State.FAILED
        assert not nursery.actors
        with pytest.raises(ActorDied, match="while idle") as caught:
            await actor.run_cell("1")
        assert (caught.value.exit_code, caught.value.signal) == ENDS[how]
        assert ("last words" in caught.value.stderr) == bool(HOW[how])

    @ON_THIS_MACHINE
    @pytest.mark.parametrize("how", HOW)
    async def test_death_while_booting(
        self,
        nursery: ActorNursery,
        start_method: str,
        how: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        if start_method == "mp_forkserver":
            pytest.skip("it boots with all modules loaded")
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        (tmp_path / "msgpack.py").write_text(
            "import ctypes, os, time\nos.write(2, b'last words')\n"
            f"with open({str(fifo)!r}, 'w') as fifo: fifo.write(str(os.getpid()))\n"
            + (HOW[how] or "time.sleep(1e6)")
        )
        monkeypatch.syspath_prepend(tmp_path)

        async def start() -> None:
            with pytest.raises(ActorDied, match=r"worker.*while booting") as caught:
                await nursery.start_actor("worker", spawn_method=start_method)
            assert (caught.value.exit_code, caught.value.signal) == ENDS[how]
            assert "last words" in caught.value.stderr

        async with trio.open_nursery() as tasks:
            tasks.start_soon(start)
            pid = int(await trio.to_thread.run_sync(fifo.read_text))
            if not HOW[how]:
                os.kill(pid, 9)
        assert not nursery.actors

    async def test_a_death_that_nobody_asked_for_is_raised_by_the_nursery(
        self, start_method: str
    ) -> None:
        with trio.fail_after(TIMEOUT), pytest.raises(ActorDied, match=r"while idle.*SIGKILL"):
            async with open_nursery() as nursery:
                actor = await nursery.start_actor("worker", spawn_method=start_method)
                _kill(actor)
                assert await actor.wait_ended() is State.FAILED

    async def test_faulthandler_is_heard(self, actor: Actor) -> None:
        with pytest.raises(ActorDied, match="Segmentation fault"):
            await actor.run_cell(
                "import faulthandler; faulthandler.enable(); faulthandler._sigsegv()"
            )

    async def test_what_was_flushed_is_not_lost(self, actor: Actor) -> None:
        reader = Reader()
        with pytest.raises(ActorDied):
            await actor.run_cell("import os\nprint('last', flush=True)\nos._exit(0)", sink=reader)
        assert reader.text == "last\n"

    async def test_what_it_has_forked_ends_with_it(self, actor: Actor) -> None:
        """The grandchild holds the socket open: that must not hide the death."""
        source = (
            "import os, signal\npid = os.fork()\nif pid == 0:\n    signal.pause()\n"
            "print(pid, flush=True)\nos.kill(os.getpid(), 9)"
        )
        reader = Reader()
        with pytest.raises(ActorDied, match="SIGKILL"):
            await actor.run_cell(source, sink=reader)
