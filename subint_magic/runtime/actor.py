"""One actor: what it is asked, what state it is in, and what came of its runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from subint_magic.errors import ActorBusy, ActorDied, ActorEnded, ActorError
from subint_magic.runtime.descendants import Family
from subint_magic.runtime.events import ActorMoved, DescendantMoved, RunPrinted, RunStopping
from subint_magic.runtime.functions.calls import (
    CallOutcome,
    PackedCall,
    open_call,
    opens_at_once,
    pack_call,
    packs_at_once,
    print_output,
)
from subint_magic.runtime.ladder import GRACE
from subint_magic.runtime.lifecycle import ENDED, State, Trigger, advance
from subint_magic.runtime.runs.inspecting import Inspections, What
from subint_magic.runtime.runs.runs import Runs
from subint_magic.runtime.runs.values import Traffic, open_outputs, pack_inputs
from subint_magic.runtime.supervisor import Supervisor
from subint_magic.wire.messages import (
    OUTPUT_LIMIT,
    PLAIN,
    Chunk,
    Descendants,
    Done,
    FromChild,
    Frontend,
    Goodbye,
    Hello,
    Inspection,
    Output,
    Parcel,
    Rung,
)
from subint_magic.wording import HOW_STOPPED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from subint_magic.runtime.descendants import Descendant
    from subint_magic.runtime.events import Listener
    from subint_magic.runtime.runs.asking import Answer
    from subint_magic.runtime.runs.run import CellResult, CellRun, Sink
    from subint_magic.runtime.supervisor import Ending
    from subint_magic.spawn import SpawnMethod
    from subint_magic.wire.messages import Loop

__all__ = ["Actor"]

_STDERR_TAIL = 4096

_LEAVING = ENDED | {State.CLOSING, State.CANCELLING}

_DOING = {
    State.SPAWNING: "while it was started",
    State.BOOTING: "while booting",
    State.IDLE: "while idle",
    State.RUNNING: "while running a cell",
    State.CLOSING: "while closing",
}


class Actor:
    """An interpreter or a process that runs cells in a namespace of its own.

    Made by `ActorNursery.start_actor`. All methods are for the thread that runs trio.

    Attributes:
        name: unique among the live actors of its nursery.
        spawn_method: the key of the method that started it.
        state: where it is in its life.
        hello: what its child said of itself; ``None`` before.
        started: `trio.current_time` of its start.
        on_leave: called with it when it begins to end, or has died.
    """

    def __init__(
        self,
        name: str,
        method: SpawnMethod,
        grace: float = GRACE,
        on_leave: Callable[[Actor], object] | None = None,
        publish: Listener = lambda _: None,
        preload: Sequence[str] = (),
    ) -> None:
        self.name: str = name
        self.spawn_method: str = method.key
        self.state: State = State.SPAWNING
        self.hello: Hello | None = None
        self.started: float = trio.current_time()
        self.on_leave: Callable[[Actor], object] | None = on_leave
        self._grace = grace
        self._publish = publish
        self._supervisor = Supervisor(
            method,
            name,
            grace,
            preload=preload,
            on_spawned=self._on_spawned,
            on_message=self._on_message,
            on_ending=self._conclude,
        )
        self._stops: trio.Nursery | None = None
        self._runs = Runs(
            name,
            method.key,
            self._supervisor.post,
            bring=self._supervisor.bring,
            may_begin=self._require_alive,
            on_begin=lambda: self._advance(Trigger.RUN),
            on_stopping=lambda run: self._publish(RunStopping(self, run)),
            on_stuck=lambda: self.request_cancel(grace=0),
        )
        self._inspections = Inspections(self._supervisor.post)
        self._family = Family()
        self._ready = trio.Event()
        self._ended = trio.Event()
        self._stderr = ""
        self._ending: Ending | None = None
        self._died_while = ""
        self._told = False
        publish(ActorMoved(self))

    def __repr__(self) -> str:
        return f"<Actor {self.name!r} {self.spawn_method} {self.state}>"

    @property
    def current_run(self) -> CellRun | None:
        """The cell that runs now."""
        return self._runs.current

    @property
    def last_run(self) -> CellRun | None:
        """The cell that runs now, or ran last."""
        return self._runs.last

    @property
    def bytes_moved(self) -> int:
        """How many bytes of messages went to its child and came from it."""
        return self._supervisor.bytes_moved

    @property
    def can_kill(self) -> bool:
        """Whether it can be killed, once it was started: a process can, a sub-interpreter not."""
        return self._supervisor.can_kill

    @property
    def place(self) -> str:
        """Where it is, if that is another machine, or may be; else an empty string."""
        return self._supervisor.place

    @property
    def dashboard(self) -> str:
        """The address of a page on the machines where it is, as of a cluster; else empty."""
        return self._supervisor.dashboard

    @property
    def outcome(self) -> str:
        """How it has ended, in words; an empty string while it lives."""
        if self._ending is None:
            return ""
        if self.state is State.FAILED:
            return f"died {self._died_while}: {self._ending.detail}"
        how = "closed" if self.state is State.DONE else str(self.state)
        run = self.last_run
        if run is None or not run.requests or run.rung in (None, Rung.END):
            return how
        return f"{how}; its last run was stopped: {HOW_STOPPED[run.rung]}"

    @property
    def traffic(self) -> Traffic:
        """How many bytes of values its current run, or the last, has moved."""
        return self.last_run.traffic if self.last_run else Traffic()

    @property
    def descendants(self) -> tuple[Descendant, ...]:
        """The live actors that were started in it, and in those; each before its own.

        No more than a thousand are known at once. An isolated sub-interpreter has none.
        """
        return self._family.live

    @property
    def unreported_death(self) -> ActorError | None:
        """Why the actor failed, if nobody was told yet."""
        return None if self._told else self._failure()

    def claim(
        self, name: str, on_leave: Callable[[Actor], object] | None, publish: Listener
    ) -> None:
        """Begin a life that is told of; until now it was a spare.

        Args:
            name: its name from now on.
            on_leave: as the attribute.
            publish: called with what happens to it.
        """
        self.name = self._runs.actor = name
        self._runs.forget()
        self._stderr = ""
        self.started = trio.current_time()
        self.on_leave = on_leave
        self._publish = publish
        self._supervisor.configure()
        publish(ActorMoved(self))

    async def wait_ready(self) -> None:
        """Wait until its child said hello.

        Raises:
            ActorDied: it did not come so far.
            ProtocolError: it said something else.
            ActorEnded: it was cancelled before.
        """
        await self._ready.wait()
        self._require_alive()

    async def wait_ended(self) -> State:
        """Wait until it has ended; return how."""
        await self._ended.wait()
        return self.state

    async def missed(self) -> ActorError:
        """Wait until it has ended; return the error of a cell whose turn in it comes too late."""
        await self._ended.wait()
        failure = self._failure()
        if failure is None:
            return ActorEnded(self.name, self.state, in_queue=True)
        self._told = True
        if not isinstance(failure, ActorDied):
            return failure
        return ActorDied(
            self.name,
            "before this cell's turn",
            f"{failure.how}; it was not run",
            exit_code=failure.exit_code,
            signal=failure.signal,
        )

    async def run_cell(
        self,
        source: str,
        *,
        loop: Loop = "trio",
        sink: Sink | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - its end says that it timed out
        grace: float | None = None,
        output_limit: int = OUTPUT_LIMIT,
        inputs: Mapping[str, object] | Parcel | None = None,
        outputs: Sequence[str] = (),
        answer: Answer | None = None,
        on_begin: Callable[[CellRun], object] | None = None,
        frontend: Frontend = PLAIN,
        measure: bool = False,
    ) -> CellResult:
        """Run *source* in the actor's namespace, after the cells that were sent before it.

        Cancelling this call stops the run; if it cannot be stopped, the actor is ended.

        Args:
            source: the text of a cell. It may use top-level ``await``.
            loop: what runs that.
            sink: called with each `Output`, `Display`, `ClearOutput`, `Dropped` and `Result` as it
                arrives, also with what comes after the run. Without one, they are collected in
                what is returned.
            timeout: seconds after which the run is stopped, counted from its begin.
            grace: seconds between a request to stop the run, whoever asks, and the end of its
                actor, if it has not stopped. Without it, the grace period of the actor.
            output_limit: characters of output that are taken; the rest is dropped.
            inputs: values that are set in the namespace before the cell runs, by name. They are
                packed now, in another thread; a `Parcel` of them can be given as well, once.
            outputs: the names of variables whose values are to come back. They are unpacked in
                another thread.
            answer: answers what the cell asks by ``input()`` and the like. Without one, the cell
                gets an EOFError.
            on_begin: called with the run when its turn has come.
            frontend: what shows the cell.
            measure: whether `last_run` shall say what the run takes.

        Raises:
            InputError: one of *inputs* cannot be pickled, or not be loaded in the actor. The cell
                has not begun.
            OutputError: the cell has ended well, but one of *outputs* has not come.
            CellError: the cell raised.
            RunCancelled: somebody interrupted the run, or ended the actor.
            RunTimedOut: it took longer than *timeout*.
            ActorDied: the child died.
            ActorEnded: the actor had ended before.
            ProtocolError: the child broke the protocol.
            RunError: *source* is too large to be sent.
        """
        if inputs is not None and not isinstance(inputs, Parcel):
            inputs = await trio.to_thread.run_sync(pack_inputs, self.name, dict(inputs))

        async with self._runs.carry_out(
            source,
            sink,
            timeout,
            self._grace if grace is None else grace,
            answer=answer,
            on_begin=on_begin,
            loop=loop,
            output_limit=output_limit,
            frontend=frontend,
            inputs=inputs,
            outputs=list(outputs),
            measure=measure,
        ) as run:
            result = run.outcome()
            values = run.values
        if values is None:
            return result
        opened = await trio.to_thread.run_sync(
            open_outputs, self.name, values.parcel, values.problems
        )
        return replace(result, values=opened)

    async def call[*Ts, T](
        self,
        function: Callable[[*Ts], Awaitable[T] | T],
        *args: *Ts,
        loop: Loop = "trio",
        sink: Sink | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
        grace: float | None = None,
        output_limit: int = OUTPUT_LIMIT,
    ) -> T:
        """Call *function* in the actor, after what was sent there before; return what it returns.

        It is stopped as a cell is. The function, its arguments and its result cross as values do;
        for keyword arguments use `functools.partial`. If the function is a coroutine function, it
        is awaited there.

        Args:
            function: is called there.
            *args: its arguments.
            loop: what runs a coroutine function.
            sink: as in `run_cell`; without one, what is printed is printed here.
            timeout: as in `run_cell`.
            grace: as in `run_cell`.
            output_limit: as in `run_cell`.

        Raises:
            Exception: what the function raised, with the actor's traceback as a note. If it
                cannot cross, a `CellError` with another note that says why.
            InputError: the function or its arguments cannot be pickled, or not be loaded there.
            OutputError: what it returned cannot be pickled, or not be loaded here.
            RunCancelled: as `run_cell` raises it, and all the other errors.
        """
        __tracebackhide__ = True
        if packs_at_once(function, args):
            call = pack_call(self.name, function, args, {})
        else:
            call = await trio.to_thread.run_sync(pack_call, self.name, function, args, {})
        outcome = await self.call_packed(
            call, loop=loop, sink=sink, timeout=timeout, grace=grace, output_limit=output_limit
        )
        if opens_at_once(outcome):
            returned = open_call(self.name, outcome)
        else:
            returned = await trio.to_thread.run_sync(open_call, self.name, outcome)
        if returned.error is not None:
            raise returned.error from None
        result: T = returned.value
        return result

    async def call_packed(
        self,
        call: PackedCall,
        *,
        loop: Loop = "trio",
        sink: Sink | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
        grace: float | None = None,
        output_limit: int = OUTPUT_LIMIT,
    ) -> CallOutcome:
        """Do the same with what `pack_call` gives, for `open_call`: both are for other threads.

        Args:
            call: what `pack_call` has given.
            loop: as in `call`.
            sink: as in `call`.
            timeout: as in `call`.
            grace: as in `call`.
            output_limit: as in `call`.
        """
        async with self._runs.carry_out(
            call.source,
            sink or print_output,
            timeout,
            self._grace if grace is None else grace,
            loop=loop,
            output_limit=output_limit,
            inputs=call.parcel,
            outputs=[call.name],
            call=call.name,
            apart=True,
        ) as run:
            return CallOutcome.of(run)

    async def inspect(self, what: What, text: str = "") -> Inspection:
        """Look inside, whatever the actor does; it goes on.

        There is no answer before it is ready, or while it holds its GIL: set a time limit.

        Args:
            what: the stacks of its threads and tasks, the variables of its namespace, or the
                completions of a name.
            text: that name, as far as it is known.

        Raises:
            ActorEnded: it has ended.
        """
        await self._ready.wait()
        found = None if self.state in ENDED else await self._inspections.look(what, text)
        if found is None:
            raise ActorEnded(self.name, self.state)
        return found

    def interrupt(self, by: str = "an interrupt") -> bool:
        """Stop the current run; keep the actor if the run can be stopped.

        Asked again while that goes on, climb to the next rung of the stop ladder at once.

        Args:
            by: who asks, for the report.

        Returns:
            Whether there was a run to stop.
        """
        return self._runs.stop(by)

    async def close(self) -> None:
        """End the actor in good order and wait for it; nothing happens if it has ended.

        Raises:
            ActorBusy: it is running a cell.
        """
        await self._ready.wait()
        if self.state is State.RUNNING:
            raise ActorBusy(self.name, "closed")
        if self.state not in ENDED:
            self.request_end()
        await self._ended.wait()

    async def cancel(self) -> None:
        """End the actor whatever it does, and wait for it: little longer than its grace period."""
        self.request_cancel()
        await self._ended.wait()

    def request_end(self, grace: float | None = None, linger: float = 0.0) -> None:
        """Begin to end the actor: in good order if it runs no cell, else by cancelling it.

        Args:
            grace: seconds until its child is killed or abandoned, if not those of the actor.
            linger: seconds before the end of an idle one begins in earnest.
        """
        if self.state is State.IDLE:
            self._advance(Trigger.CLOSE)
        if self.state is State.CLOSING:
            self._supervisor.end(grace, linger)
        else:
            self.request_cancel(grace)

    def request_cancel(self, grace: float | None = None, by: str = "the end of its actor") -> None:
        """Begin to end the actor whatever it does.

        Args:
            grace: seconds until its child is killed or abandoned, if not those of the actor.
            by: who asks, for the report.
        """
        if self.state not in ENDED:
            if run := self.current_run:
                self._runs.stop_once(by)
                if grace is None:
                    grace = max(run.grace, self._grace)
            if self.state is not State.CANCELLING:
                self._advance(Trigger.CANCEL)
            self._supervisor.end(grace)

    def leave(self) -> None:
        """Wait no longer for a child that was abandoned."""
        self._supervisor.leave()

    async def supervise(self) -> None:
        """Live: from the start of the child until it has ended. Called by the nursery.

        If it is abandoned, until its child's call returns, or `leave` is called.

        Shielded, since a child has to be put down in good order, and a cancelled run is stopped by
        tasks of this nursery. Who wants the end calls `request_cancel`, which bounds it.
        """
        with trio.CancelScope(shield=True):
            async with trio.open_nursery() as self._stops:
                await self._supervisor.run()
                self._stops.cancel_scope.cancel()
        self._stops = None

    # what the supervisor reports

    def _on_spawned(self) -> None:
        if self.state is State.SPAWNING:
            self._advance(Trigger.SPAWNED)

    def _on_message(self, message: FromChild) -> None:
        match message:
            case Hello():
                assert self._stops is not None
                self.hello = message
                self._runs.allow(self._stops, message.rungs)
                if self.state is State.BOOTING:
                    self._advance(Trigger.HELLO)
                self._ready.set()
            case Inspection():
                self._inspections.take(message)
            case Descendants():
                moved = self._family.take(message.moved)
                self._publish(DescendantMoved(self, moved))
            case Done():
                note = "the actor is ending"
                if self.state is State.RUNNING:
                    self._advance(Trigger.RETURN)
                    note = "the actor and its namespace are kept"
                self._runs.take(message, note)
            case Goodbye() | Chunk():
                pass  # the supervisor and its channel have seen to it
            case _:
                if isinstance(message, Output) and message.stream == "stderr":
                    self._stderr = (self._stderr + message.text)[-_STDERR_TAIL:]
                self._runs.take(message)
                if isinstance(message, Output):
                    self._publish(RunPrinted(self, message))

    def _conclude(self, ending: Ending) -> None:
        self._ending = ending
        self._died_while = _DOING.get(self.state, "")
        if lost := self._family.clear():
            self._publish(DescendantMoved(self, lost))
        cancelled = self.state is State.CANCELLING and ending.trigger is Trigger.FAIL
        self._move(Trigger.ENDED if cancelled else ending.trigger)
        if self._runs.fail(
            lambda run: self._failure() or run.cancelled(f"the actor was {self.state}")
        ):
            self._told = True
        self._publish(ActorMoved(self))  # with what came of its run
        self._ready.set()
        self._inspections.end()
        self._ended.set()

    # helpers

    def _advance(self, trigger: Trigger) -> None:
        self._move(trigger)
        self._publish(ActorMoved(self))

    def _move(self, trigger: Trigger) -> None:
        was_there = self.state not in _LEAVING
        self.state = advance(self.state, trigger)
        if was_there and self.state in _LEAVING and self.on_leave is not None:
            self.on_leave(self)

    def _failure(self) -> ActorError | None:
        """Return a new error that says why the actor failed."""
        if self._ending is None or self.state is not State.FAILED:
            return None
        return self._ending.failure(self.name, self._died_while, self._stderr)

    def _require_alive(self) -> None:
        if failure := self._failure():
            self._told = True
            raise failure
        if self.state not in (State.IDLE, State.RUNNING):
            raise ActorEnded(self.name, self.state)
