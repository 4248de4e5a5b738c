"""A run in one line."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from subint_magic.notebook.views.tables import age

if TYPE_CHECKING:
    from subint_magic.notebook.live.progress import Progress

__all__ = ["last_line", "run_text"]

_WIDTH = 80
_MAX_LINE = 4096

_STYLES = re.compile(r"\x1b\[[\d;]*m")


def run_text(run: Progress, width: int = _WIDTH) -> str:
    """Return actor, backend, state and how long, and the last line of what it has to say.

    Args:
        run: the run.
        width: characters of the last line that are shown.
    """
    state = run.state
    if state in ("running", "stopping"):
        how_long = age(int(max(0, time.time() - run.since)))
    elif not run.done:
        # What is shown stands there until it runs: no duration would be true for long.
        how_long = time.strftime("since %H:%M:%S", time.localtime(run.since))
    elif run.elapsed < 60:
        how_long = f"after {run.elapsed:.1f} s"
    else:
        how_long = f"after {age(run.elapsed)}"
    text = f"{run.name} ({run.backend}): {state} {how_long}"
    line = _STYLES.sub("", run.last_word).rstrip().rpartition("\r")[2]
    if len(line) > width:
        line = f"{line[: width - 1]}…"
    return f"{text} | {line}" if line else text


def last_line(text: str) -> str:
    """Return the last line of *text*; one that is whole counts until the next has begun."""
    lines = text.rsplit("\n", 2)
    return (lines[-1] or "\n".join(lines[-2:]))[-_MAX_LINE:]
