"""The stretch of time and the lanes that a timeline shows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from subint_magic.notebook.look.kinds import SIGNS, TROUBLE
from subint_magic.notebook.look.snapshot import Kind
from subint_magic.notebook.views.tables import age

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from subint_magic.notebook.look.snapshot import Bar, Lane, Part, Snapshot

__all__ = [
    "Band",
    "Chart",
    "Span",
    "chart",
    "end_of",
    "how_long",
    "is_busy",
    "occupancy",
    "told_runs",
]

_LEAST = 5.0  # seconds, so that the first moments do not rush by
_RECENT = 60.0  # seconds that what has ended is of interest at least
_MOST = 600.0  # what is older is cut, or short runs would be too thin to see

_BARS = 160  # to be drawn one by one; the stretch gets shorter for those who run one after another
_SHORTEST = 0.5

_MANY_LANES = 24
_SINGLED_OUT = 8  # of many lanes
_MANY_BANDS = 4

_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300)


@dataclass(frozen=True)
class Span:
    """A stretch of time on the clock of a snapshot, in seconds.

    Attributes:
        begin: its left edge.
        end: its right edge.
        moving: whether the right edge is now; else it is the end of the last run.
    """

    begin: float
    end: float
    moving: bool

    def share(self, moment: float) -> float:
        """Return where a moment is, as a number from 0 to 1; what is outside is at the edge."""
        return min(1.0, max(0.0, (moment - self.begin) / (self.end - self.begin)))

    def edge(self, snapshot: Snapshot) -> str:
        """Return how its right edge is called."""
        end = time.localtime(snapshot.at - snapshot.now + self.end)
        return "now" if self.moving else time.strftime("%H:%M:%S", end)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Round moments before its end, and how they are called."""
        long = self.end - self.begin
        step = next((step for step in _STEPS if long / step <= 6), _STEPS[-1])
        times = [step * (count + 1) for count in range(int(long / step + 1e-9))]
        return [(self.end - time, f"-{_round(time)}") for time in times]


@dataclass(frozen=True)
class Band:
    """Many lanes as one.

    Attributes:
        name: what their names begin with.
        backend: the key of their spawn method; empty if they have several.
        lanes: they.
    """

    name: str
    backend: str
    lanes: tuple[Lane, ...]

    @property
    def title(self) -> str:
        """What it is, in a few letters."""
        what = f"{self.name}…" if self.name else self.backend or "others"
        return f"{len(self.lanes)} × {what}"

    def told(self, span: Span) -> str:
        """Return how many are busy, or how many runs there were."""
        backend = f"{self.backend}: " if self.name and self.backend else ""
        if span.moving:
            return f"{backend}{sum(map(is_busy, self.lanes))} busy"
        return f"{backend}{told_runs(bar for lane in self.lanes for bar in lane.bars)}"


@dataclass(frozen=True)
class Chart:
    """What a timeline shows.

    Attributes:
        span: its stretch of time.
        lanes: those that are shown one by one.
        bands: the others.
    """

    span: Span
    lanes: tuple[Lane, ...]
    bands: tuple[Band, ...]

    @property
    def kinds(self) -> list[Kind]:
        """The kinds that can be seen in it, in the order of `SIGNS`; to be closed has no sign."""
        seen: set[Kind | None] = set()
        for lane in (*self.lanes, *(lane for band in self.bands for lane in band.lanes)):
            for bar in lane.bars:
                if end_of(bar, self.span.end) >= self.span.begin:
                    seen |= {part.kind for part in bar.parts}
                    seen.add(bar.outcome)
        return [kind for kind in SIGNS if kind in seen and kind is not Kind.DONE]


def chart(snapshot: Snapshot) -> Chart | None:
    """Return what a timeline of *snapshot* shows; ``None`` if nothing was started yet."""
    bars = [bar for lane in snapshot.lanes for bar in lane.bars if bar.parts]
    if not bars:
        return None
    span = _shortened(_span(bars, snapshot.now), snapshot.lanes)
    lanes = [lane for lane in snapshot.lanes if not lane.ended or _is_in(lane, span)]
    if len(lanes) <= _MANY_LANES:
        return Chart(span, tuple(lanes), ())
    alone = sorted(range(len(lanes)), key=lambda at: _rank(lanes[at], span))[:_SINGLED_OUT]
    single = [lanes[at] for at in sorted(alone)]
    rest = [lane for at, lane in enumerate(lanes) if at not in set(alone)]
    return Chart(span, tuple(single), _bands(rest))


def end_of(bar: Bar, now: float) -> float:
    """Return the end of a bar, which is *now* if it goes on."""
    last = bar.parts[-1].end if bar.parts else now
    return now if last is None else last


