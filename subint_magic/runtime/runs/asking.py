"""Who answers when a cell asks its user: ``input()``, ``getpass.getpass()``, ``sys.stdin``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from subint_magic._child.frames import FrameError
from subint_magic.wire.messages import InputReply

if TYPE_CHECKING:
    from subint_magic.runtime.runs.run import CellRun
    from subint_magic.wire.messages import InputRequest, ToChild

__all__ = ["NOBODY", "Answer", "Question", "reply"]

NOBODY = "nobody answers input() here: put what it asks for into the cell"
"""Why a question is refused, if nobody said otherwise."""

_IDLE = "no cell is running, and only a running one can ask: let it wait for the thread that asks"
_STOPPING = "the cell that asks is being stopped, or has ended"


@dataclass(frozen=True)
class Question:
    """What a cell asks.

    Attributes:
        prompt: the text before the cursor.
        password: whether what is typed must not be seen.
    """

    prompt: str
    password: bool


type Answer = Callable[[Question], Awaitable[str | None]]
"""Returns the line that answers a question, or ``None`` for the end of the input, in trio.

It is cancelled when somebody stops the run or the run ends. What it raises, the cell gets as an
EOFError with the same text.
"""


async def reply(
    run: CellRun | None, request: InputRequest, post: Callable[[ToChild], None]
) -> None:
    """Let *run* answer *request*.

    Args:
        run: the one that asks, or ``None`` if it is not the current one.
        request: what it asks.
        post: sends a message to the child.
    """
    text, error = None, _IDLE if run is None else _STOPPING
    if run is not None and run.goes_on:
        with run.while_it_goes_on():
            try:
                text, error = await _text(run, request), ""
            except Exception as trouble:  # noqa: BLE001 - it is the cell's: nothing else failed
                error = str(trouble) or type(trouble).__name__
    try:
        post(InputReply(request.run, request.question, text, error))
    except FrameError as trouble:
        post(InputReply(request.run, request.question, None, str(trouble)))


async def _text(run: CellRun, request: InputRequest) -> str | None:
    if run.answer is None:
        raise EOFError(NOBODY)
    text = await run.answer(Question(request.prompt, request.password))
    # A frontend may send lone surrogates, which have no UTF-8.
    return text and text.encode("utf-8", "replace").decode()
