"""Every error that subint_magic raises.

    SubintMagicError
    ├── SpawnError
    │   ├── UnknownSpawnMethod      (also a ValueError)
    │   └── SpawnMethodUnavailable  (also a RuntimeError)
    ├── ActorError
    │   ├── ActorDied
    │   ├── ActorEnded
    │   ├── ActorBusy
    │   ├── ActorConflict
    │   └── ProtocolError
    ├── RunError
    │   ├── CellError
    │   ├── RunCancelled
    │   │   └── RunTimedOut
    │   ├── InputError
    │   ├── OutputError
    │   └── StillRunning            (also a TimeoutError)
    ├── ImportRefused
    ├── HostEnded
    └── IllegalTransition

A message says what happened, to which actor, and what to do now. docs/errors.md says more, in a
section for each class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from subint_magic.wording import CELL, HOW_STOPPED, did_you_mean, will_not_load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from subint_magic.wording import Words

__all__ = [
    "ActorBusy",
    "ActorConflict",
    "ActorDied",
    "ActorEnded",
    "ActorError",
    "CellError",
    "HostEnded",
    "IllegalTransition",
    "ImportRefused",
    "InputError",
    "OutputError",
    "ProtocolError",
    "RunCancelled",
    "RunError",
    "RunTimedOut",
    "SpawnError",
    "SpawnMethodUnavailable",
    "StillRunning",
    "SubintMagicError",
    "UnknownSpawnMethod",
]


def _one_line(error: Exception) -> list[str]:
    """Render *error* for IPython, which asks an exception for ``_render_traceback_``.

    Our frames tell a user nothing.
    """
    return f"{type(error).__name__}: {error}".splitlines()


class SubintMagicError(Exception):
    """The base of all errors of this package; never raised itself."""

    def __init_subclass__(cls) -> None:
        """Let the docstring say where to read more: there is a section for each class."""
        if cls.__module__ == __name__ and cls.__doc__:
            cls.__doc__ = f"{cls.__doc__.rstrip()}\n\nWhat to do: {cls.__name__} in docs/errors.md."


class SpawnError(SubintMagicError):
    """A spawn method cannot be selected or used."""

    def _render_traceback_(self) -> list[str]:
        return _one_line(self)


class UnknownSpawnMethod(SpawnError, ValueError):
    """No spawn method has this key. A known one that cannot run is `SpawnMethodUnavailable`."""

    def __init__(self, key: str, valid: Iterable[str]) -> None:
        valid = list(valid)
        hint = did_you_mean(key, valid)
        super().__init__(f"unknown spawn method {key!r}.{hint} Valid keys: {', '.join(valid)}.")
        self.key = key


class SpawnMethodUnavailable(SpawnError, RuntimeError):
    """A known spawn method cannot run here; the message says why and what can.

    Attributes:
        key: the spawn method that was asked for.
        reason: why it cannot run here.
    """

    def __init__(self, key: str, reason: str, works: Iterable[str] = ()) -> None:
        works = ", ".join(works)
        hint = f" These work here: {works}." if works else ""
        super().__init__(f"spawn method {key!r} cannot run here: {reason}.{hint}")
        self.key = key
        self.reason = reason


class ActorError(SubintMagicError):
    """Something is wrong with one actor; all others go on.

    Attributes:
        actor: the name of the actor.
    """

    def __init__(self, actor: str, message: str) -> None:
        super().__init__(f"actor {actor!r} {message}")
        self.actor = actor

    def _render_traceback_(self) -> list[str]:
        return _one_line(self)


class ActorDied(ActorError):
    """The child ended without being asked to.

    You do not get this error for an actor that *you* closed or cancelled: that is `ActorEnded`.

    Attributes:
        when: what the actor was doing, as in ``"while running a cell"``.
        how: how its child ended, as in ``"killed by SIGSEGV"``.
        exit_code: the exit code of a process, else ``None``.
        signal: the number of the signal that ended a process, else ``None``.
        stderr: the last lines that it wrote to stderr.
    """

    def __init__(
        self,
        actor: str,
        when: str,
        how: str,
        *,
        exit_code: int | None = None,
        signal: int | None = None,
        stderr: str = "",
    ) -> None:
        tail = f"\nIts last lines on stderr:\n{stderr.rstrip()}" if stderr.strip() else ""
        super().__init__(actor, f"died {when}: {how}.{tail}")
        self.when = when
        self.how = how
        self.exit_code = exit_code
        self.signal = signal
        self.stderr = stderr


class ActorEnded(ActorError):
    """The actor was closed or cancelled and takes no more cells. Start a new one.

    Args:
        state: the one that it is in.
        in_queue: whether that was while the cell waited for its turn.
    """

    def __init__(self, actor: str, state: str, *, in_queue: bool = False) -> None:
        what = f"has ended ({state}) and takes no more cells; start a new one."
        if in_queue:
            what = f"ended ({state}) before this cell's turn; it was not run."
        super().__init__(actor, what)


class ActorBusy(ActorError):
    """The actor is running a cell, and what was asked needs it idle."""

    def __init__(self, actor: str, what: str) -> None:
        super().__init__(actor, f"is running a cell and cannot be {what} now; interrupt it first.")


class ActorConflict(ActorError):
    """A live actor has this name, and it is not what was asked for."""


class ProtocolError(ActorError):
    """The child sent something that the protocol does not allow; the actor was ended."""

    def __init__(self, actor: str, detail: str) -> None:
        super().__init__(actor, f"broke the protocol and was ended: {detail}.")
        self.detail = detail


class RunError(SubintMagicError):
    """A run ended without a result. The actor and its namespace are still there.

    Attributes:
        actor: the name of the actor.
    """

    def __init__(self, actor: str, message: str) -> None:
        super().__init__(message)
        self.actor = actor

    def _render_traceback_(self) -> list[str]:
        return _one_line(self)


class CellError(RunError):
    """The cell raised.

    Attributes:
        type_name: the name of the exception's class, as in ``"ZeroDivisionError"``.
        message: ``str()`` of the exception.
        traceback: the child's own traceback, as text.
    """

    def __init__(self, actor: str, type_name: str, message: str, traceback: str) -> None:
        super().__init__(actor, f"{type_name}: {message}" if message else type_name)
        self.type_name = type_name
        self.message = message
        self.traceback = traceback
        self.add_note(f"\nIn actor {actor!r}:\n{traceback.rstrip()}")

    def _render_traceback_(self) -> list[str]:
        _, *more = self.__notes__  # the first is the traceback
        return "\n".join([self.traceback.rstrip(), *more]).splitlines()


class RunCancelled(RunError):
    """Somebody stopped the run: an interrupt, or the end of its actor.

    Attributes:
        by: who asked, as in ``"an interrupt"``.
        seconds: how long stopping took.
        rung: the rung of the stop ladder that did it, as in ``"exception"``; ``None`` if none was
            needed.
        note: what became of the actor.
        traceback: where the cell was when it stopped, as text; empty when it never answered.
    """

    def __init__(
        self,
        actor: str,
        by: str,
        seconds: float,
        rung: str | None,
        note: str,
        traceback: str = "",
    ) -> None:
        super().__init__(actor, by)
        self.by = by
        self.seconds = seconds
        self.rung = rung
        self.note = note
        self.traceback = traceback

    @property
    def how(self) -> str:
        """How long it took, and which rung of the stop ladder did it, in words."""
        rung = f" ({HOW_STOPPED[self.rung]})" if self.rung else ""
        return f"within {self.seconds:.2f} s{rung}"

    def __str__(self) -> str:
        return f"run in actor {self.actor!r} stopped by {self.by} {self.how}: {self.note}."

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def _render_traceback_(self) -> list[str]:
        return [*self.traceback.splitlines(), *_one_line(self)]


class RunTimedOut(RunCancelled):
    """The run took longer than its timeout, and was stopped.

    Attributes:
        timeout: seconds.
    """

    def __init__(
        self,
        actor: str,
        timeout: float,
        seconds: float,
        rung: str | None,
        note: str,
        traceback: str = "",
    ) -> None:
        super().__init__(actor, f"its timeout of {timeout:g} s", seconds, rung, note, traceback)
        self.timeout = timeout


class ImportRefused(SubintMagicError):
    """A module that a cell or a function needs cannot load where it was to run; it was not run.

    You do not get this error for a module that does not exist: the cell says so itself.

    Attributes:
        module: its name.
        reason: why it cannot load, in words.
        actor: the name of the actor, if it lived already.
    """

    def __init__(
        self,
        module: str,
        place: str,
        reason: str,
        instead: str,
        actor: str | None = None,
        words: Words = CELL,
    ) -> None:
        what = will_not_load(module, place, reason, instead, actor, words)
        super().__init__(f"{what} ({words.unchecked}: run it anyway).")
        self.module = module
        self.reason = reason
        self.actor = actor

    def _render_traceback_(self) -> list[str]:
        return _one_line(self)


class InputError(RunError):
    """A value cannot be given to the cell, which has not begun.

    Attributes:
        name: the name of the value.
    """

    def __init__(self, actor: str, name: str, message: str) -> None:
        super().__init__(actor, message)
        self.name = name


class OutputError(RunError):
    """The cell has ended well, but not all that was to come out of it can.

    Attributes:
        names: those that have not come.
        values: those that have, by name.
    """

    def __init__(
        self, actor: str, names: Iterable[str], message: str, values: Mapping[str, object]
    ) -> None:
        super().__init__(actor, message)
        self.names: list[str] = list(names)
        self.values: dict[str, object] = dict(values)


class StillRunning(RunError, TimeoutError):
    """Somebody waited for a run no longer than this; it goes on.

    Attributes:
        state: how far it is.
        seconds: how long they waited.
    """

    def __init__(self, actor: str, state: str, seconds: float) -> None:
        super().__init__(
            actor,
            f"the run in actor {actor!r} is still {state} after {seconds:g} s of waiting;"
            " it goes on",
        )
        self.state = state
        self.seconds = seconds


class HostEnded(SubintMagicError):
    """The extension was unloaded, or the kernel is shutting down."""

    def _render_traceback_(self) -> list[str]:
        return _one_line(self)


class IllegalTransition(SubintMagicError):
    """The lifecycle table has no such transition: a defect of ours, not of the user."""
