"""Finds the tasks of trio and asyncio, from another thread.

A loop that is busy or blocked cannot be asked. It is found where it runs: in a frame of trio's or
asyncio's own, among the local variables. That finds those that a cell has started itself, too.
"""

from __future__ import annotations

import gc
import sys
from types import AsyncGeneratorType, CoroutineType, FunctionType, GeneratorType, ModuleType

from subint_magic._child.stacks.inspection import globals_of, instance_dict, members_of, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType, FrameType
    from typing import Any

MAX_TASKS = 10_000
"""Tasks of a loop that are looked at: in a tenth of a second."""

# What is awaited in between, and does not say what that awaits in turn.
_OPAQUE = (
    "async_generator_asend",
    "async_generator_athrow",
    "coroutine_wrapper",
    "anext_awaitable",
)
_TRIES = 100


def find_tasks(frames: Iterable[FrameType]) -> tuple[list[tuple[str, object]], int]:
    """Return the tasks of all loops that run in *frames*, and how many more there are.

    Each is its name and its coroutine; those of trio are in the order in which they began, those
    of asyncio in that of their names, after the first.
    """
    trio_run = _code_of("trio._core._run", "run")
    asyncio_run = _code_of("asyncio.runners", "Runner", "run")
    asyncio_forever = _code_of("asyncio.base_events", "BaseEventLoop", "run_forever")
    runners: dict[int, Any] = {}
    loops: dict[int, tuple[Any, object]] = {}  # each with its first task, where that is known
    for frame in frames:
        if frame.f_code is trio_run:
            runner = frame.f_locals.get("runner")
            runners[id(runner)] = runner
        elif frame.f_code is asyncio_forever:
            loop = frame.f_locals["self"]
            loops.setdefault(id(loop), (loop, None))
        elif frame.f_code is asyncio_run:  # for loops that are not of asyncio, as of uvloop
            runner = frame.f_locals["self"]
            loop = instance_dict(type(runner), runner).get("_loop")
            loops[id(loop)] = loop, frame.f_locals.get("task")
    found: list[tuple[str, object]] = []
    left_out = 0
    for tasks in (
        *(_trio_tasks(runner) for runner in runners.values() if runner is not None),
        *(_asyncio_tasks(*pair) for pair in loops.values() if pair[0] is not None),
    ):
        found += tasks[:MAX_TASKS]
        left_out += len(tasks[MAX_TASKS:])
    return found, left_out


def awaited(waiting: Any) -> Iterator[FrameType]:
    """Yield the frames of a coroutine that waits in its loop, and of what it waits for."""
    while waiting is not None:
        if type(waiting) is CoroutineType:
            frame, waiting = waiting.cr_frame, waiting.cr_await
        elif type(waiting) is GeneratorType:
            frame, waiting = waiting.gi_frame, waiting.gi_yieldfrom
        elif type(waiting) is AsyncGeneratorType:
            frame, waiting = waiting.ag_frame, waiting.ag_await
        elif name_of(type(waiting)) in _OPAQUE:
            awaitables = (CoroutineType, AsyncGeneratorType, GeneratorType)
            inner = [each for each in gc.get_referents(waiting) if type(each) in awaitables]
            frame, waiting = None, inner[0] if inner else None
        else:
            return
        if frame is not None:
            yield frame


def _code_of(module: str, *path: str) -> CodeType | None:
    """Return the code of a function of *module*, if that was imported."""
    found: Any = sys.modules.get(module)
    if type(found) is not ModuleType:
        return None
    names = globals_of(found)
    for name in path:
        found = names.get(name)
        names = members_of(found) if type(found) is type else {}
    return found.__code__ if type(found) is FunctionType else None


def _trio_tasks(runner: Any) -> list[tuple[str, object]]:
    # The copy is made at once, under the GIL, and nothing of these classes can be overridden.
    tasks = sorted(list(runner.tasks), key=lambda task: task._counter)  # noqa: C414
    own: set[Any] = {runner.init_task}
    if runner.init_task is not None:
        own.update(*(nursery._children for nursery in runner.init_task._child_nurseries[:1]))
    return [(_text(task.name), task.coro) for task in tasks if task not in own]


def _asyncio_tasks(loop: object, first: object) -> list[tuple[str, object]]:
    """Return the tasks of *loop*, or only the *first* if the others cannot be had."""
    kind: Any = sys.modules["asyncio.tasks"].Task
    named = [
        (_text(kind.get_name(task)), task)
        for task in _listed(loop, kind) or [first]
        if issubclass(type(task), kind)
    ]
    # Task-9 before Task-10, and that of the cell among those that are looked at
    named.sort(key=lambda each: (each[1] is not first, len(each[0]), each[0]))
    return [(name, kind.get_coro(task)) for name, task in named]


def _listed(loop: object, kind: type) -> Iterable[object]:
    asyncio: Any = sys.modules["asyncio.tasks"]
    if not _is_overridden(kind):
        for _ in range(_TRIES):
            try:
                found: set[object] = asyncio.all_tasks(loop)
                return found
            except RuntimeError:  # a set of them has changed meanwhile
                continue
    return []


def _is_overridden(kind: type) -> bool:
    """Whether a subclass has code of its own that asyncio would call to list the tasks."""
    subclasses: list[type] = type.__subclasses__(kind)
    return any(
        not {"done", "get_loop", "_loop", "__hash__", "__eq__"}.isdisjoint(members_of(each))
        or _is_overridden(each)
        for each in subclasses
    )


def _text(name: object) -> str:
    return str.__str__(name) if issubclass(type(name), str) else "?"
