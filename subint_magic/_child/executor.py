"""Runs cells in one namespace; what came of them is data."""

from __future__ import annotations

import builtins
import linecache
import os
import sys
from _ast import Expr, Interactive, PyCF_ALLOW_TOP_LEVEL_AWAIT, PyCF_ONLY_AST
from _thread import get_ident
from types import CoroutineType, ModuleType

from subint_magic._child import frames
from subint_magic._child.loops import Loops
from subint_magic._child.output.streams import OutputStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from traceback import TracebackException
    from types import CodeType
    from typing import Any

    from subint_magic._child.control import Control
    from subint_magic._child.interrupt import Fence
    from subint_magic._child.values.namespace import Luggage

CO_COROUTINE = 0x0080  # inspect.CO_COROUTINE; `inspect` is too large for a child's start
_FUTURES = 0
for _name in __import__("__future__").all_feature_names:
    _FUTURES |= getattr(__import__("__future__"), _name).compiler_flag

MAX_REPR = 2**20
"""Characters of a ``repr`` that are sent."""

_MAX_NAME = 200

_OURS = os.path.dirname(__file__)


class Executor:
    """One namespace, the ``__main__`` of this interpreter, and the cells that run in it."""

    def __init__(self, control: Control, fence: Fence) -> None:
        self._pid = os.getpid()
        self._thread = get_ident()
        self._control = control
        self._fence = fence
        self._loops = Loops(fence)
        self._flags = PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._cells: set[str] = set()
        module = ModuleType("__main__")
        module.__builtins__ = builtins  # type: ignore[attr-defined]
        sys.modules["__main__"] = module
        self._namespace = module.__dict__
        sys.displayhook = self._display

    def serve(self) -> None:
        """Take messages from the inbox and carry them out, until it says to end."""
        while (message := self._control.inbox.get()) is not None:
            if message["kind"] in (frames.RUN, frames.CALL):
                self._control.begin(message["run"], message["output_limit"])
                outcome = self.run(message)
                self._control.tell_dropped()
                self._control.post(frames.DONE, run=message["run"], **outcome)
            else:
                configure(message)

    def close(self) -> None:
        """Close what cells have left open. It runs code of theirs."""
        self._loops.close()

    def run(self, message: dict[str, Any]) -> dict[str, Any]:
        """Run one cell; return its outcome as the fields of a message."""
        run: int = message["run"]
        raised: BaseException | None = None
        told: dict[str, str] = {}

        luggage = _luggage(message)

        def attempt() -> None:
            nonlocal raised, told
            try:
                if message["kind"] == frames.CALL:
                    self._call(run, message["loop"], luggage)
                else:
                    self._take_in(run, luggage)
                    self._execute(run, message["source"], message["filename"], message["loop"])
                    self._give_out(luggage, self._namespace, message["outputs"])
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - the user's, whatever it is
                raised, told = error, _bare(error)
                told = self._describe(error)  # runs code of the cell, and so may have to be stopped
                if message["kind"] == frames.CALL:
                    self._give_out(luggage, {"error": error}, ["error"])

        struck = self._fence.guard(attempt)
        error = struck if raised is None else raised
        flush()
        if os.getpid() != self._pid:
            os._exit(0 if error is None else 1)  # the cell has forked, and this is the fork
        if luggage is not None and (values := luggage.close()) is not None:
            self._control.post(frames.VALUES, run=run, **values)
        if error is None:
            return {"status": "ok"}
        if self._fence.was_requested(run) and _is_interrupt(error):
            ended = {"status": "interrupted", "rung": self._fence.rung}
        else:
            ended = {"status": "error"}
        return ended | (told or self._describe(error))

    def _take_in(self, run: int, luggage: Luggage | None) -> None:
        """Set the inputs in the namespace; loading them runs code of the user."""
        if luggage is not None:
            self._fence.arm(run)
            luggage.load(self._namespace)
            self._fence.disarm()  # what runs a loop arms it inside of that

    def _give_out(
        self, luggage: Luggage | None, namespace: dict[str, Any], names: list[str]
    ) -> None:
        """Pack values to be sent; the fence is still armed."""
        if luggage is not None and os.getpid() == self._pid:
            luggage.pack(namespace, names)

    def _call(self, run: int, loop: str, luggage: Luggage | None) -> None:
        """Call a function, whatever its name; what it returns goes under that name."""
        assert luggage is not None
        self._fence.arm(run)
        values: dict[str, Any] = {}
        luggage.load(values)
        (name, function), (_, args), (_, kwargs) = values.items()
        plain = function
        while hasattr(plain, "func"):  # of functools.partial
            plain = plain.func
        if hasattr(plain, "__code__"):
            self._cells.add(plain.__code__.co_filename)  # tracebacks begin there
        result = function(*args, **kwargs)
        if isinstance(result, CoroutineType):

            async def body() -> None:
                nonlocal result
                result = await result

            self._fence.disarm()
            self._loops.run(loop, run, body)
        self._give_out(luggage, {name: result}, [name])

    def _execute(self, run: int, source: str, filename: str, loop: str) -> None:
        self._cells.add(filename)
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        codes = self._compile(source, filename)
        namespace = self._namespace
        if any(code.co_flags & CO_COROUTINE for code in codes):

            async def body() -> None:
                for code in codes:
                    result = eval(code, namespace)
                    if code.co_flags & CO_COROUTINE:
                        await result

            self._loops.run(loop, run, body)
        else:
            self._fence.arm(run)
            for code in codes:
                exec(code, namespace)

    def _compile(self, source: str, filename: str) -> list[CodeType]:
        """Return the code of the cell, and that of its last expression if it ends in one."""
        tree: Any = compile(
            source, filename, "exec", self._flags | PyCF_ONLY_AST, dont_inherit=True
        )
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], Expr) else None
        codes: list[CodeType] = []
        if tree.body:
            codes.append(compile(tree, filename, "exec", self._flags, dont_inherit=True))
            # `from __future__` holds for the last expression, and for later cells as in a REPL
            self._flags |= codes[0].co_flags & _FUTURES
        if last is not None:
            shown = Interactive([last])
            codes.append(compile(shown, filename, "single", self._flags, dont_inherit=True))
        return codes

    def _display(self, value: object) -> None:
        if value is None:
            return
        text = repr(value)
        if get_ident() != self._thread:  # there is one result, that of the cell
            print(text)
            return
        builtins._ = value  # type: ignore[attr-defined]
        if len(text) > MAX_REPR:
            text = f"{text[:MAX_REPR]}\n… {len(text) - MAX_REPR} more characters of this repr"
        self._control.post(frames.RESULT, run=self._control.allowance.run, text=text)

    def _describe(self, error: BaseException) -> dict[str, str]:
        """Return what is to be told of *error*; nothing that it does may hurt the actor."""
        type_name, message, _ = _bare(error).values()
        try:
            message = str(error)[:MAX_REPR]
        except BaseException:  # noqa: BLE001 - it runs code of the cell
            pass
        try:
            from traceback import TracebackException

            report = TracebackException.from_exception(error, compact=True)
            self._hide_our_frames(report)
            traceback = "".join(report.format())[:MAX_REPR]
        except BaseException as trouble:  # noqa: BLE001 - as above
            reason = type(trouble).__name__[:_MAX_NAME]
            traceback = f"{type_name}: {message}\n(its traceback cannot be shown: {reason})\n"
        return {"type_name": type_name, "message": message, "traceback": traceback}

    def _hide_our_frames(self, report: TracebackException) -> None:
        """Let each traceback begin in the cell, and take out ours in between."""
        reports: list[TracebackException | None] = [report]
        while reports:
            if (each := reports.pop()) is None:
                continue
            stack = each.stack
            first = next((i for i, f in enumerate(stack) if f.filename in self._cells), None)
            outside = first is None and any(f.filename.startswith(_OURS) for f in stack)
            stack[:] = [
                frame
                for frame in ([] if outside else stack[first or 0 :])
                if not frame.filename.startswith(_OURS)
            ]
            reports += [each.__cause__, each.__context__, *(each.exceptions or ())]


