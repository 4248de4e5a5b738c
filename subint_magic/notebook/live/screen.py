"""The views of a kernel: when each is brought up to date, and what a click does."""

from __future__ import annotations

import logging
from math import inf
from typing import TYPE_CHECKING
from uuid import uuid4

import trio
from IPython.display import display

from subint_magic.errors import HostEnded
from subint_magic.notebook.live.backlog import TICK, Backlog, Rank
from subint_magic.notebook.live.board import Board
from subint_magic.notebook.live.browser.said import Click, Sight
from subint_magic.notebook.live.browser.sights import Sights
from subint_magic.notebook.live.clicks import carry_out
from subint_magic.notebook.live.starting_cell import StartingCell
from subint_magic.notebook.live.view import Panel
from subint_magic.notebook.views.actors import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from IPython.core.interactiveshell import InteractiveShell

    from subint_magic.notebook.live.browser.page import Page
    from subint_magic.notebook.live.view import View
    from subint_magic.runtime.host import Host
    from subint_magic.runtime.nursery import ActorNursery

__all__ = ["Screen"]

_LOG = logging.getLogger(__name__)

PAGE_INTERVAL = 0.2
"""Seconds between two messages to the pages: at most 5 a second. The answer to a click does not
wait for it.
"""

SETTLE = 0.03
"""Seconds within which what changes is shown as one change. Who waits for a cell has its result
first.
"""

LEISURE = 0.5
"""The same for what is less urgent: what is printed."""

PANELS = 4
"""Panels that are kept up to date; the oldest stays as it is when there are more."""


type OpenPage = Callable[[str, Callable[[Click | Sight], object]], Page]
"""Opens the line to the browser: called with the name of its views, and what hears of them."""


LAST_WORDS = 100
"""Runs that have ended whose line a page can still have, if it is loaded again."""


