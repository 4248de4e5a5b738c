"""The composition root: the one place where kernel, host and magics are put together."""

from __future__ import annotations

import atexit
import multiprocessing.util  # noqa: F401 - see Extension.__init__
import os
from contextlib import suppress
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from subint_magic.errors import HostEnded
from subint_magic.notebook.cells.output import CellOutput
from subint_magic.notebook.commands import Commands
from subint_magic.notebook.completion import Completer
from subint_magic.notebook.hidden import HiddenFrames
from subint_magic.notebook.live.screen import Screen
from subint_magic.notebook.magics import AWAITED, SubintMagics
from subint_magic.notebook.post_mortem import PostMortem
from subint_magic.runtime.functions import default
from subint_magic.runtime.host import Host, LoopThread
from subint_magic.runtime.imports import AUTO
from subint_magic.runtime.runs.values import CELL_NUMBERS
from subint_magic.spawn import set_preload, shut_down_methods

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from subint_magic.notebook.live.browser.page import Page
    from subint_magic.notebook.live.browser.said import Click, Sight
    from subint_magic.runtime.nursery import ActorNursery

__all__ = ["Extension"]

_FORK_PATIENCE = 1.0
"""Seconds that a fork waits for the end of the spares."""

CONTROL_PATIENCE = 5.0
"""Seconds that the kernel's control thread gets to end by itself."""

_BLOCKING_CALL = "get_ipython().run_cell_magic('subint', "
_AWAITING_CALL = f"await get_ipython().run_cell_magic({AWAITED!r}, "


