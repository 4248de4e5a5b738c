"""The plot: a bar for each row of each table, against its floor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure as Drawing
from tables import Figure, number

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from tables import Table

# Each is readable on white and on black; there is no background.
INK = "#7d8590"
COLORS = {"met": "#2da44e", "MISSED": "#e5534b", "": "#539bf5"}
BAR = 0.22  # inches
AROUND = 0.95  # inches, of a table: title, axis and the room between


def draw(tables: list[Table], path: Path) -> None:
    """Write the plot as SVG, the same for the same numbers."""
    tables = [table for table in tables if any(row.ours for row in table.rows)]
    heights = [AROUND + BAR * sum(bool(row.ours) for row in table.rows) for table in tables]
    style: dict[Any, object] = {
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": "bench",
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "font.family": "sans-serif",
        "font.size": 9,
    }
    with mpl.rc_context(style):
        drawing = Drawing(figsize=(9, sum(heights)), layout="constrained")
        every = drawing.subplots(len(tables), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, table in zip(every, tables, strict=True):
            _draw_table(axes, table)
        drawing.savefig(path, format="svg", transparent=True, metadata={"Date": None})


def _draw_table(axes: Axes, table: Table) -> None:
    rows = [row for row in table.rows if row.ours]
    start = 0 if table.figure is Figure.ADDED else 1
    # Bars of one and of three hundred milliseconds: small ones need a scale of their own.
    axes.set_xscale("symlog", linthresh=1) if start == 0 else axes.set_xscale("log")
    for place, row in enumerate(rows):
        spread = row.figure(table.figure)
        color = COLORS[row.verdict(table.figure).partition(":")[0]]
        axes.barh(place, spread.median - start, left=start, color=color, height=0.7)
        axes.plot([spread.low, spread.high], [place, place], color=INK, linewidth=1)
        text = f" {number(spread.median)}"
        place_right = max(spread.high, start)
        axes.text(place_right, place, text, va="center", fontsize=8)
        if row.target:
            bounds = [row.target.bound, row.target.bound]
            axes.plot(bounds, [place - 0.4, place + 0.4], color=INK, linewidth=2)
    axes.axvline(start, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_title(f"{table.title}: {table.header[4]}", loc="left", fontsize=10)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter("")
    axes.margins(x=0.12)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
