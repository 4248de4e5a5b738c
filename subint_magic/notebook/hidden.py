"""Frames that say ``__tracebackhide__`` are hidden: IPython shows one if it comes last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["HiddenFrames"]


class HiddenFrames:
    """Makes a shell hide them, until `remove`: what a call in an actor raises is raised there."""

    def __init__(self, shell: InteractiveShell) -> None:
        formatter: Any = shell.InteractiveTB
        self._formatter = formatter
        before = formatter.get_records

        def get_records(*args: Any, **kwargs: Any) -> list[Any]:
            records = before(*args, **kwargs)
            while len(records) > 1 and _hides(records[-1]):
                records.pop()
            return list(records)

        formatter.get_records = get_records

    def remove(self) -> None:
        """Undo it."""
        del self._formatter.get_records


def _hides(record: Any) -> bool:
    frame = getattr(record._sd, "frame", None)  # those that repeat have none
    return frame is not None and bool(frame.f_locals.get("__tracebackhide__"))
