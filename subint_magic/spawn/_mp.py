"""Processes of multiprocessing: a fresh one, or a fork of a server that has our runtime loaded."""

from __future__ import annotations

import multiprocessing
import operator
import os
import signal
import threading
from contextlib import asynccontextmanager, contextmanager, nullcontext
from multiprocessing import forkserver, reduction, resource_tracker
from typing import TYPE_CHECKING, Any

import trio

from subint_magic.spawn._contract import ChildEnd, LocalChild, SpawnMethod, code_string
from subint_magic.spawn._preload import preloaded
from subint_magic.spawn._process import GONE, StdioPipes, end_group, kill_group
from subint_magic.spawn._watcher import watched
from subint_magic.wire.fds import FdStream, socket_pair

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator
    from multiprocessing.process import BaseProcess

    from subint_magic.spawn._contract import Child

__all__ = ["MP_FORKSERVER", "MP_SPAWN", "mp_proc"]

PRELOAD = ["__main__", "subint_magic._child.bootstrap"]
"""What the fork server imports before the first fork; ``__main__`` is multiprocessing's default."""

_REDIRECT = "import os; os.dup2(pipes[0][1], 1); os.dup2(pipes[1][1], 2)"
"""Lets the parent read why the rest of the code failed, if it does."""

_REAPED = 0.1
"""Seconds to wait for the exit code of a process that somebody else has reaped."""

_start_lock = threading.Lock()  # multiprocessing keeps its children in a set without a lock


class _Fd:
    """A file descriptor that crosses to the child by multiprocessing's own fd passing.

    It arrives as a number. Nothing of this module is named in the pickle: importing it would bring
    trio into the child.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return operator.call, (operator.methodcaller("detach"), reduction.DupFd(self._fd))


class _MpChild(LocalChild):
    shares_process = False

    def __init__(
        self, stream: FdStream, process: BaseProcess, end_fd: int, pipes: StdioPipes
    ) -> None:
        self.stream = stream
        self._process = process
        self._end_fd = end_fd
        self._pipes = pipes

    async def wait(self) -> ChildEnd:
        """Wait until the process has ended, and reap it."""
        if self._process.exitcode is None:
            await trio.lowlevel.wait_readable(self._end_fd)
            self._process.join()  # does not block: it has ended
            assert self._process.pid is not None
            end_group(self._process.pid)
        with trio.move_on_after(_REAPED):
            # Any call of multiprocessing reaps children; another thread may be just about to
            # note this one's exit code.
            while self._process.exitcode is None:  # noqa: ASYNC110 - there is no event for it
                await trio.sleep(0.001)
        if self._process.exitcode is None:
            return ChildEnd(stderr=self._pipes.last_words())
        return ChildEnd.of_process(self._process.exitcode, self._pipes.last_words())

    def kill(self) -> None:
        """Kill the process and its group."""
        if self._process.exitcode is None and self._process.pid is not None:
            kill_group(self._process.pid)


@contextmanager
def _end_fd(process: BaseProcess, start_method: str) -> Iterator[int]:
    """Give a file descriptor that is readable once *process* has ended.

    A fork server reports the end of its children. For a child of our own, multiprocessing's
    sentinel stays silent while any process that it forked lives, a pidfd does not.
    """
    if start_method == "forkserver" or not hasattr(os, "pidfd_open"):
        yield process.sentinel
        return
    assert process.pid is not None
    fd = os.pidfd_open(process.pid)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    """Give what starts an environment variable."""
    if value:
        os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name, None)


def start_helpers() -> None:
    """Start the fork server, with our runtime loaded, and the resource tracker."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOAD)
    fresh = forkserver._forkserver._forkserver_pid is None  # type: ignore[attr-defined]
    with _variable("SUBINT_MAGIC_PRELOAD", " ".join(preloaded())) if fresh else nullcontext():
        forkserver.ensure_running()
    resource_tracker.ensure_running()


def _start(process: BaseProcess, start_method: str) -> None:
    """Start *process*; blocks, and is called in a thread that is not the main one."""
    with _start_lock:
        if start_method == "forkserver":
            start_helpers()
            process.start()
        else:
            # What starts here inherits the mask: an interrupt of the kernel's process group finds
            # SIGINT blocked until the child has a group and a handler of its own.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            try:
                process.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)


@asynccontextmanager
async def mp_proc(key: str, name: str) -> AsyncGenerator[Child]:
    """Start a process by multiprocessing's start method ``spawn`` or ``forkserver``."""
    start_method = key.removeprefix("mp_")
    context = multiprocessing.get_context(start_method)
    stream, theirs = socket_pair()
    async with stream:
        with StdioPipes() as pipes:
            with theirs:
                arguments = {
                    "fd": _Fd(theirs.fileno()),
                    "pipes": tuple(tuple(map(_Fd, pair)) for pair in pipes.fds),
                }
                process = context.Process(  # type: ignore[attr-defined]
                    target=exec, args=(code_string("fd, pipes", _REDIRECT), arguments), name=name
                )
                await trio.to_thread.run_sync(_start, process, start_method)
            pipes.started()
            with _end_fd(process, start_method) as end_fd:
                child = _MpChild(stream, process, end_fd, pipes)
                assert process.pid is not None
                try:
                    async with watched(process.pid):
                        yield child
                finally:
                    child.kill()
                    with trio.move_on_after(GONE, shield=True):
                        await child.wait()
                        process.close()


def _why_not() -> str | None:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return "this platform cannot pass file descriptors to a fork server"
    return None


def _shut_down() -> None:
    """End the fork server and the resource tracker, unless somebody else uses them.

    ipykernel terminates the children of its process group and waits until they have gone before it
    answers a shutdown, but the resource tracker ignores SIGTERM. They are waited for in a thread,
    as a process that an actor has left behind may hold the tracker open.
    """

    def stop() -> None:
        forkserver._forkserver._stop()  # type: ignore[attr-defined]
        resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]

    if not multiprocessing.active_children():
        thread = threading.Thread(target=stop, daemon=True)
        thread.start()
        thread.join(1.0)


MP_SPAWN = SpawnMethod(
    "mp_spawn",
    "a process as multiprocessing's spawn starts it: slow start",
    mp_proc,
    shut_down=_shut_down,
)
MP_FORKSERVER = SpawnMethod(
    "mp_forkserver",
    "a fork of a clean server: the process that starts fastest",
    mp_proc,
    _why_not,
    _shut_down,
)