class Screen:
    """Keeps views up to date, by at most ten messages a second in all.

    `bundle` and `open` are for any thread, the other methods for trio's.

    Args:
        host: where it lives, until that stops.
        open_page: opens the line to the browser, called once, in a thread; ``None`` where there is
            none. If it raises ImportError, the views are in the document only.

    Attributes:
        host: the same.
        board: what there is to see of the actors; there once the host has begun what was started
            after this was made.
    """

    def __init__(self, host: Host, open_page: OpenPage | None) -> None:
        self.board: Board
        self.host: Host = host
        self._hub = uuid4().hex
        self._open_page = open_page
        self._page: Page | None = None
        self._views: dict[str, View] = {}
        self._sights = Sights()
        self._unsent: dict[str, float] = {}  # views that pages are to be sent, and when at last
        self._backlog = Backlog()  # of the document
        self._last_words: dict[str, str] = {}  # of runs that have ended, for pages that come later
        self._page_due = self._tick_due = 0.0
        self._measuring = False
        self._kernel_ends = False
        self._late: dict[str, tuple[float, Callable[[], object]]] = {}  # calls that are due later
        self._sleep = trio.CancelScope()
        self._changed = trio.Event()
        self._ended = False
        host.start(self._begin)

    def bundle(self, view: View) -> dict[str, str]:
        """Return *view* as the document has it."""
        return {"text/html": self._element(view), "text/plain": view.text()}

    def show_panel(self, shell: InteractiveShell) -> None:
        """Show all actors in the cell that runs now."""
        cell = StartingCell(shell)
        panel, bundle = self.host.start(self._new_panel, cell).result()
        display(bundle, raw=True, display_id=panel.id)

    async def _new_panel(
        self, _nursery: object, cell: StartingCell
    ) -> tuple[Panel, dict[str, str]]:
        await self.board.measure()
        panel = Panel(self.board, cell)
        if cell.can_update:
            for other in self._panels():
                if other.cell.same_as(cell) or len(self._panels()) == PANELS:
                    self._save(other.id)
                    self.remove(other)
            self.add(panel)
        return panel, self.bundle(panel)

    def kernel_ends(self) -> None:
        """Let pages find out by themselves that the line to them ends; in trio.

        A page that has heard first that the kernel restarts would call our goodbye an error.
        """
        self._kernel_ends = True

    def open(self, view: View) -> None:
        """Keep *view* up to date from now on."""
        self.host.call_soon(self.add, view)

    def add(self, view: View) -> None:
        """The same, in trio."""
        if self._ended:
            return
        if self._open_page is not None:
            open_page, self._open_page = self._open_page, None
            self.start_soon(self._get_page, open_page)
        self._views[view.id] = view
        self._backlog.open(view.id, trio.current_time())
        self._wake()

    def start_soon(self, function: Callable[..., Awaitable[object]], *args: object) -> None:
        """Run *function* beside all else."""

        async def run(_nursery: object) -> None:
            try:
                await function(*args)
            except Exception:  # noqa: BLE001 - a defect of ours; nobody waits for it
                _LOG.exception("something beside the views has failed")

        self.host.start(run)

    def call_late(self, key: str, seconds: float, call: Callable[[], object]) -> None:
        """Call *call* after so many seconds, unless it is `drop_late` before; nothing wakes now."""
        when = trio.current_time() + seconds
        self._late[key] = when, call
        self._sleep.deadline = min(self._sleep.deadline, when)

    def drop_late(self, key: str) -> None:
        """Call nothing for *key*."""
        self._late.pop(key, None)

    def remove(self, view: View) -> None:
        """Leave *view* as it is: in the document, and so in pages."""
        if self._views.pop(view.id, None):
            if self._page is not None and view.id in self._sights and not view.settled:
                self._page.send({view.id: None})
            self._unsent.pop(view.id, None)
            self._backlog.close(view.id)

    def touch(self, view: View, *, urgent: bool = True, ticked: bool = False) -> None:
        """Take note that *view* has changed.

        Args:
            view: the view.
            urgent: false for what need not be in the document.
            ticked: whether just time has passed.
        """
        key, now = view.id, trio.current_time()
        if key not in self._views:
            return
        due = now + (SETTLE if urgent else LEISURE)
        if due < self._unsent.get(key, inf):
            self._unsent[key] = due
            self._wake()
        pages = bool(self._sights)
        if self._ended or (view.settled and self._backlog.has_room(now, pages=pages)):
            self._save(key)  # before the cell that waits for it ends: then nobody may listen
        elif urgent:
            rank = Rank.LAST_WORD if view.settled else Rank.TICK if ticked else Rank.NEWS
            if self._backlog.add(key, rank, due, seen=key in self._sights):
                self._wake()

    # the loop

    def _begin(self, nursery: ActorNursery) -> Awaitable[None]:
        # Here, and not in the task: nothing that is started later happens before.
        self.board = Board(nursery, self._board_changed)
        return self._keep_up()

    async def _keep_up(self) -> None:
        try:
            while True:
                with trio.CancelScope(deadline=self._due()) as self._sleep:
                    await self._changed.wait()
                self._changed = trio.Event()
                self._work()
        except Exception:  # noqa: BLE001 - a defect of ours, and no reason to stop the actors
            _LOG.exception("the views are no longer kept up to date")
            self._views.clear()
        finally:
            self._ended = True
            self.board.close()
            for key in self._backlog.keys & self._views.keys():
                self._save(key)
            if self._page is not None and not self._kernel_ends:
                self._page.close()

    def _wake(self) -> None:
        self._changed.set()

    def _board_changed(self, urgent: bool) -> None:
        for view in self._panels():
            self.touch(view, urgent=urgent)

    def _due(self) -> float:
        """Return when there is something to do next, if nothing changes."""
        due = inf
        unsent = [when for key, when in self._unsent.items() if key in self._sights]
        if self._page is not None and unsent:
            due = min(due, max(self._page_due, min(unsent)))
        due = min(due, self._backlog.due, *(when for when, _ in self._late.values()))
        if any(view.ticks(seen=key in self._sights) for key, view in self._views.items()):
            due = min(due, self._tick_due)
        return due

    def _work(self) -> None:
        now = trio.current_time()
        for late in [key for key, (when, _) in self._late.items() if when <= now]:
            _, call = self._late.pop(late, (now, bool))  # one may drop another
            try:
                call()
            except Exception:  # noqa: BLE001 - a defect of one view, and no reason to end others
                _LOG.exception("what was due has failed")
        if now >= self._tick_due:
            self._tick_due = now + TICK
            self._tick()
        unsent = {key: when for key, when in self._unsent.items() if key in self._sights}
        if now >= self._page_due and min(unsent.values(), default=inf) <= now:
            self._page_due = now + PAGE_INTERVAL
            self._send(list(unsent))
        if key := self._backlog.next(now):
            self._save(key)

    def _tick(self) -> None:
        now = trio.current_time()
        for view in list(self._views.values()):
            ticks = view.id not in self._sights and view.ticks(seen=False)
            if ticks and self._backlog.tick(view.id, now):
                self.touch(view, ticked=True)
        seen = self._sights.any_of(view.id for view in self._panels())
        if seen and self.board.unmeasured and not self._measuring:
            self._measuring = True
            self.start_soon(self._measure)

    async def _measure(self) -> None:
        """Look at what the actors take that have run since the last look."""
        try:
            await self.board.measure()
        finally:
            self._measuring = False
        for view in self._panels():
            self.touch(view, urgent=False)

    def _send(self, keys: list[str]) -> None:
        if self._page is None:  # it has spoken before we had it; `_get_page` comes next
            return
        panel = ""  # all panels are the same
        views: dict[str, str | None] = {}
        for key in keys:
            if isinstance(view := self._views[key], Panel):
                views[key] = panel = panel or view.html()
            else:
                views[key] = view.html()
        self._page.send(views)
        self._sights.sent()
        for key in keys:
            self._unsent.pop(key, None)

    def _save(self, key: str) -> None:
        view = self._views[key]
        self._backlog.saved(key, trio.current_time(), pages=bool(self._sights))
        view.cell.update(self.bundle(view), key)
        if view.settled:
            if key in self._sights:
                self._send([key])
            self._last_words[key] = view.html()
            if len(self._last_words) > LAST_WORDS:
                del self._last_words[next(iter(self._last_words))]
            self.remove(view)

    def _panels(self) -> list[Panel]:
        return [view for view in self._views.values() if isinstance(view, Panel)]

    def _element(self, view: View) -> str:
        html = view.html(document=True)
        return f'<subint-view hub="{self._hub}" view="{view.id}">{html}</subint-view>'

    # the page

    async def _get_page(self, open_page: OpenPage) -> None:
        try:
            self._page = await trio.to_thread.run_sync(open_page, self._hub, self._hear)
        except ImportError as error:
            _LOG.warning("the views have no buttons: %s", error)
        else:
            self._wake()
            if self._ended:  # while it was opened
                self._page.close()

    def _hear(self, said: Click | Sight) -> None:
        try:
            self.host.call_soon(self._take, said)
        except HostEnded:
            pass

    def _take(self, said: Click | Sight) -> None:
        try:
            if isinstance(said, Click):
                self._click(said)
            else:
                self._look(said)
        except Exception:  # noqa: BLE001 - a defect of ours; trio itself would end by it
            _LOG.exception("a page said %r", said)

    def _look(self, said: Sight) -> None:
        fresh = self._sights.take(said)
        now = trio.current_time()
        self._unsent.update(dict.fromkeys(fresh & self._views.keys(), now))
        if self._page is not None and (gone := fresh - self._views.keys()):
            self._page.send({key: self._last_words.get(key) for key in gone})
        self._wake()

    def _click(self, click: Click) -> None:
        if view := self._views.get(click.target):
            view.click()
        elif click.action in ACTIONS and (actor := self.board.actor(click.target)):
            self.start_soon(carry_out, self.board, actor, click.action, self._hurry)
        else:  # it has ended meanwhile: let the page see that
            for view in self._panels():
                self.touch(view)

    def _hurry(self) -> None:
        """Let the next message to the pages not wait: somebody has clicked."""
        self._page_due = 0.0
