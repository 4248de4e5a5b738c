"""What is told of many tasks, and of tasks that do not let themselves be asked."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import TYPE_CHECKING, Any

import pytest
import trio

from subint_magic._child.stacks.threads import MAX_STACKS, stacks

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from subint_magic._child.stacks.threads import Stack


def look() -> tuple[list[Stack], int]:
    """Look from a thread that is not shown."""
    executor = threading.main_thread().ident
    assert executor is not None
    return stacks({}, executor, threading.get_ident())


def waiters(count: int) -> list[Callable[[trio.Event], Coroutine[Any, Any, None]]]:
    """Return functions that wait in different places."""
    names: dict[str, Any] = {}
    for i in range(count):
        exec("\n" * i + f"async def wait{i}(event): await event.wait()", names)
    return [names[f"wait{i}"] for i in range(count)]


async def test_tasks_are_told_up_to_a_number():
    event = trio.Event()
    async with trio.open_nursery() as tasks:
        for wait in waiters(MAX_STACKS + 2):
            tasks.start_soon(wait, event)
            tasks.start_soon(wait, event)
        await trio.testing.wait_all_tasks_blocked()
        told, left_out = await trio.to_thread.run_sync(look)
        event.set()
    told = [stack for stack in told if stack[0] == "task"]
    assert len(told) == MAX_STACKS
    others = [stack for stack in told if "wait" not in stack[1]]  # those of the test itself
    assert left_out == 2 * (2 + len(others))


@pytest.mark.parametrize("name", ["done", "get_loop", "__hash__"])
def test_no_code_of_a_task_runs(name: str):
    asked: list[object] = []
    first: list[str] = []

    def answer(task: asyncio.Task[Any], *_: object) -> Any:
        if threading.current_thread() is not threading.main_thread():
            asked.append(task)
        return getattr(asyncio.Task, name)(task)

    async def main() -> list[Stack]:
        this = asyncio.current_task()
        assert this is not None
        first.append(this.get_name())
        kind: Any = type("Kind", (asyncio.Task,), {name: answer})
        task = kind(asyncio.sleep(100), loop=asyncio.get_running_loop())
        told, _ = await asyncio.to_thread(look)
        task.cancel()
        return told

    told = asyncio.run(main())
    assert asked == []
    assert [stack[1] for stack in told if stack[0] == "task"] == first  # and no other


def test_tasks_of_a_subclass():
    gc.collect()  # the classes of the test above

    class Kind(asyncio.Task[None]):
        pass

    async def main() -> list[Stack]:
        task = Kind(asyncio.sleep(100), loop=asyncio.get_running_loop(), name="mine")
        await asyncio.sleep(0)
        told, _ = await asyncio.to_thread(look)
        task.cancel()
        return told

    assert "mine" in [stack[1] for stack in asyncio.run(main())]
