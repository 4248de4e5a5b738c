"""What can be seen of an actor from outside, whatever it does, and how its errors look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from subint_magic.errors import ActorEnded, CellError
from subint_magic.testing.contract._base import Contract, Reader, expect_cancelled
from subint_magic.wire.messages import Frontend

if TYPE_CHECKING:
    from subint_magic.runtime.actor import Actor
    from subint_magic.wire.messages import Loop, Stack

HOSTILE = """\
import sys
def told(*_): print('code of the cell has run'); raise SystemExit
class Meta(type):
    __name__ = __mro__ = __dict__ = property(told)
    __getattribute__ = __instancecheck__ = __subclasscheck__ = told
class Hostile(list, metaclass=Meta):
    __repr__ = __str__ = __len__ = __dir__ = __getattr__ = __getattribute__ = __iter__ = told
    __class__ = __dict__ = property(told)
    def method(self): pass
class Plain:
    __slots__ = ('filled', 'empty')
    def __init__(self): self.filled = 1
    value = property(told)
class Module(type(sys)):
    __getattr__ = __getattribute__ = told
hostile, plain, module = Hostile(), Plain(), Module('module')
"""

TASKS = """\
async def numbers():
    await sleep(100)
    yield 1
async def read():
    async for _ in numbers(): pass
async def work():
    await sleep(99)
async def spin():
    await settled()
    for _ in iter(int, print('ready')): pass
async def main():
    async with TaskGroup() as tasks:
        start(tasks, read, 'reader')
        start(tasks, work, 'worker 1')
        start(tasks, work, 'worker 2')
        start(tasks, work, 'worker 3')
        start(tasks, sleep_forever, 'zz internal')
        start(tasks, spin, 'zzz spinner')
"""
LOOPS = {
    "trio": """\
def run(): trio.run(main)
import trio
from trio import open_nursery as TaskGroup, sleep, sleep_forever
from trio.testing import wait_all_tasks_blocked as settled
def start(tasks, function, name): tasks.start_soon(function, name=name)
""",
    "asyncio": """\
