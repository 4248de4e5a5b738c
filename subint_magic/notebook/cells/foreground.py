"""A cell that the notebook waits for, with the line that tells of it when it takes long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subint_magic.notebook.cells.asking import CellAnswer
from subint_magic.notebook.cells.jobs import Job
from subint_magic.notebook.live.run_view import RunLine
from subint_magic.notebook.live.starting_cell import StartingCell

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from subint_magic.notebook.cells.request import CellRequest
    from subint_magic.notebook.live.screen import Screen

__all__ = ["foreground"]


def foreground(
    screen: Screen,
    shell: InteractiveShell,
    request: CellRequest,
    *,
    quiet: bool,
    whole_cell: bool,
) -> Job:
    """Return the job of a cell that is to be waited for. Called in the cell, by its thread.

    Args:
        screen: shows how far it is.
        shell: the shell of the cell.
        request: says what to run.
        quiet: whether to show only what the cell shows.
        whole_cell: whether there is nothing else in the cell, before it or around it.
    """
    answer = CellAnswer(shell)
    job = Job(screen.host, shell, request, answer, whole_cell=whole_cell)
    answer.call_waiter = job.task.call_waiter
    place = StartingCell(shell)
    if place.can_update and not quiet:
        line = RunLine(
            screen,
            place,
            job.progress,
            lambda: job.stop("its Cancel button"),
            with_output=False,
            head=job.output.head,
        )
        job.listeners.append(line.hear)
        job.task.add_done_callback(line.settle)
    return job
