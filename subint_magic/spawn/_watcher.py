"""Ends process actors after a SIGKILL of this process, whatever they do.

An actor notices by itself that its parent has gone, but not while a call of C code holds its GIL;
and what it has started does not notice at all. So there is a watcher, one shell for all actors: it
reads their process groups from a pipe, and the end of that pipe is the end of this process.

It lives only while there are actors: nothing has to shut it down, and nothing is left between them.
"""

from __future__ import annotations

import os
import subprocess
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["watched"]

# Each line is the whole list; one that was cut short by our end does not count. Within
# two seconds an actor ends in good order (`_child/orphan.py`), and one more is for the machine. A
# process that has not come to make its group is meant by its own number.
_SCRIPT = """\
while read -r line; do groups=$line; done
[ "$groups" ] || exit
sleep 3
for group in $groups; do
    kill -KILL "-$group" || kill -KILL "$group"
done
"""


class Watcher:
    """The shell and what it has been told. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pids: set[int] = set()
        self._shell: subprocess.Popen[bytes] | None = None

    def add(self, pid: int) -> None:
        """Watch over the process *pid*. May block for the start of the shell."""
        with self._lock:
            self._pids.add(pid)
            if not self._tell():
                self._end()  # it was killed, or there was none
                self._start()
                self._tell()

    def discard(self, pid: int) -> None:
        """Forget the process *pid*, which has been reaped."""
        with self._lock:
            self._pids.discard(pid)
            if not self._pids or not self._tell():
                self._end()

    def _start(self) -> None:
        try:
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT],
                stdin=subprocess.PIPE,
                # Nobody who waits for the end of our output shall wait for the watcher.
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                # Neither a Ctrl-C nor a Jupyter server that kills our group reaches it, nor does
                # ipykernel wait for it.
                start_new_session=True,
                bufsize=0,
            )
        except OSError:
            return  # a system without a shell; the actors still notice by themselves, mostly
        assert self._shell.stdin is not None
        os.set_blocking(self._shell.stdin.fileno(), False)

    def _tell(self) -> bool:
        """Send the list; return whether there is somebody who reads it."""
        if self._shell is None or self._shell.stdin is None:
            return False
        try:
            line = f"{' '.join(map(str, self._pids))}\n".encode()
            return self._shell.stdin.write(line) == len(line)  # it never blocks
        except OSError:  # it has died
            return False

    def _end(self) -> None:
        shell, self._shell = self._shell, None
        if shell is not None and shell.stdin is not None:
            shell.kill()  # before the pipe is closed: to its end it would answer with kills
            shell.wait()
            shell.stdin.close()

    def forget(self) -> None:
        """Let go of the pipe, in a fork of this process: it must not hide our end."""
        self._lock = threading.Lock()  # the old one may be held by a thread that is not here
        self._pids = set()
        shell, self._shell = self._shell, None
        if shell is not None and shell.stdin is not None:
            shell.stdin.close()
            shell.returncode = 0  # not a child of the fork


_watcher = Watcher()
os.register_at_fork(after_in_child=_watcher.forget)


@asynccontextmanager
async def watched(pid: int) -> AsyncGenerator[None]:
    """Have the watcher end the process *pid* and its group if this process dies in the block.

    It is told beside that: to start a shell takes as long as to fork an actor.
    """
    token, told = trio.lowlevel.current_trio_token(), trio.Event()

    def tell() -> None:
        try:
            _watcher.add(pid)
        finally:
            token.run_sync_soon(told.set)

    trio.lowlevel.start_thread_soon(tell, lambda _: None, "subint_magic watcher")
    try:
        yield
    finally:
        with trio.CancelScope(shield=True):
            await told.wait()
        _watcher.discard(pid)