class Extension:
    """All that loading the extension puts into a shell; `unload` takes it out again.

    Nothing runs before the first cell needs it.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell: Any = shell
        self._kernel = getattr(shell, "kernel", None)
        self._loop_thread: LoopThread | None = None
        self._host: Host | None = None
        self._ending = False  # the kernel was asked to end
        self._executing = self._request()  # the cell that loads us
        self._screen: Screen | None = None
        self._magics = SubintMagics(shell, self.screen, self._running_host)
        shell.register_magics(self._magics)
        self._magics.observe(self._change_spares, ["spares", "preload"])
        set_preload(self._magics.preload)
        self._completer = Completer(shell, self._magics, self._running_host)
        self._post_mortem = PostMortem(shell, self._running_host)
        self._commands = Commands(shell) if self._kernel is not None else None
        self._hidden = HiddenFrames(shell)
        magics = self._magics
        self._offer = default.Offer(
            self.host,
            lambda: CellOutput(shell, magics.output_limit),
            lambda: AUTO if magics.auto else None,
        )
        default.offer(self._offer)  # to @subint
        self._numbers: dict[str, int] = getattr(shell.compile, "_filename_map", {})
        CELL_NUMBERS.append(self._numbers)
        shell.events.register("pre_execute", self._pre_execute)
        shell.input_transformers_post.append(self._await_if_possible)
        # Hooks run last in, first out. multiprocessing's joins its children, so it must have come
        # before ours, which ends them.
        atexit.register(self._stop)
        if self._kernel is not None:
            self._do_shutdown: Callable[[bool], Any] = self._kernel.do_shutdown
            self._kernel.do_shutdown = self._shut_down

    def host(self) -> Host:
        """Return the host of the actors; start it if none is running."""
        if self._running_host() is None:
            control = getattr(self._kernel, "control_thread", None)
            if control is not None:
                loop = control.io_loop.asyncio_loop
            else:
                self._loop_thread = LoopThread()
                loop = self._loop_thread.loop
            self._host = Host(loop, spares=self._magics.spares)
            self._screen = Screen(self._host, _open_page if self._kernel is not None else None)
        assert self._host is not None
        return self._host

    def screen(self) -> Screen:
        """Return what shows the actors, on the host that runs them."""
        self.host()
        assert self._screen is not None
        return self._screen

    def _running_host(self) -> Host | None:
        return self._host if self._host is not None and self._host.running else None

    def _change_spares(self, change: Any) -> None:
        set_preload(self._magics.preload)
        if host := self._running_host():
            count = self._magics.spares
            if change.name == "spares" and count:
                host.start(_resize_spares, count)
            else:
                task = host.start(_renew_spares, count)
                if not count:
                    task.result()

    def end_spares(self) -> None:
        """End what nobody knows of and is no process, for a fork, and wait for it."""
        host = self._running_host()
        if host is not None and not host.is_here:
            with suppress(HostEnded, TimeoutError):
                host.start(_leave_process, self._magics.spares).join(_FORK_PATIENCE)

    def unload(self) -> None:
        """End all actors and take everything out of the shell."""
        atexit.unregister(self._stop)
        default.withdraw(self._offer)
        CELL_NUMBERS.remove(self._numbers)
        if self._kernel is not None:
            self._kernel.do_shutdown = self._do_shutdown
        shell = self._shell
        self._hidden.remove()
        if self._commands is not None:
            self._commands.remove()
        self._post_mortem.remove()
        self._completer.remove()
        shell.events.unregister("pre_execute", self._pre_execute)
        shell.input_transformers_post.remove(self._await_if_possible)
        for kind, names in self._magics.magics.items():
            for name in names:
                shell.magics_manager.magics[kind].pop(name, None)
        shell.configurables.remove(self._magics)  # where Magics has put itself, for %config
        set_preload([])
        self._stop()
        shut_down_methods()  # nobody does it later, and ipykernel waits in vain for some to end

    def _stop(self) -> None:
        host, self._host = self._host, None
        if host is not None:
            host.stop()
        if self._loop_thread is not None:
            self._loop_thread.stop()
            self._loop_thread = None
        if self._ending and (control := getattr(self._kernel, "control_thread", None)):
            # It flushes what was printed once it has answered the request to end. If ipykernel has
            # closed its thread for that by then, the kernel would wait for ever for both.
            control.join(CONTROL_PATIENCE)

    async def _shut_down(self, restart: bool) -> Any:
        """End the actors before the kernel stops the loop that their supervisor lives on."""
        self._ending = True
        host, self._host = self._host, None
        try:
            if host is not None:
                assert self._screen is not None
                self._screen.kernel_ends()
                await host.aclose()
                shut_down_methods()
        finally:
            answer = self._do_shutdown(restart)
            if isawaitable(answer):
                answer = await answer
        return answer

    # A cell that awaits leaves the kernel's loop free while it runs, so that clicks and comms get
    # through. Only a whole cell can await: under another magic, as in %%time over %%subint, or
    # when run_cell_magic is called from code, the blocking form has to serve.

    def _await_if_possible(self, lines: list[str]) -> list[str]:
        if (
            self._kernel is None
            or not self._shell.autoawait
            or self._shell.loop_runner_map["asyncio"][0] is not self._shell.loop_runner
            or self._request() == self._executing
            or len(lines) != 1
            or not lines[0].startswith(_BLOCKING_CALL)
            or lines[0].rstrip().endswith(", '')")  # an empty cell: IPython says so by its name
        ):
            return lines
        return [lines[0].replace(_BLOCKING_CALL, _AWAITING_CALL, 1)]

    def _pre_execute(self) -> None:
        if not self._of_comm():  # ipykernel calls this also before it handles a click
            self._executing = self._request()

    def _of_comm(self) -> bool:
        header = self._shell.get_parent().get("header", {}) if self._kernel else {}
        return str(header.get("msg_type", "")).startswith("comm_")

    def _request(self) -> str:
        """Return the id of the message whose cell is being prepared or executed.

        A cell is prepared under an id that has not executed anything yet; code that is prepared
        under the id that executes is inside of that cell.
        """
        if self._kernel is None:
            return ""
        return str(self._shell.get_parent().get("header", {}).get("msg_id", ""))


def _open_page(hub: str, hear: Callable[[Click | Sight], object]) -> Page:
    from subint_magic.notebook.live.browser.page import Page  # ipywidgets is heavy

    return Page(hub, hear)


async def _resize_spares(nursery: ActorNursery, count: int) -> None:
    nursery.spares.resize(count)


async def _leave_process(nursery: ActorNursery, count: int) -> None:
    """End those that a fork would crash with."""
    if nursery.spares.share_process:
        await nursery.spares.renew(count, now=False)
    await nursery.finish_closing()


async def _renew_spares(nursery: ActorNursery, count: int) -> None:
    await nursery.spares.renew(count)


def _before_fork() -> None:
    # CPython crashes the fork of a process that has sub-interpreters. Those of actors their users
    # know of, but not of spares, nor that what ran a cell a moment ago is still there.
    for extension in _loaded.values():
        extension.end_spares()


_loaded: dict[InteractiveShell, Extension] = {}

# In the child there is no thread of a host to ask.
os.register_at_fork(before=_before_fork, after_in_child=_loaded.clear)


def load(shell: InteractiveShell) -> None:
    """Put the extension into *shell*, once."""
    if shell not in _loaded:
        _loaded[shell] = Extension(shell)


def unload(shell: InteractiveShell) -> None:
    """Take it out again."""
    if extension := _loaded.pop(shell, None):
        extension.unload()
