"""What a cell costs, counted and not timed: a count is the same on any machine, and busy or not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .harness import Kernel

# Calls of Python functions, and resumptions of coroutines, in the threads that a cell waits for.
COUNT = """\
import sys, threading
from collections import Counter
tool, calls = 4, Counter()
events = sys.monitoring.events.PY_START | sys.monitoring.events.PY_RESUME
def count(code, _offset):
    calls[threading.current_thread().name] += 1
sys.monitoring.use_tool_id(tool, "costs")
for event in (sys.monitoring.events.PY_START, sys.monitoring.events.PY_RESUME):
    sys.monitoring.register_callback(tool, event, count)
"""
BEGIN = "calls.clear(); sys.monitoring.set_events(tool, events)"
END = """\
sys.monitoring.set_events(tool, 0)
import json; print(json.dumps(calls))
"""


THREADS = ("MainThread", "Control", "subint_magic control")


def least(kernel: Kernel, cell: str, where: str = "") -> int:
    """Return how many calls *cell* takes, the least of some; counted by cells that begin so."""
    counts = []
    for _ in range(5):
        kernel.ok(cell)
        kernel.ok(f"{where}{BEGIN}")
        kernel.ok(cell)
        count = json.loads(kernel.ok(f"{where}{END}").stdout)
        # The others of a kernel do the same for any cell.
        counts.append(sum(count[thread] for thread in count if thread in THREADS))
    return min(counts)


def test_a_cell_in_a_named_actor(kernel: Kernel):
    kernel.ok(f"x = 1\n{COUNT}")
    kernel.ok("%%subint -n a\nx = 1")
    added = least(kernel, "%%subint -n a\nx") - least(kernel, "x")
    kernel.ok("sys.monitoring.free_tool_id(tool)")
    assert 100 < added < 1_400, added


def test_a_cell_inside_of_its_actor(kernel: Kernel, start_method: str):
    kernel.ok(f"%%subint -n a -b {start_method}\nx = 1\n{COUNT}")
    inside = least(kernel, "%%subint -n a\nx", "%%subint -n a\n")
    assert 20 < inside < (700 if start_method.startswith("subint") else 300), inside
