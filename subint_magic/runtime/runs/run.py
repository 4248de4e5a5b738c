"""One run of a cell, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import trio

from subint_magic.errors import CellError, InputError, RunCancelled, RunTimedOut
from subint_magic.runtime.runs.values import Traffic, why_no_input
from subint_magic.wire.messages import ClearOutput, Display, Done, Dropped, Output, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from subint_magic.errors import SubintMagicError
    from subint_magic.runtime.runs.asking import Answer
    from subint_magic.wire.messages import MimeBundle, Rung, Values

__all__ = ["CellResult", "CellRun", "Event", "Sink"]

type Event = Output | Display | ClearOutput | Dropped | Result
type Sink = Callable[[Event], None]
"""Takes the events of a run, in order, in the thread that runs trio. It must not block."""


@dataclass(frozen=True)
class CellResult:
    """What a cell that ran to its end gave.

    Attributes:
        value: its last expression as text; ``None`` if there was none, or it was ``None``.
        stdout: what it printed, unless a sink took it.
        stderr: the same for stderr.
        dropped: how many characters of output were over the limit and dropped.
        data: all forms of its last expression by mime type; empty if there was none.
        metadata: what is to be known of them.
        outputs: what it displayed, in order, unless a sink took it; also the values that it showed
            before that of its last expression.
        values: the outputs that were asked for, by name.
    """

    value: str | None = None
    stdout: str = ""
    stderr: str = ""
    dropped: int = 0
    data: MimeBundle = field(default_factory=dict)
    metadata: MimeBundle = field(default_factory=dict)
    outputs: list[Display | ClearOutput | Result] = field(default_factory=list)
    values: dict[str, object] = field(default_factory=dict)


class CellRun:
    """A run that was sent to an actor.

    Attributes:
        number: counts the runs of the actor from 1.
        source: the text of the cell.
        filename: what tracebacks call it.
        started: `trio.current_time` of its start.
        grace: seconds between a request to stop it and the end of its actor.
        ended: set once `outcome` can be called.
        requests: how many times somebody has asked for its end.
        rung: the highest rung of the stop ladder that was tried on it.
        cpu: seconds of CPU time that it took; ``None`` if they were not measured.
        peak: bytes by which it has made its process larger, at the peak; ``None`` likewise.
        traffic: how many bytes of values it has moved.
        values: its outputs, until somebody has taken them.
        answer: answers what it asks.
        call: the name of the function that it calls; empty if it is a cell.
    """

    def __init__(
        self,
        actor: str,
        number: int,
        source: str,
        sink: Sink | None,
        grace: float,
        filename: str = "",
        answer: Answer | None = None,
        call: str = "",
    ) -> None:
        self.number = number
        self.source = source
        self.filename: str = filename or f"<{actor} cell {number}>"
        self.started: float = trio.current_time()
        self.grace = grace
        self.ended: trio.Event = trio.Event()
        self.requests: int = 0
        self.rung: Rung | None = None
        self.cpu: float | None = None
        self.peak: int | None = None
        self.traffic: Traffic = Traffic()
        self.values: Values | None = None
        self.answer = answer
        self.call = call
        self._scopes: set[trio.CancelScope] = set()
        self._changed = trio.Event()
        self._actor = actor
        self._sink = sink or self._collect
        self._texts: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._outputs: list[Display | ClearOutput | Result] = []
        self._value = Result(number, {}, {})
        self._dropped = 0
        self._done: Done | None = None
        self._note = ""
        self._error: BaseException | None = None
        # who asked first for the end of the run, for which timeout, and when
        self._asked: tuple[str, float | None, float] = "the end of its actor", None, self.started

    def take(self, event: Event) -> bool:
        """Pass *event* to the sink; false when that raised, which is what the run will raise."""
        if isinstance(event, Result) and event.last:
            self._value = event
        elif isinstance(event, Dropped):
            self._dropped = event.characters
        try:
            self._sink(event)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever gave the sink
            self._error = self._error or error
            self._sink = _ignore
            return False
        return True

    def take_values(self, values: Values, spawn_method: str) -> None:
        """Take its outputs, or word of inputs that its child could not load."""
        if values.parcel is not None:
            self.values = values
            copied, shared = values.parcel.copied, values.parcel.shared
            self.traffic = replace(self.traffic, copied_out=copied, shared_out=shared)
        elif values.problems:
            message = why_no_input(values.problems, spawn_method, self.call)
            self._error = self._error or InputError(self._actor, values.problems[0].name, message)

    def drop_values(self) -> None:
        """Let go of its outputs: nobody takes them."""
        values, self.values = self.values, None
        if values is not None and values.parcel is not None:
            values.parcel.close()

    def finish(self, done: Done, note: str) -> None:
        """End the run as its child reports; *note* says what became of the actor."""
        self._done = done
        self._note = note
        self.rung = done.rung or self.rung
        self.cpu, self.peak = done.cpu, done.peak
        if self.requests and done.status != "interrupted":
            # It has caught what was raised in it; nobody shall wonder why it ended.
            text = f"… this cell was told to stop by {self._asked_by} and ended by itself.\n"
            self.take(Output(self.number, "stderr", text))
        self._end()

    def fail(self, error: SubintMagicError) -> None:
        """End the run, because its actor has ended."""
        self._error = self._error or error
        self._end()

    def tried(self, rung: Rung) -> None:
        """Note that its child has tried *rung* on it."""
        self.rung = rung
        self._change()

    def request_stop(self, by: str, timeout: float | None = None) -> bool:
        """Note who wants the run to stop; false if somebody did before.

        Args:
            by: who, for the report.
            timeout: the run's, in seconds, if that is why.
        """
        self.requests += 1
        if self.requests == 1:
            self._asked = by, timeout, trio.current_time()
            self._cancel_scopes()
        self._change()
        return self.requests == 1

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended, and nobody wants it to."""
        return not (self.requests or self.ended.is_set())

    @contextmanager
    def while_it_goes_on(self) -> Iterator[None]:
        """Cancel the block once somebody wants the run to stop, or it has ended."""
        with trio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                yield
            finally:
                self._scopes.remove(scope)

    async def changed(self) -> None:
        """Wait until it has ended, a rung was tried on it, or somebody asks for its end."""
        await self._changed.wait()

    def cancelled(self, note: str, traceback: str = "") -> RunCancelled:
        """Return the error that says who stopped the run, how, and how long that took."""
        by, timeout, since = self._asked
        seconds = trio.current_time() - since
        if timeout is not None:
            return RunTimedOut(self._actor, timeout, seconds, self.rung, note, traceback)
        return RunCancelled(self._actor, by, seconds, self.rung, note, traceback)

    def outcome(self) -> CellResult:
        """Return the result or raise what the run ended with."""
        if self._error is not None:
            raise self._error
        done = self._done
        assert done is not None
        if done.status == "interrupted":
            raise self.cancelled(self._note, done.traceback)
        if done.status == "error":
            raise CellError(self._actor, done.type_name, done.message, done.traceback)
        stdout, stderr = ("".join(texts) for texts in self._texts.values())
        value = self._value
        return CellResult(
            value.text,
            stdout,
            stderr,
            self._dropped,
            value.data,
            value.metadata,
            self._outputs,
        )

    @property
    def _asked_by(self) -> str:
        by, timeout, _ = self._asked
        return by if timeout is None else f"{by} of {timeout:g} s"

    def _end(self) -> None:
        self.ended.set()
        self._cancel_scopes()
        self._change()

    def _cancel_scopes(self) -> None:
        for scope in self._scopes:
            scope.cancel()

    def _change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    def _collect(self, event: Event) -> None:
        if isinstance(event, Output):
            self._texts[event.stream].append(event.text)
        elif isinstance(event, Display | ClearOutput) or (
            isinstance(event, Result) and not event.last
        ):
            self._outputs.append(event)


def _ignore(_event: Event) -> None:
    pass
