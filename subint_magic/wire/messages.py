"""The messages between parent and child; `subint_magic._child` speaks them as plain dicts.

On the wire each is a msgpack map with its ``kind``. Unknown keys are ignored, so a newer side may
add some; a missing or mistyped one is malformed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from subint_magic._child import frames
from subint_magic._child.values.parcel import Parcel

__all__ = [
    "OUTPUT_LIMIT",
    "Call",
    "Chunk",
    "Close",
    "Configure",
    "Done",
    "Dropped",
    "FromChild",
    "Goodbye",
    "Hello",
    "Interrupt",
    "Loop",
    "Output",
    "Parcel",
    "ParcelData",
    "Problem",
    "Result",
    "Run",
    "Rung",
    "Stopping",
    "StreamName",
    "ToChild",
    "Values",
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
        inputs: values that are set in the namespace before it runs.
        outputs: names of values that are sent back once it has ended well.
    """

    run: int
    source: str
    filename: str
    loop: Loop
    output_limit: int = OUTPUT_LIMIT
    inputs: Parcel | None = None
    outputs: list[str] = []


class Call(Message, frozen=True, tag=frames.CALL):
    """Call a function. What it returns comes as `Values`, and so does an exception.

    Attributes:
        run: its number, counted together with those of cells.
        inputs: the function, by its name, then its arguments and its keyword arguments.
        loop: what runs it, if it is a coroutine function.
        output_limit: as that of a `Run`.
    """

    run: int
    inputs: Parcel
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


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wrong with one value.

    Attributes:
        name: the name of the value.
        why: one line; empty if it was never set.
        module: what could not be imported for it, if it is that.
        known: names that are set.
    """

    name: str
    why: str = ""
    module: str = ""
    known: list[str] = []


class Values(Message, frozen=True, tag=frames.VALUES):
    """The outputs of a run that has ended well, or why its inputs could not be loaded.

    Attributes:
        run: which.
        parcel: the outputs; ``None`` if it is about inputs.
        problems: what could not be taken along.
    """

    run: int
    parcel: Parcel | None
    problems: list[Problem]


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


class Chunk(Message, frozen=True, tag=frames.CHUNK):
    """A piece of a file, where the line does not pass descriptors: it comes before its message.

    Attributes:
        data: the piece.
        last: whether the file ends with it.
    """

    data: bytes
    last: bool


type ToChild = Configure | Run | Call | Interrupt | Close | Chunk
type FromChild = Hello | Stopping | Output | Dropped | Result | Values | Done | Goodbye | Chunk


class ParcelData(msgspec.Struct):
    """What a message has of a `Parcel`; its files go beside the message.

    Attributes:
        items: as those of the parcel.
        data: as that of the parcel.
        files: how many files go with it.
    """

    items: list[tuple[str, int, list[int]]]
    data: bytes | None
    files: Annotated[int, msgspec.Meta(ge=0)]
