"""What is to be told of an exception that a cell has raised, as data."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TEXT = 2**20
"""Characters of a message or traceback that are sent."""

_MAX_NAME = 200


class Reporter:
    """Describes exceptions.

    Args:
        cells: the file names of the cells so far, and their numbers.
    """

    def __init__(self, cells: Mapping[str, int]) -> None:
        self._cells = cells

    def look(self, frontend: dict[str, str], *, hurry: bool) -> tuple[str, str]:
        """Return theme and mode for a traceback; no mode if it is to look like Python's.

        IPython is imported here and not where it is used: an interrupt would tear the import.
        """
        theme, mode = frontend["theme"], frontend["xmode"]
        if not theme:
            return theme, ""
        try:
            from subint_magic._child.display import traceback

            if hurry and not traceback.is_loaded():
                return theme, ""  # somebody waits for the end
            traceback.load(self._cells)
        except BaseException:  # noqa: BLE001 - modules of the user's may be in its way
            return theme, ""
        return theme, "Context" if hurry else mode  # Verbose runs code of the cell

    def describe(
        self, error: BaseException, theme: str, mode: str, call: str = ""
    ) -> dict[str, str]:
        """Return what is to be told of *error*; nothing that it does may hurt the actor.

        Args:
            error: the exception.
            theme: as `look` gives it.
            mode: likewise.
            call: the file name of a cell of ours, which calls a function.
        """
        type_name, message, _ = bare(error).values()
        try:
            message = str(error)[:MAX_TEXT]
        except BaseException:  # noqa: BLE001 - it runs code of the cell
            pass
        if type_name == "UsageError" and type(error).__module__ == "IPython.core.error":
            return {
                "type_name": type_name,
                "message": message,
                "traceback": f"{type_name}: {message}\n",
            }
        try:
            text = self._traceback(error, theme, mode, call)
        except BaseException as trouble:  # noqa: BLE001 - as above
            reason = type(trouble).__name__[:_MAX_NAME]
            text = f"{type_name}: {message}\n(its traceback cannot be shown: {reason})\n"
        return {"type_name": type_name, "message": message, "traceback": _shortened(text)}

    def _traceback(self, error: BaseException, theme: str, mode: str, call: str) -> str:
        from subint_magic._child.display import traceback

        traceback.trim(error, self._cells, call)
        # where debuggers look for it, and IPython's %tb
        sys.last_exc = sys.last_value = error
        sys.last_type, sys.last_traceback = type(error), error.__traceback__
        if mode:
            try:
                return traceback.as_ipython(error, theme, mode, self._cells)
            except KeyboardInterrupt:
                raise
            except BaseException:  # noqa: BLE001 - Python's own copes with more
                pass
        return traceback.as_python(error, theme, self._cells)


def bare(error: BaseException) -> dict[str, str]:
    """Return what can be told of *error* without running code of the cell."""
    name, message = type(error).__name__[:_MAX_NAME], "<exception str() failed>"
    return {"type_name": name, "message": message, "traceback": f"{name}: {message}\n"}


def _shortened(text: str) -> str:
    """Return *text* without its middle, if it is too long: its end says the most."""
    half = MAX_TEXT // 2
    return text if len(text) <= MAX_TEXT else f"{text[:half]}\n…\n{text[-half:]}"


def is_interrupt(error: BaseException) -> bool:
    """Whether *error* is our KeyboardInterrupt, or a group of it and of what it has cancelled."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(is_interrupt, error.exceptions))
    return isinstance(error, KeyboardInterrupt) or type(error).__name__.startswith("Cancelled")
