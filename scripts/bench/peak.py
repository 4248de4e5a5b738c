"""How much memory is used while a value moves."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator


class Peak:
    """Watches the memory of this process and of its descendants, and what they share, once.

    Anonymous files count for the whole machine, as they belong to no process: run it alone.

    Attributes:
        most: bytes at most beside what there was before.
    """

    def __init__(self) -> None:
        process = psutil.Process()
        pids = [process.pid, *(child.pid for child in process.children(recursive=True))]
        self._status = [Path(f"/proc/{pid}/status") for pid in pids]
        self._before = self._now()
        self.most = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _now(self) -> int:
        private = sum(_field(path, "RssAnon") for path in self._status)
        return private + _field(Path("/proc/meminfo"), "Shmem")

    def _watch(self) -> None:
        while not self._done.wait(0.002):
            self.most = max(self.most, self._now() - self._before)

    @classmethod
    @contextmanager
    def of(cls) -> Iterator[Peak]:
        peak = cls()
        peak._thread.start()
        try:
            yield peak
        finally:
            peak._done.set()
            peak._thread.join()


def _field(path: Path, name: str) -> int:
    """Return a field of a file of /proc, in bytes."""
    line = next(line for line in path.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
