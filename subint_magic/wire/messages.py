"""The messages between parent and child; `subint_magic._child` speaks them as plain dicts.

On the wire each is a msgpack map with its ``kind``. Unknown keys are ignored, so a newer side may
add some; a missing or mistyped one is malformed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from subint_magic._child import frames

__all__ = [
    "OUTPUT_LIMIT",
    "Close",
    "Configure",
    "Done",
    "Dropped",
    "FromChild",
    "Goodbye",
    "Hello",
    "InputReply",
    "InputRequest",
    "Interrupt",
    "Loop",
    "Output",
    "Result",
    "Run",
    "Rung",
    "Stopping",
    "StreamName",
    "ToChild",
]

type Loop = Literal["trio", "asyncio"]
type StreamName = Literal["stdout", "stderr"]

OUTPUT_LIMIT: int = frames.OUTPUT_LIMIT
"""Characters of output that a run may send, if nobody says otherwise."""


class Rung(StrEnum):
    """The rungs of the stop ladder, lowest first. All but the last keep the actor.

    ``finally`` blocks and context managers of the cell run on every rung; from ``INSIST`` on they
    may be cut short.
    """

    LOOP = frames.LOOP
    """The cell's event loop cancels it; only for a cell with a top-level ``await``."""
    EXCEPTION = frames.EXCEPTION
    """KeyboardInterrupt is raised in it, by a signal in a process, which also wakes its calls."""
    WAKE = frames.WAKE
    """The call that a sub-interpreter waits in is woken, so that it sees the exception."""
    INSIST = frames.INSIST
    """KeyboardInterrupt is raised in it again and again."""
    END = "end"
    """Its process is killed; a sub-interpreter is abandoned."""


class Message(msgspec.Struct, frozen=True, tag_field="kind"):
    """The base of all messages."""


class Configure(Message, frozen=True, tag=frames.CONFIGURE):
    """Take over the parent's state. Paths and variables are bytes, as they need not be UTF-8.

    Attributes:
        sys_path: the new ``sys.path``.
        cwd: the working directory; ``None`` where it is the process's, so the same already.
        environ: the environment; ``None`` where it is the process's.
    """

    sys_path: list[bytes]
    cwd: bytes | None
    environ: dict[bytes, bytes] | None


class Run(Message, frozen=True, tag=frames.RUN):
    """Run a cell.

    Attributes:
        run: its number, counted up from 1 in each actor.
        source: its text.
        filename: what tracebacks call it.
        loop: what runs its top-level ``await``.
        output_limit: the characters of output that are sent; a message of less than 256 that
            follows another at once counts as 256.
    """

    run: int
    source: str
    filename: str
    loop: Loop
    output_limit: int = OUTPUT_LIMIT


class Interrupt(Message, frozen=True, tag=frames.INTERRUPT):
    """Stop a run; nothing happens if it has ended.

    Attributes:
        run: which.
        rung: how. Where the run has no such rung the next higher one serves; a rung that the child
            has tried already is not tried twice.
    """

    run: int
    rung: Rung


class Close(Message, frozen=True, tag=frames.CLOSE):
    """End after the runs that were sent."""


class InputReply(Message, frozen=True, tag=frames.INPUT_REPLY):
    """The reply to an `InputRequest`.

    Attributes:
        run: that of the request.
        question: that of the request.
        text: what was typed, without the end of the line; ``None`` if there is no answer.
        error: why there is none; ``""`` if the input has ended.
    """

    run: int
    question: int
    text: str | None
    error: str = ""


class Hello(Message, frozen=True, tag=frames.HELLO):
    """The first message of a child.

    Attributes:
        protocol: the version of the protocol that it speaks.
        pid: its process.
        interpreter: its interpreter's id in that process; 0 is the main one.
        python: the version of Python, as in ``"3.14.2"``.
        rungs: the rungs of the stop ladder that it has, lowest first.
    """

    protocol: int
    pid: int
    interpreter: int
    python: str
    rungs: Annotated[list[Rung], msgspec.Meta(min_length=1)]


class Stopping(Message, frozen=True, tag=frames.STOPPING):
    """The child has tried *rung* on a run, which may have ended meanwhile."""

    run: int
    rung: Rung


class Output(Message, frozen=True, tag=frames.OUTPUT):
    """Text that was printed; *run* is the last one begun, which may have ended."""

    run: int
    stream: StreamName
    text: str


class Dropped(Message, frozen=True, tag=frames.DROPPED):
    """Output is over its limit: sent when the first of it is dropped, and when the run ends.

    Attributes:
        run: which, as in `Output`.
        characters: how many were dropped so far; 0 the first time.
    """

    run: int
    characters: int


class Result(Message, frozen=True, tag=frames.RESULT):
    """The ``repr`` of the last expression of a cell."""

    run: int
    text: str


class InputRequest(Message, frozen=True, tag=frames.INPUT):
    """A cell asks its user for a line, and waits for an `InputReply`.

    Attributes:
        run: which, as in `Output`.
        question: its number; several threads may ask at once.
        prompt: what is asked.
        password: whether what is typed must not be seen.
    """

    run: int
    question: int
    prompt: str
    password: bool


class Done(Message, frozen=True, tag=frames.DONE):
    """A run has ended; the last message of the run.

    Attributes:
        run: which.
        status: how.
        type_name: the name of the exception's class, or ``""``.
        message: ``str()`` of the exception, or ``""``.
        traceback: its traceback as text, or ``""``.
        rung: the last rung that was tried on it, if any was.
    """

    run: int
    status: Literal["ok", "error", "interrupted"]
    type_name: str = ""
    message: str = ""
    traceback: str = ""
    rung: Rung | None = None


class Goodbye(Message, frozen=True, tag=frames.GOODBYE):
    """The last message of a child that was asked to end."""


type ToChild = Configure | Run | Interrupt | Close | InputReply
type FromChild = Hello | Stopping | Output | Dropped | Result | InputRequest | Done | Goodbye
