"""Values into a run and out of it: packing, and the words for what does not work.

Packing and unpacking run code of the user and may take long, so neither happens in the thread that
runs trio.
"""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from subint_magic._child.sources import learn, sources_of
from subint_magic._child.values.parcel import PackError, pack
from subint_magic._child.values.unpacking import UnpackError, unpack
from subint_magic.errors import InputError, OutputError
from subint_magic.spawn import host_of
from subint_magic.wording import did_you_mean, join_sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from subint_magic._child.values.parcel import Parcel
    from subint_magic.wire.messages import Problem

__all__ = [
    "CELL_NUMBERS",
    "ELSEWHERE",
    "NO_NAME",
    "Elsewhere",
    "Traffic",
    "open_outputs",
    "pack_inputs",
    "why_no_input",
    "why_not_brought",
]

_IN_KERNEL_ONLY = ("subint", "subint_legacy")

NO_NAME = "function"
"""What a function is called in its actor if it has no name, as a lambda."""

_LEAVE_OUT = {
    "attribute": "leave that out (__getstate__) or ",
    "item": "leave that out or ",
    "itself": "",
}

CELL_NUMBERS: list[dict[str, int]] = []
"""The file names of cells and their numbers, from each notebook of this process."""


class Elsewhere(Protocol):
    """Stands in a parcel for a value that is not here, but that some actors can get at.

    Attributes:
        what: where it is, in words that follow its name.
        instead: what to do where no actor can get at it.
    """

    what: str
    instead: str


ELSEWHERE: list[Callable[[object], Elsewhere | None]] = []
"""Return what stands for an input, or ``None`` if it is here. Not for the thread that runs trio."""


@dataclass(frozen=True)
class Traffic:
    """How many bytes of values a run has moved.

    Attributes:
        copied_in: those of its inputs that were copied.
        shared_in: those that were shared.
        copied_out: those of its outputs that were copied.
        shared_out: those that were shared.
    """

    copied_in: int = 0
    shared_in: int = 0
    copied_out: int = 0
    shared_out: int = 0


def pack_inputs(actor: str, values: Mapping[str, object], call: str = "") -> Parcel:
    """Pack *values* for the actor *actor*. Not for the thread that runs trio.

    Args:
        actor: its name.
        values: the values by name.
        call: the name of the function that they are to call, itself one of them; empty for a cell.

    Raises:
        InputError: one of them cannot be pickled.
    """
    values, elsewhere = _left_there(values, call)
    try:
        parcel = pack(values)
    except PackError as error:
        way_out = _way_out(error.way_out, f"make it in the {'function' if call else 'cell'}")
        message = f"{_input(error.name, call)} {error}.{way_out}"
        raise InputError(actor, error.name, message) from error
    parcel.sources = sources_of(parcel.code, ChainMap(*CELL_NUMBERS))
    parcel.elsewhere = elsewhere
    return parcel


def _left_there(
    values: Mapping[str, object], call: str
) -> tuple[Mapping[str, object], list[tuple[str, Elsewhere]]]:
    """Put what stands for it in the place of each value, or argument, that is elsewhere."""
    elsewhere: list[tuple[str, Elsewhere]] = []

    def left(name: str, value: object, *, inside: bool = False) -> object:
        for find in ELSEWHERE:
            if (found := find(value)) is not None:
                elsewhere.append((name, found))
                return found
        if inside and type(value) is tuple:
            return tuple(left(name, each) for each in value)
        if inside and type(value) is dict:
            return {key: left(name, each) for key, each in value.items()}
        return value

    if not ELSEWHERE:
        return values, []
    # The arguments of a call are in a tuple and a dict of ours.
    return {n: left(n, value, inside=bool(call)) for n, value in values.items()}, elsewhere


def open_outputs(
    actor: str, parcel: Parcel | None, missing: Sequence[Problem], call: str = ""
) -> dict[str, object]:
    """Unpack what has come out of a run. Not for the thread that runs trio.

    Args:
        actor: the name of the actor.
        parcel: what has come.
        missing: what is wrong with the rest.
        call: the name of the function whose result it is; empty for a cell.

    Raises:
        OutputError: not all has come, or can be loaded here.
    """
    numbers = CELL_NUMBERS[-1] if CELL_NUMBERS else {}
    for file, number, text in parcel.sources if parcel is not None else ():
        # A run that no notebook shows counts for its actor only.
        learn(file, 0 if file.endswith(f" cell {number}>") else number, text, numbers)
    values: dict[str, object] = {}
    words = {problem.name: _why_not_sent(problem, call) for problem in missing}
    for name, value in unpack(parcel) if parcel is not None else ():
        if isinstance(value, UnpackError):
            words[name] = f"{_output(name, call)} cannot be loaded here: {value}."
        else:
            values[name] = value
    if words:
        came = [f"These have come: {', '.join(values)}."] if values else []
        raise OutputError(actor, words, join_sentences([*words.values(), *came]), values)
    return values


def why_no_input(problems: Sequence[Problem], spawn_method: str, call: str = "") -> str:
    """Say why the actor could not load its inputs; *call* as for `pack_inputs`."""
    return join_sentences(_why_not_loaded(problem, spawn_method, call) for problem in problems)


def why_not_brought(name: str, why: str, call: str = "") -> str:
    """Say why the actor could not get at an input that is elsewhere; *call* as above."""
    return f"{_input(name, call)} {why}."


def _why_not_loaded(problem: Problem, spawn_method: str, call: str) -> str:
    what = _input(problem.name, call)
    if not problem.module:
        return f"{what} cannot be loaded in the actor: {problem.why}."
    host = host_of(spawn_method)
    if host != spawn_method:
        process = f"%spawn_backend {spawn_method} --via trio"
    else:
        process = "spawn_method='mp_forkserver'" if call else "-b mp_forkserver"
    way_out = f" Use {process}." if host in _IN_KERNEL_ONLY else ""
    return (
        f"{what} needs {problem.module}, which does not load"
        f" on {spawn_method!r} ({problem.why}).{way_out}"
    )


def _input(name: str, call: str) -> str:
    if not call:
        return f"input {name!r}"
    if name == call:
        return "the function" if call == NO_NAME else f"function {call}()"
    return f"an argument of {_function(call)}"


def _output(name: str, call: str) -> str:
    return f"the result of {_function(call)}" if call else f"output {name!r}"


def _function(call: str) -> str:
    return "the function" if call == NO_NAME else f"{call}()"


def _why_not_sent(problem: Problem, call: str) -> str:
    if problem.why:
        if problem.way_out == "itself":
            instead = f"use it in the {'function' if call else 'actor'}"
        else:
            instead = f"{'return' if call else 'give'} a part of it"
        way_out = _way_out(problem.way_out, instead)
        return f"{_output(problem.name, call)} {problem.why}.{way_out}"
    hint = did_you_mean(problem.name, problem.known)
    return f"output {problem.name!r} was never set in the actor.{hint}"


def _way_out(kind: str, instead: str) -> str:
    """Return the sentence for a way out of what `PackError` says."""
    if kind == "list":
        return " A list of it can cross."
    words = f"{_LEAVE_OUT.get(kind, '')}{instead}."
    return f" {words[0].upper()}{words[1:]}" if kind else ""
