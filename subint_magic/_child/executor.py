"""Runs cells in one namespace; what came of them is data."""

from __future__ import annotations

import builtins
import os
import sys
from _ast import Expr, Interactive, PyCF_ALLOW_TOP_LEVEL_AWAIT, PyCF_ONLY_AST
from _thread import get_ident
from types import ModuleType

from subint_magic._child import frames
from subint_magic._child.display.history import History
from subint_magic._child.display.hook import DisplayHook, ends_in_semicolon, flush_bytes, shown_of
from subint_magic._child.display.lazy import LazyShell
from subint_magic._child.inherit import configure
from subint_magic._child.loops import Loops
from subint_magic._child.report import Reporter, bare, is_interrupt
from subint_magic._child.sources import learn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    from subint_magic._child.control import Control
    from subint_magic._child.stopping.interrupt import Fence
    from subint_magic._child.values.namespace import Luggage

CO_COROUTINE = 0x0080  # inspect.CO_COROUTINE; `inspect` is too large for a child's start
_FUTURES = 0
for _name in __import__("__future__").all_feature_names:
    _FUTURES |= getattr(__import__("__future__"), _name).compiler_flag


class Executor:
    """One namespace, the ``__main__`` of this interpreter, and the cells that run in it."""

    def __init__(self, control: Control, fence: Fence) -> None:
        self._pid = os.getpid()
        self._thread = get_ident()
        self._control = control
        self._fence = fence
        self._loops = Loops(fence)
        self._flags = PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._ending: CodeType | None = None  # the code of the cell's last expression
        self._cells: dict[str, int] = {}  # the file names of cells, and their numbers
        self._reporter = Reporter(self._cells)
        module = ModuleType("__main__")
        module.__builtins__ = builtins  # type: ignore[attr-defined]
        sys.modules["__main__"] = module
        self._namespace = module.__dict__
        self._history = History(self._namespace)
        self._shell = LazyShell(control, self._history, fence)
        self._shell.install()
        self._hook = DisplayHook(control, self._history, self._shell)
        sys.displayhook = self._hook
        control.inspect = self._inspect

    def serve(self) -> None:
        """Take messages from the inbox and carry them out, until it says to end."""
        while (message := self._control.inbox.get()) is not None:
            if message["kind"] == frames.RUN:
                self._control.begin(message["run"], message["output_limit"])
                outcome = self._measure(message) if message["measure"] else self.run(message)
                self._control.tell_rest()
                self._control.post(frames.DONE, run=message["run"], **outcome)
            else:
                configure(message)

    def close(self) -> None:
        """Close what cells have left open. It runs code of theirs."""
        self._loops.close()

    def _measure(self, message: dict[str, Any]) -> dict[str, Any]:
        from subint_magic._child.meter import Meter

        meter = Meter(own_process=self._fence.owns_process)
        outcome = self.run(message)
        return outcome | meter.read()

    def run(self, message: dict[str, Any]) -> dict[str, Any]:
        """Run one cell; return its outcome as the fields of a message."""
        run: int = message["run"]
        if not message["apart"]:
            source, raw = message["source"], message["frontend"]["raw"]
            if source.strip():  # else it only moves values
                self._history.begin(message["frontend"]["count"] or run, source, raw or source)
            self._shell.follow(message["frontend"])
        luggage = _luggage(message)
        fence = self._fence
        error = fence.guard(lambda: self._execute(message, luggage))
        flush_bytes(BaseException)  # of the buffers' owner, and no matter of this run
        if os.getpid() != self._pid:
            os._exit(0 if error is None else 1)  # the cell has forked, and this is the fork
        if error is not None:
            fence.guard(self._loops.forget_torn_trio)
        told = self._tell(message, error, luggage)
        if luggage is not None and (values := luggage.close(self._cells)) is not None:
            self._control.post(frames.VALUES, run=run, **values)
        return told

    def _tell(
        self, message: dict[str, Any], error: BaseException | None, luggage: Luggage | None
    ) -> dict[str, Any]:
        """Return how the run has ended, as the fields of a message."""
        if error is None:
            return {"status": "ok"}
        run, fence = message["run"], self._fence
        requested = fence.was_requested(run)
        look = self._reporter.look(message["frontend"], hurry=requested)
        call = message["filename"] if message["apart"] else ""
        if requested and is_interrupt(error):
            told = self._reporter.describe(error, *look, call)
            return {"status": "interrupted", "rung": fence.rung} | told
        told = bare(error)

        def describe() -> None:  # runs code of the cell, and so may have to be stopped
            nonlocal told
            fence.rearm(run)
            told = self._reporter.describe(error, *look, call)
            if message["apart"] and luggage is not None:
                luggage.pack({"error": error}, ["error"])

        fence.guard(describe)
        return {"status": "error"} | told

    def _visible(self) -> dict[str, Any]:
        """Return what cells have put into the namespace, without what we have and IPython has."""
        hidden = dict(self._history.names)
        if self._shell.made is not None:
            hidden |= self._shell.made.user_ns_hidden
        names = list(self._namespace.items())
        return {name: value for name, value in names if hidden.get(name, hidden) is not value}

    def _inspect(self, question: dict[str, Any]) -> dict[str, Any]:
        """Look for what *question* wants, in the control thread."""
        what = question["what"]
        try:
            from subint_magic._child.stacks import inspection
            from subint_magic._child.stacks.threads import stacks

            if what == frames.STACKS:
                seen, left_out = stacks(self._cells, self._thread, get_ident())
                return {what: seen, "left_out": left_out}
            if what == frames.VARIABLES:
                found: Any = inspection.variables(self._visible())
            else:
                found = inspection.completions(self._visible(), question["text"])
        except Exception as error:  # noqa: BLE001 - the thread must go on, whatever there is
            return {"error": f"{type(error).__name__}: {error}"}
        return {what: found}

    def _execute(self, message: dict[str, Any], luggage: Luggage | None) -> None:
        run, apart = message["run"], message["apart"]
        namespace = {"__builtins__": builtins} if apart else self._namespace
        if luggage is not None:
            for file, number, text in message["inputs"].sources if message["inputs"] else ():
                learn(file, number, text, self._cells)
            self._fence.arm(run)
            luggage.load(namespace)
            self._fence.disarm()  # what runs a loop arms it inside of that
        try:
            self._run_code(message, namespace)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._end(error)
            raise
        else:
            self._end(None)
        if luggage is not None and os.getpid() == self._pid:
            luggage.pack(namespace, message["outputs"], self._visible)

    def _end(self, error: BaseException | None) -> None:
        self._hook.last = False
        if self._shell.made is not None:
            self._shell.made.end(error)

    def _run_code(self, message: dict[str, Any], namespace: dict[str, Any]) -> None:
        run, source, filename = message["run"], message["source"], message["filename"]
        learn(filename, message["frontend"]["count"] or run, source, self._cells)
        shows = "none" if message["apart"] else self._shell.interactivity
        codes = self._compile(source, filename, shows)
        raw = message["frontend"]["raw"] or source

        def begin() -> None:
            if self._shell.made is not None:
                self._shell.made.begin(raw)

        if any(code.co_flags & CO_COROUTINE for code in codes):

            async def body() -> None:
                begin()
                for code in codes:
                    self._hook.last = code is self._ending
                    result = eval(code, namespace)
                    if code.co_flags & CO_COROUTINE:
                        await result

            self._loops.run(message["loop"], run, body)
        else:
            self._fence.arm(run)
            begin()
            for code in codes:
                self._hook.last = code is self._ending
                exec(code, namespace)

    def _compile(self, source: str, filename: str, shows: str) -> list[CodeType]:
        """Return the codes of the cell: what shows no values, what shows some, its last one."""
        tree: Any = compile(
            source, filename, "exec", self._flags | PyCF_ONLY_AST, dont_inherit=True
        )
        self._hook.silent = bool(tree.body) and ends_in_semicolon(source, tree.body[-1])
        shown = shown_of(tree.body, shows)
        parts = [(tree, "exec"), (Interactive(shown[:-1]), "single")]
        parts.append((Interactive(shown[-1:]), "single"))
        codes: list[CodeType] = []
        for part, mode in parts:
            if part.body:
                codes.append(compile(part, filename, mode, self._flags, dont_inherit=True))
                # `from __future__` holds for what follows, and for later cells as in a REPL
                self._flags |= codes[-1].co_flags & _FUTURES
        self._ending = codes[-1] if shown and isinstance(shown[-1], Expr) else None
        return codes


def _luggage(message: dict[str, Any]) -> Luggage | None:
    """Return the values that come and go with a run, if any do."""
    if message["inputs"] is None and not message["outputs"]:
        return None
    from subint_magic._child.values.namespace import Luggage

    return Luggage(message["inputs"], gives=bool(message["outputs"]))
