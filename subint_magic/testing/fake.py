"""A backend without a process: a coroutine plays the child.

Everything that supervision does about time and order can be tested with it, with trio's autojump
clock and no process, thread or interpreter::

    async def child(peer: FakePeer) -> None:
        await peer.say(HELLO)
        run = await peer.hear(Run)
        await peer.say(Done(run.run, "ok"))
        await peer.sleep_forever()  # stuck: does not answer a Close


    actor = await nursery.start_actor("stuck", spawn_method=fake_method(child))
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import trio
import trio.testing

from subint_magic._child import frames
from subint_magic.spawn import Child, ChildEnd, LocalChild, SpawnMethod
from subint_magic.wire.messages import FromChild, Hello, Rung, ToChild

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["HELLO", "FakePeer", "Script", "fake_method"]

HELLO = Hello(
    frames.PROTOCOL, pid=1, interpreter=1, thread=1, python="3.14.0", rungs=list(Rung)[:-1]
)

type Script = Callable[[FakePeer], Awaitable[None]]
"""Plays a child; when it returns, the child has ended in good order."""


class FakePeer:
    """The child's end of the line."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.end: ChildEnd = ChildEnd()
        """How the child ends, once the script has returned."""
        self._splitter = frames.Splitter()
        self._heard: list[ToChild] = []

    async def say(self, *messages: FromChild) -> None:
        """Send *messages*."""
        for message in messages:
            await self.stream.send_all(frames.frame(msgspec.msgpack.encode(message)))

    async def hear[M: ToChild](self, kind: type[M]) -> M:
        """Wait for the next message of *kind*, and drop others before it.

        Raises:
            EOFError: the parent has closed its end.
        """
        while True:
            while self._heard:
                message = self._heard.pop(0)
                if isinstance(message, kind):
                    return message
            data = await self.stream.receive_some()
            if not data:
                raise EOFError
            for payload in self._splitter.feed(bytes(data)):
                self._heard.append(msgspec.msgpack.decode(payload, type=ToChild))

    async def sleep_forever(self) -> None:
        """Be stuck in a call that nothing wakes."""
        await trio.sleep_forever()


class _FakeChild(LocalChild):
    shares_process = True

    def __init__(self, stream: trio.abc.Stream, *, killable: bool) -> None:
        self.stream = stream
        self.kill = self._kill if killable else None
        self._life = trio.CancelScope()
        self._ended = trio.Event()
        self._end = ChildEnd()

    async def wait(self) -> ChildEnd:
        await self._ended.wait()
        return self._end

    async def live(self, script: Script, peer: FakePeer) -> None:
        with self._life:
            try:
                await script(peer)
            except (EOFError, trio.BrokenResourceError):
                pass  # the parent has gone: a real child ends too
            self._end = peer.end
        await peer.stream.aclose()
        self._ended.set()

    def _kill(self) -> None:
        self._end = ChildEnd(signal=9)
        self._life.cancel()


def fake_method(script: Script, *, killable: bool = True) -> SpawnMethod:
    """Return a spawn method whose children are played by *script*.

    Args:
        script: plays a child.
        killable: whether it can be killed, as a process can and a sub-interpreter cannot.
    """

    @asynccontextmanager
    async def proc(_key: str, _name: str) -> AsyncGenerator[Child]:
        # lockstep: what is sent blocks until it is heard, as if the socket's buffer were full
        ours, theirs = trio.testing.lockstep_stream_pair()
        child = _FakeChild(ours, killable=killable)
        async with trio.open_nursery() as tasks:
            tasks.start_soon(child.live, script, FakePeer(theirs))
            yield child
            tasks.cancel_scope.cancel()

    return SpawnMethod("fake", "a coroutine that plays a child", proc)
