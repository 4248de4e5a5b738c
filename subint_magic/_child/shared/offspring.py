"""The processes that the code of a sub-interpreter has started: they end with it.

A process actor leads a group of its own, which ends with it. A sub-interpreter is in the kernel's
group, so it has to know its processes. It holds a pidfd of each: a number could have come round
again. Where there are none, outside of Linux, its processes outlive it.
"""

from __future__ import annotations

import _posixsubprocess
import _signal as signal  # type: ignore[import-not-found]
import os
import posix
import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_PRUNE = 64
"""Processes that are remembered before those that have ended are looked for."""


class Offspring:
    """The processes that were started since `install`."""

    def __init__(self) -> None:
        self._pidfds: list[int] = []

    def install(self) -> None:
        """Take note of each process that is started from now on.

        `subprocess`, and all that stands on it, takes these functions when a cell imports it.
        """
        if hasattr(posix, "pidfd_open"):
            _posixsubprocess.fork_exec = self._noting(_posixsubprocess.fork_exec)
            for name in ("posix_spawn", "posix_spawnp"):
                noting = self._noting(getattr(posix, name))
                setattr(posix, name, noting)
                setattr(os, name, noting)

    def end(self) -> None:
        """Kill those that still run, and leave no zombie."""
        pidfds, self._pidfds = self._pidfds, []
        for pidfd in pidfds:
            try:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
            except OSError:
                pass  # it has ended, or somebody else waits for it
            os.close(pidfd)

    def _noting(self, start: Callable[..., int]) -> Callable[..., int]:
        def start_and_note(*args: Any, **kwargs: Any) -> int:
            pid = start(*args, **kwargs)
            try:
                self._pidfds.append(os.pidfd_open(pid))
            except OSError:
                return pid  # no fd is free
            if len(self._pidfds) % _PRUNE == 0:
                self._prune()
            return pid

        return start_and_note

    def _prune(self) -> None:
        poll = select.poll()
        for pidfd in self._pidfds:
            poll.register(pidfd, select.POLLIN)
        for pidfd, _ in poll.poll(0):  # it is readable once its process has ended
            self._pidfds.remove(pidfd)
            os.close(pidfd)
