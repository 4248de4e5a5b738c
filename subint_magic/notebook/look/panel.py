"""The panel: the actors, what they do and what can be done to them, as text and as HTML."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from subint_magic.notebook.look.kinds import ENDED, chip, counted, labelled
from subint_magic.notebook.look.rows import Shown, choose
from subint_magic.notebook.look.snapshot import Kind
from subint_magic.notebook.look.timeline import timeline_html, timeline_text
from subint_magic.notebook.views.actors import ACTIONS
from subint_magic.notebook.views.tables import age, duration, elapsed, size, text_table, volume

if TYPE_CHECKING:
    from collections.abc import Mapping

    from subint_magic.notebook.look.snapshot import Row, Snapshot

__all__ = ["panel_html", "panel_text", "style_sheet"]

_EMPTY = "There is no actor. Start one with %%subint -n NAME."

_ROWS = 12
_HISTORY = 5
_DEEPEST = 6  # an actor deeper in the tree stands no further to the right

_SOURCE = 40  # letters of a cell in text
_LINE = 60

_NO_BUTTONS = "install anywidget where JupyterLab or Jupyter Notebook runs"

_NOT_RETURNED = "in a call that has not returned"


@cache
def style_sheet() -> str:
    """Return the look of all views, as CSS."""
    text = files("subint_magic.notebook.look").joinpath("look.css").read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"\s*([{};,])\s*|\s+", lambda found: found[1] or " ", text).strip()


def _headline(snapshot: Snapshot) -> str:
    """Return how many actors do what: ``3 actors: 2 running, 1 idle``."""
    if not snapshot.rows:
        return _EMPTY
    waiting = sum(row.waiting for row in snapshot.rows)
    words = [_counts(counted(row.kind for row in snapshot.rows))]
    words += [f"{waiting} cell{'s' * (waiting != 1)} waiting"] if waiting else []
    total = len(snapshot.rows)
    return f"{total} actor{'s' * (total != 1)}: {'; '.join(words)}"


def _counts(counts: Mapping[Kind, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def _doing(row: Row) -> str:
    if row.kind is Kind.ABANDONED and row.id:
        return _NOT_RETURNED
    return row.outcome if row.outcome not in ("", row.kind) else row.source


def _time(seconds: float | None) -> str:
    return duration(seconds) if seconds is None or seconds < 60 else age(seconds)


# as text


def panel_text(snapshot: Snapshot) -> str:
    """Return the panel as text."""
    pieces = [_headline(snapshot)]
    shown = choose(snapshot.rows, _ROWS)
    if shown.rows:
        pieces.append(_table(shown))
    ended = choose(snapshot.history, _HISTORY)
    if ended.rows:
        pieces.append("Ended:\n" + _table(ended))
    pieces.append(timeline_text(snapshot))
    pieces += [f"Dashboard of {method}: {page}" for method, page in snapshot.dashboards]
    return "\n\n".join(filter(None, pieces))


_HEADER = ["name", "backend", "where", "state", "run", "age", "CPU", "memory", "in", "out"]
_HEADER += ["waiting", "current cell"]


def _table(shown: Shown) -> str:
    table = text_table(_HEADER, [_cells(row) for row in shown.rows])
    return "\n".join([table, *_rest(shown)])


def _rest(shown: Shown) -> list[str]:
    if not shown.rest:
        return []
    groups = list(shown.rest.items())
    told = "; ".join(
        _counts(counts) if len(groups) == 1 else f"{backend} {_counts(counts)}"
        for backend, counts in groups
    )
    return [f"… and {shown.left_out} more: {told}"]


def _cells(row: Row) -> list[str]:
    words = [_short(_doing(row), _LINE if row.outcome else _SOURCE), _short(row.last_line, _LINE)]
    words += [f"({row.note})"] if row.note else []
    return [
        "  " * row.depth + row.name,
        row.backend,
        row.where,
        labelled(row.kind),
        "" if row.elapsed is None else age(row.elapsed),
        age(row.age),
        _time(row.cpu),
        size(row.memory),
        volume(row.copied_in, row.shared_in),
        volume(row.copied_out, row.shared_out),
        str(row.waiting or ""),
        " | ".join(filter(None, words)),
    ]


def _short(text: str, width: int) -> str:
    return f"{text[: width - 1]}…" if len(text) > width else text


# as HTML


def panel_html(snapshot: Snapshot, *, document: bool = False) -> str:
    """Return the panel as HTML: the inside of a ``<subint-view>``.

    Args:
        snapshot: what there is to see.
        document: whether it is to be shown without our script: with its style, but no buttons.
    """
    if document:
        rows = tuple(replace(row, actions=()) for row in snapshot.rows)
        snapshot = replace(snapshot, rows=rows)
    style = f"<style>{style_sheet()}</style>" if document else ""
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(snapshot.at))
    body = _html_table(snapshot) if snapshot.rows or snapshot.history else ""
    return (
        f'<div class="subint-panel">{style}'
        f'<div class="subint-head">{_html_headline(snapshot)}{_html_links(snapshot)}'
        f'<span class="subint-dead" title="{_NO_BUTTONS}">As it was at {at};'
        " %subints shows it anew, with buttons where the frontend has anywidget</span></div>"
        f"{body}{timeline_html(snapshot)}</div>"
    )


def _html_headline(snapshot: Snapshot) -> str:
    total, colon, counts = _headline(snapshot).partition(":")
    return f"<span><strong>{escape(total)}</strong>{colon}{escape(counts)}</span>"


def _html_links(snapshot: Snapshot) -> str:
    return "".join(
        f'<a href="{escape(page)}" target="_blank" rel="noopener">{escape(method)} dashboard</a>'
        for method, page in snapshot.dashboards
    )


_COLUMNS = {
    "name": "Actor",
    "state": "State",
    "run": "Run, age",
    "doing": "Cell and last output",
    "use": "CPU, memory",
    "traffic": "In, out",
    "buttons": '<span class="subint-unseen">Actions</span>',
}


def _html_table(snapshot: Snapshot) -> str:
    head = "".join(
        f'<th scope="col" class="subint-col-{name}">{text}</th>' for name, text in _COLUMNS.items()
    )
    shown, ended = choose(snapshot.rows, _ROWS), choose(snapshot.history, _HISTORY)
    rows = "".join(map(_html_row, shown.rows)) + _html_rest(shown)
    history = ""
    if ended.rows:
        title = f'<tr><th scope="rowgroup" colspan="{len(_COLUMNS)}">Ended</th></tr>'
        old = "".join(map(_html_row, ended.rows)) + _html_rest(ended)
        history = f'<tbody class="subint-history">{title}{old}</tbody>'
    return (
        f'<table class="subint-table" aria-label="Actors"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody>{history}</table>"
    )


def _html_row(row: Row) -> str:
    name, ended = escape(row.name), row.kind in ENDED
    where = escape(" · ".join(filter(None, (row.backend, row.where))))
    indent = f' style="padding-left:{8 + 18 * min(row.depth, _DEEPEST)}px"' if row.depth else ""
    branch = '<span class="subint-branch" aria-hidden="true">└</span>' if row.depth else ""
    cells = {
        "name": f'{branch}<b title="{name}">{name}</b><small>{where}</small>',
        "state": chip(row.kind) + _html_waiting(row.waiting),
        "run": _html_times(row, ticks=not ended),
        "doing": _html_doing(row),
        "use": _html_use(row),
        "traffic": _html_traffic(row),
        "buttons": "".join(_button(row, action) for action in ACTIONS if action in row.actions),
    }
    return (
        f'<tr data-actor="{escape(row.id)}" data-name="{name}" data-kind="{row.kind}">'
        + "".join(
            f'<td class="subint-col-{column}"{indent if column == "name" else ""}>{cell}</td>'
            for column, cell in cells.items()
        )
        + "</tr>"
    )


def _html_waiting(waiting: int) -> str:
    return f'<small title="cells that wait for their turn">+{waiting} waiting</small>' * bool(
        waiting
    )


def _html_times(row: Row, ticks: bool) -> str:
    run = "" if row.elapsed is None else _html_time(row.elapsed, ticks)
    word = "age" if ticks else "lived"
    return f"{run}<small>{word} {_html_time(row.age, ticks)}</small>"


def _html_time(seconds: float, ticks: bool) -> str:
    since = f' data-since="{seconds:.1f}"' if ticks else ""
    return f"<time{since}>{elapsed(seconds)}</time>"


def _html_use(row: Row) -> str:
    cpu = "" if row.cpu is None else f'<span title="CPU time">{_time(row.cpu)}</span>'
    memory = "" if row.memory is None else f'<span title="memory">{size(row.memory)}</span>'
    return "<br>".join(filter(None, (cpu, memory)))


def _html_doing(row: Row) -> str:
    doing, line = escape(_doing(row)), escape(row.last_line)
    tag = "code" if _doing(row) == row.source else "span"
    pieces = [f'<{tag} class="subint-line" title="{doing}">{doing}</{tag}>' if doing else ""]
    pieces.append(f'<small class="subint-line" title="{line}">{line}</small>' if line else "")
    pieces.append(f'<em class="subint-note">{escape(row.note)}</em>' if row.note else "")
    return "".join(pieces)


def _html_traffic(row: Row) -> str:
    moved = (
        ("↓", "in", row.copied_in, row.shared_in),
        ("↑", "out", row.copied_out, row.shared_out),
    )
    return "".join(
        f'<span class="subint-line" title="{what}: {volume(copied, shared)}">'
        f"{arrow} {size(copied + shared)}</span>"
        for arrow, what, copied, shared in moved
        if copied or shared
    )


_HELP = {action: it.help for action, it in ACTIONS.items()} | {
    "kill": "end its process at once",  # there is no such button where nothing can be killed
}


def _button(row: Row, action: str) -> str:
    word, name = action.capitalize(), escape(row.name)
    return (
        f'<button type="button" data-action="{action}" data-actor="{escape(row.id)}"'
        f' aria-label="{word} {name}" title="{word}: {_HELP[action]}">{word}</button>'
    )


def _html_rest(shown: Shown) -> str:
    if not shown.rest:
        return ""
    groups = "".join(
        f"<span><b>{escape(backend)}</b> "
        + "".join(chip(kind, f"{count} {kind}") for kind, count in counts.items())
        + "</span>"
        for backend, counts in shown.rest.items()
    )
    return (
        f'<tr class="subint-more"><td colspan="{len(_COLUMNS)}">'
        f"<div><span>… and {shown.left_out} more</span>{groups}</div></td></tr>"
    )
