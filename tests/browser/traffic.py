"""What a kernel sends to a page, to show views."""

from __future__ import annotations

import re
from bisect import bisect_left
from datetime import datetime
from typing import TYPE_CHECKING

from playwright.sync_api import TimeoutError as PatienceEnded

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, WebSocket

_HEADER = re.compile(rb'\{"msg_id".*?"msg_type": ?"(\w+)".*?"date": ?"([^"]+)"')

_OURS = (b"comm_open", b"comm_msg", b"display_data", b"update_display_data")


class Traffic:
    """Counts the messages that show something, whoever sends them.

    Each counts for the moment in which the kernel has made it, since a busy page takes many at
    once.

    Args:
        context: the browser, before a notebook is opened in it.
    """

    def __init__(self, context: BrowserContext) -> None:
        self._moments: list[float] = []
        self._sockets: list[WebSocket] = []
        context.on("page", self._watch)

    @property
    def count(self) -> int:
        """How many there were."""
        return len(self._moments)

    def most(self) -> int:
        """How many there were within a second, at most."""
        moments = sorted(self._moments)
        return max(
            (at + 1 - bisect_left(moments, moment - 1) for at, moment in enumerate(moments)),
            default=0,
        )

    def wait_until_quiet(self, seconds: float) -> None:
        """Wait until there was none for so long."""
        (socket,) = self._sockets
        try:
            while True:
                socket.wait_for_event("framereceived", self._is_ours, timeout=seconds * 1000)
        except PatienceEnded:
            pass

    def _watch(self, page: Page) -> None:
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        if "/api/kernels/" in socket.url:
            self._sockets.append(socket)
            socket.on("framereceived", self._count)

    def _count(self, frame: bytes | str) -> None:
        if moment := _shown_at(frame):
            self._moments.append(moment)

    def _is_ours(self, frame: bytes | str) -> bool:
        return _shown_at(frame) is not None


def _shown_at(frame: bytes | str) -> float | None:
    """Return when a message that shows something was made."""
    found = _HEADER.search(frame.encode() if isinstance(frame, str) else frame)
    if found is None or found[1] not in _OURS:
        return None
    return datetime.fromisoformat(found[2].decode()).timestamp()
