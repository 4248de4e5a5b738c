"""Words that several messages to users have in common."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CELL", "HOW_STOPPED", "Words", "did_you_mean", "join_sentences", "will_not_load"]


class Words(NamedTuple):
    """How somebody writes that something is to run, for what a message tells them to write instead.

    Attributes:
        what: what is to run.
        start: what starts it, around ``{}``, the place of *method*.
        method: what selects a spawn method, around ``{}``, the place of its key.
        unchecked: what leaves out the check of its imports.
    """

    what: str
    start: str
    method: str
    unchecked: str


CELL = Words("cell", "%%subint {}", "-b {}", "--no-check")

HOW_STOPPED: dict[str, str] = {
    "loop": "its event loop cancelled it",
    "exception": "KeyboardInterrupt was raised in it",
    "wake": "the call that it waited in was woken",
    "insist": "KeyboardInterrupt was raised in it again and again",
    "end": "nothing less helped",
}
"""What each rung of the stop ladder has done, in words."""


def did_you_mean(wrong: str, valid: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest valid name, or an empty string."""
    near = get_close_matches(wrong, list(valid), n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else ""


def join_sentences(sentences: Iterable[str]) -> str:
    """Put sentences together that each can begin a message: only the first begins in lower case."""
    first, *others = sentences
    return " ".join([first, *(text[:1].upper() + text[1:] for text in others)])


def will_not_load(
    module: str,
    place: str,
    reason: str,
    instead: str,
    actor: str | None = None,
    words: Words = CELL,
) -> str:
    """Say that a module cannot load where something is to run, and what to do.

    Args:
        module: its name.
        place: where, in words.
        reason: why, in words.
        instead: the key of a spawn method that works.
        actor: the name of the actor, if it lives already.
        words: how to write it.
    """
    method = words.method.format(instead)
    if actor is None:
        start = words.start.format(method)
        return f"{module} cannot load in {place}: {reason}. Use a process: {start}"
    return (
        f"{module} cannot load in actor {actor!r}, {place}: {reason}."
        f" Close it first (%subints close {actor}) and start it with {method},"
        " or choose another name"
    )
