"""The line above the output of a run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import trio
from IPython.display import display

from subint_magic.notebook.live.progress import Phase
from subint_magic.notebook.look.run_line import run_html, run_text
from subint_magic.wire.messages import ClearOutput, Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from subint_magic.notebook.live.progress import Progress
    from subint_magic.notebook.live.screen import Screen
    from subint_magic.notebook.live.starting_cell import StartingCell
    from subint_magic.runtime.runs.run import Event

__all__ = ["RunLine"]


LONG = 1.0
"""Seconds after which somebody who waits for a cell wants to know what it does."""


class RunLine:
    """A view of one run: its actor, its state, how long it takes, and a button to cancel it.

    Args:
        screen: keeps it up to date.
        cell: where it is.
        progress: how far the run is.
        cancel: stops it.
        with_output: whether to show the last line that it has printed.
        head: where it is to come by itself, when the run takes long: calls what shows it, above
            what the run has shown so far.

    Attributes:
        id: see `View`.
        cell: likewise.
    """

    def __init__(
        self,
        screen: Screen,
        cell: StartingCell,
        progress: Progress,
        cancel: Callable[[], object],
        *,
        with_output: bool,
        head: Callable[[Callable[[], object]], object] | None = None,
    ) -> None:
        self.id: str = uuid4().hex
        self.cell: StartingCell = cell
        self._screen = screen
        self._progress = progress
        self._cancel = cancel
        self._with_output = with_output
        self._head = head
        self._shown = False
        self._cleared: ClearOutput | None = None  # since it was shown

    @property
    def settled(self) -> bool:
        """See `View`."""
        return self._progress.done

    def ticks(self, *, seen: bool) -> bool:
        """See `View`. In a page, the time passes without us."""
        return not seen and not self.settled

    def html(self, *, document: bool = False) -> str:
        """See `View`."""
        shown = self._progress.shown(self.id, with_output=self._with_output)
        return run_html(shown, document=document)

    def text(self) -> str:
        """See `View`."""
        return run_text(self._progress.shown(self.id, with_output=self._with_output))

    def click(self) -> None:
        """Cancel the run."""
        self._cancel()

    def show(self) -> None:
        """Show it in the cell that runs now, whose it is, before anything that the run shows."""
        display(self._screen.bundle(self), raw=True, display_id=self.id)
        if self.cell.can_update and not self._shown and not self.settled:
            self._shown = True
            self._screen.open(self)

    # in trio

    def show_late(self) -> None:
        """Show it in its cell, whatever runs by now."""
        self._shown = True
        self._cleared = None
        self.cell.show(self._screen.bundle(self), self.id)
        if not self.settled:
            self._screen.add(self)

    def hear(self, event: Event | Phase) -> None:
        """Something has happened to the run; what it shows is shown after this."""
        if not self._shown:
            if self._head is not None and self._progress.phase is event:
                come, self._head = partial(self._come, self._head), None
                self._screen.call_late(self.id, LONG, come)
            return
        if not isinstance(event, ClearOutput):
            self._show_again()  # it is no part of what the run may clear
        if isinstance(event, ClearOutput):
            self._cleared = event
            if not event.wait:  # after it, which is passed on after this
                trio.lowlevel.current_trio_token().run_sync_soon(self._show_again)
        elif isinstance(event, Phase):
            self._screen.touch(self)
        elif isinstance(event, Output) and self._with_output:
            self._screen.touch(self, urgent=False)

    def settle(self) -> None:
        """The run has ended."""
        self._screen.drop_late(self.id)
        if self._shown:  # what was to be cleared with the next output stays, so this as well
            self._screen.touch(self)

    def _come(self, head: Callable[[Callable[[], object]], object]) -> None:
        if not self.settled:
            head(self.show_late)

    def _show_again(self) -> None:
        if self._cleared is not None:
            self.show_late()
