"""Calls of functions in actors: what goes in, and what comes back as if it had been called here."""

from __future__ import annotations

import pickle
import sys
from dataclasses import dataclass
from inspect import iscoroutinefunction
from keyword import iskeyword
from types import BuiltinFunctionType, FunctionType
from typing import TYPE_CHECKING, Any

from subint_magic._child.values.unpacking import UnpackError, unpack
from subint_magic.errors import CellError
from subint_magic.runtime.runs.values import NO_NAME, open_outputs, pack_inputs
from subint_magic.wire.messages import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from subint_magic.runtime.runs.run import CellRun, Event
    from subint_magic.wire.messages import Parcel, Values

__all__ = [
    "CallOutcome",
    "Decorated",
    "PackedCall",
    "Returned",
    "bared",
    "open_call",
    "opens_at_once",
    "pack_call",
    "packs_at_once",
    "print_output",
]

_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_SMALL = 4096
"""Bytes of a value that is packed, or opened, in no time."""

_NAMES = (pickle.STACK_GLOBAL, pickle.EXT1, pickle.EXT2, pickle.EXT4)
"""What stands for a name that is looked up, in a pickle of protocol 4 and later; so may text."""

_OURS = ("arguments", "keywords")
"""Names in the namespace of a call."""


class Decorated:
    """A function whose calls run in actors; there it is the plain function again.

    Attributes:
        plain: that.
    """

    plain: Callable[..., Any]


@dataclass(frozen=True)
class CallOutcome:
    """How a call has ended.

    Attributes:
        function: the name of the function.
        values: what the function has returned, or raised, as far as it could be pickled.
        error: the error, if it has raised.
    """

    function: str
    values: Values | None
    error: CellError | None = None

    @classmethod
    def of(cls, run: CellRun) -> CallOutcome:
        """Return that of a run; raise what is no error of the function."""
        values = run.values
        try:
            run.outcome()
        except CellError as error:
            return cls(run.call, values, bared(error))
        return cls(run.call, values)


@dataclass(frozen=True)
class Returned:
    """What has come back of a call.

    Attributes:
        value: what the function has returned.
        error: what it has raised. Who was called raises it, so that no frame of ours but that one
            is in its traceback: where it comes from is in its note.
    """

    value: Any = None
    error: Exception | None = None


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


def packs_at_once(function: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Whether to pack a call runs no code of the user's and takes no time; else use a thread."""
    if type(function) not in (FunctionType, BuiltinFunctionType):
        return False
    module = sys.modules.get(function.__module__ or "")
    return (
        function.__module__ != "__main__"
        and vars(module or object).get(function.__qualname__) is function  # so it goes by its name
        and all(type(each) in _PLAIN and sys.getsizeof(each) < _SMALL for each in args)
    )


def opens_at_once(outcome: CallOutcome) -> bool:
    """Whether to open it imports nothing and runs no code of the user's; else use a thread."""
    if outcome.error is not None or outcome.values is None or outcome.values.problems:
        return False
    parcel = outcome.values.parcel
    if parcel is None or parcel.data is None or len(parcel.data) > _SMALL:
        return False
    return not (parcel.shared or any(code in parcel.data for code in _NAMES))


def pack_call(
    actor: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> PackedCall:
    """Pack a call for `Actor.call_packed`. For the thread that runs trio if `packs_at_once`.

    Raises:
        InputError: it cannot be pickled.
    """
    given: object = function
    if isinstance(given, Decorated):
        function = given.plain
    name = getattr(function, "__name__", "")
    if not name.isidentifier() or iskeyword(name) or name in _OURS:
        name = NO_NAME
    wait = "await " if iscoroutinefunction(function) else ""
    arguments, keywords = _OURS
    values = {name: function, arguments: args, keywords: dict(kwargs)}
    source = f"{name} = {wait}{name}(*{arguments}, **{keywords})"
    return PackedCall(name, source, pack_inputs(actor, values, name))


def open_call(actor: str, outcome: CallOutcome) -> Returned:
    """Return what a function has returned, or raised; in the thread of trio if `opens_at_once`.

    An exception that cannot cross comes as a `CellError`, with a note that says why.

    Raises:
        OutputError: what it has returned cannot cross.
    """
    values, failure = outcome.values, outcome.error
    if failure is None:
        assert values is not None
        (value,) = open_outputs(actor, values.parcel, values.problems, outcome.function).values()
        return Returned(value)
    whys: list[str] = []
    if values is not None:
        whys += [problem.why for problem in values.problems]
        for _, error in unpack(values.parcel) if values.parcel is not None else ():
            if isinstance(error, UnpackError):
                whys.append(f"cannot be loaded here: {error}")
            elif isinstance(error, Exception):
                for note in failure.__notes__:
                    error.add_note(note)
                return Returned(error=error)
    for why in whys:
        failure.add_note(f"\nIt is a CellError because {failure.type_name} {why}.")
    return Returned(error=failure)


def bared[E: BaseException](error: E) -> E:
    """Return *error* without traceback if a function has raised it in an actor."""
    notes = getattr(error, "__notes__", ())
    return error.with_traceback(None) if any("\nIn actor " in note for note in notes) else error


def print_output(event: Event) -> None:
    """Print here what was printed there."""
    if isinstance(event, Output):
        stream = getattr(sys, event.stream)
        stream.write(event.text)
        stream.flush()
