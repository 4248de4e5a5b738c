"""Calls of functions in actors: what goes in, and what comes back as if it had been called here."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from inspect import iscoroutinefunction
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from subint_magic._child.values.unpacking import UnpackError, unpack
from subint_magic.errors import CellError
from subint_magic.runtime.values import open_outputs, pack_inputs
from subint_magic.wire.messages import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from subint_magic.runtime.run import CellRun, Event
    from subint_magic.wire.messages import Parcel, Values

__all__ = ["CallOutcome", "PackedCall", "open_call", "pack_call", "print_output"]


@dataclass(frozen=True)
class CallOutcome:
    """How a call has ended.

    Attributes:
        values: what the function has returned, or raised, as far as it could be pickled.
        error: the error, if it has raised.
    """

    values: Values | None
    error: CellError | None = None

    @classmethod
    def of(cls, run: CellRun) -> CallOutcome:
        """Return that of a run; raise what is no error of the function."""
        values = run.values
        try:
            run.outcome()
        except CellError as error:
            return cls(values, error)
        return cls(values)


@dataclass(frozen=True)
class PackedCall:
    """A call on its way: a cell in a namespace of its own.

    Attributes:
        name: what the function is called there, and then what it has returned.
        source: the cell.
        parcel: the function and its arguments.
    """

    name: str
    source: str
    parcel: Parcel


def pack_call(
    actor: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> PackedCall:
    """Pack a call for `Actor.call_packed`. Not for the thread that runs trio.

    Raises:
        InputError: it cannot be pickled.
    """
    name = getattr(function, "__name__", "")
    if not name.isidentifier() or iskeyword(name):
        name = "function"
    wait = "await " if iscoroutinefunction(function) else ""
    values = {name: function, "arguments": args, "keywords": dict(kwargs)}
    source = f"{name} = {wait}{name}(*arguments, **keywords)"
    return PackedCall(name, source, pack_inputs(actor, values))


def open_call(actor: str, outcome: CallOutcome) -> Any:
    """Return what a function has returned, or raise what it has raised. As `pack_call`.

    Raises:
        CellError: it has raised something that cannot cross.
        OutputError: what it has returned cannot.
    """
    values, failure = outcome.values, outcome.error
    if failure is None:
        assert values is not None
        (value,) = open_outputs(actor, values.parcel, values.problems).values()
        return value
    if values is not None and values.parcel is not None:
        for _, error in unpack(values.parcel):
            if isinstance(error, Exception) and not isinstance(error, UnpackError):
                for note in failure.__notes__:
                    error.add_note(note)
                raise error from failure
    raise failure


def print_output(event: Event) -> None:
    """Print here what was printed there."""
    if isinstance(event, Output):
        stream = getattr(sys, event.stream)
        stream.write(event.text)
        stream.flush()
