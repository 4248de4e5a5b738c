"""What some libraries need in an actor, done right after a cell has imported them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _output(ipywidgets: ModuleType) -> None:
    from subint_magic._child.display.widgets import output_class

    vars(ipywidgets)["Output"] = output_class(ipywidgets)


def _bars(tqdm_notebook: ModuleType) -> None:
    """Let tqdm.notebook draw the bars that tqdm draws elsewhere: they need no widgets."""
    from tqdm import std

    vars(tqdm_notebook).update(
        tqdm=std.tqdm, tqdm_notebook=std.tqdm, trange=std.trange, tnrange=std.trange
    )


def _scripts(magics: ModuleType) -> None:
    """Let the thread of ``%%bash`` and its kin be no daemon, but end with the actor."""
    import threading

    def thread(*, target: Any, daemon: bool) -> threading.Thread:
        loop = target.__self__
        threading._register_atexit(loop.call_soon_threadsafe, loop.stop)  # type: ignore[attr-defined]
        return threading.Thread(target=target)

    vars(magics)["Thread"] = thread


def _live(rich: ModuleType) -> None:
    """Let the threads of live displays be no daemons: they end with their displays."""
    from threading import Thread

    class EndingThread(Thread):
        def __init__(self, *, daemon: bool) -> None:
            super().__init__()

    for name in ("_RefreshThread", "_TrackThread"):
        if name in vars(rich):
            vars(rich)[name].__bases__ = (EndingThread,)


def _monitor(tqdm: ModuleType) -> None:
    """Let bars have no monitor: it would be a daemon, and tqdm warns that there is none."""
    tqdm.tqdm.monitor_interval = 0


AFTER_IMPORT = {"ipywidgets": _output, "tqdm.notebook": _bars}
"""Names of modules with what is done to them, wherever the actor runs."""

AFTER_IMPORT_WITHOUT_DAEMONS = {
    "IPython.core.magics.script": _scripts,
    "rich.live": _live,
    "rich.progress": _live,
    "tqdm.std": _monitor,
}
"""The same for a sub-interpreter, which may have no daemon threads."""
