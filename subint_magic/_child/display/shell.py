"""The IPython shell of an actor: real formatters, magics and events; the actor runs the cells."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from IPython.core.display_trap import DisplayTrap
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import UsageError
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell
from IPython.core.page import as_hook
from traitlets.config import Config

from subint_magic._child import frames
from subint_magic._child.display.bundle import pack
from subint_magic._child.display.commands import run_command
from subint_magic._child.display.hook import flush_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from subint_magic._child.control import Control
    from subint_magic._child.display.history import History

_REFUSED = {
    "is for the notebook's kernel: this cell runs in an actor": (
        "%%subint %subint %subints %spawn_backend"
    ),
    "is set in the notebook: this cell runs in an actor": "%autoawait %colors %xmode",
    "needs an editor, and an actor has none: do this without %%subint": "%edit",
}
"""Why some magics do nothing good in an actor."""


class ActorPublisher(DisplayPublisher):
    """Sends displays to the parent."""

    control: ClassVar[Control]
    taken: list[dict[str, Any]] | None = None
    """What takes displays instead, for a time."""

    def publish(  # type: ignore[override]
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **_: object,
    ) -> None:
        """Send a display, or an update of one."""
        self._validate_data(data, metadata)
        if self.taken is not None and not update:
            self.taken.append(data)
            return
        self._send(
            frames.DISPLAY,
            data=data,
            metadata=metadata or {},
            display_id=(transient or {}).get("display_id"),
            update=update,
        )

    def clear_output(self, wait: bool = False) -> None:
        """Take away what the cell has shown."""
        if self.taken is not None:
            self.taken.clear()
        else:
            self._send(frames.CLEAR, wait=wait)

    def _send(self, kind: str, **fields: Any) -> None:
        flush_bytes()
        self.control.show(pack(kind, run=self.control.allowance.run, **fields), counted=True)


class ShellDisplayHook(DisplayHook):
    """Hands values on to the actor's own hook: code of IPython calls its shell's."""

    def __call__(self, result: object = None) -> None:
        """Show *result*."""
        ActorShell.hook(result)


class NoTrap(DisplayTrap):
    """Leaves ``sys.displayhook`` as it is."""

    def set(self) -> None:
        """Do nothing."""

    def unset(self) -> None:
        """Do nothing."""


class ActorHistory(HistoryManager):
    """What ran in one actor; it has no database."""

    def _get_range_session(self, *args: Any, **options: Any) -> Any:
        for entry in super()._get_range_session(*args, **options):
            if entry[2] and entry[2][0]:  # else it ran elsewhere
                yield entry

    def get_tail(
        self,
        n: int | None = 10,
        raw: bool = True,
        output: bool = False,
        include_latest: bool = False,
    ) -> Any:
        """Return the last *n* cells; the present one is none of them unless *include_latest*."""
        entries = list(self.get_range(raw=raw, output=output))
        end = len(entries) - (not include_latest)
        return entries[max(0, end - (10 if n is None else n)) : max(0, end)]


class ActorShell(InteractiveShell):
    """The shell of an actor."""

    is_actor = True
    """Tells `subint_magic.load_ipython_extension` that there is nothing to load."""

    hook: ClassVar[Callable[[object], None]]
    history: ClassVar[History]

    def init_history(self) -> None:
        """Let the histories be those that the actor keeps."""
        manager: Any = ActorHistory(shell=self, parent=self)
        self.history_manager = manager
        self.configurables.append(manager)
        manager.input_hist_parsed = self.history.inputs
        manager.input_hist_raw = self.history.typed
        manager.output_hist = self.history.outputs

    def init_user_ns(self) -> None:
        """Hide from %who what the actor has put into its namespace."""
        super().init_user_ns()
        self.user_ns_hidden.update(self.history.names)

    def init_hooks(self) -> None:
        """Let what is for a pager be a display, as JupyterLab makes one of it."""
        super().init_hooks()
        self.set_hook("show_in_pager", as_hook(self._show_page), 50)

    def _show_page(self, page: Any, *_: object, **__: object) -> None:
        self.display_pub.publish(page if isinstance(page, dict) else {"text/plain": page})

    def init_displayhook(self) -> None:
        """Let nothing set ``sys.displayhook``: it is the actor's already, or a %%capture's."""
        underscores = {name: self.user_ns.get(name) for name in ("_", "__", "___")}
        super().init_displayhook()
        self.user_ns.update(underscores)  # a new hook empties them
        self.display_trap = NoTrap(hook=self.displayhook)

    def init_prompts(self) -> None:
        """Set no prompts: nobody types here."""

    def init_magics(self) -> None:
        """Refuse the magics that would do nothing here."""
        super().init_magics()
        for why, magics in _REFUSED.items():
            for magic in magics.split():
                kind = "cell" if magic.startswith("%%") else "line"
                refused = _refuse(f"{magic} {why}")
                self.magics_manager.register_function(refused, kind, magic.lstrip("%"))

    def begin(self, typed: str) -> None:
        """Tell who wants to know that a cell begins; *typed* is its text."""
        self.follow_count()
        self._info = ExecutionInfo(typed, True, False, True, None)
        self._trigger("pre_execute")
        self._trigger("pre_run_cell", self._info)

    def follow_count(self) -> None:
        """Count as the actor does; versions of IPython differ in when they count up."""
        self.execution_count += self.history.count - self.displayhook.prompt_count

    def end(self, error: BaseException | None) -> None:
        """Tell who wants to know that it has ended. This is when matplotlib shows its figures."""
        result: Any = ExecutionResult(getattr(self, "_info", None))
        result.execution_count = self.history.count
        result.error_in_exec = error
        result.result = self.history.outputs.get(self.history.count)
        self.last_execution_result = result
        self._trigger("post_execute")
        self._trigger("post_run_cell", result)

    def _trigger(self, event: str, *args: object) -> None:
        # IPython's own trigger() catches KeyboardInterrupt, and the cell could not be stopped.
        for callback in self.events.callbacks[event][:]:
            try:
                callback(*args)
            except Exception:  # noqa: BLE001 - it is the callback's, as in IPython
                print(f"Error in callback {callback} (for {event}):", file=sys.stderr)
                self.showtraceback()

    def format_result(
        self, value: object, *, raises: bool
    ) -> tuple[dict[str, Any], dict[str, Any], BaseException | None]:
        """Return the forms of *value*, what is to be known of them, and what a formatter raised.

        That is printed instead unless the cell *raises* it: for a value before the last one.
        """
        self._failures: list[BaseException] | None = [] if raises else None
        try:
            assert self.display_formatter is not None
            data, metadata = self.display_formatter.format(value)
            return data, metadata, next(iter(self._failures or ()), None)
        finally:
            self._failures = None

    def showtraceback(self, exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
        """Print a traceback; what a formatter of the cell's result raises, the cell raises."""
        failures = getattr(self, "_failures", None)
        if failures is not None:
            failures.append((exc_tuple or sys.exc_info())[1])
        else:
            super().showtraceback(exc_tuple, *args, **kwargs)

    def _showtraceback(self, _etype: Any, _evalue: Any, stb: Any) -> None:
        print(self.InteractiveTB.stb2text(stb), file=sys.stderr)

    def system(self, cmd: str) -> None:
        """Run a command of the system shell; ``_exit_code`` says how it ended."""
        if cmd.rstrip().endswith("&"):
            raise OSError("Background processes not supported.")
        flush_bytes()
        self.user_ns["_exit_code"] = code = run_command(self.var_expand(cmd, depth=1))
        if self.system_raise_on_error and code:
            from subprocess import CalledProcessError

            raise CalledProcessError(code, cmd)

    system_piped = system_raw = system

    def enable_gui(self, gui: str | None = None) -> None:
        """Take none but what draws into the notebook: nobody turns an event loop of windows.

        Raises:
            UsageError: it is another one.
        """
        if gui not in (None, "inline", "agg"):
            raise UsageError(f"an actor has no windows for {gui!r}: use %matplotlib inline")

    def set_next_input(self, s: str, replace: bool = False) -> None:
        """Refuse to fill a cell, as %load and %recall do: the notebook has the cells.

        Raises:
            UsageError: always.
        """
        raise UsageError("an actor cannot fill a cell of the notebook: do this without %%subint")

    def ask_exit(self) -> None:
        """End the cell, as ``exit()`` of Python does."""
        raise SystemExit


