"""Which views somebody looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Iterable

    from subint_magic.notebook.live.browser.said import Sight

__all__ = ["Sights"]

SILENCE = 60.0
"""Seconds after which a page is gone that is sent to and says nothing; it does every 20 seconds."""


class Sights:
    """What the pages say that they show. A page can go without a word."""

    def __init__(self) -> None:
        self._seen: dict[str, frozenset[str]] = {}  # by page
        self._silent: dict[str, float] = {}  # since when a page that is sent to has said nothing

    def __bool__(self) -> bool:
        return bool(self._seen)

    def __contains__(self, view: str) -> bool:
        return any(view in seen for seen in self._seen.values())

    def any_of(self, views: Iterable[str]) -> bool:
        """Whether somebody looks at one of *views*."""
        return any(view in self for view in views)

    def take(self, sight: Sight) -> frozenset[str]:
        """Take over what a page says; return the views that it has to be sent."""
        self._silent.pop(sight.page, None)
        # What could not be seen was not sent.
        fresh = sight.fresh | (sight.seen - self._seen.pop(sight.page, frozenset()))
        if sight.seen:
            self._seen[sight.page] = sight.seen
        return fresh

    def sent(self) -> None:
        """Take note that pages were sent something, and forget those that are silent for long."""
        now = trio.current_time()
        for page in list(self._seen):
            if now - self._silent.setdefault(page, now) > SILENCE:
                del self._seen[page], self._silent[page]
