"""What a backend has to give. It is small on purpose: all the rest is written once, elsewhere."""

from __future__ import annotations

import os
import signal as signals
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from subint_magic.errors import SpawnError

if TYPE_CHECKING:
    import trio

__all__ = [
    "Child",
    "ChildEnd",
    "SpawnMethod",
    "SpawnProc",
    "code_string",
]


@dataclass(frozen=True)
class ChildEnd:
    """How a child ended.

    Attributes:
        exit_code: of a process that exited, else ``None``.
        signal: the number of the signal that ended a process, else ``None``.
        error: what the child's interpreter raised, as text; for a sub-interpreter only.
        stderr: the last that the child wrote to its fd 2 and did not get to send.
    """

    exit_code: int | None = None
    signal: int | None = None
    error: str = ""
    stderr: str = ""

    @classmethod
    def of_process(cls, returncode: int, stderr: str = "") -> ChildEnd:
        """Return the end that a ``returncode`` in the manner of `subprocess.Popen` stands for."""
        if returncode < 0:
            return cls(signal=-returncode, stderr=stderr)
        return cls(exit_code=returncode, stderr=stderr)

    def __str__(self) -> str:
        if self.signal is not None:
            try:
                return f"killed by {signals.Signals(self.signal).name}"
            except ValueError:
                return f"killed by signal {self.signal}"
        if self.exit_code is not None:
            return f"exit code {self.exit_code}"
        return self.error or "its interpreter ended"


class Child(Protocol):
    """A child that was started."""

    @property
    def stream(self) -> trio.abc.Stream:
        """The parent's end of the byte stream to it."""

    @property
    def shares_process(self) -> bool:
        """Whether it lives in this process, so that directory and environment are the same."""

    @property
    def place(self) -> str:
        """Where it is, if that is another machine, or may be; else an empty string."""

    @property
    def dashboard(self) -> str:
        """The address of a page on the machines where such children are; empty if there is none."""

    @property
    def kill(self) -> Callable[[], None] | None:
        """Ends it at once, whatever it does; ``None`` if nothing can."""

    @property
    def bring(self) -> Callable[[object], Awaitable[None]] | None:
        """Makes that the child can load what stands for a value that is not here.

        It is called with what the backend has put in its place, before that is sent, and raises
        OSError if it cannot. ``None`` where nothing is elsewhere.
        """

    async def wait(self) -> ChildEnd:
        """Wait for its end. May be cancelled, and called again."""


class LocalChild:
    """What all children on this machine have in common; a base class for them."""

    place: str = ""
    dashboard: str = ""
    bring: Callable[[object], Awaitable[None]] | None = None


type SpawnProc = Callable[[str, str], AbstractAsyncContextManager[Child]]
"""The one signature of all ``*_proc``: ``(key, name)``, an async context manager around a Child.

Entering starts the child. Leaving ends it if it still runs: it is killed and waited for, or, where
nothing can kill it, left to itself (*abandoned*) until its call returns.
"""


def _no_options(words: Sequence[str]) -> str:
    if words:
        raise SpawnError(f"this backend has no options, and was given: {' '.join(words)}")
    return ""


@dataclass(frozen=True)
class SpawnMethod:
    """A way to start actors.

    Attributes:
        key: what users call it.
        summary: one line on what it is and when to use it.
        proc: starts a child.
        why_not: returns why this method cannot run here, or ``None``. It must be quick.
        shut_down: ends what the method keeps running between actors. Called when all actors have
            ended, and the kernel is about to or the extension was unloaded; it may be loaded
            again. It must not block for more than a second.
        select: called with the options that a user gives with its key, as words, when it is
            selected; returns what there is to say of it, if anything. May block. Raises
            `SpawnError` if it does not understand them or cannot do what they want.
        cores: returns how many actors can compute at once. May block.
        host: returns the key of the spawn method that starts its children where they are; empty if
            it does so itself.
        remote: whether its actors are elsewhere, so that it is used only where it was asked for.
    """

    key: str
    summary: str
    proc: SpawnProc
    why_not: Callable[[], str | None] = lambda: None
    shut_down: Callable[[], None] = lambda: None
    select: Callable[[Sequence[str]], str] = _no_options
    cores: Callable[[], int] = lambda: os.process_cpu_count() or 1
    host: Callable[[], str] = lambda: ""
    remote: bool = False


def code_string(arguments: str, prelude: str = "pass") -> str:
    """Return the one code string that starts the child of every backend.

    It takes over ``sys.path`` first, else the child might not find this package.

    Args:
        arguments: those of `subint_magic._child.bootstrap.main`, as source code.
        prelude: statements on one line that come before all else.
    """
    return (
        f"{prelude}; import sys; sys.path[:] = {[str(entry) for entry in sys.path]!r}; "
        f"from subint_magic._child.bootstrap import main; main({arguments})"
    )
