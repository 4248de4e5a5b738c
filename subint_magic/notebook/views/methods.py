"""The spawn methods, as %spawn_backend lists them."""

from __future__ import annotations

from subint_magic.notebook.views.tables import text_table
from subint_magic.runtime.imports import AUTO, SUMMARY
from subint_magic.spawn import spawn_methods

__all__ = ["methods_table"]


def methods_table(*, auto_selected: bool) -> str:
    """Return the table of all, with what selects one itself."""
    rows = [
        [
            "→" if status.selected and not auto_selected else "",
            status.key,
            "yes" if status.available else "no",
            status.reason or status.summary,
        ]
        for status in spawn_methods()
    ]
    rows.append(["→" if auto_selected else "", AUTO, "yes", SUMMARY])
    return text_table(["", "backend", "here", ""], rows)
