"""IPython's shell, made when something asks for it: a plain cell never pays for it."""

from __future__ import annotations

import builtins
import sys

from subint_magic._child.display import libraries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    from subint_magic._child.control import Control
    from subint_magic._child.display.history import History
    from subint_magic._child.display.shell import ActorShell


class LazyShell:
    """Makes the shell, as soon as IPython is imported or one of its builtins called.

    Libraries ask IPython whether there is a shell when a cell imports them, so it has to be there
    from the moment that IPython is: this is a finder of modules too.

    Args:
        control: sends what the shell displays.
        history: what the actor keeps of its cells.
        own_process: whether the actor is a process, so that threads may be daemons.

    Attributes:
        made: the shell, if there is one.
        kind: what its class is to be called.
    """

    def __init__(self, control: Control, history: History, *, own_process: bool) -> None:
        self._control = control
        self._history = history
        self.made: ActorShell | None = None
        self.kind = ""
        self._after: dict[str, Callable[[ModuleType], None]] = {
            "IPython": self._make,
            **libraries.AFTER_IMPORT,
            **({} if own_process else libraries.AFTER_IMPORT_WITHOUT_DAEMONS),
        }

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

    def get(self) -> ActorShell:
        """Return the shell, which is made if there is none."""
        if self.made is None:
            import IPython  # noqa: F401 - makes it

        assert self.made is not None
        return self.made

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Find the few modules after whose import there is something to do."""
        after = self._after.get(name)
        if after is None:
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
            execute(module)
            after(module)

        loader.exec_module = exec_module
        return spec

    def _make(self, _module: ModuleType) -> None:
        from subint_magic._child.display.shell import make_shell

        self.made = make_shell(self.kind, self._control, self._history)
