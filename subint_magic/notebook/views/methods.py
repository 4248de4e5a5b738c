"""The spawn methods, as %spawn_backend lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subint_magic.notebook.views.tables import text_table
from subint_magic.runtime.imports import AUTO, SUMMARY
from subint_magic.spawn import get_start_method, spawn_methods

if TYPE_CHECKING:
    from subint_magic.runtime.nursery import ActorNursery

__all__ = ["look_at_spares", "methods_table"]


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


async def look_at_spares(nursery: ActorNursery) -> str:
    """Return a line on the spares that are ready; nothing if there are none."""
    spares = nursery.spares
    if not spares.ready or spares.method != get_start_method():
        return ""
    one = spares.ready == 1
    left_out = ", ".join(spares.left_out)
    why = f"\nNot imported ahead, as it cannot load there: {left_out}." if left_out else ""
    return (
        f"{spares.ready} spare actor{'' if one else 's'} of {spares.method}"
        f" {'is' if one else 'are'} ready: the next new actor of it is one of them.{why}"
    )
