"""The line of a magic: read, and what is wrong with it told in one line."""

from __future__ import annotations

from contextlib import contextmanager
from copy import copy
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from subint_magic.errors import (
    ActorBusy,
    ActorConflict,
    CellError,
    ImportRefused,
    InputError,
    OutputError,
    SpawnError,
    UnknownSpawnMethod,
)
from subint_magic.runtime.imports import AUTO
from subint_magic.spawn import spawn_methods
from subint_magic.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from IPython.core.magic_arguments import MagicArgumentParser

__all__ = ["actor_name", "parse", "seconds", "user_errors"]


def seconds(text: str) -> float:
    """Return the number of seconds that *text* says."""
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ValueError
    return number


def actor_name(text: str) -> str:
    """Return the name that *text* says; IPython leaves quotes around it."""
    if text[:1] in ("'", '"') and text[-1:] == text[:1]:
        text = text[1:-1]
    if not text:
        raise ValueError
    return text


# argparse says: invalid … value
seconds.__name__ = "number of seconds"
actor_name.__name__ = "name"


_USER_ERRORS = (SpawnError, ActorBusy, ActorConflict, ImportRefused, InputError, OutputError)


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn a user's mistake into IPython's one-line error: it wants exactly this type."""
    try:
        yield
    except UnknownSpawnMethod as error:
        keys = [status.key for status in spawn_methods()]
        raise UsageError(str(UnknownSpawnMethod(error.key, [*keys, AUTO]))) from None
    except _USER_ERRORS as error:
        raise UsageError(str(error)) from None
    except CellError as error:
        if error.traceback.rstrip() == f"UsageError: {error.message}":  # of a magic in the cell
            raise UsageError(error.message) from None
        raise


# People run the same cell again and again.
@lru_cache(maxsize=32)
def _parse(parser: MagicArgumentParser, line: str) -> Any:
    return parser.parse_argstring(line)


def parse(magic: Any, line: str) -> Any:
    """Return the arguments that *line* gives *magic*; suggest a flag for one that there is not."""
    try:
        return copy(_parse(magic.parser, line))
    except UsageError as error:
        _, found, words = str(error).partition("unrecognized arguments: ")
        flag = words.partition(" ")[0].partition("=")[0]
        hint = did_you_mean(flag, magic.parser._option_string_actions) if found else ""
        if hint and flag.startswith("-"):
            raise UsageError(f"{error}.{hint}") from None
        raise
