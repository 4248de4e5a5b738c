"""The host of actors for code that has none of its own: the notebook's, or one made for it."""

from __future__ import annotations

import atexit
import multiprocessing.util  # noqa: F401 - its hook at exit joins children, so it must come first
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from subint_magic.runtime.functions.calls import print_output
from subint_magic.runtime.host import Host, LoopThread

if TYPE_CHECKING:
    from collections.abc import Callable

    from subint_magic.runtime.runs.run import Sink

__all__ = ["Offer", "find", "offer", "stop", "withdraw"]


@dataclass(frozen=True)
class Offer:
    """A host that anybody may use.

    Attributes:
        host: returns it, running.
        sink: returns a sink for the output of a call; called in the thread that makes the call.
        spawn_method: returns the key of the spawn method for what names none; ``None`` for the
            selected one.
    """

    host: Callable[[], Host]
    sink: Callable[[], Sink]
    spawn_method: Callable[[], str | None] = lambda: None


class _Own:
    """A host with a loop in a thread of its own, from the first use to the end of the program."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: LoopThread | None = None
        self._host: Host | None = None

    def host(self) -> Host:
        with self._lock:
            if self._host is None or self._loop is None:
                self._loop = LoopThread()
                self._host = Host(self._loop.loop)
                atexit.register(self.stop)
            return self._host

    def stop(self) -> None:
        with self._lock:
            if self._host is not None and self._loop is not None:
                atexit.unregister(self.stop)
                self._host.stop()
                self._loop.stop()
                self._host = self._loop = None


_own = _Own()
_offers = [Offer(_own.host, lambda: print_output)]


def find() -> Offer:
    """Return the latest offer that was not withdrawn."""
    return _offers[-1]


def offer(offered: Offer) -> None:
    """Let functions use this from now on."""
    _offers.append(offered)


def withdraw(offered: Offer) -> None:
    """Do not let them any more."""
    _offers.remove(offered)


def stop() -> None:
    """End the host that was made for those who have none, with its actors."""
    _own.stop()
