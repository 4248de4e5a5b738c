"""The control thread: the only one that reads or writes the socket.

The executor's thread can be hit by KeyboardInterrupt at any bytecode, so it must never be in the
middle of a frame. It puts what it has to say into the outbox; this thread sends it. The same
`poll` loop hears the parent, so an interrupt gets through whatever the executor is doing.
"""

from __future__ import annotations

import os
import select
import threading
import time
from _queue import Empty, SimpleQueue  # `queue` imports five modules more for the same class

import msgpack

from subint_magic._child import frames
from subint_magic._child.output.kin import Kin
from subint_magic._child.output.outbox import CHUNK, Allowance, Outbox, Packed
from subint_magic._child.output.pipes import Pipes
from subint_magic._child.stopping.interrupt import INSISTENCE
from subint_magic._child.stopping.orphan import end_cells
from subint_magic._child.values.line import Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from subint_magic._child.shared.offspring import Offspring
    from subint_magic._child.stopping.interrupt import Fence

FLUSH_INTERVAL = 0.025
"""Seconds between two output messages: printed lines are sent in batches, not one by one."""

LINE_PATIENCE = 0.005
"""Seconds that a piece of a line waits for the rest: print() writes its line end separately."""

FLUSH_PATIENCE = 1.0
"""Seconds that flush() waits at most."""

BACKLOG = 1024
"""Pieces of text that may wait; who prints faster than the parent reads is held up."""

OFFSPRING_GRACE = 0.1
"""Seconds of insisting after which what a sub-interpreter waits for may be its own process."""
BACKLOG_SIZE = 2**21
"""The same in characters, if all pieces are as large as the last."""


