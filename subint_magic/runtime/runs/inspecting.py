"""Looks inside an actor, whatever it does: what was asked, and what has been answered."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Literal

import trio

from subint_magic.wire.messages import Inspect, Inspection

if TYPE_CHECKING:
    from collections.abc import Callable

    from subint_magic.wire.messages import ToChild

__all__ = ["Inspections", "What"]

type What = Literal["stacks", "variables", "completions"]


class Inspections:
    """Those of one actor that wait for an answer.

    Args:
        post: sends a message to the child.
    """

    def __init__(self, post: Callable[[ToChild], None]) -> None:
        self._post = post
        self._numbers = count(1)
        self._waiting: dict[int, tuple[trio.Event, list[Inspection]]] = {}

    async def look(self, what: What, text: str) -> Inspection | None:
        """Ask the child and wait for its answer; ``None`` if it ends before."""
        number = next(self._numbers)
        answered, answers = self._waiting[number] = trio.Event(), list[Inspection]()
        try:
            self._post(Inspect(number, what, text))
            await answered.wait()
        finally:
            del self._waiting[number]
        return answers[0] if answers else None

    def take(self, inspection: Inspection) -> None:
        """Take an answer of the child."""
        if waiting := self._waiting.get(inspection.number):  # else nobody waits any more
            answered, answers = waiting
            answers.append(inspection)
            answered.set()

    def end(self) -> None:
        """Let nobody wait for a child that has ended."""
        for answered, _ in self._waiting.values():
            answered.set()
