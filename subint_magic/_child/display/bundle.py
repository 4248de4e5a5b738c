"""Mime bundles on their way into a message: what JSON would hold, and bytes."""

from __future__ import annotations

import msgpack

from subint_magic._child import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WIDGET = "application/vnd.jupyter.widget-view+json"


def pack(kind: str, **fields: Any) -> bytes:
    """Return the frame of a message that shows something. It runs code of what is in its bundle.

    Raises:
        TypeError: something in it is not what JSON can hold.
        ValueError: it is too large for a message.
    """
    if "data" in fields:
        # The frontend has no model for a widget of an actor, and would show an error in its place.
        fields["data"] = {mime: data for mime, data in fields["data"].items() if mime != _WIDGET}
    payload = msgpack.packb(
        {"kind": kind, **fields},
        default=_as_json_would,
        unicode_errors="backslashreplace",  # lone surrogates have no UTF-8
    )
    if len(payload) > frames.MAX_FRAME:
        raise ValueError(
            f"what this cell shows has {len(payload):,} bytes; an actor can show"
            f" {frames.MAX_FRAME:,} at once. Show less of it, or write it to a file."
        )
    return frames.frame(payload)


def _as_json_would(value: object) -> object:
    """Return what a kernel would make of *value*, which msgpack does not know."""
    from datetime import date
    from numbers import Integral, Real

    if isinstance(value, date):
        return value.isoformat()
    if type(value) is int:
        return float(value)  # over 64 bits
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if hasattr(value, "__iter__"):
        return list(value)
    raise TypeError(f"{value!r} of type {type(value).__name__} cannot be shown as JSON")
