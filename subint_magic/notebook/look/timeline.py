"""The timeline: what ran when, as SVG and as text.

It is told apart by more than colour: each kind has a height of its own, what waits is an outline,
and how a run ended is a sign at its end. Places are shares of the width, so that letters and round
corners keep their size however wide the page is.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from subint_magic.notebook.look.kinds import ENDED, SIGNS
from subint_magic.notebook.look.snapshot import Kind
from subint_magic.notebook.look.spans import (
    Band,
    Chart,
    Span,
    chart,
    end_of,
    how_long,
    is_busy,
    occupancy,
    told_runs,
)
from subint_magic.notebook.views.tables import age

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subint_magic.notebook.look.snapshot import Bar, Lane, Snapshot

__all__ = ["timeline_html", "timeline_svg", "timeline_text"]

_LEFT = 17.0  # per cent for the names
_WIDTH = 80.5  # per cent for time; the rest has room for a sign
_GAP = 0.2  # per cent between two bars
_THINNEST = 0.25

_LANE = 18  # pixels
_BAND = 44
_AXIS = 22

_COLUMNS = 120  # of a band
_NAME = 18  # letters

_LEVELS = " ▁▂▃▄▅▆▇█"

_HEIGHTS = {
    Kind.QUEUED: 5,
    Kind.SPAWNING: 5,
    Kind.BOOTING: 9,
    Kind.CLOSING: 5,
    Kind.CANCELLING: 9,
}
_FULL = 13


def timeline_svg(snapshot: Snapshot) -> str:
    """Return the timeline as an inline ``<svg>``; empty if nothing was started yet."""
    shown = chart(snapshot)
    return _svg(shown, snapshot) if shown else ""


def _svg(shown: Chart, snapshot: Snapshot) -> str:
    span = shown.span
    y = 2
    pieces = []
    for lane in shown.lanes:
        pieces.append(_lane(lane, span, y))
        y += _LANE
    for band in shown.bands:
        pieces.append(_band(band, span, y))
        y += _BAND
    bottom = y + 3
    height = bottom + _AXIS
    return (
        f'<svg class="subint-timeline" role="img" aria-label="{escape(_summary(shown))}"'
        f' xmlns="http://www.w3.org/2000/svg" width="100%" height="{height}"'
        f' style="height:{height}px">'
        f"{_axis(span, bottom, snapshot)}{''.join(pieces)}</svg>"
    )


def timeline_html(snapshot: Snapshot) -> str:
    """Return the timeline above the meaning of its bars; empty if nothing was started yet."""
    shown = chart(snapshot)
    if shown is None:
        return ""
    keys = "".join(f'<span class="subint-key">{_swatch(k)} {k}</span>' for k in shown.kinds)
    legend = f'<div class="subint-legend" aria-hidden="true">{keys}</div>'
    return f'<div class="subint-times">{_svg(shown, snapshot)}{legend}</div>'


def _swatch(kind: Kind) -> str:
    icon = f'<b class="subint-mark" data-kind="{kind}">{SIGNS[kind].icon}</b>'
    if kind in ENDED:
        return icon
    high = _height(kind)
    return (
        '<svg class="subint-swatch" width="18" height="14" style="height:14px">'
        f'<rect data-kind="{kind}" x="1" y="{(14 - high) / 2:g}" width="16" height="{high}"'
        f' rx="2"/></svg>{icon}'
    )


def _height(kind: Kind) -> int:
    return _HEIGHTS.get(kind, _FULL)


def _x(span: Span, moment: float) -> float:
    return _LEFT + _WIDTH * span.share(moment)


def _axis(span: Span, bottom: int, snapshot: Snapshot) -> str:
    pieces = []
    for moment, text in [(span.end, span.edge(snapshot)), *span.ticks]:
        x = f"{_x(span, moment):.2f}%"
        at_end = moment == span.end and not span.moving
        pieces.append(
            f'<line class="subint-grid" x1="{x}" x2="{x}" y1="0" y2="{bottom}"/>'
            f'<text class="subint-tick" x="{"100%" if at_end else x}" y="{bottom + 14}"'
            f' text-anchor="{"end" if at_end else "middle"}">{text}</text>'
        )
    return f'<g aria-hidden="true">{"".join(pieces)}</g>'


def _label(text: str, title: str, y: int, ended: bool) -> str:
    short = text if len(text) <= _NAME else f"{text[: _NAME - 1]}…"
    fade = " subint-faded" if ended else ""
    return (
        f'<text class="subint-name{fade}" x="0" y="{y}">'
        f"<title>{escape(title)}</title>{escape(short)}</text>"
    )


def _lane(lane: Lane, span: Span, y: int) -> str:
    middle = y + _LANE // 2
    label = _label(lane.name, f"{lane.name} ({lane.backend})", middle + 4, lane.ended)
    bars = [_bar(lane, bar, span, middle) for bar in lane.bars if bar.parts]
    older = any(bar.parts and bar.parts[0].begin < span.begin for bar in lane.bars)
    cut = (
        f'<text class="subint-cut" x="{_LEFT - 0.2}%" y="{middle + 4}" text-anchor="end">'
        "<title>it began before</title>«</text>"
    )
    return f'<g data-lane="{escape(lane.name)}">{label}{cut if older else ""}{"".join(bars)}</g>'


def _bar(lane: Lane, bar: Bar, span: Span, middle: int) -> str:
    end = end_of(bar, span.end)
    if end < span.begin:
        return ""
    title = f"{lane.name} ({lane.backend}): {_told(bar, span)}"
    pieces = [f"<title>{escape(title)}</title>"]
    for part in bar.parts:
        until = span.end if part.end is None else part.end
        if until < span.begin:
            continue
        x = _x(span, part.begin)
        gap = _GAP if part is bar.parts[-1] and bar.outcome is None and part.end is not None else 0
        wide = max(_THINNEST, _x(span, until) - x - gap)
        high = _height(part.kind)
        pieces.append(
            f'<rect data-kind="{part.kind}" x="{x:.2f}%" y="{middle - high / 2:g}"'
            f' width="{wide:.2f}%" height="{high}" rx="2.5"/>'
        )
    if bar.outcome is not None and bar.outcome is not Kind.DONE:
        pieces.append(
            f'<text class="subint-mark" data-kind="{bar.outcome}" x="{_x(span, end) + 0.3:.2f}%"'
            f' y="{middle + 4}">{SIGNS[bar.outcome].icon}</text>'
        )
    return f"<g>{''.join(pieces)}</g>"


def _told(bar: Bar, span: Span) -> str:
    parts = ", ".join(how_long(part, span.end) for part in bar.parts)
    ended = f", {bar.outcome}" if bar.outcome else ""
    return f"{bar.source} – {parts}{ended}" if bar.source else f"{parts}{ended}"


def _band(band: Band, span: Span, y: int) -> str:
    high = _BAND - 6
    counts = occupancy(band.lanes, span, _COLUMNS)
    stack = [sum(column) for column in zip(*counts.values(), strict=True)]
    top = max(stack, default=0) or 1
    name = band.title
    title = f"{name}: {band.told(span)}"
    below = [0.0] * _COLUMNS
    paths = []
    for kind, values in counts.items():
        above = [low + value for low, value in zip(below, values, strict=True)]
        paths.append(f'<path data-kind="{kind}" d="{_area(below, above, high / top, high)}"/>')
        below = above
    return (
        f'<g data-lane="{escape(name)}" data-count="{len(band.lanes)}">'
        f"<title>{escape(title)}</title>{_label(name, title, y + 16, False)}"
        f'<text class="subint-tick" x="0" y="{y + 30}">{escape(band.told(span))}</text>'
        f'<svg x="{_LEFT}%" y="{y + 2}" width="{_WIDTH}%" height="{high}"'
        f' style="height:{high}px" viewBox="0 0 {_COLUMNS} {high}" preserveAspectRatio="none">'
        f"{''.join(paths)}</svg></g>"
    )


def _area(below: Sequence[float], above: Sequence[float], scale: float, high: int) -> str:
    """Return the path between two step curves; what is nowhere apart has none."""
    forth = _steps(above, scale, high, range(len(above)))
    back = _steps(below, scale, high, range(len(below) - 1, -1, -1))
    return f"M0 {high}{forth}{back}Z"


def _steps(values: Sequence[float], scale: float, high: int, columns: range) -> str:
    # Each step is told where the height changes; in between, a line goes on.
    pieces = []
    before: str | None = None
    for column in columns:
        y = f"{high - values[column] * scale:.1f}"
        if y != before:
            edge = column if columns.step > 0 else column + 1
            pieces.append(f"H{edge}V{y}")
            before = y
    pieces.append(f"H{len(values) if columns.step > 0 else 0}")
    return "".join(pieces)


def _summary(shown: Chart) -> str:
    lanes = [*shown.lanes, *(lane for band in shown.bands for lane in band.lanes)]
    now = sum(1 for lane in lanes if is_busy(lane))
    span = shown.span
    return (
        f"Timeline of {len(lanes)} actor{'s' * (len(lanes) != 1)} over"
        f" {age(span.end - span.begin)}; {now} busy {'now' if span.moving else 'at its end'}"
    )


def timeline_text(snapshot: Snapshot, width: int = 60) -> str:
    """Return the timeline as text, a line for each lane; empty if nothing was started yet.

    Args:
        snapshot: what it is of.
        width: letters of its bars.
    """
    shown = chart(snapshot)
    if shown is None:
        return ""
    span = shown.span
    lines = [(lane.name, _letters(lane, span, width), _runs(lane, span)) for lane in shown.lanes]
    lines += [(band.title, _levels(band, span, width), band.told(span)) for band in shown.bands]
    wide = max(len(name) for name, _, _ in lines)
    marks = [f"{SIGNS[kind].mark} {kind}" for kind in shown.kinds]
    return "\n".join(
        [
            f"The last {age(span.end - span.begin)} until {span.edge(snapshot)}:",
            *(f"{name.ljust(wide)}  |{bar}|  {told}" for name, bar, told in lines),
            f"{' ' * wide}   {'  '.join(marks)}",
        ]
    )


def _letters(lane: Lane, span: Span, width: int) -> str:
    letters = [" "] * width
    for bar in lane.bars:
        end = end_of(bar, span.end)
        if not bar.parts or end < span.begin:
            continue
        for part in bar.parts:
            until = span.end if part.end is None else part.end
            first = min(width - 1, int(span.share(part.begin) * width))
            last = max(first + 1, int(span.share(until) * width))  # nothing is too short to be seen
            letters[first:last] = SIGNS[part.kind].mark * (last - first)
        if bar.outcome is not None and bar.outcome is not Kind.DONE:
            letters[min(width - 1, int(span.share(end) * width))] = SIGNS[bar.outcome].mark
    return "".join(letters)


def _runs(lane: Lane, span: Span) -> str:
    if not lane.bars or not lane.bars[-1].parts:
        return told_runs(())
    bar = lane.bars[-1]
    ended = f", {bar.outcome}" if bar.outcome else ""
    return f"{told_runs(lane.bars)}, last {how_long(bar.parts[-1], span.end)}{ended}"


def _levels(band: Band, span: Span, width: int) -> str:
    """Return how many did something at each moment, as heights."""
    stack = [
        sum(column) for column in zip(*occupancy(band.lanes, span, width).values(), strict=True)
    ]
    top = max(stack, default=0) or 1
    marks = [_LEVELS[round(value / top * (len(_LEVELS) - 1))] for value in stack]
    return "".join(marks) or " " * width
