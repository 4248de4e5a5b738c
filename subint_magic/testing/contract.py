"""The tests that every backend must pass.

An author of a backend subclasses `SpawnContract`, or `ProcessContract` for one that starts
processes, and gives the key::

    class TestMyBackend(ProcessContract):
        @pytest.fixture
        def start_method(self) -> str:
            return "my_backend"

They need ``pytest-trio`` with ``trio_mode = true``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from subint_magic._child.frames import MAX_FRAME
from subint_magic.errors import (
    ActorBusy,
    ActorConflict,
    ActorDied,
    ActorEnded,
    CellError,
    RunCancelled,
    RunError,
)
from subint_magic.runtime.lifecycle import State
from subint_magic.runtime.nursery import open_nursery
from subint_magic.spawn import spawn_method
from subint_magic.wire.messages import Output, Result

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.nursery import ActorNursery
    from subint_magic.runtime.run import Event

__all__ = ["ProcessContract", "SpawnContract"]

TIMEOUT = 30.0
"""Seconds after which a test has failed; none comes near."""


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

    async def read_until(self, text: str) -> None:
        """Wait until *text* was printed."""
        while text not in self.text:
            self._came = trio.Event()
            await self._came.wait()


class SpawnContract:
    """What holds for actors on every backend."""

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

    # starting and ending

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

    # cells

    async def test_a_namespace_of_its_own(self, actor: Actor) -> None:
        await actor.run_cell("x = 20\ndef double(n):\n    return 2 * n")
        assert (await actor.run_cell("double(x) + 2")).value == "42"
        assert (await actor.run_cell("__name__")).value == "'__main__'"
        assert (await actor.run_cell("import __main__; __main__.x")).value == "20"

    async def test_only_the_last_expression_is_shown(self, actor: Actor) -> None:
        assert (await actor.run_cell("1\n2\n3")).value == "3"
        assert (await actor.run_cell("x = 1")).value is None
        assert (await actor.run_cell("None")).value is None
        assert (await actor.run_cell("")).value is None
        assert (await actor.run_cell("# nothing\n")).value is None

    async def test_source_is_taken_to_the_letter(self, actor: Actor) -> None:
        source = "text = '''\n  two\n\tspaces'''\n@staticmethod\ndef f(): return text\nf()"
        assert (await actor.run_cell(source)).value == repr("\n  two\n\tspaces")

    async def test_future_imports_hold_for_later_cells(self, actor: Actor) -> None:
        await actor.run_cell("from __future__ import annotations\ndef f(a: Nowhere): pass")
        later = await actor.run_cell("def g(a: Nowhere): pass\ng.__annotations__")
        assert later.value == "{'a': 'Nowhere'}"

    async def test_output_is_one_ordered_stream(self, actor: Actor) -> None:
        reader = Reader()
        source = (
            "import sys\nfor i in range(3):\n print('o', i)\n print('e', i, file=sys.stderr)\n'v'"
        )
        await actor.run_cell(source, sink=reader)
        *outputs, result = reader.events
        assert [(event.stream, event.text) for event in outputs if isinstance(event, Output)] == [
            (stream, f"{stream[3]} {i}\n") for i in range(3) for stream in ("stdout", "stderr")
        ] or reader.text == "".join(f"o {i}\ne {i}\n" for i in range(3))
        assert isinstance(result, Result)

    async def test_output_comes_while_the_cell_runs(self, actor: Actor) -> None:
        reader = Reader()
        async with trio.open_nursery() as tasks:
            tasks.start_soon(expect_cancelled, actor, "print('now')\nwhile True: pass", reader)
            await reader.read_until("now\n")
            actor.interrupt()

    async def test_text_without_a_newline_comes_too(self, actor: Actor) -> None:
        reader = Reader()
        source = "print('half', end='')\nwhile True: pass"
        async with trio.open_nursery() as tasks:
            tasks.start_soon(expect_cancelled, actor, source, reader)
            await reader.read_until("half")
            actor.interrupt()

    async def test_many_lines_come_in_few_messages(self, actor: Actor) -> None:
        reader = Reader()
        await actor.run_cell("for i in range(50_000): print(i)", sink=reader)
        assert reader.text == "".join(f"{i}\n" for i in range(50_000))
        assert len(reader.events) < 1000

    async def test_any_text_arrives(self, actor: Actor) -> None:
        big = await actor.run_cell("print('é' * 3_000_000, end='')")
        assert big.stdout == "é" * 3_000_000
        lone = await actor.run_cell(r"print('\ud800')")
        assert lone.stdout == "\\ud800\n"
        binary = await actor.run_cell("import sys; sys.stdout.buffer.write(b'ab'); print('c')")
        assert binary.stdout in ("abc\n", "c\nab")

    async def test_a_huge_repr_is_cut(self, actor: Actor) -> None:
        value = (await actor.run_cell("'x' * 5_000_000")).value
        assert value is not None
        assert len(value) < 2_000_000
        assert value.endswith("more characters of this repr")

    async def test_an_error_has_its_lines_and_leaves_the_actor_idle(self, actor: Actor) -> None:
        await actor.run_cell("def f(n):\n    return 1 // n")
        with pytest.raises(CellError, match="ZeroDivisionError") as caught:
            await actor.run_cell("ok = True\nf(0)")
        error = caught.value
        assert (error.type_name, error.actor) == ("ZeroDivisionError", "worker")
        assert '<worker cell 2>", line 2, in <module>\n    f(0)' in error.traceback
        assert '<worker cell 1>", line 2, in f\n    return 1 // n' in error.traceback
        assert "subint_magic" not in error.traceback
        assert actor.state is State.IDLE
        assert (await actor.run_cell("ok")).value == "True"

    @pytest.mark.parametrize(
        ("source", "name"),
        [
            ("x = = 1", "SyntaxError"),
            ("raise SystemExit(3)", "SystemExit"),
            ("import sys; sys.exit()", "SystemExit"),
            ("raise KeyboardInterrupt", "KeyboardInterrupt"),
            ("raise BaseException('b')", "BaseException"),
            ("raise ExceptionGroup('g', [ValueError(1)])", "ExceptionGroup"),
            ("def f(): f()\nf()", "RecursionError"),
            ("class E(Exception):\n def __str__(self): 1/0\nraise E", "E"),
            ("class R:\n def __repr__(self): 1/0\nR()", "ZeroDivisionError"),
            ("input()", "EOFError"),
        ],
    )
    async def test_whatever_it_raises_ends_the_run_only(
        self, actor: Actor, source: str, name: str
    ) -> None:
        with pytest.raises(CellError) as caught:
            await actor.run_cell(source)
        assert caught.value.type_name == name
        assert "subint_magic" not in caught.value.traceback
        assert (await actor.run_cell("'alive'")).value == "'alive'"

    @pytest.mark.parametrize("loop", ["trio", "asyncio"])
    async def test_top_level_await(self, actor: Actor, loop: str) -> None:
        source = (
            f"import {loop}\nx = 1\nawait {loop}.sleep(0)\nasync def f(): return x + 1\nawait f()"
        )
        assert (await actor.run_cell(source, loop=loop)).value == "2"  # type: ignore[arg-type]
        with pytest.raises(CellError) as caught:
            await actor.run_cell(f"await {loop}.sleep(0)\n1/0", loop=loop)  # type: ignore[arg-type]
        assert 'cell 2>", line 2, in <module>' in caught.value.traceback

    async def test_it_takes_over_path_and_directory(
        self,
        nursery: ActorNursery,
        start_method: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (tmp_path / "only_here.py").write_text("answer = 42")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("ONLY_NOW", "ü")
        actor = await nursery.start_actor(spawn_method=start_method)
        source = "import os, only_here\nonly_here.answer, os.getcwd(), os.environ['ONLY_NOW']"
        told = await actor.run_cell(source)
        assert told.value == repr((42, str(tmp_path), "ü"))

    async def test_cells_that_are_sent_at_once_run_in_order(self, actor: Actor) -> None:
        await actor.run_cell("seen = []")
        async with trio.open_nursery() as tasks:
            for i in range(5):
                tasks.start_soon(actor.run_cell, f"seen.append({i})")
                await trio.testing.wait_all_tasks_blocked()
        assert (await actor.run_cell("seen")).value == "[0, 1, 2, 3, 4]"

    async def test_a_cell_over_the_limit_is_refused(self, actor: Actor) -> None:
        with pytest.raises(RunError, match="over the limit"):
            await actor.run_cell(f"#{'x' * MAX_FRAME}")
        assert (await actor.run_cell("'alive'")).value == "'alive'"

    async def test_a_sink_that_raises_stops_the_run(self, actor: Actor) -> None:
        def sink(_event: Event) -> None:
            raise LookupError

        with pytest.raises(LookupError):
            await actor.run_cell("print(1)\nwhile True: pass", sink=sink)
        assert (await actor.run_cell("'alive'")).value == "'alive'"

    async def test_output_of_a_thread_belongs_to_the_last_run(self, actor: Actor) -> None:
        reader = Reader()
        source = (
            "import threading\ngo = threading.Event()\n"
            "t = threading.Thread(target=lambda: (go.wait(), print('late')))\nt.start()"
        )
        await actor.run_cell(source, sink=reader)
        await actor.run_cell("go.set(); t.join()", sink=reader)
        await reader.read_until("late\n")

    # stopping

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
                tasks.start_soon(cancel_when, reader, "on\n", scope)
                await actor.run_cell("print('on')\nwhile True: pass", sink=reader)
        assert scope.cancelled_caught
        assert (await actor.run_cell("'alive'")).value == "'alive'"


class ProcessContract(SpawnContract):
    """What holds for actors that have a process of their own, besides."""

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

    @pytest.mark.parametrize(
        ("code", "exit_code", "signal"),
        [
            ("os._exit(3)", 3, None),
            ("os.kill(os.getpid(), 9)", None, 9),
            ("os.write(2, b'last words'); os.abort()", None, 6),
            ("import faulthandler; faulthandler.enable(); faulthandler._sigsegv()", None, 11),
        ],
        ids=["exit", "killed", "abort", "segfault"],
    )
    async def test_death_during_a_run(
        self,
        actor: Actor,
        nursery: ActorNursery,
        code: str,
        exit_code: int | None,
        signal: int | None,
    ) -> None:
        with pytest.raises(ActorDied, match=r"worker.*while running a cell") as caught:
            await actor.run_cell(f"import os, sys\nprint('before', file=sys.stderr)\n{code}")
        error = caught.value
        assert (error.exit_code, error.signal) == (exit_code, signal)
        if "write" in code:
            assert "last words" in str(error)
        if "faulthandler" in code:
            assert "Segmentation fault" in str(error)
        assert actor.state is State.FAILED
        assert "worker" not in nursery.actors
        with pytest.raises(ActorDied):
            await actor.run_cell("1")

    async def test_death_while_idle(self, start_method: str) -> None:
        with trio.fail_after(TIMEOUT), pytest.raises(ActorDied, match=r"while idle.*SIGKILL"):
            async with open_nursery() as nursery:
                actor = await nursery.start_actor("worker", spawn_method=start_method)
                assert actor.hello is not None
                os.kill(actor.hello.pid, 9)
                assert await actor.wait_ended() is State.FAILED

    async def test_what_it_has_forked_ends_with_it(self, actor: Actor) -> None:
        """The grandchild holds the socket open: that must not hide the death."""
        source = (
            "import os, signal\npid = os.fork()\nif pid == 0:\n    signal.pause()\n"
            "print(pid, flush=True)\nos.kill(os.getpid(), 9)"
        )
        reader = Reader()
        with pytest.raises(ActorDied, match="SIGKILL"):
            await actor.run_cell(source, sink=reader)

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

    def test_child_stays_light(self) -> None:
        """What a child imports before its first cell, any cell pays for."""
        heavy = {"trio", "msgspec", "asyncio", "IPython", "traceback", "subprocess", "inspect"}
        code = "import sys, subint_magic._child.bootstrap; print(*sys.modules)"
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert not heavy & set(run.stdout.split())


async def expect_cancelled(actor: Actor, source: str, sink: Callable[[Event], None] | None) -> None:
    """Run *source*, which must be stopped."""
    with pytest.raises(RunCancelled, match=actor.name):
        await actor.run_cell(source, sink=sink)


async def _read_to_the_end(fifo: Path) -> None:
    """Read until nobody is left who could write."""
    await trio.to_thread.run_sync(fifo.read_text)


async def cancel_when(reader: Reader, text: str, scope: trio.CancelScope) -> None:
    """Cancel *scope* once *text* was printed."""
    await reader.read_until(text)
    scope.cancel()
