"""The messages between parent and child; `subint_magic._child` speaks them as plain dicts.

On the wire each is a msgpack map with its ``kind``. Unknown keys are ignored, so a newer side may
add some; a missing or mistyped one is malformed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec

from subint_magic._child import frames
from subint_magic._child.values.parcel import Parcel

__all__ = [
    "OUTPUT_LIMIT",
    "PLAIN",
    "Chunk",
    "ClearOutput",
    "Close",
    "Completion",
    "Configure",
    "Descendant",
    "Descendants",
    "Display",
    "Done",
    "Dropped",
    "FromChild",
    "Frontend",
    "Goodbye",
    "Hello",
    "InputReply",
    "InputRequest",
    "Inspect",
    "Inspection",
    "Interrupt",
    "Loop",
    "MimeBundle",
    "Output",
    "Parcel",
    "ParcelData",
    "Problem",
    "Result",
    "Run",
    "Rung",
    "Stack",
    "StackFrame",
    "StateName",
    "Stopping",
    "StreamName",
    "ToChild",
    "Values",
    "Variable",
]

type Loop = Literal["trio", "asyncio"]
type StreamName = Literal["stdout", "stderr"]
type StateName = Literal[
    "spawning",
    "booting",
    "idle",
    "running",
    "closing",
    "cancelling",
    "done",
    "failed",
    "cancelled",
    "killed",
    "abandoned",
]
"""The states of an actor's life, as `subint_magic.runtime.lifecycle` has them."""
type MimeBundle = dict[str, Any]
"""Mime types with their data: text, bytes, or what JSON can hold."""

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
        sys_path: the new ``sys.path``; ``None`` on another machine, which has its own.
        cwd: the working directory; ``None`` where it is the process's, so the same already, or
            another machine's.
        environ: the environment; ``None`` likewise.
        preload: modules to be imported ahead, as far as they can be.
        apart: whether it is on another machine, so that no memory can be shared.
    """

    sys_path: list[bytes] | None
    cwd: bytes | None
    environ: dict[bytes, bytes] | None
    preload: list[str] = []
    apart: bool = False


class Frontend(msgspec.Struct, frozen=True):
    """What shows a cell.

    Attributes:
        count: the number of the cell as its user sees it, ``In[count]``; 0 for that of the run.
        filename: what tracebacks call the cell; ``""`` for a name made of actor and run.
        shell: the name of the class of its user's IPython shell, by which libraries tell notebook
            and terminal; ``""`` where there is none.
        theme: the colours of IPython in which a traceback is shown, ``"nocolor"`` for none; ``""``
            for a traceback as Python prints it.
        xmode: how much IPython tells in it, as ``%xmode`` has it.
        interactivity: which of its values a cell shows, as ``ast_node_interactivity`` of IPython
            has it; what an actor has set for itself wins.
        raw: its text as its user has typed it, where that is not the source that runs.
    """

    count: int = 0
    filename: str = ""
    shell: str = ""
    theme: str = ""
    xmode: str = "Context"
    interactivity: str = "last_expr"
    raw: str = ""


PLAIN: Frontend = Frontend()
"""A program, which shows nothing itself."""


class Run(Message, frozen=True, tag=frames.RUN):
    """Run a cell.

    Attributes:
        run: its number, counted up from 1 in each actor.
        source: its text.
        filename: what tracebacks call it.
        loop: what runs its top-level ``await``.
        output_limit: the characters of output that are sent; a message of less than 256 that
            follows another at once counts as 256.
        frontend: what shows it.
        inputs: values that are set in the namespace before it runs.
        outputs: names of values that are sent back once it has ended well.
        apart: whether it runs in a namespace of its own, which ends with it. The exception that it
            raises is sent back too then, as the value ``error``.
        measure: whether `Done` is to say what the run took.
    """

    run: int
    source: str
    filename: str
    loop: Loop
    output_limit: int = OUTPUT_LIMIT
    frontend: Frontend = PLAIN
    inputs: Parcel | None = None
    outputs: list[str] = []
    apart: bool = False
    measure: bool = False


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


class Inspect(Message, frozen=True, tag=frames.INSPECT):
    """Look inside; answered at once, whatever runs.

    Attributes:
        number: its number, counted up from 1 in each actor.
        what: what is asked for.
        text: for completions, the name before the cursor, as in ``"a.b.na"``.
    """

    number: int
    what: Literal["stacks", "variables", "completions"]
    text: str = ""


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
        thread: the operating system's id of the thread that runs cells.
        python: the version of Python, as in ``"3.14.2"``.
        rungs: the rungs of the stop ladder that it has, lowest first.
    """

    protocol: int
    pid: int
    interpreter: int
    thread: int
    python: str
    rungs: Annotated[list[Rung], msgspec.Meta(min_length=1)]


class Stopping(Message, frozen=True, tag=frames.STOPPING):
    """The child has tried *rung* on a run, which may have ended meanwhile."""

    run: int
    rung: Rung


class Output(Message, frozen=True, tag=frames.OUTPUT):
    """Text that was printed.

    Attributes:
        run: the number of the last run begun, which may have ended.
        stream: ``"stdout"`` or ``"stderr"``.
        text: what was printed.
    """

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


class Display(Message, frozen=True, tag=frames.DISPLAY):
    """Something was displayed; *run* is that of `Output`.

    Attributes:
        run: which.
        data: its forms by mime type.
        metadata: what is to be known of them.
        display_id: the name by which it can be updated, if it has one.
        update: whether it takes the place of what is displayed under that name.
    """

    run: int
    data: MimeBundle
    metadata: MimeBundle
    display_id: str | None = None
    update: bool = False


