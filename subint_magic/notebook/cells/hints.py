"""What to do about an error of a cell that comes from where the cell has run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from subint_magic.runtime.imports import cheapest_process, missed_import

if TYPE_CHECKING:
    from subint_magic.errors import CellError
    from subint_magic.notebook.cells.request import CellRequest
    from subint_magic.runtime.actor import Actor

__all__ = ["hint"]

_UNKNOWN = re.compile(r"name '(\w+)' is not defined")

_NO_DAEMONS = "daemon threads are disabled in this "
"""What CPython's threading says of a sub-interpreter; multiprocessing's pools start some."""

_NO_LOOP = "no running event loop"


def hint(error: CellError, actor: Actor, request: CellRequest) -> str:
    """Return a line for below the traceback of *error*, or an empty one.

    Args:
        error: what the cell has raised.
        actor: where.
        request: what the cell asked for.
    """
    unknown = _UNKNOWN.match(error.message)
    if error.type_name == "NameError" and unknown and unknown[1] in request.namespace:
        name = unknown[1]
        return (
            f"The notebook has {name!r}, and the actor does not:"
            f" %%subint -i {name} gives the cell a copy."
        )
    if error.message == _NO_LOOP and "under trio" not in error.traceback:  # the actor has said so
        flag = "" if request.loop == "asyncio" else " and --loop asyncio"
        return (
            "The loop runs while a cell awaits at its top level: add an await there"
            f" (await asyncio.sleep(0)){flag}."
        )
    process = cheapest_process()
    if error.message.startswith(_NO_DAEMONS):
        return f"A sub-interpreter has none. Use a process: %%subint -b {process}."
    return missed_import(error, actor, process, named=request.name is not None) or ""
