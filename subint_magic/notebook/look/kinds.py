"""The sign and the words of each kind of doing, for text, HTML and SVG alike.

The signs are letters of old: every font and terminal has them, and none draws them as an emoji.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from subint_magic.notebook.look.snapshot import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ENDED", "SIGNS", "TROUBLE", "Sign", "chip", "counted", "labelled"]


@dataclass(frozen=True)
class Sign:
    """How a kind is shown.

    Attributes:
        icon: one character, which stands before the word.
        mark: one character, of which a text draws a bar.
        help: what it means.
    """

    icon: str
    mark: str
    help: str


# What asks for most attention comes first: in this order kinds are counted and rows are chosen.
SIGNS = {
    Kind.RUNNING: Sign("►", "=", "it runs a cell"),
    Kind.STOPPING: Sign("■", "x", "its cell was told to stop"),
    Kind.CANCELLING: Sign("▼", "v", "it was told to end, whatever it does"),
    Kind.CLOSING: Sign("↓", "_", "it was asked to end and says goodbye"),
    Kind.BOOTING: Sign("↑", "^", "its child was started and loads"),
    Kind.SPAWNING: Sign("+", "+", "its child is being started"),
    Kind.QUEUED: Sign("…", ".", "its cell waits for its turn"),
    Kind.IDLE: Sign("○", " ", "it waits for a cell"),
    Kind.ABANDONED: Sign("∞", "~", "it did not end, and nothing can kill it"),
    Kind.FAILED: Sign("!", "!", "its child died or broke the protocol"),
    Kind.KILLED: Sign("†", "k", "it did not end in time and was killed"),
    Kind.CANCELLED: Sign("×", "c", "it ended as it was told to"),
    Kind.DONE: Sign("✓", "d", "it was closed"),
}

ENDED = frozenset({Kind.DONE, Kind.FAILED, Kind.CANCELLED, Kind.KILLED, Kind.ABANDONED})
"""The kinds of what has ended."""

TROUBLE = (Kind.FAILED, Kind.KILLED, Kind.ABANDONED)
"""The ends that nobody wants."""


def labelled(kind: Kind) -> str:
    """Return the icon and the word of *kind*."""
    return f"{SIGNS[kind].icon} {kind}"


def chip(kind: Kind, text: str = "", style: str = "", *, of_run: bool = False) -> str:
    """Return the icon of *kind* with *text*, or with its word, as a chip of HTML.

    The chip of a run says no more than that: the help is of what an actor does.
    """
    sign = SIGNS[kind]
    style = style and f' style="{style}"'
    title = "" if of_run else f' title="{sign.help}"'
    return (
        f'<span class="subint-chip" data-kind="{kind}"{title}{style}>'
        f'<span aria-hidden="true">{sign.icon}</span> {escape(text or kind)}</span>'
    )


def counted(kinds: Iterable[Kind]) -> dict[Kind, int]:
    """Return how many there are of each kind that there is, in the order of `SIGNS`."""
    counts = dict.fromkeys(SIGNS, 0)
    for kind in kinds:
        counts[kind] += 1
    return {kind: count for kind, count in counts.items() if count}
