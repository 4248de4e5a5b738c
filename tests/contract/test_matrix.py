"""What stops what: every backend and every body.

With ``--record-matrix DIR`` what was measured is written there; ``make matrix`` makes the table in
docs/stopping.md of it.
"""

from __future__ import annotations

import math
import os
import re
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import trio

from subint_magic.errors import CellError, RunCancelled
from subint_magic.runtime.lifecycle import State
from subint_magic.runtime.nursery import open_nursery
from subint_magic.testing.contract._base import TIMEOUT, Reader
from subint_magic.wire.messages import Rung

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.nursery import ActorNursery
    from subint_magic.wire.messages import Loop

    type Recorder = Callable[[str, str, str, float | None, str], None]

GRACE = 0.5
"""Short, for what only the end of the actor stops takes that long, and there are many."""

BUSY = 5
"""Ticks of processor time, a hundredth of a second each, after which a thread is in its loop."""

INTERVAL = 0.01
"""Seconds between two looks at what sends no event."""

OLD = sys.version_info < (3, 15)

LOOP, EXCEPTION, WAKE, INSIST, END = Rung


@dataclass(frozen=True)
class Body:
    """What a cell does when it is to stop.

    Attributes:
        name: what the table calls it.
        source: does it; ``GATE`` waits until the test lets it go, wherever the test can.
        in_process: the rung that stops it in a process.
        in_subint: the rung that stops it in a sub-interpreter.
        loop: what runs its top-level ``await``.
    """

    name: str
    source: str
    in_process: Rung
    in_subint: Rung
    loop: Loop = "trio"


def blocked(setup: str, wait: str, then: str) -> str:
    """Return a body that waits in a call, which returns once the test opens the gate."""
    release = f"def release():\n    open(GATE, 'rb', 0).read(1)\n    {then}"
    return (
        f"import threading\n{setup}\n{release}\n"
        f"threading.Thread(target=release).start()\nprint('on')\n{wait}"
    )


BODIES = [
    Body("a pure Python loop", "print('on')\nwhile True: pass", EXCEPTION, EXCEPTION),
    Body(
        "a loop that swallows `Exception`",
        "print('on')\nwhile True:\n    try: n = len('x')\n    except Exception: pass",
        EXCEPTION,
        EXCEPTION,
    ),
    Body(
        "a loop that swallows `BaseException`",
        "def f():\n    while True:\n        try:\n            for _ in range(1000): len('x')\n"
        "        except BaseException: pass\n"
        "print('on')\nwhile True:\n    try: f()\n    except BaseException: pass",
        INSIST,
        INSIST,
    ),
    Body("`time.sleep`", "import time\nprint('on')\ntime.sleep(1e6)", EXCEPTION, WAKE),
    Body(
        "`socket.recv`",
        blocked("import socket\na, b = socket.socketpair()", "a.recv(1)", "b.send(b'x')"),
        EXCEPTION,
        END if OLD else WAKE,
    ),
    Body(
        "`Lock.acquire`",
        blocked("lock = threading.Lock()\nlock.acquire()", "lock.acquire()", "lock.release()"),
        EXCEPTION,
        END,
    ),
    Body(
        "`Event.wait`",
        blocked("event = threading.Event()", "event.wait()", "event.set()"),
        EXCEPTION,
        WAKE,
    ),
    Body(
        "`queue.get`",
        blocked("import queue\nq = queue.Queue()", "q.get()", "q.put(1)"),
        EXCEPTION,
        WAKE,
    ),
    Body(
        "`subprocess.run`",
        "import subprocess\nprint('on')\nsubprocess.run(['head', '-c1', GATE])",
        EXCEPTION,
        INSIST if OLD else WAKE,
    ),
    Body(
        "`trio.sleep_forever`", "import trio\nprint('on')\nawait trio.sleep_forever()", LOOP, LOOP
    ),
    Body(
        "a shielded trio scope",
        "import trio\nprint('on')\nwith trio.CancelScope(shield=True): await trio.sleep_forever()",
        EXCEPTION,
        EXCEPTION,
    ),
    Body(
        "`asyncio.sleep`",
        "import asyncio\nprint('on')\nawait asyncio.sleep(1e6)",
        LOOP,
        LOOP,
        loop="asyncio",
    ),
    Body(
        "`re` backtracking that holds the GIL",
        "import re\nprint('on', flush=True)\nre.match('(a+)+$', 'a' * BACKTRACK + 'b')",
        END,
        END,
    ),
]


LEGACY_HOLDS = "it holds the GIL of the kernel itself: all waits, until the call returns"


