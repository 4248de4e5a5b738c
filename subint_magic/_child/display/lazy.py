"""IPython's shell, made when something asks for it: a plain cell never pays for it."""

from __future__ import annotations

import builtins
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    from subint_magic._child.control import Control
    from subint_magic._child.display.history import History
    from subint_magic._child.display.shell import ActorShell
    from subint_magic._child.stopping.interrupt import Fence


_LIBRARIES = {"ipywidgets": "let_output_be_a_display", "tqdm.notebook": "draw_bars_as_text"}
"""Modules with the function of `libraries` that is called after their import."""

_LIBRARIES_WITH_DAEMONS = {
    "IPython.core.magics.script": "let_scripts_end",
    "rich.live": "let_live_displays_end",
    "rich.progress": "let_live_displays_end",
    "tqdm.std": "have_no_monitor",
}
"""The same in a sub-interpreter, which may have no daemon threads."""


class LazyShell:
    """Makes the shell, as soon as IPython is imported or one of its builtins called.

    Libraries ask IPython whether there is a shell when a cell imports them, so it has to be there
    from the moment that IPython is: this is a finder of modules too.

    Args:
        control: sends what the shell displays.
        history: what the actor keeps of its cells.
        fence: keeps interrupts out of its making.

    Attributes:
        made: the shell, if there is one.
        interactivity: which values a cell shows, as ``ast_node_interactivity`` of IPython.
    """

    def __init__(self, control: Control, history: History, fence: Fence) -> None:
        self._fence = fence
        self._control = control
        self._history = history
        self.made: ActorShell | None = None
        self.interactivity = self._told = "last_expr"
        self._kind = ""
        self._libraries = _LIBRARIES if fence.owns_process else _LIBRARIES | _LIBRARIES_WITH_DAEMONS

    def install(self) -> None:
        """Let builtins and imports make the shell."""

        def get_ipython() -> ActorShell:
            """Return IPython's shell of this actor."""
            return self.get()

        def display(*objects: object, **options: Any) -> object:
            """Display *objects*; see `IPython.display.display`."""
            self.get()
            from IPython.display import display

            return display(*objects, **options)

        vars(builtins).update(get_ipython=get_ipython, display=display)
        sys.meta_path.insert(0, self)

    def follow(self, frontend: dict[str, Any]) -> None:
        """Take over what the frontend of the next cell has set."""
        self._kind = frontend["shell"]
        if self.made is None:
            self._told = self.interactivity = frontend["interactivity"]
        else:
            if self.made.ast_node_interactivity == self._told:  # else the actor has set its own
                self.made.ast_node_interactivity = self._told = frontend["interactivity"]
            self.interactivity = self.made.ast_node_interactivity

    def get(self) -> ActorShell:
        """Return the shell, which is made if there is none."""
        if self.made is None:
            self._fence.postpone(self._import)
        assert self.made is not None
        return self.made

    def _import(self) -> None:
        import IPython  # which makes it, unless it was there before us

        if self.made is None:
            self._after_import("IPython", IPython)

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Find the few modules after whose import there is something to do."""
        if name != "IPython" and name not in self._libraries:
            return None
        for finder in sys.meta_path:
            if finder is not self and (spec := finder.find_spec(name, path, target)):
                break
        else:
            return None
        loader: Any = spec.loader
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            before = set(sys.modules)
            try:
                execute(module)
                self._after_import(name, module)
            except BaseException:
                if name == "IPython":
                    _forget(set(sys.modules) - before)
                raise

        loader.exec_module = exec_module
        return spec

    def _after_import(self, name: str, module: ModuleType) -> None:
        if name == "IPython":
            from subint_magic._child.display.shell import make_shell

            self.made = make_shell(self._kind, self.interactivity, self._control, self._history)
        else:
            from subint_magic._child.display import libraries

            getattr(libraries, self._libraries[name])(module)


def _forget(names: set[str]) -> None:
    """Let modules be imported anew: a cell was stopped in the import of IPython.

    What is left of it would make the next one fail. What else is imported meanwhile, such as what
    the control thread needs to stop a cell, is of the standard library or our own.
    """
    for name in names:
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top != "subint_magic":
            sys.modules.pop(name, None)
