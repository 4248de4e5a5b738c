"""A fresh Python process, started and watched by trio."""

from __future__ import annotations

import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from subint_magic.spawn._contract import ChildEnd, LocalChild, SpawnMethod, code_string
from subint_magic.spawn._process import GONE, StdioPipes, end_group, kill_group
from subint_magic.spawn._watcher import watched
from subint_magic.wire.fds import FdStream, socket_pair

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from subint_magic.spawn._contract import Child

__all__ = ["TRIO", "trio_proc"]


class _TrioChild(LocalChild):
    shares_process = False

    def __init__(self, stream: FdStream, process: trio.Process, pipes: StdioPipes) -> None:
        self.stream = stream
        self._process = process
        self._pipes = pipes

    async def wait(self) -> ChildEnd:
        """Wait until the process has ended, and reap it."""
        returncode = await self._process.wait()
        end_group(self._process.pid)
        return ChildEnd.of_process(returncode, self._pipes.last_words())

    def kill(self) -> None:
        """Kill the process and its group."""
        if self._process.returncode is None:
            kill_group(self._process.pid)


@asynccontextmanager
async def trio_proc(key: str, name: str) -> AsyncGenerator[Child]:
    """Start a Python process with `trio.lowlevel.open_process`."""
    stream, theirs = socket_pair()
    async with stream:
        with StdioPipes() as pipes:
            with theirs:
                process = await trio.lowlevel.open_process(
                    [sys.executable, "-c", code_string(f"{theirs.fileno()}, {pipes.fds}")],
                    stdin=subprocess.DEVNULL,
                    stdout=pipes.fds[0][1],
                    stderr=pipes.fds[1][1],
                    pass_fds=(theirs.fileno(), *pipes.fds[0], *pipes.fds[1]),
                    start_new_session=True,
                )
            pipes.started()
            child = _TrioChild(stream, process, pipes)
            try:
                async with watched(process.pid):
                    yield child
            finally:
                child.kill()
                with trio.move_on_after(GONE, shield=True):
                    await process.wait()


TRIO = SpawnMethod(
    "trio",
    "a fresh Python process: everything works",
    trio_proc,
)
