"""What a cell showed, without what differs from run to run: to compare a plain cell's with ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .harness import Cell

NUMBER = r"\d[\d.,]*(?:e[+-]?\d+)?"

NOISE = [
    (r"0x[0-9a-f]{6,}", "0x…"),
    (r"/tmp/ipykernel_\d+/", "/tmp/ipykernel/"),
    (rf"{NUMBER}\s?(?:ns|μs|us|ms|s|min)\b", "… s"),
    (rf"\d\d:\d\d(?:<\d\d:\d\d)?, *{NUMBER}(?:it/s|s/it)", "… it/s"),
    (r"\([^()\s]*\.py, line |\(<[^<>]* cell \d+>, line ", "(…, line "),
]
"""Patterns of memory addresses, durations, rates of progress bars and names of cells."""


def shown(cell: Cell) -> list[Any]:
    """Return what *cell* has shown: text, displays, its value, its error.

    Adjacent text of one stream is one piece, however it was sent.
    """
    pieces: list[Any] = []
    names: dict[str, str] = {}
    for kind, content in cell.messages:
        match kind:
            case "stream":
                before = pieces.pop()[1] if pieces and pieces[-1][0] == content["name"] else ""
                pieces.append((content["name"], before + content["text"]))
            case "display_data" | "update_display_data":
                key = content["transient"].get("display_id")
                if key is not None:
                    key = names.setdefault(key, f"display {len(names)}")
                pieces.append((kind, content["data"], content["metadata"], key))
            case "execute_result":
                pieces.append((kind, content["data"], content["metadata"]))
            case "clear_output":
                pieces.append((kind, content["wait"]))
            case "error":
                name, value = content["ename"], content["evalue"]
                if name == "CellError":
                    name, _, value = value.partition(": ")
                pieces.append((kind, name, value))
    pieces += [  # what a pager shows, a frontend displays; an actor's cell has displayed it
        ("display_data", page["data"], {}, None)
        for page in (cell.reply or {}).get("payload", [])
        if page["source"] == "page"
    ]
    return _quiet(pieces)


def _quiet(value: Any) -> Any:
    if isinstance(value, str):
        for pattern, instead in NOISE:
            value = re.sub(pattern, instead, value)
        return value
    if isinstance(value, dict):
        return {key: _quiet(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_quiet(each) for each in value]
    return value
