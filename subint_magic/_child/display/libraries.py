"""What some libraries need in an actor, done right after a cell has imported them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def let_output_be_a_display(ipywidgets: ModuleType) -> None:
    """Let ``Output`` be a display, as its comm does not reach the frontend."""
    from subint_magic._child.display.widgets import output_class

    vars(ipywidgets)["Output"] = output_class(ipywidgets)


def draw_bars_as_text(tqdm_notebook: ModuleType) -> None:
    """Let tqdm.notebook draw the bars that tqdm draws elsewhere: they need no widgets."""
    from tqdm import std

    vars(tqdm_notebook).update(
        tqdm=std.tqdm, tqdm_notebook=std.tqdm, trange=std.trange, tnrange=std.trange
    )


def let_scripts_end(magics: ModuleType) -> None:
    """Let the thread of ``%%bash`` and its kin be no daemon, but end with the actor."""
    import threading

    def thread(*, target: Any, daemon: bool) -> threading.Thread:
        loop = target.__self__
        threading._register_atexit(loop.call_soon_threadsafe, loop.stop)  # type: ignore[attr-defined]
        return threading.Thread(target=target)

    vars(magics)["Thread"] = thread


def let_live_displays_end(rich: ModuleType) -> None:
    """Let the threads of live displays be no daemons: they end with their displays."""
    from threading import Thread

    class EndingThread(Thread):
        def __init__(self, *, daemon: bool) -> None:
            super().__init__()

    for name in ("_RefreshThread", "_TrackThread"):
        if name in vars(rich):
            vars(rich)[name].__bases__ = (EndingThread,)


def have_no_monitor(tqdm: ModuleType) -> None:
    """Let bars have no monitor: it would be a daemon, and tqdm warns that there is none."""
    tqdm.tqdm.monitor_interval = 0
