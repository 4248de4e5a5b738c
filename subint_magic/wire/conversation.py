"""Which message may come when: the order of the protocol, without I/O.

    hello, then for each run that was sent: output* result* values? done, then, once asked, goodbye

Output may also come between runs, from threads that a run has left. So may displays, questions,
which then nobody answers, and word of output that was dropped. What was found by an inspection
comes wherever it likes, in order, and so does word of actors that the child has started.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from subint_magic._child.frames import PROTOCOL, FrameError
from subint_magic.wire.messages import (
    ClearOutput,
    Close,
    Display,
    Done,
    Dropped,
    Goodbye,
    Hello,
    InputRequest,
    Inspect,
    Inspection,
    Output,
    Result,
    Run,
    Stopping,
    Values,
)

if TYPE_CHECKING:
    from subint_magic.wire.messages import FromChild, ToChild

__all__ = ["Conversation"]


class Conversation:
    """The parent's record of what was said.

    Attributes:
        greeted: whether the child said hello.
        parted: whether it said goodbye.
    """

    def __init__(self) -> None:
        self.greeted: bool = False
        self.parted: bool = False
        self._sent = 0
        self._done = 0
        self._close_sent = False
        self._asked = 0
        self._answered = 0

    def note(self, message: ToChild) -> None:
        """Note that *message* is being sent."""
        if isinstance(message, Run):
            self._sent = message.run
        elif isinstance(message, Close):
            self._close_sent = True
        elif isinstance(message, Inspect):
            self._asked = message.number

    def check(self, message: FromChild) -> None:
        """Take note of *message* from the child.

        Raises:
            FrameError: it may not come now. Nothing is noted.
        """
        if problem := self._problem(message):
            raise FrameError(problem)
        match message:
            case Hello():
                self.greeted = True
            case Done():
                self._done = message.run
            case Inspection():
                self._answered = message.number
            case Goodbye():
                self.parted = True

    def _problem(self, message: FromChild) -> str | None:
        kind = f"a message {type(message).__name__.lower()!r}"
        if self.parted:
            return f"{kind} after its goodbye"
        if isinstance(message, Hello):
            if self.greeted:
                return "a second hello"
            if message.protocol != PROTOCOL:
                return f"it speaks version {message.protocol} of the protocol, not {PROTOCOL}"
        elif not self.greeted:
            return f"{kind} before its hello"
        elif isinstance(
            message, Output | Display | ClearOutput | Dropped | Stopping | InputRequest
        ):
            if message.run > self._sent:
                return f"{kind} of run {message.run}, which was not sent"
        elif isinstance(message, Result | Values | Done):
            if not self._done < message.run <= self._sent:
                return f"{kind} of run {message.run}, which is not running"
        elif isinstance(message, Inspection):
            if not self._answered < message.number <= self._asked:
                return f"{kind} to question {message.number}, which was not asked"
        elif isinstance(message, Goodbye) and not self._close_sent:
            return "a goodbye that nobody asked for"
        return None