def make_shell(kind: str, interactivity: str, control: Control, history: History) -> ActorShell:
    """Make the one shell of this actor.

    Args:
        kind: what its class is to be called.
        interactivity: its ``ast_node_interactivity``.
        control: sends its displays.
        history: what the actor keeps.
    """
    ActorShell.hook = staticmethod(sys.displayhook)
    ActorShell.history = history
    ActorPublisher.control = control
    config = Config()
    config.HistoryManager.enabled = False  # it would start a thread, and open a database
    if kind == "TerminalInteractiveShell":
        config.DisplayFormatter.active_types = ["text/plain"]
    names: dict[str, object] = {}
    if kind == "ZMQInteractiveShell":
        names["kernel"] = None  # pandas, for one, asks only whether there is such a thing
    shell_class: type[ActorShell] = type(kind or "InteractiveShell", (ActorShell,), names)
    shell = shell_class.instance(
        config=config,
        user_module=sys.modules["__main__"],
        user_ns=history.namespace,
        display_pub_class=ActorPublisher,
        displayhook_class=ShellDisplayHook,
    )
    shell.ast_node_interactivity = interactivity
    shell.last_execution_result = ExecutionResult(None)  # %xdel looks into it
    shell.follow_count()
    return shell


def _refuse(message: str) -> Callable[..., None]:
    def refused(*_: str) -> None:
        raise UsageError(message)

    return refused
