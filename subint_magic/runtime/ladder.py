"""The stop ladder: how a run is stopped, whoever asks.

    loop ── exception ── wake ── insist ── end

The child does what each rung says, as it alone knows what its code waits for; the clock is here,
where no cell can hold it up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from subint_magic.wire.messages import Interrupt, Rung

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from subint_magic.runtime.runs.run import CellRun
    from subint_magic.wire.messages import ToChild

__all__ = ["GRACE", "climb"]

GRACE = 2.0
"""Seconds that a run, or a child, gets to end before it is killed or abandoned."""

PROMPT = 0.1
"""Seconds within which a run has mostly ended, if a rung can end it at all."""

INSISTENCE = 0.5
"""Seconds of KeyboardInterrupt again and again, after the grace period. Each try that does not come
where the code lets it through is in vain, and on a busy machine there are few tries in a second.
"""

_HEIGHT = {rung: height for height, rung in enumerate(Rung)}


async def climb(
    run: CellRun, rungs: Sequence[Rung], grace: float, post: Callable[[ToChild], None]
) -> bool:
    """Climb until *run* has ended; false if it has not, at the end of the ladder.

    A request that comes meanwhile climbs at once.

    Args:
        run: the run that is to stop; an interrupt with the first of *rungs* was posted.
        rungs: those that its child has, lowest first.
        grace: seconds until the last of them.
        post: sends a message to the child.
    """
    begun = trio.current_time()
    heeded = 1
    for rung in rungs:
        # Not the first: the answer to it may be here before this task has begun.
        tried_before = run.rung is not None and _HEIGHT[rung] <= _HEIGHT[run.rung]
        if tried_before and rung is not rungs[0]:
            continue  # the child had no lower one for this code, so it has tried this
        if rung is not rungs[0]:
            post(Interrupt(run.number, rung))
        tried: Rung | None = rung
        if rung is Rung.LOOP:
            with trio.move_on_after(PROMPT):
                while run.rung is None and run.requests == heeded and not run.ended.is_set():
                    await run.changed()
            tried = run.rung
        with trio.move_on_at(_patience(tried, rungs, begun + grace, grace)):
            while run.requests == heeded and not run.ended.is_set():
                await run.changed()
        if run.ended.is_set():
            return True
        if run.requests > heeded:  # each request climbs one rung, also if several come at once
            heeded += 1
    return False


def _patience(tried: Rung | None, rungs: Sequence[Rung], end: float, grace: float) -> float:
    """Return when the rung after *tried* is due, for a grace period until *end*."""
    now = trio.current_time()
    if tried is None:  # the cell does not let its event loop turn
        return now
    if tried is Rung.LOOP:
        return end - grace / 2
    if tried is Rung.INSIST:
        return max(now, end) + INSISTENCE
    if tried is Rung.EXCEPTION and Rung.WAKE in rungs:
        return min(now + PROMPT, end)
    return end
