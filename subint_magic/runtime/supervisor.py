"""Watches one child: starts it, listens to it, and puts it down in bounded time."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from subint_magic._child.frames import FrameError
from subint_magic.errors import ActorDied, ProtocolError
from subint_magic.runtime.lifecycle import Trigger
from subint_magic.spawn import ChildEnd
from subint_magic.wire.channel import Channel
from subint_magic.wire.conversation import Conversation
from subint_magic.wire.messages import Close, Configure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from subint_magic.errors import ActorError
    from subint_magic.spawn import Child, SpawnMethod
    from subint_magic.wire.messages import FromChild, ToChild

__all__ = ["BOOT_TIMEOUT", "Ending", "Supervisor", "environment"]

BOOT_TIMEOUT = 30.0
"""Seconds that a child gets to say hello."""

FAREWELL = 0.25
"""Seconds between closing the channel of a child that did not end, and killing it."""

LAST_PATIENCE = 0.5
"""Seconds that a killed child gets to be gone; the operating system may have it in a call."""


@dataclass(frozen=True)
class Ending:
    """How it ended.

    Attributes:
        trigger: ``ENDED`` as it was asked to, ``KILL``, ``ABANDON``, or ``FAIL`` by itself.
        detail: how, in words.
        broke_protocol: whether *detail* is what it did against the protocol.
        end: how the child itself ended, if it is known.
        cause: what the backend raised, if it did.
    """

    trigger: Trigger
    detail: str = ""
    broke_protocol: bool = False
    end: ChildEnd | None = None
    cause: Exception | None = None

    def failure(self, actor: str, doing: str, stderr: str) -> ActorError:
        """Return a new error for an actor that failed.

        Args:
            actor: its name.
            doing: what it did at that time, as in ``"while idle"``.
            stderr: the last that it sent to stderr.
        """
        if self.broke_protocol:
            return ProtocolError(actor, self.detail)
        end = self.end or ChildEnd()
        error = ActorDied(
            actor,
            doing,
            self.detail,
            exit_code=end.exit_code,
            signal=end.signal,
            stderr=stderr + end.stderr,
        )
        error.__cause__ = self.cause
        return error


class Supervisor:
    """Supervises one child, from the start to the end.

    Args:
        method: how the child is started.
        name: the actor's name.
        grace: seconds between a request to end and the kill.
        preload: modules that the child imports ahead.
        on_spawned: called when the child was started.
        on_message: called with each message that is in order.
        on_ending: called once, when the child has ended or was given up.
    """

    def __init__(
        self,
        method: SpawnMethod,
        name: str,
        grace: float,
        *,
        preload: Sequence[str] = (),
        on_spawned: Callable[[], None],
        on_message: Callable[[FromChild], None],
        on_ending: Callable[[Ending], None],
    ) -> None:
        self._method = method
        self._name = name
        self._grace = grace
        self._preload = preload
        self._on_spawned = on_spawned
        self._on_message = on_message
        self._on_ending = on_ending
        self._conversation = Conversation()
        self._channel: Channel | None = None
        self._child: Child | None = None
        self._asked = False
        self._patience = trio.CancelScope()  # its deadline is that of the child
        self._starting = trio.CancelScope()
        self._lingering = trio.CancelScope()  # its deadline is when it is asked to end
        self._broke_off = ""
        self._end: ChildEnd | None = None
        self._greeted = trio.Event()
        self._ending = trio.Event()  # it is to end, or has
        self._hung_up = trio.Event()  # nothing more will come
        self._ended = trio.Event()
        self._wake = trio.CancelScope()  # beside a child that was given up

    async def run(self) -> None:
        """Start the child and stay with it until it has ended, or `leave` is called.

        What the backend raises comes in the `Ending`: it is the trouble of this actor alone.
        """
        concluded = False
        try:
            with self._starting:
                async with self._method.proc(self._method.key, self._name) as child:
                    self._child = child
                    self._on_spawned()
                    ending = await self._attend(child)
                    concluded = True
                    self._on_ending(ending)
                    if not self._ended.is_set():
                        with self._wake:  # its call may return some day
                            await child.wait()
            if self._starting.cancelled_caught:
                self._on_ending(Ending(Trigger.ENDED, "it was not there when it was to end"))
        except Exception as error:
            if concluded:
                raise
            self._on_ending(Ending(Trigger.FAIL, f"{type(error).__name__}: {error}", cause=error))

    def leave(self) -> None:
        """Wait no longer for a child that was given up."""
        self._wake.cancel()

    def end(self, grace: float | None = None, linger: float = 0.0) -> None:
        """Ask the child to end, and see to it that it does. Asked again, the shorter times hold.

        Args:
            grace: seconds until it is killed or abandoned, instead of the usual.
            linger: seconds before it is asked.
        """
        self._asked = True
        if self._child is None and self._method.remote:
            # It may wait for long until it has a place. A start here takes no time, and would be
            # torn in the middle.
            self._starting.cancel()
        self._lingering.deadline = min(self._lingering.deadline, trio.current_time() + linger)
        self._limit(linger + (self._grace if grace is None else grace))
        self._ending.set()

    def configure(self, preload: Sequence[str] = ()) -> None:
        """Let the child take over what is current here: `sys.path`, directory, environment.

        Args:
            preload: modules that it imports ahead.
        """
        if self._child is not None:
            self.post(_configuration(self._child, preload))

    def _limit(self, seconds: float) -> None:
        self._patience.deadline = min(self._patience.deadline, trio.current_time() + seconds)

    @property
    def can_kill(self) -> bool:
        """Whether the child can be killed, as far as there is one."""
        return self._child is not None and self._child.kill is not None

    @property
    def place(self) -> str:
        """Where the child is, if that is another machine, or may be."""
        return self._child.place if self._child else ""

    @property
    def dashboard(self) -> str:
        """The address of a page on where it is, if there is one."""
        return self._child.dashboard if self._child else ""

    @property
    def bytes_moved(self) -> int:
        """How many bytes of messages went to the child and came from it."""
        return self._channel.sent + self._channel.received if self._channel else 0

    def post(self, message: ToChild) -> None:
        """Send *message* soon. That a child is gone is noticed elsewhere, and no error here.

        Raises:
            FrameError: it is too large and will not be sent.
        """
        if self._channel is not None:
            self._channel.post(message)
            self._conversation.note(message)

    async def bring(self, value: object) -> bool:
        """Let the child get at a value that is elsewhere; return whether its backend knows how.

        Raises:
            OSError: it could not.
        """
        if self._child is None or self._child.bring is None:
            return False
        await self._child.bring(value)
        return True

    async def _attend(self, child: Child) -> Ending:
        self._channel = channel = Channel(child.stream)
        async with trio.open_nursery() as tasks:
            tasks.start_soon(channel.deliver)
            tasks.start_soon(self._listen, channel)
            tasks.start_soon(self._watch, child)
            tasks.start_soon(self._expect_hello)
            self.configure(self._preload)
            await self._ending.wait()
            if self._asked:
                with self._lingering:
                    await self._hung_up.wait()
                self.post(Close())
            ending = await self._put_down(child, channel)
            tasks.cancel_scope.cancel()
        return ending

    async def _listen(self, channel: Channel) -> None:
        try:
            while message := await channel.receive():
                self._conversation.check(message)
                self._greeted.set()
                self._on_message(message)
                if self._conversation.parted:
                    self._hung_up.set()
        except FrameError as error:
            self._broke_off = str(error)
        except trio.ClosedResourceError:
            pass  # it is being put down
        self._hung_up.set()
        self._ending.set()

    async def _watch(self, child: Child) -> None:
        self._end = await child.wait()
        self._ended.set()
        self._ending.set()

    async def _expect_hello(self) -> None:
        with trio.move_on_after(BOOT_TIMEOUT):
            await self._greeted.wait()
            return
        self._broke_off = f"no hello within {BOOT_TIMEOUT:.0f} s"
        self._ending.set()

    async def _put_down(self, child: Child, channel: Channel) -> Ending:
        self._limit(self._grace)
        with self._patience:
            if self._asked or self._ended.is_set():
                await self._hung_up.wait()  # it may still have something to say
            await channel.aclose()
            await self._ended.wait()
        in_order = self._conversation.parted or self._patience.cancelled_caught
        trigger = Trigger.ENDED if in_order else Trigger.FAIL
        if not self._ended.is_set():
            # Without a channel the child interrupts itself again and again.
            await channel.aclose()
            with trio.move_on_after(FAREWELL):
                await self._ended.wait()
        if not self._ended.is_set():
            trigger = Trigger.ABANDON
            if child.kill is not None:
                child.kill()
                with trio.move_on_after(LAST_PATIENCE):
                    await self._ended.wait()
                    trigger = Trigger.KILL
        if self._broke_off or not self._asked:
            trigger = Trigger.FAIL
        detail = self._broke_off or str(self._end or "it closed its channel and went on")
        return Ending(trigger, detail, bool(self._broke_off), self._end)


def environment() -> dict[bytes, bytes]:
    """Return the environment variables; another thread may change them meanwhile."""
    names = list(os.environb)
    return {name: value for name in names if (value := os.environb.get(name)) is not None}


def _configuration(child: Child, preload: Sequence[str]) -> Configure:
    """Return what the child takes over of this interpreter's state."""
    if child.place:
        return Configure(None, None, None, list(preload), apart=True)
    cwd = None
    if not child.shares_process:
        with suppress(FileNotFoundError):  # somebody has removed it
            cwd = os.getcwdb()
    return Configure(
        sys_path=[os.fsencode(str(entry)) for entry in sys.path],
        cwd=cwd,
        environ=None if child.shares_process else environment(),
        preload=list(preload),
    )