class ClearOutput(Message, frozen=True, tag=frames.CLEAR):
    """Take away what the run has shown so far.

    Attributes:
        run: which, as in `Output`.
        wait: whether to do it only when something new is shown.
    """

    run: int
    wait: bool


class Result(Message, frozen=True, tag=frames.RESULT):
    """The value of an expression of a cell, in all forms that it has.

    Attributes:
        run: which.
        data: its forms by mime type.
        metadata: what is to be known of them.
        last: whether it is that of the last expression; IPython can show more than that.
    """

    run: int
    data: MimeBundle
    metadata: MimeBundle
    last: bool = True

    @property
    def text(self) -> str | None:
        """Its form as text, if it has one."""
        return self.data.get("text/plain")


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wrong with one value.

    Attributes:
        name: the name of the value.
        why: one line; empty if it was never set. Of an output it goes on from its name.
        way_out: what may help, as `subint_magic._child.values.parcel.PackError` has it.
        module: what could not be imported for it, if it is that.
        known: names that are set.
    """

    name: str
    why: str = ""
    way_out: str = ""
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
        cpu: seconds of CPU time that it took: of its process, or, in a sub-interpreter, of the
            thread that runs cells; ``None`` where it was not measured.
        peak: bytes by which the memory of the process was larger at its peak than before;
            ``None`` where it was not measured.
    """

    run: int
    status: Literal["ok", "error", "interrupted"]
    type_name: str = ""
    message: str = ""
    traceback: str = ""
    rung: Rung | None = None
    cpu: float | None = None
    peak: int | None = None


class StackFrame(msgspec.Struct, frozen=True, array_like=True):
    """One frame of a stack.

    Attributes:
        filename: the file of its code.
        count: the number of the cell that this is, 0 if it is none.
        line: where it is in there.
        function: the qualified name of its function.
        source: the text of the line; ``""`` if it is to be read from the file.
    """

    filename: str
    count: int
    line: int
    function: str
    source: str


class Stack(msgspec.Struct, frozen=True, array_like=True):
    """Where a thread or a task is.

    Attributes:
        whose: ``"cell"`` for the thread or task that runs the cell, else ``"task"``, of trio or
            asyncio, or ``"thread"``.
        name: that of the task or thread; ``""`` for the cell.
        more: how many others of the kind are in the very same places.
        frames: outermost first, without those of trio, asyncio and `threading` themselves.
    """

    whose: Literal["cell", "task", "thread"]
    name: str
    more: int
    frames: list[StackFrame]


class Variable(msgspec.Struct, frozen=True, array_like=True):
    """One name of the namespace.

    Attributes:
        name: that.
        type_name: the name of its class.
        size: its length or shape, where that can be told without running code of its class.
        value: a short text of it, where that is so.
    """

    name: str
    type_name: str
    size: str
    value: str


class Completion(msgspec.Struct, frozen=True, array_like=True):
    """One way to complete a name.

    Attributes:
        name: the last part of it.
        kind: ``"class"``, ``"function"``, ``"module"`` or ``"instance"``.
    """

    name: str
    kind: str


class Inspection(Message, frozen=True, tag=frames.INSPECTION):
    """What was asked for.

    Attributes:
        number: that of the `Inspect`.
        stacks: first that of the cell, then those of tasks, then those of other threads.
        variables: by name.
        completions: by name.
        left_out: how many tasks there are besides those in `stacks`.
        error: why there is no answer.
    """

    number: int
    stacks: list[Stack] = []
    variables: list[Variable] = []
    completions: list[Completion] = []
    left_out: int = 0
    error: str = ""


class Descendant(msgspec.Struct, frozen=True, array_like=True):
    """What has become of an actor that the child has started, or one that it has started itself.

    Attributes:
        path: numbers of actors, from the one that the child has started down to this one; no path
            stands for two actors.
        name: its name.
        spawn_method: how it was started.
        state: that of its life.
        pid: its process; ``None`` before its hello.
        interpreter: its interpreter's id in that process; ``None`` likewise.
        source: the first line of what it runs, or its beginning; ``""`` if it runs nothing.
    """

    path: Annotated[tuple[int, ...], msgspec.Meta(min_length=1)]
    name: str
    spawn_method: str
    state: StateName
    pid: int | None
    interpreter: int | None
    source: str


class Descendants(Message, frozen=True, tag=frames.DESCENDANTS):
    """What has become of actors below the child: the last of each, and only the known have ended.

    Attributes:
        moved: those that are in another state than they were, or run something else.
    """

    moved: list[Descendant]


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


type ToChild = Configure | Run | InputReply | Interrupt | Inspect | Close | Chunk
type FromChild = (
    Hello
    | Stopping
    | Output
    | Display
    | ClearOutput
    | Dropped
    | Result
    | InputRequest
    | Values
    | Done
    | Inspection
    | Descendants
    | Goodbye
    | Chunk
)


class ParcelData(msgspec.Struct):
    """What a message has of a `Parcel`; its files go beside the message.

    Attributes:
        items: as those of the parcel.
        data: as that of the parcel.
        files: how many files go with it.
        sources: as those of the parcel.
    """

    items: list[tuple[str, int, list[int]]]
    data: bytes | None
    files: Annotated[int, msgspec.Meta(ge=0)]
    sources: list[tuple[str, int, str]] = []
