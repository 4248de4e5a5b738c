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

    from subint_magic.runtime.run import CellResult, CellRun, Event
    from subint_magic.wire.messages import Parcel

__all__ = ["CallOutcome", "PackedCall", "open_call", "pack_call", "print_output"]


@dataclass(frozen=True)
class CallOutcome:
    """How a call has ended.

    Attributes:
        result: what came of it, or the error of the function.
        parcel: that error itself, if it could be pickled.
    """

    result: CellResult | CellError
    parcel: Parcel | None = None

    @classmethod
    def of(cls, run: CellRun) -> CallOutcome:
        """Return that of a run; raise what is no error of the function."""
        parcel = run.values.parcel if run.values is not None else None
        try:
            return cls(run.outcome())
        except CellError as error:
            return cls(error, parcel)


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
    result = outcome.result
    if not isinstance(result, CellError):
        (value,) = open_outputs(actor, result.parcel, result.missing).values()
        return value
    if outcome.parcel is not None:
        for _, error in unpack(outcome.parcel):
            if isinstance(error, Exception) and not isinstance(error, UnpackError):
                for note in result.__notes__:
                    error.add_note(note)
                raise error from result
    raise result


def print_output(event: Event) -> None:
    """Print here what was printed there."""
    if isinstance(event, Output):
        stream = getattr(sys, event.stream)
        stream.write(event.text)
        stream.flush()