class Gate:
    """Where a cell waits until the test opens it."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._fd = os.open(path, os.O_RDWR)

    def open(self) -> None:
        """Let one pass."""
        os.write(self._fd, b".")

    def close(self) -> None:
        os.close(self._fd)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path / "gate")
    yield gate
    gate.close()


@pytest.fixture(scope="module")
def backtrack() -> int:
    """The length of a text that keeps `re` busy for about three seconds, whatever the machine.

    In CPU time, and the least of some: what else runs on the machine now may have ended by then.
    """

    def seconds() -> float:
        began = time.thread_time()
        re.match("(a+)+$", "a" * 18 + "b")
        return time.thread_time() - began

    return 18 + round(math.log2(3 / min(seconds() for _ in range(5))))


class Thread:
    """A thread of an actor, as the operating system sees it."""

    def __init__(self, pid: int, thread: int) -> None:
        self._directory = Path(f"/proc/{pid}/task/{thread}")

    async def settled(self) -> None:
        """Wait until it waits in a call, or is busy in a loop."""
        begun, before = self._look()[1], (True, 0, "")
        while (now := self._look()) != before or not now[0]:
            if now[1] - begun > BUSY:
                return
            before = now
            await trio.sleep(INTERVAL)

    def _look(self) -> tuple[bool, int, str]:
        """Return whether it sleeps, the ticks that it has run, and how often it has slept."""
        stat = (self._directory / "stat").read_text().rpartition(") ")[2].split()
        return stat[0] == "S", int(stat[11]) + int(stat[12]), self._switches()

    def _switches(self) -> str:
        return (self._directory / "status").read_text().partition("voluntary_ctxt")[2]


async def thread_of(actor: Actor) -> Thread:
    """Return the thread that runs the cells of *actor*."""
    assert actor.hello is not None
    native = await actor.run_cell("import threading\nthreading.get_native_id()")
    return Thread(actor.hello.pid, int(native.value or 0))


def in_subint(actor: Actor) -> bool:
    """Return whether it is a sub-interpreter, wherever that is."""
    assert actor.hello is not None
    return actor.hello.interpreter != 0


async def reaped(nursery: ActorNursery) -> None:
    """Wait until no abandoned actor is left."""
    while nursery.abandoned:  # noqa: ASYNC110 - nothing but this test wants to know
        await trio.sleep(INTERVAL)


async def gone(process: psutil.Process) -> None:
    """Wait until *process* has ended; who reaps it may be another."""
    with suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110 - no event of ours
            await trio.sleep(INTERVAL)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="it looks at threads in /proc")
@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name.replace("`", ""))
async def test_what_stops_it(
    start_method: str, body: Body, gate: Gate, backtrack: int, record_matrix: Recorder
):
    if start_method == "subint_legacy" and "GIL" in body.name:
        record_matrix(start_method, body.name, "—", None, LEGACY_HOLDS)
        pytest.skip(LEGACY_HOLDS)
    reader = Reader()
    with trio.fail_after(TIMEOUT):
        async with open_nursery() as nursery:
            actor = await nursery.start_actor("a", spawn_method=start_method)
            thread = await thread_of(actor)
            await actor.run_cell(f"GATE = {str(gate.path)!r}\nBACKTRACK = {backtrack}\nkept = 1")
            async with trio.open_nursery() as tasks:

                @tasks.start_soon
                async def stop() -> None:
                    await reader.read_until("on")
                    await thread.settled()
                    actor.interrupt("the test")

                with pytest.raises(RunCancelled) as caught:
                    await actor.run_cell(body.source, loop=body.loop, sink=reader, grace=GRACE)
            error = caught.value
            assert error.seconds < GRACE + 1
            assert error.rung == (body.in_subint if in_subint(actor) else body.in_process)
            gate.open()
            if error.rung != END:
                assert actor.state is State.IDLE
                assert (await actor.run_cell("kept")).value == "1"
            elif in_subint(actor):
                assert actor.state is State.ABANDONED
                await reaped(nursery)
            else:
                assert actor.state is State.KILLED
            left = {State.IDLE: "the actor", State.KILLED: "nothing"}.get(
                actor.state, "the call, until it returns"
            )
            record_matrix(start_method, body.name, error.rung, error.seconds, left)


async def test_input_ends_by_itself(start_method: str, record_matrix: Recorder):
    with trio.fail_after(TIMEOUT):
        async with open_nursery() as nursery:
            actor = await nursery.start_actor("a", spawn_method=start_method)
            began = trio.current_time()
            with pytest.raises(CellError, match="EOFError: nobody answers input"):
                await actor.run_cell("input()")
            seconds = trio.current_time() - began
            record_matrix(
                start_method, "`input()` with nobody to answer", "—", seconds, "the actor; an error"
            )


ENDED_PROCESS = (State.KILLED, State.CANCELLED)

THREAD_LEFT = """\
import threading
def wait(): open(GATE, 'rb', 0).read(1)
threading.Thread(target=wait).start()
"""


async def test_a_thread_left_running(start_method: str, gate: Gate, record_matrix: Recorder):
    with trio.fail_after(TIMEOUT):
        async with open_nursery(grace=GRACE) as nursery:
            actor = await nursery.start_actor("a", spawn_method=start_method)
            await actor.run_cell(f"GATE = {str(gate.path)!r}\n{THREAD_LEFT}")
            began = trio.current_time()
            await actor.cancel()
            seconds = trio.current_time() - began
            assert seconds < GRACE + 1
            # A process ends itself, with all that is in it, if it is quicker than the kill.
            assert actor.state in ((State.ABANDONED,) if in_subint(actor) else ENDED_PROCESS)
            gate.open()
            await reaped(nursery)
            left = "the thread, until it ends" if in_subint(actor) else "nothing"
            record_matrix(start_method, "a thread left running", END, seconds, left)


async def test_a_child_process_left_running(start_method: str, record_matrix: Recorder):
    with trio.fail_after(TIMEOUT):
        async with open_nursery(grace=GRACE) as nursery:
            actor = await nursery.start_actor("a", spawn_method=start_method)
            source = "import subprocess\nchild = subprocess.Popen(['sleep', '1000'])\nchild.pid"
            child = psutil.Process(int((await actor.run_cell(source)).value or 0))
            began = trio.current_time()
            await actor.cancel()
            seconds = trio.current_time() - began
            assert seconds < GRACE + 1
            assert actor.state is State.CANCELLED
            await gone(child)
            left = "nothing"
            record_matrix(start_method, "a child process left running", "—", seconds, left)
