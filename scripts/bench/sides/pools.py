"""The pools of others, each with one worker, called in one way."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio.to_interpreter
import loky
import trio_parallel
from turns import BARE_INTERPRETERS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from concurrent.futures import Executor

type Call = Callable[..., Awaitable[Any]]
"""Calls a function with its arguments in the worker of a pool; returns what that returns."""

INTERPRETERS = "InterpreterPoolExecutor"
PROCESSES = "ProcessPoolExecutor"


@contextmanager
def open_pools() -> Iterator[dict[str, Call]]:
    """Open all that can run here; they end with the block."""
    executors: dict[str, Executor] = {
        PROCESSES: ProcessPoolExecutor(1),
        "loky": loky.get_reusable_executor(max_workers=1, timeout=3600),
    }
    if not BARE_INTERPRETERS:
        from concurrent.futures import InterpreterPoolExecutor

        # The worker does not take over where modules are found.
        path = f"import sys; sys.path[:] = {sys.path}"
        executors[INTERPRETERS] = InterpreterPoolExecutor(1, initializer=exec, initargs=(path,))
    calls = {name: _blocking(executor) for name, executor in executors.items()}
    calls["trio-parallel"] = trio_parallel.run_sync
    calls["anyio.to_interpreter"] = anyio.to_interpreter.run_sync
    try:
        yield calls
    finally:
        for executor in executors.values():
            executor.shutdown()


def _blocking(executor: Executor) -> Call:
    async def call(function: Callable[..., Any], *args: Any) -> Any:
        return executor.submit(function, *args).result()

    return call
