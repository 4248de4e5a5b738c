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
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PATIENCE = 0.5
"""Seconds within which killed processes have gone, or the operating system has them in a call."""

_PRUNE = 64
"""Processes that are remembered before those that have ended are looked for."""


class Offspring:
    """The processes that were started since `install`."""

    def __init__(self) -> None:
        self.run = 0
        """The run that starts processes now."""
        self._pidfds: list[tuple[int, int]] = []  # run, pidfd

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

    def kill_current(self) -> None:
        """Kill those that the current run has started; it waits for them, and gets their status."""
        for run, pidfd in self._pidfds:
            if run == self.run:
                _kill(pidfd)

    def end(self) -> None:
        """Kill all, and leave no zombie, as far as they have gone; may be called again."""
        for run, pidfd in self._pidfds[:]:
            _kill(pidfd)
            try:
                gone: object = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
            except OSError:
                gone = pidfd  # somebody else has waited for it
            if gone:
                self._pidfds.remove((run, pidfd))
                os.close(pidfd)

    def finish(self) -> None:
        """Do `end` until all have gone, but not for long."""
        deadline = time.monotonic() + PATIENCE
        while self._pidfds and time.monotonic() < deadline:
            self.end()
            time.sleep(0.001)

    def _noting(self, start: Callable[..., int]) -> Callable[..., int]:
        def start_and_note(*args: Any, **kwargs: Any) -> int:
            pid = start(*args, **kwargs)
            try:
                self._pidfds.append((self.run, os.pidfd_open(pid)))
            except OSError:
                return pid  # no fd is free
            if len(self._pidfds) % _PRUNE == 0:
                self._prune()
            return pid

        return start_and_note

    def _prune(self) -> None:
        ended = select.poll()
        for _, pidfd in self._pidfds:
            ended.register(pidfd, select.POLLIN)
        gone = {pidfd for pidfd, _ in ended.poll(0)}  # readable once the process has ended
        for each in self._pidfds[:]:
            if each[1] in gone:
                self._pidfds.remove(each)
                os.close(each[1])


def _kill(pidfd: int) -> None:
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except OSError:
        pass  # it has ended
