"""What there is in a process at a moment: threads, children, file descriptors, interpreters."""

from __future__ import annotations

import _interpreters
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from subint_magic.spawn import _mp

__all__ = ["Census"]

_FDS = Path("/proc/self/fd") if Path("/proc/self/fd").exists() else Path("/dev/fd")

PATIENCE = 2.0
"""Seconds within which what is ending must have ended: the operating system takes its time too."""


@dataclass(frozen=True)
class Census:
    """What there was.

    What lives on between actors by design does not count: trio's cache of idle threads, and the
    helper processes of multiprocessing, which are started before the first census. The watcher
    over actors does: it ends with the last of them.
    """

    threads: frozenset[threading.Thread]
    children: frozenset[int]
    fds: frozenset[tuple[int, str]]
    interpreters: frozenset[int]

    @classmethod
    def take(cls) -> Census:
        """Count."""
        _mp.start_helpers()
        return cls(
            threads=frozenset(t for t in threading.enumerate() if not t.name.startswith("Trio")),
            children=frozenset(child.pid for child in psutil.Process().children(recursive=True)),
            fds=frozenset(_file_descriptors()),
            interpreters=frozenset(number for number, *_ in _interpreters.list_all()),
        )

    def since(self, before: Census) -> list[str]:
        """Return what is there and was not there *before*; waits for what is about to go."""
        deadline = time.monotonic() + PATIENCE
        now = self
        while (left := now._left(before)) and time.monotonic() < deadline:
            time.sleep(0.01)
            now = Census.take()
        return left

    def _left(self, before: Census) -> list[str]:
        return [
            *(f"thread {thread.name!r}" for thread in self.threads - before.threads),
            *(f"child process {pid}" for pid in self.children - before.children),
            *(f"fd {fd} ({what})" for fd, what in self.fds - before.fds),
            *(f"interpreter {number}" for number in self.interpreters - before.interpreters),
        ]


def _file_descriptors() -> list[tuple[int, str]]:
    found = []
    for name in os.listdir(_FDS):
        try:
            found.append((int(name), os.readlink(_FDS / name)))
        except OSError:
            continue  # that of the listing itself
    return found
