"""What a cell asks its user: ``input()``, ``getpass.getpass()`` and ``sys.stdin``."""

from __future__ import annotations

import builtins
import io
import sys
import threading
from itertools import count

from subint_magic._child import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from subint_magic._child.control import Control
    from subint_magic._child.stopping.interrupt import Fence

MAX_PROMPT = 2**16
"""Characters of a prompt that are sent."""


class Questions:
    """Sends questions to the parent and waits for its replies. Any thread may ask.

    Args:
        control: sends them.
        fence: stops who waits.
    """

    def __init__(self, control: Control, fence: Fence) -> None:
        self._control = control
        self._fence = fence
        self._numbers = count(1)
        self._open: dict[int, tuple[LockType, list[dict[str, Any]]]] = {}
        control.take_reply = self._take_reply

    def ask(self, prompt: str, *, password: bool = False) -> str | None:
        """Return the line that the user has typed; ``None`` for the end of the input.

        Raises:
            EOFError: there is nobody to answer; it says why.
        """
        run = self._control.allowance.run
        on_main = threading.get_ident() == self._fence.thread
        stopping = self._fence.was_requested(run)
        number = next(self._numbers)
        replies: list[dict[str, Any]] = []
        # By this name, since a sub-interpreter's fence wakes who waits for a lock of `threading`.
        # Not an Event: who is struck inside one may leave it locked, for the control thread as well
        answered = threading._allocate_lock()  # type: ignore[attr-defined]
        answered.acquire()
        try:
            self._open[number] = answered, replies
            self._control.post(
                frames.INPUT,
                run=run,
                question=number,
                prompt=prompt[:MAX_PROMPT],
                password=password,
            )
            while not replies:
                answered.acquire()
        finally:
            self._open.pop(number, None)
        (reply,) = replies
        text: str | None = reply["text"]
        if text is None and reply["error"]:
            # The refusal overtakes the interrupt where that waits for the cell's event loop. Code
            # that catches it and asks again, as pdb does, shall see an end.
            if on_main and not stopping and self._fence.was_requested(run):
                raise KeyboardInterrupt
            raise EOFError(reply["error"])
        return text

    def _take_reply(self, reply: dict[str, Any]) -> None:
        """Pass on a reply, from the control thread; nothing happens if nobody waits any more."""
        answered, replies = self._open.get(reply["question"], (None, []))
        if answered is not None:
            replies.append(reply)
            try:
                answered.release()
            except RuntimeError:
                pass  # the fence has just woken it


class InputStream(io.TextIOBase):
    """Stands in for ``sys.stdin``: each line is a question.

    Args:
        questions: asks them.
    """

    name = "<stdin>"
    encoding = "utf-8"

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._rest = ""

    def ask(self, prompt: str, *, password: bool = False) -> str:
        """Return a line without its end, after all that was printed so far has left.

        Raises:
            EOFError: the input has ended, or there is nobody to answer.
        """
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        if (text := self._questions.ask(prompt, password=password)) is None:
            raise EOFError("the input has ended")
        return text

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
        """Return a line, or its first *size* characters; ``""`` once the input has ended."""
        if not self._rest:
            text = self._questions.ask("")
            self._rest = "" if text is None else f"{text}\n"
        end = len(self._rest) if size is None or size < 0 else size
        line, self._rest = self._rest[:end], self._rest[end:]
        return line

    def readable(self) -> bool:
        """Return true."""
        return True


def install(questions: Questions) -> None:
    """Let the questions of cells reach *questions*."""
    sys.stdin = InputStream(questions)
    builtins.input = _replace_input(builtins.input)
    sys.meta_path.insert(0, _GetpassFinder())


def _replace_input(original: Callable[..., str]) -> Callable[..., str]:
    # The original would print its prompt and then read a line: nobody would see what is asked.
    def input(prompt: object = "", /) -> str:  # noqa: A001
        """Ask the user for a line and return it without its end."""
        if isinstance(sys.stdin, InputStream):
            return sys.stdin.ask(str(prompt))
        return original(prompt)

    return input


class _GetpassFinder:
    """Replaces `getpass.getpass` once a cell imports it, which most never do."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        """Return the module's own spec, with a loader that does it."""
        if name != "getpass":
            return None
        sys.meta_path.remove(self)
        from importlib.util import find_spec

        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_replace(module: ModuleType) -> None:
                execute(module)
                vars(module)["getpass"] = _replace_getpass(vars(module)["getpass"])

            spec.loader.exec_module = execute_and_replace  # type: ignore[method-assign]
        return spec


def _replace_getpass(original: Callable[..., str]) -> Callable[..., str]:
    # The original would look for a terminal, and in a sub-interpreter find that of the kernel.
    def getpass(prompt: str = "Password: ", stream: Any = None, **options: Any) -> str:
        """Ask the user for a line that is not shown, and return it."""
        if isinstance(sys.stdin, InputStream):
            return sys.stdin.ask(str(prompt), password=True)
        return original(prompt, stream, **options)

    return getpass
