"""The tables as text in a terminal, and as a document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tables import Table

DOCS = Path(__file__).parents[2] / "docs"
PLOT = "![Each figure with its target](images/benchmark.svg)"
BEGIN, END = "<!-- measured -->\n", "<!-- end of measured -->\n"


def print_table(table: Table) -> None:
    lines = [table.header, *map(table.cells, table.rows)]
    ran = [line for line, row in zip(lines[1:], table.rows, strict=True) if not row.reason]
    widths = [max(map(len, column)) + 2 for column in zip(table.header, *ran, strict=True)]
    widths[0] = max(len(row.name) for row in table.rows) + 2
    print(f"\n{table.title}")
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print(("  " + "".join(cells)).rstrip())
    if table.note:
        print(f"  {table.note}")


def as_markdown(table: Table) -> str:
    lines = [table.header, ["---"] * len(table.header), *map(table.cells, table.rows)]
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return "\n\n".join(part for part in (f"### {table.title}", rows, table.note) if part)


def write_document(tables: list[Table], facts: str) -> None:
    """Put the tables between the two marks of docs/benchmark.md, and draw the plot."""
    from plot import draw

    draw(tables, DOCS / "images" / "benchmark.svg")
    document = DOCS / "benchmark.md"
    before, _, rest = document.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    measured = "\n\n".join([f"{facts}.", PLOT, *map(as_markdown, tables)])
    document.write_text(f"{before}{BEGIN}\n{measured}\n\n{END}{after}")
