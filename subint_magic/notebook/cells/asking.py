"""Who answers when a cell asks: the frontend's input box, or the terminal.

The question comes in trio's thread. The thread that waits for the cell asks it, since it is the one
that may use the kernel's socket or the terminal; it gives up as soon as the cell needs no answer.
"""

from __future__ import annotations

import os
import select
import sys
import termios
import threading
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

import trio
import zmq

from subint_magic.runtime.host.tasks import TURN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from IPython.core.interactiveshell import InteractiveShell

    from subint_magic.runtime.runs.asking import Question

__all__ = ["CellAnswer", "background_answer"]

type _Ask = Callable[[Question, int], str | None]
"""Asks, and gives up once a file descriptor is readable. ``None`` is the end of the input."""

_one_asks = threading.Lock()
"""There is one socket, and one terminal; who holds this gives it back as soon as it gives up."""

_LINE = 2**16

_END = "\x04"  # Ctrl-D


async def background_answer(_question: Question) -> str | None:
    """Refuse: nobody sits in front of a background run."""
    raise EOFError(
        "a background run cannot ask: put what it asks for into the cell, or run it without --bg"
    )


class CellAnswer:
    """Answers what one cell asks. Made in the cell, by its thread.

    Attributes:
        call_waiter: lets the thread that waits for the cell call a function.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self.call_waiter: Callable[[Callable[[], object]], object]
        kernel: Any = getattr(shell, "kernel", None)
        self._ask: _Ask = _ask_terminal if kernel is None else _KernelAsk(kernel)

    async def __call__(self, question: Question) -> str | None:
        """Return the answer; in trio."""
        asked = _Asked(self._ask, question)
        try:
            self.call_waiter(asked.carry_out)
            await asked.answered.wait()
        finally:
            asked.give_up()
        return asked.answer()


class _Asked:
    """A question on its way through two threads."""

    def __init__(self, ask: _Ask, question: Question) -> None:
        self.answered = trio.Event()
        self._ask = ask
        self._question = question
        self._token = trio.lowlevel.current_trio_token()
        self._text: str | None = None
        self._error: Exception | None = None
        self._needless, self._waker = os.pipe()
        self._ends = 2  # those that have to do with the pipe; the last one closes it

    def carry_out(self) -> None:
        """Ask, in the thread that may."""
        try:
            with _one_asks:
                if not _readable(self._needless):
                    self._text = self._ask(self._question, self._needless)
        except Exception as error:  # noqa: BLE001 - it is the cell's
            self._error = error
        try:
            self._token.run_sync_soon(self._end)
        except trio.RunFinishedError:
            self._end()

    def give_up(self) -> None:
        """Let `carry_out` return, or not begin to ask; in trio."""
        os.write(self._waker, b".")
        self._end()

    def answer(self) -> str | None:
        """Return the answer, or raise what asking has raised."""
        if self._error is not None:
            raise self._error
        return self._text

    def _end(self) -> None:
        self.answered.set()
        self._ends -= 1
        if not self._ends:
            os.close(self._needless)
            os.close(self._waker)


class _KernelAsk:
    """Asks through the ``stdin`` channel.

    The kernel's own ``raw_input`` would go on for ever after the cell was stopped.
    """

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        self._parent = kernel.get_parent("shell")
        self._ident = kernel._parent_ident["shell"]
        self._allowed: bool = kernel._allow_stdin

    def __call__(self, question: Question, needless: int) -> str | None:
        if not self._allowed:
            raise EOFError("this frontend cannot ask: put what input() asks for into the cell")
        socket, session = self._kernel.stdin_socket, self._kernel.session
        with suppress(zmq.Again):
            while True:  # answers to what was given up
                socket.recv_multipart(zmq.NOBLOCK)
        content = {"prompt": question.prompt, "password": question.password}
        request = session.send(socket, "input_request", content, self._parent, ident=self._ident)
        asked = request["header"]["msg_id"]
        poller = zmq.Poller()
        poller.register(socket, zmq.POLLIN)
        poller.register(needless, zmq.POLLIN)
        while True:
            ready = dict(poller.poll(round(1000 * TURN)))
            if needless in ready:
                return None
            if not ready:
                continue
            _, reply = session.recv(socket)
            # Some frontends do not say what they reply to.
            if reply and reply["parent_header"].get("msg_id", asked) == asked:
                text: str = reply["content"]["value"]
                return None if text == _END else text


def _ask_terminal(question: Question, needless: int) -> str | None:
    stdin = sys.stdin
    if not stdin.isatty():
        return _line(stdin.readline())
    fd = stdin.fileno()
    with _without_echo(fd) if question.password else nullcontext():
        sys.stdout.write(question.prompt)
        sys.stdout.flush()
        # Not input(), which only a signal could end once the cell needs no answer.
        ready: list[int] = []
        while not ready:
            ready, _, _ = select.select([fd, needless], [], [], TURN)
        if needless in ready:
            termios.tcflush(fd, termios.TCIFLUSH)  # it is not for the next prompt
            text = None
        else:
            text = _line(os.read(fd, _LINE).decode(errors="replace"))
    if question.password or text is None:
        print()
    return text


def _line(text: str) -> str | None:
    return text.removesuffix("\n") if text else None


def _readable(fd: int) -> bool:
    return bool(select.select([fd], [], [], 0)[0])


@contextmanager
def _without_echo(fd: int) -> Iterator[None]:
    before = termios.tcgetattr(fd)
    silent = [*before]
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(fd, termios.TCSAFLUSH, silent)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSAFLUSH, before)
