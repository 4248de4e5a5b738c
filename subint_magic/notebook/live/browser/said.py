"""What a page says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Click", "Sight", "read"]


@dataclass(frozen=True)
class Click:
    """Somebody has clicked on a button.

    Attributes:
        action: what it is for.
        target: the id of an actor or of a run.
    """

    action: str
    target: str


@dataclass(frozen=True)
class Sight:
    """What somebody looks at has changed.

    Attributes:
        page: names the page; several may show the same notebook.
        seen: the ids of the views in it, if it can be seen.
        fresh: those of them that it has as they are in the document.
    """

    page: str
    seen: frozenset[str]
    fresh: frozenset[str]


def read(content: dict[str, Any]) -> Click | Sight:
    """Return what the message of a page says.

    Raises:
        Exception: it is not one of ours.
    """
    if click := content.get("click"):
        return Click(str(click["action"]), str(click.get("actor") or click.get("run")))
    return Sight(content["page"], frozenset(content["seen"]), frozenset(content["fresh"]))
