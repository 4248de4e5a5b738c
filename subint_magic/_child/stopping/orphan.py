"""What an actor does once nobody is there any more to ask for its end."""

from __future__ import annotations

import os
import threading
import time

from subint_magic._child.stopping.async_exc import set_async_exc
from subint_magic._child.stopping.interrupt import INSISTENCE, LAST, NOBODY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from subint_magic._child.shared.offspring import Offspring
    from subint_magic._child.stopping.interrupt import Fence

GRACE = 2.0
"""Seconds that a process whose parent vanished gets for its ``finally`` blocks."""


def end_cells(fence: Fence, offspring: Offspring) -> Iterator[None]:
    """End what runs, a step at a time; the caller stops once it has ended.

    This is also how an abandoned sub-interpreter is ended, as soon as that is possible: to be
    abandoned is to lose the parent.
    """
    now = time.monotonic()
    # What was asked to stop before has had its time for ``finally`` blocks.
    force, end = now + (0 if fence.rung else GRACE / 2), now + GRACE
    fence.interrupt_any()
    while True:
        yield
        now = time.monotonic()
        if now >= force:
            fence.insist()
            if not fence.owns_process:
                offspring.end()
                if fence.armed in (NOBODY, LAST):  # else a cell may wait for one of them
                    _end_threads(fence.thread)
        if now >= end and fence.owns_process:
            end_group()
        time.sleep(INSISTENCE)


def _end_threads(executor: int) -> None:
    """End the threads that the cells have left, as soon as they run bytecode."""
    for thread in threading.enumerate():
        if thread.ident not in (None, threading.get_ident(), executor):
            set_async_exc(thread.ident, SystemExit)


def end_group() -> None:
    """End this process and what is in its group, when there is no parent to do it."""
    os.killpg(os.getpid(), 9)  # SIGKILL
