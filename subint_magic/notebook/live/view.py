"""What a screen shows: views, and the one of all actors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from subint_magic.notebook.look.panel import panel_html, panel_text

if TYPE_CHECKING:
    from subint_magic.notebook.live.board import Board
    from subint_magic.notebook.live.starting_cell import StartingCell

__all__ = ["Panel", "View"]


class View(Protocol):
    """Something that is shown in the output of a cell, and changes."""

    @property
    def id(self) -> str:
        """Names it, in the document and in pages."""

    @property
    def cell(self) -> StartingCell:
        """Where it is."""

    @property
    def settled(self) -> bool:
        """Whether it will not change any more."""

    def ticks(self, *, seen: bool) -> bool:
        """Whether it changes without an event, for somebody who sees it or for the document."""

    def html(self, *, document: bool = False) -> str:
        """Return the inside of its element, as it is now.

        Args:
            document: whether it is for the document, which has to show it without our script.
        """

    def text(self) -> str:
        """Return the same as text."""

    def click(self) -> None:
        """Do what its own button is for."""


class Panel:
    """All actors, as ``%subints`` shows them.

    Args:
        board: what there is to see.
        cell: where it is.

    Attributes:
        id: see `View`.
        cell: likewise.
        settled: it never is.
    """

    def __init__(self, board: Board, cell: StartingCell) -> None:
        self.id: str = uuid4().hex
        self.cell: StartingCell = cell
        self.settled: bool = False
        self._board = board

    def ticks(self, *, seen: bool) -> bool:
        """See `View`."""
        return self._board.busy or (seen and bool(self._board.unmeasured))

    def html(self, *, document: bool = False) -> str:
        """See `View`."""
        return panel_html(self._board.snapshot(), document=document)

    def text(self) -> str:
        """See `View`."""
        return panel_text(self._board.snapshot())

    def click(self) -> None:
        """Do nothing: its buttons are those of actors."""