def run(): asyncio.run(main())
import asyncio
from asyncio import TaskGroup, sleep
def sleep_forever(): return asyncio.Event().wait()
async def settled(): pass  # tasks begin in order
def start(tasks, function, name): tasks.create_task(function(), name=name)
""",
}


def _told(stack: Stack) -> tuple[str, str, int, list[tuple[int, int, str, str]]]:
    frames = [(f.count, f.line, f.function, f.source) for f in stack.frames]
    return (stack.whose, stack.name, stack.more, frames)


class InsideContract(Contract):
    """What can be seen of an actor from outside, whatever it does, and how its errors look."""

    async def test_stacks_of_a_busy_cell(self, actor: Actor) -> None:
        await actor.run_cell("def spin():\n    while True: pass", frontend=Frontend(7, "first"))
        reader = Reader()
        async with trio.open_nursery() as tasks:
            tasks.start_soon(expect_cancelled, actor, "print('ready')\nspin()", reader)
            await reader.read_until("ready")
            stacks = (await actor.inspect("stacks")).stacks
            actor.interrupt()
        assert [_told(stack) for stack in stacks] == [
            ("cell", "", 0, [(2, 2, "<module>", "spin()"), (7, 2, "spin", "while True: pass")])
        ]

    @pytest.mark.parametrize("loop", ["trio", "asyncio"])
    @pytest.mark.parametrize("call", ["await main()", "run()"])
    async def test_stacks_of_tasks(self, actor: Actor, loop: Loop, call: str) -> None:
        await actor.run_cell(LOOPS[loop], frontend=Frontend(7))
        await actor.run_cell(TASKS, frontend=Frontend(8))
        reader = Reader()
        async with trio.open_nursery() as nursery:

            async def run() -> None:
                await actor.run_cell(call, loop=loop, sink=reader, frontend=Frontend(9))

            nursery.start_soon(run)
            await reader.read_until("ready")
            found = await actor.inspect("stacks")
            nursery.cancel_scope.cancel()
        assert found.left_out == 0
        cell, *tasks = found.stacks
        main = [(8, 12, "main", "async with TaskGroup() as tasks:")]
        if call == "run()":
            name, starts = {
                "trio": ("__main__.main", "def run(): trio.run(main)"),
                "asyncio": ("Task-1", "def run(): asyncio.run(main())"),
            }[loop]
            assert _told(cell)[3] == [(9, 1, "<module>", "run()"), (7, 1, "run", starts)]
            assert _told(tasks.pop(0)) == ("task", name, 0, main)
        else:
            assert _told(cell)[3] == [(9, 1, "<module>", "await main()"), *main]
        tasks.sort(key=lambda task: task.name)  # trio begins them in any order
        internal = tasks.pop(2)
        assert (internal.name, len(internal.frames)) == ("zz internal", 1)
        assert [_told(task) for task in tasks] == [
            (
                "task",
                "reader",
                0,
                [
                    (8, 5, "read", "async for _ in numbers(): pass"),
                    (8, 2, "numbers", "await sleep(100)"),
                ],
            ),
            ("task", "worker 1", 2, [(8, 7, "work", "await sleep(99)")]),
            (
                "task",
                "zzz spinner",
                0,
                [
                    (8, 10, "spin", "for _ in iter(int, print('ready')): pass"),
                ],
            ),
        ]

    async def test_stacks_of_what_a_loop_calls(self, actor: Actor) -> None:
        source = (
            "import asyncio\ndef called():\n    for _ in iter(int, print('ready')): pass\n"
            "asyncio.get_running_loop().call_soon(called)\nawait asyncio.sleep(100)"
        )
        reader = Reader()
        async with trio.open_nursery() as nursery:

            async def run() -> None:
                await actor.run_cell(source, loop="asyncio", sink=reader)

            nursery.start_soon(run)
            await reader.read_until("ready")
            stacks = (await actor.inspect("stacks")).stacks
            nursery.cancel_scope.cancel()
        assert [(s.whose, [f.line for f in s.frames]) for s in stacks] == [
            ("cell", [5]),
            ("thread", [3]),
        ]

    async def test_stacks_of_an_idle_actor(self, actor: Actor) -> None:
        await actor.run_cell("async def f(): pass\nawait f()")
        assert (await actor.inspect("stacks")).stacks == []
        await actor.run_cell(
            "import threading\ngo = threading.Event()\n"
            "t = threading.Thread(target=go.wait, name='waiter')\nt.start()"
        )
        assert [stack.name for stack in (await actor.inspect("stacks")).stacks] == ["waiter"]
        await actor.run_cell("go.set(); t.join()")

    async def test_variables(self, actor: Actor) -> None:
        await actor.run_cell(
            "import json\nn = 3\ntext = 'ab' * 99\nhuge = 10 ** 9999\nlong = list(range(500))\n"
            "few = {'a': [1], 'b': 2}\npair = (1, 'x')\ndef f(a, *, b): pass\n_hidden = 1"
        )
        found = (await actor.inspect("variables")).variables
        assert [(v.name, v.type_name, v.size, v.value) for v in found] == [
            ("f", "function", "", "(a, b)"),
            ("few", "dict", "2", ""),
            ("huge", "int", "", "33216 bits"),
            ("json", "module", "", "json"),
            ("long", "list", "500", ""),
            ("n", "int", "", "3"),
            ("pair", "tuple", "2", "(1, 'x')"),
            ("text", "str", "198", f"{'ab' * 30!r}…"),
        ]

    async def test_completions(self, actor: Actor) -> None:
        await actor.run_cell("import json\nclass C:\n    def go(self): pass\nc = C()\nc.here = C()")
        for text, names in {
            "js": ["json"],
            "json.dum": ["dump", "dumps"],
            "c.": ["go", "here"],
            "c.here.g": ["go"],
            "c.nothing.": [],
            "nothing": [],
        }.items():
            found = (await actor.inspect("completions", text)).completions
            assert [each.name for each in found] == names

    async def test_no_code_of_the_cell_runs_for_it(self, actor: Actor) -> None:
        await actor.run_cell(HOSTILE)
        reader = Reader()
        async with trio.open_nursery() as tasks:
            source = "print('ready')\nwhile True: pass"
            tasks.start_soon(expect_cancelled, actor, source, reader)
            await reader.read_until("ready")
            answers = [await actor.inspect("variables")]
            for text in ("hostile.me", "plain.", "plain.value.", "module.", "Hostile.me"):
                answers.append(await actor.inspect("completions", text))  # noqa: PERF401
            actor.interrupt()
        assert reader.text == "ready\n"
        assert [answer.error for answer in answers] == [""] * 6
        assert [v.type_name for v in answers[0].variables if v.name == "hostile"] == ["Hostile"]
        assert [c.name for c in answers[1].completions] == ["method"]
        assert [c.name for c in answers[2].completions] == ["filled", "value"]
        assert answers[3].completions == []

    async def test_whoever_asks_when_it_ends_is_told(self, actor: Actor) -> None:
        await actor.close()
        with pytest.raises(ActorEnded):
            await actor.inspect("stacks")

    async def test_a_traceback_as_python_or_ipython_shows_it(self, actor: Actor) -> None:
        with pytest.raises(CellError) as caught:
            await actor.run_cell("1 / 0")
        assert caught.value.traceback.startswith("Traceback (most recent call last):\n  File")
        with pytest.raises(CellError) as caught:
            await actor.run_cell("1 / 0", frontend=Frontend(7, theme="nocolor"))
        assert "Cell In[7], line 1\n----> 1 1 / 0\n" in caught.value.traceback
        assert str(caught.value) == "ZeroDivisionError: division by zero"

    async def test_an_error_that_does_not_let_itself_be_shown(self, actor: Actor) -> None:
        source = (
            "class E(Exception):\n    def __str__(self):\n        print('ready')\n"
            "        while True: pass\nraise E"
        )
        reader = Reader()
        async with trio.open_nursery() as tasks:

            async def run() -> None:
                with pytest.raises(CellError, match="E: <exception str"):
                    look = Frontend(theme="nocolor")
                    await actor.run_cell(source, sink=reader, frontend=look, grace=0.2)

            tasks.start_soon(run)
            await reader.read_until("ready")
            actor.interrupt()
        assert (await actor.run_cell("'alive'")).value == "'alive'"
