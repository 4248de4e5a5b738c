"""What the document is behind of, and what comes first."""

from __future__ import annotations

from enum import IntEnum
from math import inf

__all__ = ["TICK", "Backlog", "Rank"]

INTERVAL = 0.35
"""Seconds between two changes of the document: at most 3 a second, and `BURST` more."""

LONE_INTERVAL = 0.125
"""The same if there is no page to send anything to."""

BURST = 2
"""Changes of the document that do not wait, if they are the last of their view."""

PAUSE = 2.0
"""Seconds between two changes of a view in the document, while a page keeps it up to date: each
draws it anew, and marks the notebook as not saved.
"""

LONE_PAUSE = 0.2
"""The same while no page does."""

TICK = 1.0
"""Seconds between two looks at what changes without an event."""

LONGEST_TICK = 60.0
"""The same for the document, which nobody may look at, after a while without an event."""


class Rank(IntEnum):
    """What comes first, if much has changed."""

    NEWS = 0
    """Something goes on."""
    LAST_WORD = 1
    TICK = 2
    """Just time has passed."""


class Backlog:
    """The views that the document is behind, by their ids. Times are those of trio's clock."""

    def __init__(self) -> None:
        self._behind: dict[str, tuple[Rank, float]] = {}  # and when it is due
        self._saved: dict[str, float] = {}  # when it was
        self._ticks: dict[str, float] = {}  # seconds to the next tick
        self._due = 0.0

    def open(self, key: str, now: float) -> None:
        """Take note that a view is in the document as it is *now*."""
        self._saved[key] = now

    def close(self, key: str) -> None:
        """Forget a view."""
        for keys in (self._behind, self._saved, self._ticks):
            keys.pop(key, None)

    def add(self, key: str, rank: Rank, due: float, *, seen: bool) -> bool:
        """Take note that a view has changed; return whether that makes a difference.

        Args:
            key: the view.
            rank: how it has changed.
            due: when it shall be in the document, as soon as possible.
            seen: whether a page keeps it up to date meanwhile.
        """
        if rank is not Rank.TICK:
            self._ticks.pop(key, None)
        pause = PAUSE if seen and rank is not Rank.LAST_WORD else LONE_PAUSE
        old = self._behind.get(key, (Rank.TICK, inf))
        new = min(rank, old[0]), min(max(due, self._saved[key] + pause), old[1])
        self._behind[key] = new
        return new != old

    def has_room(self, now: float, *, pages: bool) -> bool:
        """Whether a last word may be in the document *now*, before its turn."""
        return now >= self._due - BURST * (INTERVAL if pages else LONE_INTERVAL)

    def saved(self, key: str, now: float, *, pages: bool) -> None:
        """Take note that a view is in the document as it is *now*; *pages*: if there are any."""
        self._behind.pop(key, None)
        self._saved[key] = now
        self._due = max(now, self._due) + (INTERVAL if pages else LONE_INTERVAL)

    @property
    def keys(self) -> set[str]:
        """All of them."""
        return set(self._behind)

    @property
    def due(self) -> float:
        """When the next is due."""
        return max(self._due, min((due for _, due in self._behind.values()), default=inf))

    def next(self, now: float) -> str | None:
        """Return the view whose turn it is, if one is due."""
        due = [
            # What has changed last is what somebody waits for; of those that tick, the oldest.
            (rank, when if rank is Rank.TICK else -when, key)
            for key, (rank, when) in self._behind.items()
            if when <= now
        ]
        return min(due)[-1] if due and now >= self._due else None

    def tick(self, key: str, now: float) -> bool:
        """Whether it is time for another look at a view; they come less and less often."""
        wait = self._ticks.get(key, TICK)
        if now < self._saved[key] + wait:
            return False
        self._ticks[key] = min(2 * wait, LONGEST_TICK)
        return True