class Control:
    """The socket, the pipes behind fd 1 and 2 where there are any, and the thread that serves them.

    Args:
        fd: the child's end of the socketpair. Whoever opened it closes it.
        pipes: the read ends of the pipes behind fd 1 and 2, each with the name of its stream.
        fence: stops the code that runs.
        offspring: the processes that end with this interpreter.
    """

    def __init__(
        self, fd: int, pipes: Sequence[tuple[int, str]], fence: Fence, offspring: Offspring
    ) -> None:
        self.inbox: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        """Messages for the executor; ``None`` ends it."""
        self.allowance = Allowance(0, frames.OUTPUT_LIMIT)
        """That of the run that output belongs to: the current one, or the last while idle."""
        self.take_reply: Callable[[dict[str, Any]], object]
        """Called with each reply to a question, in the control thread."""
        self.kin = Kin(self._wake_from_sleep)
        """What is told of the actors that this one starts."""
        self._fd = fd
        self._line = Line(fd)
        self._pipes = Pipes(pipes, self._take_from_pipe)
        self._fence = fence
        self._offspring = offspring
        fence.report = self._report
        self._outbox = Outbox(by_descriptor=self._line.passes_files)
        self._wake, self._waker = os.pipe()
        self.orphaned = False
        """Whether the parent has gone."""
        self.inspect: Callable[[dict[str, Any]], dict[str, Any]]
        """Called in the thread with each question; returns the fields of the answer."""
        self._asleep = False  # with nothing to send: the first piece of text must wake the thread
        self._finished = False
        for each in (self._wake, self._waker):
            os.set_blocking(each, False)
        self._thread = threading.Thread(target=self._serve, name="subint_magic control")

    # for the executor's thread, and for any other that prints

    @property
    def thread(self) -> threading.Thread:
        """The thread."""
        return self._thread

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def begin(self, run: int, output_limit: int) -> None:
        """Let output belong to *run* from now on."""
        # Threads of the last run may have printed since its end. What tells of it lets the pipes
        # be emptied first, and that might be what this run has written there meanwhile.
        if self.allowance.dropped > self.allowance.told:
            self.tell_rest()
        self.allowance = Allowance(run, output_limit)
        self._offspring.run = run

    def tell_rest(self) -> None:
        """Send what is to be told before an end: how much output was dropped, what of the kin."""
        self._outbox.items.append(self.allowance)
        if self.kin.news:
            self._outbox.items.append(self.kin)

    def post(self, kind: str, **fields: Any) -> None:
        """Send a message after all output before it."""
        if self._finished:
            return
        self._outbox.items.append({"kind": kind, **fields})
        self._wake_up()

    def show(self, frame: bytes, *, counted: bool) -> None:
        """Send a message that is packed already, after all output before it.

        Args:
            frame: the message. What packs it runs code of the cell, so that is not for our thread.
            counted: whether it is subject to the output limit of the current run.
        """
        if self._finished:
            return
        items = self._outbox.items
        items.append(Packed(frame, self.allowance if counted else None))
        self._wake_up()
        most = min(BACKLOG, BACKLOG_SIZE // len(frame))
        if len(items) > most:
            self._hold_up(most)

    def write(self, stream: str, text: str) -> None:
        """Send *text*, together with what else is printed about now."""
        if self._finished:
            return  # a thread prints while the interpreter ends
        self._pipes.wait_empty()
        items = self._outbox.items
        most = min(BACKLOG, BACKLOG_SIZE // min(len(text) or 1, CHUNK))
        for start in range(0, len(text), CHUNK):
            items.append((self.allowance, stream, text[start : start + CHUNK]))
            self._wake_from_sleep()
            if len(items) > most:
                self._hold_up(most)

    def flush(self) -> None:
        """Wait until all output so far has left, for what comes next may end this process."""
        if self._finished or not self._thread.is_alive():
            return
        sent: SimpleQueue[None] = SimpleQueue()
        self._outbox.items.append(sent)
        self._wake_up()
        try:
            sent.get(timeout=FLUSH_PATIENCE)
        except Empty:
            pass  # the parent does not read

    def finish(self) -> None:
        """Send what is left, end the thread, close what this class opened."""
        self._finished = True
        self._wake_up()
        self._thread.join()
        # A thread that still prints must not write to whoever gets the number of the fd next.
        waker, self._waker = self._waker, -1
        for each in (self._wake, waker):
            os.close(each)
        self._pipes.close()
        self._line.close()
        self._outbox.close()

    def _wake_from_sleep(self) -> None:
        if self._asleep:
            self._wake_up()

    def _wake_up(self) -> None:
        self._asleep = False
        try:
            os.write(self._waker, b"!")
        except OSError:
            pass  # full of wake-up calls already, or closed

    def _report(self, run: int, rung: str) -> None:
        self.post(frames.STOPPING, run=run, rung=rung)

    def _hold_up(self, most: int) -> None:
        self._wake_up()
        while len(self._outbox.items) > most and self._thread.is_alive():
            time.sleep(0.001)  # lets go of the GIL, so that the thread can empty the box

    # the thread

    def _serve(self) -> None:
        try:
            self._exchange()
        finally:  # also after a defect of ours: an actor that nobody hears must not live on
            while not self._finished:
                self._outlive_parent()

    def _exchange(self) -> None:
        outbox, splitter = self._outbox, frames.Splitter()
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        next_flush = opened = insisted = 0.0
        while not self.orphaned:
            finished = self._finished  # read before the outbox: what was posted first is sent
            if not outbox.has_text:
                opened = time.monotonic()
            outbox.dropping = False
            outbox.earn()
            self._take()
            now = time.monotonic()
            due = next_flush if outbox.ends_line else max(next_flush, opened + LINE_PATIENCE)
            if outbox.urgent or outbox.full or finished or (outbox.has_text and now >= due):
                outbox.close_batch()
                outbox.urgent = False
                next_flush = now + FLUSH_INTERVAL
            if self.kin.news and len(outbox.ready) < 2 * CHUNK:  # the parent reads
                outbox.take_kin(self.kin.take())
            if outbox.ready:
                self._send()
            if finished and not outbox.ready and not outbox.parts and not outbox.items:
                return

            poll.register(self._fd, select.POLLIN | (select.POLLOUT if outbox.ready else 0))
            for pipe in self._pipes.fds:  # while the parent is slow, fd 1 and 2 wait in their pipes
                poll.register(pipe, 0 if outbox.ready or outbox.spent else select.POLLIN)
            timeout = None
            if outbox.ready:
                pass
            elif outbox.has_text:
                timeout = (due - now) * 1000
            elif outbox.dropping or outbox.spent or self.kin.news:
                # more will follow: no wake-up for each piece
                timeout = FLUSH_INTERVAL * 1000
            else:
                self._asleep = True
                if outbox.items or self._finished or self.kin.news:
                    # came in between: nobody will wake us for it
                    timeout = 0
            if self._fence.insisting:
                self._fence.insist()
                timeout = INSISTENCE * 1000
                insisted += INSISTENCE
                if insisted > OFFSPRING_GRACE:
                    self._offspring.kill_current()
            else:
                insisted = 0.0
            for fd, event in poll.poll(timeout):
                if fd == self._wake:
                    os.read(fd, CHUNK)
                elif fd == self._fd:
                    if event & ~select.POLLOUT:
                        self._receive(splitter)
                elif event & select.POLLIN:
                    self._take()  # keeps the order with what the cell printed before
                    self._pipes.read(fd)
                else:  # POLLHUP: the cell closed fd 1 or 2
                    poll.unregister(fd)
                    self._pipes.hung_up(fd)
            self._asleep = False

    def _take(self) -> None:
        """Move items into the batch, as many as are sent at once."""
        outbox = self._outbox
        outbox.take_parts()
        for _ in range(len(outbox.items)):  # no more: who prints may be as fast as we drop
            if outbox.full or outbox.spent or outbox.parts:
                break
            item = outbox.items.popleft()
            if isinstance(item, tuple):
                outbox.take_text(*item)
            elif isinstance(item, dict):
                self._pipes.empty()
                outbox.take_message(item)
            elif isinstance(item, Packed):
                self._pipes.empty()
                outbox.take_packed(item)
            elif isinstance(item, Allowance):
                self._pipes.empty()
                outbox.take_allowance(item)
            elif isinstance(item, Kin):
                outbox.take_kin(item.take(now=True))
            else:
                outbox.take_flush(item)

    def _take_from_pipe(self, stream: str, text: str) -> None:
        self._outbox.take_text(self.allowance, stream, text)
        # Not a moment in our hands only: it may be the last words before a crash.
        self._outbox.urgent |= stream == "stderr"

    def _send(self) -> None:
        try:
            end, files = self._outbox.next_piece()
            with memoryview(self._outbox.ready) as ready:
                sent = self._line.send(ready[:end], files)
            self._outbox.was_sent(sent)
            self._outbox.tell_flushed()
        except BlockingIOError:
            pass
        except OSError:
            self.orphaned = True

    def _receive(self, splitter: frames.Splitter) -> None:
        try:
            data = self._line.receive(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.orphaned = not data
        for payload in splitter.feed(data):
            message = msgpack.unpackb(payload)
            if plain := message.get("inputs"):  # the files that go with it have come before
                from subint_magic._child.values.parcel import Parcel

                files = self._line.arrivals.take(plain["files"])
                message["inputs"] = Parcel(plain["items"], plain["data"], files, plain["sources"])
            if message["kind"] == frames.CONFIGURE and message["apart"]:
                from subint_magic._child.values import parcel

                parcel.shares = False  # before any value is packed: nothing runs yet
            if message["kind"] == frames.INTERRUPT:
                self._fence.interrupt(message["run"], message["rung"])
                self._outbox.hurry()
            elif message["kind"] == frames.INSPECT:
                self.post(frames.INSPECTION, number=message["number"], **self.inspect(message))
            elif message["kind"] == frames.INPUT_REPLY:
                self.take_reply(message)
            elif message["kind"] == frames.CLOSE:
                self.inbox.put(None)
            elif message["kind"] == frames.CHUNK:
                self._line.arrivals.add_chunk(message["data"], message["last"])
            else:
                self.inbox.put(message)

    def _outlive_parent(self) -> None:
        self.orphaned = True
        self.inbox.put(None)
        for _ in end_cells(self._fence, self._offspring):
            if self._finished:
                return
            self._outbox.items.clear()
