"""What a cell can do, and what comes of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from subint_magic._child.frames import MAX_FRAME
from subint_magic.errors import (
    CellError,
    RunCancelled,
    RunError,
)
from subint_magic.runtime.lifecycle import State
from subint_magic.testing.contract._base import ON_THIS_MACHINE, Contract, Reader, expect_cancelled
from subint_magic.wire.messages import Dropped, Output, Result

if TYPE_CHECKING:
    from pathlib import Path

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.nursery import ActorNursery
    from subint_magic.runtime.runs.run import Event


class CellContract(Contract):
    """What a cell can do, and what comes of it."""

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
        *outputs, result = reader.joined
        assert [(event.stream, event.text) for event in outputs if isinstance(event, Output)] == [
            (stream, f"{stream[3]} {i}\n") for i in range(3) for stream in ("stdout", "stderr")
        ]
        assert isinstance(result, Result)

    async def test_output_comes_while_the_cell_runs(self, actor: Actor) -> None:
        reader = Reader()
        async with trio.open_nursery() as tasks:
            tasks.start_soon(expect_cancelled, actor, "print('now')\nwhile True: pass", reader)
            await reader.read_until("now\n")
            actor.interrupt()

    async def test_streams_that_a_cell_has_replaced(self, actor: Actor) -> None:
        await actor.run_cell("import io, sys; sys.stdout = io.StringIO(); sys.stdout.close()")
        assert (await actor.run_cell("1")).value == "1"
        await actor.run_cell("sys.stdout = sys.stderr = None")
        await actor.run_cell("del sys.stdout")
        assert (await actor.run_cell("1")).value == "1"

    async def test_only_the_cell_has_a_result(self, actor: Actor) -> None:
        source = (
            "import sys, threading\nt = threading.Thread(target=sys.displayhook, args=(5,))\n"
            "t.start()\nt.join()\n6"
        )
        result = await actor.run_cell(source)
        assert (result.value, result.stdout) == ("6", "5\n")

    async def test_flushing_all_the_time(self, actor: Actor) -> None:
        told = await actor.run_cell("for i in range(300): print(i, flush=True)")
        assert told.stdout == "".join(f"{i}\n" for i in range(300))

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
        assert binary.stdout == "abc\n"

    async def test_output_over_its_limit_is_dropped_and_counted(self, actor: Actor) -> None:
        reader = Reader()
        source = "print('x' * 200_000)\nprint('y')\n'value'"
        result = await actor.run_cell(source, sink=reader, output_limit=1000)
        assert reader.text == "x" * 1000
        assert [event.characters for event in reader.events if isinstance(event, Dropped)] == [
            0,
            199_003,
        ]
        assert (result.value, result.dropped) == ("'value'", 199_003)
        assert (await actor.run_cell("print('x' * 2000)")).dropped == 0, "each run has its own"

    async def test_a_flood_over_the_limit_can_be_stopped(self, actor: Actor) -> None:
        reader = Reader()

        async def run() -> None:
            with pytest.raises(RunCancelled):
                await actor.run_cell("while True: print('x')", sink=reader, output_limit=1000)

        async with trio.open_nursery() as tasks:
            tasks.start_soon(run)
            await reader.read_any(Dropped)
            actor.interrupt()
        assert len(reader.text) <= 1000
        start, end = (event for event in reader.events if isinstance(event, Dropped))
        assert start.characters == 0 < end.characters
        assert (await actor.run_cell("'alive'")).value == "'alive'"

    async def test_what_a_thread_prints_later_is_limited_too(
        self, actor: Actor, tmp_path: Path
    ) -> None:
        gate = str(tmp_path / "gate")
        os.mkfifo(gate)
        fd = os.open(gate, os.O_RDWR)  # so that no open() of it waits for its other end
        reader = Reader()
        source = (
            "import threading\n"
            f"def late():\n    with open({gate!r}, 'rb', 0) as gate: gate.read(1)\n"
            "    print('x' * 2000, end='')\n"
            "t = threading.Thread(target=late)\nt.start()"
        )
        await actor.run_cell(source, sink=reader, output_limit=1000)
        assert reader.events == []
        os.write(fd, b".")
        await reader.read_any(Dropped)
        await actor.run_cell("t.join()")  # says how much it was
        os.close(fd)
        assert reader.text == "x" * 1000
        assert [event.characters for event in reader.events if isinstance(event, Dropped)] == [
            0,
            1000,
        ]

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
            ("class E(Exception):\n def __str__(self): raise SystemExit\nraise E", "E"),
            ("class E(Exception):\n def __bool__(self): 1/0\nraise E", "E"),
            ("raise type('E' * 300, (Exception,), {})", "E" * 200),
            (
                "error = None\nfor _ in range(3000):\n e = ValueError(); e.__cause__ = error\n"
                " error = e\nraise error",
                "ValueError",
            ),
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

    @ON_THIS_MACHINE
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
        source = (
            "import os, only_here\nprint(only_here.answer, os.getcwd(), os.environ['ONLY_NOW'])"
        )
        told = await actor.run_cell(source)
        assert told.stdout == f"42 {tmp_path} ü\n"

    async def test_cells_that_are_sent_at_once_run_in_order(self, actor: Actor) -> None:
        await actor.run_cell("seen = []")
        async with trio.open_nursery() as tasks:
            for i in range(5):
                tasks.start_soon(actor.run_cell, f"seen.append({i})")
                await trio.testing.wait_all_tasks_blocked()
        assert (await actor.run_cell("seen")).value == "[0, 1, 2, 3, 4]"

    async def test_a_run_can_be_measured(self, actor: Actor) -> None:
        source = "x = bytearray(2**26)\ndel x\nfor _ in range(200_000): pass"
        await actor.run_cell(source, measure=True)
        run, before = actor.last_run, actor.bytes_moved
        assert run is not None
        assert run.cpu is not None
        assert run.cpu > 0
        assert run.peak is None or run.peak > 2**25
        await actor.run_cell("print('x' * 1000)")
        assert actor.bytes_moved > before + 1000
        assert actor.last_run is not run
        assert actor.last_run is not None
        assert actor.last_run.cpu is None

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
