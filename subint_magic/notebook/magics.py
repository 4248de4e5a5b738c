"""The magics: arguments in, calls out."""

from __future__ import annotations

import re
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import (
    Magics,
    cell_magic,
    line_cell_magic,
    line_magic,
    magics_class,
)
from IPython.core.magic_arguments import argument, magic_arguments
from traitlets import Bool, Enum, Float, Int, List, Unicode

from subint_magic.errors import (
    ActorDied,
    CellError,
    ImportRefused,
    InputError,
    OutputError,
    ProtocolError,
    RunTimedOut,
)
from subint_magic.notebook.arguments import actor_name, parse, seconds, user_errors
from subint_magic.notebook.cells.background import BackgroundRun
from subint_magic.notebook.cells.compare import Comparison
from subint_magic.notebook.cells.foreground import foreground
from subint_magic.notebook.cells.request import (
    CellRequest,
    frontend_of,
    imports_in,
    python_of,
    variable_names,
    variables_of,
)
from subint_magic.notebook.views.actors import ACTIONS, act, require_actor
from subint_magic.notebook.views.inside import VIEWS, look_inside, show
from subint_magic.notebook.views.methods import look_at_spares, methods_table
from subint_magic.runtime.imports import AUTO, SUMMARY, imports_for
from subint_magic.runtime.ladder import GRACE
from subint_magic.spawn import spawn_method, try_set_start_method
from subint_magic.wire.messages import OUTPUT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from subint_magic.notebook.cells.compare import ComparisonTable
    from subint_magic.notebook.cells.jobs import Job
    from subint_magic.notebook.cells.output import CellValue
    from subint_magic.notebook.live.screen import Screen
    from subint_magic.runtime.host import Host
    from subint_magic.runtime.nursery import ActorNursery

__all__ = ["AWAITED", "SubintMagics"]

AWAITED = "_subint"
"""What ``%%subint`` becomes where the kernel can await it; see `extension`. Completion of
``%%sub`` does not offer it.
"""


_FAILURES = (
    CellError,
    RunTimedOut,
    ActorDied,
    ProtocolError,
    ImportRefused,
    InputError,
    OutputError,
)
"""What ``--no-raise-error`` shows and does not raise."""

# what %subints can do, and in words
_ACTIONS = {
    **{name: action.help for name, action in ACTIONS.items()},
    **{name: view.help for name, view in VIEWS.items()},
    "last": "the handle of the last background run",
}


type Shown = CellValue | ComparisonTable | BackgroundRun | None
"""What a cell shows as its value."""