def _luggage(message: dict[str, Any]) -> Luggage | None:
    """Return the values that come and go with a run, if any do."""
    inputs, gives = message["inputs"], message["kind"] == frames.CALL or bool(message["outputs"])
    if inputs is None and not gives:
        return None
    from subint_magic._child.values.namespace import Luggage

    return Luggage(inputs, gives=gives)


def _bare(error: BaseException) -> dict[str, str]:
    """Return what can be told of *error* without running code of the cell."""
    name, message = type(error).__name__[:_MAX_NAME], "<exception str() failed>"
    return {"type_name": name, "message": message, "traceback": f"{name}: {message}\n"}


def _is_interrupt(error: BaseException) -> bool:
    """Whether *error* is our KeyboardInterrupt, or a group of it and of what it has cancelled."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_interrupt, error.exceptions))
    return isinstance(error, KeyboardInterrupt) or type(error).__name__.startswith("Cancelled")


def flush() -> None:
    """Send what a cell has left in a buffer; it may have put streams of its own in place."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name, None)
        try:
            if isinstance(stream, OutputStream):
                stream.flush_bytes()  # the message that ends the run sends the rest
            elif stream is not None:
                stream.flush()
        except BaseException:  # noqa: BLE001 - it is no matter of this run
            pass


def configure(message: dict[str, Any]) -> None:
    """Take over what the parent's interpreter has by now."""
    sys.path[:] = map(os.fsdecode, message["sys_path"])
    if message["cwd"] is not None:
        os.chdir(message["cwd"])
    if message["environ"] is not None:
        os.environb.clear()
        os.environb.update(message["environ"])
