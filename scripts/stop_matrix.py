"""Make the table in docs/stopping.md from what the tests of the stop ladder have measured.

make matrix
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs" / "stopping.md"
BEGIN, END = "<!-- measured -->\n", "<!-- end of measured -->\n"

KINDS = {
    "sub-interpreters": ("subint", "subint_legacy"),
    "processes": ("trio", "mp_spawn", "mp_forkserver"),
    "`dask`, as `subint` on the worker": ("dask",),
}

type Row = tuple[str, str, str, float | None, str]  # backend, body, rung, seconds, what is left


def table(rows: list[Row], python: str) -> str:
    """Return one table: a line for each body, the backends side by side."""
    lines = [f"Python {python}:", "", "| the cell | backend | stopped by | seconds | left |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for body in dict.fromkeys(row[1] for row in rows):
        outcomes: dict[tuple[str, str, str], list[float | None]] = {}
        for kind, backends in KINDS.items():
            for backend, _, rung, seconds, left in (row for row in rows if row[1] == body):
                if backend in backends:
                    outcomes.setdefault((kind, rung, left), []).append(seconds)
        for number, ((kind, rung, left), times) in enumerate(outcomes.items()):
            known = [time for time in times if time is not None]
            took = f"{min(known):.2f} – {max(known):.2f}" if known else "—"
            if known and round(min(known), 2) == round(max(known), 2):
                took = f"{statistics.median(known):.2f}"
            who = kind if len(times) == len(KINDS[kind]) else _which(rows, body, rung, left, kind)
            lines.append(f"| {body if number == 0 else ''} | {who} | {rung} | {took} | {left} |")
    return "\n".join(lines) + "\n"


def _which(rows: list[Row], body: str, rung: str, left: str, kind: str) -> str:
    them = [row[0] for row in rows if (row[1], row[2], row[4]) == (body, rung, left)]
    return ", ".join(f"`{backend}`" for backend in them if backend in KINDS[kind])


def main(directory: Path) -> None:
    """Put the tables of all recordings in *directory* between the two marks."""
    rows: dict[str, list[Row]] = {}
    for path in sorted(directory.glob("*.json"), key=lambda path: path.stat().st_mtime):
        recording = json.loads(path.read_text())
        rows.setdefault(recording["python"], []).extend(map(tuple, recording["rows"]))
    tables = "\n".join(table(them, python) for python, them in rows.items())
    text = DOCS.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCS.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}")


main(Path(sys.argv[1]))