@magics_class
class SubintMagics(Magics):
    """``%%subint``, ``%spawn_backend`` and ``%subints``.

    Args:
        shell: the shell that they are for.
        screen: returns what shows the actors, on their host, both started on first use.
        running_host: returns that host, if it runs.

    Attributes:
        timeout: what ``%%subint`` takes for ``--timeout``; ``None`` for no limit.
        grace: what it takes for ``--grace``.
        loop: what it takes for ``--loop``.
        output_limit: how many characters of output a cell may send.
        check_imports: whether a cell is refused that imports what cannot load where it would run.
        quiet: whether to leave out the line above the output of a run.
        spares: how many spare actors are kept ready.
        preload: the modules that they import ahead.
        auto: whether the cheapest backend that can is chosen for what names none.
    """

    timeout: Float[int | None, int | float | None] = Float(
        None,
        min=0,
        allow_none=True,
        help="Seconds after which a cell is stopped that has no --timeout; None for no limit.",
    ).tag(config=True)
    grace: Float[float, int | float] = Float(
        GRACE,
        min=0,
        help="Seconds that a cell without --grace gets to stop, whoever stops it, before its "
        "process is killed or its sub-interpreter abandoned.",
    ).tag(config=True)
    loop: Enum[str] = Enum(
        ["trio", "asyncio"],
        "trio",
        help="What runs the top-level await of a cell that has no --loop.",
    ).tag(config=True)
    output_limit: Int[int, int] = Int(
        OUTPUT_LIMIT,
        min=1,
        help="Characters of output that a cell may send; the rest is dropped. A message of less "
        "than 256 that follows another at once counts as 256.",
    ).tag(config=True)
    check_imports: Bool[bool, bool | int] = Bool(
        True,
        help="Before a cell starts, check that the modules that it imports can load in its actor; "
        "unknown ones are tried once, in a process of their own.",
    ).tag(config=True)

    quiet: Bool[bool, bool | int] = Bool(
        False,
        help="Show no line with the state of a run above its output, as --quiet does for one cell.",
    ).tag(config=True)

    spares: Int[int, int] = Int(
        1,
        min=0,
        help="Booted, empty actors of the selected backend that are kept ready, so that a cell in "
        "a new actor need not wait; a burst of cells leads to some more. 0 for none.",
    ).tag(config=True)
    preload: List[str] = List(
        Unicode(),
        help="Modules that spare actors import ahead, and the server of mp_forkserver, as far as "
        "they can load there.",
    ).tag(config=True)

    def __init__(
        self,
        shell: InteractiveShell,
        screen: Callable[[], Screen],
        running_host: Callable[[], Host | None],
    ) -> None:
        super().__init__(shell)
        self._screen = screen
        self._running_host = running_host
        self._shell: Any = shell
        self.auto: bool = False
        self._last: BackgroundRun | None = None

    @magic_arguments("%subint")
    @argument(
        "-b",
        "--backend",
        metavar="KEY",
        help="Start the actor with this spawn method instead of the selected one; "
        "%%spawn_backend lists them. auto: with the cheapest of them that can import what the cell "
        "imports.",
    )
    @argument(
        "-n",
        "--name",
        type=actor_name,
        help="Run in the actor of this name, which is started if there is none and keeps its "
        "namespace for later cells. Without a name the cell runs in a fresh actor that ends "
        "after it.",
    )
    @argument(
        "--loop",
        choices=["trio", "asyncio"],
        metavar="LOOP",
        help="What runs a top-level await: trio (default) or asyncio. Tasks that a cell leaves go "
        "on only while a later cell awaits.",
    )
    @argument(
        "--timeout",
        type=seconds,
        metavar="SECONDS",
        help="Stop the cell if it runs longer; the time to start an actor does not count.",
    )
    @argument(
        "--grace",
        type=seconds,
        metavar="SECONDS",
        help="How long the cell may take to stop, when it is interrupted or out of time, before "
        f"its process is killed or its sub-interpreter abandoned ({GRACE:g}).",
    )
    @argument(
        "--no-check",
        action="store_true",
        help="Run the cell also if a module that it imports cannot load in its actor.",
    )
    @argument(
        "--compare",
        action="store_true",
        help="Run the cell on every backend that can, one after the other in fresh actors, and "
        "show what each took. What the cell itself shows is shown once.",
    )
    @argument(
        "-i",
        "--input",
        action="append",
        default=[],
        metavar="NAMES",
        help="Give the cell a copy of these variables of the notebook, as they are when it starts: "
        "-i a,b or -i a -i b. With --bg they are copied while the notebook goes on: do not change "
        "large ones at once.",
    )
    @argument(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="NAMES",
        help="Give the notebook a copy of these variables of the actor when the cell has ended "
        "well: -o a,b or -o a -o b.",
    )
    @argument(
        "--bg",
        action="store_true",
        help="Run the cell in the background: the prompt comes back at once, and the value is a "
        "handle that shows how far it is, has its result() and can cancel() it. Cells of one "
        "actor run in the order in which they were started.",
    )
    @argument(
        "--as",
        dest="variable",
        metavar="NAME",
        help="With --bg, set this variable to the handle; %%subints last is the last one.",
    )
    @argument(
        "--no-raise-error",
        action="store_true",
        help="If the cell fails, show its traceback and go on, as far as later cells and scripts "
        "are concerned. An interrupt still stops them.",
    )
    @argument(
        "--quiet",
        action="store_true",
        help="Show no line with the state of the run above its output. Without this it comes when "
        "the cell takes more than a second, and with --bg at once.",
    )
    @line_cell_magic
    def subint(self, line: str, cell: str | None = None) -> Shown:
        """Run the cell in an actor: a sub-interpreter or a process with its own namespace.

        What it prints appears here as it comes, its last expression is shown, and an exception
        fails the cell with the actor's own traceback. Interrupting the kernel stops the cell; a
        named actor keeps its namespace. As a line, %%subint with --input or --output moves values
        and runs nothing.
        """
        arguments = self._arguments(line)
        if cell is None and not (arguments.input or arguments.output):
            raise UsageError(
                "%subint moves values, by --input or --output; code goes below %%subint"
            )
        if cell is None and arguments.name and not arguments.input:
            self._in_host(require_actor, arguments.name)
        with user_errors():
            if arguments.bg:
                return self._background(arguments, cell or "")
            try:
                return self._foreground(arguments, cell or "").result()
            except _FAILURES:
                self._tell_or_raise(arguments)
        return None

    @cell_magic(AWAITED)  # type: ignore[arg-type]
    async def _awaited(self, line: str, cell: str) -> Shown:
        """Run ``%%subint`` without blocking the kernel's loop; a cell is rewritten to this."""
        arguments = self._arguments(line)
        with user_errors():
            if arguments.bg:
                return self._background(arguments, cell)
            try:
                return await self._foreground(arguments, cell, whole_cell=True).result_async()
            except _FAILURES:
                self._tell_or_raise(arguments)
        return None

    def _arguments(self, line: str) -> Any:
        return parse(self.subint, re.sub(r",\s+", ",", line))  # -i a, b

    def _tell_or_raise(self, arguments: Any) -> None:
        if not arguments.no_raise_error:
            raise  # noqa: PLE0704 - what the cell has raised
        self._shell.showtraceback()

    @magic_arguments()
    @argument("key", nargs="?", help="The spawn method to select; without it, list all.")
    @argument("options", nargs="...", help="What that method is to know, as it says itself.")
    @line_magic
    def spawn_backend(self, line: str) -> None:
        """Select how later %%subint cells start their actors, or list the ways."""
        arguments = parse(self.spawn_backend, line)
        key = arguments.key
        if key is None:
            print(methods_table(auto_selected=self.auto))
            if self._running_host() and (spares := self._in_host(look_at_spares)):
                print(f"\n{spares}")
        elif key == AUTO:
            self.auto = True
            print(f"{key}: {SUMMARY}")
        else:
            with user_errors():
                told = spawn_method(key).select(arguments.options)
                print(f"{key}: {try_set_start_method(key).summary}")
            self.auto = False
            if told:
                print(told)
                if self._running_host():
                    self._in_host(_end_spares)  # they are of other options

    @magic_arguments()
    @argument(
        "action",
        nargs="?",
        choices=list(_ACTIONS),
        help="; ".join(f"{name}: {text}" for name, text in _ACTIONS.items()) + ".",
    )
    @argument("names", nargs="*", metavar="NAME", help="The actors that it is for.")
    @argument("--all", action="store_true", help="It is for all; close then ends busy ones too.")
    @line_magic
    def subints(self, line: str) -> BackgroundRun | None:
        """List the actors, or stop what some of them do, or end them, or look inside."""
        arguments = parse(self.subints, line)
        if arguments.action == "last":
            return self._last_run(alone=not (arguments.names or arguments.all))
        if arguments.action is None:
            if arguments.all:
                raise UsageError("--all needs an action: %subints close --all")
            self._screen().show_panel(self._shell)
        elif bool(arguments.names) == arguments.all:
            raise UsageError(f"%subints {arguments.action} needs either NAME … or --all")
        elif view := VIEWS.get(arguments.action):
            print(show(view, self._in_host(look_inside, view, arguments.names)))
        else:
            with user_errors():
                print(self._in_host(act, arguments.action, arguments.names))
        return None

    def _last_run(self, *, alone: bool) -> BackgroundRun:
        if not alone:
            raise UsageError("%subints last takes no names")
        if self._last is None:
            raise UsageError("no cell has run in the background so far: start one by %%subint --bg")
        return self._last

    def _foreground(
        self, arguments: Any, cell: str, *, whole_cell: bool = False
    ) -> Job | Comparison:
        if arguments.variable is not None:
            raise UsageError("--as names the handle of a background run: add --bg")
        if arguments.compare and (arguments.name or arguments.backend or arguments.output):
            raise UsageError(
                "--compare runs the cell in fresh actors of all backends: leave out --name,"
                " --backend and --output"
            )
        request = self._request(arguments, cell)
        screen = self._screen()
        if arguments.compare:
            return Comparison(screen.host, self._shell, request)
        quiet = self._quiet(arguments)
        return foreground(screen, self._shell, request, quiet=quiet, whole_cell=whole_cell)

    def _quiet(self, arguments: Any) -> bool:
        return bool(arguments.quiet or self.quiet)

    def _background(self, arguments: Any, cell: str) -> BackgroundRun:
        name = arguments.variable
        if name is not None and (not name.isidentifier() or iskeyword(name)):
            raise UsageError(f"--as {name}: this is not the name of a variable")
        if arguments.compare:
            raise UsageError("--compare is not for --bg: it shows its table when all have run")
        if arguments.no_raise_error:
            raise UsageError("--no-raise-error is not for --bg, which raises in result() only")
        if arguments.backend != AUTO:
            spawn_method(arguments.backend)  # said here what is wrong with it, and not later
        request = self._request(arguments, cell)
        quiet = self._quiet(arguments)
        run = self._last = BackgroundRun(self._screen(), request, self._shell, quiet=quiet)
        if name is not None:
            self._shell.user_ns[name] = run
        return run

    def _request(self, arguments: Any, cell: str) -> CellRequest:
        backend = arguments.backend or (AUTO if self.auto else None)
        check = self.check_imports and not arguments.no_check
        chosen = arguments.compare or backend == AUTO
        source = python_of(self._shell, cell)
        inputs = variables_of(variable_names(arguments.input, "input"), self._shell)
        imports = imports_in(source)
        if chosen:  # else what says that a value cannot be loaded names the variable as well
            imports = imports_for(inputs.values()) + imports
        return CellRequest(
            source,
            arguments.name,
            backend,
            "asyncio" if (arguments.loop or self.loop) == "asyncio" else "trio",
            self.timeout if arguments.timeout is None else arguments.timeout,
            self.grace if arguments.grace is None else arguments.grace,
            output_limit=self.output_limit,
            frontend=frontend_of(self._shell, source, cell),
            imports=imports,
            check=check,
            inputs=inputs,
            outputs=tuple(variable_names(arguments.output, "output")),
            namespace=self._shell.user_ns,
        )

    def _in_host(self, function: Callable[..., Any], *args: object) -> Any:
        return self._screen().host.start(function, *args).result()


async def _end_spares(nursery: ActorNursery) -> None:
    nursery.spares.end()