def is_busy(lane: Lane) -> bool:
    """Return whether the last bar of *lane* goes on."""
    return bool(lane.bars and lane.bars[-1].parts) and lane.bars[-1].parts[-1].end is None


def told_runs(bars: Iterable[Bar]) -> str:
    """Return ``3 runs``, of those that have begun."""
    count = sum(any(part.kind is Kind.RUNNING for part in bar.parts) for bar in bars)
    return f"{count} run{'s' * (count != 1)}"


def how_long(part: Part, now: float) -> str:
    """Say what an actor did, and for how long."""
    seconds = (now if part.end is None else part.end) - part.begin
    return f"{part.kind} {f'{seconds:.1f} s' if seconds < 60 else age(seconds)}"


def occupancy(lanes: Iterable[Lane], span: Span, columns: int) -> dict[Kind, list[float]]:
    """Return how many lanes did what, on average over each of *columns* pieces of *span*.

    An average loses nothing: what was shorter than a column makes it a little higher.
    """
    whole: dict[Kind, list[float]] = {}  # in each column: more or fewer than in the one before
    scale = columns / (span.end - span.begin)
    for lane in lanes:
        for bar in lane.bars:
            for part in bar.parts:
                begin = max(0.0, (part.begin - span.begin) * scale)
                end = (span.end if part.end is None else part.end) - span.begin
                end = min(columns, end * scale)
                if end <= begin:
                    continue
                steps = whole.setdefault(part.kind, [0.0] * (columns + 2))
                # A step that falls into a column counts there in part, and from the next in full.
                for moment, sign in ((begin, 1), (end, -1)):
                    column = int(moment)
                    into = moment - column
                    steps[column] += sign * (1 - into)
                    steps[column + 1] += sign * into
    return {kind: _sums(whole[kind], columns) for kind in SIGNS if kind in whole}


def _sums(steps: Sequence[float], columns: int) -> list[float]:
    total = 0.0
    sums = []
    for step in steps[:columns]:
        total += step
        sums.append(round(total, 3))
    return sums


def _span(bars: Sequence[Bar], now: float) -> Span:
    going_on = [bar for bar in bars if bar.parts[-1].end is None]
    end = now if going_on else max(end_of(bar, now) for bar in bars)
    latest = going_on or [bar for bar in bars if end_of(bar, now) == end]
    longest = end - min(bar.parts[0].begin for bar in latest)
    # What has ended is shown as far back as it helps to see the latest among the others.
    recent = end - max(_RECENT, 2 * longest)
    begin = min(max(bar.parts[0].begin, recent) for bar in bars if end_of(bar, now) >= recent)
    return Span(max(min(begin, end - _LEAST), end - _MOST), end, bool(going_on))


def _shortened(span: Span, lanes: Sequence[Lane]) -> Span:
    single = len(lanes) if len(lanes) <= _MANY_LANES else _SINGLED_OUT
    most = max(10, _BARS // single)
    crowded = [lane.bars[-most].parts[0].begin for lane in lanes if len(lane.bars) > most]
    begin = min(max([span.begin, *crowded]), max(span.begin, span.end - _SHORTEST))
    return Span(begin, span.end, span.moving)


def _is_in(lane: Lane, span: Span) -> bool:
    return any(end_of(bar, span.end) >= span.begin for bar in lane.bars)


def _rank(lane: Lane, span: Span) -> tuple[int, float]:
    """Return what sorts the lanes of interest first: trouble, then what runs longest."""
    if not lane.bars or not lane.bars[-1].parts:
        return 2, 0.0
    bar = lane.bars[-1]
    if bar.outcome in TROUBLE:
        return 0, -end_of(bar, span.end)
    return (1, bar.parts[0].begin) if bar.parts[-1].end is None else (2, -end_of(bar, span.end))


def _bands(lanes: Sequence[Lane]) -> tuple[Band, ...]:
    """Put lanes together by backend and by the begin of their names, or else by less."""
    for key in (
        lambda lane: (lane.name.rstrip("0123456789"), lane.backend),
        lambda lane: ("", lane.backend),
        lambda _lane: ("", ""),
    ):
        groups: dict[tuple[str, str], list[Lane]] = {}
        for lane in lanes:
            groups.setdefault(key(lane), []).append(lane)
        if len(groups) <= _MANY_BANDS:
            break
    return tuple(Band(*names, tuple(them)) for names, them in groups.items())


def _round(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return f"{seconds:g} s"
    return f"{minutes:g} min {rest:g} s" if rest else f"{minutes:g} min"
