"""One run in one line: who runs it, for how long, and what came of it.

A notebook can have many of them, so each carries no style sheet but a few styles of its own; the
page adds the rest while the line is live.
"""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING

from subint_magic.notebook.look.kinds import ENDED, chip
from subint_magic.notebook.look.snapshot import Kind
from subint_magic.notebook.views.tables import elapsed

if TYPE_CHECKING:
    from subint_magic.notebook.look.snapshot import RunState

__all__ = ["run_html", "run_text"]

_LINE = (
    "display:flex;flex-wrap:wrap;gap:2px 8px;align-items:center;padding:1px 0;"
    "font-size:var(--jp-ui-font-size1,13px);font-family:var(--jp-ui-font-family,sans-serif)"
)
_CHIP = "font-weight:600;white-space:nowrap"
_DEAD = "margin-left:auto"
_LAST = (
    "flex:1 1 12em;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;"
    "background:none;padding:0;font:12px/18px var(--jp-code-font-family,monospace)"
)

_WIDTH = 80


def run_text(run: RunState) -> str:
    """Return the line as text."""
    line = run.last_line
    if len(line) > _WIDTH:
        line = f"{line[: _WIDTH - 1]}…"
    text = f"{run.name} ({run.backend}): {run.outcome or run.kind} {_how_long(run)}"
    return f"{text} | {line}" if line else text


def run_html(run: RunState, *, document: bool = False) -> str:
    """Return the line as HTML: the inside of a ``<subint-view>``.

    Args:
        run: what there is to see.
        document: whether it is to be shown without our script, so without a button.
    """
    name = escape(run.name)
    dead = ""
    if document and run.kind not in ENDED:
        at = time.strftime("as it was at %H:%M:%S")
        dead = f'<small class="subint-dead" style="{_DEAD}">{at}</small>'
    how_long = _how_long(run)
    if run.ticking:
        how_long = f'<time data-since="{run.elapsed:.1f}">{how_long}</time>'
    line = escape(run.last_line)
    last = f'<code style="{_LAST}" title="{line}">{line}</code>' if line else ""
    button = (
        f'<button type="button" data-action="cancel" data-run="{escape(run.id)}"'
        f' aria-label="Cancel the run of {name}"'
        ' title="Cancel: stop this run, and end its actor if it has no name">Cancel</button>'
    )
    return (
        f'<div class="subint-run" data-kind="{run.kind}" style="{_LINE}">'
        f"{chip(run.kind, run.outcome, _CHIP, of_run=True)}"
        f"<span><b>{name}</b> ({escape(run.backend)}) {how_long}</span>"
        f"{button if run.can_stop and not document else ''}{last}{dead}</div>"
    )


def _how_long(run: RunState) -> str:
    if run.kind in (Kind.RUNNING, Kind.STOPPING):
        return elapsed(run.elapsed)
    if run.kind not in ENDED:
        # In the document it stands there until it runs: no duration would be true for long.
        return time.strftime("since %H:%M:%S", time.localtime(run.since))
    return f"after {run.elapsed:.1f} s" if run.elapsed < 60 else f"after {elapsed(run.elapsed)}"
