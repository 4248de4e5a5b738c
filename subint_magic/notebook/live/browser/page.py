"""The line to the browser: one comm for all views of a kernel.

It is an anywidget model that is never displayed. Its script runs in the page as soon as the model
is there, finds the views in the outputs of cells, and talks to `Page`. A widget for each button
would take five comms an actor, and a saved notebook would show an error in place of each.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
from traitlets import Unicode

from subint_magic.notebook.live.browser.said import read
from subint_magic.notebook.look.panel import style_sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from subint_magic.notebook.live.browser.said import Click, Sight

__all__ = ["Page"]

_FOLDER = Path(__file__).parent

_LOG = logging.getLogger(__name__)


class _Hub(anywidget.AnyWidget):
    # read here: anywidget would watch the file
    _esm = (_FOLDER / "page.js").read_text()
    _css = style_sheet()

    hub = Unicode().tag(sync=True)


class Page:
    """Sends HTML to the pages that show the notebook, and hears from them.

    Args:
        hub: names the views that belong to it.
        hear: called with what a page says, in any thread. It must not block.
    """

    def __init__(self, hub: str, hear: Callable[[Click | Sight], object]) -> None:
        self._hear = hear
        self._heard: dict[str, int] = {}
        self._widget = _Hub()
        self._widget.on_msg(lambda _widget, content, _buffers: self._take(content))
        # A kernel asks this of a comm in the thread that takes messages in, before whatever runs
        # in the main thread has ended; for subshells, which not all frontends have. So clicks get
        # through while a cell blocks. The same message comes again, by on_msg, which is all that
        # there is in a kernel without such a thread.
        self._widget.comm._reply_subshell_for = self._route
        # What a page said before this was not heard, so it begins when there is a name.
        self._widget.hub = hub

    def send(self, views: Mapping[str, str | None]) -> None:
        """Let the pages show *views*, HTML by the id of a view; ``None`` for one that is over."""
        self._widget.send({"views": views})

    def close(self) -> None:
        """Take it out of the pages. They show the views as they are in the document."""
        self._widget.close()
        self._widget.layout.close()  # each widget has one, with a comm of its own

    def _route(self, data: object, default: object) -> object:
        if isinstance(data, dict) and data.get("method") == "custom":
            self._take(data.get("content"))
        return default

    def _take(self, content: Any) -> None:
        try:
            page, count = content["page"], content["count"]
            if count > self._heard.get(page, 0):  # else it was heard before
                self._heard[page] = count
                self._hear(read(content))
        except Exception:  # noqa: BLE001 - else the kernel calls its message invalid, and no more
            _LOG.exception("a page said %r", content)
