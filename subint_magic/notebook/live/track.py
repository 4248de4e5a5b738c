"""What one actor has done, as the timeline shows it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from subint_magic.notebook.look.kinds import ENDED
from subint_magic.notebook.look.snapshot import Bar, Kind, Lane, Part

__all__ = ["Track"]

_BARS = 30
"""Runs of one actor that are kept."""

_AT_ONCE = 0.05
"""Seconds between the start of an actor and a run that it was started for."""

_RESTING = ENDED | {Kind.IDLE}
_UNUSUAL = ENDED - {Kind.DONE}
_STARTS = (Kind.SPAWNING, Kind.BOOTING)


@dataclass
class _Bar:
    parts: list[Part] = field(default_factory=list)
    source: str = ""
    outcome: Kind | None = None

    @property
    def goes_on(self) -> bool:
        return bool(self.parts) and self.parts[-1].end is None

    def is_for(self, source: str, now: float) -> bool:
        """Whether it is that of a run of *source*: the start of its actor, just now, is."""
        if self.source or not self.parts:
            return self.goes_on and self.source == source
        ended = self.parts[-1].end
        return ended is None or now - ended <= _AT_ONCE

    def end(self, now: float) -> None:
        if self.goes_on:
            self.parts[-1] = replace(self.parts[-1], end=now)

    def go_on(self, kind: Kind, now: float) -> None:
        if not (self.goes_on and self.parts[-1].kind is kind):
            self.end(now)
            self.parts.append(Part(kind, now, None))


class Track:
    """The bars of one actor, the last of which may go on."""

    def __init__(self) -> None:
        self._bars: deque[_Bar] = deque([_Bar()], maxlen=_BARS)

    def enter(self, kind: Kind, now: float, source: str = "", queued: float | None = None) -> None:
        """From *now* on it does *kind*.

        Args:
            kind: what; the end of an actor ends its track.
            now: seconds on the clock of the timeline.
            source: what it runs, if that is what it does.
            queued: since when that has waited for its turn, if it has.
        """
        bar = self._bars[-1]
        if kind in _RESTING:
            if bar.goes_on and kind in _UNUSUAL:
                bar.outcome = kind
            bar.end(now)
        elif kind is Kind.RUNNING:
            if not bar.is_for(source, now):
                bar.end(now)
                self._bars.append(bar := _Bar())
                if queued is not None:
                    bar.go_on(Kind.QUEUED, queued)
            bar.go_on(kind, now)
            bar.source = source
        elif bar.goes_on or kind in _STARTS:
            bar.go_on(kind, now)

    def lane(self, name: str, backend: str) -> Lane:
        """Return it as a lane of the timeline."""
        bars = [Bar(tuple(bar.parts), bar.source, bar.outcome) for bar in self._bars if bar.parts]
        return Lane(name, backend, tuple(bars))
